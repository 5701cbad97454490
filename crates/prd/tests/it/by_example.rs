//! The examples of docs/notation.md: each text is read, and what is shown below it is what comes of it.

use crate::fixtures;
use std::fmt::Write;
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::document::{Document, Priority, Task};
use taskmaster_core::text::LineIndex;
use taskmaster_prd::{Options, parse};

/// The blocks of the section, each text with what is shown of it.
fn examples() -> Vec<(String, String)> {
    let page = fixtures::text(&fixtures::root().join("docs/notation.md"));
    let (_, section) = page.split_once("## By example\n").expect("there are examples");
    let section = section.split("\n## The rules").next().unwrap_or_default();
    let examples = section.split("```markdown\n").skip(1).map(|rest| {
        let (text, rest) = rest.split_once("```").expect("an end");
        let (_, rest) = rest.split_once("```text\n").expect("what is read");
        (text.to_owned(), rest.split("```").next().unwrap_or_default().to_owned())
    });
    examples.collect()
}

fn count(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// The word that JSON has for it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

/// What is known of a task besides its place, id and claim.
fn facts(document: &Document, task: &Task) -> String {
    let mut facts = Vec::new();
    if task.priority != Priority::Medium {
        facts.push(format!("{:?}", task.priority).to_lowercase());
    }
    facts.extend(task.estimate.as_ref().map(|estimate| estimate.text.clone()));
    facts.extend(task.owner.as_ref().map(|owner| format!("@{owner}")));
    facts.extend(task.tags.iter().map(|tag| format!("#{tag}")));
    facts.extend(task.dates.iter().map(|(name, date)| format!("{name} {date}")));
    if !task.requirements.is_empty() {
        let all: Vec<String> = task.requirements.iter().map(ToString::to_string).collect();
        facts.push(format!("satisfies {}", all.join(", ")));
    }
    facts.extend(task.optional.then(|| "optional".to_owned()));
    let edges = document.edges.iter().filter(|edge| edge.task == task.id);
    let after = |id| document.tasks.iter().find(|task| task.id == id).map(|task| task.ordinal.as_str());
    let mut before: Vec<&str> = edges.filter_map(|edge| after(edge.dependency.clone())).collect();
    before.sort_unstable();
    if !before.is_empty() {
        facts.push(format!("after {}", before.join(", ")));
    }
    facts.join(" · ")
}

/// A document as the page shows it.
fn shown(text: &str) -> String {
    let parsed = parse(text, &Options::default());
    let document = &parsed.document;
    let of_tasks =
        |phase: &&taskmaster_core::document::Phase| document.tasks.iter().any(|task| task.phase == phase.id);
    let phases = document.phases.iter().filter(of_tasks).count();
    let requirements = match document.requirements.len() {
        0 => String::new(),
        number => format!(", {}", count(number, "requirement")),
    };
    let (dialect, tasks) = (word(&document.metadata.dialect), count(document.tasks.len(), "task"));
    let mut out = format!("{dialect}: {tasks} in {}{requirements}\n", count(phases, "phase"));
    let width = |of: &dyn Fn(&Task) -> String| {
        document.tasks.iter().map(|task| of(task).chars().count()).max().unwrap_or(0)
    };
    let (ordinals, ids) = (width(&|task| task.ordinal.clone()), width(&|task| task.id.to_string()));
    let claim = |task: &Task| word(&task.status);
    let claims = width(&claim);
    for task in &document.tasks {
        let (id, claim, facts) = (task.id.to_string(), claim(task), facts(document, task));
        let line = format!("{:ordinals$}  {id:ids$}  {claim:claims$}  {facts}", task.ordinal);
        let _ = writeln!(out, "{}", line.trim_end());
    }
    let lines = LineIndex::new(text);
    for found in &parsed.diagnostics {
        let severity = match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let line = found.span.map_or(0, |span| lines.line_column(text, span.start).0);
        let _ = writeln!(out, "{severity} {} in line {line}", found.code);
    }
    out
}

#[test]
fn each_example_is_read_as_it_is_shown() {
    let examples = examples();
    assert!(examples.len() >= 12, "{} examples", examples.len());
    for (text, wanted) in examples {
        assert_eq!(shown(&text), wanted, "{text}");
    }
}
