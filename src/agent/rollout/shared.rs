//! What all rollouts of an agent share.

use crate::agent::files::Files;
use crate::agent::held::Held;
use crate::agent::journal::Recorder;
use crate::agent::picture::Show;
use crate::clock;
use std::sync::Arc;
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
