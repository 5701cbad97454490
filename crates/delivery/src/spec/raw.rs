//! A rollout as it is written: the serde types, before anything of it is checked.

use super::duration::Text as Span;
use super::hooks::{GateSpec, NoticeSpec};
use super::service::{LoadSpec, ServiceSpec};
use super::source::SourceSpec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A rollout as it is written. Durations are texts such as `30s`, `2m` or `1h30m`; amounts are numbers of
/// pods or texts such as `25%`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutSpec {
    /// What is released.
    pub name: String,
    /// Pods in full service; 1 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i64>,
    /// How the new version takes over: exactly one of them.
    pub strategy: StrategySpec,
    /// How it is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<AnalysisSpec>,
    /// Longest time without progress; 10m unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_deadline: Option<Span>,
    /// A way back to one of so many versions before the stable one needs no steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_window: Option<i64>,
    /// Its versions as processes of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceSpec>,
    /// Who is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateSpec>,
    /// Who is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<NoticeSpec>,
    /// Whom metrics are asked of, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, SourceSpec>,
    /// Requests of our own while a rollout is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadSpec>,
}

/// One strategy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StrategySpec {
    /// By degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanarySpec>,
    /// All at once, behind a preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue_green: Option<BlueGreenSpec>,
    /// For some users, told by what they send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ab: Option<AbSpec>,
    /// Pod by pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling: Option<RollingSpec>,
}

/// A number of pods, or a share such as `25%`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AmountSpec {
    /// So many.
    Pods(i64),
    /// Percent, as text.
    Text(String),
}

/// By degrees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CanarySpec {
    /// What happens, in order.
    #[serde(default)]
    pub steps: Vec<StepSpec>,
    /// Who splits the traffic; `router` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<TrafficSpec>,
    /// Pods above the replicas; `25%` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_surge: Option<AmountSpec>,
    /// Pods that may be missing; `25%` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<AmountSpec>,
    /// The stable version gives up pods as the canary gets weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_stable_scale: Option<bool>,
    /// Least pods of a version that has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_pods: Option<i64>,
    /// How long the old version stays after the promotion; 30s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down_delay: Option<Span>,
    /// How long the canary stays after an abort; 30s unless given, `0s` is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort_scale_down_delay: Option<Span>,
    /// The analysis runs beside the steps from this one on, counted from 1; not at all unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis_from_step: Option<i64>,
}

/// Who splits the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TrafficSpec {
    /// A router, by weight.
    Router,
    /// The numbers of pods.
    Pods,
}

/// One step: exactly one key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepSpec {
    /// Percent of the traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_weight: Option<i64>,
    /// Waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseSpec>,
    /// Waits for the verdict of these metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<StepAnalysisSpec>,
    /// The canary's pods, apart from its weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_canary_scale: Option<ScaleSpec>,
    /// Requests with a header go to the canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_header_route: Option<HeaderRouteSpec>,
    /// Copies of requests go to the canary, answers to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_mirror_route: Option<MirrorSpec>,
}

/// A wait.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PauseSpec {
    /// How long; until somebody promotes unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Span>,
}

/// A wait for a verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepAnalysisSpec {
    /// Names of metrics; all of them unless given.
    #[serde(default)]
    pub metrics: Vec<String>,
    /// How long they are watched at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Span>,
}

/// The canary's pods, apart from its weight: exactly one key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScaleSpec {
    /// So many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i64>,
    /// Percent of the replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<i64>,
    /// As its weight asks for, again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_traffic_weight: Option<bool>,
}

/// Requests that go to the canary by a header. Without a match the route is taken away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderRouteSpec {
    /// Name of the route.
    pub name: String,
    /// All must hold.
    #[serde(default, rename = "match")]
    pub matches: Vec<MatchSpec>,
}

/// A header or cookie: exactly one of them, with exactly one way to compare.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MatchSpec {
    /// Name of a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Name of a cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// The whole value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// Its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// A regular expression for the whole value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
}

/// Copies of requests for the canary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MirrorSpec {
    /// Name of the route.
    pub name: String,
    /// Percent of the requests; 0 takes the route away.
    pub percentage: i64,
}

/// All at once, behind a preview.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlueGreenSpec {
    /// Pods of the preview before its promotion; all unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_replicas: Option<i64>,
    /// Promotes by itself; true unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_promotion: Option<bool>,
    /// Promotes by itself after so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_promotion_after: Option<Span>,
    /// Pods that may be missing; `25%` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<AmountSpec>,
    /// Asked of the preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_promotion_analysis: Option<StepAnalysisSpec>,
    /// Asked after the switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_promotion_analysis: Option<StepAnalysisSpec>,
    /// How long the old version stays after the switch; 30s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down_delay: Option<Span>,
    /// How long the preview stays after an abort; 30s unless given, `0s` is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort_scale_down_delay: Option<Span>,
}

/// For some users, told by what they send.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AbSpec {
    /// Any of them brings a request to the new version.
    #[serde(rename = "match")]
    pub matches: Vec<MatchSpec>,
    /// How many times the analysis must pass.
    pub iterations: i64,
    /// How long each of them takes.
    pub interval: Span,
    /// Pods of the new version while it is tried; all unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i64>,
}

/// Pod by pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollingSpec {
    /// Pods above the replicas; `25%` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_surge: Option<AmountSpec>,
    /// Pods that may be missing; `25%` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<AmountSpec>,
    /// Before the new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<MigrationSpec>,
    /// Asked once all pods are new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<StepAnalysisSpec>,
}

/// A change of data that comes before a version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MigrationSpec {
    /// Makes it.
    pub up: Vec<String>,
    /// Takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down: Option<Vec<String>>,
    /// Whether the old version works with the new data.
    #[serde(default)]
    pub compatible: CompatibleSpec,
    /// Longest time; 10m unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
}

/// Whether the old version works with the new data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CompatibleSpec {
    /// It does.
    Backward,
    /// It does not: the way back needs `down`.
    #[default]
    None,
}

/// How a version is judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnalysisSpec {
    /// The highest probability with which a rollout of a good version is taken back, over all metrics and
    /// looks of the sequential tests; 0.001 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_false_rollback: Option<f64>,
    /// Rules of whom; `sequential` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicySpec>,
    /// Failed checks that are forgiven, by the policy `flagger`; 5 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<i64>,
    /// Without data; `hold` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_data: Option<NoDataSpec>,
    /// Judges the counted metrics of a watch together by their weights, instead of one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<MarksSpec>,
    /// What is measured.
    #[serde(default)]
    pub metrics: Vec<MetricSpec>,
}

/// The score from 0 to 100 is the weight of the metrics that are healthy by that of those that have data. A
/// metric that ended well is healthy, one that failed is not, any other has no data; where less than half of
/// the weight has data it is inconclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MarksSpec {
    /// A score of this or more passes; 95 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<f64>,
    /// A score of less fails, and one between the two is inconclusive; 75 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marginal: Option<f64>,
}

/// Rules of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicySpec {
    /// Tests that may be looked at any time.
    Sequential,
    /// As Argo Rollouts counts.
    Argo,
    /// As Flagger counts.
    Flagger,
}

/// What happens without data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoDataSpec {
    /// Fails after so long; holds for ever unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_after: Option<Span>,
}

/// What is measured, and what is good.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricSpec {
    /// Its name.
    pub name: String,
    /// Whom to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What to ask, by role: `result`, or `canary` and `baseline`; for a test counters or buckets of both versions.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Less is healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// What lies between is healthy, both ends included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<RangeSpec>,
    /// Healthy where this holds (CEL).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_condition: Option<String>,
    /// Not healthy where this holds (CEL).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_condition: Option<String>,
    /// A sequential test of canary against baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestSpec>,
    /// Time between two measurements, without which there is one; 1s unless given for a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Span>,
    /// Time before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_delay: Option<Span>,
    /// How many; without end unless given, but for a metric without an interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// So many failures are forgiven; 0 unless given, -1 is any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_limit: Option<i64>,
    /// So many answers that say nothing are forgiven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inconclusive_limit: Option<i64>,
    /// So many failures in a row are forgiven; any number unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consecutive_failure_limit: Option<i64>,
    /// So many good answers in a row are enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consecutive_success_limit: Option<i64>,
    /// So many errors in a row are forgiven; 4 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consecutive_error_limit: Option<i64>,
    /// Measured and told, but nothing hangs on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Its share of the budget, and of a score; 1 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

/// A range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RangeSpec {
    /// Lower end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// A sequential test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestSpec {
    /// Of what.
    pub of: TestKindSpec,
    /// What was given to a version by chance, and is counted.
    #[serde(default)]
    pub unit: UnitSpec,
    /// Fewest units of the canary before it can pass; 100 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_sample: Option<i64>,
    /// Bounds in milliseconds above which an answer is slow, for `latency`; the highest value, for `mean`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounds: Vec<f64>,
}

/// Of what a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TestKindSpec {
    /// The share of units that failed.
    Errors,
    /// The share of units above each of some bounds.
    Latency,
    /// The mean of a bounded value.
    Mean,
}

/// What was given to a version by chance, and is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnitSpec {
    /// Each request for itself.
    #[default]
    Request,
    /// All requests of one user together.
    Session,
    /// All requests of a stretch of time together.
    Bucket,
}
