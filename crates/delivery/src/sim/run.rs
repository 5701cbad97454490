//! One simulated rollout.

use super::changes;
use super::rules::{Broken, Decision, Rules};
use super::scenario::Scenario;
use super::world::{Exposure, World};
use crate::engine::{Delivery, Effect, Hold, Move, Observation, Phase, Revision, State, Verb};
use crate::spec::{Rollout, Strategy, Traffic};
use crate::time::Time;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::Serialize;

/// Seconds before anything is released.
const BEFORE: f64 = 5.0;
/// Seconds that are looked at after the end.
const AFTER: f64 = 60.0;

/// How a rollout ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "ending")]
pub enum Ending {
    /// The new version is the stable one.
    Completed,
    /// The stable version has all of the users again.
    RolledBack {
        /// Why.
        why: String,
    },
    /// It waits for a person.
    Waits {
        /// Why.
        why: String,
    },
    /// It did not end in its time.
    Stuck {
        /// Where.
        place: usize,
    },
}

/// The share of the new version from a point on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Seconds since the release.
    pub at: f64,
    /// Percent.
    pub weight: u32,
}

/// What came of one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The seed that gives the same run.
    pub seed: u64,
    /// How it ended.
    pub ending: Ending,
    /// Seconds from the release to the end.
    pub took: f64,
    /// The share over time, as it was.
    pub weights: Vec<Point>,
    /// Requests that failed on the new version.
    pub failed: u64,
    /// Requests that it answered.
    pub exposed: u64,
    /// Requests in all.
    pub requests: u64,
    /// Requests that went where no pod serves.
    pub lost: u64,
    /// Seconds from the first user of the new version to the last one, where it was taken back.
    pub detection: Option<f64>,
    /// Looks.
    pub looks: u64,
    /// The first rule that did not hold.
    pub broken: Option<Broken>,
}

/// One decision, for those who look on.
#[derive(Clone, Copy, Debug)]
pub struct Glance<'a> {
    /// Seconds since the simulation began.
    pub at: f64,
    /// What others did since the last decision, in words.
    pub happened: &'a [String],
    /// What was seen.
    pub seen: &'a Observation,
    /// What is remembered after the decision.
    pub state: &'a State,
    /// What is to be done. It may yet be lost, or come twice.
    pub effects: &'a [Effect],
}

/// Simulates one rollout of a new version.
pub fn run(spec: &Rollout, scenario: &Scenario, seed: u64) -> Report {
    watch(spec, scenario, seed, |_| {})
}

/// Simulates one rollout of a new version, and shows every decision.
pub fn watch(spec: &Rollout, scenario: &Scenario, seed: u64, mut show: impl FnMut(Glance<'_>)) -> Report {
    Simulation::new(spec, scenario, seed).run(&mut show)
}

struct Simulation<'a> {
    spec: &'a Rollout,
    scenario: &'a Scenario,
    seed: u64,
    world: World,
    delivery: Delivery,
    rules: Rules,
    was_asked: bool,
    looks: u64,
    weights: Vec<Point>,
    happened: Vec<String>,
    broken: Option<Broken>,
}

impl<'a> Simulation<'a> {
    fn new(spec: &'a Rollout, scenario: &'a Scenario, seed: u64) -> Self {
        let has_router = match &spec.strategy {
            Strategy::Canary(canary) => canary.traffic == Traffic::Router,
            Strategy::BlueGreen(_) | Strategy::Ab(_) => true,
            Strategy::Rolling(_) => false,
        };
        let random = Pcg64Mcg::seed_from_u64(seed);
        let world = World::new(scenario, spec, has_router, random);
        let state = State::serving(Revision("v1".to_owned()), Time(0));
        Self {
            spec,
            scenario,
            seed,
            world,
            delivery: Delivery::new(spec.clone(), state),
            rules: Rules::default(),
            was_asked: false,
            looks: 0,
            weights: vec![Point { at: 0.0, weight: 0 }],
            happened: Vec::new(),
            broken: None,
        }
    }

    fn run(mut self, show: &mut dyn FnMut(Glance<'_>)) -> Report {
        let look = self.scenario.look.max(0.1);
        let mut ended: Option<f64> = None;
        while self.world.now < self.scenario.horizon && self.broken.is_none() {
            if self.looks > 0 && self.world.wanted.0 == "v1" && self.world.now >= BEFORE {
                self.world.want(&Revision("v2".to_owned()));
            }
            if self.world.now >= self.world.trouble.until {
                self.world.trouble = self.scenario.trouble.over();
            }
            self.world.tick(look, self.delivery.state().stable.as_ref());
            self.meddle();
            self.promote();
            self.step(show);
            let is_over = self.world.now > BEFORE && self.delivery.state().phase.is_over();
            match ended {
                Some(at) if self.world.now - at >= AFTER => break,
                Some(_) if !is_over => ended = None,
                None if is_over => ended = Some(self.world.now),
                _ => {}
            }
        }
        self.report(ended)
    }

    /// One look, one decision, and what comes of it.
    fn step(&mut self, show: &mut dyn FnMut(Glance<'_>)) {
        self.looks += 1;
        let seen = self.world.look();
        let before = self.delivery.state().clone();
        let now = Time((self.world.now * 1_000.0) as i64);
        let effects = self.delivery.handle(&seen, now);
        self.check(&seen, &before, &effects, now);
        show(Glance {
            at: self.world.now,
            happened: &self.happened,
            seen: &seen,
            state: self.delivery.state(),
            effects: &effects,
        });
        self.happened.clear();
        self.perform(&before, &effects);
        let revision = &self.delivery.state().revision;
        let weight = if revision.0 == "v1" { 0 } else { self.world.weight(revision) };
        if self.weights.last().is_none_or(|last| last.weight != weight) {
            self.weights.push(Point { at: (self.world.now - BEFORE).max(0.0), weight });
        }
        self.was_asked = false;
    }

    fn check(&mut self, seen: &Observation, before: &State, effects: &[Effect], now: Time) {
        let decision = Decision {
            spec: self.spec,
            seen,
            before,
            after: &self.delivery,
            effects,
            now,
            was_asked: self.was_asked,
            is_calm: self.world.now >= self.scenario.trouble.until || self.scenario.trouble.is_quiet(),
        };
        let found = self.rules.look(&decision);
        self.broken = self.broken.take().or(found);
    }

    /// Performs effects; the controller may die before any of them, or before its state was stored.
    fn perform(&mut self, before: &State, effects: &[Effect]) {
        let deaths = self.world.trouble.deaths;
        let dies = deaths > 0.0 && self.world.random.random_bool(deaths);
        let survives = if dies { self.world.random.random_range(0..=effects.len() + 1) } else { usize::MAX };
        if dies {
            self.happened.push("the controller died, and another one goes on".to_owned());
        }
        if survives == 0 {
            self.rules.forget();
            self.restart(before);
            return;
        }
        for effect in effects.iter().take(survives - 1) {
            self.world.take(effect);
        }
        if dies {
            let state = self.delivery.state().clone();
            self.restart(&state);
        }
    }

    /// Another controller goes on from what was stored.
    fn restart(&mut self, state: &State) {
        let stored = serde_json::to_string(state).ok();
        let read = stored.and_then(|text| serde_json::from_str(&text).ok());
        match read {
            Some(state) => self.delivery = Delivery::new(self.spec.clone(), state),
            None => {
                self.broken = Some(Broken {
                    rule: "what was stored can be read",
                    at: (self.world.now * 1_000.0) as i64,
                    what: format!("{state:?}"),
                });
            }
        }
    }

    /// Others write, and people ask.
    fn meddle(&mut self) {
        let trouble = self.world.trouble;
        let happens = |world: &mut World, chance: f64| chance > 0.0 && world.random.random_bool(chance);
        if happens(&mut self.world, trouble.autoscaler) {
            let least = (self.spec.replicas / 2).max(1);
            self.world.replicas = self.world.random.random_range(least..=self.spec.replicas.max(1) * 2);
            self.happened.push(format!("an autoscaler asks for {} pods", self.world.replicas));
        }
        if happens(&mut self.world, trouble.healer) {
            let active = self.delivery.state().stable.clone().unwrap_or_default();
            let replicas = self.spec.replicas;
            if let Some(version) = self.world.versions.iter_mut().find(|version| version.revision == active) {
                version.wanted = replicas;
            }
            self.world.routes.share = None;
            self.happened.push(format!("a healer: {active} gets {replicas} pods and all users"));
        }
        if happens(&mut self.world, trouble.another) && self.world.now > BEFORE {
            let number = self.world.random.random_range(1..5u32);
            self.world.want(&Revision(format!("v{number}")));
            self.happened.push(format!("v{number} is asked for"));
        }
        if happens(&mut self.world, trouble.person) {
            const VERBS: [Verb; 6] =
                [Verb::Promote, Verb::PromoteFull, Verb::Pause, Verb::Resume, Verb::Abort, Verb::Retry];
            let verb = VERBS[self.world.random.random_range(0..VERBS.len())];
            let now = Time((self.world.now * 1_000.0) as i64);
            self.ask(verb, now);
        }
    }

    /// A person passes a pause without a time, where one does.
    fn promote(&mut self) {
        let Some(after) = self.scenario.person else { return };
        let (state, now) = (self.delivery.state(), Time((self.world.now * 1_000.0) as i64));
        let at = self.delivery.moves().get(state.place);
        let is_free = state.held.is_none() && self.delivery.is_open();
        let stands = is_free && matches!(at, Some(Move::Pause(None)));
        let is_forward = matches!(state.phase, Phase::Initializing | Phase::Analyzing);
        if stands && is_forward && (now - state.since).as_secs_f64() >= after {
            self.ask(Verb::Promote, now);
        }
    }

    fn ask(&mut self, verb: Verb, now: Time) {
        let before = self.delivery.state().clone();
        let is_ok = self.delivery.ask(verb, now).is_ok();
        self.was_asked |= is_ok;
        let refused = if is_ok { "" } else { ", in vain" };
        self.happened.push(format!("a person asks: {verb:?}{refused}"));
        if let Some((rule, what)) = changes::asked(verb, is_ok, &before, self.delivery.state()) {
            self.broken = Some(Broken { rule, at: now.0, what });
        }
    }

    fn report(self, ended: Option<f64>) -> Report {
        let state = self.delivery.state();
        let ending = match (ended, &state.held) {
            (Some(_), _) if state.phase == Phase::Completed && state.revision.0 != "v1" => Ending::Completed,
            (Some(_), _) => Ending::RolledBack { why: state.why.clone().unwrap_or_default() },
            (None, Some(hold)) => Ending::Waits { why: hold.words() },
            (None, None) if self.waits() => Ending::Waits { why: "it waits to be promoted".to_owned() },
            (None, None) if self.is_at_work() => {
                Ending::Waits { why: "its time was over before it".to_owned() }
            }
            (None, None) => Ending::Stuck { place: state.place },
        };
        let Exposure { requests, of_canary, failed, lost, first, last } = self.world.exposure;
        let detection = match (&ending, first, last) {
            (Ending::RolledBack { .. }, Some(first), Some(last)) => Some(last - first),
            _ => None,
        };
        Report {
            seed: self.seed,
            took: ended.unwrap_or(self.world.now) - BEFORE,
            ending,
            weights: self.weights,
            failed,
            exposed: of_canary,
            requests,
            lost,
            detection,
            looks: self.looks,
            broken: self.broken,
        }
    }

    /// True where the last move or phase began not long ago: it was cut off, and is not stuck.
    fn is_at_work(&self) -> bool {
        let now = Time((self.world.now * 1_000.0) as i64);
        now - self.delivery.state().since < self.spec.progress_deadline
    }

    /// True at a gate, at a pause without a time, and at an analysis that has no data.
    fn waits(&self) -> bool {
        let at = self.delivery.moves().get(self.delivery.state().place);
        matches!(at, Some(Move::Pause(None) | Move::Analysis(..)))
            || self.delivery.state().held == Some(Hold::Person)
            || self.delivery.gate_at_hand().is_some()
    }
}
