//! Mermaid graphs: they are drawings, not a source of dependencies, and that is said.

use crate::blocks::Kind;
use crate::draft::Draft;
use crate::ids::shown_slug;
use crate::names::{Asker, Names};
use crate::page::Page;
use crate::scan::{squeeze, strip_whole_word};
use std::collections::HashSet;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::text::Span;

/// A Mermaid graph that names tasks of the document.
pub(crate) fn find(page: &Page<'_>, draft: &Draft, names: &Names<'_>, found: &mut Vec<Diagnostic>) {
    let titles: HashSet<String> = draft
        .tasks
        .iter()
        .map(|task| shown_slug(&task.fields.title))
        .filter(|slug| !slug.is_empty())
        .collect();
    let asker = Asker { source: page.index, task: None };
    for block in &page.blocks.all {
        let Kind::Fence(fence) = &block.kind else { continue };
        let kind = fence.body.split_whitespace().next().unwrap_or_default().to_lowercase();
        let graph = matches!(kind.as_str(), "graph" | "flowchart" | "gantt");
        if !strip_whole_word(fence.info.trim(), "mermaid").is_some_and(|_| graph) {
            continue;
        }
        let labels = fence.body.split(['[', ']', '(', ')', '{', '}', '"', '|', '\n']).map(squeeze);
        let named = labels.filter(|label| !label.is_empty()).any(|label| {
            let numbered = strip_whole_word(&label, "task")
                .is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()));
            let ids = || {
                label.split([' ', ',', ';', ':']).any(|word| {
                    names.strict(word, asker).is_some_and(|task| draft.tasks[task].fields.id.is_some())
                })
            };
            numbered || titles.contains(&shown_slug(&label)) || ids()
        });
        if named {
            let first = block.span.of(page.text).lines().next().unwrap_or_default();
            let span = Span::new(block.span.start, block.span.start + first.len());
            found.push(
                Diagnostic::note("mermaid-graph", span, "a graph of tasks is not read for dependencies")
                    .help("write them beside the tasks: `(depends on: T001)`, or in a section Dependencies"),
            );
        }
    }
}
