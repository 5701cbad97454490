//! From a view to its faces.

use super::difference_summary::DifferenceSummary;
use super::doctor_words::DoctorSummary;
use super::drift_summary::DriftSummary;
use super::plan_summary::PlanSummary;
use super::promotion_summary::PromotionSummary;
use super::rollout_summary::RolloutSummary;
use super::summary::{Counts, Summary};
use super::sync_words::SyncSummary;
use super::view::{
    AgentView, ChangesView, DeploymentsView, DifferenceView, DoctorView, DriftHistoryView, DriftView,
    EnvironmentListView, HistoryView, PlanView, PromotionView, RehearsalView, ReportView, RolloutHistoryView,
    RolloutListView, RolloutView, SimulationView, SyncStatusView, TaskListView, TaskView, TraceView,
};
use super::{TextOptions, csv, html, json, junit, markdown, mermaid, otlp, text};
use serde::Serialize;

/// A view that can be shown. The same view gives the same bytes.
pub trait Render {
    /// Stable JSON: `schema_version`, `view`, the facts, and `summary` (what follows from them).
    fn json(&self) -> serde_json::Value;
    /// For a terminal.
    fn text(&self, options: TextOptions) -> String;
    /// For a pull request's comment.
    fn markdown(&self) -> String;
}

/// Numbers of a list.
#[derive(Serialize)]
struct Listed {
    shown: usize,
    total: usize,
}

macro_rules! render {
    ($view:ty, $name:literal, $module:ident, $summary:expr) => {
        impl Render for $view {
            fn json(&self) -> serde_json::Value {
                let summary: fn(&$view) -> _ = $summary;
                json::value($name, self, &summary(self))
            }

            fn text(&self, options: TextOptions) -> String {
                text::$module(self, options)
            }

            fn markdown(&self) -> String {
                markdown::$module(self)
            }
        }
    };
}

render!(PlanView, "plan", plan, PlanSummary::of);
render!(DifferenceView, "difference", difference, DifferenceSummary::of);
render!(ReportView, "report", report, Summary::of);
render!(TaskListView, "tasks", task_list, |view| Counts::of(view.tasks.iter().map(|task| &task.state)));
render!(TaskView, "task", task, |view| Counts::of([&view.task.state]));
render!(HistoryView, "history", history, |view| Listed { shown: view.runs.len(), total: view.runs.len() });
render!(ChangesView, "changes", changes, |view| Listed { shown: view.changes.len(), total: view.total });

render!(DriftView, "drift", drift, DriftSummary::of);
render!(DriftHistoryView, "drift_history", drift_history, |view| Listed {
    shown: view.episodes.len(),
    total: view.episodes.len()
});
render!(SyncStatusView, "sync_status", sync_status, SyncSummary::of);
render!(RehearsalView, "rehearsal", rehearsal, |view| Listed {
    shown: view.events.len(),
    total: view.events.len()
});
render!(SimulationView, "simulation", simulation, |view| Listed {
    shown: view.scenarios.len(),
    total: view.scenarios.len()
});

render!(RolloutView, "rollout", rollout, RolloutSummary::of);
render!(RolloutListView, "rollouts", rollout_list, |view| Listed {
    shown: view.rollouts.len(),
    total: view.rollouts.len()
});
render!(RolloutHistoryView, "rollout_history", rollout_history, |view| Listed {
    shown: view.releases.len(),
    total: view.releases.len()
});
render!(AgentView, "agent", agent, |view| Listed { shown: view.services.len(), total: view.services.len() });

render!(EnvironmentListView, "environments", environments, |view| Listed {
    shown: view.environments.len(),
    total: view.environments.len()
});
render!(DoctorView, "doctor", doctor, DoctorSummary::of);
render!(PromotionView, "promotion", promotion, PromotionSummary::of);
render!(DeploymentsView, "deployments", deployments, Deployed::of);

/// Over all environments.
#[derive(Serialize)]
struct Deployed {
    environments: usize,
    deployments: usize,
    removals: usize,
    idle_runs: usize,
}

impl Deployed {
    fn of(view: &DeploymentsView) -> Self {
        let all = || view.environments.iter();
        Self {
            environments: view.environments.len(),
            deployments: all().map(|of| of.deployments.len()).sum(),
            removals: all().map(|of| of.removals.len()).sum(),
            idle_runs: all().map(|of| of.idle_runs).sum(),
        }
    }
}

impl DeploymentsView {
    /// One self-contained HTML file.
    pub fn html(&self) -> String {
        html::deployments(self)
    }
}

impl RolloutView {
    /// The lines of a picture of the moment, at most `height` of them.
    pub fn live(&self, options: TextOptions, height: usize) -> Vec<String> {
        text::rollout_live(self, options, height)
    }

    /// One line about it, without times: another one where anything of weight has changed.
    pub fn line(&self) -> String {
        text::rollout_line(self)
    }

    /// Time until the step at hand can end, in words.
    pub fn time_left(&self) -> Option<String> {
        super::rollout_words::time_left(self)
    }
}

impl TraceView {
    /// A trace of OpenTelemetry, as OTLP/JSON on one line.
    pub fn otlp(&self) -> String {
        otlp::line(self)
    }
}

impl ReportView {
    /// One self-contained HTML file.
    pub fn html(&self) -> String {
        html::report(self)
    }
    /// JUnit XML: a suite for each phase, a test case for each task.
    pub fn junit(&self) -> String {
        junit::junit(self)
    }

    /// A flowchart of Mermaid.
    pub fn mermaid(&self) -> String {
        mermaid::report(self)
    }

    /// CSV (RFC 4180), a row for each task.
    pub fn csv(&self) -> String {
        csv::csv(self)
    }
}
