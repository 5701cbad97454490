//! Questions at random: small numbers mostly, weights at their boundaries, states that are settled or
//! in the middle of anything.

use super::question::{Case, Question};
use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};
use std::time::Duration;
use taskmaster_delivery::replicas::{
    AbortDelay, AbortRule, Amount, BlueGreen, Canary, Course, Evidence, Position, Preview, Scale, Set, Sets,
    Stable, Step, Threshold, Traffic, Weights, basic, routed,
};
use taskmaster_delivery::time::Time;

/// Which kinds of canary a function is asked about.
#[derive(Clone, Copy, PartialEq)]
enum Routing {
    With,
    Without,
    Either,
}

pub(crate) struct Generator(TestRng);

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }

    pub(crate) fn question(&mut self) -> Question {
        match self.below(16) {
            0 => self.limits(),
            1 | 2 => self.approximate(),
            3 => self.preview(),
            4 | 5 => Question::Basic(self.case(Routing::Without)),
            6 => Question::Routed(self.case(Routing::With)),
            7 => Question::SetWeight(self.case(Routing::Either)),
            8 => Question::DesiredWeight(self.case(Routing::With)),
            9 => Question::Aim(self.case(Routing::With)),
            10 => Question::AtDesiredCounts(self.case(Routing::Either)),
            11 => self.enough_stable(),
            12 => Question::Shift(self.case(Routing::With)),
            13 => Question::Completed(self.case_of_step()),
            14 => Question::AfterChange(self.case(Routing::Either)),
            _ => self.drain(),
        }
    }

    /// A number below the end.
    fn below(&mut self, end: i32) -> i32 {
        self.0.random_range(0..end)
    }

    /// Whether something of so many percent happens.
    fn chance(&mut self, percent: i32) -> bool {
        self.below(100) < percent
    }

    fn replicas(&mut self) -> i32 {
        let end = [4, 6, 13, 13, 40, 121, 5_001][self.below(7) as usize];
        self.below(end)
    }

    fn max_weight(&mut self) -> i32 {
        let most = self.below(10_000) + 1;
        [100, 100, 100, 1, 3, 7, 64, 1_000, 10_000, most][self.below(10) as usize]
    }

    fn weight(&mut self, most: i32) -> i32 {
        match self.below(12) {
            0 => 0,
            1 => 1,
            2 => most - 1,
            3 => most,
            4 => most / 2,
            5 => (most + 1) / 2,
            6 if self.chance(20) => most + self.below(20),
            _ => self.below(most + 1),
        }
    }

    /// As written: a number of pods, or a text with or without a sign of percent.
    fn amount(&mut self, replicas: i32) -> Value {
        let percent = if self.chance(90) { self.below(101) } else { self.below(301) };
        match self.below(6) {
            0 => json!(0),
            1 | 2 => json!(self.below(replicas + 3)),
            3 => json!(format!("{percent}")),
            _ => json!(format!("{percent}%")),
        }
    }

    fn limits(&mut self) -> Question {
        let replicas = self.replicas();
        let (surge, unavailable) = (self.amount(replicas), self.amount(replicas));
        Question::Limits { blue_green: self.chance(30), replicas, surge, unavailable }
    }

    fn approximate(&mut self) -> Question {
        let max_weight = self.max_weight();
        let (replicas, weight) = (self.replicas(), self.weight(max_weight));
        Question::Approximate { replicas, weight, max_weight, surge: self.below(3) }
    }

    fn preview(&mut self) -> Question {
        let replicas = self.replicas();
        let preview_replicas = self.chance(80).then(|| self.below(replicas + 2));
        Question::Preview {
            release: BlueGreen { replicas, max_unavailable: Amount::QUARTER, preview_replicas },
            preview: Preview {
                other_active: self.chance(70),
                full: self.chance(20),
                recorded: self.chance(70),
                paused: self.chance(40),
                checked: self.chance(50),
            },
        }
    }

    fn enough_stable(&mut self) -> Question {
        let mut case = self.case(Routing::With);
        case.weight = self.weight(case.canary.max_weight());
        Question::EnoughStable(case)
    }

    fn drain(&mut self) -> Question {
        let mut case = self.case(Routing::Either);
        let end = case.canary.replicas.min(6);
        case.sets.older = (0..self.below(4) + 1).map(|_| self.set(end)).collect();
        Question::Drain(case)
    }

    fn case_of_step(&mut self) -> Case {
        let mut case = self.case(Routing::Either);
        case.now = Time(i64::from(self.below(100)) * 500);
        case.evidence = Some(Evidence {
            held: self.chance(10),
            paused: self.chance(50),
            paused_since: self.chance(50).then(|| Time(i64::from(self.below(100)) * 500)),
            verified: [None, Some(true), Some(false)][self.below(3) as usize],
            judged_well: self.chance(50),
        });
        case
    }

    fn case(&mut self, routing: Routing) -> Case {
        let canary = self.canary(routing);
        let position = self.position(canary.steps.len());
        let sets = self.sets(canary.replicas);
        let most = canary.max_weight();
        let weights = self.chance(70).then(|| {
            let part = self.weight(most);
            let stable = if self.chance(80) { most - part } else { self.weight(most) };
            Weights { canary: part, stable, outdated: self.chance(30) }
        });
        let mut case = Case { canary, position, sets, weights, evidence: None, now: Time(0), weight: 0 };
        if self.chance(50) {
            self.settle(&mut case);
        }
        case
    }

    fn canary(&mut self, routing: Routing) -> Canary {
        let replicas = self.replicas();
        let with = routing == Routing::With || (routing == Routing::Either && self.chance(50));
        let traffic = with.then(|| self.traffic(replicas));
        let most = traffic.as_ref().map_or(100, |traffic| traffic.max_weight);
        let count = self.below(8);
        let threshold = match self.below(6) {
            0 | 1 => Some(Threshold::Percent(self.below(103) - 2)),
            2 => Some(Threshold::Pods(self.below(replicas + 3) - 1)),
            _ => None,
        };
        let (max_surge, max_unavailable) = (self.typed_amount(replicas), self.typed_amount(replicas));
        let steps = (0..count).map(|_| self.step(replicas, most)).collect();
        Canary { replicas, max_surge, max_unavailable, steps, traffic, threshold }
    }

    fn typed_amount(&mut self, replicas: i32) -> Amount {
        match self.below(4) {
            0 => Amount::QUARTER,
            1 => Amount::Percent(self.below(101)),
            _ => Amount::Pods(self.below(replicas.min(6) + 2)),
        }
    }

    fn traffic(&mut self, replicas: i32) -> Traffic {
        Traffic {
            max_weight: self.max_weight(),
            min_pods: self.chance(30).then(|| self.below(replicas + 3)),
            dynamic_stable_scale: self.chance(60),
            abort_delay: [AbortDelay::Unsaid, AbortDelay::Never, AbortDelay::Seconds(30)]
                [self.below(3) as usize],
            abort_rule: AbortRule::Released,
        }
    }

    fn step(&mut self, replicas: i32, most: i32) -> Step {
        match self.below(10) {
            0..=4 => Step::SetWeight(self.weight(most)),
            5 => Step::SetCanaryScale(Scale::Pods(self.below(replicas + 2))),
            6 => Step::SetCanaryScale(Scale::Weight(self.weight(most))),
            7 => [Step::SetCanaryScale(Scale::MatchTraffic), Step::Route][self.below(2) as usize],
            8 => Step::Judge,
            _ if self.chance(70) => Step::Pause(Some(Duration::from_secs(self.below(40) as u64))),
            _ => Step::Pause(None),
        }
    }

    fn position(&mut self, steps: usize) -> Position {
        let course = match self.below(10) {
            0 => Course::First,
            1 => Course::Stable,
            2 => Course::Full,
            _ => Course::Steps,
        };
        Position { course, aborted: self.chance(30), step: self.below(steps as i32 + 2) as usize }
    }

    fn sets(&mut self, replicas: i32) -> Sets {
        let canary = self.chance(90).then(|| self.set(replicas));
        let stable = match self.below(10) {
            0 => Stable::Absent,
            1 if canary.is_some() => Stable::Canary,
            _ => Stable::Other(self.set(replicas)),
        };
        let count = if self.chance(70) { 0 } else { self.below(3) + 1 };
        let older = (0..count).map(|_| self.set(replicas.min(4))).collect();
        Sets { canary, stable, older }
    }

    fn set(&mut self, replicas: i32) -> Set {
        let wanted = if self.chance(25) { replicas } else { self.below(replicas + 4) };
        let created = if self.chance(60) { wanted } else { self.below(replicas + 4) };
        let available = match self.below(10) {
            0..=4 => created,
            5..=8 => self.below(created + 1),
            _ => self.below(replicas + 4),
        };
        Set { wanted, created, available }
    }

    /// Brings pods to where they should be, so that steps end, too.
    fn settle(&mut self, case: &mut Case) {
        for _ in 0..4 {
            let counts = match case.canary.traffic {
                Some(_) => routed(&case.canary, case.position, &case.sets, case.weights),
                None => basic(&case.canary, case.position, &case.sets),
            };
            let full = |count| Set { wanted: count, created: count, available: count };
            case.sets.canary = case.sets.canary.map(|_| full(counts.canary));
            if let Stable::Other(set) = &mut case.sets.stable {
                *set = full(counts.stable);
            }
            case.sets.older.clear();
        }
        if self.chance(30) {
            let off = self.below(3) - 1;
            case.sets.canary.iter_mut().for_each(|set| set.available = (set.available + off).max(0));
        }
    }
}
