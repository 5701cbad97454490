//! What holds for every write-back. The fuzz target `write_back` has this file, too.
//!
//! An input is a line of letters, one a task, which say what is known of it; and a document.

use super::{Evidence, TextFault, texts};
use std::collections::HashMap;
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::document::{Claim, Document, Mark};
use taskmaster_core::id::AttemptId;
use taskmaster_core::state::{TaskState, WaitFor};
use taskmaster_core::text::Span;
use taskmaster_prd::{Options, SourceText, parse};

/// Writes back what an input says is known; the letters of marks that changed.
pub(super) fn check(input: &str) -> String {
    let (letters, text) = input.split_once('\n').unwrap_or(("", input));
    let options = Options::default();
    let parsed = parse(text, &options);
    let before = parsed.document;
    let letters = letters.chars().chain(std::iter::repeat(' '));
    let known: Vec<Option<TaskState>> = before.tasks.iter().zip(letters).map(|(_, l)| state(l)).collect();
    let states: HashMap<_, _> = before
        .tasks
        .iter()
        .zip(&known)
        .filter_map(|(task, state)| Some((task.id.clone(), state.clone()?)))
        .collect();
    let evidence = Evidence::of_states(&before, states);
    let write = |text: &str| texts(&[SourceText { name: "prd.md", text }], &options, &evidence);

    let mut new = match write(text) {
        Ok(new) => new,
        Err(TextFault::Unsound(_)) => {
            assert!(parsed.diagnostics.iter().any(|found| found.severity == Severity::Error));
            return String::new();
        }
        // Refused as a whole: nothing is written.
        Err(TextFault::Misread) => return String::new(),
        Err(TextFault::Mark(fault)) => panic!("a mark as it was read cannot be written: {fault}"),
    };
    let Some(new) = new.remove(&0) else { return String::new() };
    assert_ne!(new, text, "a text that stays is not given");
    let after = parse(&new, &options).document;
    assert_eq!(without_marks(before.clone()), without_marks(after.clone()), "the same but for marks");
    let changed = only_marks_differ((text, &before), (&new, &after));
    for ((old, new), state) in before.tasks.iter().zip(&after.tasks).zip(&known) {
        let is_parent = before.tasks.iter().any(|task| task.parent.as_ref() == Some(&old.id));
        let shown = |mark: Option<Mark>| mark.map(|mark| mark.character);
        match state {
            None if !is_parent => assert_eq!(shown(old.mark), shown(new.mark), "nothing is known of it"),
            Some(TaskState::Completed) => assert!(
                new.status == Claim::Completed || shown(old.mark) == shown(new.mark),
                "done, and its mark says {:?}",
                new.status
            ),
            _ => {}
        }
        assert!(old.status != Claim::Cancelled || shown(old.mark) == shown(new.mark), "not wanted stays so");
    }
    assert_eq!(write(&new), Ok(Default::default()), "what is written is not written again");
    changed
}

fn state(letter: char) -> Option<TaskState> {
    Some(match letter {
        'c' => TaskState::Completed,
        's' => TaskState::Satisfied,
        'r' => TaskState::Running { attempt: AttemptId::from("A1"), number: 1 },
        'w' => TaskState::Waiting { on: WaitFor::Approval { message: String::new() } },
        'p' => TaskState::Pending,
        'u' => TaskState::Unknown { reason: String::new() },
        'k' => TaskState::Ready,
        'x' => TaskState::Cancelled,
        _ => return None,
    })
}

/// A document in which no box has a mark. Places move with marks of another length.
fn without_marks(mut document: Document) -> Document {
    for task in &mut document.tasks {
        (task.mark, task.status, task.span) = (None, Claim::Pending, Span::new(0, 0));
        task.acceptance.iter_mut().for_each(|one| (one.mark, one.status) = (None, Claim::Pending));
    }
    document.requirements.iter_mut().for_each(|one| (one.mark, one.status) = (None, Claim::Pending));
    document
}

/// Every byte outside of the marks of tasks is the same; the marks that are not, as they are now.
fn only_marks_differ((old, before): (&str, &Document), (new, after): (&str, &Document)) -> String {
    let marks = |document: &Document| -> Vec<Span> {
        let mut spans: Vec<Span> = document.tasks.iter().filter_map(|task| Some(task.mark?.span)).collect();
        spans.sort();
        spans
    };
    let (mut old_at, mut new_at, mut changed) = (0, 0, String::new());
    let (old_marks, new_marks) = (marks(before), marks(after));
    assert_eq!(old_marks.len(), new_marks.len());
    for (was, is) in old_marks.into_iter().zip(new_marks) {
        assert_eq!(old[old_at..was.start], new[new_at..is.start], "only marks change");
        if was.of(old) != is.of(new) {
            changed.push_str(is.of(new));
        }
        (old_at, new_at) = (was.end, is.end);
    }
    assert_eq!(old[old_at..], new[new_at..], "only marks change");
    changed
}
