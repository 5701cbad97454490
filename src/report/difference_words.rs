//! A difference in words, plain ones: each face makes them inert in its own way.

use super::human::{self, Names};
use super::view::{DifferenceView, TaskDifferenceView, TieView};
use taskmaster_core::action::{ActionKind, Part};
use taskmaster_core::difference::model::{
    BindingChange, Change, Effect, Elsewhere, FileChange, FileFate, Means, TieKind, Why,
};

/// Most names in one reason.
const MOST_NAMES: usize = 3;

/// Where a row stands in a table: what is done first, what is not done last.
pub(super) fn rank(effect: &Effect) -> u8 {
    match effect {
        Effect::Runs { .. } => 0,
        Effect::RunsAgain { .. } => 1,
        Effect::MayRunAgain { .. } => 2,
        Effect::Waits { .. } => 3,
        Effect::Undone => 4,
        Effect::Stays => 5,
        Effect::Skipped { .. } => 6,
        Effect::Cancelled => 7,
        Effect::Claimed => 8,
        Effect::Forgotten => 9,
        Effect::Group => 10,
        Effect::Nothing => 11,
    }
}

/// The sign of an effect, as a plan has them.
pub(super) fn sign(effect: &Effect) -> char {
    match effect {
        Effect::Runs { .. } => '+',
        Effect::RunsAgain { .. } | Effect::MayRunAgain { .. } => '~',
        Effect::Waits { .. } => '?',
        Effect::Undone => 'x',
        Effect::Stays | Effect::Forgotten | Effect::Skipped { .. } | Effect::Cancelled => '-',
        Effect::Claimed => '*',
        Effect::Group => '&',
        Effect::Nothing => '=',
    }
}

/// What happens, in a word or two.
pub(super) fn verb(effect: &Effect) -> &'static str {
    match effect {
        Effect::Runs { .. } => "runs",
        Effect::RunsAgain { .. } => "runs again",
        Effect::MayRunAgain { .. } => "may run again",
        Effect::Waits { .. } => "waits for a person",
        Effect::Undone => "is undone",
        Effect::Stays => "stays behind",
        Effect::Skipped { .. } => "is left out",
        Effect::Cancelled => "is cancelled",
        Effect::Claimed => "is taken as done",
        Effect::Forgotten => "is gone",
        Effect::Group => "ends with its subtasks",
        Effect::Nothing => "changed",
    }
}

/// Why it happens, and what else about the task changed.
pub(super) fn why(task: &TaskDifferenceView, names: &Names<'_>) -> String {
    let first = reason(task, names);
    first.into_iter().chain(notes(task)).collect::<Vec<_>>().join("; ")
}

fn reason(task: &TaskDifferenceView, names: &Names<'_>) -> Option<String> {
    let told = match &task.effect {
        Effect::Nothing => return None,
        Effect::Runs { why } => decided(why, task.has_check),
        Effect::RunsAgain { parts, files } => again(parts, files),
        Effect::MayRunAgain { reads, after } => {
            let reads =
                (!reads.is_empty()).then(|| format!("reads outputs of {}", names.some(reads, MOST_NAMES)));
            let after = (!after.is_empty())
                .then(|| format!("its yes was given before {} ran anew", names.some(after, MOST_NAMES)));
            reads.into_iter().chain(after).collect::<Vec<_>>().join(", ")
        }
        Effect::Waits { why } => waits(why),
        Effect::Undone => "removed; a sync with --prune takes it back".to_owned(),
        Effect::Stays if task.kind.is_none() => "removed; what a person did stays as it is".to_owned(),
        Effect::Stays => "removed; it has no undo, what it did stays as it is".to_owned(),
        Effect::Forgotten => "removed; nothing was done".to_owned(),
        Effect::Skipped { reason } => format!("{reason}; what was done stays as it is"),
        Effect::Cancelled => "what was done stays as it is".to_owned(),
        Effect::Claimed => "marked done, and nothing checks it".to_owned(),
        Effect::Group => "has no action of its own".to_owned(),
    };
    Some(told)
}

fn decided(why: &Why, has_check: bool) -> String {
    let told = match why {
        Why::New => "new".to_owned(),
        Why::Renamed { from } => format!("decided anew: what was done as {from} does not count"),
        Why::Elsewhere => "nothing that was done counts here".to_owned(),
        Why::WasLeftOut { reason } => format!("was left out: {reason}"),
        Why::WasCancelled => "was cancelled".to_owned(),
        Why::WasClaimed => "was taken as done by its mark".to_owned(),
        Why::WasManual => "a person did it so far: runs where nobody has done it yet".to_owned(),
        Why::WasGroup => "ended with its subtasks so far".to_owned(),
        Why::WasBound => "was done by another action".to_owned(),
    };
    if has_check { format!("{told}; its check is asked first") } else { told }
}

fn waits(why: &Why) -> String {
    match why {
        Why::New => "new".to_owned(),
        Why::WasBound => "no action does it any more".to_owned(),
        why => decided(why, false),
    }
}

fn again(parts: &[Part], files: &[FileChange]) -> String {
    let word = |part: &Part| match part {
        Part::Run => "command",
        part => part.name(),
    };
    let parts: Vec<&str> = parts.iter().map(word).collect();
    let action = (!parts.is_empty()).then(|| format!("its {} changed", parts.join(" and ")));
    let inputs = (!files.is_empty()).then(|| format!("its inputs changed: {}", files_told(files)));
    let told: Vec<String> = action.into_iter().chain(inputs).collect();
    if told.is_empty() { "its action changed".to_owned() } else { told.join(", ") }
}

fn files_told(files: &[FileChange]) -> String {
    let told = |file: &FileChange| match file.fate {
        FileFate::Changed => file.path.clone(),
        FileFate::Added => format!("{} (new)", file.path),
        FileFate::Removed => format!("{} (gone)", file.path),
    };
    human::some(files.iter().map(told), MOST_NAMES)
}

/// What changed about a task that its effect does not tell.
pub(super) fn notes(task: &TaskDifferenceView) -> Vec<String> {
    let document = task.changes.iter().filter_map(|found| change(found, &task.name.title));
    let binding = task.binding.iter().filter_map(|change| bound(change, &task.effect));
    document.chain(binding).collect()
}

fn change(change: &Change, title: &str) -> Option<String> {
    Some(match change {
        Change::Added | Change::Removed => return None,
        Change::Renamed { from_title, .. } if from_title == title => return None,
        Change::Renamed { from_title, .. } => format!("was called \u{201c}{from_title}\u{201d}"),
        Change::Moved { from, to } if from == to => "moved inside its phase".to_owned(),
        Change::Moved { from, to } => format!("moved from {from} to {to}"),
        Change::Reprioritised { from, to } => format!("priority {from} → {to}"),
        Change::Reopened => "open again, was marked done".to_owned(),
        Change::Marked { from, to } => format!("mark {} → {}", human::claim(*from), human::claim(*to)),
        Change::Optional { now: true } => "optional now".to_owned(),
        Change::Optional { now: false } => "not optional any more".to_owned(),
    })
}

fn bound(change: &BindingChange, effect: &Effect) -> Option<String> {
    let is_told = |part: &Part| matches!(effect, Effect::RunsAgain { parts, .. } if parts.contains(part));
    Some(match change {
        BindingChange::Means { from, to } => format!("{} → {}", means(from), means(to)),
        BindingChange::Action { part } if is_told(part) => return None,
        BindingChange::Action { part: Part::Run } => "its command changed".to_owned(),
        BindingChange::Action { part } => format!("its {} changed", part.name()),
        BindingChange::Policy { name, from, to } => format!("{name} {from} → {to}"),
        // The files say it already.
        BindingChange::Globs { .. } if matches!(effect, Effect::RunsAgain { files, .. } if !files.is_empty()) =>
        {
            return None;
        }
        BindingChange::Globs { added, removed } => {
            let added = added.iter().map(|glob| format!("+{glob}"));
            let removed = removed.iter().map(|glob| format!("-{glob}"));
            format!("inputs {}", human::some(added.chain(removed), MOST_NAMES))
        }
        BindingChange::Files { .. } if matches!(effect, Effect::RunsAgain { .. }) => return None,
        BindingChange::Files { files } => format!("its inputs changed: {}", files_told(files)),
    })
}

fn means(means: &Means) -> String {
    match means {
        Means::Unbound => "not bound".to_owned(),
        Means::Manual => "manual".to_owned(),
        Means::LeftOut { reason } => format!("left out ({reason})"),
        Means::Action { kind } => human::kind(*kind).to_owned(),
    }
}

/// A task as a reader of the comment finds it: its number now, or the one it had.
pub(super) fn called(task: &TaskDifferenceView) -> String {
    if is_gone(&task.effect) {
        format!("{} (was {})", task.name.title, task.name.ordinal)
    } else {
        format!("{} {}", task.name.ordinal, task.name.title)
    }
}

fn is_gone(effect: &Effect) -> bool {
    matches!(effect, Effect::Undone | Effect::Stays | Effect::Forgotten)
}

/// A dependency in words.
pub(super) fn tie(tie: &TieView, gained: bool) -> String {
    let verb = if gained { "waits for" } else { "no longer waits for" };
    let why = match tie.kind {
        TieKind::Written => "written in the document",
        TieKind::Needs => "needs of the catalogue",
        TieKind::Reads => "reads its outputs",
        TieKind::Subtask => "its subtask",
        TieKind::Order | TieKind::Barrier => "order of the document",
    };
    let (task, dependency) = (&tie.task, &tie.dependency);
    format!("{} {} {verb} {} {} ({why})", task.ordinal, task.title, dependency.ordinal, dependency.title)
}

/// Why nothing that was done counts.
pub(super) fn elsewhere(elsewhere: &Elsewhere) -> String {
    match elsewhere {
        Elsewhere::Document { from, to } => {
            format!("another document: {to} instead of {from}; nothing that was done counts")
        }
        Elsewhere::Environment { from, to } => {
            format!("another environment: {to} instead of {from}; nothing that was done there counts")
        }
    }
}

/// What nobody should miss: what cannot be taken back, what is taken back, and who is asked no more.
pub(super) fn cautions(view: &DifferenceView) -> Vec<String> {
    let mut all: Vec<String> = view.elsewhere.iter().map(elsewhere).collect();
    for task in &view.tasks {
        let asked = Means::Action { kind: ActionKind::Approval };
        let lost_guard = task.binding.iter().any(|change| match change {
            BindingChange::Policy { name: "irreversible", to, .. } => to == "false",
            BindingChange::Means { from, .. } => *from == asked,
            _ => false,
        });
        if task.irreversible && task.effect.runs() {
            all.push(format!("{} cannot be taken back; a person is asked before it runs", called(task)));
        }
        if lost_guard {
            all.push(format!("{} asks nobody any more", called(task)));
        }
        if is_gone(&task.effect) && task.kind == Some(ActionKind::Approval) {
            all.push(format!("{}: nobody is asked for this yes any more", called(task)));
        }
        if task.effect == Effect::Undone {
            all.push(format!("{} is taken back where a sync prunes", called(task)));
        }
    }
    all
}

/// Tasks whose order changed, in a line; none where none did.
pub(super) fn reordered(view: &DifferenceView) -> Option<String> {
    let tasks = match view.reordered.len() {
        0 => return None,
        1 => "1 task waits".to_owned(),
        many => format!("{many} tasks wait"),
    };
    Some(format!("{tasks} for others than before, by the order of the document"))
}

/// What is compared with what.
pub(super) fn ends(view: &DifferenceView) -> String {
    let short = |commit: &str| commit.chars().take(10).collect::<String>();
    match &view.head {
        Some(head) => format!("{} compared with {}", short(head), short(&view.base)),
        None => format!("compared with {}", short(&view.base)),
    }
}
