//! Values as people read them. Times are UTC in every face.

use jiff::Timestamp;
use std::borrow::Cow;
use taskmaster_core::action::{ActionKind, FailureKind};
use taskmaster_core::deployments::{COMMIT, COMMIT_TIME};
use taskmaster_core::document::{Claim, Estimate, Priority};
use taskmaster_core::journal::{Outcome, OutputValue, TaskChange, Verdict};
use taskmaster_core::state::{TaskState, WaitFor};
pub(super) use taskmaster_core::text::count;
use taskmaster_core::text::turns_text;
use taskmaster_core::trace::TRACEPARENT;

use std::collections::HashMap;
use taskmaster_core::id::TaskId;

use super::view::{AttemptView, DiagnosticView, EstimateView, Intent, PhaseView, ProofKind, RunView};

/// `950 ms`, `1.2 s`, `3 min 05 s`, `2 h 04 min`, `3 d 4 h`. Rounds down, so a sum never seems to
/// exceed its whole.
pub(super) fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds}.{} s", ms % 1000 / 100),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// `2026-07-04T10:00:00Z`: to the second, for machines and people alike.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What was done, and is no longer so.
pub(super) fn drifted(since: Timestamp) -> String {
    format!("drifted: no longer so since {}", time(since))
}

/// How long a run of a plan is likely to take.
pub(super) fn run_estimate(estimate: &EstimateView) -> String {
    let jobs = count(estimate.jobs, "job", "jobs");
    let unknown = estimate.tasks - estimate.measured;
    let of = count(estimate.tasks, "task", "tasks");
    match estimate.duration_ms {
        Some(ms) => format!("about {} with {jobs}", duration(ms)),
        None if estimate.measured == 0 => format!("no estimate ({of} never measured)"),
        None => {
            let at_least = duration(estimate.at_least_ms);
            format!("at least {at_least} with {jobs} (no estimate for {unknown} of {of})")
        }
    }
}

/// Working time as the document gives it.
pub(super) fn estimate(estimate: &Estimate) -> String {
    format!("est. {}", estimate.text)
}

/// `critical`.
pub(super) fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Critical => "critical",
        Priority::High => "high",
        Priority::Medium => "medium",
        Priority::Low => "low",
    }
}

/// What a mark claims.
pub(super) fn claim(claim: Claim) -> &'static str {
    match claim {
        Claim::Pending => "open",
        Claim::InProgress => "begun",
        Claim::Completed => "done",
        Claim::Cancelled => "cancelled",
    }
}

/// `terraform`.
pub(super) fn kind(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Exec => "exec",
        ActionKind::Shell => "shell",
        ActionKind::Terraform => "terraform",
        ActionKind::Kubectl => "kubectl",
        ActionKind::Helm => "helm",
        ActionKind::Argocd => "argocd",
        ActionKind::Rollout => "rollout",
        ActionKind::Service => "service",
        ActionKind::Http => "http",
        ActionKind::Prometheus => "prometheus",
        ActionKind::Approval => "approval",
        ActionKind::Wait => "wait",
        ActionKind::Inline => "inline",
    }
}

/// What a state rests on.
pub(super) fn proof(kind: ProofKind) -> &'static str {
    match kind {
        ProofKind::Check => "check",
        ProofKind::Verify => "verify",
        ProofKind::ExitCode => "exit code",
        ProofKind::Subtasks => "subtasks",
        ProofKind::Person => "person",
        ProofKind::Mark => "mark only",
    }
}

/// Class of a failure.
pub(super) fn failure(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::ExitCode => "exit code",
        FailureKind::Signal => "signal",
        FailureKind::Timeout => "timeout",
        FailureKind::Spawn => "not started",
        FailureKind::CheckError => "check error",
        FailureKind::NotVerified => "not verified",
        FailureKind::Http => "request refused",
        FailureKind::Outputs => "outputs",
    }
}

/// How an attempt ended, in a few words; none is "still at work".
pub(super) fn outcome(end: Option<&Outcome>) -> String {
    match end {
        None => "running".to_owned(),
        Some(Outcome::Succeeded) => "succeeded".to_owned(),
        Some(Outcome::Interrupted) => "interrupted".to_owned(),
        Some(Outcome::Lost) => "end lost".to_owned(),
        Some(Outcome::Failed { failure: FailureKind::ExitCode, exit_code: Some(code), .. }) => {
            format!("exit code {code}")
        }
        Some(Outcome::Failed { failure: FailureKind::Signal, signal: Some(signal), .. }) => {
            format!("signal {signal}")
        }
        Some(Outcome::Failed { failure: kind, .. }) => failure(*kind).to_owned(),
    }
}

/// How an attempt ended.
pub(super) fn ended(attempt: &AttemptView) -> String {
    let end = outcome(attempt.end.as_ref());
    if attempt.expected { format!("{end}, as expected") } else { end }
}

/// Ordinals of tasks by id: what people call a task. A task that is not among them keeps its id.
pub(super) struct Names<'a>(HashMap<&'a TaskId, &'a str>);

impl<'a> Names<'a> {
    pub(super) fn new(tasks: impl Iterator<Item = (&'a TaskId, &'a str)>) -> Self {
        Self(tasks.collect())
    }

    pub(super) fn of<'b>(&'b self, id: &'b TaskId) -> &'b str {
        self.0.get(id).copied().unwrap_or(id.as_str())
    }

    /// The first few of them, and how many there are besides.
    pub(super) fn some(&self, ids: &[TaskId], most: usize) -> String {
        some(ids.iter().map(|id| self.of(id).to_owned()), most)
    }

    /// `1.1, 1.2` with what joins them.
    pub(super) fn list(&self, ids: &[TaskId], joint: &str) -> String {
        ids.iter().map(|id| self.of(id)).collect::<Vec<_>>().join(joint)
    }
}

/// The first few of a list, and how many there are besides.
pub(super) fn some(words: impl Iterator<Item = String>, most: usize) -> String {
    let words: Vec<String> = words.collect();
    let shown = words[..words.len().min(most)].join(", ");
    match words.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Why a state is what it is, where it says so.
pub(super) fn reason(state: &TaskState, names: &Names<'_>) -> Option<String> {
    match state {
        TaskState::Failed { reason } | TaskState::Unknown { reason } | TaskState::Skipped { reason } => {
            Some(reason.clone())
        }
        TaskState::Blocked { by } => Some(format!("by {}", names.of(by))),
        TaskState::Waiting { on: WaitFor::Approval { message } } => Some(format!("approval: {message}")),
        TaskState::Waiting { on: WaitFor::Manual } => Some("a person does it".to_owned()),
        TaskState::Waiting { on: WaitFor::Retry { attempt, .. } } => {
            Some(format!("attempt {attempt} to come"))
        }
        _ => None,
    }
}

/// Options of a run but those that are shown by themselves, its commit, or are for programs.
pub(super) fn options(run: &RunView) -> impl Iterator<Item = (&String, &String)> {
    run.options.iter().filter(|(name, _)| ![COMMIT, COMMIT_TIME, TRACEPARENT].contains(&name.as_str()))
}

/// What the exit code of a run means.
pub(super) fn exit_code(code: i32) -> &'static str {
    match code {
        0 => "succeeded",
        20 => "a task failed",
        21 => "waits for a person",
        22 => "interrupted",
        23 => "an end is unknown",
        40 => "another executor was busy",
        50 => "rolled back",
        _ => "failed",
    }
}

/// `Phase 1: Title`, or the title alone.
pub(super) fn phase(phase: &PhaseView) -> String {
    match &phase.number {
        Some(number) => format!("{number}. {}", phase.title),
        None => phase.title.clone(),
    }
}

/// The sign of an intent, as `terraform plan` has them.
pub(super) fn marker(intent: &Intent) -> char {
    match intent {
        Intent::Run => '+',
        Intent::Rerun { .. } => '~',
        Intent::Satisfied | Intent::Recorded { .. } => '=',
        Intent::Claimed => '*',
        Intent::Group => '&',
        Intent::Manual => '?',
        Intent::Blocked { .. } | Intent::Unknown { .. } => '!',
        Intent::Skipped { .. } | Intent::Cancelled => '-',
        Intent::Undo => 'x',
    }
}

/// An intent in words.
pub(super) fn intent(intent: &Intent, names: &Names<'_>) -> String {
    match intent {
        Intent::Run => "run".to_owned(),
        Intent::Rerun { reason } => format!("re-run: {reason}"),
        Intent::Satisfied => "found true now".to_owned(),
        Intent::Recorded { at: Some(at) } => format!("recorded {}", time(*at)),
        Intent::Recorded { at: None } => "recorded".to_owned(),
        Intent::Claimed => "claimed: marked done, nothing here can check it".to_owned(),
        Intent::Group => "completes with its subtasks".to_owned(),
        Intent::Manual => "manual: a person does it".to_owned(),
        Intent::Blocked { by, reason } => format!("blocked by {}: {reason}", names.of(by)),
        Intent::Unknown { reason } => format!("unknown end: {reason}"),
        Intent::Skipped { reason } => format!("skipped: {reason}"),
        Intent::Cancelled => "cancelled".to_owned(),
        Intent::Undo => "undo".to_owned(),
    }
}

/// Sign and words of one change of a re-parse.
pub(super) fn change(change: &TaskChange) -> (char, String) {
    match change {
        TaskChange::Added { id } => ('+', format!("added as {id}")),
        TaskChange::Removed { id } => ('-', format!("removed, was {id}")),
        TaskChange::Renamed { from, id } => ('~', format!("renamed from {from} to {id}")),
        TaskChange::Moved { from_phase, to_phase, .. } if from_phase == to_phase => {
            ('~', format!("moved inside {to_phase}"))
        }
        TaskChange::Moved { from_phase, to_phase, .. } => {
            ('~', format!("moved from {from_phase} to {to_phase}"))
        }
        TaskChange::Reprioritised { from, to, .. } => ('~', format!("priority {from}, now {to}")),
        TaskChange::Reopened { .. } => ('~', "reopened: was marked done".to_owned()),
    }
}

/// `prd/a.md:12:3`.
pub(super) fn place(diagnostic: &DiagnosticView) -> Option<String> {
    let mut place = diagnostic.path.clone()?;
    if let Some(line) = diagnostic.line {
        place.push_str(&format!(":{line}"));
        place.extend(diagnostic.column.map(|column| format!(":{column}")));
    }
    Some(place)
}

/// What a check or verify said.
pub(super) fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::True => "true".to_owned(),
        Verdict::False => "false".to_owned(),
        Verdict::Error { message } => format!("error: {message}"),
    }
}

/// A value that one task hands to another.
pub(super) fn output(value: &OutputValue) -> String {
    match value {
        OutputValue::Sensitive => "(sensitive)".to_owned(),
        OutputValue::Plain(serde_json::Value::String(text)) => text.clone(),
        OutputValue::Plain(value) => value.to_string(),
    }
}

/// One line without anything that could move a cursor, ring a bell, or reorder what stands beside
/// it: terminal sequences vanish, other control characters and bidirectional overrides become `�`,
/// line breaks and tabs spaces.
pub(super) fn line(text: &str) -> String {
    without_sequences(text)
        .trim()
        .chars()
        .map(|c| if matches!(c, '\n' | '\t' | '\r') { ' ' } else { visible(c) })
        .collect()
}

/// Several lines, cleaned in the same way; tabs become four spaces.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let clean = |line: &str| {
        line.trim_end_matches('\r').replace('\t', "    ").chars().map(visible).collect::<String>()
    };
    without_sequences(text).trim_end().lines().map(clean).collect()
}

/// Removes the escape sequences that programs colour their output with (`ESC [ … letter`) and the
/// titles and links they set (`ESC ] … BEL`). What is cut off in the middle stays, as `�`.
fn without_sequences(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(&rest[..at]);
        let length = sequence_length(&rest[at..]).unwrap_or_else(|| {
            out.push('\u{fffd}');
            1
        });
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Bytes of the sequence that begins the text; none where it does not end.
fn sequence_length(text: &str) -> Option<usize> {
    let body = text.get(2..)?;
    match text.as_bytes()[1] {
        b'[' => {
            let end = body.find(|c: char| !matches!(c, '\u{20}'..='\u{3f}'))?;
            matches!(body.as_bytes()[end], 0x40..=0x7e).then_some(2 + end + 1)
        }
        b']' => {
            let line = body.lines().next()?;
            let bell = line.find('\u{7}').map(|at| at + 1);
            let terminator = line.find("\u{1b}\\").map(|at| at + 2);
            [bell, terminator].into_iter().flatten().min().map(|end| 2 + end)
        }
        _ => None,
    }
}

fn visible(c: char) -> char {
    if c.is_control() || turns_text(c) { '\u{fffd}' } else { c }
}

/// True of what a terminal obeys and of what turns text around, in a text of several lines.
pub(super) fn is_harmful(c: char) -> bool {
    !matches!(c, '\n' | '\t') && visible(c) != c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_two_units() {
        let rows = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1.0 s"),
            (59_999, "59.9 s"),
            (60_000, "1 min 00 s"),
            (3_599_999, "59 min 59 s"),
            (3_600_000, "1 h 00 min"),
            (86_399_999, "23 h 59 min"),
            (90_000_000, "1 d 1 h"),
        ];
        for (ms, text) in rows {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn a_line_cannot_move_the_cursor() {
        assert_eq!(line(" a\u{1b}[1;31mb\nc\u{202e}d\u{9b} "), "ab c\u{fffd}d\u{fffd}");
        assert_eq!(line("a\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{7}"), "alink");
        assert_eq!(line("a\u{1b}"), "a\u{fffd}");
        assert_eq!(line("a\u{1b}[3"), "a\u{fffd}[3");
        assert_eq!(line("a\u{1b}é"), "a\u{fffd}é");
        assert_eq!(lines("a\tb\r\n\u{7}c\n\n"), ["a    b", "\u{fffd}c"]);
    }
}
