//! One look at the world, and what is to be done about it.

use super::gates::{Door, doors};
use super::judge::{Rulebook, Says};
use super::phase::{Phase, Signal};
use super::program::{Move, Setting, moves, setting};
use super::state::{Applied, Hold, State};
use super::world::{Effect, Notice, Observation, Revision};
use crate::mutant::{self, Mutant};
use crate::spec::{Rollout, Strategy};
use crate::time::Time;
use std::time::Duration;

/// A rollout: what it is to do, and what is remembered of it.
#[derive(Clone, Debug)]
pub struct Delivery {
    spec: Rollout,
    moves: Vec<Move>,
    doors: Vec<Door>,
    rules: Rulebook,
    pub(super) state: State,
    now: Time,
    told: Vec<Notice>,
}

impl Delivery {
    /// Goes on from what is remembered.
    pub fn new(spec: Rollout, state: State) -> Self {
        let (moves, rules, now) = (moves(&spec), Rulebook::new(&spec.analysis), state.since);
        let doors = doors(&spec, &moves);
        let mut state = state;
        if mutant::is(Mutant::ForgetsTime) {
            state.since = Time(0);
        }
        Self { spec, moves, doors, rules, state, now, told: Vec::new() }
    }

    /// What it is to do.
    pub fn spec(&self) -> &Rollout {
        &self.spec
    }

    /// Its moves.
    pub fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// The doors before its moves.
    pub(super) fn doors(&self) -> &[Door] {
        &self.doors
    }

    /// What is remembered.
    pub fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    pub(super) fn set_now(&mut self, now: Time) {
        self.now = now;
    }

    pub(super) fn now(&self) -> Time {
        self.now
    }

    pub(super) fn tell(&mut self, notice: Notice) {
        self.told.push(notice);
    }

    /// Looks at the world. The state that this leaves behind is to be stored before the effects are
    /// performed. While a clock is behind what it said before, no time passes.
    pub fn handle(&mut self, seen: &Observation, now: Time) -> Vec<Effect> {
        self.now = now;
        self.note_change(seen);
        self.adopt(seen);
        self.refresh_changes();
        for measured in seen.measured.iter().filter(|measured| measured.revision == self.state.revision) {
            self.rules.take(&mut self.state.judging, measured.metric, &measured.reading, now);
        }
        self.hear_gates(seen);
        self.advance(seen);
        let mut effects = self.scaling(seen, now);
        effects.extend(
            self.routes(seen).filter(|routes| seen.routes.as_ref() != Some(routes)).map(Effect::Route),
        );
        effects.extend(self.migrating());
        effects.extend(self.measuring(seen));
        effects.extend(self.asking(seen));
        effects.extend(self.told.drain(..).map(Effect::Tell));
        self.forget(seen);
        effects
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        if let Some(phase) = self.state.phase.after(signal) {
            self.state.phase = phase;
            self.set_out();
        }
    }

    /// Its time begins, and the time in which something must come nearer.
    fn set_out(&mut self) {
        (self.state.since, self.state.progressed) = (self.now, self.now);
        self.state.seen = (0, 0);
    }

    /// Comes to a move. It begins at once, unless a gate is before it.
    pub(super) fn step_to(&mut self, place: usize) {
        if place != self.state.place {
            self.leave_door();
        }
        self.state.place = place;
        self.set_out();
        self.state.passes = 0;
        let heard = self.state.judging.inline.take();
        self.state.judging.heard = heard.or(self.state.judging.heard.take());
        if place > 0 && place < self.moves.len() {
            self.tell(Notice::Step { step: place });
        }
        if self.is_open() {
            self.enter();
        }
    }

    /// Begins the move that it has come to: its time, and its analysis.
    pub(super) fn enter(&mut self) {
        let place = self.state.place;
        self.set_out();
        if let Some(Move::Analysis(watch, _)) = self.moves.get(place).cloned() {
            self.rules.begin(&mut self.state.judging, &watch);
        }
        if self.background_from() == Some(place) {
            self.rules.begin_background(&mut self.state.judging);
        }
        let has_moves = !self.is_first() && !self.state.is_full;
        if has_moves && self.moves.get(place) == Some(&Move::Pause(None)) {
            self.tell(Notice::Paused { why: "waits until somebody promotes it".to_owned() });
        }
    }

    /// What is measured beside the moves begins anew.
    pub(super) fn watch_again(&mut self) {
        let begun = self.state.place + usize::from(self.is_open());
        if self.background_from().is_some_and(|from| from < begun) {
            self.rules.begin_background(&mut self.state.judging);
        }
    }

    fn background_from(&self) -> Option<usize> {
        match &self.spec.strategy {
            Strategy::Canary(canary) => canary.analysis_from,
            _ => None,
        }
    }

    pub(super) fn give_up(&mut self, why: String) {
        if self.state.phase.after(Signal::GivenUp).is_none() {
            return;
        }
        if self.is_closed() && !mutant::is(Mutant::BackOverMigration) {
            return self.hold_for_data(why);
        }
        self.state.held = None;
        self.state.why = Some(why.clone());
        self.state.judging.end();
        self.signal(Signal::GivenUp);
        self.tell(Notice::RollingBack { why });
    }

    pub(super) fn hold(&mut self, hold: Hold) {
        let why = hold.words();
        self.state.held = Some(hold);
        self.state.held_since = self.now;
        self.tell(Notice::Paused { why });
    }

    /// What is set where it stands.
    pub(super) fn setting(&self) -> Setting {
        if !self.is_promoting() {
            return self.set_so_far();
        }
        let is_weighted = matches!(self.spec.strategy, Strategy::Canary(_) | Strategy::Ab(_));
        let mut setting = setting(&self.moves, self.moves.len());
        setting.weight = if is_weighted { 100 } else { 0 };
        setting.scale = None;
        (setting.is_previewed, setting.is_full, setting.is_active, setting.replaces) =
            (true, true, true, true);
        setting
    }

    pub(super) fn is_promoting(&self) -> bool {
        self.state.phase == Phase::Promoting
    }

    /// The strategy counts only where a version serves that users can fall back on.
    pub(super) fn is_first(&self) -> bool {
        self.state.stable.is_none()
    }

    fn advance(&mut self, seen: &Observation) {
        self.look_for_progress(seen);
        match self.state.phase {
            Phase::Initializing | Phase::Analyzing => self.go_on(seen),
            Phase::Promoting => self.promote(seen),
            Phase::RollingBack => self.take_back(seen),
            Phase::Completed | Phase::RolledBack => {}
        }
    }

    /// More pods or a higher share than ever at this move. What comes and goes is no progress.
    fn look_for_progress(&mut self, seen: &Observation) {
        let weight = seen.routes.as_ref().map_or(0, |routes| routes.weight(&self.state.revision));
        let pods = seen.pods(&self.state.revision).available;
        let (most_pods, highest) = self.state.seen;
        if pods > most_pods || weight > highest {
            self.state.progressed = self.now;
            self.state.seen = (pods.max(most_pods), weight.max(highest));
        }
    }

    fn go_on(&mut self, seen: &Observation) {
        if let Some(fault) = self.fault() {
            return self.give_up(fault);
        }
        self.doubt();
        if let Some(why) = self.barred().filter(|_| self.state.held.is_none()) {
            self.hold_for_data(why);
        }
        if self.is_unconfirmed() {
            return self.watch_deadline(seen);
        }
        let is_crowded = seen.routes.as_ref().is_some_and(|routes| self.left_behind(seen, routes).is_some());
        if self.lacks_data() || is_crowded {
            return self.watch_deadline(seen);
        }
        if self.is_first() || self.state.is_full {
            self.step_to(self.moves.len());
            self.signal(Signal::Passed);
            return self.promote(seen);
        }
        // Each move is looked at once: what it sets is not seen before the next look.
        for _ in 0..=self.moves.len() {
            if !self.is_open() {
                break;
            }
            let Some(at) = self.moves.get(self.state.place).cloned() else {
                self.signal(Signal::Ready);
                self.signal(Signal::Passed);
                return self.promote(seen);
            };
            if self.state.held.is_some() || !self.is_done(&at, seen) {
                break;
            }
            self.step_to(self.state.place + 1);
        }
        if self.has_pods(seen) {
            self.signal_once(Signal::Ready);
        }
        self.watch_deadline(seen);
    }

    fn signal_once(&mut self, signal: Signal) {
        if self.state.phase.after(signal).is_some() {
            let since = self.state.since;
            self.signal(signal);
            // A move's time goes on when the phase changes.
            self.state.since = since;
        }
    }

    /// Why it has to be taken back, where it has.
    fn fault(&self) -> Option<String> {
        let judging = &self.state.judging;
        let waited = self.now - self.state.held_since;
        let doubt = match (&self.state.held, self.rules.patience()) {
            (Some(Hold::Inconclusive(why)), Some(patience)) if waited >= patience => Some(why.clone()),
            _ => None,
        };
        let fault = judging.fault.clone().filter(|_| !mutant::is(Mutant::FaultIsPromoted));
        fault
            .or_else(|| self.rules.failure(judging))
            .or_else(|| self.rules.starved(judging, self.now))
            .or(doubt)
    }

    /// Holds where the analysis beside the moves cannot tell.
    fn doubt(&mut self) {
        if self.state.held.is_none()
            && let Some(why) = self.rules.doubt(&self.state.judging)
        {
            self.hold(Hold::Inconclusive(why));
        }
    }

    /// Gives it up where nothing has come nearer for too long. That time does not run in a pause, at a gate,
    /// nor in an analysis of what is there; a migration has a time of its own before it.
    fn watch_deadline(&mut self, seen: &Observation) {
        let waits = match self.moves.get(self.state.place) {
            _ if !self.is_open() => self.guard(seen).is_some(),
            Some(Move::Pause(_)) => true,
            Some(Move::Analysis(..)) => self.state.phase == Phase::Analyzing,
            _ => false,
        };
        if self.state.held.is_some() || waits {
            self.state.progressed = self.now;
            return;
        }
        if mutant::is(Mutant::NoDeadline) {
            return;
        }
        let of_migration = self.next_change().map_or(Duration::ZERO, |(change, _)| change.timeout);
        let stood = self.now - self.state.progressed;
        if stood > self.spec.progress_deadline.saturating_add(of_migration) {
            self.give_up(format!("no progress for {} s", stood.as_secs()));
        }
    }

    /// True where the new version has the pods that its place asks for.
    fn has_pods(&self, seen: &Observation) -> bool {
        let needed = self.pods_for_weight(seen);
        needed > 0 && seen.pods(&self.state.revision).available >= needed
    }

    fn is_done(&mut self, at: &Move, seen: &Observation) -> bool {
        let revision = &self.state.revision;
        let pods = seen.pods(revision);
        let shows = |routes: &super::world::Routes| self.routes(seen).as_ref() == Some(routes);
        match at {
            Move::Migrate => !self.lacks_data(),
            Move::Weight(weight) => match &seen.routes {
                _ if self.splits_by_pods() => self.is_balanced(seen),
                Some(routes) => {
                    let is_there = routes.weight(revision) == *weight || mutant::is(Mutant::WeightUnseen);
                    pods.available >= self.pods_for_weight(seen) && is_there
                }
                None => false,
            },
            Move::Scale(_) => pods.available >= self.pods_for_weight(seen),
            Move::Header(_) | Move::Mirror(_) => seen.routes.as_ref().is_some_and(shows),
            Move::Preview => {
                seen.routes.as_ref().is_some_and(|routes| routes.preview.as_ref() == Some(revision))
            }
            Move::Full => pods.available >= self.replicas(seen),
            Move::Switch => seen.routes.as_ref().is_some_and(|routes| routes.active == *revision),
            Move::Replace => pods.available >= self.replicas(seen) && self.is_alone(seen),
            Move::Pause(None) => false,
            Move::Pause(Some(span)) => self.has_waited(*span) && !Rulebook::halts(&self.state.judging),
            Move::Analysis(..) if mutant::is(Mutant::SkipsAnalysis) => true,
            Move::Analysis(watch, times) => {
                let says = self.rules.says(&self.state.judging, watch, self.state.since, self.now);
                self.hears(says, *times)
            }
        }
    }

    fn has_waited(&self, span: Duration) -> bool {
        self.now - self.state.since >= span
    }

    /// True where no other version has pods.
    fn is_alone(&self, seen: &Observation) -> bool {
        seen.versions
            .iter()
            .all(|version| version.revision == self.state.revision || version.pods.created <= 0)
    }

    /// What an analysis says of the move that waits for it. True once it is over.
    fn hears(&mut self, says: Says, times: u32) -> bool {
        match says {
            Says::Wait => false,
            Says::Passed => {
                self.state.passes += 1;
                let is_over = self.state.passes >= times;
                if !is_over {
                    let (place, passes) = (self.state.place, self.state.passes);
                    self.step_to(place);
                    self.state.passes = passes;
                }
                is_over
            }
            Says::Inconclusive(_) if mutant::is(Mutant::DoubtIsPromoted) => true,
            Says::Inconclusive(why) => {
                self.hold(Hold::Inconclusive(why));
                false
            }
            Says::Failed(why) => {
                self.give_up(why);
                false
            }
        }
    }

    fn promote(&mut self, seen: &Observation) {
        if let Some(fault) = self.fault() {
            return self.give_up(fault);
        }
        self.doubt();
        if self.state.held.is_some() {
            self.state.progressed = self.now;
            return;
        }
        let revision = self.state.revision.clone();
        let has_pods =
            seen.pods(&revision).available >= self.replicas(seen) || mutant::is(Mutant::TakesOverSmall);
        let has_users = match &seen.routes {
            _ if self.is_first() => true,
            Some(routes) if self.has_router() => routes.weight(&revision) == 100,
            None if self.has_router() => false,
            _ => self.is_alone(seen),
        };
        if has_pods && has_users {
            return self.complete(revision);
        }
        self.watch_deadline(seen);
    }

    /// When the pods of a version that leaves service now may go: who reaches it may not have heard of that.
    pub(super) fn gone_at(&self) -> Option<Time> {
        let delay = match &self.spec.strategy {
            Strategy::Canary(canary) => canary.scale_down_delay,
            Strategy::BlueGreen(blue_green) => blue_green.scale_down_delay,
            Strategy::Ab(_) | Strategy::Rolling(_) => Duration::ZERO,
        };
        Some(self.now + delay)
    }

    fn complete(&mut self, revision: Revision) {
        let gone_at = self.gone_at();
        if let Some(old) = self.state.stable.replace(revision.clone()) {
            self.state.former = Some(old.clone());
            self.state.retiring.insert(old, gone_at);
        }
        if self.state.applied.iter().all(|one| one.revision != revision) {
            self.state.applied.push(Applied::before(revision.clone()));
        }
        self.state.reads = self.state.applied.clone();
        self.state.judging.end();
        self.state.gates.conclude();
        self.signal(Signal::TookOver);
        self.tell(Notice::Completed { revision });
    }

    fn take_back(&mut self, seen: &Observation) {
        if self.owes_data() {
            match (self.is_closed(), &self.state.held) {
                (true, None) => self.hold(Hold::OneWay),
                // Somebody has brought a way back.
                (false, Some(_)) if self.state.asked.is_none() => self.state.held = None,
                _ => {}
            }
            return;
        }
        self.state.held = None;
        let Some(stable) = self.state.stable.clone() else {
            return self.taken_back();
        };
        let new = seen.pods(&self.state.revision);
        let is_off = match &seen.routes {
            Some(routes) if self.has_router() => {
                routes.active == stable && !routes.reaches_but_preview(&self.state.revision)
            }
            None if self.has_router() => false,
            _ => new.created <= 0,
        };
        // Users leave it, and its pods go, only as the stable version can carry more.
        if is_off {
            self.taken_back();
        }
    }

    fn taken_back(&mut self) {
        let delay = match &self.spec.strategy {
            Strategy::Canary(canary) => canary.abort_scale_down_delay,
            Strategy::BlueGreen(blue_green) => blue_green.abort_scale_down_delay,
            Strategy::Ab(_) | Strategy::Rolling(_) => Some(Duration::ZERO),
        };
        let gone_at = delay.map(|delay| self.now + delay);
        self.state.retiring.insert(self.state.revision.clone(), gone_at);
        self.signal(Signal::TookBack);
        let why = self.state.why.clone().unwrap_or_default();
        self.tell(Notice::RolledBack { why });
    }

    /// Metrics that are to be measured now.
    fn measuring(&mut self, seen: &Observation) -> Vec<Effect> {
        let is_watched =
            matches!(self.state.phase, Phase::Initializing | Phase::Analyzing | Phase::Promoting);
        if !is_watched || self.is_first() || self.state.is_full {
            return Vec::new();
        }
        let revision = self.state.revision.clone();
        let is_exposed = self.is_exposed(seen);
        let due = self.rules.due(&mut self.state.judging, is_exposed, self.now);
        due.into_iter().map(|metric| Effect::Measure { metric, revision: revision.clone() }).collect()
    }
}
