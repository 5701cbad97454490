//! What the faces show: facts only, filled by `app`.

mod agent;
mod common;
mod deployments;
mod difference;
mod doctor;
mod drift;
mod environments;
mod lists;
mod plan;
mod promotion;
mod report;
mod rollout;
mod simulation;
mod sync;
mod trace;

pub use agent::{AgentProcess, AgentView, ReplicaView, ServiceView};
pub use common::{CommandLine, DiagnosticView, DocumentView, Durations, EdgeView, PhaseView, TaskRef};
pub use deployments::{
    DeploymentRow, DeploymentsView, EnvironmentDeployments, TaskDeployment, TaskDeployments,
};
pub use difference::{
    CommandsView, DifferenceView, LineFate, LineView, NameView, NodeView, PictureView, TaskDifferenceView,
    TieView,
};
pub use doctor::{Area, DoctorView, FindingView, Health, ToolView, WantedView};
pub use drift::{DriftEnd, DriftEpisode, DriftFinding, DriftHistoryView, DriftTask, DriftView, Unasked};
pub use environments::{EnvironmentListView, EnvironmentRow};
pub use lists::{ChangeView, ChangesView, HistoryView, TaskListView, TaskRow, TaskView};
pub use plan::{EstimateView, Intent, PlanTask, PlanView};
pub use promotion::{PromotionSide, PromotionTask, PromotionVerdict, PromotionView};
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
pub use sync::{
    CommitView, LeftView, PausedView, RefusedView, SyncEntryView, SyncHealth, SyncStatusView, SyncView,
};
pub use trace::TraceView;
