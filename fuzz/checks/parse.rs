//! What holds for every document. The tests of the parser and the fuzz target `parse` have this file, too.

use std::collections::{BTreeMap, BTreeSet};
use taskmaster_core::document::{Claim, Document, Mark};
use taskmaster_core::text::Span;
use taskmaster_prd::write_back::{Change, apply};
use taskmaster_prd::{Options, Parsed, SourceText, parse, report};

/// Everything that holds for one text.
pub(super) fn check(text: &str) {
    let parsed = parse(text, &Options::default());
    assert_eq!(&parsed, &parse(text, &Options::default()), "two parses differ");
    spans_fit(&parsed, &[text]);
    is_consistent(&parsed.document);
    is_sorted(&parsed);
    let source = [SourceText { name: "prd.md", text }];
    let shown = serde_json::to_value(report(&parsed, &source)).expect("a report is JSON");
    let lines = text.lines().count().max(1) as u64 + 1;
    for task in shown["tasks"].as_array().expect("a list of tasks") {
        assert!((1..=lines).contains(&task["line"].as_u64().expect("a line")), "{task} of {lines} lines");
    }
}

/// Four times the text takes about four times the time. Counted is what this thread had of a processor, so that
/// others on the machine do not matter.
pub(super) fn check_cost(text: &str) {
    if text.is_empty() {
        return;
    }
    let long = |bytes: usize| text.repeat(bytes / text.len() + 1);
    let cost_ms = |text: &str| {
        let before = thread_ms();
        parse(text, &Options::default());
        thread_ms() - before
    };
    let (short, long) = (long(8 << 10), long(32 << 10));
    let (short_ms, long_ms) = (cost_ms(&short), cost_ms(&long));
    assert!(
        long_ms <= 8 * short_ms + 200,
        "{short_ms} ms for {} bytes and {long_ms} ms for {}",
        short.len(),
        long.len()
    );
}

fn thread_ms() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or_default() / 1_000_000
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

pub(super) fn spans_fit(parsed: &Parsed, texts: &[&str]) {
    let mut spans: Vec<(usize, Span)> = Vec::new();
    spans.extend(marks(&parsed.document).iter().map(|(source, mark, _)| (*source, mark.span)));
    spans.extend(parsed.document.tasks.iter().map(|task| (task.source, task.span)));
    for diagnostic in &parsed.diagnostics {
        assert!(diagnostic.help.is_some(), "{} says nothing that helps", diagnostic.code);
        spans.extend(diagnostic.span.map(|span| (diagnostic.source, span)));
        spans.extend(diagnostic.labels.iter().map(|label| (diagnostic.source, label.span)));
    }
    for (source, span) in spans {
        let text = texts[source];
        assert!(span.start <= span.end && text.get(span.start..span.end).is_some(), "{span:?} in {text:?}");
    }
    for (source, mark, _) in marks(&parsed.document) {
        let text = texts[source];
        assert_eq!(text[mark.span.start..].chars().next(), Some(mark.character));
        assert_eq!(&text[mark.span.start - 1..mark.span.start], "[");
        assert_eq!(&text[mark.span.end..=mark.span.end], "]");
    }
}

pub(super) fn is_consistent(document: &Document) {
    let tasks: BTreeMap<&str, usize> =
        document.tasks.iter().enumerate().map(|(at, task)| (task.id.as_str(), at)).collect();
    let phases: BTreeSet<&str> = document.phases.iter().map(|phase| phase.id.as_str()).collect();
    let requirements: BTreeSet<&str> = document.requirements.iter().map(|one| one.id.as_str()).collect();
    let ordinals: BTreeSet<&str> = document.tasks.iter().map(|task| task.ordinal.as_str()).collect();
    assert_eq!(tasks.len(), document.tasks.len(), "ids of tasks are unique");
    assert_eq!(phases.len(), document.phases.len(), "ids of phases are unique");
    assert_eq!(requirements.len(), document.requirements.len(), "ids of requirements are unique");
    assert_eq!(ordinals.len(), document.tasks.len(), "ordinals are unique");
    for phase in &document.phases {
        assert!(phase.parent.as_ref().is_none_or(|parent| phases.contains(parent.as_str())));
    }
    for requirement in &document.requirements {
        assert!(requirement.phase.as_ref().is_none_or(|phase| phases.contains(phase.as_str())));
    }
    for task in &document.tasks {
        assert!(phases.contains(task.phase.as_str()), "phase of {}", task.id);
        assert!(task.parent.as_ref().is_none_or(|parent| tasks.contains_key(parent.as_str())));
        let edges: Vec<&str> = document
            .edges
            .iter()
            .filter(|edge| edge.task == task.id)
            .map(|edge| edge.dependency.as_str())
            .collect();
        let dependencies: Vec<&str> = task.dependencies.iter().map(|id| id.as_str()).collect();
        assert_eq!(edges, dependencies);
    }
    let mut edges = Vec::new();
    for edge in &document.edges {
        assert!(tasks.contains_key(edge.task.as_str()) && tasks.contains_key(edge.dependency.as_str()));
        edges.push((tasks[edge.task.as_str()], tasks[edge.dependency.as_str()]));
    }
    assert!(edges.windows(2).all(|pair| pair[0] < pair[1]), "edges are sorted, each pair once");
    assert!(is_acyclic(document.tasks.len(), &edges), "edges have no cycle");
}

/// Takes away what waits for nothing until nothing is left.
fn is_acyclic(tasks: usize, edges: &[(usize, usize)]) -> bool {
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

fn is_sorted(parsed: &Parsed) {
    let places: Vec<_> =
        parsed.diagnostics.iter().map(|d| (d.source, d.span.map(|span| span.start))).collect();
    assert!(places.is_sorted(), "findings are sorted by source and place");
    let lines: Vec<_> = parsed.document.tasks.iter().map(|task| (task.source, task.line)).collect();
    assert!(lines.is_sorted(), "tasks are in document order");
}

/// Whatever one mark is to say, that mark changes and nothing else.
pub(super) fn check_marks(text: &str) {
    let parsed = parse(text, &Options::default());
    let dialect = parsed.document.metadata.dialect;
    let own = marks(&parsed.document);
    let same: Vec<Change> =
        own.iter().map(|(source, mark, to)| Change { mark: *mark, source: *source, to: *to }).collect();
    assert_eq!(apply(text, dialect, &[]), Ok(text.to_owned()));
    let struck = parsed.document.tasks.iter().any(|task| task.status == Claim::Cancelled)
        || own.iter().any(|(.., claim)| *claim == Claim::Cancelled);
    if !struck {
        assert_eq!(
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
            assert!(out.starts_with(head) && out.ends_with(tail), "only the mark changes");
            let written = &out[head.len()..out.len() - tail.len()];
            assert_eq!(written.trim_end_matches(['\u{fe0e}', '\u{fe0f}']).chars().count(), 1);
            let again = parse(&out, &Options { dialect: Some(dialect), ordering: None });
            let ids = |parsed: &Parsed| -> Vec<String> {
                parsed.document.tasks.iter().map(|t| t.id.to_string()).collect()
            };
            assert_eq!(ids(&again), ids(&parsed), "ids stay after write-back");
            let found = again.document.tasks[at].status;
            assert!(found == to || found == Claim::Cancelled, "{to:?} was written, {found:?} is read");
        }
    }
}
