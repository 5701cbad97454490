//! What the faces show: facts only, filled by `app`.

mod agent;
mod common;
mod difference;
mod lists;
mod plan;
mod report;
mod rollout;
mod simulation;

pub use agent::{AgentProcess, AgentView, ReplicaView, ServiceView};
pub use common::{CommandLine, DiagnosticView, DocumentView, Durations, EdgeView, PhaseView, TaskRef};
pub use difference::{
    CommandsView, DifferenceView, LineFate, LineView, NameView, NodeView, PictureView, TaskDifferenceView,
    TieView,
};
pub use lists::{ChangeView, ChangesView, HistoryView, TaskListView, TaskRow, TaskView};
pub use plan::{Intent, PlanTask, PlanView};
pub use report::{
    Approval, AttemptView, ProbeView, Proof, ProofKind, ReportTask, ReportView, RequirementView, RunView,
};
pub use rollout::{
    GateState, HoldBy, HoldView, MetricVerdict, PodsView, ReleaseOutcome, ReleaseView, RolloutGateView,
    RolloutHistoryView, RolloutKind, RolloutListView, RolloutLoadView, RolloutMetricView, RolloutNoticeView,
    RolloutPhase, RolloutRow, RolloutStepView, RolloutStrategy, RolloutVersionView, RolloutView, StepState,
    StoryKind, StoryView, VersionRole, WeightPoint,
};
pub use simulation::{
    ExposureRow, MeaningRow, PowerRow, RehearsalEvent, RehearsalView, ScenarioRow, SimulationView,
};
