//! Rollouts of every kind under every trouble, by a seed: what the engine has to survive.

use super::faults::Trouble;
use super::scenario::Scenario;
use super::service::{Behaviour, Service, Users};
use crate::spec::{
    AbSpec, AmountSpec, AnalysisSpec, BlueGreenSpec, CanarySpec, CompatibleSpec, GateKind, GateSpec,
    HeaderRouteSpec, MatchSpec, MetricSpec, MigrationSpec, MirrorSpec, NoDataSpec, PauseSpec, RollingSpec,
    Rollout, RolloutSpec, ScaleSpec, StepAnalysisSpec, StepSpec, StrategySpec, TestKindSpec, TestSpec,
    Text as Found, TrafficSpec, UnitSpec, check, duration::Text,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::collections::BTreeMap;
use std::time::Duration;

/// Most seconds of trouble.
const TROUBLE: f64 = 300.0;
/// Seconds after which a rollout must have ended.
const HORIZON: f64 = 3_000.0;

/// The rollout and the conditions of a seed. The specification is always a good one.
pub fn any(seed: u64) -> (RolloutSpec, Rollout, Scenario) {
    let mut dice = Dice(Pcg64Mcg::seed_from_u64(seed ^ 0x9E37_79B9_7F4A_7C15));
    loop {
        let mut spec = dice.spec();
        let Ok(rollout) = check(&spec) else { continue };
        let mut scenario = dice.scenario();
        if seed % 8 != GUARDED {
            return (spec, rollout, scenario);
        }
        spec.gates = dice.gates();
        scenario.trouble.gates = dice.upto(120.0);
        scenario.trouble.against = dice.upto(0.02);
        if let Ok(rollout) = check(&spec) {
            return (spec, rollout, scenario);
        }
    }
}

/// Seeds with this rest by 8 have gates.
const GUARDED: u64 = 6;

struct Dice(Pcg64Mcg);

impl Dice {
    fn chance(&mut self, chance: f64) -> bool {
        self.0.random_bool(chance)
    }

    fn number(&mut self, from: i64, to: i64) -> i64 {
        self.0.random_range(from..=to)
    }

    fn maybe<T>(&mut self, chance: f64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.chance(chance) { Some(make(self)) } else { None }
    }

    /// Half the time nothing, else any number below this one.
    fn upto(&mut self, most: f64) -> f64 {
        if self.chance(0.5) { self.0.random_range(0.0..most) } else { 0.0 }
    }

    /// Some gates of any kind.
    fn gates(&mut self) -> Vec<GateSpec> {
        let mut gates = Vec::new();
        for kind in GateKind::ALL {
            for number in 0..self.number(0, 2) {
                let counts = kind == GateKind::Rollout;
                gates.push(GateSpec {
                    name: format!("{}-{number}", kind.name()),
                    kind,
                    url: Found::Literal("http://127.0.0.1".to_owned()),
                    timeout: None,
                    interval: Some(self.span(10)),
                    threshold: if counts { self.maybe(0.5, |dice| dice.number(1, 5)) } else { None },
                    secret: None,
                    metadata: BTreeMap::new(),
                });
            }
        }
        gates
    }

    fn span(&mut self, most: i64) -> Text {
        Text(Duration::from_secs(self.number(1, most).unsigned_abs()))
    }

    fn spec(&mut self) -> RolloutSpec {
        let replicas = self.number(1, 10);
        let mut strategy = StrategySpec::default();
        match self.number(0, 9) {
            0..=5 => strategy.canary = Some(self.canary(replicas)),
            6 | 7 => strategy.blue_green = Some(self.blue_green(replicas)),
            8 => strategy.ab = Some(self.ab(replicas)),
            _ => strategy.rolling = Some(self.rolling()),
        }
        RolloutSpec {
            name: "any".to_owned(),
            replicas: Some(replicas),
            strategy,
            analysis: Some(self.analysis()),
            progress_deadline: Some(Text(Duration::from_secs(600))),
            rollback_window: self.maybe(0.3, |dice| dice.number(0, 3)),
            service: None,
            gates: Vec::new(),
            notices: Vec::new(),
            sources: BTreeMap::new(),
            load: None,
        }
    }

    fn amount(&mut self) -> AmountSpec {
        if self.chance(0.5) {
            AmountSpec::Pods(self.number(0, 3))
        } else {
            AmountSpec::Text(format!("{}%", self.number(0, 100)))
        }
    }

    fn canary(&mut self, replicas: i64) -> CanarySpec {
        let has_router = self.chance(0.7);
        let mut weight = 0;
        let mut steps = Vec::new();
        for _ in 0..self.number(1, 8) {
            steps.push(self.step(replicas, has_router, &mut weight));
        }
        let most = i64::try_from(steps.len()).unwrap_or(1);
        CanarySpec {
            steps,
            traffic: (!has_router).then_some(TrafficSpec::Pods),
            max_surge: self.maybe(0.5, Self::amount),
            max_unavailable: self.maybe(0.5, Self::amount),
            dynamic_stable_scale: has_router.then(|| self.chance(0.3)),
            min_pods: self.maybe(0.3, |dice| dice.number(0, 3)),
            scale_down_delay: self.maybe(0.5, |dice| dice.span(60)),
            abort_scale_down_delay: self
                .maybe(0.5, |dice| Text(Duration::from_secs(dice.number(0, 60).unsigned_abs()))),
            analysis_from_step: self.maybe(0.4, |dice| dice.number(1, most)),
        }
    }

    fn step(&mut self, replicas: i64, has_router: bool, weight: &mut i64) -> StepSpec {
        let mut step = StepSpec::default();
        match self.number(0, if has_router { 9 } else { 6 }) {
            0..=2 if *weight < 100 => {
                *weight = self.number(*weight + 1, 100.min(*weight + 40));
                step.set_weight = Some(*weight);
            }
            5 => step.analysis = Some(self.step_analysis()),
            7 => {
                step.set_canary_scale = Some(match self.number(0, 2) {
                    0 => ScaleSpec { replicas: Some(self.number(0, replicas)), ..ScaleSpec::default() },
                    1 => ScaleSpec { weight: Some(self.number(0, 100)), ..ScaleSpec::default() },
                    _ => ScaleSpec { match_traffic_weight: Some(true), ..ScaleSpec::default() },
                });
            }
            8 => {
                let matches = vec![self.matched()];
                step.set_header_route = Some(HeaderRouteSpec { name: "header".to_owned(), matches });
            }
            9 => {
                let percentage = self.number(0, 100);
                step.set_mirror_route = Some(MirrorSpec { name: "mirror".to_owned(), percentage });
            }
            _ => step.pause = Some(PauseSpec { duration: Some(self.span(30)) }),
        }
        step
    }

    fn matched(&mut self) -> MatchSpec {
        MatchSpec { header: Some("x-new".to_owned()), exact: Some("1".to_owned()), ..MatchSpec::default() }
    }

    fn step_analysis(&mut self) -> StepAnalysisSpec {
        StepAnalysisSpec { metrics: Vec::new(), duration: self.maybe(0.7, |dice| dice.span(20)) }
    }

    fn blue_green(&mut self, replicas: i64) -> BlueGreenSpec {
        BlueGreenSpec {
            preview_replicas: self.maybe(0.6, |dice| dice.number(1, replicas)),
            auto_promotion: None,
            auto_promotion_after: self.maybe(0.6, |dice| dice.span(20)),
            max_unavailable: self.maybe(0.3, Self::amount),
            pre_promotion_analysis: self.maybe(0.5, Self::step_analysis),
            post_promotion_analysis: self.maybe(0.5, Self::step_analysis),
            scale_down_delay: self.maybe(0.5, |dice| dice.span(60)),
            abort_scale_down_delay: self.maybe(0.5, |dice| dice.span(60)),
        }
    }

    fn ab(&mut self, replicas: i64) -> AbSpec {
        AbSpec {
            matches: vec![self.matched()],
            iterations: self.number(1, 4),
            interval: self.span(15),
            replicas: self.maybe(0.5, |dice| dice.number(1, replicas)),
        }
    }

    fn rolling(&mut self) -> RollingSpec {
        let command = |word: &str| vec!["migrate".to_owned(), word.to_owned()];
        RollingSpec {
            max_surge: self.maybe(0.5, Self::amount),
            max_unavailable: self.maybe(0.5, Self::amount),
            migration: self.maybe(0.5, |dice| MigrationSpec {
                up: command("up"),
                down: dice.maybe(0.5, |_| command("down")),
                compatible: if dice.chance(0.5) { CompatibleSpec::Backward } else { CompatibleSpec::None },
                timeout: None,
            }),
            analysis: self.maybe(0.5, Self::step_analysis),
        }
    }

    fn analysis(&mut self) -> AnalysisSpec {
        let kind = |dice: &mut Self| TestSpec {
            of: if dice.chance(0.7) { TestKindSpec::Errors } else { TestKindSpec::Latency },
            unit: UnitSpec::Request,
            minimum_sample: Some(dice.number(1, 50)),
            bounds: Vec::new(),
        };
        let mut metrics =
            vec![MetricSpec { name: "errors".to_owned(), test: Some(kind(self)), ..MetricSpec::default() }];
        if self.chance(0.5) {
            metrics.push(MetricSpec {
                name: "rate".to_owned(),
                threshold: Some(0.05),
                interval: Some(self.span(5)),
                count: self.maybe(0.7, |dice| dice.number(4, 8)),
                failure_limit: Some(self.number(0, 2)),
                inconclusive_limit: self.maybe(0.5, |dice| dice.number(0, 1)),
                ..MetricSpec::default()
            });
        }
        let no_data = self.maybe(0.5, |dice| NoDataSpec {
            fail_after: Some(Text(Duration::from_secs(dice.number(30, 120).unsigned_abs()))),
        });
        AnalysisSpec { metrics, no_data, ..AnalysisSpec::default() }
    }

    fn scenario(&mut self) -> Scenario {
        let mut some = |most: f64| if self.chance(0.5) { self.0.random_range(0.0..most) } else { 0.0 };
        let trouble = Trouble {
            migration: 0.0,
            migration_fails: 0.0,
            gates: 0.0,
            against: 0.0,
            start: (0.0, 1.0 + some(15.0)),
            grace: some(30.0),
            is_never_ready: false,
            bad_pods: some(0.2),
            crashes: some(0.02),
            deaths: some(0.1),
            lost: some(0.2),
            repeated: some(0.1),
            stale: some(0.3),
            stale_looks: 3,
            lag: some(10.0),
            gaps: some(0.3),
            silence: 0.0,
            autoscaler: some(0.02),
            healer: some(0.05),
            another: some(0.01),
            person: some(0.02),
            until: TROUBLE,
        };
        let errors = *[0.002, 0.002, 0.05, 0.3, 1.0].get(self.0.random_range(0..5)).unwrap_or(&0.002);
        let is_never_ready = self.chance(0.1);
        let silence = if self.chance(0.1) { 30.0 } else { 0.0 };
        let mut scenario = Scenario {
            service: Service {
                users: Users { rate: self.0.random_range(0.0..60.0), ..Users::default() },
                canary: Behaviour { errors, ..Behaviour::default() },
                ..Service::default()
            },
            trouble: Trouble { is_never_ready, silence, ..trouble },
            look: 1.0,
            horizon: HORIZON,
            ..Scenario::default()
        };
        let mut some = |most: f64| if self.chance(0.5) { self.0.random_range(0.0..most) } else { 0.0 };
        (scenario.trouble.migration, scenario.trouble.migration_fails) = (some(60.0), some(0.5));
        scenario
    }
}
