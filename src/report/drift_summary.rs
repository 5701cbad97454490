//! What follows from a look for drift, said once for every face.

use super::human::count;
use super::view::{DriftEnd, DriftEpisode, DriftFinding, DriftTask, DriftView};
use jiff::Timestamp;
use serde::Serialize;

/// Numbers of a look for drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DriftSummary {
    /// Checks that were asked.
    pub asked: usize,
    /// They said yes.
    pub healthy: usize,
    /// They said no.
    pub drifted: usize,
    /// They could not tell.
    pub errors: usize,
}

impl DriftSummary {
    /// Counts.
    pub fn of(view: &DriftView) -> Self {
        let (drifted, errors) = (view.drifted().count(), view.errors().count());
        let asked = view.tasks.len();
        Self { asked, healthy: asked - drifted - errors, drifted, errors }
    }

    /// The numbers as a sentence.
    pub fn sentence(&self) -> String {
        let of = match self.asked {
            1 => "the one task that was asked".to_owned(),
            asked => format!("{asked} tasks that were asked"),
        };
        let mut parts = Vec::new();
        match (self.asked, self.drifted) {
            (0, _) => return "No task that was done can be asked.".to_owned(),
            (_, 0) if self.errors == 0 => return format!("No drift: all is so, of {of}."),
            (_, 0) => parts.push("no drift".to_owned()),
            (_, drifted) => parts.push(format!("{drifted} drifted")),
        }
        if self.errors > 0 {
            parts.push(format!("{} cannot be told", self.errors));
        }
        format!("Of {of}: {}, {} as they should be.", parts.join(", "), self.healthy)
    }
}

/// What was not asked, in a few words; empty where all was.
pub(super) fn unasked(view: &DriftView) -> Vec<String> {
    let mut words = Vec::new();
    let unasked = view.unasked;
    if unasked.without_check > 0 {
        words.push(format!("{} without a check", count(unasked.without_check, "task", "tasks")));
    }
    if unasked.changed > 0 {
        words.push(format!(
            "{} changed since: a run does it again",
            count(unasked.changed, "action", "actions")
        ));
    }
    words
}

/// The tasks that are worth a line: those that are not as they should be.
pub(super) fn worth_telling(view: &DriftView) -> impl Iterator<Item = &DriftTask> {
    view.tasks.iter().filter(|task| task.finding != DriftFinding::True)
}

/// How an episode ended, and how long it took in milliseconds, until `now` where it has not.
pub(super) fn ended(episode: &DriftEpisode, now: Timestamp) -> (String, u64) {
    let (words, at) = match &episode.end {
        DriftEnd::Open => ("still drifted".to_owned(), now),
        DriftEnd::ByItself { at } => ("well again by itself".to_owned(), *at),
        DriftEnd::Repaired { at, run: Some(run) } => (format!("done again by run {run}"), *at),
        DriftEnd::Repaired { at, run: None } => ("set by a person".to_owned(), *at),
        DriftEnd::GivenUp { at } => ("taken back or given up".to_owned(), *at),
    };
    (words, u64::try_from(at.duration_since(episode.found).as_millis()).unwrap_or_default())
}
