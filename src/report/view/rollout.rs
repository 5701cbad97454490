//! One rollout, all rollouts, and the releases of one, whatever drives it.
//!
//! These views also go over the agent's socket: they are read back as they were written.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
pub use taskmaster_core::rollout::{
    GateState, HoldBy, MetricVerdict, RolloutPhase, RolloutStrategy, VersionRole,
};

/// What drives a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutKind {
    /// The agent of this machine.
    Local,
    /// A `Rollout` of Argo Rollouts.
    Rollout,
    /// A `Canary` of Flagger.
    Canary,
}

/// Why a rollout stands still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// What for.
    pub by: HoldBy,
    /// In words.
    pub words: String,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// Where a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Over.
    Done,
    /// At hand.
    Current,
    /// To come.
    Pending,
    /// Passed by a person, or left out by a full promotion or a way back.
    Skipped,
    /// The version was taken back here.
    Failed,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutStepView {
    /// What happens: `weight 25 %`, `pause 5 min`, `analysis of errors`.
    pub words: String,
    /// Where it is.
    pub state: StepState,
}

/// Pods of a version: processes where it is local.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodsView {
    /// Wanted.
    pub wanted: u32,
    /// There, ending ones left out.
    pub created: u32,
    /// Able to serve.
    pub available: u32,
}

/// One version. Numbers that nobody counts are none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutVersionView {
    /// Its revision: the version's name where it is local, a pod template's hash on a cluster.
    pub revision: String,
    /// Its place among all versions that ever were, from 1.
    pub number: Option<u64>,
    /// What it is to its users.
    pub role: VersionRole,
    /// What a person knows it by, where that is not the revision: its images.
    pub label: Option<String>,
    /// Its share of the users in percent.
    pub weight: Option<u32>,
    /// Its pods.
    pub pods: PodsView,
    /// Times that a pod of it began anew after it had ended by itself.
    pub restarts: Option<u64>,
    /// What is wrong with its pods, in words.
    pub trouble: Option<String>,
    /// Requests since the rollout began.
    pub requests: Option<u64>,
    /// Those of them that failed.
    pub failures: Option<u64>,
    /// Half of the answers came within so many milliseconds.
    pub p50_ms: Option<f64>,
    /// 99 of a hundred did.
    pub p99_ms: Option<f64>,
}

/// One metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutMetricView {
    /// Its name.
    pub name: String,
    /// What it says.
    pub verdict: MetricVerdict,
    /// What that rests on, in words.
    pub words: String,
    /// Nothing hangs on it.
    pub dry_run: bool,
    /// What the numbers are: `errors in percent`, `seconds`.
    pub unit: Option<String>,
    /// The last numbers of the new version, oldest first; none is a gap.
    pub recent: Vec<Option<f64>>,
    /// The last numbers of the stable version at the same times, where it is compared.
    pub baseline: Vec<Option<f64>>,
    /// Units or measurements of the new version so far.
    pub sample: Option<u64>,
    /// So many are needed before it can pass.
    pub needed: Option<u64>,
}

/// One gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutGateView {
    /// Its name.
    pub name: String,
    /// What it guards: `confirm-rollout`, `confirm-promotion`.
    pub kind: String,
    /// What it has said.
    pub state: GateState,
    /// Its words.
    pub words: Option<String>,
    /// When it said so.
    pub at: Option<Timestamp>,
}

/// One receiver of notices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutNoticeView {
    /// Its name.
    pub name: String,
    /// Notices that it took.
    pub sent: u64,
    /// Notices that could not be brought to it.
    pub failed: u64,
    /// The last fault, in words without secrets.
    pub fault: Option<String>,
}

/// The built-in load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutLoadView {
    /// Requests a second that it sends.
    pub rate: f64,
    /// It is at work.
    pub is_running: bool,
    /// Requests that it sent.
    pub requests: u64,
    /// Those that failed.
    pub failures: u64,
    /// Half of the answers came within so many milliseconds.
    pub p50_ms: Option<f64>,
    /// 99 of a hundred did.
    pub p99_ms: Option<f64>,
}

/// The new version's share from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightPoint {
    /// From when.
    pub at: Timestamp,
    /// In percent.
    pub weight: u32,
}

/// What a line of a rollout's story is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoryKind {
    /// It began.
    Started,
    /// A phase.
    Phase,
    /// A step began.
    Step,
    /// A weight was set.
    Weight,
    /// What a metric says.
    Verdict,
    /// What a gate says.
    Gate,
    /// What a person asked for.
    Verb,
    /// Pods came, went, or crashed.
    Pods,
    /// A change of data.
    Migration,
    /// A notice.
    Notice,
    /// It ended.
    Ended,
}

/// One line of a rollout's story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryView {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub kind: StoryKind,
    /// What happened.
    pub words: String,
}

/// One rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutView {
    /// When this view was made.
    pub generated: Timestamp,
    /// What drives it.
    pub kind: RolloutKind,
    /// Its name.
    pub name: String,
    /// Its namespace on a cluster.
    pub namespace: Option<String>,
    /// How the new version takes over.
    pub strategy: RolloutStrategy,
    /// Where it is.
    pub phase: RolloutPhase,
    /// The controller's own word for that: `Progressing`, `Degraded`.
    pub native: Option<String>,
    /// Why it stands still, where it does.
    pub held: Option<HoldView>,
    /// Why it was given up, or what it waits for.
    pub why: Option<String>,
    /// When the step at hand, or the phase, began.
    pub since: Option<Timestamp>,
    /// When the step at hand ends at the earliest: a pause, the time of an analysis.
    pub until: Option<Timestamp>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When it is taken back unless there is progress.
    pub deadline: Option<Timestamp>,
    /// Its steps.
    pub steps: Vec<RolloutStepView>,
    /// The step at hand, counted from 0.
    pub step: Option<usize>,
    /// Its versions: stable, new, then old ones.
    pub versions: Vec<RolloutVersionView>,
    /// What is measured.
    pub metrics: Vec<RolloutMetricView>,
    /// What has to say yes.
    pub gates: Vec<RolloutGateView>,
    /// Who is told.
    pub notices: Vec<RolloutNoticeView>,
    /// The built-in load.
    pub load: Option<RolloutLoadView>,
    /// The new version's share over time; each until the next.
    pub weights: Vec<WeightPoint>,
    /// What happened, oldest first; the last lines of it.
    pub story: Vec<StoryView>,
    /// Where users reach it: `http://127.0.0.1:8080`.
    pub address: Option<String>,
    /// Where the preview is reached.
    pub preview: Option<String>,
    /// Where Prometheus reads what the proxy has counted.
    pub metrics_at: Option<String>,
}

impl RolloutView {
    /// A rollout of which nothing else is known.
    pub fn new(kind: RolloutKind, name: impl Into<String>, generated: Timestamp) -> Self {
        Self {
            generated,
            kind,
            name: name.into(),
            namespace: None,
            strategy: RolloutStrategy::Unknown,
            phase: RolloutPhase::Unknown,
            native: None,
            held: None,
            why: None,
            since: None,
            until: None,
            started: None,
            ended: None,
            deadline: None,
            steps: Vec::new(),
            step: None,
            versions: Vec::new(),
            metrics: Vec::new(),
            gates: Vec::new(),
            notices: Vec::new(),
            load: None,
            weights: Vec::new(),
            story: Vec::new(),
            address: None,
            preview: None,
            metrics_at: None,
        }
    }

    /// The version of a role, the first of them.
    pub fn version(&self, role: VersionRole) -> Option<&RolloutVersionView> {
        self.versions.iter().find(|version| version.role == role)
    }

    /// The version that it brings: canary or preview; none where the stable one is all there is.
    pub fn newcomer(&self) -> Option<&RolloutVersionView> {
        self.version(VersionRole::Canary).or_else(|| self.version(VersionRole::Preview))
    }
}

/// One line of a list of rollouts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutRow {
    /// What drives it.
    pub kind: RolloutKind,
    /// Its name.
    pub name: String,
    /// Its namespace on a cluster.
    pub namespace: Option<String>,
    /// How the new version takes over.
    pub strategy: RolloutStrategy,
    /// Where it is.
    pub phase: RolloutPhase,
    /// Why it stands still, where it does.
    pub held: Option<HoldView>,
    /// Why it was given up, or what it waits for.
    pub why: Option<String>,
    /// The version that serves.
    pub stable: Option<String>,
    /// The version that it brings.
    pub newcomer: Option<String>,
    /// The new version's share in percent.
    pub weight: Option<u32>,
    /// The step at hand, counted from 0.
    pub step: Option<usize>,
    /// Number of its steps.
    pub steps: usize,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

impl RolloutRow {
    /// A rollout as a line.
    pub fn of(view: &RolloutView) -> Self {
        let name =
            |version: &RolloutVersionView| version.label.clone().unwrap_or_else(|| version.revision.clone());
        Self {
            kind: view.kind,
            name: view.name.clone(),
            namespace: view.namespace.clone(),
            strategy: view.strategy,
            phase: view.phase,
            held: view.held.clone(),
            why: view.why.clone(),
            stable: view.version(VersionRole::Stable).map(name),
            newcomer: view.newcomer().map(name),
            weight: view.newcomer().and_then(|version| version.weight),
            step: view.step,
            steps: view.steps.len(),
            started: view.started,
            ended: view.ended,
        }
    }
}

/// `taskmaster rollout list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutListView {
    /// When this view was made.
    pub generated: Timestamp,
    /// Where they are: `this machine`, `namespace shop`.
    pub place: String,
    /// By name.
    pub rollouts: Vec<RolloutRow>,
    /// What could not be read, in words.
    pub unreadable: Vec<String>,
}

/// How a release ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseOutcome {
    /// It became the stable version.
    Completed,
    /// It was taken back.
    RolledBack,
    /// Another version was asked for before it ended.
    Overtaken,
    /// It is under way.
    UnderWay,
    /// It cannot be told.
    Unknown,
}

/// One version that was released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseView {
    /// Its number, as `undo --to` takes it.
    pub number: u64,
    /// Its revision.
    pub revision: String,
    /// What a person knows it by, where that is not the revision.
    pub label: Option<String>,
    /// How it ended.
    pub outcome: ReleaseOutcome,
    /// Why, where it was taken back.
    pub why: Option<String>,
    /// When it was asked for.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// It serves.
    pub is_stable: bool,
    /// Its pods, where it has any.
    pub pods: Option<PodsView>,
}

/// `taskmaster rollout history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutHistoryView {
    /// When this view was made.
    pub generated: Timestamp,
    /// What drives it.
    pub kind: RolloutKind,
    /// Its name.
    pub name: String,
    /// Its namespace on a cluster.
    pub namespace: Option<String>,
    /// What was released, newest first.
    pub releases: Vec<ReleaseView>,
    /// What cannot be told, in words.
    pub note: Option<String>,
}
