//! Dispositions row by row, selections, and what a plan holds.

use super::*;
use crate::action::{Action, ActionKind, Binding, Bindings, Invocation, Policy, Probe, Step, When};
use crate::build::{document, phase, task};
use crate::document::{Claim, Edge, EdgeKind, InlineAction, InlineKind};
use crate::id::Digest;
use crate::plan::PlannedTask;
use crate::state::TaskState;
use proptest::prelude::*;

fn step(invocation: Invocation) -> Step {
    Step { name: "run".to_owned(), invocation }
}

fn action(with_check: bool) -> Action {
    let wait = || step(Invocation::Wait { duration_ms: 1 });
    let probe = || Probe {
        error_words: Vec::new(),
        fault_words: Vec::new(),
        also: Vec::new(),
        prepare: Vec::new(),
        decide: wait(),
        true_codes: vec![0],
        false_codes: vec![1],
        false_words: Vec::new(),
        output: Vec::new(),
    };
    Action {
        kind: ActionKind::Shell,
        check: with_check.then(|| Box::new(probe())),
        run: vec![wait()],
        verify: None,
        undo: Vec::new(),
        outputs: None,
    }
}

fn binding(id: &str, with_check: bool) -> Binding {
    Binding {
        task: id.into(),
        action: Some(action(with_check)),
        policy: Policy::default(),
        when: When::Include,
        needs: Vec::new(),
        inputs: Vec::new(),
        awaits: Vec::new(),
        tools: Vec::new(),
        digest: Digest::of(b"now"),
        place: "tasks/local.yaml:7".to_owned(),
    }
}

/// A document, what binds its tasks, and what is recorded about them.
struct World {
    document: Document,
    bindings: Bindings,
    recorded: HashMap<TaskKey, Recorded>,
    options: ResolveOptions,
}

impl World {
    /// Tasks `a`, `b`, … of the phase `p`, each bound with a check, each waiting for the one before.
    fn chain(titles: &str) -> Self {
        let mut document = document(Vec::new(), titles.split(' ').map(|title| task("p", title)).collect());
        for i in 1..document.tasks.len() {
            let before = document.tasks[i - 1].id.clone();
            document.tasks[i].dependencies.push(before);
        }
        let bindings =
            document.tasks.iter().map(|task| (task.id.clone(), Box::new(binding(task.id.as_str(), true))));
        Self {
            bindings: bindings.collect(),
            document,
            recorded: HashMap::new(),
            options: ResolveOptions::default(),
        }
    }

    fn task(&mut self, title: &str) -> &mut Task {
        let id = format!("p/{title}");
        self.document.tasks.iter_mut().find(|task| task.id.as_str() == id).unwrap()
    }

    fn binding(&mut self, title: &str) -> &mut Binding {
        self.bindings.get_mut(format!("p/{title}").as_str()).unwrap()
    }

    fn unbind(&mut self, title: &str) {
        self.bindings.remove(format!("p/{title}").as_str());
    }

    fn record(&mut self, title: &str, state: TaskState) -> &mut Recorded {
        let known = self.recorded.entry(TaskKey::new(format!("key p/{title}"))).or_default();
        known.state = state;
        known.digest = Some(Digest::of(b"now"));
        known
    }

    fn resolve(&self, selection: &Selection) -> Result<Resolved, ResolveError> {
        let key = |task: &Task| (task.id.clone(), TaskKey::new(format!("key {}", task.id)));
        let keys = self.document.tasks.iter().map(key).collect();
        resolve(
            &Inputs {
                document: &self.document,
                document_id: &DocumentId::new("doc"),
                revision: 4,
                environment: &EnvironmentName::new("local"),
                number: 7,
                bindings: &self.bindings,
                keys: &keys,
                recorded: &self.recorded,
            },
            selection,
            &self.options,
        )
    }

    fn all(&self) -> Resolved {
        self.resolve(&Selection::default()).unwrap()
    }

    fn disposition(&self, title: &str) -> Disposition {
        let id = format!("p/{title}");
        self.all().plan.tasks.into_iter().find(|task| task.id.as_str() == id).unwrap().disposition
    }

    /// What a selection of tasks holds, as `title<dependencies`.
    fn selected(&self, selection: &Selection) -> Vec<String> {
        let plan = self.resolve(selection).unwrap().plan;
        let told = |task: &PlannedTask| {
            let before: Vec<&str> = task.dependencies.iter().map(|&d| plan.tasks[d].title.as_str()).collect();
            format!("{}<{}", task.title, before.join(","))
        };
        plan.tasks.iter().map(told).collect()
    }

    fn unmet(&self, selection: &Selection) -> Vec<String> {
        match self.resolve(selection) {
            Err(ResolveError::UnmetDependencies(unmet)) => unmet
                .iter()
                .map(|unmet| format!("{} for {}: {}", unmet.task, unmet.needed_by, unmet.reason))
                .collect(),
            other => panic!("{other:?}"),
        }
    }
}

fn tasks(names: &[&str]) -> Selection {
    Selection { tasks: names.iter().map(ToString::to_string).collect(), ..Selection::default() }
}

fn skipped(reason: &str) -> Disposition {
    Disposition::Skip { reason: reason.to_owned() }
}

fn recorded(state: TaskState) -> Disposition {
    Disposition::Recorded { state }
}

#[test]
fn a_plan_holds_what_the_run_needs() {
    let mut world = World::chain("a b");
    world.record("a", TaskState::Completed).last_duration_ms = Some(1200);
    let Resolved { plan, diagnostics } = world.all();
    assert_eq!((plan.number, plan.revision, plan.document.as_str()), (7, 4, "doc"));
    assert_eq!(diagnostics, []);
    let [a, b] = &plan.tasks[..] else { panic!("two tasks") };
    assert_eq!((a.id.as_str(), a.key.as_str(), a.ordinal.as_str()), ("p/a", "key p/a", "1.1"));
    assert_eq!((a.kind, a.has_check, a.has_verify), (Some(ActionKind::Shell), true, false));
    assert_eq!((a.last_duration_ms, b.dependencies.as_slice()), (Some(1200), &[0][..]));
    assert_eq!(a.digest, Some(Digest::of(b"now")));
    assert_eq!(a.disposition, Disposition::Execute, "a check decides, whatever is recorded");
    assert_eq!(plan.critical_path().unwrap().tasks, [0, 1]);
    assert_eq!(plan.durations_ms(), [1200, 1200], "the median stands in for what is not known");
}

#[test]
fn intent_of_the_author_comes_first() {
    let mut world = World::chain("a b c");
    world.task("a").status = Claim::Cancelled;
    world.task("b").optional = true;
    world.binding("c").when = When::Skip { reason: "needs a cluster".to_owned() };
    world.record("c", TaskState::Unknown { reason: "killed".to_owned() });
    assert_eq!(world.disposition("a"), Disposition::Cancelled);
    assert_eq!(world.disposition("b"), skipped("optional"));
    assert_eq!(world.disposition("c"), skipped("needs a cluster"));
    world.options.include_cancelled = true;
    world.options.include_optional = true;
    assert_eq!(world.disposition("a"), Disposition::Execute);
    assert_eq!(world.disposition("b"), Disposition::Execute);
}

#[test]
fn a_claim_is_decided_by_the_check_or_taken() {
    let mut world = World::chain("checked bare unbound");
    for title in ["checked", "bare", "unbound"] {
        world.task(title).status = Claim::Completed;
    }
    *world.binding("bare") = binding("p/bare", false);
    world.unbind("unbound");
    assert_eq!(world.disposition("checked"), Disposition::Execute);
    assert_eq!(world.disposition("bare"), Disposition::Claimed);
    assert_eq!(world.disposition("unbound"), Disposition::Claimed);
    assert_eq!(world.all().diagnostics, [], "what is taken as done needs no binding");
    world.options.ignore_marks = true;
    assert_eq!(world.disposition("bare"), Disposition::Execute);
    assert_eq!(world.disposition("unbound"), Disposition::Manual);
}

#[test]
fn a_task_without_check_stays_completed_while_its_digest_is_the_same() {
    let mut world = World::chain("a");
    *world.binding("a") = binding("p/a", false);
    world.record("a", TaskState::Completed);
    assert_eq!(world.disposition("a"), recorded(TaskState::Completed));
    world.task("a").status = Claim::Completed;
    assert_eq!(world.disposition("a"), recorded(TaskState::Completed), "evidence before claim");
    world.task("a").status = Claim::Pending;
    world.binding("a").digest = Digest::of(b"changed");
    assert_eq!(world.disposition("a"), Disposition::Execute);
    let known = world.record("a", TaskState::Completed);
    (known.digest, known.by) = (None, Some("alice".to_owned()));
    assert_eq!(world.disposition("a"), recorded(TaskState::Completed), "a person spoke of the task");
    world.record("a", TaskState::Claimed);
    assert_eq!(world.disposition("a"), Disposition::Execute, "a claim is no evidence");
    let failed = TaskState::Failed { reason: "boom".to_owned() };
    world.record("a", failed).digest = Some(Digest::of(b"changed"));
    assert_eq!(world.disposition("a"), Disposition::Execute);
}

/// What write-back makes of a mark never changes what is done next: ticked, where it was done, and taken back, where
/// a check decides anyway.
#[test]
fn a_mark_that_evidence_wrote_changes_nothing() {
    let failed = TaskState::Failed { reason: "boom".to_owned() };
    let blocked = TaskState::Blocked { by: "x".into() };
    for has_check in [true, false] {
        for digest in [Some(Digest::of(b"now")), Some(Digest::of(b"changed")), None] {
            for state in [
                TaskState::Completed,
                TaskState::Satisfied,
                TaskState::Pending,
                failed.clone(),
                blocked.clone(),
            ] {
                for is_bound in [true, false] {
                    let mut world = World::chain("a");
                    *world.binding("a") = binding("p/a", has_check);
                    if !is_bound {
                        world.unbind("a");
                    }
                    let is_done = state.lets_dependants_go();
                    let known = world.record("a", state.clone());
                    known.by = digest.is_none().then(|| "alice".to_owned());
                    known.digest.clone_from(&digest);
                    let open = world.disposition("a");
                    world.task("a").status = Claim::InProgress;
                    assert_eq!(world.disposition("a"), open, "{state:?} {digest:?}");
                    world.task("a").status = Claim::Completed;
                    if is_done || (has_check && is_bound) {
                        assert_eq!(
                            world.disposition("a"),
                            open,
                            "{state:?} {digest:?} {has_check} {is_bound}"
                        );
                    }
                }
            }
        }
    }
}

/// Done once, ticked by write-back, then edited: an attempt of the new action that failed or was interrupted leaves a
/// mark that tells of the old one.
#[test]
fn a_mark_older_than_the_last_attempt_is_no_claim() {
    let failed = TaskState::Failed { reason: "boom".to_owned() };
    for state in [TaskState::Pending, failed, TaskState::Claimed] {
        let mut world = World::chain("a");
        *world.binding("a") = binding("p/a", false);
        world.task("a").status = Claim::Completed;
        world.record("a", state.clone()).last_duration_ms = Some(7);
        assert_eq!(world.disposition("a"), Disposition::Execute, "{state:?}");
        world.record("a", state.clone()).last_duration_ms = None;
        assert_eq!(world.disposition("a"), Disposition::Claimed, "never done here: {state:?}");
    }
}

#[test]
fn a_lost_end_stays_unknown_until_it_is_resolved() {
    let mut world = World::chain("a b");
    world.record("a", TaskState::Unknown { reason: "killed".to_owned() });
    world.record("b", TaskState::Pending).open_attempt = Some("01A".into());
    assert_eq!(world.disposition("a"), Disposition::Unknown { reason: "killed".to_owned() });
    let reason = "the end of attempt 01A is not recorded".to_owned();
    assert_eq!(world.disposition("b"), Disposition::Unknown { reason });
}

#[test]
fn only_what_a_person_left_out_stays_left_out() {
    let mut world = World::chain("a b");
    let skip = TaskState::Skipped { reason: "not today".to_owned() };
    world.record("a", skip.clone()).by = Some("alice".to_owned());
    world.record("b", TaskState::Cancelled);
    assert_eq!(world.disposition("a"), recorded(skip));
    assert_eq!(
        world.disposition("b"),
        Disposition::Execute,
        "the document had cancelled it, and does no more"
    );
}

#[test]
fn many_tasks_that_nothing_binds_are_told_of_together() {
    for (count, told, last) in [
        (5, 5, "nothing binds `p/t4` in the environment `local`"),
        (6, 6, "nothing binds `p/t5` in the environment `local`"),
        (7, 6, "nothing binds `p/t5` (and 1 more) in the environment `local`"),
        (40, 6, "nothing binds `p/t5` (and 34 more) in the environment `local`"),
    ] {
        let titles: Vec<String> = (0..count).map(|number| format!("t{number}")).collect();
        let mut world = World::chain(&titles.join(" "));
        titles.iter().for_each(|title| world.unbind(title));
        let found = world.all().diagnostics;
        assert_eq!((found.len(), &*found[told - 1].message), (told, last));
        assert_eq!(found[0].message, "nothing binds `p/t0` in the environment `local`");
    }
}

#[test]
fn what_nothing_binds_waits_for_a_person_and_is_told() {
    let mut world = World::chain("a b c");
    world.unbind("a");
    world.unbind("b");
    world.task("b").inline_actions.push(InlineAction {
        kind: InlineKind::Run,
        language: "bash".to_owned(),
        body: "true".to_owned(),
        line: 3,
    });
    world.binding("c").action = None;
    for title in ["a", "b", "c"] {
        assert_eq!(world.disposition(title), Disposition::Manual);
    }
    let found = world.all().diagnostics;
    let told: Vec<_> = found.iter().map(|found| (found.code, found.severity, &*found.message)).collect();
    let warning = Severity::Warning;
    assert_eq!(
        told,
        [
            ("bind-unbound", warning, "nothing binds `p/a` in the environment `local`"),
            ("bind-inline-refused", warning, "the action of `p/b` stands in the document and is not run"),
        ],
        "`manual: true` says so in so many words"
    );
    assert!(found[1].help.as_deref().is_some_and(|help| help.contains("--allow-inline")));
    world.options.strict = true;
    let Err(ResolveError::Unbound(errors)) = world.resolve(&Selection::default()) else { panic!("strict") };
    assert!(errors.len() == 2 && errors.iter().all(|found| found.severity == Severity::Error));
    world.record("a", TaskState::Completed).digest = None;
    assert_eq!(
        world.resolve(&tasks(&["a"])).unwrap().plan.tasks[0].disposition,
        recorded(TaskState::Completed),
        "what a person has done before stays done"
    );
}

#[test]
fn a_parent_that_nothing_binds_is_a_group() {
    let mut world = World::chain("parent child other");
    world.task("child").parent = Some("p/parent".into());
    world.task("child").dependencies.clear();
    world.task("parent").status = Claim::Completed;
    world.unbind("parent");
    assert_eq!(world.disposition("parent"), Disposition::Group, "its subtasks decide, not its mark");
    let all = world.selected(&Selection::default());
    assert_eq!(all, ["parent<child", "child<", "other<child"]);
}

#[test]
fn approvals_are_asked_in_the_authors_words() {
    let mut world = World::chain("a b c");
    world.binding("a").policy.irreversible = true;
    let message = "ship it?".to_owned();
    world.binding("b").action.as_mut().unwrap().run.push(step(Invocation::Approval { message }));
    let asked: Vec<Option<String>> = world.all().plan.tasks.into_iter().map(|task| task.approval).collect();
    assert_eq!(
        asked,
        [Some("`a` cannot be taken back: go on?".to_owned()), Some("ship it?".to_owned()), None]
    );
}

#[test]
fn the_catalogue_adds_edges() {
    let mut world = World::chain("a b c d");
    world.task("d").dependencies.clear();
    world.binding("d").needs = vec!["p/b".into()];
    world.binding("d").awaits = vec!["p/a".into(), "p/b".into()];
    assert_eq!(world.selected(&Selection::default())[3], "d<a,b");
    world.binding("d").needs = vec!["p/bb".into()];
    let error = world.resolve(&Selection::default()).unwrap_err();
    assert_eq!(
        error,
        ResolveError::UnknownNeed {
            task: "p/d".into(),
            missing: "p/bb".into(),
            place: "tasks/local.yaml:7".to_owned(),
            did_you_mean: Some("p/b".to_owned()),
        }
    );
}

#[test]
fn a_cycle_through_the_catalogue_shows_every_edge() {
    let mut world = World::chain("a b c");
    let edge = |task: &str, dependency: &str, kind, line| Edge {
        task: task.into(),
        dependency: dependency.into(),
        kind,
        line,
    };
    world.document.edges =
        vec![edge("p/b", "p/a", EdgeKind::Explicit, 12), edge("p/c", "p/b", EdgeKind::Order, 13)];
    world.binding("a").needs = vec!["p/c".into()];
    let Err(ResolveError::Cycle(cycle)) = world.resolve(&Selection::default()) else { panic!("a cycle") };
    let told: Vec<String> =
        cycle.iter().map(|edge| format!("{} -> {} ({})", edge.task, edge.dependency, edge.place)).collect();
    assert_eq!(
        told,
        ["p/a -> p/c (tasks/local.yaml:7)", "p/c -> p/b (line 13 (document order))", "p/b -> p/a (line 12)",]
    );
    world.document.edges = vec![
        edge("p/b", "p/a", EdgeKind::Child, 12),
        edge("p/c", "p/b", EdgeKind::Barrier, 13),
        edge("p/a", "p/c", EdgeKind::Order, 11),
    ];
    let Err(ResolveError::Cycle(cycle)) = world.resolve(&Selection::default()) else { panic!("a cycle") };
    let places: Vec<&str> = cycle.iter().map(|edge| edge.place.as_str()).collect();
    assert_eq!(places, ["tasks/local.yaml:7", "line 13 (order of phases)", "line 12 (subtask)"]);
    world.document.edges.clear();
    let Err(ResolveError::Cycle(cycle)) = world.resolve(&Selection::default()) else { panic!("a cycle") };
    assert_eq!(cycle[1].place, "line 3", "an edge that has no line of its own");
}

#[test]
fn a_task_without_a_key_is_a_fault_of_the_caller() {
    let world = World::chain("a");
    let (document_id, environment) = (DocumentId::new("doc"), EnvironmentName::new("local"));
    let inputs = Inputs {
        document: &world.document,
        document_id: &document_id,
        revision: 1,
        environment: &environment,
        number: 1,
        bindings: &world.bindings,
        keys: &BTreeMap::new(),
        recorded: &world.recorded,
    };
    let error = resolve(&inputs, &Selection::default(), &world.options).unwrap_err();
    assert_eq!(error.to_string(), "task `p/a` has no key");
}

#[test]
fn unmet_dependencies_are_listed_or_added() {
    let mut world = World::chain("a b c d");
    assert_eq!(
        world.unmet(&tasks(&["c"])),
        ["p/a for p/b: not done here yet", "p/b for p/c: not done here yet"]
    );
    let mut with = tasks(&["c"]);
    with.with_dependencies = true;
    assert_eq!(world.selected(&with), ["a<", "b<a", "c<b"]);
    world.record("b", TaskState::Satisfied);
    assert_eq!(world.selected(&tasks(&["c"])), ["c<"], "evidence of an earlier run lets it go on");
    assert_eq!(world.selected(&with), ["c<"], "and nothing before it is needed then");
    world.binding("b").digest = Digest::of(b"changed");
    assert_eq!(world.unmet(&tasks(&["c"]))[1], "p/b for p/c: its action changed since it was done");
    world.record("b", TaskState::Failed { reason: "boom".to_owned() });
    assert_eq!(world.unmet(&tasks(&["c"]))[1], "p/b for p/c: failed: boom");
    world.record("b", TaskState::Unknown { reason: "killed".to_owned() });
    assert_eq!(world.unmet(&tasks(&["c"]))[1], "p/b for p/c: its end is unknown: killed");
    world.recorded.clear();
    world.unbind("b");
    assert_eq!(world.unmet(&tasks(&["c"]))[1], "p/b for p/c: waits for a person");
    world.task("b").status = Claim::Completed;
    assert_eq!(world.selected(&tasks(&["c"])), ["c<"], "a claim that nothing can check lets it go on");
}

#[test]
fn what_is_left_out_needs_nothing() {
    let mut world = World::chain("a b");
    world.task("b").status = Claim::Cancelled;
    assert_eq!(world.selected(&tasks(&["b"])), ["b<"]);
}

#[test]
fn a_group_outside_is_met_by_its_subtasks() {
    let mut world = World::chain("group child after");
    world.task("child").parent = Some("p/group".into());
    world.task("child").dependencies.clear();
    world.task("after").dependencies = vec!["p/group".into()];
    world.unbind("group");
    assert_eq!(
        world.unmet(&tasks(&["after"])),
        ["p/group for p/after: has subtasks that are not done", "p/child for p/group: not done here yet"]
    );
    world.record("child", TaskState::Completed);
    assert_eq!(world.selected(&tasks(&["after"])), ["after<"]);
}

#[test]
fn order_passes_through_what_is_met_outside() {
    let mut world = World::chain("a b c d");
    world.record("b", TaskState::Completed);
    world.record("c", TaskState::Completed);
    assert_eq!(world.selected(&tasks(&["a", "d"])), ["a<", "d<a"]);
}

#[test]
fn what_is_left_out_inside_passes_its_order_on() {
    let mut world = World::chain("a b c d");
    world.binding("b").when = When::Skip { reason: "no cluster".to_owned() };
    world.binding("c").when = When::Skip { reason: "no cluster".to_owned() };
    assert_eq!(world.selected(&Selection::default()), ["a<", "b<a", "c<a,b", "d<a,c"]);
}

#[test]
fn a_long_row_of_done_tasks_has_short_dependencies() {
    let titles: Vec<String> = (0..200).map(|number| format!("t{number}")).collect();
    let mut world = World::chain(&titles.join(" "));
    for title in &titles[1..] {
        world.binding(title).when = When::Skip { reason: "no cluster".to_owned() };
    }
    let plan = world.resolve(&Selection::default()).unwrap().plan;
    let longest = plan.tasks.iter().map(|task| task.dependencies.len()).max();
    assert_eq!(longest, Some(2), "the one before, and the work at the beginning");
    assert_eq!(plan.tasks[199].dependencies, [0, 198]);
}

#[test]
fn a_plan_tells_which_outputs_are_read() {
    let mut world = World::chain("a b c");
    world.binding("c").awaits = vec!["p/b".into(), "p/a".into()];
    let reads = |world: &World, selection: &Selection| -> Vec<Vec<usize>> {
        world.resolve(selection).unwrap().plan.tasks.iter().map(|task| task.reads.clone()).collect()
    };
    assert_eq!(reads(&world, &Selection::default()), [vec![], vec![], vec![0, 1]]);
    world.record("a", TaskState::Completed);
    assert_eq!(reads(&world, &tasks(&["b", "c"])), [vec![], vec![0]], "by its place in this plan");
}

#[test]
fn what_belongs_to_files_has_a_turn_where_something_before_it_has() {
    let mut world = World::chain("a b c d");
    for title in ["a", "b", "c", "d"] {
        world.record(title, TaskState::Completed);
    }
    world.binding("c").inputs = vec!["made".to_owned()];
    world.options.anew = Anew::Nothing;
    world.options.work_only = true;
    let ids = |world: &World| -> Vec<String> {
        world.all().plan.tasks.iter().map(|task| task.id.to_string()).collect()
    };
    assert_eq!(ids(&world), [""; 0]);
    world.record("a", TaskState::Pending);
    assert_eq!(ids(&world), ["p/a", "p/c"]);
    world.options.work_only = false;
    let files: Vec<bool> = world.all().plan.tasks.iter().map(|task| task.reads_files).collect();
    assert_eq!(files, [false, false, true, false]);
}

#[test]
fn a_plan_tells_which_outputs_are_wanted_and_not_known() {
    let mut world = World::chain("a b c d");
    world.binding("c").awaits = vec!["p/a".into(), "p/b".into()];
    for title in ["a", "d"] {
        world.binding(title).action.as_mut().unwrap().outputs = Some(Outputs::Json);
    }
    let owes = |world: &World| -> Vec<bool> {
        world.all().plan.tasks.iter().map(|task| task.owes_outputs).collect()
    };
    assert_eq!(owes(&world), [true, false, false, false], "b gives none, and nobody reads those of d");
    world.record("a", TaskState::Completed).has_outputs = true;
    assert_eq!(owes(&world), [false; 4]);
    world.record("a", TaskState::Completed).has_outputs = false;
    world.record("c", TaskState::Completed);
    assert_eq!(owes(&world), [true, false, false, false], "its check may name them");
    world.binding("c").action.as_mut().unwrap().check = None;
    assert_eq!(owes(&world), [false; 4], "what reads them is done");
}

#[test]
fn from_takes_what_follows_and_what_depends() {
    let mut world = World::chain("a b c d");
    world.task("a").dependencies = vec!["p/c".into()];
    world.task("b").dependencies.clear();
    world.task("c").dependencies.clear();
    world.record("b", TaskState::Completed);
    let from = |query: &str| Selection { from: Some(query.to_owned()), ..Selection::default() };
    assert_eq!(
        world.resolve(&from("c")).unwrap().plan.tasks.len(),
        3,
        "c, d after it, and a, which depends on it"
    );
    let mut narrowed = tasks(&["a", "b", "d"]);
    narrowed.from = Some("c".to_owned());
    narrowed.with_dependencies = true;
    assert_eq!(world.selected(&narrowed), ["a<c", "c<", "d<c"]);
    assert_eq!(world.resolve(&from("p")).unwrap().plan.tasks.len(), 4, "a phase begins at its first task");
    let Err(ResolveError::Select(none)) = world.resolve(&from("nowhere")) else { panic!("no such task") };
    assert_eq!(none.to_string(), "no task matches `nowhere`");
}

#[test]
fn a_phase_is_selected_with_its_sub_phases() {
    let week = phase(Some("1"), "Week");
    let mut day = phase(Some("1-2"), "Day");
    day.parent = Some(week.id.clone());
    let later = phase(Some("2"), "Later");
    let document =
        document(vec![week, day, later], vec![task("week", "a"), task("day", "b"), task("later", "c")]);
    let bindings =
        document.tasks.iter().map(|task| (task.id.clone(), Box::new(binding(task.id.as_str(), true))));
    let world = World {
        bindings: bindings.collect(),
        document,
        recorded: HashMap::new(),
        options: ResolveOptions::default(),
    };
    let phases = |query: &str| Selection { phases: vec![query.to_owned()], ..Selection::default() };
    assert_eq!(world.selected(&phases("week")), ["a<", "b<"]);
    assert_eq!(world.selected(&phases("2")), ["c<"]);
}

#[test]
fn a_hundred_thousand_tasks_resolve() {
    let count = 100_000;
    let mut world = World::chain("a");
    world.document = document(Vec::new(), (0..count).map(|i| task("p", &format!("t{i}"))).collect());
    for i in 1..count {
        let before = world.document.tasks[i - 1].id.clone();
        world.document.tasks[i].dependencies.push(before);
    }
    world.bindings = world
        .document
        .tasks
        .iter()
        .map(|task| (task.id.clone(), Box::new(binding(task.id.as_str(), true))))
        .collect();
    for i in (0..count).step_by(2) {
        world.record(&format!("t{i}"), TaskState::Completed);
    }
    assert_eq!(world.all().plan.tasks.len(), count);
    let last = Selection { tasks: vec![format!("t{}", count - 1)], ..Selection::default() };
    assert_eq!(world.selected(&last), [format!("t{}<", count - 1)]);
}

proptest! {
    /// Whatever is selected: the order among the selected is that of the whole document.
    #[test]
    fn selecting_never_loses_order(
        edges in prop::collection::vec((1_usize..9, any::<prop::sample::Index>()), 0..16),
        done in prop::collection::vec(any::<bool>(), 9),
        picked in prop::collection::btree_set(0_usize..9, 1..6),
    ) {
        let mut world = World::chain("a b c d e f g h i");
        world.document.tasks.iter_mut().for_each(|task| task.dependencies.clear());
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); 9];
        for (task, earlier) in edges {
            let earlier = earlier.index(task);
            before[task].push(earlier);
            let id = world.document.tasks[earlier].id.clone();
            world.document.tasks[task].dependencies.push(id);
        }
        let ids: Vec<String> = world.document.tasks.iter().map(|task| task.title.clone()).collect();
        for (title, _) in ids.iter().zip(done).filter(|(_, done)| *done) {
            world.record(title, TaskState::Completed);
        }
        let names: Vec<&str> = picked.iter().map(|&i| ids[i].as_str()).collect();
        let mut selection = tasks(&names);
        selection.with_dependencies = true;
        let plan = world.resolve(&selection).unwrap().plan;
        let reaches = |edges: &dyn Fn(usize) -> Vec<usize>, from: usize, to: usize| {
            let (mut open, mut found) = (vec![from], false);
            while let Some(at) = open.pop() {
                found |= at == to;
                open.extend(edges(at));
            }
            found && from != to
        };
        let place = |i: usize| plan.tasks.iter().position(|task| task.title == ids[i]);
        for later in 0..9 {
            for earlier in 0..later {
                if let (Some(l), Some(e)) = (place(later), place(earlier)) {
                    let in_document = reaches(&|at| before[at].clone(), later, earlier);
                    let in_plan = reaches(&|at| plan.tasks[at].dependencies.clone(), l, e);
                    prop_assert_eq!(in_document, in_plan, "{} after {}", ids[later], ids[earlier]);
                }
            }
        }
        prop_assert!(picked.iter().all(|&i| place(i).is_some()));
    }
}
