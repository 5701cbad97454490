//! The stable JSON of `taskmaster parse -o json`.

use crate::{Parsed, SourceText};
use serde::Serialize;
use taskmaster_core::diagnostic::{Diagnostic, Severity};
use taskmaster_core::document::{Edge, Metadata, Phase, Requirement, Task};
use taskmaster_core::text::{LineIndex, Span};

/// Version of the shape of [`ParseReport`]; it grows when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// A parse as the JSON contract shows it.
#[derive(Clone, Debug, Serialize)]
pub struct ParseReport<'a> {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Facts about the whole document.
    pub metadata: &'a Metadata,
    /// Phases in document order.
    pub phases: &'a [Phase],
    /// Tasks in document order.
    pub tasks: &'a [Task],
    /// Requirements in document order.
    pub requirements: &'a [Requirement],
    /// Edges by waiting task, then dependency, in document order.
    pub edges: &'a [Edge],
    /// Findings by source and place.
    pub diagnostics: Vec<ReportedDiagnostic<'a>>,
}

/// A finding with lines and columns instead of bytes.
#[derive(Clone, Debug, Serialize)]
pub struct ReportedDiagnostic<'a> {
    /// Stable name such as `unknown-dependency`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong.
    pub message: &'a str,
    /// Name of the source.
    pub file: &'a str,
    /// Where; absent when the whole text is meant.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// What the reader can do.
    pub help: Option<&'a str>,
    /// Further places.
    pub labels: Vec<ReportedLabel<'a>>,
}

/// A further place that explains the fault.
#[derive(Clone, Debug, Serialize)]
pub struct ReportedLabel<'a> {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What is to be seen there.
    pub text: &'a str,
}

/// A range of characters; lines and columns count from 1, the end is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Line of the first character.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
    /// Line of the end.
    pub end_line: usize,
    /// Column one past the last character.
    pub end_column: usize,
}

/// Shows `parsed`, which was read from `sources`, as the JSON contract has it.
pub fn report<'a>(parsed: &'a Parsed, sources: &'a [SourceText<'a>]) -> ParseReport<'a> {
    let mut places: Vec<Places<'a>> = sources.iter().map(|source| Places::new(source.text)).collect();
    let diagnostics = parsed
        .diagnostics
        .iter()
        .map(|diagnostic| reported(diagnostic, sources, places.get_mut(diagnostic.source)))
        .collect();
    ParseReport {
        schema_version: SCHEMA_VERSION,
        metadata: &parsed.document.metadata,
        phases: &parsed.document.phases,
        tasks: &parsed.document.tasks,
        requirements: &parsed.document.requirements,
        edges: &parsed.document.edges,
        diagnostics,
    }
}

fn reported<'a>(
    diagnostic: &'a Diagnostic,
    sources: &'a [SourceText<'a>],
    mut places: Option<&mut Places<'a>>,
) -> ReportedDiagnostic<'a> {
    let place = match (diagnostic.span, &mut places) {
        (Some(span), Some(places)) => Some(places.place(span)),
        _ => None,
    };
    let labels = match places {
        Some(places) => diagnostic
            .labels
            .iter()
            .map(|label| ReportedLabel { place: places.place(label.span), text: &label.text })
            .collect(),
        None => Vec::new(),
    };
    ReportedDiagnostic {
        code: diagnostic.code,
        severity: diagnostic.severity,
        message: &diagnostic.message,
        file: sources.get(diagnostic.source).map_or("", |source| source.name),
        place,
        help: diagnostic.help.as_deref(),
        labels,
    }
}

/// Turns byte offsets into lines and columns. It remembers the last answer, since findings come
/// sorted: a line of ten million characters with a million findings is still walked once.
struct Places<'a> {
    text: &'a str,
    index: LineIndex,
    last: (usize, usize, usize),
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, index: LineIndex::new(text), last: (0, 1, 1) }
    }

    fn place(&mut self, span: Span) -> Place {
        let (line, column) = self.line_column(span.start);
        let (end_line, end_column) = self.line_column(span.end);
        Place { line, column, end_line, end_column }
    }

    fn line_column(&mut self, offset: usize) -> (usize, usize) {
        let (seen, seen_line, seen_column) = self.last;
        let line = self.index.line(offset);
        let column = match self.text.get(seen..offset) {
            Some(between) if line == seen_line && seen <= offset => seen_column + between.chars().count(),
            _ => self.index.line_column(self.text, offset).1,
        };
        self.last = (offset, line, column);
        (line, column)
    }
}
