//! One picture of a release, whoever drives it: what a face can show of a `Rollout` or a `Canary`.
//!
//! Everything is read from what the controllers wrote; nothing is guessed. What they do not keep (how
//! an earlier release ended, weights of more than an hour ago) is absent.

mod canary;
mod gates;
mod history;
mod metrics;
mod rollout;
mod steps;
mod story;
mod times;
mod versions;

use jiff::Timestamp;
use taskmaster_core::rollout::{
    GateState, HoldBy, MetricVerdict, RolloutPhase, RolloutStrategy, VersionRole,
};

pub use canary::{CanaryAround, canary, is_unseen};
pub use gates::{at_hand, rollback};
pub use history::{Outcome, Release, canary_history, rollout_history};
pub use rollout::{Around, rollout};

/// Why a release stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// What for.
    pub by: HoldBy,
    /// In words.
    pub words: String,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// Where a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepMark {
    /// Over.
    Done,
    /// At hand.
    Current,
    /// To come.
    Pending,
    /// Left out.
    Skipped,
    /// The version was taken back here.
    Failed,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepLine {
    /// What happens.
    pub words: String,
    /// Where it is.
    pub mark: StepMark,
}

/// Pods of a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    /// Wanted.
    pub wanted: u32,
    /// There.
    pub created: u32,
    /// Able to serve.
    pub available: u32,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The hash of its template.
    pub revision: String,
    /// Its place in the history.
    pub number: Option<u64>,
    /// What it is to its users.
    pub role: VersionRole,
    /// Its images.
    pub label: Option<String>,
    /// Its share of the users in percent, where it can be told.
    pub weight: Option<u32>,
    /// Its pods.
    pub pods: Pods,
    /// Times that containers began anew, where its pods were looked at.
    pub restarts: Option<u64>,
    /// What is wrong with its pods.
    pub trouble: Option<String>,
}

/// One metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricLine {
    /// Its name.
    pub name: String,
    /// What it says.
    pub verdict: MetricVerdict,
    /// What that rests on.
    pub words: String,
    /// Nothing hangs on it.
    pub dry_run: bool,
    /// The last numbers, oldest first; none is a measurement that is no number.
    pub recent: Vec<Option<f64>>,
    /// Measurements so far.
    pub sample: Option<u64>,
    /// Measurements that are wanted.
    pub needed: Option<u64>,
}

/// One gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateLine {
    /// Its name.
    pub name: String,
    /// What it guards.
    pub kind: String,
    /// What it has said.
    pub mark: GateState,
    /// What was told of it last.
    pub words: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
}

/// What a line of the story is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoryKind {
    /// It began.
    Started,
    /// It went on, or stopped.
    Phase,
    /// A step.
    Step,
    /// A weight.
    Weight,
    /// A verdict.
    Verdict,
    /// A gate.
    Gate,
    /// Pods.
    Pods,
    /// It ended.
    Ended,
}

/// One line of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryLine {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub kind: StoryKind,
    /// What happened.
    pub words: String,
}

/// One release as its controller shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// How the new version takes over.
    pub strategy: RolloutStrategy,
    /// Where it is.
    pub phase: RolloutPhase,
    /// The controller's own word for that.
    pub native: Option<String>,
    /// Why it stands still, where it does.
    pub held: Option<Hold>,
    /// Why it was given up, or what it waits for.
    pub why: Option<String>,
    /// When the step at hand began.
    pub since: Option<Timestamp>,
    /// When the step at hand ends at the earliest.
    pub until: Option<Timestamp>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When it is taken back unless there is progress.
    pub deadline: Option<Timestamp>,
    /// Its steps.
    pub steps: Vec<StepLine>,
    /// The step at hand, from 0.
    pub step: Option<usize>,
    /// Its versions: stable, new, then old ones.
    pub versions: Vec<Version>,
    /// What is measured.
    pub metrics: Vec<MetricLine>,
    /// What has to say yes.
    pub gates: Vec<GateLine>,
    /// The new version's share in percent, each from its time on.
    pub weights: Vec<(Timestamp, u32)>,
    /// What happened, oldest first.
    pub story: Vec<StoryLine>,
}

/// A share in percent of a whole; all of it where the whole is nothing.
fn percent(part: i64, whole: i64) -> u32 {
    let share = part.saturating_mul(100).checked_div(whole).unwrap_or(100);
    u32::try_from(share.clamp(0, 100)).unwrap_or(100)
}

/// A number of an object that cannot be less than nothing.
fn count(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

/// Seconds after a time; none where that is beyond all calendars.
fn after(time: Timestamp, seconds: f64) -> Option<Timestamp> {
    let span = jiff::SignedDuration::try_from_secs_f64(seconds).ok()?;
    time.checked_add(span).ok()
}
