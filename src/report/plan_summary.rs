//! What follows from the facts of a plan.

use super::view::{Intent, PlanView};
use serde::Serialize;

/// Tasks by intent. Each task counts in exactly one field but `total` and `changes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlanSummary {
    /// All selected tasks.
    pub total: usize,
    /// Tasks that a run would work on: `run`, `rerun` and `undo`.
    pub changes: usize,
    /// `+`
    pub run: usize,
    /// `~`
    pub rerun: usize,
    /// `=` found true now.
    pub satisfied: usize,
    /// `=` recorded.
    pub recorded: usize,
    /// `*`
    pub claimed: usize,
    /// `&`
    pub group: usize,
    /// `?`
    pub manual: usize,
    /// `!` held back by another task.
    pub blocked: usize,
    /// `!` its end was lost.
    pub unknown: usize,
    /// `-` left out.
    pub skipped: usize,
    /// `-` cancelled.
    pub cancelled: usize,
    /// `x`
    pub undo: usize,
}

impl PlanSummary {
    /// Counts.
    pub fn of(view: &PlanView) -> Self {
        let mut summary = Self { total: view.tasks.len(), ..Self::default() };
        for task in &view.tasks {
            *summary.field(&task.intent) += 1;
        }
        summary.changes = summary.run + summary.rerun + summary.undo;
        summary
    }

    fn field(&mut self, intent: &Intent) -> &mut usize {
        match intent {
            Intent::Run => &mut self.run,
            Intent::Rerun { .. } => &mut self.rerun,
            Intent::Satisfied => &mut self.satisfied,
            Intent::Recorded { .. } => &mut self.recorded,
            Intent::Claimed => &mut self.claimed,
            Intent::Group => &mut self.group,
            Intent::Manual => &mut self.manual,
            Intent::Blocked { .. } => &mut self.blocked,
            Intent::Unknown { .. } => &mut self.unknown,
            Intent::Skipped { .. } => &mut self.skipped,
            Intent::Cancelled => &mut self.cancelled,
            Intent::Undo => &mut self.undo,
        }
    }

    /// `12 to run, 2 to re-run, 20 recorded; 3 skipped.` Only what occurs; what a run changes first.
    pub fn sentence(&self) -> String {
        let parts = [
            (self.run, "to run"),
            (self.rerun, "to re-run"),
            (self.undo, "to undo"),
            (self.manual, "manual"),
            (self.blocked, "blocked"),
            (self.unknown, "unknown"),
            (self.satisfied, "found true"),
            (self.recorded, "recorded"),
            (self.claimed, "claimed"),
            (self.group, "of subtasks"),
            (self.skipped, "skipped"),
            (self.cancelled, "cancelled"),
        ];
        let said: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        match (self.total, self.changes) {
            (0, _) => "no tasks.".to_owned(),
            (_, 0) => format!("nothing to run ({}).", said.join(", ")),
            _ => format!("{}.", said.join(", ")),
        }
    }
}
