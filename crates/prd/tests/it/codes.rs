//! Each code of docs/notation.md §9 comes from some text, at the place and with the severity that
//! the page says; and no finding has a code that the page does not list.

use crate::fixtures;
use std::collections::BTreeMap;
use taskmaster_core::diagnostic::{Diagnostic, Severity};
use taskmaster_prd::{Options, SourceText, parse, parse_bounded, parse_many};

/// A text, the code it shows, and the bytes at which it stands (`None`: the whole text).
fn shown() -> Vec<(String, &'static str, Option<&'static str>)> {
    let rows: &[(&str, &str, Option<&str>)] = &[
        ("- [-] a\n", "ambiguous-mark", Some("-")),
        ("\u{200b}- [ ] a\n", "box-after-zero-width", Some("[ ]")),
        ("Text\n\n    - [ ] a\n", "box-in-code", Some("[ ]")),
        ("# [x] a\n", "box-in-heading", Some("[x]")),
        ("<div>\n- [ ] a\n</div>\n", "box-in-html", Some("[ ]")),
        ("| a | b |\n|---|---|\n| [x] | c |\n", "box-in-table", Some("[x]")),
        ("Text\n2. [ ] a\n", "box-without-bullet", Some("[ ]")),
        ("- [ ] T001 a (after: T002)\n- [ ] T002 b (after: T001)\n", "dependency-cycle", Some("T002")),
        ("- [ ] T001 a\n- [ ] T001 b\n", "duplicate-id", Some("T001")),
        ("## Phase 1: A\n\ntext\n", "empty-phase", Some("Phase 1: A")),
        ("---\nid: A-1\nstatus: Done\ndependencies: [B-2]\n---\n", "external-dependency", Some("B-2")),
        ("---\na: [\n---\n- [ ] a\n", "front-matter", Some("---")),
        ("- [x ] a\n", "malformed-box", Some("[x ]")),
        ("- [ ] a\n\n```mermaid\ngraph TD\nA[Task 1] --> B\n```\n", "mermaid-graph", Some("```mermaid")),
        ("# A\n", "no-tasks", None),
        ("- [ ] T001 a (after: T002)\n- [ ] T002 b\n", "order-dropped", Some("- [ ] T002 b")),
        ("## Phase One\n", "phase-lookalike", Some("Phase One")),
        ("- [ ] TXXX a\n", "placeholder-id", Some("TXXX")),
        ("- [ ] a\n\n```sh run\nmake\n```\n", "stray-action", Some("```sh run")),
        ("# TASK-001: a\n", "tasks-in-headings", Some("TASK-001: a")),
        ("```mermaid\ngantt\nDig :3d\n```\n", "tasks-in-gantt", Some("```mermaid")),
        ("| Task | Owner |\n|---|---|\n| a | b |\n", "tasks-in-table", Some("| Task | Owner |")),
        ("{\"master\": {\"tasks\": []}}\n", "tasks-json", Some("{")),
        ("x 2024-01-01 a\n(A) b\n", "todo-txt", Some("x 2024-01-01 a")),
        ("<!-- a\n- [ ] b\n", "unclosed-comment", Some("<!-- a")),
        ("```sh\n- [ ] a\n", "unclosed-fence", Some("```sh")),
        ("- [ ] T001 a (after: T009)\n", "unknown-dependency", Some("T009")),
        ("---\ndialect: kirro\n---\n", "unknown-dialect", Some("dialect: kirro")),
        ("- [%] a\n", "unknown-mark", Some("%")),
        ("---\nmarks: {\"-\": gone}\n---\n", "unknown-mark-meaning", Some("marks: {\"-\": gone}")),
        ("---\nordering: none\n---\n", "unknown-ordering", Some("ordering: none")),
        ("- [ ] a (Priority: soon)\n", "unknown-priority", Some("soon")),
        ("```json\n{\"waves\": [\n```\n", "unreadable-waves", Some("```json")),
    ];
    let mut rows: Vec<_> =
        rows.iter().map(|(text, code, place)| ((*text).to_owned(), *code, *place)).collect();
    let tasks: String = (0..1000).map(|_| "- [ ] a\n").collect();
    let phases = "Phase 1, ".repeat(5001);
    let many = format!("## Phase 1: A\n{tasks}## Phase 2: B\n- [ ] b (depends on: {phases})\n");
    rows.push((many, "too-many-dependencies", None));
    rows
}

/// The table of §9: code and severities.
fn listed() -> BTreeMap<String, Vec<Severity>> {
    let page = fixtures::text(&fixtures::root().join("docs/notation.md"));
    let (_, table) = page.split_once("## 9 Diagnostics").expect("the page has §9");
    let rows = table.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let code = cells.next()?.trim_end_matches('`').to_owned();
        let words = cells.next()?.split([' ', ',']).filter_map(|word| match word {
            "note" => Some(Severity::Note),
            "warning" => Some(Severity::Warning),
            "error" => Some(Severity::Error),
            _ => None,
        });
        Some((code, words.collect()))
    });
    rows.collect()
}

#[test]
fn each_code_stands_where_it_belongs() {
    for (text, code, place) in shown() {
        let parsed = parse(&text, &Options::default());
        let found: Vec<&Diagnostic> = parsed.diagnostics.iter().filter(|d| d.code == code).collect();
        assert_eq!(found.len(), 1, "{code}: {:?}", parsed.diagnostics);
        assert_eq!(found[0].span.map(|span| span.of(&text)), place, "{code}");
    }
}

#[test]
fn the_page_lists_what_the_parser_says() {
    let listed = listed();
    let shown = shown();
    let shown_codes: Vec<&str> = shown.iter().map(|(_, code, _)| *code).collect();
    // It is not for every caller: `a_text_of_too_many_blocks_is_refused_at_its_place`.
    for code in listed.keys().filter(|code| *code != "too-large") {
        assert!(shown_codes.contains(&code.as_str()), "no text shows `{code}`");
    }
    let texts = shown.iter().map(|(text, ..)| text.clone()).filter(|text| text.len() < 10_000);
    let own = fixtures::own().into_iter().flat_map(|document| document.sources).map(|(_, text)| text);
    for text in texts.chain(own) {
        for diagnostic in parse(&text, &Options::default()).diagnostics {
            let severities = listed.get(diagnostic.code);
            let fits = severities.is_some_and(|severities| severities.contains(&diagnostic.severity));
            assert!(fits, "§9 does not list `{}` as {:?}", diagnostic.code, diagnostic.severity);
        }
    }
}

/// What people read first: the words of some messages.
#[test]
fn messages_name_what_they_are_about() {
    let message = |text: &str, code: &str| {
        let parsed = parse(text, &Options::default());
        let found = parsed.diagnostics.into_iter().find(|d| d.code == code).unwrap();
        (found.message, found.help.unwrap_or_default())
    };
    let nine = "# A\n## B\n## C\n### D\n## E\n## F\n## G\n## H\n## I\ntext\n";
    assert_eq!(message(nine, "no-tasks").0, "0 tasks under 9 headings, 0 boxes seen");
    let (unknown, help) =
        message("- [ ] T001 Lay bricks\n- [ ] T002 x (depends on Lay brick wall)\n", "unknown-dependency");
    assert_eq!(unknown, "no task or phase is called `Lay brick wall`");
    assert_eq!(help, "did you mean `Lay bricks`?");
    let json = "{\"master\": {\"tasks\": [{\"id\": 1}, {\"id\": 2}]}, \"next\": {\"tasks\": [{}]}}\n";
    assert_eq!(message(json, "tasks-json").0, "JSON with 3 tasks is not read as a document");
    let todo = "(A) 2026-01-01 Call +hut @phone\nx 2026-01-02 Sow\nReap @field\n";
    assert_eq!(message(todo, "todo-txt").0, "3 lines of todo.txt are not read as tasks");
    let table = "| Task | Owner |\n|---|---|\n| Sow | a |\n| Reap | b |\n";
    assert_eq!(message(table, "tasks-in-table").0, "2 rows of a table of tasks are not read as tasks");
    let gantt = "- [ ] Sow\n\n```mermaid\n---\ntitle: x\n---\ngantt\nSow :1d\nReap :1d\n```\n";
    assert_eq!(
        message(gantt, "tasks-in-gantt").0,
        "1 of 2 tasks of a gantt are written nowhere else, and are not read"
    );
    let cycle = "- [ ] T001 a (after: T003)\n- [ ] T002 b (after: T001)\n- [ ] T003 c (after: T002)\n";
    assert_eq!(
        message(cycle, "dependency-cycle").0,
        "dependencies in a circle (lines 1, 2, 3): T001 → T003 → T002 → T001"
    );
    let labels = parse(cycle, &Options::default()).diagnostics.remove(0).labels;
    let labels: Vec<&str> = labels.iter().map(|label| label.text.as_str()).collect();
    assert_eq!(
        labels,
        [
            "line 1: `T001` waits for `T003`",
            "line 2: `T002` waits for `T001`",
            "line 3: `T003` waits for `T002`"
        ]
    );
}

#[test]
fn a_text_of_too_many_blocks_is_refused_at_its_place() {
    let texts = ["- [ ] a\n- [ ] b\n", "- [ ] c\n- [ ] d\n"];
    let sources = texts.map(|text| SourceText { name: "x.md", text });
    let read = |most| parse_bounded(&sources, &Options::default(), most);
    // Each text is a root, a list, and an item and its text twice.
    assert_eq!(read(12), parse_many(&sources, &Options::default()));
    let cut = read(11);
    assert_eq!((cut.document.tasks.len(), cut.diagnostics.len()), (0, 1));
    let found = &cut.diagnostics[0];
    assert_eq!((found.code, found.severity, found.source), ("too-large", Severity::Error, 1));
    assert_eq!(found.span.map(|span| span.start), Some(10), "where its text begins");
    assert!(found.message.contains("more than 11"), "{}", found.message);
}

/// A file of another tool is known by its name too, whatever is in it.
#[test]
fn names_of_files_say_what_they_hold() {
    let codes = |name: &str, text: &str| {
        let parsed = parse_many(&[SourceText { name, text }], &Options::default());
        parsed.diagnostics.into_iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>()
    };
    assert_eq!(codes("a/tasks.json", "{}"), ["no-tasks", "tasks-json"]);
    assert_eq!(codes("a/tasks.json", "{ broken"), ["no-tasks", "tasks-json"]);
    assert_eq!(codes("a/Todo.txt", "Call mum\n"), ["no-tasks", "todo-txt"]);
    assert_eq!(codes("a/todo.txt", "- [ ] Call mum\n"), [""; 0]);
    assert_eq!(codes("a/notes.txt", "Call mum\n"), ["no-tasks"]);
    assert_eq!(codes("a/notes.md", "(A) or (B)\n"), ["no-tasks"]);
    assert_eq!(codes("a/notes.md", "{{< toc >}}\n\n- [ ] a \"tasks\"\n"), [""; 0]);
}
