//! A world that performs effects at once, or withholds them.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use taskmaster_delivery::analysis::answer::Answer;
use taskmaster_delivery::analysis::condition::Readings;
use taskmaster_delivery::engine::{
    Answer as Said, Answered, Delivery, Direction, Effect, Hold, Measured, Migrated, Notice, Observation,
    Phase, Pods, Reading, Refusal, Revision, Routes, State, Verb, Version,
};
use taskmaster_delivery::spec::{Rollout, RolloutSpec, check};
use taskmaster_delivery::stats::{Arm, Look};
use taskmaster_delivery::time::Time;

/// What a metric source answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source {
    /// Nothing comes.
    Silent,
    /// A number.
    Value(f64),
    /// It answers that there is no data.
    Empty,
    /// Units and failures are added with each measurement: the canary's, the baseline's.
    Counts { canary: (u64, u64), baseline: (u64, u64) },
}

pub(super) struct World {
    pub(super) delivery: Delivery,
    /// Seconds.
    pub(super) now: u64,
    pub(super) wanted: String,
    /// Pods in full service, as an autoscaler has set them.
    pub(super) replicas: Option<i32>,
    pub(super) versions: Vec<Version>,
    pub(super) routes: Option<Routes>,
    pub(super) migration: Option<Migrated>,
    /// How a migration ends that is asked for; nothing: it is at work.
    pub(super) migrates: Option<Result<(), String>>,
    /// What a metric's source answers.
    pub(super) sources: BTreeMap<usize, Source>,
    /// Pods of a version that can serve, at most.
    pub(super) limits: BTreeMap<String, i32>,
    /// The router does not do what it is told.
    pub(super) is_router_deaf: bool,
    pub(super) told: Vec<Notice>,
    pub(super) asked: Vec<usize>,
    pub(super) migrations: Vec<(String, Direction)>,
    /// What a gate says; nothing comes from the others.
    pub(super) gates: BTreeMap<usize, Said>,
    /// Questions to gates, each once.
    pub(super) questions: Vec<(usize, u64)>,
    answers: Vec<Answered>,
    measured: Vec<Measured>,
    counted: BTreeMap<usize, Look>,
}

pub(super) fn revision(name: &str) -> Revision {
    Revision(name.to_owned())
}

pub(super) fn spec(strategy: &Value, analysis: &Value) -> Rollout {
    with(&json!({"name": "web", "replicas": 10, "strategy": strategy, "analysis": analysis}))
}

pub(super) fn with(text: &Value) -> Rollout {
    let spec: RolloutSpec = serde_json::from_value(text.clone()).expect("a specification");
    check(&spec).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// A canary without analysis.
pub(super) fn canary(strategy: &Value) -> World {
    World::serving(spec(&json!({"canary": strategy}), &json!({})))
}

impl World {
    /// The change of data at work ends so.
    pub(super) fn ends_migration(&mut self, end: Result<(), String>) {
        self.migration.as_mut().expect("a migration at work").end = Some(end);
    }

    /// v1 serves with all of its pods.
    pub(super) fn serving(spec: Rollout) -> Self {
        let pods = spec.replicas;
        let mut world = Self::empty(spec, State::serving(revision("v1"), Time(0)));
        world.routes = Some(Routes { active: revision("v1"), ..Routes::default() });
        world.wanted = "v1".to_owned();
        world.add("v1", pods);
        world.settle();
        world
    }

    /// Nothing was ever released.
    pub(super) fn empty(spec: Rollout, state: State) -> Self {
        Self {
            delivery: Delivery::new(spec, state),
            now: 0,
            wanted: String::new(),
            replicas: None,
            versions: Vec::new(),
            routes: Some(Routes::default()),
            migration: None,
            migrates: Some(Ok(())),
            sources: BTreeMap::new(),
            limits: BTreeMap::new(),
            is_router_deaf: false,
            told: Vec::new(),
            asked: Vec::new(),
            migrations: Vec::new(),
            gates: BTreeMap::new(),
            questions: Vec::new(),
            answers: Vec::new(),
            measured: Vec::new(),
            counted: BTreeMap::new(),
        }
    }

    fn add(&mut self, name: &str, pods: i32) {
        let number = self.versions.iter().map(|version| version.number).max().unwrap_or(0) + 1;
        let pods = Pods { wanted: pods, created: pods, available: pods, terminating: 0 };
        self.versions.push(Version { revision: revision(name), number, pods });
    }

    /// A version is asked for, and all is done about it that can be done without time.
    pub(super) fn want(&mut self, name: &str) {
        self.ask_for(name);
        self.settle();
    }

    /// A version is asked for.
    pub(super) fn ask_for(&mut self, name: &str) {
        name.clone_into(&mut self.wanted);
        if self.versions.iter().all(|version| version.revision.0 != name) {
            self.add(name, 0);
        }
    }

    pub(super) fn observation(&mut self) -> Observation {
        for version in &mut self.versions {
            let most = self.limits.get(&version.revision.0).copied().unwrap_or(i32::MAX);
            version.pods.created = version.pods.wanted;
            version.pods.available = version.pods.wanted.min(most);
        }
        Observation {
            wanted: revision(&self.wanted),
            replicas: self.replicas,
            versions: self.versions.clone(),
            routes: self.routes.clone(),
            measured: std::mem::take(&mut self.measured),
            migration: self.migration.clone(),
            answers: std::mem::take(&mut self.answers),
        }
    }

    /// One look, and what it asks for is done.
    pub(super) fn look(&mut self) -> Vec<Effect> {
        let seen = self.observation();
        let effects = self.delivery.handle(&seen, self.time());
        effects.iter().for_each(|effect| self.perform(effect));
        effects
    }

    /// An answer about a version comes now, whoever asked for it.
    pub(super) fn answer_late(&mut self, name: &str, value: f64) {
        let reading = Reading::Answers(Readings::One(Answer::Scalar(value)));
        self.measured.push(Measured { metric: 0, revision: revision(name), reading });
        self.settle();
    }

    /// A gate answers a question now, whoever asked it.
    pub(super) fn says(&mut self, gate: usize, name: &str, question: u64, answer: Said) {
        self.answers.push(Answered { gate, revision: revision(name), question, answer });
        self.settle();
    }

    /// Looks until a metric is asked for, and no further.
    pub(super) fn look_until_asked(&mut self) {
        let asks = (0..100).any(|_| {
            self.look();
            !self.asked.is_empty()
        });
        assert!(asks, "nothing is measured");
    }

    pub(super) fn time(&self) -> Time {
        Time(i64::try_from(self.now * 1_000).expect("a time"))
    }

    fn perform(&mut self, effect: &Effect) {
        match effect {
            Effect::Scale { revision, replicas } => {
                let found = self.versions.iter_mut().find(|version| version.revision == *revision);
                if let Some(version) = found {
                    version.pods.wanted = *replicas;
                }
            }
            Effect::Route(routes) => {
                if !self.is_router_deaf {
                    self.routes = Some(routes.clone());
                }
            }
            Effect::Measure { metric, revision } => {
                self.asked.push(*metric);
                if let Some(reading) = self.answer(*metric) {
                    self.measured.push(Measured { metric: *metric, revision: revision.clone(), reading });
                }
            }
            Effect::Migrate { revision, direction, attempt } => {
                self.migrations.push((revision.0.clone(), *direction));
                if self.migration.as_ref().is_none_or(|at| at.attempt < *attempt) {
                    let (revision, direction, attempt) = (revision.clone(), *direction, *attempt);
                    let end = self.migrates.clone();
                    self.migration = Some(Migrated { revision, direction, attempt, end });
                }
            }
            Effect::Ask { gate, revision, question } => {
                if !self.questions.contains(&(*gate, *question)) {
                    self.questions.push((*gate, *question));
                }
                if let Some(answer) = self.gates.get(gate).cloned() {
                    let (gate, revision, question) = (*gate, revision.clone(), *question);
                    self.answers.push(Answered { gate, revision, question, answer });
                }
            }
            Effect::Tell(notice) => self.told.push(notice.clone()),
        }
    }

    fn answer(&mut self, metric: usize) -> Option<Reading> {
        match self.sources.get(&metric).copied().unwrap_or(Source::Silent) {
            Source::Silent => None,
            Source::Value(value) => Some(Reading::Answers(Readings::One(Answer::Scalar(value)))),
            Source::Empty => Some(Reading::Answers(Readings::One(Answer::Empty))),
            Source::Counts { canary, baseline } => {
                let look = self.counted.entry(metric).or_insert(Look {
                    canary: Arm { units: 0, failures: 0 },
                    baseline: Arm { units: 0, failures: 0 },
                });
                let add = |arm: &mut Arm, (units, failures): (u64, u64)| {
                    arm.units += units;
                    arm.failures += failures;
                };
                add(&mut look.canary, canary);
                add(&mut look.baseline, baseline);
                Some(Reading::Counts(*look))
            }
        }
    }

    /// Looks until nothing is left to do without time.
    pub(super) fn settle(&mut self) {
        let mut last = None;
        for _ in 0..100 {
            let before = self.delivery.state().clone();
            let effects = self.look();
            let is_same = last.as_ref() == Some(&effects) && before == *self.delivery.state();
            if is_same && self.measured.is_empty() && self.answers.is_empty() {
                return;
            }
            last = Some(effects);
        }
        panic!("it never comes to rest: {:?}", self.delivery.state());
    }

    /// Time passes, second by second, with a look at each.
    pub(super) fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += 1;
            self.look();
            // What was measured is there at once.
            if !self.measured.is_empty() || !self.answers.is_empty() {
                self.look();
            }
        }
        self.settle();
    }

    /// Time passes without a look.
    pub(super) fn skip(&mut self, seconds: u64) {
        self.now += seconds;
        self.settle();
    }

    /// A person asks, and it is done.
    pub(super) fn ask(&mut self, verb: Verb) -> Result<(), Refusal> {
        let now = self.time();
        let answer = self.delivery.ask(verb, now);
        self.settle();
        answer
    }

    /// A person asks for what is not refused.
    pub(super) fn must(&mut self, verb: Verb) {
        self.ask(verb).unwrap_or_else(|why| panic!("{verb:?}: {why}"));
    }

    /// Pods of a version that were asked for.
    pub(super) fn pods(&self, name: &str) -> i32 {
        let found = self.versions.iter().find(|version| version.revision.0 == name);
        found.map_or(0, |version| version.pods.wanted)
    }

    /// The share of a version at the router.
    pub(super) fn weight(&self, name: &str) -> u32 {
        self.routes.as_ref().map_or(0, |routes| routes.weight(&revision(name)))
    }

    /// Names of routes by header at the router.
    pub(super) fn headers(&self) -> Vec<&str> {
        let routes = self.routes.as_ref().expect("a router");
        routes.headers.iter().map(|route| route.name.as_str()).collect()
    }

    pub(super) fn place(&self) -> usize {
        self.delivery.state().place
    }

    pub(super) fn phase(&self) -> Phase {
        self.delivery.state().phase
    }

    pub(super) fn held(&self) -> Option<Hold> {
        self.delivery.state().held.clone()
    }

    pub(super) fn stable(&self) -> &str {
        self.delivery.state().stable.as_ref().map_or("", |stable| stable.0.as_str())
    }

    pub(super) fn why(&self) -> &str {
        self.delivery.state().why.as_deref().unwrap_or("")
    }

    /// Another process goes on with what was stored.
    pub(super) fn restart(&mut self) {
        let stored = serde_json::to_string(self.delivery.state()).expect("a state");
        let state = serde_json::from_str(&stored).expect("what was stored");
        self.delivery = Delivery::new(self.delivery.spec().clone(), state);
    }
}
