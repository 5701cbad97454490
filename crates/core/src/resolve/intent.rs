//! What is intended for one task, and why. The first reason that applies decides:
//!
//! 1. cancelled in the document, or optional: left out, unless included;
//! 2. `when` says that the environment cannot do it: left out;
//! 3. an attempt whose end was lost, in the ledger: unknown, until a person resolves it;
//! 4. skipped or cancelled by a person: stays so;
//! 5. completed before, no check, same digest: stays completed (a manual task too); one with a check,
//!    too, where only what drifted, or nothing, is decided anew;
//! 6. claimed done in the document, no check, and the mark tells of nothing older that the ledger knows: taken as done;
//! 7. an action: executed (its check decides first);
//! 8. subtasks, and nothing bound: a group;
//! 9. otherwise a person does it.

use super::{Anew, ResolveOptions};
use crate::action::{Action, ActionKind, Binding, Invocation, When};
use crate::document::{Claim, Task};
use crate::id::{Digest, TaskKey};
use crate::journal::Recorded;
use crate::plan::{Disposition, PlannedTask};
use crate::state::TaskState;

/// All that is known about one task.
pub(super) struct Intent<'a> {
    pub(super) task: &'a Task,
    pub(super) binding: Option<&'a Binding>,
    pub(super) recorded: Option<&'a Recorded>,
    pub(super) has_subtasks: bool,
}

impl Intent<'_> {
    /// The rules above.
    pub(super) fn disposition(&self, options: &ResolveOptions) -> Disposition {
        if self.task.status == Claim::Cancelled && !options.include_cancelled {
            return Disposition::Cancelled;
        }
        if self.task.optional && !options.include_optional {
            return Disposition::Skip { reason: "optional".to_owned() };
        }
        if let Some(Binding { when: When::Skip { reason }, .. }) = self.binding {
            return Disposition::Skip { reason: reason.clone() };
        }
        if let Some(decided) = self.recorded.and_then(|recorded| self.recorded_disposition(recorded, options))
        {
            return decided;
        }
        if self.is_group() {
            return Disposition::Group;
        }
        let is_claimed = self.task.status == Claim::Completed && !options.ignore_marks;
        if is_claimed && !self.has_check() && !self.is_mark_outdated() {
            return Disposition::Claimed;
        }
        if self.action().is_some() { Disposition::Execute } else { Disposition::Manual }
    }

    fn recorded_disposition(&self, recorded: &Recorded, options: &ResolveOptions) -> Option<Disposition> {
        if let TaskState::Unknown { reason } = &recorded.state {
            return Some(Disposition::Unknown { reason: reason.clone() });
        }
        if let Some(attempt) = &recorded.open_attempt {
            return Some(Disposition::Unknown {
                reason: format!("the end of attempt {attempt} is not recorded"),
            });
        }
        let stays = match &recorded.state {
            TaskState::Skipped { .. } | TaskState::Cancelled => recorded.by.is_some(),
            TaskState::Completed | TaskState::Satisfied => {
                let is_asked = match options.anew {
                    Anew::Checked => self.has_check(),
                    Anew::Drifted => self.has_check() && recorded.drifted,
                    Anew::Nothing => false,
                };
                !is_asked && !self.is_group() && self.is_of_this_action(recorded)
            }
            _ => false,
        };
        stays.then(|| Disposition::Recorded { state: recorded.state.clone() })
    }

    /// True where the record is about the action as it is now. A person who sets a task completed
    /// speaks of the task, whatever is bound: no digest belongs to that.
    fn is_of_this_action(&self, recorded: &Recorded) -> bool {
        recorded.digest.as_ref() == self.digest() || (recorded.by.is_some() && recorded.digest.is_none())
    }

    /// The mark tells of what was done here before, and write-back may have set it: it says nothing about the action of
    /// today. That is so where another action did it, and where an attempt succeeded once and something came after
    /// it: a failure, an interruption, somebody who put it back.
    fn is_mark_outdated(&self) -> bool {
        self.recorded.is_some_and(|recorded| match recorded.state {
            TaskState::Completed | TaskState::Satisfied => {
                recorded.digest.is_some() && !self.is_of_this_action(recorded)
            }
            _ => recorded.last_duration_ms.is_some(),
        })
    }

    fn action(&self) -> Option<&Action> {
        self.binding.and_then(|binding| binding.action.as_ref())
    }

    fn digest(&self) -> Option<&Digest> {
        self.binding.filter(|binding| binding.action.is_some()).map(|binding| &binding.digest)
    }

    fn has_check(&self) -> bool {
        self.action().is_some_and(|action| action.check.is_some())
    }

    /// A parent that nothing binds; one that is bound as manual waits for a person.
    fn is_group(&self) -> bool {
        self.has_subtasks && self.binding.is_none()
    }

    /// True where, from outside the selection, it lets dependants go on: decided without running, or
    /// done before by the action as it is now. A group follows its subtasks and is not asked here.
    pub(super) fn is_met(&self, disposition: &Disposition) -> bool {
        match disposition {
            Disposition::Claimed
            | Disposition::Recorded { .. }
            | Disposition::Skip { .. }
            | Disposition::Cancelled => true,
            Disposition::Execute => self.recorded.is_some_and(|recorded| {
                recorded.state.lets_dependants_go() && self.is_of_this_action(recorded)
            }),
            Disposition::Manual | Disposition::Unknown { .. } | Disposition::Group => false,
        }
    }

    /// True where a run does or records something for it: it has work, or its state is not yet what the
    /// plan says it is.
    pub(super) fn has_turn(&self, disposition: &Disposition) -> bool {
        let state = self.recorded.map(|recorded| &recorded.state);
        match disposition {
            Disposition::Execute | Disposition::Manual | Disposition::Unknown { .. } => true,
            Disposition::Group | Disposition::Claimed => !state.is_some_and(TaskState::lets_dependants_go),
            Disposition::Recorded { state: kept } => state != Some(kept),
            Disposition::Skip { reason } => {
                !matches!(state, Some(TaskState::Skipped { reason: known }) if known == reason)
            }
            Disposition::Cancelled => state != Some(&TaskState::Cancelled),
        }
    }

    /// True where nothing is left to decide when a run begins. What was done before may have to be
    /// done again: with other outputs or files to read, or a yes that was given to something else.
    pub(super) fn settles_at_once(&self, disposition: &Disposition) -> bool {
        match disposition {
            Disposition::Claimed | Disposition::Skip { .. } | Disposition::Cancelled => true,
            Disposition::Recorded { .. } => {
                let reads = self.binding.is_some_and(|binding| !binding.awaits.is_empty());
                let is_approval = self.action().is_some_and(|action| action.kind == ActionKind::Approval);
                !reads && !is_approval && !self.reads_files()
            }
            Disposition::Execute | Disposition::Manual | Disposition::Unknown { .. } | Disposition::Group => {
                false
            }
        }
    }

    /// True where the contents of files belong to its action.
    pub(super) fn reads_files(&self) -> bool {
        self.binding.is_some_and(|binding| !binding.inputs.is_empty())
    }

    /// Why it does not let go on, in a few words.
    pub(super) fn why_unmet(&self, disposition: &Disposition) -> String {
        match (disposition, self.recorded.map(|recorded| &recorded.state)) {
            (Disposition::Manual, _) => "waits for a person".to_owned(),
            (Disposition::Unknown { reason }, _) => format!("its end is unknown: {reason}"),
            (Disposition::Group, _) => "has subtasks that are not done".to_owned(),
            (_, Some(TaskState::Failed { reason })) => format!("failed: {reason}"),
            (_, Some(state)) if state.lets_dependants_go() => {
                "its action changed since it was done".to_owned()
            }
            _ => "not done here yet".to_owned(),
        }
    }

    /// The task as the plan holds it.
    pub(super) fn planned(
        &self,
        key: TaskKey,
        disposition: Disposition,
        dependencies: Vec<usize>,
    ) -> PlannedTask {
        let action = self.action();
        PlannedTask {
            key,
            id: self.task.id.clone(),
            ordinal: self.task.ordinal.clone(),
            title: self.task.title.clone(),
            phase: self.task.phase.clone(),
            priority: self.task.priority,
            line: self.task.line,
            dependencies,
            reads: Vec::new(),
            reads_files: self.reads_files(),
            owes_outputs: false,
            disposition,
            kind: action.map(|action| action.kind),
            has_check: action.is_some_and(|action| action.check.is_some()),
            has_verify: action.is_some_and(|action| action.verify.is_some()),
            policy: self.binding.map(|binding| binding.policy.clone()).unwrap_or_default(),
            digest: self.digest().cloned(),
            last_duration_ms: self.recorded.and_then(|recorded| recorded.last_duration_ms),
            approval: self.approval(),
        }
    }

    /// What a person is asked: the words of an approval step, or that there is no way back.
    fn approval(&self) -> Option<String> {
        let mut steps = self.action()?.run.iter();
        let asked = steps.find_map(|step| match &step.invocation {
            Invocation::Approval { message } => Some(message.clone()),
            _ => None,
        });
        let irreversible = self.binding.is_some_and(|binding| binding.policy.irreversible);
        asked.or_else(|| irreversible.then(|| format!("`{}` cannot be taken back: go on?", self.task.title)))
    }
}
