//! Objects of a cluster that deliver progressively: Argo `Rollout`, `AnalysisRun`, Argo CD
//! `Application`, Flagger `Canary`.
//!
//! This is the one builder of patches for Argo Rollouts. Every verb is a pure function from the
//! object as it was read to a [`Change`]: the patches that upstream's kubectl plugin (v1.10) would
//! send, in its order, with its fallback. [`status`] tells a rollout's phase by upstream's
//! precedence; [`progress`](fn@progress), [`settled`], [`analysis_ended`] and [`canary_ended`] say
//! whether what was waited for is reached.
//!
//! Invariants:
//! - Nothing here touches a cluster, a clock or a file. Objects enter as JSON, patches leave as JSON.
//! - Objects are untrusted: a field that is missing, null or of another type is an error or a
//!   default, never a panic.
//!
//! Absent on purpose: retries, time limits and every decision when to patch; the driver has them.
//!
//! Reading order: `rollout` and `strategy` (the object), `patch`, `verb` and `revision` (what changes
//! it), `phase` and `goal` (what it is), `replica_set`, `analysis`, `pod`, `event` (what belongs to it),
//! `canary`, `canary_verb`, `loadtester` (Flagger), [`picture`] (one picture of either for people),
//! `application`, `owners` (whose a field is that an apply would change).

mod analysis;
mod application;
mod canary;
mod canary_verb;
mod event;
mod goal;
mod lenient;
mod loadtester;
mod owners;
mod patch;
mod phase;
pub mod picture;
mod pod;
mod replica_set;
mod revision;
mod rollout;
mod strategy;
mod verb;

pub use analysis::{AnalysisRun, AnalysisRunSpec, Measurement, MetricResult, MetricSpec, analysis_ended};
pub use application::{Application, Wanted, settled};
pub use canary::{Canary, CanaryAnalysis, CanaryTarget, Webhook, canary_ended, is_promoted};
pub use canary_verb::{CanaryRefusal, can_abort, suspend, unsuspend};
pub use event::Event;
pub use goal::{Goal, GoalError, Progress, progress};
pub use loadtester::{GateCall, GateRefusal, GateVerb, gate_call};
pub use owners::{Conflict, Ruling, list as list_conflicts, rule};
pub use patch::{Change, Order, Patch, PatchKind, Subresource, Target};
pub use phase::{Phase, RolloutState, StepPlace, Weight, one_line, status};
pub use pod::Pod;
pub use replica_set::{HASH_LABEL, ReplicaSet};
pub use revision::undo;
pub use rollout::{
    Condition, Metadata, Rollout, RolloutSpec, RolloutStatus, Selector, SelectorRule, Unreadable,
};
pub use strategy::{Step, Strategy};
pub use verb::{Refusal, abort, images, pause, pause_patch, promote, promote_full, resume, retry, set_image};
