//! What is told.

use crate::app::exit::Exit;
use crate::app::run::RunResult;
use crate::process::show::harmless;
use jiff::Timestamp;
use serde_json::{Value, json};
use taskmaster_core::plan::PlannedTask;
use taskmaster_core::scheduler::RunEnd;
use taskmaster_core::state::TaskState;

/// Rises when a name changes or goes.
const SCHEMA_VERSION: u32 = 1;
/// So many tasks that want somebody are told one by one.
const MOST: usize = 20;
/// Longest text of anybody else, in characters.
const LONGEST: usize = 500;

/// A run that ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// `run`, `destroy` or `promote-env`.
    pub command: &'static str,
    /// What came of it.
    pub result: &'a RunResult,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
}

impl Ended<'_> {
    /// The JSON of a notice with this id.
    pub fn body(&self, id: &str) -> Value {
        let (result, prepared) = (self.result, &self.result.prepared);
        let tasks = || prepared.plan.tasks.iter().zip(&result.states);
        let stuck: Vec<Value> = tasks().filter_map(|(task, state)| stuck(task, state)).take(MOST).collect();
        let title = prepared.document().metadata.title.as_deref();
        let title = clip(title.unwrap_or(&prepared.reading.text.path));
        let duration = self.ended.duration_since(self.began).as_millis();
        json!({
            "schema_version": SCHEMA_VERSION,
            "id": id,
            "event": "run.ended",
            "at": format!("{:.3}", self.ended),
            "command": self.command,
            "run": result.run,
            "document": prepared.reading.text.path,
            "title": title,
            "environment": prepared.environment,
            "result": result.end.name(),
            "exit_code": Exit::from(result.end) as i32,
            "started": format!("{:.3}", self.began),
            "duration_ms": u64::try_from(duration).unwrap_or_default(),
            "tasks": result.states.len(),
            "counts": result.counts,
            "stuck": stuck,
            "text": format!("{title} ({}): {}", prepared.environment, words(self.command, result.end)),
        })
    }
}

/// A task that failed, or that waits for somebody.
fn stuck(task: &PlannedTask, state: &TaskState) -> Option<Value> {
    let reason = match state {
        TaskState::Failed { reason } | TaskState::Unknown { reason } => Some(clip(reason)),
        TaskState::Waiting { .. } => None,
        _ => return None,
    };
    Some(json!({
        "id": task.id, "ref": task.ordinal, "title": clip(&task.title), "state": state.name(), "reason": reason,
    }))
}

fn words(command: &str, end: RunEnd) -> String {
    let word = match end {
        RunEnd::Succeeded => "succeeded",
        RunEnd::Failed => "failed",
        RunEnd::Waiting => "waits for a person",
        RunEnd::Interrupted => "was interrupted",
        RunEnd::Unknown => "ended, and an end is unknown",
    };
    format!("{command} {word}")
}

/// One line without terminal controls.
fn clip(foreign: &str) -> String {
    let line = harmless(foreign.as_bytes()).replace('\n', " ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
