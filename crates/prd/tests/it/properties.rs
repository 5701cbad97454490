//! What holds for every text: generated soup, mutated fixtures, arbitrary characters.

use crate::fixtures;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use taskmaster_core::document::{Claim, Dialect, Document, Mark, Ordering};
use taskmaster_core::text::Span;
use taskmaster_prd::write_back::{Change, apply};
use taskmaster_prd::{Options, Parsed, SourceText, parse, parse_many, report};

/// Pieces of which PRDs, and their traps, are made.
const PIECES: &[&str] = &[
    "- [ ] ",
    "- [x] ",
    "- [-] ",
    "- [~] ",
    "- [P] ",
    "- [ ]* ",
    "* [/] ",
    "1. [ ] ",
    "2) [X] ",
    "- [] ",
    "[ ] ",
    "- ",
    "  ",
    "    ",
    "\t",
    "\n",
    "\n\n",
    "\r\n",
    "> ",
    "# ",
    "## ",
    "### ",
    "## Phase 1: ",
    "### Phase 2: ",
    "## Day 1-2: ",
    "## Dependencies\n",
    "## Acceptance Criteria\n",
    "**Done When:**\n",
    "## Tasks / Subtasks\n",
    "# Task ID: 1\n",
    "T001 ",
    "T002 ",
    "T003 ",
    "TXXX ",
    "[P] ",
    "[US1] ",
    "1.1 ",
    "1. ",
    "TASK-1: ",
    "{#a} ",
    "🆔 a ",
    "^b",
    "#tag ",
    "(depends on T001)",
    "(depends on: T002, T003)",
    "(after: 1)",
    "_Depends: 1.1_",
    "⛔ a",
    "(depends on Phase 1)",
    "  - Depends on: T001\n",
    "  - _Requirements: 1.1_\n",
    "(satisfies: FR-1)",
    "(parallel with: T001)",
    "None",
    "(Priority: High)",
    "[P0] ",
    "(2d)",
    "📅 2024-01-01 ",
    "[due:: 2024-01-01] ",
    "@ann ",
    "~~",
    "**",
    "_",
    "`",
    "```\n",
    "```bash run\n",
    "```json\n{\"waves\":[[\"T001\"],[\"T002\"]]}\n```\n",
    "<!-- id: c -->",
    "<!--",
    "-->",
    "<div>\n",
    "| a | [ ] b |\n|---|---|\n",
    "---\n",
    "+++\n",
    "---\nid: A-1\nstatus: Done\ndependencies: [B-2]\n---\n",
    "---\nmarks: {\"-\": cancelled}\n---\n",
    "- **Phase 1**: depends on Phase 2\n",
    "T001 → T002\n",
    "word ",
    "Ünï ",
    "任务 ",
    "\u{200b}",
    "\u{feff}",
    "\u{a0}",
    "\\",
    "(",
    ")",
    "[",
    "]",
    "FR-1: ",
    "AC1: ",
    "setup ",
    "===\n",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

/// A fixture with a few pieces cut out, doubled or put in.
fn mutated() -> impl Strategy<Value = String> {
    let texts: Vec<String> =
        fixtures::own().into_iter().flat_map(|document| document.sources).map(|(_, text)| text).collect();
    let edit = (any::<prop::sample::Index>(), 0..40_usize, prop::sample::select(PIECES), 0..3_u8);
    (prop::sample::select(texts), prop::collection::vec(edit, 1..6)).prop_map(|(mut text, edits)| {
        for (place, len, piece, kind) in edits {
            let from = floor(&text, place.index(text.len() + 1));
            let to = floor(&text, from + len);
            match kind {
                0 => text.replace_range(from..to, ""),
                1 => text.insert_str(from, piece),
                _ => {
                    let doubled = text[from..to].to_owned();
                    text.insert_str(from, &doubled);
                }
            }
        }
        text
    })
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn any_characters_are_read(text in any::<String>()) {
        holds(&text)?;
    }

    #[test]
    fn soup_is_read(text in soup()) {
        holds(&text)?;
    }

    #[test]
    fn mutated_fixtures_are_read(text in mutated()) {
        holds(&text)?;
    }

    #[test]
    fn several_texts_make_one_document(texts in prop::collection::vec(soup(), 0..4)) {
        let names: Vec<String> = (0..texts.len()).map(|at| format!("{at}.md")).collect();
        let sources: Vec<SourceText<'_>> =
            names.iter().zip(&texts).map(|(name, text)| SourceText { name, text }).collect();
        let parsed = parse_many(&sources, &Options::default());
        let plain: Vec<&str> = texts.iter().map(String::as_str).collect();
        spans_fit(&parsed, &plain)?;
        is_consistent(&parsed.document)?;
        serde_json::to_string(&report(&parsed, &sources)).unwrap();
    }
}

const DIALECTS: &[Dialect] = &[
    Dialect::Plain,
    Dialect::SpecKit,
    Dialect::Kiro,
    Dialect::TaskMaster,
    Dialect::Obsidian,
    Dialect::Backlog,
    Dialect::OpenSpec,
    Dialect::Bmad,
];

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn any_notation_may_be_forced(
        text in soup(),
        dialect in prop::sample::select(DIALECTS),
        ordering in prop::sample::select(&[Ordering::Sequential, Ordering::Phases, Ordering::Explicit][..]),
    ) {
        let parsed = parse(&text, &Options { dialect: Some(dialect), ordering: Some(ordering) });
        prop_assert_eq!(parsed.document.metadata.dialect, dialect);
        prop_assert_eq!(parsed.document.metadata.ordering, ordering);
        spans_fit(&parsed, &[&text])?;
        is_consistent(&parsed.document)?;
    }
}

/// Texts are read by name; places still say which of the given texts they are in.
#[test]
fn a_folder_is_read_in_the_order_of_names() {
    let text = |name: &str| format!("# Task ID: {name}\n# Title: t\n# Dependencies: 1\n");
    let (one, two) = (text("1"), text("2"));
    let sources = [SourceText { name: "b.md", text: &two }, SourceText { name: "a.md", text: &one }];
    let parsed = parse_many(&sources, &Options::default());
    let tasks: Vec<(&str, usize)> = parsed.document.tasks.iter().map(|t| (t.id.as_str(), t.source)).collect();
    assert_eq!(tasks, [("1", 1), ("2", 0)]);
    let report = serde_json::to_value(report(&parsed, &sources)).unwrap();
    assert_eq!(report["diagnostics"][0]["file"], "a.md", "task 1 waits for itself: {report}");
    assert_eq!(
        (&report["diagnostics"][0]["line"], &report["diagnostics"][0]["column"]),
        (&3.into(), &17.into())
    );
}

/// Everything that holds for one text.
fn holds(text: &str) -> Result<(), TestCaseError> {
    let parsed = parse(text, &Options::default());
    prop_assert_eq!(&parsed, &parse(text, &Options::default()), "two parses differ");
    spans_fit(&parsed, &[text])?;
    is_consistent(&parsed.document)?;
    is_sorted(&parsed)?;
    writes_back(text, &parsed)
}

fn marks(document: &Document) -> Vec<(usize, Mark, Claim)> {
    let tasks = document.tasks.iter().filter_map(|task| Some((task.source, task.mark?, task.status)));
    let requirements =
        document.requirements.iter().filter_map(|one| Some((one.source, one.mark?, one.status)));
    let criteria = document.tasks.iter().flat_map(|task| {
        task.acceptance.iter().filter_map(move |one| Some((task.source, one.mark?, one.status)))
    });
    tasks.chain(requirements).chain(criteria).collect()
}

fn spans_fit(parsed: &Parsed, texts: &[&str]) -> Result<(), TestCaseError> {
    let mut spans: Vec<(usize, Span)> = Vec::new();
    spans.extend(marks(&parsed.document).iter().map(|(source, mark, _)| (*source, mark.span)));
    spans.extend(parsed.document.tasks.iter().map(|task| (task.source, task.span)));
    for diagnostic in &parsed.diagnostics {
        prop_assert!(diagnostic.help.is_some(), "{} says nothing that helps", diagnostic.code);
        spans.extend(diagnostic.span.map(|span| (diagnostic.source, span)));
        spans.extend(diagnostic.labels.iter().map(|label| (diagnostic.source, label.span)));
    }
    for (source, span) in spans {
        let text = texts[source];
        prop_assert!(
            span.start <= span.end && text.get(span.start..span.end).is_some(),
            "{span:?} in {text:?}"
        );
    }
    for (source, mark, _) in marks(&parsed.document) {
        let text = texts[source];
        prop_assert_eq!(text[mark.span.start..].chars().next(), Some(mark.character));
        prop_assert_eq!(&text[mark.span.start - 1..mark.span.start], "[");
        prop_assert_eq!(&text[mark.span.end..=mark.span.end], "]");
    }
    Ok(())
}

fn is_consistent(document: &Document) -> Result<(), TestCaseError> {
    let tasks: BTreeMap<&str, usize> =
        document.tasks.iter().enumerate().map(|(at, task)| (task.id.as_str(), at)).collect();
    let phases: BTreeSet<&str> = document.phases.iter().map(|phase| phase.id.as_str()).collect();
    let requirements: BTreeSet<&str> = document.requirements.iter().map(|one| one.id.as_str()).collect();
    let ordinals: BTreeSet<&str> = document.tasks.iter().map(|task| task.ordinal.as_str()).collect();
    prop_assert_eq!(tasks.len(), document.tasks.len(), "ids of tasks are unique");
    prop_assert_eq!(phases.len(), document.phases.len(), "ids of phases are unique");
    prop_assert_eq!(requirements.len(), document.requirements.len(), "ids of requirements are unique");
    prop_assert_eq!(ordinals.len(), document.tasks.len(), "ordinals are unique");
    for phase in &document.phases {
        prop_assert!(phase.parent.as_ref().is_none_or(|parent| phases.contains(parent.as_str())));
    }
    for requirement in &document.requirements {
        prop_assert!(requirement.phase.as_ref().is_none_or(|phase| phases.contains(phase.as_str())));
    }
    for task in &document.tasks {
        prop_assert!(phases.contains(task.phase.as_str()), "phase of {}", task.id);
        prop_assert!(task.parent.as_ref().is_none_or(|parent| tasks.contains_key(parent.as_str())));
        let edges: Vec<&str> = document
            .edges
            .iter()
            .filter(|edge| edge.task == task.id)
            .map(|edge| edge.dependency.as_str())
            .collect();
        let dependencies: Vec<&str> = task.dependencies.iter().map(|id| id.as_str()).collect();
        prop_assert_eq!(edges, dependencies);
    }
    let mut edges = Vec::new();
    for edge in &document.edges {
        prop_assert!(tasks.contains_key(edge.task.as_str()) && tasks.contains_key(edge.dependency.as_str()));
        edges.push((tasks[edge.task.as_str()], tasks[edge.dependency.as_str()]));
    }
    prop_assert!(edges.windows(2).all(|pair| pair[0] < pair[1]), "edges are sorted, each pair once");
    prop_assert!(is_acyclic(document.tasks.len(), &edges), "edges have no cycle");
    Ok(())
}

/// Takes away what waits for nothing until nothing is left.
pub(crate) fn is_acyclic(tasks: usize, edges: &[(usize, usize)]) -> bool {
    let mut waits = vec![0_usize; tasks];
    edges.iter().for_each(|(task, _)| waits[*task] += 1);
    let mut free: Vec<usize> = (0..tasks).filter(|task| waits[*task] == 0).collect();
    let mut taken = 0;
    while let Some(done) = free.pop() {
        taken += 1;
        for (task, _) in edges.iter().filter(|(_, on)| *on == done) {
            waits[*task] -= 1;
            if waits[*task] == 0 {
                free.push(*task);
            }
        }
    }
    taken == tasks
}

fn is_sorted(parsed: &Parsed) -> Result<(), TestCaseError> {
    let places: Vec<_> =
        parsed.diagnostics.iter().map(|d| (d.source, d.span.map(|span| span.start))).collect();
    prop_assert!(places.is_sorted(), "findings are sorted by source and place");
    let lines: Vec<_> = parsed.document.tasks.iter().map(|task| (task.source, task.line)).collect();
    prop_assert!(lines.is_sorted(), "tasks are in document order");
    Ok(())
}

fn writes_back(text: &str, parsed: &Parsed) -> Result<(), TestCaseError> {
    let dialect = parsed.document.metadata.dialect;
    let own = marks(&parsed.document);
    let same: Vec<Change> =
        own.iter().map(|(source, mark, to)| Change { mark: *mark, source: *source, to: *to }).collect();
    prop_assert_eq!(apply(text, dialect, &[]), Ok(text.to_owned()));
    let struck = parsed.document.tasks.iter().any(|task| task.status == Claim::Cancelled)
        || own.iter().any(|(.., claim)| *claim == Claim::Cancelled);
    if !struck {
        prop_assert_eq!(
            apply(text, dialect, &same),
            Ok(text.to_owned()),
            "claims that stand already change nothing"
        );
    }
    for (at, task) in parsed.document.tasks.iter().enumerate().take(8) {
        let Some(mark) = task.mark else { continue };
        for to in [Claim::Pending, Claim::InProgress, Claim::Completed, Claim::Cancelled] {
            let Ok(out) = apply(text, dialect, &[Change { mark, source: task.source, to }]) else { continue };
            let (head, tail) = (&text[..mark.span.start], &text[mark.span.end..]);
            prop_assert!(out.starts_with(head) && out.ends_with(tail), "only the mark changes");
            let written = &out[head.len()..out.len() - tail.len()];
            prop_assert_eq!(written.trim_end_matches(['\u{fe0e}', '\u{fe0f}']).chars().count(), 1);
            let again = parse(&out, &Options { dialect: Some(dialect), ordering: None });
            let ids = |parsed: &Parsed| -> Vec<String> {
                parsed.document.tasks.iter().map(|t| t.id.to_string()).collect()
            };
            prop_assert_eq!(ids(&again), ids(parsed), "ids stay after write-back");
            let found = again.document.tasks[at].status;
            prop_assert!(found == to || found == Claim::Cancelled, "{to:?} was written, {found:?} is read");
        }
    }
    Ok(())
}

/// Ids of tasks without an explicit one do not move when another phase is edited.
#[test]
fn slugs_stay_when_other_phases_change() {
    let phase = |number: usize, name: &str, tasks: &[&str]| {
        let lines: String = tasks.iter().map(|task| format!("- [ ] {task}\n")).collect();
        format!("## Phase {number}: {name}\n{lines}\n")
    };
    let middle = phase(2, "Build", &["Walls", "Roof", "Roof", "Door (depends on: Walls)"]);
    let ids = |text: &str| -> Vec<String> {
        let parsed = parse(text, &Options::default());
        parsed
            .document
            .tasks
            .iter()
            .filter(|task| task.phase.as_str() == "build")
            .map(|t| t.id.to_string())
            .collect()
    };
    let first =
        ids(&format!("{}{middle}{}", phase(1, "Plan", &["Walls", "Ask"]), phase(3, "Sell", &["Roof"])));
    assert_eq!(first, ["build/walls", "build/roof", "build/roof-2", "build/door"]);
    for text in [
        middle.clone(),
        format!("{}{middle}", phase(1, "Plan", &["Roof", "Roof", "Walls", "More"])),
        format!("{middle}{}", phase(3, "Sell", &["Walls", "Door"])),
        format!("{}{}{middle}", phase(1, "New", &["Walls"]), phase(1, "Plan", &["Walls"])),
    ] {
        assert_eq!(ids(&text), first, "{text}");
    }
}
