//! What an edit means, edit by edit. Expectations are written from the rules, not from what came out.

use super::around::{Role, TieFate};
use super::model::*;
use super::*;
use crate::action::{Action, ActionKind, Bindings, Invocation, Part, Policy, Probe, ProcessSpec, Step, When};
use crate::build::{document, phase, task};
use crate::document::{Claim, Edge, EdgeKind};
use crate::id::TaskKey;
use crate::journal::Recorded;
use crate::resolve::{self, ResolveOptions};
use crate::select::Selection;
use std::collections::HashMap;

/// A side that can be changed.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) document: Document,
    id: DocumentId,
    environment: EnvironmentName,
    pub(super) bindings: Bindings,
    files: Files,
}

fn step(words: &str) -> Step {
    let argv = words.split(' ').map(str::to_owned).collect();
    let invocation = Invocation::Process(ProcessSpec { argv, ..ProcessSpec::default() });
    Step { name: "run".to_owned(), invocation }
}

fn probe(words: &str) -> Box<Probe> {
    Box::new(Probe {
        prepare: Vec::new(),
        decide: step(words),
        true_codes: Vec::new(),
        false_codes: Vec::new(),
        false_words: Vec::new(),
        error_words: Vec::new(),
        fault_words: Vec::new(),
        output: Vec::new(),
        also: Vec::new(),
    })
}

fn binding(id: &TaskId) -> Binding {
    Binding {
        task: id.clone(),
        action: Some(Action {
            kind: ActionKind::Exec,
            check: None,
            run: vec![step(&format!("do {id}"))],
            verify: None,
            undo: Vec::new(),
            outputs: None,
        }),
        policy: Policy::default(),
        when: When::Include,
        needs: Vec::new(),
        awaits: Vec::new(),
        tools: Vec::new(),
        inputs: Vec::new(),
        digest: Digest::of(id.as_str().as_bytes()),
        place: "tasks/local.yaml:7".to_owned(),
    }
}

impl World {
    /// Phases with tasks in a row, each bound: `a: one two, b: three`. A phase waits for the one before.
    pub(super) fn new(text: &str) -> Self {
        let mut tasks = Vec::new();
        let mut phases = Vec::new();
        for part in text.split(", ") {
            let (name, titles) = part.split_once(": ").unwrap();
            phases.push(phase(None, name));
            tasks.extend(titles.split(' ').map(|title| task(name, title)));
        }
        let document = document(phases, tasks);
        let bindings =
            document.tasks.iter().map(|task| (task.id.clone(), Box::new(binding(&task.id)))).collect();
        let (id, environment) = ("doc".into(), "local".into());
        let mut world = Self { document, id, environment, bindings, files: Files::new() };
        world.draw();
        world
    }

    /// Draws the implicit edges: order inside of a phase, barriers between neighbours.
    fn draw(&mut self) {
        let tasks = &self.document.tasks;
        let mut edges = Vec::new();
        let mut add = |task: &Task, dependency: &Task, kind| {
            let (task, dependency) = (task.id.clone(), dependency.id.clone());
            edges.push(Edge { task, dependency, kind, line: 1 });
        };
        for pair in tasks.windows(2).filter(|pair| pair[0].phase == pair[1].phase) {
            add(&pair[1], &pair[0], EdgeKind::Order);
        }
        let phases: Vec<&str> = self.document.phases.iter().map(|phase| phase.id.as_str()).collect();
        for pair in phases.windows(2) {
            for task in tasks.iter().filter(|task| task.phase.as_str() == pair[1]) {
                for before in tasks.iter().filter(|before| before.phase.as_str() == pair[0]) {
                    add(task, before, EdgeKind::Barrier);
                }
            }
        }
        self.document.edges = edges;
    }

    pub(super) fn task(&mut self, id: &str) -> &mut Task {
        self.document.tasks.iter_mut().find(|task| task.id.as_str() == id).unwrap()
    }

    pub(super) fn binding(&mut self, id: &str) -> &mut Binding {
        self.bindings.get_mut(id).unwrap()
    }

    fn action(&mut self, id: &str) -> &mut Action {
        self.binding(id).action.as_mut().unwrap()
    }

    /// The task runs another command: the action and its digest change together.
    pub(super) fn rewrite(&mut self, id: &str, words: &str) {
        self.action(id).run = vec![step(words)];
        self.binding(id).digest = Digest::of(words.as_bytes());
    }

    fn write(&mut self, task: &str, dependency: &str) {
        let edge =
            Edge { task: task.into(), dependency: dependency.into(), kind: EdgeKind::Explicit, line: 1 };
        self.document.edges.push(edge);
    }

    fn file(&mut self, task: &str, path: &str, text: &str) {
        let files = self.files.entry(task.into()).or_default();
        files.insert(path.to_owned(), Digest::of(text.as_bytes()));
    }
}

/// The plan of somebody with this memory.
pub(super) fn plan(world: &World, recorded: &HashMap<TaskKey, Recorded>) -> Plan {
    let keys = world.document.tasks.iter().map(|task| (task.id.clone(), TaskKey::new(task.id.as_str())));
    let inputs = resolve::Inputs {
        document: &world.document,
        document_id: &world.id,
        revision: 1,
        environment: &world.environment,
        number: 1,
        bindings: &world.bindings,
        keys: &keys.collect(),
        recorded,
    };
    resolve::resolve(&inputs, &Selection::default(), &ResolveOptions::default()).unwrap().plan
}

pub(super) fn compare(base: &World, head: &World) -> Difference {
    let plans = [base, head].map(|world| plan(world, &HashMap::new()));
    super::compare(&side_of(base, &plans[0]), &side_of(head, &plans[1])).unwrap()
}

fn side_of<'a>(world: &'a World, plan: &'a Plan) -> Side<'a> {
    Side {
        document: &world.document,
        document_id: &world.id,
        environment: &world.environment,
        bindings: &world.bindings,
        files: &world.files,
        plan,
    }
}

/// What is told about a task by its id now, else before.
#[track_caller]
fn told<'a>(difference: &'a Difference, id: &str) -> &'a TaskDifference {
    let is_it = |task: &&TaskDifference| task.head.as_ref().or(task.base.as_ref()).unwrap().as_str() == id;
    difference.tasks.iter().find(is_it).unwrap_or_else(|| panic!("nothing about {id}: {difference:#?}"))
}

fn ids(difference: &Difference) -> Vec<String> {
    let id = |task: &TaskDifference| task.head.as_ref().or(task.base.as_ref()).map(ToString::to_string);
    difference.tasks.iter().filter_map(id).collect()
}

#[test]
fn equal_sides_have_no_difference() {
    let world = World::new("a: one two, b: three");
    let mut moved = world.clone();
    // Prose, lines and places of entries.
    for task in &mut moved.document.tasks {
        task.line += 7;
        task.details.push("more words".to_owned());
        task.tags.push("later".to_owned());
    }
    moved.bindings.values_mut().for_each(|binding| binding.place = "tasks/other.yaml:1".to_owned());
    let difference = compare(&world, &moved);
    assert!(difference.is_empty(), "{difference:#?}");
    assert_eq!(difference, Difference::default());
}

#[test]
fn a_new_task_in_the_middle_runs_and_nothing_else_is_said() {
    let base = World::new("a: one three, b: four");
    let head = World::new("a: one two three, b: four");
    let difference = compare(&base, &head);
    assert_eq!(ids(&difference), ["a/two"]);
    assert_eq!(told(&difference, "a/two").effect, Effect::Runs { why: Why::New });
    assert_eq!(told(&difference, "a/two").changes, [Change::Added]);
    assert!(difference.gained.is_empty() && difference.lost.is_empty());
    // `three` waits for `one` still, by way of `two`.
    assert!(difference.reordered.is_empty(), "{:?}", difference.reordered);
}

#[test]
fn a_task_that_is_gone_is_undone_or_stays() {
    let mut base = World::new("a: one two three four");
    base.action("a/two").undo = vec![step("undo two")];
    base.bindings.remove("a/four");
    base.write("a/three", "a/one");
    let difference = compare(&base, &World::new("a: one"));
    assert_eq!(ids(&difference), ["a/two", "a/three", "a/four"]);
    assert_eq!(told(&difference, "a/two").effect, Effect::Undone);
    assert_eq!(told(&difference, "a/three").effect, Effect::Stays);
    assert_eq!(told(&difference, "a/four").effect, Effect::Stays, "what a person did stays");
    assert!(difference.lost.is_empty(), "what a task waited for went with it");

    base.binding("a/two").when = When::Skip { reason: "no cluster".to_owned() };
    let difference = compare(&base, &World::new("a: one"));
    assert_eq!(told(&difference, "a/two").effect, Effect::Forgotten, "nothing was ever done");
}

#[test]
fn another_title_is_another_task_unless_its_id_stays() {
    let base = World::new("a: install-the-ingress");
    let head = World::new("a: install-the-ingresses");
    let difference = compare(&base, &head);
    let told = told(&difference, "a/install-the-ingresses");
    let from = TaskId::from("a/install-the-ingress");
    assert_eq!(told.base, Some(from.clone()));
    let renamed =
        Change::Renamed { from: from.clone(), from_title: "install-the-ingress".to_owned(), carried: false };
    assert_eq!(told.changes, [renamed]);
    assert_eq!(told.effect, Effect::Runs { why: Why::Renamed { from } });

    let mut retitled = base.clone();
    retitled.task("a/install-the-ingress").title = "Install an ingress".to_owned();
    let difference = compare(&base, &retitled);
    let told = &difference.tasks[0];
    assert_eq!(told.effect, Effect::Nothing, "{told:?}");
    assert!(matches!(&told.changes[..], [Change::Renamed { carried: true, .. }]), "{told:?}");
}

#[test]
fn a_move_a_priority_and_a_mark_run_nothing() {
    let base = World::new("a: one two, b: three");
    let mut head = World::new("a: two one, b: three");
    head.task("b/three").priority = crate::document::Priority::High;
    head.task("a/one").status = Claim::InProgress;
    let difference = compare(&base, &head);
    assert!(difference.tasks.iter().all(|task| task.effect == Effect::Nothing), "{difference:#?}");
    let moved: Vec<&TaskDifference> = difference
        .tasks
        .iter()
        .filter(|task| task.changes.iter().any(|change| matches!(change, Change::Moved { .. })))
        .collect();
    assert_eq!(moved.len(), 1, "one of the two moved, the other stayed");
    let priority = Change::Reprioritised { from: "medium".to_owned(), to: "high".to_owned() };
    assert_eq!(told(&difference, "b/three").changes, [priority]);
    let mark = Change::Marked { from: Claim::Pending, to: Claim::InProgress };
    assert!(told(&difference, "a/one").changes.contains(&mark));
    // They wait for each other the other way round.
    let mut reordered: Vec<&str> = difference.reordered.iter().map(TaskId::as_str).collect();
    reordered.sort_unstable();
    assert_eq!(reordered, ["a/one", "a/two"]);
}

#[test]
fn a_task_that_is_open_again_was_taken_as_done() {
    let mut base = World::new("a: one two");
    base.task("a/one").status = Claim::Completed;
    base.task("a/two").status = Claim::Completed;
    base.action("a/two").check = Some(probe("is it"));
    let mut head = base.clone();
    head.task("a/one").status = Claim::Pending;
    head.task("a/two").status = Claim::Pending;
    let difference = compare(&base, &head);
    assert_eq!(told(&difference, "a/one").changes, [Change::Reopened]);
    assert_eq!(told(&difference, "a/one").effect, Effect::Runs { why: Why::WasClaimed });
    assert_eq!(told(&difference, "a/two").effect, Effect::Nothing, "its check decided, and decides");

    // The other way round: what was done stays done, the mark says nothing new.
    let difference = compare(&head, &base);
    assert_eq!(told(&difference, "a/one").effect, Effect::Nothing);
    let mark = Change::Marked { from: Claim::Pending, to: Claim::Completed };
    assert_eq!(told(&difference, "a/one").changes, [mark]);
    // Where its action is another one it runs again: the mark is about what was done.
    let mut rewritten = base.clone();
    rewritten.rewrite("a/one", "do it otherwise");
    assert!(matches!(told(&compare(&head, &rewritten), "a/one").effect, Effect::RunsAgain { .. }));
    // Where nothing is bound any more a person decides, as without the mark.
    rewritten.binding("a/one").action = None;
    assert!(matches!(told(&compare(&head, &rewritten), "a/one").effect, Effect::Waits { .. }));
}

#[test]
fn parts_of_an_action_decide_apart() {
    let base = World::new("a: one two three four");
    let mut head = base.clone();
    head.rewrite("a/one", "do one better");
    head.action("a/two").check = Some(probe("is two there"));
    head.action("a/three").undo = vec![step("undo three")];
    head.action("a/four").verify = Some(probe("did four work"));
    head.binding("a/four").digest = Digest::of(b"four with verify");
    // How it is checked changed with what is done: only the latter is why.
    head.action("a/one").check = Some(probe("is one there"));
    let difference = compare(&base, &head);
    let part = |part| vec![BindingChange::Action { part }];
    let again = |parts: &[Part]| Effect::RunsAgain { parts: parts.to_vec(), files: Vec::new() };
    assert_eq!(told(&difference, "a/one").binding, [part(Part::Check), part(Part::Run)].concat());
    assert_eq!(told(&difference, "a/one").effect, again(&[Part::Run]));
    assert_eq!(told(&difference, "a/two").binding, part(Part::Check));
    assert_eq!(told(&difference, "a/two").effect, Effect::Nothing);
    assert_eq!(told(&difference, "a/three").binding, part(Part::Undo));
    assert_eq!(told(&difference, "a/three").effect, Effect::Nothing);
    assert_eq!(told(&difference, "a/four").effect, again(&[Part::Verify]));
}

#[test]
fn contents_of_inputs_run_their_task_again() {
    let mut base = World::new("a: one two");
    for (path, text) in [("main.tf", "1"), ("gone.tf", "1"), ("same.tf", "1")] {
        base.file("a/one", path, text);
    }
    let mut head = World::new("a: one two");
    for (path, text) in [("main.tf", "2"), ("new.tf", "1"), ("same.tf", "1")] {
        head.file("a/one", path, text);
    }
    let difference = compare(&base, &head);
    let fate = |path: &str, fate| FileChange { path: path.to_owned(), fate };
    let files = vec![
        fate("gone.tf", FileFate::Removed),
        fate("main.tf", FileFate::Changed),
        fate("new.tf", FileFate::Added),
    ];
    assert_eq!(ids(&difference), ["a/one"]);
    assert_eq!(told(&difference, "a/one").binding, [BindingChange::Files { files: files.clone() }]);
    assert_eq!(told(&difference, "a/one").effect, Effect::RunsAgain { parts: Vec::new(), files });
}

#[test]
fn who_reads_what_runs_again_may_run_again_and_so_on() {
    let mut base = World::new("a: one two three four");
    for (reader, read) in [("a/two", "a/one"), ("a/three", "a/two")] {
        base.binding(reader).awaits = vec![read.into()];
        base.binding(reader).needs = vec![read.into()];
    }
    let mut head = base.clone();
    head.rewrite("a/one", "do one better");
    let difference = compare(&base, &head);
    let may = |read: &str| Effect::MayRunAgain { reads: vec![read.into()], after: Vec::new() };
    assert_eq!(ids(&difference), ["a/one", "a/two", "a/three"]);
    assert_eq!(told(&difference, "a/two").effect, may("a/one"));
    assert_eq!(told(&difference, "a/three").effect, may("a/two"));
}

#[test]
fn a_yes_is_asked_for_again_when_what_it_was_given_to_runs_again() {
    let mut base = World::new("a: one two yes four");
    base.action("a/yes").kind = ActionKind::Approval;
    let mut head = base.clone();
    head.rewrite("a/one", "do one better");
    let difference = compare(&base, &head);
    let again = Effect::MayRunAgain { reads: Vec::new(), after: vec!["a/one".into()] };
    assert_eq!(ids(&difference), ["a/one", "a/yes"]);
    assert_eq!(told(&difference, "a/yes").effect, again);
}

#[test]
fn what_binds_a_task_can_become_another_thing() {
    let base = World::new("a: one two three four");
    let mut head = base.clone();
    head.bindings.remove("a/one");
    head.binding("a/two").action = None;
    head.binding("a/three").when = When::Skip { reason: "no cluster".to_owned() };
    head.binding("a/three").action = None;
    head.task("a/four").status = Claim::Cancelled;
    let difference = compare(&base, &head);
    let exec = || Means::Action { kind: ActionKind::Exec };
    let means = |to| vec![BindingChange::Means { from: exec(), to }];
    assert_eq!(told(&difference, "a/one").binding, means(Means::Unbound));
    assert_eq!(told(&difference, "a/one").effect, Effect::Waits { why: Why::WasBound });
    assert_eq!(told(&difference, "a/two").binding, means(Means::Manual));
    assert_eq!(told(&difference, "a/two").effect, Effect::Waits { why: Why::WasBound });
    let reason = || "no cluster".to_owned();
    assert_eq!(told(&difference, "a/three").binding, means(Means::LeftOut { reason: reason() }));
    assert_eq!(told(&difference, "a/three").effect, Effect::Skipped { reason: reason() });
    assert_eq!(told(&difference, "a/four").effect, Effect::Cancelled);

    let back = compare(&head, &base);
    assert_eq!(told(&back, "a/one").effect, Effect::Runs { why: Why::WasManual });
    assert_eq!(told(&back, "a/two").effect, Effect::Runs { why: Why::WasManual });
    assert_eq!(told(&back, "a/three").effect, Effect::Runs { why: Why::WasLeftOut { reason: reason() } });
    assert_eq!(told(&back, "a/four").effect, Effect::Runs { why: Why::WasCancelled });
}

#[test]
fn a_policy_is_told_setting_by_setting() {
    let base = World::new("a: one");
    let mut head = base.clone();
    let policy = &mut head.binding("a/one").policy;
    policy.timeout_ms = Some(5_400_000);
    policy.retry.attempts = 3;
    policy.retry.base_delay_ms = 250;
    policy.locks = vec!["cluster".to_owned(), "gitops".to_owned()];
    policy.irreversible = true;
    let difference = compare(&base, &head);
    let told = told(&difference, "a/one");
    let of =
        |name, from: &str, to: &str| BindingChange::Policy { name, from: from.to_owned(), to: to.to_owned() };
    let expected = [
        of("irreversible", "false", "true"),
        of("timeout", "none", "1h30m"),
        of("retry.attempts", "1", "3"),
        of("retry.base_delay", "1s", "250ms"),
        of("locks", "none", "cluster, gitops"),
    ];
    assert_eq!(told.binding, expected);
    assert_eq!(told.effect, Effect::Nothing);
}

#[test]
fn durations_are_exact() {
    for (ms, text) in [(0, "0s"), (90_000, "1m30s"), (86_400_000, "1d"), (1_001, "1s1ms"), (60_000, "1m")] {
        assert_eq!(policy::duration(ms), text);
    }
}

#[test]
fn written_ties_are_told_and_implied_ones_are_not() {
    let base = World::new("a: one two, b: three four");
    let mut head = base.clone();
    head.write("b/four", "a/one");
    // What order says already is no news.
    head.write("a/two", "a/one");
    head.binding("b/three").needs = vec!["a/two".into()];
    let tie =
        |task: &str, dependency: &str, kind| Tie { task: task.into(), dependency: dependency.into(), kind };
    // `four` waits for `one` by the barrier too, and `three` for `two`.
    let difference = compare(&base, &head);
    assert!(difference.is_empty(), "{difference:#?}");

    let mut base = World::new("a: one two three");
    base.document.edges.clear();
    let mut head = base.clone();
    head.write("a/three", "a/one");
    head.binding("a/two").needs = vec!["a/one".into()];
    let difference = compare(&base, &head);
    let gained = [tie("a/two", "a/one", TieKind::Needs), tie("a/three", "a/one", TieKind::Written)];
    assert_eq!(difference.gained, gained);
    assert!(difference.tasks.is_empty() && difference.lost.is_empty() && difference.reordered.is_empty());
    let back = compare(&head, &base);
    assert_eq!(back.lost, gained);
}

#[test]
fn a_tie_outlives_another_name() {
    let mut base = World::new("a: prepare-the-cluster deploy");
    base.document.edges.clear();
    base.write("a/deploy", "a/prepare-the-cluster");
    let mut head = World::new("a: prepare-the-clusters deploy");
    head.document.edges.clear();
    head.write("a/deploy", "a/prepare-the-clusters");
    let difference = compare(&base, &head);
    assert!(difference.gained.is_empty() && difference.lost.is_empty(), "{difference:#?}");
}

#[test]
fn another_document_or_environment_begins_anew() {
    let base = World::new("a: one two");
    let mut head = World::new("a: one");
    head.environment = "prod".into();
    let difference = compare(&base, &head);
    let from_to = Elsewhere::Environment { from: "local".into(), to: "prod".into() };
    assert_eq!(difference.elsewhere, [from_to]);
    assert_eq!(told(&difference, "a/one").effect, Effect::Runs { why: Why::Elsewhere });
    assert_eq!(told(&difference, "a/two").effect, Effect::Stays);

    head.environment = base.environment.clone();
    head.id = "other".into();
    let difference = compare(&base, &head);
    assert_eq!(difference.elsewhere, [Elsewhere::Document { from: "doc".into(), to: "other".into() }]);
    assert!(!compare(&base, &head).is_empty());
}

#[test]
fn the_picture_holds_what_changed_and_its_neighbours() {
    let base = World::new("a: one two three, b: four, c: five six");
    let mut head = base.clone();
    head.rewrite("a/two", "do two better");
    let around = compare(&base, &head).around;
    let nodes: Vec<(&str, Role)> = around.nodes.iter().map(|node| (node.id.as_str(), node.role)).collect();
    let near = Role::Neighbour;
    assert_eq!(nodes, [("a/one", near), ("a/two", Role::Changed), ("a/three", near)]);
    let lines: Vec<(usize, usize, TieFate)> =
        around.lines.iter().map(|line| (line.task, line.dependency, line.fate)).collect();
    assert_eq!(lines, [(1, 0, TieFate::Kept), (2, 1, TieFate::Kept)]);
    let phases: Vec<(&str, usize, &[usize])> =
        around.phases.iter().map(|phase| (phase.phase.as_str(), phase.others, &phase.after[..])).collect();
    assert_eq!(phases, [("a", 0, &[][..]), ("b", 1, &[0]), ("c", 2, &[1])]);
    assert_eq!((around.changed_left_out, around.others_left_out), (0, 0));
}

#[test]
fn the_picture_shows_gained_and_lost_ties_and_tasks_that_are_gone() {
    let mut base = World::new("a: one two three");
    base.document.edges.clear();
    base.write("a/three", "a/two");
    let mut head = World::new("a: one three four");
    head.document.edges.clear();
    head.write("a/three", "a/one");
    let around = compare(&base, &head).around;
    let nodes: Vec<(&str, Role)> = around.nodes.iter().map(|node| (node.id.as_str(), node.role)).collect();
    let (changed, near) = (Role::Changed, Role::Neighbour);
    let removed = Role::Removed;
    assert_eq!(nodes, [("a/one", near), ("a/three", changed), ("a/four", Role::Added), ("a/two", removed)]);
    let mut lines: Vec<(usize, usize, TieFate)> =
        around.lines.iter().map(|line| (line.task, line.dependency, line.fate)).collect();
    lines.sort_unstable();
    assert_eq!(lines, [(1, 0, TieFate::Gained), (1, 3, TieFate::Lost)]);
}

#[test]
fn the_picture_is_bounded_and_says_what_it_leaves_out() {
    let names = |count: usize| (0..count).map(|n| format!("t{n}")).collect::<Vec<_>>().join(" ");
    let phases: Vec<String> = (0..90).map(|phase| format!("p{phase}: {}", names(3))).collect();
    let base = World::new(&phases.join(", "));
    let mut head = base.clone();
    let all: Vec<TaskId> = head.document.tasks.iter().map(|task| task.id.clone()).collect();
    for id in all.iter().step_by(3) {
        head.rewrite(id.as_str(), &format!("do {id} better"));
    }
    let around = compare(&base, &head).around;
    let counts = around.phases.iter().filter(|phase| phase.others > 0).count();
    assert!(around.nodes.len() + counts <= around::MOST_NODES, "{} + {counts}", around.nodes.len());
    let changed = around.nodes.iter().filter(|node| node.role == Role::Changed).count();
    assert_eq!(changed + around.changed_left_out, 90, "every changed task is shown or counted");
    let counted: usize = around.phases.iter().map(|phase| phase.others).sum();
    let shown = around.nodes.len();
    assert_eq!(shown + counted + around.others_left_out, 270, "and so is every task");
}
