//! What the texts hold, before anything has an id: phases, tasks and requirements by index.

use crate::fields::{Fields, Written};
use std::collections::BTreeMap;
use taskmaster_core::document::{Acceptance, Claim, Estimate, InlineAction, Mark, Priority};
use taskmaster_core::text::Span;

/// A phase; headings without tasks are drafts too, so that they can be named.
#[derive(Clone, Debug, Default)]
pub(crate) struct DraftPhase {
    /// Index of the source.
    pub(crate) source: usize,
    /// The section in that source; none for the phase `Tasks`.
    pub(crate) section: Option<usize>,
    /// `Phase`, `Week`; none for a phase that is only a heading.
    pub(crate) word: Option<String>,
    /// `1`, `1-2`, `N`.
    pub(crate) number: Option<String>,
    /// Its title.
    pub(crate) title: String,
    /// `{#id}`.
    pub(crate) id: Option<String>,
    /// As written.
    pub(crate) priority: Option<Priority>,
    /// As written.
    pub(crate) estimate: Option<Estimate>,
    /// Index of the phase around it.
    pub(crate) parent: Option<usize>,
    /// Line of the heading.
    pub(crate) line: usize,
    /// The heading's text.
    pub(crate) span: Span,
}

/// A task.
#[derive(Clone, Debug)]
pub(crate) struct DraftTask {
    /// Index of the source.
    pub(crate) source: usize,
    /// Index of its phase.
    pub(crate) phase: usize,
    /// Index of the task it is a subtask of.
    pub(crate) parent: Option<usize>,
    /// The id of its parent, as one-task files say it.
    pub(crate) parent_id: Option<String>,
    /// What it says about itself.
    pub(crate) fields: Fields,
    /// What its mark says.
    pub(crate) status: Claim,
    /// Its mark.
    pub(crate) mark: Option<Mark>,
    /// Starred.
    pub(crate) optional: bool,
    /// Text below it.
    pub(crate) details: Vec<String>,
    /// Criteria below it.
    pub(crate) acceptance: Vec<Acceptance>,
    /// Actions below it.
    pub(crate) inline_actions: Vec<InlineAction>,
    /// Line, from 1.
    pub(crate) line: usize,
    /// Its first line.
    pub(crate) span: Span,
    /// The section it stands in: a heading ends a run of `[P]`.
    pub(crate) section: Option<usize>,
    /// The block of its list, and its number there.
    pub(crate) list: Option<(usize, u64)>,
}

/// A requirement.
#[derive(Clone, Debug)]
pub(crate) struct DraftRequirement {
    /// Index of the source.
    pub(crate) source: usize,
    /// The section it stands in.
    pub(crate) section: Option<usize>,
    /// Index of the phase it stands in.
    pub(crate) phase: Option<usize>,
    /// Its text.
    pub(crate) title: String,
    /// An explicit id.
    pub(crate) id: Option<Written>,
    /// It stands under a name of acceptance criteria.
    pub(crate) acceptance: bool,
    /// It is an item of a numbered list without boxes (BMAD).
    pub(crate) listed: bool,
    /// Title of the heading.
    pub(crate) heading: Option<String>,
    /// Number of the heading.
    pub(crate) number: Option<String>,
    /// What its mark says.
    pub(crate) status: Claim,
    /// Its mark.
    pub(crate) mark: Option<Mark>,
    /// Line, from 1.
    pub(crate) line: usize,
}

/// Everything that was read, from all sources.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    /// In document order.
    pub(crate) phases: Vec<DraftPhase>,
    /// In document order.
    pub(crate) tasks: Vec<DraftTask>,
    /// In document order.
    pub(crate) requirements: Vec<DraftRequirement>,
    /// Phases of one-task files by title.
    pub(crate) shared_phases: BTreeMap<String, usize>,
}

impl Draft {
    /// True for each phase that holds a task, itself or below.
    pub(crate) fn phases_with_tasks(&self) -> Vec<bool> {
        let mut holds = vec![false; self.phases.len()];
        for task in &self.tasks {
            let mut phase = Some(task.phase);
            while let Some(at) = phase.filter(|at| !holds[*at]) {
                holds[at] = true;
                phase = self.phases[at].parent;
            }
        }
        holds
    }

    /// True for each phase that holds a task itself.
    pub(crate) fn phases_with_own_tasks(&self) -> Vec<bool> {
        let mut holds = vec![false; self.phases.len()];
        for task in &self.tasks {
            holds[task.phase] = true;
        }
        holds
    }
}
