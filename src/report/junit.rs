//! A report as JUnit XML: a suite for each phase, a test case for each task.
//!
//! There is no standard, so this is the common part of what readers take: valid by Ant's schema
//! (`JUnit.xsd`, the stricter one) and by that of Jenkins at once. What has no place in the first, such
//! as the file of a test case, is left out. Nothing foreign can end an element: XML 1.0 has no form at
//! all for most control characters, so they are replaced.

use super::human::{self, Names};
use super::view::{AttemptView, PhaseView, ProbeView, ReportTask, ReportView};
use jiff::Timestamp;
use std::fmt::Write as _;
use taskmaster_core::action::FailureKind;
use taskmaster_core::journal::{Outcome, Verdict};
use taskmaster_core::state::TaskState;

/// What a reader of JUnit calls the state of a task.
enum Case {
    Passed,
    Skipped { why: String },
    Failure { kind: &'static str, why: String },
    Error { kind: &'static str, why: String },
}

/// The report as one XML file.
pub(super) fn junit(view: &ReportView) -> String {
    let names = Names::new(view.tasks.iter().map(|task| (&task.id, task.ordinal.as_str())));
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for (number, (title, package, tasks)) in suites(view).into_iter().enumerate() {
        suite(&mut out, view, &names, &Suite { number, title, package, tasks });
    }
    out.push_str("</testsuites>\n");
    out
}

struct Suite<'a> {
    number: usize,
    title: String,
    package: String,
    tasks: Vec<&'a ReportTask>,
}

/// Phases that have tasks of their own, in document order; at the end those of phases that are not listed.
fn suites(view: &ReportView) -> Vec<(String, String, Vec<&ReportTask>)> {
    let places: std::collections::HashMap<_, usize> =
        view.phases.iter().enumerate().map(|(place, phase)| (&phase.id, place)).collect();
    let mut members: Vec<Vec<&ReportTask>> = vec![Vec::new(); view.phases.len() + 1];
    for task in &view.tasks {
        members[places.get(&task.phase).copied().unwrap_or(view.phases.len())].push(task);
    }
    let named = |place: usize| match view.phases.get(place) {
        Some(phase) => (title(view, phase), format!("{}.{}", view.document.id, phase.id)),
        None => ("Other tasks".to_owned(), view.document.id.to_string()),
    };
    let filled = members.into_iter().enumerate().filter(|(_, tasks)| !tasks.is_empty());
    filled.map(|(place, tasks)| (named(place).0, named(place).1, tasks)).collect()
}

/// `1. Outer / 1.1. Inner`: a nested phase is a suite beside the one around it.
fn title(view: &ReportView, phase: &PhaseView) -> String {
    let mut words = vec![human::phase(phase)];
    let mut around = phase.parent.as_ref();
    // Bounded, whatever the view holds.
    while let (Some(id), true) = (around, words.len() <= view.phases.len()) {
        let Some(parent) = view.phases.iter().find(|known| known.id == *id) else { break };
        words.push(human::phase(parent));
        around = parent.parent.as_ref();
    }
    words.reverse();
    words.join(" / ")
}

fn suite(out: &mut String, view: &ReportView, names: &Names<'_>, suite: &Suite<'_>) {
    let results: Vec<Case> = suite.tasks.iter().map(|task| result(task, names)).collect();
    let count = |is: fn(&Case) -> bool| results.iter().filter(|case| is(case)).count();
    let started = view.shown_run().map_or(view.generated, |run| run.started);
    let time: u64 = suite.tasks.iter().map(|task| time_ms(task)).sum();
    let _ = writeln!(
        out,
        "  <testsuite id=\"{}\" package=\"{}\" name=\"{}\" hostname=\"localhost\" timestamp=\"{}\" \
         tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">",
        suite.number,
        attribute(&suite.package),
        attribute(&suite.title),
        timestamp(started),
        results.len(),
        count(|case| matches!(case, Case::Failure { .. })),
        count(|case| matches!(case, Case::Error { .. })),
        count(|case| matches!(case, Case::Skipped { .. })),
        seconds(time),
    );
    properties(out, view);
    for (task, result) in suite.tasks.iter().zip(&results) {
        case(out, task, &suite.package, result);
    }
    out.push_str("    <system-out>");
    for task in &suite.tasks {
        out.push_str(&escape(&format!("{}\n", told(task, names))));
    }
    out.push_str("</system-out>\n    <system-err></system-err>\n  </testsuite>\n");
}

fn properties(out: &mut String, view: &ReportView) {
    let run = view.shown_run();
    let known = [
        ("taskmaster", Some(view.version.clone())),
        ("document", Some(view.document.path.clone())),
        ("environment", Some(view.environment.to_string())),
        ("run", run.map(|run| run.id.to_string())),
        ("commit", run.and_then(|run| run.commit.clone())),
    ];
    out.push_str("    <properties>\n");
    for (name, value) in known {
        if let Some(value) = value {
            let _ = writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", attribute(&value));
        }
    }
    out.push_str("    </properties>\n");
}

fn case(out: &mut String, task: &ReportTask, package: &str, result: &Case) {
    let name = attribute(&format!("{} {}", task.ordinal, task.title));
    let (class, time) = (attribute(package), seconds(time_ms(task)));
    let _ = write!(out, "    <testcase name=\"{name}\" classname=\"{class}\" time=\"{time}\"");
    let (element, kind, why) = match result {
        Case::Passed => {
            out.push_str("/>\n");
            return;
        }
        Case::Skipped { why } => {
            let _ = writeln!(out, ">\n      <skipped message=\"{}\"/>\n    </testcase>", attribute(why));
            return;
        }
        Case::Failure { kind, why } => ("failure", kind, why),
        Case::Error { kind, why } => ("error", kind, why),
    };
    let (why, details) = (attribute(why), escape(&details(task)));
    let _ = write!(out, ">\n      <{element} type=\"{kind}\" message=\"{why}\">{details}</{element}>\n");
    out.push_str("    </testcase>\n");
}

fn result(task: &ReportTask, names: &Names<'_>) -> Case {
    let why = human::reason(&task.state, names);
    let said = |word: &str| why.as_ref().map_or(word.to_owned(), |why| format!("{word}: {why}"));
    if let Some(since) = task.drifted {
        return Case::Failure { kind: "drift", why: human::drifted(since) };
    }
    match &task.state {
        TaskState::Completed | TaskState::Satisfied => Case::Passed,
        TaskState::Failed { reason } => Case::Failure { kind: failure(task), why: reason.clone() },
        TaskState::Unknown { reason } => Case::Error { kind: "unknown end", why: reason.clone() },
        TaskState::Claimed => Case::Skipped { why: "only claimed: its mark says done".to_owned() },
        other => Case::Skipped { why: said(other.name()) },
    }
}

/// Why the last attempt failed, in a word or two.
fn failure(task: &ReportTask) -> &'static str {
    let ends = task.attempts.iter().rev().filter_map(|attempt| attempt.end.as_ref());
    let kind = ends.into_iter().find_map(|end| match end {
        Outcome::Failed { failure, .. } => Some(*failure),
        _ => None,
    });
    let is_error = |probe: &ProbeView| matches!(probe.verdict, Verdict::Error { .. });
    match kind {
        Some(kind) => human::failure(kind),
        None if task.probes.last().is_some_and(is_error) => human::failure(FailureKind::CheckError),
        None => "failed",
    }
}

/// What helps to find the fault: attempts, causes, the end of the log, the next command.
fn details(task: &ReportTask) -> String {
    let mut text = String::new();
    let attempts = task.attempts.iter().map(attempt);
    let known = task.diagnosis().map(|diagnosis| diagnosis.lines()).unwrap_or_default();
    let known = known.into_iter().map(|(word, line)| format!("{word}: {line}"));
    let next = task.next.iter().map(|next| format!("next: {next}"));
    for line in attempts.chain(known).chain(next) {
        text.push_str(&human::line(&line));
        text.push('\n');
    }
    let last = task.attempts.iter().rev().find(|attempt| !attempt.tail.trim().is_empty());
    for line in last.map(|attempt| human::lines(&attempt.tail)).unwrap_or_default() {
        let _ = writeln!(text, "| {line}");
    }
    text
}

fn attempt(attempt: &AttemptView) -> String {
    let took = attempt.duration_ms.map_or_else(String::new, |ms| format!(" after {}", human::duration(ms)));
    format!("attempt {}: {}{took}", attempt.number, human::ended(attempt))
}

/// One line about a task, whatever became of it.
fn told(task: &ReportTask, names: &Names<'_>) -> String {
    let proof = task.proof.as_ref().map(|proof| human::proof(proof.kind).to_owned());
    let why = proof.or_else(|| human::reason(&task.state, names));
    let why = why.map_or_else(String::new, |why| format!(" ({why})"));
    human::line(&format!("{} {}: {}{why}", task.ordinal, task.id, task.state.name()))
}

/// Time of its attempts; of the answers of its check, where that was all.
fn time_ms(task: &ReportTask) -> u64 {
    match task.attempts.is_empty() {
        false => task.attempts.iter().filter_map(|attempt| attempt.duration_ms).sum(),
        true => task.probes.iter().map(|probe| probe.duration_ms).sum(),
    }
}

/// `12.345`, as a decimal number of XML.
fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// UTC; the schema allows no zone.
fn timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Foreign text as the value of an attribute, in one line.
fn attribute(foreign: &str) -> String {
    escape(&human::line(foreign))
}

/// Text for XML. What no XML can hold becomes `�`.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_xml_can_hold_is_replaced() {
        assert_eq!(escape("a\0\u{1b}[1m\u{b}\u{fffe}\u{ffff}b\n\tc"), "a��[1m���b\n\tc");
        assert_eq!(
            escape("</failure> & \"x\" 'y' ]]>"),
            "&lt;/failure&gt; &amp; &quot;x&quot; &#39;y&#39; ]]&gt;"
        );
        assert_eq!(attribute("a\nb\r\u{85}c"), "a b �c");
        assert_eq!(escape("設定 \u{10ffff} 😀"), "設定 \u{10ffff} 😀");
    }

    #[test]
    fn seconds_are_decimal() {
        let rows = [(0, "0.000"), (7, "0.007"), (999, "0.999"), (61_050, "61.050"), (3_600_000, "3600.000")];
        for (ms, text) in rows {
            assert_eq!(seconds(ms), text);
        }
    }
}
