//! The replay.

use super::answers::Source;
use super::exposure::exposures;
use super::recording::Recording;
use super::report::{Ending, Event, Rehearsal, What};
use super::words;
use super::world::{CANARY, STABLE, World};
use crate::engine::{Delivery, Effect, Measured, Move, Notice, Phase, Revision, State, Verb};
use crate::spec::{Judge, Rollout};
use crate::stats::Alpha;
use crate::time::Time;
use std::time::Duration;

/// Most looks of a rehearsal: where the recording is longer they are further apart.
const MAX_LOOKS: u32 = 200_000;
/// Most decisions of one look, until what they bring about is there.
const MAX_ROUNDS: usize = 64;
/// Most events that are kept.
const MAX_EVENTS: usize = 10_000;

/// How a recording is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// When a person passes a pause without a time.
    pub person: Person,
    /// Time between two looks: a second unless given, as it is live.
    pub look: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { person: Person::After(Duration::ZERO), look: Duration::from_secs(1) }
    }
}

/// When a person passes a pause without a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// So long after it began.
    After(Duration),
    /// Not at all: the rollout waits until the recording ends.
    Never,
}

/// Replays a recording: what the rollout would have done with this data.
///
/// It begins at [`Recording::start`] and is looked at once a [`Options::look`]. Each look is decided by the engine
/// that decides live; what it asks for is there at once, and what it measures is answered with what was recorded
/// by then. So no look sees anything of its future. A metric that was not recorded ([`Recording::fits`]) is not
/// answered, and that is said.
pub fn rehearse(spec: &Rollout, recording: &Recording, options: Options) -> Rehearsal {
    Replay::new(spec, recording, options).run()
}

struct Replay<'a> {
    spec: &'a Rollout,
    recording: &'a Recording,
    options: Options,
    world: World,
    sources: Vec<Source<'a>>,
    alphas: Vec<Alpha>,
    delivery: Delivery,
    now: Time,
    events: Vec<Event>,
    weights: Vec<(Time, f64)>,
}

impl<'a> Replay<'a> {
    fn new(spec: &'a Rollout, recording: &'a Recording, options: Options) -> Self {
        let now = recording.start();
        let state = State::serving(Revision(STABLE.to_owned()), now);
        let metrics = spec.analysis.metrics.iter();
        Self {
            spec,
            recording,
            options,
            world: World::new(spec),
            sources: metrics.map(|metric| Source::new(recording, &spec.analysis, metric)).collect(),
            alphas: spec.analysis.alphas(),
            delivery: Delivery::new(spec.clone(), state),
            now,
            events: Vec::new(),
            weights: Vec::new(),
        }
    }

    fn run(mut self) -> Rehearsal {
        let (_, last) = self.recording.span();
        let began = self.now;
        let look = self.options.look.max(Duration::from_millis(100)).max((last - began) / MAX_LOOKS);
        let mut ended = None;
        while ended.is_none() && self.now <= last {
            self.look();
            if self.delivery.state().phase.is_over() {
                ended = Some(self.now);
            } else {
                self.now = self.now + look;
            }
        }
        self.now = ended.unwrap_or(last.max(began));
        self.verdicts(0..self.alphas.len());
        self.report(began, ended, last.max(began), look)
    }

    /// One point in time: decides until nothing changes any more.
    fn look(&mut self) {
        for _ in 0..MAX_ROUNDS {
            let before = self.stage();
            let effects = self.delivery.handle(&self.world.look(), self.now);
            self.leaves(before.1);
            let only_tells = effects.iter().all(|effect| matches!(effect, Effect::Tell(_)));
            let is_quiet = only_tells && self.stage() == before;
            effects.iter().for_each(|effect| self.perform(effect));
            self.weigh();
            if is_quiet && !self.passes() {
                return;
            }
        }
    }

    /// What changes where a decision leads to the next one, effects apart.
    fn stage(&self) -> (Phase, usize, u64, usize) {
        let state = self.delivery.state();
        (state.phase, state.place, state.attempts, state.applied.len())
    }

    fn perform(&mut self, effect: &Effect) {
        match effect {
            Effect::Measure { metric, revision } => {
                let Some(source) = self.sources.get_mut(*metric) else { return };
                let reading = source.reading(self.now);
                self.world.measured.push(Measured { metric: *metric, revision: revision.clone(), reading });
            }
            Effect::Tell(notice) => self.hear(notice),
            Effect::Migrate { direction, .. } => {
                self.note(What::Migrated { direction: *direction });
                self.world.perform(effect);
            }
            Effect::Scale { .. } | Effect::Route(_) | Effect::Ask { .. } => self.world.perform(effect),
        }
    }

    fn hear(&mut self, notice: &Notice) {
        let what = match notice {
            Notice::Begun { .. } => What::Begun,
            Notice::Step { step } => What::Step { step: *step },
            Notice::Paused { why } => What::Paused { why: why.clone() },
            // Here every gate lets it go on at once.
            Notice::Gate { .. } => return,
            Notice::Completed { .. } => What::Completed,
            Notice::RollingBack { why } => What::RollingBack { why: why.clone() },
            Notice::RolledBack { why } => What::RolledBack { why: why.clone() },
        };
        self.note(what);
    }

    fn note(&mut self, what: What) {
        if self.events.len() < MAX_EVENTS {
            self.events.push(Event { at: self.now, what });
        }
    }

    /// Takes note of the share of the users, where it changed.
    fn weigh(&mut self) {
        let weight = self.world.weight();
        if self.weights.last().map_or(0.0, |(_, last)| *last) != weight {
            self.weights.push((self.now, weight));
            self.note(What::Weight { weight_percent: weight });
        }
    }

    /// Passes a pause without a time, if it is time for that.
    fn passes(&mut self) -> bool {
        let Person::After(span) = self.options.person else { return false };
        let state = self.delivery.state();
        let (step, waited) = (state.place, self.now - state.since);
        let is_under_way = matches!(state.phase, Phase::Initializing | Phase::Analyzing);
        let is_free = state.held.is_none() && self.delivery.is_open();
        let stands = is_free && self.delivery.moves().get(step) == Some(&Move::Pause(None));
        let passes =
            is_under_way && stands && waited >= span && self.delivery.ask(Verb::Promote, self.now).is_ok();
        if passes {
            self.note(What::Passed { step });
        }
        passes
    }

    /// Says what an analysis came to, once it is passed.
    fn leaves(&mut self, place: usize) {
        let state = self.delivery.state();
        if state.place <= place || state.phase == Phase::RollingBack {
            return;
        }
        let Some(Move::Analysis(watch, _)) = self.delivery.moves().get(place).cloned() else { return };
        self.verdicts(watch.metrics.into_iter());
        if let Some((metric, words)) = self.counted() {
            self.note(What::Verdict { metric, words });
        }
    }

    /// What sequential tests say so far.
    fn verdicts(&mut self, metrics: impl Iterator<Item = usize>) {
        let say = |index: usize| {
            let (metric, alpha) = (self.spec.analysis.metrics.get(index)?, *self.alphas.get(index)?);
            let Judge::Test(test) = &metric.judge else { return None };
            let tested = self.delivery.state().judging.tests.get(&index)?;
            let power = tested.power(alpha).filter(|_| !tested.rejects(alpha));
            let power = power.map(|power| format!("; {power}")).unwrap_or_default();
            let words = format!("{}{power}", tested.words(test, alpha));
            Some(What::Verdict { metric: metric.name.clone(), words })
        };
        let said: Vec<What> = metrics.filter_map(say).collect();
        said.into_iter().for_each(|what| self.note(what));
    }

    /// What the counted metrics of the analysis that was passed say together.
    fn counted(&self) -> Option<(String, String)> {
        let counting = self.delivery.state().judging.heard.as_ref()?;
        let name = |index: &usize| self.spec.analysis.metrics.get(*index).map(|metric| metric.name.as_str());
        let names: Vec<&str> = counting.metrics.iter().filter_map(name).collect();
        Some((names.join(", "), counting.run.judgement()?.line))
    }

    fn report(self, began: Time, ended: Option<Time>, last: Time, look: Duration) -> Rehearsal {
        let state = self.delivery.state();
        let why = || state.why.clone().unwrap_or_default();
        let ending = match (ended, state.phase) {
            (Some(_), Phase::Completed) if state.revision.0 == CANARY => Ending::Completed,
            (Some(_), _) => Ending::RolledBack { why: why() },
            (None, _) => Ending::Unfinished { why: self.stands() },
        };
        let until = ended.unwrap_or(last);
        let exposure = exposures(self.recording, &self.spec.analysis, &self.weights, (began, until, last));
        let meets = |gap: &&super::series::Gap| gap.from <= until && gap.until >= began;
        let mut cannot_show =
            words::cannot_show(self.spec, self.delivery.moves(), self.recording, &self.options);
        if look > self.options.look {
            cannot_show.push(format!("moments: looks are {} s apart here", look.as_secs_f64()));
        }
        Rehearsal {
            began,
            ended,
            last,
            look_ms: u64::try_from(look.as_millis()).unwrap_or(u64::MAX),
            ending,
            exposure,
            gaps: self.recording.gaps().iter().filter(meets).cloned().collect(),
            more_gaps: self.recording.more_gaps(),
            cannot_show,
            events: self.events,
        }
    }

    /// Where it stood when the recording ended.
    fn stands(&self) -> String {
        let state = self.delivery.state();
        if let Some(hold) = &state.held {
            return hold.words();
        }
        let step = state.place.saturating_add(1);
        match self.delivery.moves().get(state.place) {
            Some(Move::Pause(None)) => format!("it waits for a person at step {step}"),
            Some(Move::Pause(Some(_))) => format!("it waits at step {step}"),
            Some(Move::Analysis(..)) => format!("its analysis at step {step} has no verdict yet"),
            Some(_) => format!("it is at step {step}"),
            None => format!("it is {}", state.phase),
        }
    }
}
