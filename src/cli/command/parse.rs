//! `taskmaster parse`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::workspace::Reading;
use crate::app::{parse, views};
use crate::cli::args::{Format, ParseArgs};
use crate::cli::context::{Context, print, print_json};
use crate::report::clean_lines;
use std::collections::HashMap;
use std::fmt::Write;
use taskmaster_core::document::{Claim, Document};
use taskmaster_core::id::PhaseId;
use taskmaster_core::text::count;

/// Reads a document, shows what is in it and what is wrong, and remembers it.
pub(crate) fn run(context: &Context, args: &ParseArgs) -> Result<Exit, AppError> {
    let reading = context.workspace.read(&super::read_options(&args.document)?)?;
    if context.format == Format::Json {
        print_json(&json(&reading)?)?;
    }
    if reading.findings.has_errors() {
        return Err(AppError::Document(Box::new(reading.findings)));
    }
    context.findings(&reading.findings);
    if context.format != Format::Json {
        // Titles are somebody else's words.
        print(&clean_lines(&summary(&reading)).join("\n"))?;
    }
    if !args.no_record {
        let recording = parse::record(&mut context.workspace.ledger()?, &reading)?;
        if recording.is_new && recording.previous.is_some() && context.format != Format::Json {
            context.show(&views::changes(&reading, &recording))?;
        }
    }
    Ok(Exit::Ok)
}

fn json(reading: &Reading) -> Result<String, AppError> {
    let sources: Vec<_> = reading
        .text
        .sources
        .iter()
        .map(|source| taskmaster_prd::SourceText { name: &source.name, text: &source.text })
        .collect();
    let mut parsed = reading.parsed.clone();
    parsed.diagnostics.clone_from(&reading.findings.diagnostics);
    let report = taskmaster_prd::report(&parsed, &sources);
    crate::report::json::pretty(&report)
        .map_err(|e| AppError::usage("the document cannot be written as JSON", e.to_string()))
}

fn summary(reading: &Reading) -> String {
    let document = &reading.parsed.document;
    let mut text = String::new();
    let title = document.metadata.title.as_deref().unwrap_or(&reading.text.path);
    let dialect = super::name(&document.metadata.dialect);
    let _ = writeln!(text, "{title}  ({dialect}, {})", reading.text.path);
    let mut held: HashMap<&PhaseId, (usize, usize)> = HashMap::new();
    for task in &document.tasks {
        let (tasks, done) = held.entry(&task.phase).or_default();
        *tasks += 1;
        *done += usize::from(task.status == Claim::Completed);
    }
    for phase in &document.phases {
        let depth = depth(document, phase.parent.as_ref());
        let (tasks, done) = held.get(&phase.id).copied().unwrap_or_default();
        let number = phase.number.as_deref().map_or_else(String::new, |number| format!("{number}  "));
        let priority = phase.priority.map_or_else(String::new, |p| format!(", {}", super::name(&p)));
        let claimed = if done > 0 { format!(", {done} claimed done") } else { String::new() };
        let indent = "  ".repeat(depth + 1);
        let tasks = count(tasks, "task", "tasks");
        let _ = writeln!(text, "{indent}{number}{}  ({tasks}{claimed}{priority})", phase.title);
    }
    let claimed: usize = held.values().map(|(_, done)| done).sum();
    let _ = writeln!(
        text,
        "{} in {}, {claimed} claimed done; {}, {}",
        count(document.tasks.len(), "task", "tasks"),
        count(document.phases.len(), "phase", "phases"),
        count(document.edges.len(), "dependency", "dependencies"),
        count(document.requirements.len(), "requirement", "requirements")
    );
    text
}

fn depth<'a>(document: &'a Document, mut parent: Option<&'a PhaseId>) -> usize {
    let mut depth = 0;
    while let Some(phase) = parent.and_then(|id| document.phase(id.as_str())) {
        depth += 1;
        parent = phase.parent.as_ref();
    }
    depth
}
