//! How entries find their tasks and what a binding holds.

use crate::support::{World, id, load_one, phase, show_all, task};
use taskmaster_catalogue::{SourceText, load};
use taskmaster_core::action::{Expectation, FailureKind, OrphanPolicy, Policy, When};
use taskmaster_core::id::PhaseId;

#[test]
fn an_entry_binds_by_id_or_by_phase_and_title() {
    let text = "
tasks:
  - {id: T1, run: {exec: [one]}}
  - {phase: 1, title: 'install ARGO-CD', run: {exec: [two]}}
  - {phase: delivery, title: Deploy, run: {exec: [three]}}
  - {title: Verify, run: {exec: [four]}}
";
    let bound = World::new().bind(text);
    assert_eq!(show_all(text, &bound.diagnostics), "");
    let programs: Vec<String> =
        bound.bindings.values().map(|b| b.tools.first().cloned().unwrap_or_default()).collect();
    assert_eq!(programs, ["one", "two", "three", "four"]);
    assert!(bound.unbound.is_empty());
}

#[test]
fn a_phase_is_found_by_number_title_id_or_a_word_of_its_own() {
    for name in
        ["1", "Phase 1", "phase 1", "infrastructure-setup", "Infrastructure setup", "infrastructure", "Setup"]
    {
        let text = format!("tasks:\n  - {{phase: '{name}', title: Install Argo CD, run: {{exec: [x]}}}}\n");
        let bound = World::new().bind(&text);
        assert!(bound.bindings.contains_key("T2"), "{name}: {}", show_all(&text, &bound.diagnostics));
    }
    let mut world = World::new();
    world.document.phases.push(phase("delivery-setup", "3", "Delivery Setup"));
    let text = "tasks:\n  - {phase: setup, title: Install Argo CD, run: {exec: [x]}}\n";
    let faults = world.faults(text);
    assert!(
        faults.contains("warning[bind-unused-entry] 2:13 `setup` `setup` names no phase, or several"),
        "{faults}"
    );
}

#[test]
fn a_task_of_a_nested_phase_is_found_through_its_parent() {
    let mut world = World::new();
    let mut inner = phase("inner", "1.1", "Inner");
    inner.parent = Some(PhaseId::from("infrastructure-setup"));
    world.document.phases.push(inner);
    world.document.tasks.push(task("T5", "Deep", "inner"));
    let bound = world.bind("tasks:\n  - {phase: 1, title: Deep, run: {exec: [x]}}\n");
    assert!(bound.bindings.contains_key("T5"));
}

#[test]
fn entries_that_find_no_task_or_several_are_told() {
    let mut world = World::new();
    world.document.tasks.push(task("T9", "Verify", "infrastructure-setup"));
    let faults = world.faults(
        "tasks:\n  T11: {run: {exec: [x]}}\n  a: {title: Instal Argo CD, run: {exec: [x]}}\n  b: {title: Verify, run: {exec: [x]}}\n",
    );
    assert_eq!(
        faults,
        "warning[bind-unused-entry] 2:3 `T11` the document has no task `T11`: this entry is not used (did you mean `T1`?)
warning[bind-unused-entry] 3:14 `Instal Argo CD` the document has no task `Instal Argo CD` there: this entry is not used (did you mean `Install Argo CD`?)
error[bind-ambiguous-entry] 4:14 `Verify` `Verify` is the title of several tasks (bind one of them by its id: T4, T9)"
    );
}

#[test]
fn two_bindings_of_one_task_are_an_error_in_one_file_and_across_files() {
    let twice = "tasks:\n  - {id: T1, run: {exec: [a]}}\n  - {title: Create the cluster, run: {exec: [b]}}\n";
    assert_eq!(
        World::new().faults(twice),
        "error[bind-duplicate] 3:13 `Create the cluster` the task `T1` is bound twice (it is bound at tasks/test.yaml:2 already; keep one of the two)"
    );
    let sources =
        [("a.yaml", "tasks: {T1: {run: {exec: [a]}}}"), ("b.yaml", "tasks: {T1: {run: {exec: [b]}}}")];
    let loaded = load(&sources.map(|(name, text)| SourceText { name, text }));
    let bound = World::new().with(|inputs| loaded.catalogue.bind(inputs));
    let [found] = bound.diagnostics.as_slice() else { panic!("{:?}", bound.diagnostics) };
    assert_eq!((found.code, found.source), ("bind-duplicate", 1));
    assert!(found.help.as_ref().unwrap().contains("a.yaml:1"));
    assert_eq!(bound.bindings["T1"].tools, ["a"], "the first one stands");
}

#[test]
fn the_policy_comes_from_the_entry_then_the_defaults_then_the_engine() {
    let plain = World::new().binding("tasks: {T1: {run: {exec: [x]}}}");
    assert_eq!(plain.policy, Policy::default());
    let text = "
defaults:
  timeout: 15m
  grace: 3s
  retry: {attempts: 3, base_delay: 2s, max_delay: 1m, jitter: false}
tasks:
  T1:
    run: {exec: [x]}
    timeout: 1h
    check_timeout: 5s
    verify_timeout: 2m
    verify_interval: 0
    locks: [a, b]
    idempotent: false
    irreversible: true
    orphan: stop
    expect: rolled_back
    retry: {attempts: 5, on: [timeout, http]}
";
    let policy = World::new().binding(text).policy;
    assert_eq!(policy.timeout_ms, Some(3_600_000));
    assert_eq!((policy.grace_ms, policy.check_timeout_ms), (3_000, 5_000));
    assert_eq!((policy.verify_timeout_ms, policy.verify_interval_ms), (120_000, 1));
    assert_eq!(policy.locks, ["a", "b"]);
    assert!(!policy.idempotent && policy.irreversible);
    assert_eq!((policy.orphan, policy.expect), (OrphanPolicy::Stop, Expectation::RolledBack));
    let retry = policy.retry;
    assert_eq!(
        (retry.attempts, retry.base_delay_ms, retry.max_delay_ms, retry.jitter),
        (5, 2_000, 60_000, false)
    );
    assert_eq!(retry.on, [FailureKind::Timeout, FailureKind::Http]);
}

#[test]
fn every_word_of_a_policy_means_its_kind() {
    use FailureKind::{CheckError, ExitCode, Http, NotVerified, Outputs, Signal, Spawn, Timeout};
    let on = "[exit_code, signal, timeout, spawn, check_error, not_verified, http, outputs]";
    let text =
        format!("tasks: {{T1: {{run: {{exec: [x]}}, orphan: wait, expect: failure, retry: {{on: {on}}}}}}}");
    let policy = World::new().binding(&text).policy;
    assert_eq!(policy.retry.on, [ExitCode, Signal, Timeout, Spawn, CheckError, NotVerified, Http, Outputs]);
    assert_eq!((policy.orphan, policy.expect), (OrphanPolicy::Wait, Expectation::Failure));
    let short =
        World::new().binding("tasks: {T1: {run: {exec: [x]}, expect: success, retry: {base_delay: 5m}}}");
    assert_eq!(short.policy.retry.max_delay_ms, 300_000, "never below the first delay");
}

#[test]
fn a_binding_names_its_needs_tools_locks_inputs_and_place() {
    let text = "
tasks:
  T1:
    needs: [T2, T3, T2]
    inputs: [charts/**, '{{ env }}/*.yaml']
    locks: mine
    check: {exec: [/usr/bin/true]}
    verify: {kubectl: {apply: x.yaml}}
    run:
      - terraform: {dir: infra}
      - exec: [./script]
";
    let binding = World::new().binding(text);
    assert_eq!(binding.needs, [id("T2"), id("T3")]);
    assert_eq!(binding.tools, ["kubectl", "terraform"]);
    assert_eq!(binding.policy.locks, ["mine", "terraform:infra"]);
    assert_eq!(binding.inputs, ["charts/**", "kind/*.yaml"]);
    assert_eq!(binding.place, "tasks/test.yaml:3");
    assert!(binding.awaits.is_empty());
}

#[test]
fn needs_that_cannot_be_are_errors() {
    assert_eq!(
        World::new().faults("tasks: {T1: {needs: [T1, T22], run: {exec: [x]}}}"),
        "error[bind-needs] 1:22 `T1` a task cannot wait for itself
error[bind-needs] 1:26 `T22` the document has no task `T22` (did you mean `T2`?)"
    );
}

#[test]
fn a_manual_entry_has_no_action() {
    let binding = World::new().binding("tasks: {T1: {manual: true, needs: T2}}");
    assert!(binding.action.is_none() && binding.when == When::Include);
    assert_eq!(binding.needs, [id("T2")]);
    let both = World::new().faults("tasks: {T1: {manual: true, run: {exec: [x]}}}");
    assert!(both.contains("bind-missing-run] 1:9 `T1` both `manual` and `run` are given"), "{both}");
    let neither = World::new().faults("tasks: {T1: {timeout: 5s}}");
    assert!(neither.contains("bind-missing-run] 1:9 `T1` this entry says not what is done"), "{neither}");
}

#[test]
fn what_nothing_binds_is_named() {
    let mut world = World::new();
    world.document.tasks[3].parent = Some(id("T3"));
    let bound = world.bind("tasks: {T1: {run: {exec: [x]}}}");
    assert_eq!(bound.unbound, [id("T2"), id("T4")], "a parent of subtasks completes with them");
    assert!(bound.document_diagnostics.is_empty(), "who plans knows whether they are meant");
}

#[test]
fn after_faults_of_loading_nothing_is_called_unbound() {
    let loaded = load_one("tasks: {T1: {run: {exec: 5}}}");
    assert!(!loaded.diagnostics.is_empty());
    let bound = World::new().with(|inputs| loaded.catalogue.bind(inputs));
    assert!(bound.document_diagnostics.is_empty());
    assert_eq!(bound.unbound.len(), 4);
}

#[test]
fn a_digest_follows_what_is_run_and_nothing_else() {
    let digest = |text: &str| World::new().binding(text).digest;
    let base = digest("tasks: {T1: {run: {exec: [x, '{{ project }}']}}}");
    let mut elsewhere = World::new();
    elsewhere.project_root = "/another/place".into();
    let moved = elsewhere.binding("tasks: {T1: {run: {exec: [x, '{{ project }}']}}}");
    assert_eq!(moved.digest, base, "a project may move");
    let unrelated = digest(
        "vars: {a: 1}\ntasks: {T1: {timeout: 5m, locks: q, undo: {exec: [y]}, check: {exec: [z]}, run: {exec: [x, '{{ project }}']}}}",
    );
    assert_eq!(unrelated, base, "policy, check and undo do not count");
    for other in [
        "tasks: {T1: {run: {exec: [x, y]}}}",
        "tasks: {T1: {run: {exec: [x, '{{ project }}'], }, inputs: [a]}}",
        "tasks: {T1: {run: {exec: {argv: [x, '{{ project }}'], env: {A: b}}}}}",
        "tasks: {T1: {run: {exec: [x, '{{ project }}']}, verify: {exec: [z]}}}",
        "tasks: {T1: {run: {exec: [x, '{{ project }}']}, outputs: json}}",
    ] {
        assert_ne!(digest(other), base, "{other}");
    }
}

#[test]
fn check_undo_and_outputs_can_be_replaced_or_left_out() {
    let text = "tasks: {T1: {run: {terraform: {dir: infra}}, check: none, undo: none, outputs: none}}";
    let action = World::new().binding(text).action.unwrap();
    assert!(action.check.is_none() && action.undo.is_empty() && action.outputs.is_none());
    let text = "tasks: {T1: {run: {terraform: {dir: infra}}, undo: [{exec: [a]}, {exec: [b]}]}}";
    let action = World::new().binding(text).action.unwrap();
    assert_eq!(action.undo.iter().map(crate::support::line).collect::<Vec<_>>(), ["exec: a", "exec: b"]);
}

#[test]
fn several_files_and_documents_stand_beside_each_other() {
    let mine = "document: prd/platform.md\nenvironment: [kind, dev]\ntasks: {T1: {run: {exec: [mine]}}}";
    let other = "document: [other, prd/x.md]\ntasks: {T1: {run: {exec: [other]}}, X9: {run: {exec: [x]}}}";
    let elsewhere = "environment: prod\ntasks: {T1: {run: {exec: [prod]}}}";
    let sources = [("a", mine), ("b", other), ("c", elsewhere)].map(|(name, text)| SourceText { name, text });
    let loaded = load(&sources);
    assert!(loaded.diagnostics.is_empty());
    let names: Vec<String> = loaded.catalogue.environments().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["dev", "kind", "prod"]);
    let programs = |world: World| {
        let bound = world.with(|inputs| loaded.catalogue.bind(inputs));
        (bound.diagnostics.len(), bound.bindings.values().flat_map(|b| b.tools.clone()).collect::<Vec<_>>())
    };
    assert_eq!(programs(World::new()), (0, vec!["mine".to_owned()]));
    assert_eq!(programs(World::new().in_environment("prod")), (0, vec!["prod".to_owned()]));
    let mut by_id = World::new();
    by_id.document.metadata.id = Some(taskmaster_core::id::DocumentId::from("other"));
    let (faults, _) = programs(by_id);
    assert_eq!(faults, 2, "X9 is no task, and T1 is bound by its path and by its id");
}
