//! Waits for the end of a rollout.

use super::model::{Backend, Named};
use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::clock;
use crate::report::view::{RolloutPhase, RolloutView};
use std::time::Duration;

/// How a rollout was left.
#[derive(Clone, Debug, PartialEq)]
pub struct Waited {
    /// As it was seen last.
    pub view: RolloutView,
    /// It was over before the time was.
    pub in_time: bool,
}

impl Waited {
    /// The exit code of who waited: 50 taken back, 21 it waits for a person, 51 still under way.
    pub fn exit(&self) -> Exit {
        match self.view.phase {
            RolloutPhase::RollingBack | RolloutPhase::RolledBack => Exit::RolledBack,
            RolloutPhase::Degraded => Exit::TaskFailed,
            _ if self.in_time => Exit::Ok,
            _ if self.view.held.is_some() => Exit::Waiting,
            _ => Exit::UnderWay,
        }
    }
}

/// Waits until a rollout is over; `look` sees it at every change. A limit of none waits as long as it takes.
///
/// # Errors
/// Its driver cannot be reached.
pub fn wait(
    backend: &dyn Backend,
    name: &Named,
    limit: Option<Duration>,
    look: &mut dyn FnMut(&RolloutView),
) -> Result<Waited, AppError> {
    let begun = clock::monotonic();
    let mut last = None;
    backend.watch(name, &mut |view| {
        look(view);
        let is_late = limit.is_some_and(|limit| clock::monotonic().duration_since(begun) >= limit);
        let is_over = view.phase.is_over();
        last = Some(Waited { view: view.clone(), in_time: is_over });
        !is_over && !is_late
    })?;
    match last {
        Some(waited) => Ok(waited),
        // A watch shows the rollout at once; one that did not is asked.
        None => backend.view(name).map(|view| Waited { in_time: view.phase.is_over(), view }),
    }
}
