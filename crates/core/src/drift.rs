//! Drift: what was done and is no longer so.
//!
//! Asked are tasks that were done by the action as it is now. Where that action changed meanwhile its check asks
//! something else: that is a pending change, not drift. An answer that could not tell changes nothing.

use crate::journal::{Recorded, Verdict};
use crate::plan::PlannedTask;
use crate::state::TaskState;

/// Why a task is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unasked {
    /// It was not done here, or not to its end.
    NotDone,
    /// Nothing can tell.
    NoCheck,
    /// Its action is another one than it was done by.
    Changed,
}

/// Whether the check of a task is asked, of what is recorded about it.
///
/// # Errors
/// Why it is not.
pub fn is_asked(task: &PlannedTask, recorded: Option<&Recorded>) -> Result<(), Unasked> {
    let done = recorded
        .filter(|recorded| matches!(recorded.state, TaskState::Completed | TaskState::Satisfied))
        .ok_or(Unasked::NotDone)?;
    if !task.has_check {
        return Err(Unasked::NoCheck);
    }
    let by_a_person = done.by.is_some() && done.digest.is_none();
    if done.digest != task.digest && !by_a_person {
        return Err(Unasked::Changed);
    }
    Ok(())
}

/// What an answer changes in what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It began to drift.
    Found,
    /// It is so again.
    Gone,
}

/// What `verdict` changes where the task was known to have drifted or not.
pub const fn change(verdict: &Verdict, drifted: bool) -> Option<Change> {
    match (verdict, drifted) {
        (Verdict::False, false) => Some(Change::Found),
        (Verdict::True, true) => Some(Change::Gone),
        (Verdict::True | Verdict::False | Verdict::Error { .. }, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::planned_task;
    use crate::id::Digest;

    fn checked() -> PlannedTask {
        PlannedTask { has_check: true, digest: Some(Digest::new("d")), ..planned_task(0) }
    }

    #[test]
    fn only_a_yes_or_a_no_changes_anything() {
        let error = || Verdict::Error { message: "down".to_owned() };
        assert_eq!(change(&Verdict::False, false), Some(Change::Found));
        assert_eq!(change(&Verdict::False, true), None);
        assert_eq!(change(&Verdict::True, true), Some(Change::Gone));
        assert_eq!(change(&Verdict::True, false), None);
        assert_eq!((change(&error(), false), change(&error(), true)), (None, None));
    }

    #[test]
    fn asked_is_what_was_done_by_the_action_as_it_is() {
        let task = checked();
        let done = |state, digest: Option<&str>, by: Option<&str>| {
            let digest = digest.map(Digest::new);
            Recorded { state, digest, by: by.map(str::to_owned), ..Recorded::default() }
        };
        let ask = |recorded: &Recorded| is_asked(&task, Some(recorded));
        assert_eq!(ask(&done(TaskState::Completed, Some("d"), None)), Ok(()));
        assert_eq!(ask(&done(TaskState::Satisfied, Some("d"), None)), Ok(()));
        assert_eq!(ask(&done(TaskState::Completed, Some("e"), None)), Err(Unasked::Changed));
        assert_eq!(ask(&done(TaskState::Completed, None, Some("eve"))), Ok(()), "a person's word");
        assert_eq!(ask(&done(TaskState::Claimed, None, None)), Err(Unasked::NotDone));
        assert_eq!(
            ask(&done(TaskState::Running { attempt: "a".into(), number: 1 }, Some("d"), None)),
            Err(Unasked::NotDone)
        );
        assert_eq!(is_asked(&task, None), Err(Unasked::NotDone));
        let blind = PlannedTask { has_check: false, ..task.clone() };
        assert_eq!(
            is_asked(&blind, Some(&done(TaskState::Completed, Some("d"), None))),
            Err(Unasked::NoCheck)
        );
    }
}
