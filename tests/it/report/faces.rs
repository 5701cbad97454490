//! What people read.

use super::{environments, lists, rollouts, sample};
use insta::assert_snapshot;
use taskmaster::report::{Render, TextOptions};
use unicode_width::UnicodeWidthStr;

fn text(view: &impl Render, width: usize) -> String {
    view.text(TextOptions { width, colour: false })
}

/// All views by name.
fn views() -> Vec<(&'static str, Box<dyn Render>)> {
    vec![
        ("plan", Box::new(lists::plan())),
        ("report", Box::new(sample::platform())),
        ("tasks", Box::new(lists::task_list())),
        ("task", Box::new(lists::task())),
        ("history", Box::new(lists::history())),
        ("changes", Box::new(lists::changes())),
        ("difference", Box::new(super::difference::everything())),
        ("rollout", Box::new(rollouts::under_way())),
        ("rollout-held", Box::new(rollouts::held())),
        ("rollout-back", Box::new(rollouts::told().remove(1))),
        ("rollouts", Box::new(rollouts::list())),
        ("rollout-history", Box::new(rollouts::history())),
        ("agent", Box::new(rollouts::agent())),
        ("environments", Box::new(environments::list())),
        ("promotion", Box::new(environments::promotion())),
        ("deployments", Box::new(environments::deployments(4))),
    ]
}

#[test]
fn text_at_every_width() {
    for (name, view) in views() {
        for width in [40, 80, 120] {
            assert_snapshot!(format!("{name}-{width}"), view.text(TextOptions { width, colour: false }));
        }
    }
}

#[test]
fn markdown() {
    for (name, view) in views() {
        assert_snapshot!(format!("{name}-markdown"), view.markdown());
    }
}

#[test]
fn a_picture_of_a_rollout_fits_the_terminal() {
    let views = [rollouts::under_way(), rollouts::held(), rollouts::long(), rollouts::told().remove(0)];
    for view in &views {
        for width in [40, 41, 60, 80, 200] {
            for height in [4, 10, 24, 60] {
                let lines = view.live(TextOptions { width, colour: false }, height);
                assert!(lines.len() <= height, "{} lines of {height}", lines.len());
                assert!(!lines.is_empty());
                for line in lines {
                    assert!(line.width() < width.max(41), "{} columns of {width}: {line}", line.width());
                    assert!(!line.contains('\u{1b}') && !line.contains('\n'), "{line:?}");
                }
            }
        }
    }
    for (name, width, height) in [("rollout-live-80x24", 80, 24), ("rollout-live-44x40", 44, 40)] {
        let lines = rollouts::under_way().live(TextOptions { width, colour: false }, height);
        assert_snapshot!(name, lines.join("\n"));
    }
    let lines: Vec<String> = views.iter().map(|view| view.line()).collect();
    assert_snapshot!("rollout-lines", lines.join("\n"));
}

#[test]
fn commands_are_shown_whole_when_asked_for() {
    let mut plan = lists::plan();
    plan.show_commands = true;
    let shown = text(&plan, 40);
    let lines: Vec<&str> = shown.lines().filter_map(|line| Some(line.split_once(" $ ")?.1)).collect();
    let expected: Vec<&str> =
        plan.tasks.iter().flat_map(|task| &task.commands).map(|command| command.line.as_str()).collect();
    assert_eq!(lines, expected);
    assert!(expected.iter().any(|line| line.len() > 40), "a line wider than the terminal is among them");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (name, view) in views() {
        for width in 40..=130 {
            let shown = view.text(TextOptions { width, colour: false });
            for line in shown.lines().filter(|line| !line.contains(" $ ")) {
                assert!(line.width() <= width, "{name} at {width}: {} columns: {line}", line.width());
            }
        }
    }
}

#[test]
fn colour_adds_nothing_but_escapes() {
    for (name, view) in views() {
        let plain = view.text(TextOptions { width: 80, colour: false });
        let coloured = view.text(TextOptions { width: 80, colour: true });
        assert!(coloured.contains("\u{1b}["), "{name} has colour");
        assert!(!plain.contains('\u{1b}'), "{name} has none without");
        assert_eq!(strip(&coloured), plain, "{name}");
    }
}

/// Removes `ESC [ … m`.
pub(super) fn strip(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    out + rest
}

#[test]
fn equal_views_give_equal_bytes() {
    let (one, two) = (sample::report(120), sample::report(120));
    assert_eq!(text(&one, 80), text(&two, 80));
    assert_eq!(one.markdown(), two.markdown());
    assert_eq!(one.json().to_string(), two.json().to_string());
}

#[test]
fn foreign_text_stays_inert_in_markdown() {
    for (name, view) in views() {
        let shown = view.markdown();
        let outside = outside_of_fences(&shown);
        for tag in ["<script", "<img", "<em>", "<b>", "</pre>", "<delivery>"] {
            assert!(!outside.contains(tag), "{name}: {tag} is live in\n{outside}");
        }
    }
}

/// Lines that are not inside a fenced block, without inline code.
fn outside_of_fences(text: &str) -> String {
    let mut fence: Option<String> = None;
    let mut kept = String::new();
    for line in text.lines() {
        let trimmed = line.trim_start();
        match &fence {
            Some(open) if trimmed.starts_with(open.as_str()) => fence = None,
            Some(_) => {}
            None if trimmed.starts_with("```") => {
                fence = Some(trimmed.chars().take_while(|c| *c == '`').collect());
            }
            None => {
                kept.extend(line.split('`').step_by(2));
                kept.push('\n');
            }
        }
    }
    assert!(fence.is_none(), "a fence is left open");
    kept
}

#[test]
fn markdown_of_any_size_fits_into_a_comment() {
    for total in [39, 300, 2_000] {
        let mut view = sample::report(total);
        for task in &mut view.tasks {
            task.title = task.title.repeat(20);
            for attempt in &mut task.attempts {
                attempt.tail = "a line of a log that says rather much about nothing\n".repeat(500);
            }
        }
        let shown = view.markdown();
        assert!(shown.chars().count() <= 65_536, "{total} tasks make {} characters", shown.chars().count());
        outside_of_fences(&shown);
    }
    let deployments = environments::deployments(2_000).markdown();
    assert!(deployments.chars().count() <= 65_536, "{}", deployments.chars().count());
    assert!(deployments.contains(" more rows: -o json"), "what is left out is counted");
    let many = sample::report(2_000).markdown();
    assert!(many.contains("more tasks: see the HTML report"), "what is left out is counted");
}
