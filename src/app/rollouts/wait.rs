//! Waits for a state of a rollout.

use super::model::{Backend, Named};
use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::clock;
use crate::report::view::{RolloutPhase, RolloutView};
use std::time::Duration;
use taskmaster_core::rollout::Until;

/// True where it is so. What was completed has passed every step and weight.
fn is_reached(until: Until, view: &RolloutView) -> bool {
    let is_complete = view.phase == RolloutPhase::Completed;
    match until {
        Until::Over => view.phase.is_over(),
        Until::Held => view.held.is_some() && !view.phase.is_over(),
        Until::Step(count) => is_complete || view.step.is_some_and(|step| step >= count),
        Until::Weight(percent) => {
            let weight = view.newcomer().and_then(|version| version.weight);
            is_complete || weight.is_some_and(|weight| weight >= percent)
        }
    }
}

/// How a rollout was left.
#[derive(Clone, Debug, PartialEq)]
pub struct Waited {
    /// As it was seen last.
    pub view: RolloutView,
    /// What was waited for came about before the time was over.
    pub is_reached: bool,
}

impl Waited {
    /// The exit code of who waited: 50 taken back, 20 it cannot go on or was over before it came so far, 21 it
    /// waits for a person, 51 still under way.
    pub fn exit(&self) -> Exit {
        match self.view.phase {
            RolloutPhase::RollingBack | RolloutPhase::RolledBack => Exit::RolledBack,
            RolloutPhase::Degraded => Exit::TaskFailed,
            _ if self.is_reached => Exit::Ok,
            RolloutPhase::Completed => Exit::TaskFailed,
            _ if self.view.waits_for_person() => Exit::Waiting,
            _ => Exit::UnderWay,
        }
    }

    /// The exit code of who gave it up and waited: that it was taken back is just what was wanted.
    pub fn exit_of_abort(&self) -> Exit {
        match self.view.phase {
            RolloutPhase::RolledBack => Exit::Ok,
            RolloutPhase::RollingBack if self.view.waits_for_person() => Exit::Waiting,
            RolloutPhase::RollingBack => Exit::UnderWay,
            _ => self.exit(),
        }
    }
}

/// Waits until a rollout is so, or cannot be any more; `look` sees it at every change. A limit of none waits as long
/// as it takes.
///
/// # Errors
/// Its driver cannot be reached.
pub fn wait(
    backend: &dyn Backend,
    name: &Named,
    until: Until,
    limit: Option<Duration>,
    look: &mut dyn FnMut(&RolloutView),
) -> Result<Waited, AppError> {
    let begun = clock::monotonic();
    let mut last = None;
    backend.watch(name, &mut |view| {
        look(view);
        let is_late = limit.is_some_and(|limit| clock::monotonic().duration_since(begun) >= limit);
        let is_reached = is_reached(until, view);
        let is_done = is_reached || view.phase.is_over() || is_late;
        last = Some(Waited { view: view.clone(), is_reached });
        !is_done
    })?;
    match last {
        Some(waited) => Ok(waited),
        // A watch shows the rollout at once; one that did not is asked.
        None => backend.view(name).map(|view| Waited { is_reached: is_reached(until, &view), view }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::rollouts::{Ask, RolloutError, StartRequest};
    use crate::report::view::{
        HoldBy, HoldView, RolloutHistoryView, RolloutKind, RolloutListView, RolloutVersionView, VersionRole,
    };
    use std::cell::Cell;

    /// A driver that shows one view after the other, then the last one for ever; a view that is missing is one
    /// that could not be had.
    struct Script {
        views: Vec<Option<RolloutView>>,
        at: Cell<usize>,
    }

    impl Script {
        fn new(views: Vec<Option<RolloutView>>) -> Self {
            Self { views, at: Cell::new(0) }
        }
    }

    fn unreachable() -> AppError {
        let (what, why, help) = ("the agent".to_owned(), "gone".to_owned(), String::new());
        RolloutError::Unreachable { what, why, help }.into()
    }

    impl Backend for Script {
        fn start(&self, _: &StartRequest) -> Result<RolloutView, AppError> {
            Err(unreachable())
        }

        fn view(&self, _: &Named) -> Result<RolloutView, AppError> {
            let at = self.at.get();
            self.at.set((at + 1).min(self.views.len() - 1));
            self.views[at].clone().ok_or_else(unreachable)
        }

        fn list(&self) -> Result<RolloutListView, AppError> {
            Err(unreachable())
        }

        fn history(&self, _: &Named) -> Result<RolloutHistoryView, AppError> {
            Err(unreachable())
        }

        fn ask(&self, _: &Named, _: Ask) -> Result<RolloutView, AppError> {
            Err(unreachable())
        }

        fn pace(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn view(phase: RolloutPhase, weight: u32, step: usize) -> RolloutView {
        let version = RolloutVersionView {
            revision: "v4".to_owned(),
            number: None,
            role: VersionRole::Canary,
            label: None,
            weight: Some(weight),
            pods: Default::default(),
            restarts: None,
            trouble: None,
            requests: None,
            failures: None,
            p50_ms: None,
            p99_ms: None,
        };
        let now = jiff::Timestamp::UNIX_EPOCH;
        let mut view = RolloutView::new(RolloutKind::Local, "web", now);
        (view.phase, view.step, view.versions) = (phase, Some(step), vec![version]);
        view
    }

    fn held(by: HoldBy) -> RolloutView {
        let held = HoldView { by, words: "it waits".to_owned(), since: None };
        RolloutView { held: Some(held), ..view(RolloutPhase::Analyzing, 25, 2) }
    }

    fn waited(until: &str, views: &[RolloutView], limit: Option<Duration>) -> (bool, u8) {
        let script = Script::new(views.iter().cloned().map(Some).collect());
        let name = "web".parse().unwrap();
        let waited = wait(&script, &name, until.parse().unwrap(), limit, &mut |_| ()).unwrap();
        (waited.is_reached, waited.exit() as u8)
    }

    #[test]
    fn what_is_waited_for_and_how_that_ends() {
        use RolloutPhase::{Analyzing, Completed, Degraded, RolledBack, RollingBack};
        let on = |weight, step| view(Analyzing, weight, step);
        let ways = [
            ("over", vec![on(0, 0), view(Completed, 100, 0)], (true, 0)),
            ("over", vec![on(10, 1), view(RollingBack, 10, 1), view(RolledBack, 0, 1)], (true, 50)),
            ("over", vec![view(Degraded, 0, 0)], (true, 20)),
            ("weight 25", vec![on(10, 0), on(25, 1), on(50, 2)], (true, 0)),
            ("weight 25", vec![on(10, 0), view(RolledBack, 0, 0)], (false, 50)),
            ("weight 25", vec![on(10, 0), view(Completed, 0, 0)], (true, 0)),
            ("step 2", vec![on(10, 0), on(10, 1), on(10, 2)], (true, 0)),
            ("held", vec![on(10, 0), held(HoldBy::Gate)], (true, 0)),
            ("held", vec![on(10, 0), view(Completed, 0, 0)], (false, 20)),
        ];
        for (until, views, expected) in ways {
            assert_eq!(waited(until, &views, None), expected, "{until}: {views:?}");
        }
    }

    #[test]
    fn the_time_is_over() {
        let none = Some(Duration::ZERO);
        assert_eq!(waited("over", &[view(RolloutPhase::Analyzing, 0, 0)], none), (false, 51));
        assert_eq!(waited("over", &[held(HoldBy::Step)], none), (false, 21));
        // Its service answers it by itself; one of Flagger's waits for somebody's yes.
        let gate = held(HoldBy::Gate);
        assert_eq!(waited("over", std::slice::from_ref(&gate), none), (false, 51));
        assert_eq!(waited("over", &[RolloutView { kind: RolloutKind::Canary, ..gate }], none), (false, 21));
        assert_eq!(waited("over", &[view(RolloutPhase::RollingBack, 0, 0)], none), (false, 50));
    }

    #[test]
    fn who_gave_it_up_wants_it_back() {
        use RolloutPhase::{Completed, Degraded, RolledBack, RollingBack};
        for (phase, expected) in [(RolledBack, 0), (RollingBack, 51), (Degraded, 20), (Completed, 0)] {
            let waited = Waited { view: view(phase, 0, 0), is_reached: phase.is_over() };
            assert_eq!(waited.exit_of_abort() as u8, expected, "{phase:?}");
        }
    }

    #[test]
    fn a_driver_may_be_gone_for_a_moment_only() {
        let done = Some(view(RolloutPhase::Completed, 100, 0));
        let name: Named = "web".parse().unwrap();
        let watched = |views: Vec<Option<RolloutView>>| {
            let mut seen = 0;
            let ended = wait(&Script::new(views), &name, Until::Over, None, &mut |_| seen += 1);
            (seen, ended.is_ok())
        };
        assert_eq!(watched(vec![None]), (0, false));
        assert_eq!(watched(vec![None, None, done]), (1, true));
    }
}
