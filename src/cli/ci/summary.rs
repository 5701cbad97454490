//! Summary and outputs of a step on GitHub: files whose names the server gives.

use super::host::{Host, host};
use crate::app::plan::Request;
use crate::app::report;
use crate::app::run::RunResult;
use crate::app::workspace::{ReadOptions, Workspace};
use crate::cli::ci;
use crate::report::Render;
use crate::report::view::{DiagnosticView, PlanView};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::state::TaskState;

/// GitHub takes no longer summary of a step.
const LONGEST: u64 = 1 << 20;

/// The end of a run: failures as annotations at their tasks, the report as summary, numbers as outputs.
pub(crate) fn run_summary(workspace: &Workspace, read: &ReadOptions, result: &RunResult) {
    if host() != Host::GitHub {
        return;
    }
    ci::views(&failures(result), &workspace.working_dir);
    let request = Request {
        read: read.clone(),
        environment: Some(result.prepared.environment.to_string()),
        ..Request::default()
    };
    match report::gather(workspace, &request, Some(result.run.as_str())) {
        Ok(evidence) => append("GITHUB_STEP_SUMMARY", &report::view(&evidence).markdown()),
        Err(fault) => warn(&format!("no summary: {fault}")),
    }
    let count = |state: &str| result.counts.get(state).copied().unwrap_or_default();
    let outputs = [
        ("run", result.run.to_string()),
        ("result", result.end.name().to_owned()),
        ("completed", (count("completed") + count("satisfied")).to_string()),
        ("failed", count("failed").to_string()),
        ("tasks", result.states.len().to_string()),
    ];
    append("GITHUB_OUTPUT", &lines(&outputs));
}

/// A plan as summary, and how many tasks would run.
pub(crate) fn plan_summary(view: &PlanView) {
    if host() == Host::GitHub {
        append("GITHUB_STEP_SUMMARY", &view.markdown());
        let changes = crate::report::plan_summary::PlanSummary::of(view).changes;
        append("GITHUB_OUTPUT", &lines(&[("changes", changes.to_string())]));
    }
}

/// `name=value` a line. No value holds anything foreign.
fn lines(outputs: &[(&str, String)]) -> String {
    outputs.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// Tasks that failed or whose end is unknown, each at its line of the document.
fn failures(result: &RunResult) -> Vec<DiagnosticView> {
    let reading = &result.prepared.reading;
    let places: std::collections::HashMap<_, _> =
        result.prepared.document().tasks.iter().map(|task| (&task.id, (task.source, task.line))).collect();
    let view = |(task, state): (&taskmaster_core::plan::PlannedTask, &TaskState)| {
        let (TaskState::Failed { reason } | TaskState::Unknown { reason }) = state else { return None };
        let (source, line) = places.get(&task.id).copied().unzip();
        let name =
            source.and_then(|source| reading.text.sources.get(source)).map(|source| source.name.clone());
        Some(DiagnosticView {
            code: format!("{} {}", task.ordinal, task.title),
            severity: Severity::Error,
            message: format!("{}: {reason}", state.name()),
            path: name,
            line,
            column: None,
            help: Some(format!("taskmaster logs {}", task.id)),
        })
    };
    result.prepared.plan.tasks.iter().zip(&result.states).filter_map(view).collect()
}

/// Adds to the file that a variable names; where there is none, nothing is done.
fn append(name: &str, text: &str) {
    let Some(path) = std::env::var_os(name).filter(|path| !path.is_empty()) else { return };
    let path = PathBuf::from(path);
    let held = std::fs::metadata(&path).map_or(0, |found| found.len());
    if held + text.len() as u64 + 1 > LONGEST {
        return warn(&format!("{name} has no room for {} more bytes", text.len()));
    }
    let mut text = text.to_owned();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    // One write: steps that share the file do not part each other's lines.
    let written = OpenOptions::new().append(true).create(true).open(&path);
    if let Err(fault) = written.and_then(|mut file| file.write_all(text.as_bytes())) {
        warn(&format!("cannot add to {name}: {fault}"));
    }
}

fn warn(text: &str) {
    let line = crate::report::clean_lines(text).join(" ");
    let _ = writeln!(std::io::stderr(), "warning: {}", ci::harmless(&line));
}
