//! A rollout that was checked: what is not here cannot be wrong any more.

use super::hooks::{Gate, Notice};
use super::role::Role;
use super::service::{Load, Service};
use super::source::Source;
use crate::analysis::rule::Rule;
use crate::analysis::run::MetricSpec;
use crate::analysis::score::{ScoreSpec, Weighted};
use crate::replicas::Amount;
use crate::stats::{Alpha, budget};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// A rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// What is released.
    pub name: String,
    /// Pods in full service.
    pub replicas: i32,
    /// How the new version takes over.
    pub strategy: Strategy,
    /// How it is judged.
    pub analysis: Analysis,
    /// Longest time without progress.
    pub progress_deadline: Duration,
    /// A way back to one of so many versions before the stable one needs no steps.
    pub rollback_window: u32,
    /// Its versions as processes of this machine.
    pub service: Option<Service>,
    /// Who is asked.
    pub gates: Vec<Gate>,
    /// Who is told.
    pub notices: Vec<Notice>,
    /// Whom metrics are asked of, by name.
    pub sources: BTreeMap<String, Source>,
    /// Requests of our own while a rollout is under way.
    pub load: Option<Load>,
}

/// How a new version takes over. Each carries only its own data.
#[derive(Clone, Debug, PartialEq)]
pub enum Strategy {
    /// By degrees.
    Canary(Canary),
    /// All at once, behind a preview.
    BlueGreen(BlueGreen),
    /// For some users, told by what they send.
    Ab(Ab),
    /// Pod by pod.
    Rolling(Rolling),
}

/// By degrees.
#[derive(Clone, Debug, PartialEq)]
pub struct Canary {
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// Who splits the traffic.
    pub traffic: Traffic,
    /// Pods above the replicas.
    pub max_surge: Amount,
    /// Pods that may be missing.
    pub max_unavailable: Amount,
    /// The stable version gives up pods as the canary gets weight.
    pub dynamic_stable_scale: bool,
    /// Least pods of a version that has any.
    pub min_pods: i32,
    /// How long the old version stays after the promotion.
    pub scale_down_delay: Duration,
    /// How long the canary stays after an abort; `None` is for ever.
    pub abort_scale_down_delay: Option<Duration>,
    /// The analysis runs beside the steps from this one on, counted from 0.
    pub analysis_from: Option<usize>,
}

/// Who splits the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// A router, by weight.
    Router,
    /// The numbers of pods.
    Pods,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Percent of the traffic.
    SetWeight(u32),
    /// Waits so long, or until somebody promotes.
    Pause(Option<Duration>),
    /// Waits for a verdict.
    Analysis(Watch),
    /// The canary's pods, apart from its weight.
    SetScale(Scale),
    /// Requests with a header or cookie go to the canary.
    HeaderRoute(HeaderRoute),
    /// Copies of requests go to the canary.
    Mirror(Mirror),
}

/// A wait for the verdict of some metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watch {
    /// Which, by their place in [`Analysis::metrics`].
    pub metrics: Vec<usize>,
    /// How long at least.
    pub at_least: Duration,
}

/// The canary's pods, apart from its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// So many.
    Replicas(i32),
    /// Percent of the replicas.
    Weight(u32),
    /// As its weight asks for.
    MatchTrafficWeight,
}

/// Requests that go to the canary. Without matches the route is taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeaderRoute {
    /// Its name.
    pub name: String,
    /// All must hold.
    pub matches: Vec<Match>,
}

/// A header or cookie of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// Where it stands.
    pub field: Field,
    /// How its value is compared.
    pub compare: Compare,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Field {
    /// In a header of this name.
    Header(String),
    /// In a cookie of this name.
    Cookie(String),
}

/// How a value is compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Compare {
    /// The whole value.
    Exact(String),
    /// Its beginning.
    Prefix(String),
    /// A regular expression for the whole value.
    Regex(String),
}

/// Copies of requests for the canary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mirror {
    /// Name of the route.
    pub name: String,
    /// Percent of the requests; 0 takes the route away.
    pub percentage: u32,
}

/// All at once, behind a preview.
#[derive(Clone, Debug, PartialEq)]
pub struct BlueGreen {
    /// Pods of the preview before its promotion; all unless given.
    pub preview_replicas: Option<i32>,
    /// Promotes by itself, after so long; `None` waits for a person.
    pub auto_promotion: Option<Duration>,
    /// Pods that may be missing.
    pub max_unavailable: Amount,
    /// Asked of the preview.
    pub pre_promotion: Option<Watch>,
    /// Asked after the switch.
    pub post_promotion: Option<Watch>,
    /// How long the old version stays after the switch.
    pub scale_down_delay: Duration,
    /// How long the preview stays after an abort; `None` is for ever.
    pub abort_scale_down_delay: Option<Duration>,
}

/// For some users, told by what they send.
#[derive(Clone, Debug, PartialEq)]
pub struct Ab {
    /// Any of them brings a request to the new version.
    pub matches: Vec<Match>,
    /// How many times the analysis must pass.
    pub iterations: u32,
    /// How long each of them takes.
    pub interval: Duration,
    /// Pods of the new version while it is tried; all unless given.
    pub replicas: Option<i32>,
}

/// Pod by pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Rolling {
    /// Pods above the replicas.
    pub max_surge: Amount,
    /// Pods that may be missing.
    pub max_unavailable: Amount,
    /// Before the new version.
    pub migration: Option<Migration>,
    /// Asked once all pods are new.
    pub analysis: Option<Watch>,
}

/// A change of data that comes before a version.
#[derive(Clone, Debug, PartialEq)]
pub struct Migration {
    /// Makes it.
    pub up: Vec<String>,
    /// Takes it back.
    pub down: Option<Vec<String>>,
    /// The old version works with the new data.
    pub is_compatible: bool,
    /// Longest time.
    pub timeout: Duration,
}

impl Migration {
    /// True where the way back is closed: the old version does not work with the new data, and nothing takes
    /// the change back.
    pub fn is_one_way(&self) -> bool {
        !self.is_compatible && self.down.is_none()
    }
}

/// How a version is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// The highest probability with which a rollout of a good version is taken back by its sequential tests.
    pub max_false_rollback: Alpha,
    /// Rules of whom.
    pub policy: Policy,
    /// What happens without data.
    pub no_data: NoData,
    /// The counted metrics of a watch are judged together by their score; one by one unless given.
    pub score: Option<Marks>,
    /// What is measured.
    pub metrics: Vec<Metric>,
}

/// Marks of a score: the weights of the metrics that are healthy of those that have data, in percent
/// ([`crate::analysis::score`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marks {
    /// This or more passes.
    pub pass: f64,
    /// Less fails; between the two it is inconclusive.
    pub marginal: f64,
}

impl Marks {
    /// The score of some metrics by these marks.
    pub(crate) fn spec(self, metrics: Vec<Weighted>) -> ScoreSpec {
        ScoreSpec { pass: self.pass, marginal: self.marginal, metrics, ..ScoreSpec::default() }
    }
}

impl Analysis {
    /// The part of the false-rollback rate that each metric's test has, in their order. Those that decide
    /// nothing share in nothing, and are told against the whole.
    pub fn alphas(&self) -> Vec<Alpha> {
        let decides = |metric: &&Metric| matches!(metric.judge, Judge::Test(_)) && !metric.dry_run;
        let weights: Vec<f64> = self.metrics.iter().filter(decides).map(|metric| metric.weight).collect();
        let mut parts = budget::split(self.max_false_rollback, &weights).unwrap_or_default().into_iter();
        let part = |metric: &Metric| if decides(&metric) { parts.next() } else { None };
        self.metrics.iter().map(part).map(|part| part.unwrap_or(self.max_false_rollback)).collect()
    }
}

/// Rules of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Tests that may be looked at any time.
    Sequential,
    /// As Argo Rollouts counts.
    Argo,
    /// As Flagger counts: so many failed checks are forgiven.
    Flagger(u32),
}

/// What happens without data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoData {
    /// It stays where it is.
    Hold,
    /// It fails after so long.
    FailAfter(Duration),
}

/// What is measured, and what is good.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Whom to ask.
    pub source: String,
    /// What to ask, by role.
    pub queries: BTreeMap<Role, String>,
    /// What is good.
    pub judge: Judge,
    /// Measured and told, but nothing hangs on it.
    pub dry_run: bool,
    /// Its share of the budget, and of a score.
    pub weight: f64,
}

impl Metric {
    /// It as a part of a score.
    pub(crate) fn weighted(&self) -> Weighted {
        Weighted { name: self.name.clone(), weight: self.weight, group: None, is_critical: false }
    }
}

/// True for a metric that is measured again and again, and that only a fault ends.
pub(crate) fn is_endless(spec: &MetricSpec) -> bool {
    spec.effective_count().is_none() && spec.consecutive_success_limit.is_none()
}

/// What is good.
#[derive(Clone, Debug, PartialEq)]
pub enum Judge {
    /// A rule for each measurement, counted as limits say.
    Counted(Rule, Box<MetricSpec>),
    /// A sequential test of canary against baseline.
    Test(Sequential),
}

/// A sequential test.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequential {
    /// Of what.
    pub kind: TestKind,
    /// What was given to a version by chance, and is counted.
    pub unit: Unit,
    /// Fewest units of the canary before it can pass.
    pub minimum_sample: u64,
    /// Time between two measurements.
    pub interval: Duration,
}

/// Of what a test is.
#[derive(Clone, Debug, PartialEq)]
pub enum TestKind {
    /// The share of units that failed.
    Errors,
    /// The share of units above each of these bounds, in milliseconds.
    Latency(Vec<f64>),
    /// The mean of a value from 0 to this bound.
    Mean(f64),
}

/// What was given to a version by chance, and is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Each request for itself.
    Request,
    /// All requests of one user together.
    Session,
    /// All requests of a stretch of time together.
    Bucket,
}
