//! What the faces show: facts only, filled by `app`.

mod common;
mod lists;
mod plan;
mod report;
mod simulation;

pub use common::{CommandLine, DiagnosticView, DocumentView, Durations, EdgeView, PhaseView, TaskRef};
pub use lists::{ChangeView, ChangesView, HistoryView, TaskListView, TaskRow, TaskView};
pub use plan::{Intent, PlanTask, PlanView};
pub use report::{
    Approval, AttemptView, ProbeView, Proof, ProofKind, ReportTask, ReportView, RequirementView, RunView,
};
pub use simulation::{
    ExposureRow, MeaningRow, PowerRow, RehearsalEvent, RehearsalView, ScenarioRow, SimulationView,
};
