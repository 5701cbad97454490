//! What follows from the facts of a rollout.

use super::view::{HoldBy, RolloutKind, RolloutPhase, RolloutView};
use serde::Serialize;

/// What follows from the facts of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RolloutSummary {
    /// Nothing changes any more by itself.
    pub is_over: bool,
    /// The new version was given up.
    pub is_rolled_back: bool,
    /// It waits for a person: nothing else brings it on.
    pub waits_for_person: bool,
    /// Milliseconds since it began, or until it ended.
    pub took_ms: Option<u64>,
    /// Milliseconds until the step at hand can end.
    pub step_left_ms: Option<u64>,
    /// Requests of all versions.
    pub requests: Option<u64>,
    /// Those that failed.
    pub failures: Option<u64>,
    /// Versions with a restart or a trouble.
    pub ailing: Vec<String>,
}

impl RolloutSummary {
    /// Derives it.
    pub fn of(view: &RolloutView) -> Self {
        let span = |from: jiff::Timestamp, to: jiff::Timestamp| {
            u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
        };
        let counted: Vec<_> = view.versions.iter().filter_map(|version| version.requests).collect();
        let failed: Vec<_> = view.versions.iter().filter_map(|version| version.failures).collect();
        let sum = |all: Vec<u64>| {
            (!all.is_empty()).then(|| all.iter().fold(0, |sum: u64, one| sum.saturating_add(*one)))
        };
        let ailing = view.versions.iter().filter(|version| version.trouble.is_some());
        Self {
            is_over: view.phase.is_over(),
            is_rolled_back: view.phase.is_back(),
            waits_for_person: view.waits_for_person(),
            took_ms: view.started.map(|from| span(from, view.ended.unwrap_or(view.generated))),
            step_left_ms: view.until.filter(|_| !view.phase.is_over()).map(|at| span(view.generated, at)),
            requests: sum(counted),
            failures: sum(failed),
            ailing: ailing.map(|version| version.revision.clone()).collect(),
        }
    }
}

impl RolloutView {
    /// True where nothing but a person brings it on. A gate of this machine is answered by its service; one that
    /// Flagger waits at by who opens it.
    pub fn waits_for_person(&self) -> bool {
        let is_persons = |by: HoldBy| by != HoldBy::Gate || self.kind == RolloutKind::Canary;
        let is_held = self.held.as_ref().is_some_and(|held| is_persons(held.by));
        is_held && (!self.phase.is_over() || self.phase == RolloutPhase::Degraded)
    }
}
