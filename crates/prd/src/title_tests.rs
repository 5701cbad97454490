//! What the first paragraph of an item says.

use super::*;
use crate::tokens::Dotted;
use taskmaster_core::text::Span;

fn item(text: &str) -> Fields {
    let rules = IdRules::new(Dotted::Several, std::iter::once(text));
    read(&Inline::new(text, &[Span::new(0, text.len())]), 0, &rules)
}

fn id(fields: &Fields) -> Option<&str> {
    fields.id.as_ref().map(|(_, id)| id.text.as_str())
}

fn dependencies(fields: &Fields) -> Vec<&str> {
    fields.dependencies.iter().map(|value| value.text.as_str()).collect()
}

#[test]
fn a_spec_kit_line() {
    let fields = item("T014 [P] [US1,US2] Implement [Service] in src/a_[b].py (depends on T012, T013)");
    assert_eq!(id(&fields), Some("T014"));
    assert_eq!(fields.title, "Implement [Service] in src/a_[b].py");
    assert!(fields.parallel);
    assert_eq!(fields.tags, ["US1", "US2"]);
    assert_eq!(dependencies(&fields), ["T012, T013"]);
}

#[test]
fn leading_ids() {
    for (text, wanted, title) in [
        ("**T001** Do it", "T001", "Do it"),
        ("**T001: Do it**", "T001", "Do it"),
        ("**T001**: Do it", "T001", "Do it"),
        ("T-S012-P01-002 Do it", "T-S012-P01-002", "Do it"),
        ("GIT-12: Do it", "GIT-12", "Do it"),
        ("**GIT-12:** Do it", "GIT-12", "Do it"),
        ("**GIT-12**: Do it", "GIT-12", "Do it"),
        ("GIT-12 – Do it", "GIT-12", "Do it"),
        ("TASK-12 Do it", "TASK-12", "Do it"),
        ("T001a Do it", "T001a", "Do it"),
        ("T001 - Do it", "T001", "Do it"),
        ("**0.1.1 Account Setup**", "0.1.1", "Account Setup"),
        ("1.1. Do it", "1.1", "Do it"),
        ("[P] T003 Do it", "T003", "Do it"),
        ("~~T004 Do it~~", "T004", "Do it"),
        ("**T005 Do** it", "T005", "**Do** it"),
    ] {
        let fields = item(text);
        assert_eq!((id(&fields), fields.title.as_str()), (Some(wanted), title), "{text}");
    }
    for text in
        ["T01 x", "T001-x y", "UTF8 x", "1. x", "Git-12 x", "T001.py x", "GIT-12 x", "UTF-8 x", "SHA3-256: x"]
    {
        assert_eq!(id(&item(text)), None, "{text}");
        assert_eq!(item(text).title, text);
    }
    let placeholder = item("TXXX [P] Docs");
    assert!(placeholder.placeholder.is_some() && placeholder.parallel);
    assert_eq!((id(&placeholder), placeholder.title.as_str()), (None, "Docs"));
}

#[test]
fn the_first_form_of_an_id_counts() {
    assert_eq!(id(&item("T001 x {#a} [id:: b] 🆔 c <!-- id: d --> ^e")), Some("a"));
    assert_eq!(id(&item("T001 x [id:: b] 🆔 c <!-- id: d --> ^e")), Some("b"));
    assert_eq!(id(&item("T001 x 🆔 c <!-- id: d --> ^e")), Some("c"));
    assert_eq!(id(&item("T001 x <!-- id: d --> ^e")), Some("d"));
    assert_eq!(id(&item("T001 x ^e")), Some("T001"));
    assert_eq!(id(&item("x ^e")), Some("e"));
    assert_eq!(item("x <!-- note --> y ^e").title, "x y");
}

#[test]
fn an_obsidian_line() {
    let fields = item(
        "#task **check**: all 🔁 every day when done 🏁 delete ⏫ ⛔\u{fe0f} dcf64c,0h17ye 🛫 2024-01-02 📅 2024-01-03 #ops",
    );
    assert_eq!(fields.title, "**check**: all");
    assert_eq!(fields.tags, ["ops"]);
    assert_eq!(fields.priority, Some(Priority::High));
    assert_eq!(dependencies(&fields), ["dcf64c,0h17ye"]);
    let dates: Vec<_> = fields.dates.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(
        dates,
        [
            ("due", "2024-01-03"),
            ("on_completion", "delete"),
            ("recurrence", "every day when done"),
            ("start", "2024-01-02")
        ]
    );
}

#[test]
fn emoji_without_a_date_are_text() {
    let fields = item("**Enable it**: ✅ Storage class fixed");
    assert_eq!(fields.title, "**Enable it**: ✅ Storage class fixed");
    assert!(fields.dates.is_empty());
}

#[test]
fn dataview_fields() {
    let fields =
        item("Do it [priority:: high] (due:: 2026-05-20) [dependsOn:: a,b] [estimate:: 3h] [color:: red]");
    assert_eq!(fields.title, "Do it [color:: red]");
    assert_eq!(fields.priority, Some(Priority::High));
    assert_eq!(fields.dates["due"], "2026-05-20");
    assert_eq!(dependencies(&fields), ["a,b"]);
    assert_eq!(fields.estimate.map(|e| e.low_minutes), Some(180));
}

#[test]
fn nothing_in_code_or_a_target_is_a_field() {
    for text in [
        "Keep `(depends on T001)` and `#task`",
        "See [docs](https://x.y/#frag(after:z))",
        "Escape \\(after: T001\\)",
        "Escape \\#tag and \\@ann and \\*Depends: T001*",
        "Install @angular/core and mail a@b.c",
        "C# and [[#Remaining|tests]] in [a][US1]",
    ] {
        let fields = item(text);
        assert_eq!(fields.title, text);
        assert_eq!((dependencies(&fields), fields.tags.len(), &fields.owner), (vec![], 0, &None), "{text}");
    }
}

#[test]
fn fields_at_the_end_of_the_line() {
    let fields = item("Do it (2d) (P1) @ann @bob - Priority: Low, Estimate: 3h");
    assert_eq!(fields.title, "Do it");
    assert_eq!(fields.owner.as_deref(), Some("ann, bob"));
    assert_eq!(fields.priority, Some(Priority::High), "the first one written counts");
    assert_eq!(fields.estimate.map(|e| e.text), Some("2d".to_owned()));
    let fields = item("Set Priority: header for h2");
    assert_eq!((fields.title.as_str(), fields.priority), ("Set Priority: header for h2", None));
    let fields = item("Do it _Depends: 4.1_ **Validates: Requirements 1.6**");
    assert_eq!((fields.title.as_str(), dependencies(&fields)), ("Do it", vec!["4.1"]));
    assert_eq!(fields.requirements, ["1.6"]);
}

#[test]
fn an_owner_has_a_name() {
    for text in ["Do it (owner: ``)", "Do it (owner: **)", "Do it (owner: `` `` )"] {
        assert_eq!(item(text).owner, None, "{text}");
    }
}

#[test]
fn emphasised_fields_begin_at_a_border_and_have_three_marks_at_most() {
    for text in ["Do it x_Depends: 4.1_", "Do it ____Depends: 4.1____", "Do it _4.1_"] {
        assert_eq!(dependencies(&item(text)), Vec::<&str>::new(), "{text}");
    }
    assert_eq!(dependencies(&item("Do it ***Depends: 4.1***")), ["4.1"]);
}

#[test]
fn issues_stay_in_the_title() {
    let fields = item("#126 Decide ⛔ blocked by O13–O16");
    assert_eq!((fields.title.as_str(), fields.issue.as_deref()), ("#126 Decide", Some("#126")));
    assert_eq!(dependencies(&fields), ["O13–O16"]);
}

#[test]
fn struck_titles() {
    assert!(item("~~Do it~~").struck && item("**~~Do it~~**").struck && item("T001 ~~Do it~~ #x").struck);
    assert!(!item("~~Do~~ it").struck && !item("~~a~~ ~~b~~").struck);
    assert_eq!(item("~~Do it~~").title, "Do it");
}

#[test]
fn places_lead_to_the_source() {
    let source = "[ ] Do it\n  (depends on T001)";
    let inline = Inline::new(source, &[Span::new(0, 9), Span::new(12, 29)]);
    let fields = read(&inline, 3, &IdRules::new(Dotted::Never, std::iter::empty()));
    assert_eq!(fields.dependencies[0].span.of(source), "T001");
    assert_eq!(fields.title, "Do it");
}
