//! The world around a rollout in virtual time: pods, router, users, measurements, and what goes wrong.

use super::faults::Trouble;
use super::meaning::Meaning;
use super::pods::Running;
use super::scenario::Scenario;
use super::service::{Counters, Service};
use crate::analysis::answer::Answer;
use crate::analysis::condition::Readings;
use crate::engine::{
    Answer as Said, Answered, Effect, Measured, Migrated, Observation, Reading, Revision, Routes, Version,
};
use crate::spec::{Analysis, GateKind, Judge, Metric, Role, Rollout, TestKind};
use crate::stats::{Arm, Look};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use std::collections::{BTreeMap, VecDeque};

/// Seconds over which a counted metric looks back.
const WINDOW: f64 = 60.0;

/// The world.
pub(super) struct World {
    pub(super) now: f64,
    pub(super) random: Pcg64Mcg,
    pub(super) trouble: Trouble,
    service: Service,
    analysis: Analysis,
    /// What counted metrics measure.
    meanings: Vec<Option<Meaning>>,
    bounds: Vec<f64>,
    pub(super) versions: Vec<Running>,
    pub(super) routes: Routes,
    pub(super) wanted: Revision,
    pub(super) replicas: i32,
    has_router: bool,
    counters: BTreeMap<Revision, Counters>,
    /// Counters some time ago, for metrics that look back.
    past: VecDeque<(f64, BTreeMap<Revision, Counters>)>,
    answers: Vec<(f64, Measured)>,
    /// What the gates are, and until when each says no.
    gates: Vec<(GateKind, Option<f64>)>,
    /// What gates are about to say.
    sayings: Vec<(f64, Answered)>,
    pending: Vec<(f64, Effect)>,
    pub(super) migration: Option<Migrated>,
    /// When the migration at work ends.
    migrates_until: f64,
    /// What was seen before, for stale looks.
    seen: VecDeque<Observation>,
    pub(super) exposure: Exposure,
}

/// What users met.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Exposure {
    /// Requests that came.
    pub requests: u64,
    /// Requests that the new version answered.
    pub of_canary: u64,
    /// Requests that failed on the new version.
    pub failed: u64,
    /// Requests that went to a version without a pod that serves.
    pub lost: u64,
    /// When the first user met the new version, in seconds.
    pub first: Option<f64>,
    /// When the last one did.
    pub last: Option<f64>,
}

impl World {
    pub(super) fn new(scenario: &Scenario, spec: &Rollout, has_router: bool, random: Pcg64Mcg) -> Self {
        let (analysis, replicas) = (&spec.analysis, spec.replicas);
        let bounds = analysis.metrics.iter().find_map(|metric| match &metric.judge {
            Judge::Test(test) => match &test.kind {
                TestKind::Latency(bounds) => Some(bounds.clone()),
                _ => None,
            },
            Judge::Counted(..) => None,
        });
        let meanings = meanings(analysis, &scenario.metrics);
        let measures_latency = meanings.iter().flatten().any(|meaning| meaning.is_latency());
        let bounds = bounds
            .or_else(|| measures_latency.then(|| (0..40).map(|step| 5.0 * 1.25f64.powi(step)).collect()));
        let stable = Revision("v1".to_owned());
        Self {
            now: 0.0,
            random,
            trouble: scenario.trouble,
            service: scenario.service.clone(),
            analysis: analysis.clone(),
            meanings,
            bounds: bounds.unwrap_or_default(),
            versions: vec![Running::new(&stable, 1).ready(replicas)],
            routes: Routes { active: stable.clone(), ..Routes::default() },
            wanted: stable,
            replicas,
            has_router,
            counters: BTreeMap::new(),
            past: VecDeque::new(),
            answers: Vec::new(),
            gates: spec.gates.iter().map(|gate| (gate.kind, None)).collect(),
            sayings: Vec::new(),
            pending: Vec::new(),
            migration: None,
            migrates_until: 0.0,
            seen: VecDeque::new(),
            exposure: Exposure::default(),
        }
    }

    /// A version is asked for.
    pub(super) fn want(&mut self, revision: &Revision) {
        self.wanted = revision.clone();
        if self.versions.iter().all(|version| version.revision != *revision) {
            let number = self.versions.iter().map(|version| version.number).max().unwrap_or(0) + 1;
            self.versions.push(Running::new(revision, number));
        }
    }

    /// Time passes. The pods of the stable version start in their time.
    pub(super) fn tick(&mut self, seconds: f64, stable: Option<&Revision>) {
        self.now += seconds;
        for version in &mut self.versions {
            let is_new = Some(&version.revision) != stable;
            version.tick(self.now, seconds, &self.trouble, is_new, &mut self.random);
        }
        let due: Vec<Effect> = {
            let now = self.now;
            let (due, later) = std::mem::take(&mut self.pending).into_iter().partition(|(at, _)| *at <= now);
            self.pending = later;
            let due: Vec<(f64, Effect)> = due;
            due.into_iter().map(|(_, effect)| effect).collect()
        };
        due.iter().for_each(|effect| self.perform(effect));
        self.end_migration();
        self.serve(seconds);
    }

    /// The migration at work ends in its time, well or badly.
    fn end_migration(&mut self) {
        let Some(at) = self.migration.as_mut().filter(|at| at.end.is_none()) else { return };
        if self.now >= self.migrates_until {
            let fails = self.trouble.migration_fails;
            let has_failed = fails > 0.0 && self.random.random_bool(fails);
            at.end = Some(if has_failed { Err("it failed".to_owned()) } else { Ok(()) });
        }
    }

    fn available(&self, revision: &Revision) -> i32 {
        let version = self.versions.iter().find(|version| version.revision == *revision);
        version.map_or(0, |version| version.pods(self.now).available)
    }

    /// The share of each version that users meet.
    fn shares(&self) -> (Revision, Option<(Revision, f64)>) {
        if self.has_router {
            let marked = if self.routes.headers.is_empty() { 0.0 } else { self.service.users.marked };
            let of = |weight: u32| marked + (1.0 - marked) * f64::from(weight) / 100.0;
            let share = self.routes.share.as_ref().map(|share| (share.revision.clone(), of(share.weight)));
            let share = share.filter(|(_, share)| *share > 0.0);
            return (self.routes.active.clone(), share);
        }
        let total: i32 = self.versions.iter().map(|version| version.pods(self.now).available).sum();
        let first = self.routes.active.clone();
        let other = self
            .versions
            .iter()
            .rev()
            .find(|version| version.revision != first && self.available(&version.revision) > 0);
        let share = other.map(|version| {
            (version.revision.clone(), f64::from(self.available(&version.revision)) / f64::from(total.max(1)))
        });
        (first, share)
    }

    /// The share of the users that a version has, in percent; before the first release that is all of them.
    pub(super) fn weight(&self, revision: &Revision) -> u32 {
        let (active, share) = self.shares();
        let (other, of_other) = share.unwrap_or_default();
        let of_active = if active == *revision { 1.0 - of_other } else { 0.0 };
        let weight = if other == *revision { of_other } else { of_active };
        (100.0 * weight).round() as u32
    }

    fn serve(&mut self, seconds: f64) {
        let (active, share) = self.shares();
        let weight = share.as_ref().map_or(0.0, |(_, weight)| *weight);
        let at = self.now - seconds;
        let (units, dealt) = self.service.arrivals(at, seconds, weight, &mut self.random);
        self.exposure.requests += units * u64::from(self.service.users.session.max(1));
        self.meet(&active, units - dealt, at);
        if let Some((revision, _)) = share {
            self.meet(&revision, dealt, at);
        }
        if let Some(preview) = self.routes.preview.clone().filter(|preview| *preview != active) {
            let lookers = self.service.lookers(at, seconds, &mut self.random);
            self.meet(&preview, lookers, at);
        }
        let is_old = self.past.front().is_some_and(|(then, _)| self.now - then > 2.0 * WINDOW);
        if is_old {
            self.past.pop_front();
        }
        if self.looks_back() {
            self.past.push_back((self.now, self.counters.clone()));
        }
    }

    fn looks_back(&self) -> bool {
        self.analysis.metrics.iter().any(|metric| matches!(metric.judge, Judge::Counted(..)))
    }

    fn meet(&mut self, revision: &Revision, units: u64, at: f64) {
        let is_canary = revision.0 != "v1";
        let requests = units * u64::from(self.service.users.session.max(1));
        if self.available(revision) <= 0 {
            self.exposure.lost += requests;
            return;
        }
        let Some(version) = self.versions.iter_mut().find(|version| version.revision == *revision) else {
            return;
        };
        let first = if units > 0 { *version.first_request.get_or_insert(at) } else { at };
        let stretch = self.service.stretch(is_canary, units, at, at - first);
        let counters = self.counters.entry(revision.clone()).or_default();
        let before = counters.failures;
        counters.count(stretch, &self.bounds, &mut self.random);
        if is_canary && units > 0 {
            self.exposure.of_canary += requests;
            self.exposure.failed +=
                (counters.failures - before) * u64::from(self.service.users.session.max(1));
            self.exposure.first.get_or_insert(at);
            self.exposure.last = Some(self.now);
        }
    }

    /// What is seen now: maybe not what is.
    pub(super) fn look(&mut self) -> Observation {
        let now = self.now;
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.answers).into_iter().partition(|(at, _)| *at <= now);
        self.answers = later;
        let versions = self.versions.iter().map(|version| Version {
            revision: version.revision.clone(),
            number: version.number,
            pods: version.pods(now),
        });
        let fresh = Observation {
            wanted: self.wanted.clone(),
            replicas: Some(self.replicas),
            versions: versions.collect(),
            routes: self.has_router.then(|| self.routes.clone()),
            measured: Vec::new(),
            migration: self.migration.clone(),
            answers: Vec::new(),
        };
        let mut shown = fresh.clone();
        if self.trouble.stale > 0.0 {
            self.seen.push_back(fresh);
            if self.seen.len() > self.trouble.stale_looks.max(1) + 1 {
                self.seen.pop_front();
            }
            if self.random.random_bool(self.trouble.stale) {
                let back = self.random.random_range(0..self.seen.len());
                shown = self.seen[back].clone();
            }
        }
        shown.measured = due.into_iter().map(|(_, measured)| measured).collect();
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.sayings).into_iter().partition(|(at, _)| *at <= now);
        self.sayings = later;
        shown.answers = due.into_iter().map(|(_, answered)| answered).collect();
        shown
    }

    /// Does what is to be done: at once, later, twice or never.
    pub(super) fn take(&mut self, effect: &Effect) {
        if self.trouble.lost > 0.0 && self.random.random_bool(self.trouble.lost) {
            return;
        }
        if self.trouble.repeated > 0.0 && self.random.random_bool(self.trouble.repeated) {
            let later = self.now + self.random.random_range(1.0..10.0);
            self.pending.push((later, effect.clone()));
        }
        self.perform(effect);
    }

    fn perform(&mut self, effect: &Effect) {
        match effect {
            Effect::Scale { revision, replicas } => {
                if let Some(version) = self.versions.iter_mut().find(|version| version.revision == *revision)
                {
                    version.wanted = *replicas;
                }
            }
            Effect::Route(routes) => self.routes = routes.clone(),
            Effect::Measure { metric, revision } => self.measure(*metric, revision),
            Effect::Migrate { revision, direction, attempt } => {
                let newest = self.migration.as_ref().map_or(0, |at| at.attempt);
                if *attempt > newest {
                    let (revision, direction) = (revision.clone(), *direction);
                    self.migration = Some(Migrated { revision, direction, attempt: *attempt, end: None });
                    let longest = self.trouble.migration;
                    let takes = if longest > 0.0 { self.random.random_range(0.0..longest) } else { 0.0 };
                    self.migrates_until = self.now + takes;
                }
            }
            Effect::Ask { gate, revision, question } => self.say(*gate, revision, *question),
            Effect::Tell(_) => {}
        }
    }

    /// A gate is asked. Guards say no for a while, and yes from then on until they are asked anew.
    fn say(&mut self, gate: usize, revision: &Revision, question: u64) {
        let is_at_work = self.sayings.iter().any(|(_, answered)| answered.question == question);
        let Some((kind, _)) = self.gates.get(gate).copied().filter(|_| !is_at_work) else { return };
        let has_gap = self.trouble.gaps > 0.0 && self.random.random_bool(self.trouble.gaps);
        let no = || Said::No { why: "not yet".to_owned() };
        let answer = match kind {
            _ if has_gap => Said::Nothing { why: "no answer".to_owned() },
            GateKind::Rollback if self.is_against() => Said::Yes,
            GateKind::Rollback => no(),
            GateKind::Rollout if self.is_against() => no(),
            GateKind::Rollout | GateKind::PostRollout => Said::Yes,
            _ if self.lets_pass(gate) => Said::Yes,
            _ => no(),
        };
        let answered = Answered { gate, revision: revision.clone(), question, answer };
        self.sayings.push((self.now + self.trouble.lag, answered));
    }

    fn is_against(&mut self) -> bool {
        self.trouble.against > 0.0 && self.random.random_bool(self.trouble.against)
    }

    /// True once the time of a guard is over.
    fn lets_pass(&mut self, gate: usize) -> bool {
        let (longest, now) = (self.trouble.gates, self.now);
        let takes = if longest > 0.0 { self.random.random_range(0.0..longest) } else { 0.0 };
        let Some((_, until)) = self.gates.get_mut(gate) else { return false };
        let passes = now >= *until.get_or_insert(now + takes);
        if passes {
            *until = None;
        }
        passes
    }

    fn measure(&mut self, metric: usize, revision: &Revision) {
        if self
            .answers
            .iter()
            .any(|(_, measured)| measured.metric == metric && measured.revision == *revision)
        {
            return;
        }
        let reading = self.reading(metric, revision);
        let measured = Measured { metric, revision: revision.clone(), reading };
        self.answers.push((self.now + self.trouble.lag, measured));
    }

    fn reading(&mut self, index: usize, revision: &Revision) -> Reading {
        let is_silent = self.trouble.silence > 0.0 && self.now >= self.trouble.silence;
        let has_gap = self.trouble.gaps > 0.0 && self.random.random_bool(self.trouble.gaps);
        let Some(metric) = self.analysis.metrics.get(index).filter(|_| !is_silent && !has_gap) else {
            return Reading::Nothing { message: "no answer".to_owned() };
        };
        let of = |revision: &Revision| self.counters.get(revision).cloned().unwrap_or_default();
        let (canary, baseline) = (of(revision), of(&self.routes.active));
        match &metric.judge {
            Judge::Test(test) => match &test.kind {
                TestKind::Errors => Reading::Counts(Look { canary: arm(&canary), baseline: arm(&baseline) }),
                TestKind::Latency(bounds) => {
                    let sized = |mut buckets: Vec<u64>| {
                        buckets.resize(bounds.len() + 1, 0);
                        buckets
                    };
                    Reading::Buckets { canary: sized(canary.buckets), baseline: sized(baseline.buckets) }
                }
                TestKind::Mean(bound) => {
                    let mean = |revision: &Revision| bound * self.recent(revision, errors_of);
                    Reading::Means { canary: mean(revision), baseline: mean(&self.routes.active) }
                }
            },
            Judge::Counted(..) => {
                let meaning = self.meanings.get(index).copied().flatten().unwrap_or(Meaning::Errors);
                let answer = |revision: &Revision| {
                    let value = self.measured(revision, meaning);
                    if value.is_nan() { Answer::Empty } else { Answer::Scalar(value) }
                };
                let canary = answer(revision);
                let pair = metric.queries.contains_key(&Role::Baseline);
                Reading::Answers(if pair {
                    Readings::Pair { baseline: answer(&self.routes.active), canary }
                } else {
                    Readings::One(canary)
                })
            }
        }
    }

    /// What a metric of this meaning answers of a version; not a number without any data.
    fn measured(&self, revision: &Revision, meaning: Meaning) -> f64 {
        let errors = || self.recent(revision, errors_of);
        match meaning {
            Meaning::Errors => errors(),
            Meaning::Success => 1.0 - errors(),
            Meaning::ErrorsPercent => 100.0 * errors(),
            Meaning::SuccessPercent => 100.0 * (1.0 - errors()),
            Meaning::Up => f64::from(u8::from(self.available(revision) > 0)),
            Meaning::LatencySeconds => self.recent(revision, latency_of) / 1_000.0,
            Meaning::LatencyMilliseconds => self.recent(revision, latency_of),
        }
    }

    /// A number over the last minute.
    fn recent(&self, revision: &Revision, number: fn(&World, &Counters, &Counters) -> f64) -> f64 {
        let nothing = Counters::default();
        let now = self.counters.get(revision).unwrap_or(&nothing);
        let then = self
            .past
            .iter()
            .rev()
            .find(|(at, _)| self.now - at >= WINDOW)
            .and_then(|(_, all)| all.get(revision));
        number(self, then.unwrap_or(&nothing), now)
    }
}

/// What counted metrics measure, in their order.
pub fn meanings(analysis: &Analysis, told: &BTreeMap<String, Meaning>) -> Vec<Option<Meaning>> {
    let meaning = |metric: &Metric| told.get(&metric.name).copied().or_else(|| Meaning::of(metric));
    analysis.metrics.iter().map(meaning).collect()
}

fn arm(counters: &Counters) -> Arm {
    Arm { units: counters.units, failures: counters.failures }
}

/// Share of the units that failed; not a number without any.
fn errors_of(_: &World, then: &Counters, now: &Counters) -> f64 {
    (now.failures - then.failures) as f64 / (now.units - then.units) as f64
}

/// 95th percentile of the latency in milliseconds; not a number without units.
fn latency_of(world: &World, then: &Counters, now: &Counters) -> f64 {
    let count = |counters: &Counters, bucket: usize| counters.buckets.get(bucket).copied().unwrap_or(0);
    let counts: Vec<u64> =
        (0..=world.bounds.len()).map(|bucket| count(now, bucket) - count(then, bucket)).collect();
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return f64::NAN;
    }
    let mut seen = 0;
    for (bucket, bound) in world.bounds.iter().enumerate() {
        seen += counts[bucket];
        if seen as f64 >= 0.95 * total as f64 {
            return *bound;
        }
    }
    f64::INFINITY
}
