//! What the marks of a document are to say, by recorded evidence.
//!
//! Only evidence changes a mark. A task that was never looked at keeps what its author wrote; so does
//! one that is taken as done because of its mark, is left out, or is marked as not wanted.

use crate::write_back::Change;
use std::collections::HashMap;
use taskmaster_core::document::{Claim, Document, Task};
use taskmaster_core::id::TaskId;
use taskmaster_core::state::TaskState;

/// What a state proves about a mark; none where the mark stays.
fn proved(state: &TaskState) -> Option<Claim> {
    match state {
        TaskState::Completed | TaskState::Satisfied => Some(Claim::Completed),
        TaskState::Running { .. } | TaskState::Verifying { .. } | TaskState::Waiting { .. } => {
            Some(Claim::InProgress)
        }
        TaskState::Pending
        | TaskState::Failed { .. }
        | TaskState::Blocked { .. }
        | TaskState::Unknown { .. } => Some(Claim::Pending),
        // About to be asked or begun again: what was proved before is not disproved yet.
        TaskState::Ready
        | TaskState::Checking
        | TaskState::Claimed
        | TaskState::Skipped { .. }
        | TaskState::Cancelled => None,
    }
}

/// What counts for the group that a task belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    claim: Claim,
    /// By evidence, not by the mark alone.
    proved: bool,
    /// Lets the group complete.
    done: bool,
}

/// The changes that make the marks of `document` say what `states` prove. The state of a parent that nothing is
/// bound to is to be left out of `states`: it follows its subtasks.
///
/// Changes are in document order, with the index of their source. A mark that says it already is not among them.
pub fn marks_of(document: &Document, states: &HashMap<TaskId, TaskState>) -> Vec<Change> {
    let parts = parts(document, states);
    let changes = document.tasks.iter().zip(parts).filter_map(|(task, part)| {
        let mark = task.mark?;
        let differs = part.proved && part.claim != task.status && task.status != Claim::Cancelled;
        differs.then_some(Change { mark, source: task.source, to: part.claim })
    });
    changes.collect()
}

fn parts(document: &Document, states: &HashMap<TaskId, TaskState>) -> Vec<Part> {
    let tasks = &document.tasks;
    let index: HashMap<&TaskId, usize> = tasks.iter().enumerate().map(|(at, task)| (&task.id, at)).collect();
    let parents: Vec<Option<usize>> =
        tasks.iter().map(|task| task.parent.as_ref().and_then(|parent| index.get(parent).copied())).collect();
    let mut subtasks: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    for (at, parent) in parents.iter().enumerate() {
        if let Some(parent) = parent {
            subtasks[*parent].push(at);
        }
    }
    let mut parts: Vec<Part> = tasks.iter().map(|task| own(task, states.get(&task.id))).collect();
    for at in deepest_first(&parents) {
        if !parts[at].proved && !subtasks[at].is_empty() {
            let below: Vec<Part> = subtasks[at].iter().map(|child| parts[*child]).collect();
            parts[at] = group(parts[at], &below);
        }
    }
    parts
}

/// Subtasks before their parents. Each way up ends after as many steps as there are tasks, also where it is a circle.
fn deepest_first(parents: &[Option<usize>]) -> Vec<usize> {
    let depth =
        |at: usize| std::iter::successors(parents[at], |above| parents[*above]).take(parents.len()).count();
    let mut order: Vec<usize> = (0..parents.len()).collect();
    order.sort_by_cached_key(|at| std::cmp::Reverse(depth(*at)));
    order
}

fn own(task: &Task, state: Option<&TaskState>) -> Part {
    let done = state.is_some_and(TaskState::lets_dependants_go)
        || matches!(task.status, Claim::Completed | Claim::Cancelled);
    match state.and_then(proved) {
        Some(claim) => {
            Part { claim, proved: true, done: claim == Claim::Completed || task.status == Claim::Cancelled }
        }
        None => Part { claim: task.status, proved: false, done },
    }
}

/// A parent without evidence of its own: done when all below is, begun when something below is.
fn group(own: Part, below: &[Part]) -> Part {
    if !below.iter().any(|part| part.proved) {
        return own;
    }
    let begun = |part: &Part| matches!(part.claim, Claim::Completed | Claim::InProgress);
    let claim = if below.iter().all(|part| part.done) {
        Claim::Completed
    } else if below.iter().any(begun) {
        Claim::InProgress
    } else {
        Claim::Pending
    };
    Part { claim, proved: true, done: claim == Claim::Completed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, parse};
    use taskmaster_core::id::AttemptId;
    use taskmaster_core::state::WaitFor;

    fn running() -> TaskState {
        TaskState::Running { attempt: AttemptId::new("a"), number: 1 }
    }

    fn failed() -> TaskState {
        TaskState::Failed { reason: "no".to_owned() }
    }

    /// The marks of the text's tasks after the changes, as `x~ `, for states by title.
    fn marks(text: &str, states: &[(&str, TaskState)]) -> String {
        let document = parse(text, &Options::default()).document;
        let id = |title: &str| {
            document.tasks.iter().find(|task| task.title == title).expect("it is there").id.clone()
        };
        let states = states.iter().map(|(title, state)| (id(title), state.clone())).collect();
        let changes = marks_of(&document, &states);
        let now = document.tasks.iter().map(|task| {
            let change = changes.iter().find(|change| Some(change.mark) == task.mark);
            match change.map_or(task.status, |change| change.to) {
                Claim::Pending => ' ',
                Claim::InProgress => '~',
                Claim::Completed => 'x',
                Claim::Cancelled => '-',
            }
        });
        now.collect()
    }

    #[test]
    fn each_state_and_what_becomes_of_each_mark() {
        let text = "## Phase 1: P\n\n- [ ] open\n- [~] begun\n- [x] done\n";
        let all = |state: &TaskState| {
            marks(text, &[("open", state.clone()), ("begun", state.clone()), ("done", state.clone())])
        };
        let waiting = |on| TaskState::Waiting { on };
        for (state, expected) in [
            (TaskState::Completed, "xxx"),
            (TaskState::Satisfied, "xxx"),
            (running(), "~~~"),
            (TaskState::Verifying { attempt: AttemptId::new("a"), number: 1 }, "~~~"),
            (waiting(WaitFor::Manual), "~~~"),
            (waiting(WaitFor::Approval { message: String::new() }), "~~~"),
            (waiting(WaitFor::Retry { attempt: 2, until_ms: 0 }), "~~~"),
            (TaskState::Pending, "   "),
            (failed(), "   "),
            (TaskState::Blocked { by: "x".into() }, "   "),
            (TaskState::Unknown { reason: String::new() }, "   "),
            (TaskState::Ready, " ~x"),
            (TaskState::Checking, " ~x"),
            (TaskState::Claimed, " ~x"),
            (TaskState::Skipped { reason: String::new() }, " ~x"),
            (TaskState::Cancelled, " ~x"),
        ] {
            assert_eq!(all(&state), expected, "{state:?}");
        }
        assert_eq!(marks(text, &[]), " ~x", "no evidence, no change");
    }

    #[test]
    fn a_group_follows_the_evidence_of_its_subtasks() {
        let text = "## Phase 1: P\n\n- [ ] g\n  - [ ] h\n    - [ ] a\n    - [ ] b\n  - [x] c\n";
        let done = || TaskState::Completed;
        assert_eq!(marks(text, &[]), "    x");
        assert_eq!(marks(text, &[("a", running())]), "~~~ x");
        assert_eq!(marks(text, &[("a", done())]), "~~x x");
        assert_eq!(marks(text, &[("a", done()), ("b", done())]), "xxxxx", "c is taken by its mark");
        assert_eq!(marks(text, &[("a", done()), ("b", done()), ("c", failed())]), "~xxx ");
        assert_eq!(
            marks(text, &[("a", done()), ("b", TaskState::Skipped { reason: String::new() })]),
            "xxx x"
        );
        // One that something is bound to has evidence of its own.
        assert_eq!(marks(text, &[("a", done()), ("b", done()), ("h", failed())]), "~ xxx");
        let ticked = "## Phase 1: P\n\n- [x] g\n  - [x] a\n  - [x] b\n";
        assert_eq!(marks(ticked, &[("a", failed()), ("b", failed())]), "   ");
        assert_eq!(marks(ticked, &[("a", failed())]), "~ x");
    }

    #[test]
    fn what_is_not_wanted_stays_so() {
        let text = "## Phase 1: P\n\n- [ ] ~~struck~~\n- [ ] open\n";
        let document = parse(text, &Options::default()).document;
        assert_eq!(document.tasks[0].status, Claim::Cancelled);
        let states = document.tasks.iter().map(|task| (task.id.clone(), TaskState::Completed)).collect();
        let changes = marks_of(&document, &states);
        assert_eq!(changes.len(), 1);
        assert_eq!(Some(changes[0].mark), document.tasks[1].mark);
    }
}
