//! Mermaid drawings: they are not a source of tasks or dependencies, and that is said.

use crate::blocks::{Block, Kind};
use crate::draft::Draft;
use crate::ids::shown_slug;
use crate::names::{Asker, Names};
use crate::page::Page;
use crate::scan::{squeeze, strip_whole_word};
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::text::Span;

/// First words of lines of a gantt that are no task.
const GANTT_WORDS: &[&str] = &[
    "gantt",
    "title",
    "dateformat",
    "axisformat",
    "tickinterval",
    "excludes",
    "includes",
    "todaymarker",
    "section",
    "weekday",
    "weekend",
    "click",
    "acctitle",
    "accdescr",
    "displaymode",
    "inclusiveenddates",
    "topaxis",
];

/// Drawings that name tasks: a graph of those of the document, a gantt of any.
pub(crate) fn find<'d>(page: &Page<'_>, draft: &'d Draft, names: &Names<'d>, found: &mut Vec<Diagnostic>) {
    let known = Known { draft, names, source: page.index };
    for block in &page.blocks.all {
        let Kind::Fence(fence) = &block.kind else { continue };
        if strip_whole_word(fence.info.trim(), "mermaid").is_none() {
            continue;
        }
        let drawing = body(&fence.body);
        let kind = drawing.split_whitespace().next().unwrap_or_default().to_lowercase();
        match kind.as_str() {
            "gantt" => found.extend(gantt(page, block, drawing, &known)),
            "graph" | "flowchart" if known.named_in(drawing) => found.push(graph(page, block)),
            _ => {}
        }
    }
}

/// A drawing without the settings and comments above it.
fn body(text: &str) -> &str {
    let mut rest = text.trim_start();
    if let Some((_, after)) = rest.strip_prefix("---").and_then(|front| front.split_once("\n---")) {
        rest = after.trim_start();
    }
    while rest.starts_with("%%") {
        rest = rest.split_once('\n').map_or("", |(_, after)| after.trim_start());
    }
    rest
}

/// What the document has.
struct Known<'k, 'd> {
    draft: &'d Draft,
    names: &'k Names<'d>,
    source: usize,
}

impl Known<'_, '_> {
    fn named_in(&self, drawing: &str) -> bool {
        let labels = drawing.split(['[', ']', '(', ')', '{', '}', '"', '|', '\n']).map(squeeze);
        labels.filter(|label| !label.is_empty()).any(|label| {
            let numbered = strip_whole_word(&label, "task")
                .is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()));
            numbered || self.has(&label)
        })
    }

    /// True where a label is the title of a task, or holds the explicit id of one.
    fn has(&self, label: &str) -> bool {
        let asker = Asker { source: self.source, task: None };
        let id = |word: &str| {
            self.names.strict(word, asker).is_some_and(|task| self.draft.tasks[task].fields.id.is_some())
        };
        self.names.is_title(&shown_slug(label)) || label.split([' ', ',', ';', ':']).any(id)
    }
}

fn graph(page: &Page<'_>, block: &Block) -> Diagnostic {
    Diagnostic::note(
        "mermaid-graph",
        first_line(page, block),
        "a graph of tasks is not read for dependencies",
    )
    .help("write them beside the tasks: `(depends on: T001)`, or in a section Dependencies")
}

/// A gantt of tasks that the document has is a drawing; others would be lost in silence.
fn gantt(page: &Page<'_>, block: &Block, drawing: &str, known: &Known<'_, '_>) -> Option<Diagnostic> {
    let tasks: Vec<&str> = drawing.lines().filter_map(gantt_task).collect();
    let lost = tasks.iter().filter(|task| !known.has(task)).count();
    let message = match (tasks.len(), lost) {
        (0, _) => return None,
        (_, 0) => return Some(graph(page, block)),
        (1, _) => "the task of a gantt is not read as a task".to_owned(),
        (all, lost) => format!("{lost} of {all} tasks of a gantt are written nowhere else, and are not read"),
    };
    let diagnostic = Diagnostic::warning("tasks-in-gantt", first_line(page, block), message);
    Some(diagnostic.help("write the tasks as a checklist: `- [ ] …`, with `(depends on: …)` and `(2d)`"))
}

/// `Dig the pond :a1, 2026-03-01, 3d`.
fn gantt_task(line: &str) -> Option<&str> {
    let line = line.trim();
    let first = line.split([' ', '\t', ':']).next().unwrap_or_default().to_lowercase();
    let (name, _) = line.split_once(':').filter(|_| !line.starts_with("%%"))?;
    (!name.trim().is_empty() && !GANTT_WORDS.contains(&first.as_str())).then(|| name.trim())
}

fn first_line(page: &Page<'_>, block: &Block) -> Span {
    let first = block.span.of(page.text).lines().next().unwrap_or_default();
    Span::new(block.span.start, block.span.start + first.len())
}
