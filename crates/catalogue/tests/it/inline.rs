//! Actions that stand in the document.

use crate::support::{World, describe, id, show_all};
use taskmaster_core::action::{ActionKind, When};
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::document::{InlineAction, InlineKind};

fn block(kind: InlineKind, language: &str, body: &str) -> InlineAction {
    InlineAction { kind, language: language.into(), body: body.into(), line: 9 }
}

fn world(blocks: Vec<InlineAction>) -> World {
    let mut world = World::new();
    world.document.tasks[0].inline_actions = blocks;
    world.allow_inline = true;
    world
}

#[test]
fn blocks_become_an_action_of_their_own_kind() {
    let world = world(vec![
        block(InlineKind::Check, "sh", "test -e x"),
        block(InlineKind::Run, "bash", "echo {{ not.a.template }} $TM_VAR_NAME"),
        block(InlineKind::Run, "python", "print(1)"),
        block(InlineKind::Verify, "node", "process.exit(0)"),
    ])
    .var("name", "x\"; rm -rf /");
    let binding = world.binding("defaults: {timeout: 5m}\ntasks: {}\n");
    let action = binding.action.unwrap();
    assert_eq!(action.kind, ActionKind::Inline);
    assert_eq!(
        describe(&action),
        "run    run: bash -eu -o pipefail -c \"echo {{ not.a.template }} $TM_VAR_NAME\" TM_VAR_NAME=x\"; rm -rf /
run    run: python3 -c print(1)
check  check: sh -eu -c \"test -e x\" | true [0] false [1]
verify verify: node -e process.exit(0) | true [0] false [1]"
    );
    assert_eq!(binding.policy.timeout_ms, Some(300_000));
    assert_eq!(binding.place, "prd/platform.md:7");
    assert_eq!(binding.tools, ["bash", "node", "python3", "sh"]);
}

#[test]
fn without_the_flag_nothing_of_the_document_is_bound() {
    let mut world = world(vec![block(InlineKind::Run, "sh", "x")]);
    world.allow_inline = false;
    let bound = world.bind("tasks: {}\n");
    assert!(bound.bindings.is_empty());
    assert!(bound.unbound.contains(&id("T1")));
}

#[test]
fn a_catalogue_wins_over_the_document() {
    let world = world(vec![block(InlineKind::Run, "sh", "from-document")]);
    let action = world.binding("tasks: {T1: {run: {exec: [from-catalogue]}}}").action.unwrap();
    assert_eq!(describe(&action), "run    exec: from-catalogue");
}

#[test]
fn an_entry_without_an_action_gives_policy_and_variables_to_the_blocks() {
    let world = world(vec![block(InlineKind::Run, "sh", "echo $TM_VAR_X")]);
    let text = "tasks: {T1: {vars: {x: 5}, timeout: 9s, needs: T2, locks: a}}";
    let binding = world.binding(text);
    assert_eq!(describe(&binding.action.unwrap()), "run    run: sh -eu -c \"echo $TM_VAR_X\" TM_VAR_X=5");
    assert_eq!((binding.policy.timeout_ms, binding.needs), (Some(9_000), vec![id("T2")]));
    let skipped = world.binding("tasks: {T1: {vars: {x: 5}, when: {never: not here}}}");
    assert_eq!(skipped.when, When::Skip { reason: "not here".into() });
    assert!(world.faults("tasks: {T1: {vars: {x: 5}, when: nope}}").contains("bind-undefined-variable"));
    assert!(world.faults("tasks: {T1: {vars: {x: 5}, needs: T99}}").contains("bind-needs"));
}

#[test]
fn faults_of_blocks_have_places_in_the_document() {
    let cases = [
        (vec![block(InlineKind::Run, "cobol", "x")], "no interpreter is known for `cobol` (line 9)"),
        (vec![block(InlineKind::Check, "sh", "x")], "but no `run` block"),
        (
            vec![block(InlineKind::Run, "sh", "$TM_VAR_NOPE")],
            "no variable is handed over as `TM_VAR_NOPE` (block at line 9)",
        ),
        (vec![block(InlineKind::Run, "sh", &"x".repeat(100_001))], "more than 100000 bytes"),
        (
            vec![
                block(InlineKind::Run, "sh", "x"),
                block(InlineKind::Check, "sh", "a"),
                block(InlineKind::Check, "sh", "b"),
            ],
            "a second block of its kind at line 9",
        ),
    ];
    for (blocks, message) in cases {
        let world = world(blocks);
        let bound = world.bind("tasks: {}\n");
        let found = bound.document_diagnostics.iter().find(|d| d.code == "bind-inline").expect(message);
        assert!(found.message.contains(message), "{}", found.message);
        assert_eq!(found.span, Some(world.document.tasks[0].span));
        assert_eq!(show_all("", &bound.diagnostics), "");
        let error =
            world.with(|inputs| crate::support::load_one("tasks: {}").catalogue.rebind(&id("T1"), inputs));
        assert_eq!(error.unwrap_err()[0].code, "bind-inline");
    }
}

#[test]
fn every_language_has_its_interpreter() {
    for (language, program) in [
        ("SH", "sh"),
        ("shell", "sh"),
        ("zsh", "zsh"),
        ("py", "python3"),
        ("js", "node"),
        ("rb", "ruby"),
        ("perl", "perl"),
    ] {
        let binding = world(vec![block(InlineKind::Run, language, "x")]).binding("tasks: {}\n");
        assert_eq!(binding.tools, [program], "{language}");
    }
}

/// A variable's fault stands in the catalogue, whoever uses it.
#[test]
fn a_fault_of_a_variable_is_one_of_the_catalogue() {
    let text = "vars: {a: '{{ vars.b }}'}\ntasks: {}\n";
    let bound = world(vec![block(InlineKind::Run, "sh", "true")]).bind(text);
    assert_eq!(
        show_all(text, &bound.diagnostics),
        "error[bind-undefined-variable] 1:15 `vars.b` there is no variable `b` (known here: a)"
    );
    assert!(bound.document_diagnostics.iter().all(|found| found.severity < Severity::Error));
}
