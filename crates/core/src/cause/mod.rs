//! Why a tool of the cluster failed, by its own words: a name, what helps, and whether trying again can.
//!
//! One table (`table.rs`), read from its top: the first row whose words stand on a line of fault
//! wins. Only such lines are read, since tools print what they please on others: the log of a pod,
//! a warning, the diff of a manifest that speaks of "(Forbidden)".
//!
//! Invariants:
//! - The decision is made once, at the end of an attempt or a probe, and recorded with it, so that a
//!   replay never asks a newer table.
//! - Events tell of a namespace, perhaps of a neighbour: what they say is shown, and ends nothing early.
//!
//! Absent on purpose: kinds that run anything (`exec` of other programs, `shell`): their words are theirs.

mod table;

use crate::tool::Tool;
use serde::{Deserialize, Serialize};
use table::{ROWS, Row};

/// Why something failed, as far as the tool's own words tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Stable name: `forbidden`, `quota`.
    pub name: String,
    /// What a person can do about it.
    pub hint: String,
    /// Trying again can help.
    pub retryable: bool,
    /// Why it can or cannot.
    pub because: String,
}

/// What is known about a failure besides its exit code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Why, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The last warnings of the namespace, oldest first, one a line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// Why there are no events, in a few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_events: Option<String>,
}

impl Diagnosis {
    /// True where nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What people are told, as a word and a line each: events first, then the cause, then what helps.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines: Vec<(&'static str, String)> =
            self.events.iter().map(|event| ("event", event.clone())).collect();
        lines.extend(self.no_events.iter().map(|why| ("events", format!("none: {why}"))));
        if let Some(cause) = &self.cause {
            lines.push(("cause", cause.name.clone()));
            lines.push(("help", cause.hint.clone()));
        }
        lines
    }

    /// Why trying again cannot help; none where it can, or nobody knows.
    pub fn hopeless(&self) -> Option<&Cause> {
        self.cause.as_ref().filter(|cause| !cause.retryable)
    }
}

/// Why a tool failed that wrote this; `exit` is its exit code, none where it was stopped.
pub fn find(tool: Tool, exit: Option<i32>, wrote: &str) -> Option<Cause> {
    // What was stopped, or found nothing wrong, has not said its last word.
    if exit == Some(0) {
        return None;
    }
    let faults: Vec<&str> = wrote.lines().filter_map(fault_line).collect();
    row(tool, &faults).map(|row| row.cause())
}

/// The same with the events of the namespace: they explain what the tool could only wait for.
pub fn explain(tool: Tool, exit: Option<i32>, wrote: &str, events: &[String]) -> Option<Cause> {
    let said = find(tool, exit, wrote);
    let is_vague = said.as_ref().is_none_or(|cause| VAGUE.contains(&cause.name.as_str()));
    let lines: Vec<&str> = events.iter().map(String::as_str).collect();
    let told = || {
        let row = ROWS.iter().find(|row| row.in_events && lines.iter().any(|line| row.says(line)))?;
        let because = "what events tell may be about another object of the namespace".to_owned();
        Some(Cause { retryable: true, because, ..row.cause() })
    };
    // What the tool itself calls hopeless stays so.
    if is_vague && !lines.is_empty() { told().or(said) } else { said }
}

/// Rows that only say that time was over.
const VAGUE: [&str; 4] = ["not-ready", "stuck", "app-degraded", "app-out-of-sync"];

/// True where these words mean that the cluster, or this machine's way to it, gives no answers:
/// neither is an answer of it then, nor can anything else be asked.
pub fn is_silent(cause: &Cause) -> bool {
    ROWS.iter().any(|row| row.name == cause.name && row.silent)
}

/// Words on standard error that mean that nobody answered what a check asked, whatever else stands
/// there: they go before every word that means "no".
pub fn silent_words(tool: Tool) -> Vec<&'static str> {
    let rows = ROWS.iter().filter(|row| row.silent && row.on.contains(&tool));
    rows.flat_map(|row| row.words.iter().copied()).collect()
}

/// Every cause that is known, once, with the first words that tell it: for the page about them.
pub fn known() -> Vec<(Cause, &'static str)> {
    let mut known: Vec<(Cause, &'static str)> = Vec::new();
    for row in ROWS {
        if !known.iter().any(|(cause, _)| cause.name == row.name) {
            known.push((row.cause(), row.words.first().copied().unwrap_or_default()));
        }
    }
    known
}

/// Whether a text holds these words; `*` stands for anything between them.
pub fn says(text: &str, words: &str) -> bool {
    let mut rest = text;
    words.split('*').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

fn row(tool: Tool, faults: &[&str]) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.on.contains(&tool) && faults.iter().any(|line| row.says(line)))
}

impl Row {
    fn says(&self, line: &str) -> bool {
        self.words.iter().any(|words| says(line, words))
    }

    fn cause(&self) -> Cause {
        Cause {
            name: self.name.to_owned(),
            hint: self.hint.to_owned(),
            retryable: self.retryable,
            because: self.because.to_owned(),
        }
    }
}

/// How lines begin on which these tools tell of faults, in lower case.
const FAULTS: [&str; 25] = [
    "error",
    "[error",
    "fatal",
    "fata[",
    "unable to",
    "the connection to the server",
    "you must be logged in",
    "apply failed",
    "conflict",
    "resource mapping not found",
    "[resource mapping not found",
    "ensure crds are installed",
    "not so:",
    "event:",
    "timed out",
    "rpc error",
    "health status:",
    "sync status:",
    "phase:",
    "message:",
    "pods \"",
    "namespaces \"",
    "failed",
    "* ",
    "net/http:",
];

/// The line without its frame, where it tells of a fault.
fn fault_line(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(['│', '╷', '╵', ' ', '\t']);
    let lower = line.to_ascii_lowercase();
    let is_fault = FAULTS.iter().any(|start| lower.starts_with(start))
        || (lower.starts_with("the ") && lower.contains(" is invalid"))
        || is_log_of_fault(line, &lower);
    is_fault.then_some(line)
}

/// `time="…" level=fatal msg="…"`, `{"level":"fatal",…}`, and klog's `E1121 …`.
fn is_log_of_fault(line: &str, lower: &str) -> bool {
    let levels = ["level=fatal", "level=error", "\"level\":\"fatal\"", "\"level\":\"error\""];
    let is_klog =
        line.starts_with('E') && line.as_bytes().get(1..5).is_some_and(|n| n.iter().all(u8::is_ascii_digit));
    is_klog || levels.iter().any(|level| lower.contains(level))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
