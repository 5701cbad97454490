//! Which version is asked for: a rollout begins, goes home, or is forgotten.

use super::decide::Delivery;
use super::judge::Judging;
use super::phase::{Phase, Signal};
use super::state::{Applied, State};
use super::world::{Notice, Observation, Revision, Version};
use crate::mutant::{self, Mutant};
use crate::spec::Strategy;

impl Delivery {
    /// Versions out of service that have no pods, and whose time is over, are forgotten. The time of one that
    /// users still reach has not begun.
    pub(super) fn forget(&mut self, seen: &Observation) {
        let gone_at = self.gone_at();
        for (retired, at) in self.state.retiring.iter_mut().filter(|(_, at)| at.is_some()) {
            let is_reached = seen.routes.as_ref().is_some_and(|routes| routes.reaches_but_preview(retired));
            if is_reached && *retired != self.state.revision {
                *at = gone_at;
            }
        }
        let (now, revision) = (self.now(), &self.state.revision);
        self.state.retiring.retain(|retired, gone_at| {
            let pods = seen.pods(retired);
            let waits = gone_at.is_some_and(|at| now < at);
            retired == revision || waits || pods.wanted > 0 || pods.created > 0
        });
    }

    /// Takes note of which version is asked for.
    pub(super) fn adopt(&mut self, seen: &Observation) {
        self.find_stable(seen);
        let state = &mut self.state;
        let is_ours = seen.wanted == state.revision;
        if mutant::is(Mutant::RetriesItself) && is_ours && state.phase == Phase::RolledBack {
            return self.begin_again(false);
        }
        if is_ours && state.is_homeward {
            // It is asked for after all.
            return self.begin_again(false);
        }
        if is_ours || seen.wanted.0.is_empty() {
            return;
        }
        if state.stable.as_ref() == Some(&seen.wanted) {
            if mutant::is(Mutant::KeepsGoing) {
                return;
            }
            return self.go_home();
        }
        if self.owes_data() && !self.is_closed() {
            self.give_up("another version is asked for".to_owned());
            self.state.is_homeward = true;
            return;
        }
        if self.state.asked.as_ref().is_some_and(|asked| !asked.has_failed) {
            // What its change of data comes to is not known yet.
            return;
        }
        let is_known = self.in_window(seen) || self.is_kept(&seen.wanted);
        self.forget_changes();
        let needs = self.needed_by(&seen.wanted, seen);
        self.begin(seen.wanted.clone(), needs, is_known);
    }

    /// Where nothing is remembered, who serves is the stable version: the one that users reach, else the
    /// newest one that is not asked for.
    fn find_stable(&mut self, seen: &Observation) {
        if self.state != State::new(self.state.since) {
            return;
        }
        let active = seen.routes.as_ref().map(|routes| &routes.active);
        let serving = seen.versions.iter().filter(|version| version.pods.available > 0);
        let rank = |version: &&Version| {
            (Some(&version.revision) == active, version.revision != seen.wanted, version.number)
        };
        if let Some(found) = serving.max_by_key(rank) {
            self.state = State::serving(found.revision.clone(), self.now());
        }
    }

    /// True for the stable version before this one while a blue-green release still has its pods: it needs
    /// no moves to be switched back to.
    fn is_kept(&self, wanted: &Revision) -> bool {
        let waits = matches!(self.state.retiring.get(wanted), Some(Some(at)) if self.now() < *at);
        let is_blue_green = matches!(self.spec().strategy, Strategy::BlueGreen(_));
        is_blue_green && waits && self.state.former.as_ref() == Some(wanted)
    }

    /// The stable version is asked for again: what was under way is taken back.
    fn go_home(&mut self) {
        if !self.state.phase.is_over() {
            self.give_up("the stable version is asked for again".to_owned());
            self.state.is_homeward = true;
        }
        if self.state.phase.is_over() {
            let left = std::mem::take(&mut self.state.revision);
            let gone_at = self.state.retiring.get(&left).copied().unwrap_or(Some(self.now()));
            self.state.retiring.insert(left, gone_at);
            self.state.revision = self.state.stable.clone().unwrap_or_default();
            self.state.phase = Phase::Completed;
            (self.state.why, self.state.is_homeward) = (None, false);
            self.state.gates.anew();
        }
    }

    /// True for a version that was in service not long ago: its way back needs no steps.
    fn in_window(&self, seen: &Observation) -> bool {
        let Some(stable) = &self.state.stable else { return false };
        let number = |revision: &Revision| seen.version(revision).map(|version| version.number);
        let (Some(new), Some(old)) = (number(&seen.wanted), number(stable)) else { return false };
        let between =
            seen.versions.iter().filter(|version| version.number > new && version.number < old).count();
        let window = usize::try_from(self.spec().rollback_window).unwrap_or(usize::MAX);
        new < old && between < window
    }

    /// Begins a rollout of a version, without moves where it `is_full`. What was under way leaves service.
    pub(super) fn begin(&mut self, revision: Revision, needs: Vec<Applied>, is_full: bool) {
        let now = self.now();
        let state = &mut self.state;
        if state.stable.as_ref() != Some(&state.revision) && state.revision != revision {
            state.retiring.insert(state.revision.clone(), Some(now));
        }
        state.retiring.remove(&revision);
        state.former = state.former.take().filter(|former| *former != revision);
        state.judging = Judging::default();
        state.gates.anew();
        (state.held, state.why, state.is_homeward) = (None, None, false);
        (state.is_full, state.needs) = (is_full, needs);
        state.revision = revision.clone();
        self.signal(Signal::Begun);
        let kept = if mutant::is(Mutant::KeepsPlace) { self.state.place.min(self.moves().len()) } else { 0 };
        self.tell(Notice::Begun { revision });
        self.step_to(kept);
    }

    /// The same version once more.
    pub(super) fn begin_again(&mut self, is_full: bool) {
        let (revision, needs) = (self.state.revision.clone(), self.state.needs.clone());
        self.state.asked.take_if(|asked| asked.has_failed);
        self.begin(revision, needs, is_full);
    }
}
