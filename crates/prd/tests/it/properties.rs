//! What holds for every text: generated soup, mutated fixtures, arbitrary characters.

use crate::checks::{check, check_cost, check_marks, is_consistent, spans_fit};
use crate::fixtures;
use proptest::prelude::*;
use taskmaster_core::document::{Dialect, Ordering};
use taskmaster_prd::{Options, SourceText, parse, parse_many, report};

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
        check(&text);
        check_marks(&text);
    }

    #[test]
    fn soup_is_read(text in soup()) {
        check(&text);
        check_marks(&text);
    }

    #[test]
    fn mutated_fixtures_are_read(text in mutated()) {
        check(&text);
        check_marks(&text);
    }

    #[test]
    fn several_texts_make_one_document(texts in prop::collection::vec(soup(), 0..4)) {
        let names: Vec<String> = (0..texts.len()).map(|at| format!("{at}.md")).collect();
        let sources: Vec<SourceText<'_>> =
            names.iter().zip(&texts).map(|(name, text)| SourceText { name, text }).collect();
        let parsed = parse_many(&sources, &Options::default());
        let plain: Vec<&str> = texts.iter().map(String::as_str).collect();
        spans_fit(&parsed, &plain);
        is_consistent(&parsed.document);
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
        spans_fit(&parsed, &[&text]);
        is_consistent(&parsed.document);
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

/// Found by fuzzing: each name that is not known was compared with every other one, letter by letter. Here they are
/// few but long; the parse took minutes.
#[test]
fn names_that_are_not_known_are_compared_a_bounded_number_of_letters() {
    let known: String = (0..20).map(|at| format!("- [ ] {at} {}\n", "wall ".repeat(6_000))).collect();
    let unknown: String =
        (0..40).map(|at| format!("- [ ] b (after: x{at} {})\n", "fence ".repeat(1_500))).collect();
    let parsed = parse(&format!("## Phase 1: Build\n{known}{unknown}"), &Options::default());
    assert_eq!(parsed.document.tasks.len(), 60);
    check_cost(
        "- [ ] Measure the beds along the southern wall of the house\n- [ ] Dig (after: Measure all the bads along the northern walls)\n",
    );
    let near = parse("## Phase 1: Build\n- [ ] Wall\n- [ ] Roof (after: wlal)\n", &Options::default());
    assert!(
        near.diagnostics.iter().any(|found| found.help.as_deref() == Some("did you mean `Wall`?")),
        "{:?}",
        near.diagnostics
    );
}
