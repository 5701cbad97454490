//! Small rules, each with the text that shows it.

use taskmaster_core::document::{Claim, Document, EdgeKind};
use taskmaster_prd::{Options, parse};

fn document(text: &str) -> Document {
    parse(text, &Options::default()).document
}

/// Who waits for whom by what is written.
fn waits(text: &str) -> Vec<(String, String)> {
    let document = document(text);
    let explicit = document.edges.iter().filter(|edge| edge.kind != EdgeKind::Order);
    explicit.map(|edge| (edge.task.to_string(), edge.dependency.to_string())).collect()
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(task, on)| ((*task).to_owned(), (*on).to_owned())).collect()
}

#[test]
fn what_is_struck_is_cancelled_unless_it_is_done() {
    let boxes = "- [x] ~~Kept~~\n- [ ] ~~Gone~~\n- [ ] Open\n";
    let wanted = [Claim::Completed, Claim::Cancelled, Claim::Pending];
    let tasks = document(boxes).tasks;
    assert_eq!(tasks.iter().map(|task| task.status).collect::<Vec<_>>(), wanted);
    let phased = format!("## Goals\n\n{boxes}\n## Phase 1: A\n\n- [ ] T001 a\n\n  Done When:\n\n");
    let criteria: String = boxes.lines().map(|line| format!("  {line}\n")).collect();
    let found = document(&format!("{phased}{criteria}"));
    assert_eq!(found.requirements.iter().map(|one| one.status).collect::<Vec<_>>(), wanted);
    let acceptance = &found.tasks[0].acceptance;
    assert_eq!(acceptance.iter().map(|one| one.status).collect::<Vec<_>>(), wanted);
}

#[test]
fn names_are_joined_by_and_in_every_place() {
    let tasks =
        "- [ ] Write docs\n- [ ] Try it out\n- [ ] Ship\n- [ ] Rest (depends on Write docs and Try it out)\n";
    let found = waits(&format!("---\nordering: explicit\n---\n{tasks}"));
    assert_eq!(found, pairs(&[("tasks/rest", "tasks/write-docs"), ("tasks/rest", "tasks/try-it-out")]));
}

#[test]
fn of_tasks_with_one_title_the_own_phase_is_meant() {
    let text = "---\nordering: explicit\n---\n## Phase 1: A\n\n- [ ] T001 Write docs\n\n## Phase 2: B\n\n\
                - [ ] T002 Write docs\n- [ ] T003 Ship (depends on: Write docs)\n\n## Phase 3: C\n\n- [ ] T004 Write docs\n";
    assert_eq!(waits(text), pairs(&[("T003", "T002")]));
}

#[test]
fn a_phase_is_called_by_its_title() {
    let text = "## Phase 1: Install all tools\n\n- [ ] T001 a\n\n## Phase 2: Other\n\n- [ ] T002 b\n\n\
                ## Phase 3: Polish\n\n- [ ] T003 c\n\n## Dependencies\n\n\
                - **Polish (Phase 3)**: Depends on Install all tools completion\n";
    assert_eq!(waits(text), pairs(&[("T002", "T001"), ("T003", "T001")]));
}

#[test]
fn a_phase_and_all_later_ones_are_named_by_a_plus() {
    let phases: String =
        (1..=4).map(|number| format!("## Phase {number}: P{number}\n\n- [ ] T00{number} a\n\n")).collect();
    let text = format!("{phases}## Dependencies\n\n- **P4 (Phase 4)**: Depends on Phase 2+\n");
    assert_eq!(
        waits(&text),
        pairs(&[("T002", "T001"), ("T003", "T002"), ("T004", "T002"), ("T004", "T003")])
    );
}

#[test]
fn decoration_inside_a_name_does_not_count() {
    for name in ["Acceptance *Criteria*", "`Acceptance` Criteria", "Acceptance ~~Criteria~~ (all of them):"] {
        let found = document(&format!("## Phase 1: A\n\n- [ ] T001 a\n\n### {name}\n\n- [ ] It works\n"));
        assert_eq!((found.tasks.len(), found.requirements.len()), (1, 1), "{name}");
    }
}

#[test]
fn a_heading_in_an_item_is_no_task() {
    let parsed = parse("- # [ ] Do it\n- [ ] Do that\n", &Options::default());
    assert_eq!(parsed.document.tasks.iter().map(|task| task.title.as_str()).collect::<Vec<_>>(), ["Do that"]);
    assert!(
        parsed.diagnostics.iter().any(|found| found.code == "box-in-heading"),
        "{:?}",
        parsed.diagnostics
    );
}

#[test]
fn none_in_a_list_is_no_name() {
    for list in ["T001, none", "T001, -", "none, T001", "None; T001"] {
        let text = format!("---\nordering: explicit\n---\n- [ ] T001 a\n- [ ] T002 b (depends on: {list})\n");
        let parsed = parse(&text, &Options::default());
        assert_eq!((waits(&text), parsed.diagnostics), (pairs(&[("T002", "T001")]), vec![]), "{list}");
    }
    for remark in ["none, can start at once", "none (T001 would help)", "None; see below"] {
        let text =
            format!("---\nordering: explicit\n---\n- [ ] T001 a\n- [ ] T002 b (depends on: {remark})\n");
        assert_eq!(waits(&text), pairs(&[]), "{remark}");
    }
}

/// Dropped one by one it would be 1,600 edges out of some 5,000: more than the steps that are spent on it.
#[test]
fn many_edges_that_close_a_circle_go_together_and_are_told_by_task() {
    let phase = |number: usize, depends: &str| {
        let task = |at| format!("- [ ] T{:03} [P] a{depends}\n", (number - 1) * 40 + at);
        format!("## Phase {number}: P{number}\n\n{}\n", (1..=40).map(task).collect::<String>())
    };
    let text = [phase(1, " (depends on: T081-T120)"), phase(2, ""), phase(3, "")].concat();
    let parsed = parse(&text, &Options::default());
    let kinds: Vec<EdgeKind> = parsed.document.edges.iter().map(|edge| edge.kind).collect();
    assert_eq!(kinds, vec![EdgeKind::Explicit; 1_600], "what is written stays");
    let told: Vec<&str> = parsed
        .diagnostics
        .iter()
        .filter(|one| one.code == "order-dropped")
        .map(|one| one.message.as_str())
        .collect();
    assert_eq!(told.len(), 80, "{told:?}");
    assert_eq!(told[0], "`T041` does not wait for `T001` and 39 more by the order of phases");
}
