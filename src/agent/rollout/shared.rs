//! What all rollouts of an agent share.

use crate::agent::files::Files;
use crate::agent::held::Held;
use crate::agent::journal::Recorder;
use crate::agent::picture::Show;
use crate::clock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use taskmaster_delivery::time::Time;

/// What all rollouts of an agent share.
#[derive(Clone)]
pub struct Shared {
    /// Where files are.
    pub files: Files,
    /// What the guard holds.
    pub held: Held,
    /// Remembers.
    pub recorder: Recorder,
    /// Makes views.
    pub show: Arc<dyn Show>,
    /// How many releases there were of rollouts that were forgotten: their numbers go on.
    pub releases: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Shared {
    /// Releases that there were of a rollout that is not known any more.
    pub fn past_releases(&self, name: &str) -> u64 {
        let releases = self.releases.lock().unwrap_or_else(PoisonError::into_inner);
        releases.get(name).copied().unwrap_or_default()
    }

    /// A rollout is forgotten after so many releases.
    pub fn note_releases(&self, name: &str, count: u64) {
        self.releases.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), count);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("files", &self.files).finish_non_exhaustive()
    }
}

/// The time now as engines take it.
pub(crate) fn now() -> Time {
    Time(clock::now().as_millisecond())
}
