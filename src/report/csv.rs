//! A report as CSV (RFC 4180): a header, then a row for each task.
//!
//! Who opens it in a spreadsheet must not run what somebody wrote into a title: a cell that would be
//! read as a formula begins with an apostrophe. For programs there is JSON, which changes nothing.

use super::human;
use super::view::{ReportTask, ReportView};
use taskmaster_core::state::TaskState;

/// The columns. New ones come at the end.
const COLUMNS: [&str; 26] = [
    "ref",
    "id",
    "title",
    "phase",
    "phase_title",
    "parent",
    "priority",
    "owner",
    "tags",
    "line",
    "claim",
    "status",
    "state",
    "reason",
    "drifted",
    "proof",
    "kind",
    "attempts",
    "started",
    "ended",
    "duration_ms",
    "last_duration_ms",
    "estimate",
    "document",
    "environment",
    "run",
];

/// The report as one file.
pub(super) fn csv(view: &ReportView) -> String {
    let titles: std::collections::HashMap<_, String> =
        view.phases.iter().map(|phase| (&phase.id, human::phase(phase))).collect();
    let mut out = String::new();
    row(&mut out, &COLUMNS.map(str::to_owned));
    for task in &view.tasks {
        let phase = titles.get(&task.phase).cloned().unwrap_or_default();
        row(&mut out, &cells(view, task, phase));
    }
    out
}

fn cells(view: &ReportView, task: &ReportTask, phase: String) -> [String; COLUMNS.len()] {
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let time = |at: Option<jiff::Timestamp>| at.map(human::time).unwrap_or_default();
    let attempts = &task.attempts;
    let took = attempts.iter().filter_map(|attempt| attempt.duration_ms);
    [
        task.ordinal.clone(),
        task.id.to_string(),
        task.title.clone(),
        task.phase.to_string(),
        phase,
        task.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
        human::priority(task.priority).to_owned(),
        task.owner.clone().unwrap_or_default(),
        task.tags.join(" "),
        task.line.to_string(),
        human::claim(task.claim).to_owned(),
        task.state.status().name().to_owned(),
        task.state.name().to_owned(),
        reason(&task.state),
        time(task.drifted),
        task.proof.as_ref().map(|proof| human::proof(proof.kind).to_owned()).unwrap_or_default(),
        task.kind.map(|kind| human::kind(kind).to_owned()).unwrap_or_default(),
        attempts.len().to_string(),
        time(attempts.first().map(|attempt| attempt.started)),
        time(attempts.last().and_then(|attempt| attempt.ended)),
        number((!attempts.is_empty()).then(|| took.sum())),
        number(task.durations.last_duration_ms),
        task.durations.estimate.as_ref().map(|estimate| estimate.text.clone()).unwrap_or_default(),
        view.document.path.clone(),
        view.environment.to_string(),
        view.run.as_ref().map(ToString::to_string).unwrap_or_default(),
    ]
}

/// In a table another task is best named by its id.
fn reason(state: &TaskState) -> String {
    match state {
        TaskState::Blocked { by } => format!("by {by}"),
        other => human::reason(other, &human::Names::new(std::iter::empty())).unwrap_or_default(),
    }
}

fn row(out: &mut String, cells: &[String]) {
    for (place, text) in cells.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        out.push_str(&cell(text));
    }
    out.push_str("\r\n");
}

/// One line of foreign text as a cell.
fn cell(foreign: &str) -> String {
    let line = human::line(foreign);
    let text = if is_formula(&line) { format!("'{line}") } else { line };
    // Some spreadsheets part cells at semicolons.
    match text.contains(['"', ',', ';']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// What a spreadsheet takes for a formula, in Japanese ones also the wide forms.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let rows = [
            ("plain", "plain"),
            ("a, b", "\"a, b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("a; b", "\"a; b\""),
            ("=1+1", "'=1+1"),
            ("=A1,\"x\"", "\"'=A1,\"\"x\"\"\""),
            (" \t=1", "'=1"),
            ("\r\n@SUM(A1)", "'@SUM(A1)"),
            ("-1", "'-1"),
            ("＋1", "'＋1"),
            ("a=b", "a=b"),
            ("two\nlines", "two lines"),
            ("", ""),
        ];
        for (text, expected) in rows {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }
}
