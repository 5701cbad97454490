//! What follows from the facts of a promotion.

use super::view::{PromotionVerdict, PromotionView};
use serde::Serialize;

/// Tasks by what becomes of them. Each counts in exactly one field but `total`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PromotionSummary {
    /// All tasks.
    pub total: usize,
    /// `+` to run.
    pub run: usize,
    /// `&` complete with subtasks that run.
    pub completes: usize,
    /// `=` the same in both.
    pub same: usize,
    /// `>` done in the second only.
    pub ahead: usize,
    /// `!` not proved in the first.
    pub not_proved: usize,
    /// `!` held back by another task.
    pub held_back: usize,
    /// `-` executed by one of both only.
    pub only_in_one: usize,
    /// `?` wait for a person.
    pub person: usize,
}

impl PromotionSummary {
    /// Counts.
    pub fn of(view: &PromotionView) -> Self {
        let mut summary = Self { total: view.tasks.len(), ..Self::default() };
        for task in &view.tasks {
            *summary.field(&task.verdict) += 1;
        }
        summary
    }

    fn field(&mut self, verdict: &PromotionVerdict) -> &mut usize {
        match verdict {
            PromotionVerdict::Same => &mut self.same,
            PromotionVerdict::Run { .. } => &mut self.run,
            PromotionVerdict::Completes => &mut self.completes,
            PromotionVerdict::Ahead => &mut self.ahead,
            PromotionVerdict::NotProved { .. } => &mut self.not_proved,
            PromotionVerdict::OnlyIn { .. } => &mut self.only_in_one,
            PromotionVerdict::Person { .. } => &mut self.person,
            PromotionVerdict::HeldBack { .. } => &mut self.held_back,
        }
    }

    /// `2 to run, 3 not proved, 20 the same.` Only what occurs.
    pub fn sentence(&self) -> String {
        let parts = [
            (self.run, "to run"),
            (self.completes, "of subtasks"),
            (self.not_proved, "not proved"),
            (self.held_back, "held back"),
            (self.person, "for a person"),
            (self.only_in_one, "in one only"),
            (self.ahead, "ahead"),
            (self.same, "the same"),
        ];
        let said: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        match (self.total, self.run) {
            (0, _) => "no tasks.".to_owned(),
            (_, 0) => format!("nothing to run ({}).", said.join(", ")),
            _ => format!("{}.", said.join(", ")),
        }
    }
}
