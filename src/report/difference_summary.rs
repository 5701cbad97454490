//! What follows from the facts of a difference.

use super::view::DifferenceView;
use serde::Serialize;
use taskmaster_core::difference::model::Effect;
use taskmaster_core::text::count;

/// Tasks by what a place that stands at the base would do. Each task that differs counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DifferenceSummary {
    /// Decided for the first time.
    pub runs: usize,
    /// Done, but not as it is now.
    pub runs_again: usize,
    /// Done, and reads what may be another value.
    pub may_run_again: usize,
    /// A person does it.
    pub waits: usize,
    /// `when` leaves it out, or it was cancelled.
    pub left_out: usize,
    /// Taken as done by its mark.
    pub claimed: usize,
    /// Gone: a sync with `--prune` takes it back.
    pub undone: usize,
    /// Gone: what was done stays.
    pub stays: usize,
    /// It differs, and nothing is done.
    pub unaffected: usize,
}

impl DifferenceSummary {
    /// Counts.
    pub fn of(view: &DifferenceView) -> Self {
        let mut summary = Self::default();
        for task in &view.tasks {
            *summary.field(&task.effect) += 1;
        }
        summary
    }

    fn field(&mut self, effect: &Effect) -> &mut usize {
        match effect {
            Effect::Runs { .. } => &mut self.runs,
            Effect::RunsAgain { .. } => &mut self.runs_again,
            Effect::MayRunAgain { .. } => &mut self.may_run_again,
            Effect::Waits { .. } => &mut self.waits,
            Effect::Skipped { .. } | Effect::Cancelled => &mut self.left_out,
            Effect::Claimed => &mut self.claimed,
            Effect::Undone => &mut self.undone,
            Effect::Stays | Effect::Forgotten => &mut self.stays,
            Effect::Nothing | Effect::Group => &mut self.unaffected,
        }
    }

    /// `2 tasks run, 1 runs again, 1 removed`: only what occurs, what is done first.
    pub fn sentence(&self, view: &DifferenceView) -> String {
        if !view.differs {
            return "no difference in meaning".to_owned();
        }
        let removed = self.undone + self.stays;
        let parts = [
            (self.runs, "runs", "run"),
            (self.runs_again, "runs again", "run again"),
            (self.may_run_again, "may run again", "may run again"),
            (self.waits, "waits for a person", "wait for a person"),
            (self.left_out, "left out", "left out"),
            (self.claimed, "taken as done", "taken as done"),
            (removed, "removed", "removed"),
        ];
        let said: Vec<String> = parts
            .iter()
            .filter(|(number, ..)| *number > 0)
            .enumerate()
            .map(|(place, (number, one, many))| {
                let verb = if *number == 1 { one } else { many };
                let subject = if place == 0 { count(*number, "task", "tasks") } else { number.to_string() };
                format!("{subject} {verb}")
            })
            .collect();
        let works = self.runs + self.runs_again + self.may_run_again + self.waits + self.undone > 0;
        match (works, said.is_empty()) {
            (true, _) => said.join(", "),
            (false, false) => format!("nothing runs; {}", said.join(", ")),
            (false, true) if self.unaffected > 0 => {
                format!("nothing runs; {}", count(self.unaffected, "task changed", "tasks changed"))
            }
            (false, true) => "nothing runs; tasks wait for others than before".to_owned(),
        }
    }
}
