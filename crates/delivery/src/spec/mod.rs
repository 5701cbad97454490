//! What a rollout is to do: read as [`RolloutSpec`], checked into [`Rollout`].
//!
//! [`check`] finds every fault at once. A [`Fault`] names its place by a path such as
//! `strategy.canary.steps[3].setWeight`; who has read the text maps it to a line.

mod analysis;
mod check;
pub mod duration;
mod hooks;
mod model;
mod own;
mod raw;
mod role;
mod service;
mod source;
mod text;

pub use check::{Fault, MAX_STEPS, check};
pub use hooks::{Event, Format, Gate, GateKind, GateSpec, Notice, NoticeSpec};
pub(crate) use model::is_endless;
pub use model::{
    Ab, Analysis, BlueGreen, Canary, Compare, Field, HeaderRoute, Judge, Marks, Match, Metric, Migration,
    Mirror, NoData, Policy, Rolling, Rollout, Scale, Sequential, Step, Strategy, TestKind, Traffic, Unit,
    Watch,
};
pub use own::{BadOwnQuery, OwnNumber, OwnQuery};
pub use raw::{
    AbSpec, AmountSpec, AnalysisSpec, BlueGreenSpec, CanarySpec, CompatibleSpec, HeaderRouteSpec, MarksSpec,
    MatchSpec, MetricSpec, MigrationSpec, MirrorSpec, NoDataSpec, PauseSpec, PolicySpec, RangeSpec,
    RollingSpec, RolloutSpec, ScaleSpec, StepAnalysisSpec, StepSpec, StrategySpec, TestKindSpec, TestSpec,
    TrafficSpec, UnitSpec,
};
pub use role::Role;
pub use service::{
    Load, LoadSpec, Probe, Ready, ReadySpec, Service, ServiceSpec, Sticky, StickySpec, Variant, VariantSpec,
    fill,
};
pub use source::{PROXY, Source, SourceSpec};
pub use text::Text;
