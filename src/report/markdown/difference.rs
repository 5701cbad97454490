//! A difference as a pull request's comment: what happens first, everything else folded away.

use super::escape::{block, code, text};
use super::lists::{diagnostic_items, finish};
use crate::report::difference_summary::DifferenceSummary;
use crate::report::difference_words as words;
use crate::report::human::{self, Names};
use crate::report::mermaid;
use crate::report::view::{CommandsView, DifferenceView, LineFate, TaskDifferenceView};
use std::fmt::Write as _;
use taskmaster_core::difference::model::Effect;

/// GitHub refuses a longer comment.
const LONGEST_COMMENT: usize = 65_536;
/// Kept lines around a changed one.
const CONTEXT: usize = 2;

/// How much is shown of what may be long.
#[derive(Clone, Copy)]
struct Limits {
    rows: usize,
    /// Longest name or reason, in characters.
    words: usize,
    commands: usize,
    lines: usize,
    /// Longest line of a command, in characters.
    line: usize,
    picture: bool,
}

/// Tried in turn until the text fits into a comment; the last is small for any document.
const LIMITS: [Limits; 4] = [
    Limits { rows: 200, words: 400, commands: 100, lines: 200, line: 2_000, picture: true },
    Limits { rows: 100, words: 200, commands: 30, lines: 60, line: 400, picture: true },
    Limits { rows: 50, words: 120, commands: 5, lines: 30, line: 200, picture: true },
    Limits { rows: 20, words: 80, commands: 0, lines: 0, line: 0, picture: false },
];

/// The difference as Markdown, short enough for a comment; what is left out is counted.
pub(crate) fn difference(view: &DifferenceView) -> String {
    let mut shown = String::new();
    for limits in LIMITS {
        shown = within(view, limits);
        if shown.chars().count() <= LONGEST_COMMENT {
            break;
        }
    }
    shown
}

fn within(view: &DifferenceView, limits: Limits) -> String {
    let summary = DifferenceSummary::of(view);
    let names = Names::new(view.tasks.iter().map(|task| (&task.name.id, task.name.ordinal.as_str())));
    let mut out = format!("{}\n", marker(view));
    let sentence = summary.sentence(view);
    let _ = writeln!(out, "### Plan for {}: {sentence}\n", code(view.environment.as_str()));
    let name = text(&cut(view.document.name(), limits.words));
    let _ = writeln!(out, "**{name}** · {} · {}\n", code(&view.document.path), words::ends(view));
    if view.is_new_document {
        out.push_str("The document is new: nothing of it was done yet.\n\n");
    }
    cautions(&mut out, view, limits);
    effects(&mut out, view, &names, limits);
    findings(&mut out, view, limits);
    dependencies(&mut out, view, limits);
    quiet_changes(&mut out, view, &names, limits);
    commands(&mut out, view, limits);
    if limits.picture {
        picture(&mut out, view);
    }
    finish(&out)
}

/// One line by which the comment is found again.
fn marker(view: &DifferenceView) -> String {
    let safe = |text: &str| {
        let kept = |c: char| if c.is_ascii_alphanumeric() || "._/".contains(c) { c } else { '-' };
        let mut safe: String = text.chars().map(kept).take(200).collect();
        while safe.contains("--") {
            safe = safe.replace("--", "-");
        }
        safe
    };
    format!("<!-- taskmaster plan {} {} -->", safe(view.environment.as_str()), safe(&view.document.path))
}

fn cut(foreign: &str, most: usize) -> String {
    let line = human::line(foreign);
    match line.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// Says what a limit left out.
fn rest(out: &mut String, all: usize, shown: usize, what: &str) {
    if all > shown {
        let _ = writeln!(out, "\n… and {} more {what}.", all - shown);
    }
}

fn cautions(out: &mut String, view: &DifferenceView, limits: Limits) {
    let all = words::cautions(view);
    if all.is_empty() {
        return;
    }
    out.push_str("> [!WARNING]\n");
    let shown = all.len().min(limits.rows.min(10));
    for caution in &all[..shown] {
        let _ = writeln!(out, "> - {}", text(&cut(caution, limits.words)));
    }
    if all.len() > shown {
        let _ = writeln!(out, "> - and {} more", all.len() - shown);
    }
    out.push('\n');
}

/// What happens, the first first.
fn effects(out: &mut String, view: &DifferenceView, names: &Names<'_>, limits: Limits) {
    let mut tasks: Vec<&TaskDifferenceView> =
        view.tasks.iter().filter(|task| task.effect != Effect::Nothing).collect();
    tasks.sort_by_key(|task| words::rank(&task.effect));
    if tasks.is_empty() {
        return;
    }
    out.push_str("| What happens | Task | Why |\n|---|---|---|\n");
    let shown = tasks.len().min(limits.rows);
    for task in &tasks[..shown] {
        let (sign, verb) = (words::sign(&task.effect), words::verb(&task.effect));
        let called = text(&cut(&words::called(task), limits.words));
        let why = text(&cut(&words::why(task, names), limits.words));
        let _ = writeln!(out, "| `{sign}` **{verb}** | {called} | {why} |");
    }
    rest(out, tasks.len(), shown, "tasks");
    out.push('\n');
}

fn findings(out: &mut String, view: &DifferenceView, limits: Limits) {
    if view.findings.is_empty() {
        return;
    }
    let count = human::count(view.findings.len(), "new finding", "new findings");
    let shown = view.findings.len().min(limits.rows.min(20));
    let mut listed = view.findings[..shown].to_vec();
    for finding in &mut listed {
        finding.message = cut(&finding.message, limits.words);
        // The command line tells what helps.
        finding.help = None;
    }
    let _ = writeln!(out, "**{count}**\n\n{}", diagnostic_items(&listed).trim_end());
    rest(out, view.findings.len(), shown, "findings");
    out.push('\n');
}

fn fold(out: &mut String, summary: &str, body: &str) {
    let _ = writeln!(out, "<details><summary>{summary}</summary>\n\n{}\n\n</details>\n", body.trim_end());
}

fn dependencies(out: &mut String, view: &DifferenceView, limits: Limits) {
    let (gained, lost) = (view.gained.len(), view.lost.len());
    let reordered = words::reordered(view);
    if gained + lost == 0 && reordered.is_none() {
        return;
    }
    let count = |number: usize, what: &str| (number > 0).then(|| format!("{number} {what}"));
    let counts: Vec<String> = [
        count(gained, "new"),
        count(lost, "gone"),
        (!view.reordered.is_empty()).then(|| "another order".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let gained = view.gained.iter().map(|tie| ('+', words::tie(tie, true)));
    let lost = view.lost.iter().map(|tie| ('-', words::tie(tie, false)));
    let all: Vec<(char, String)> = gained.chain(lost).collect();
    let shown = all.len().min(limits.rows);
    let mut body = String::new();
    for (sign, words) in &all[..shown] {
        let _ = writeln!(body, "- `{sign}` {}", text(&cut(words, limits.words)));
    }
    rest(&mut body, all.len(), shown, "dependencies");
    reordered.into_iter().for_each(|line| {
        let _ = writeln!(body, "- {line}");
    });
    fold(out, &format!("Dependencies: {}", counts.join(", ")), &body);
}

/// Changes by which nothing is done.
fn quiet_changes(out: &mut String, view: &DifferenceView, names: &Names<'_>, limits: Limits) {
    let tasks: Vec<&TaskDifferenceView> =
        view.tasks.iter().filter(|task| task.effect == Effect::Nothing).collect();
    if tasks.is_empty() {
        return;
    }
    let shown = tasks.len().min(limits.rows);
    let mut body = String::new();
    for task in &tasks[..shown] {
        let called = text(&cut(&words::called(task), limits.words));
        let why = text(&cut(&words::why(task, names), limits.words));
        let _ = writeln!(body, "- {called}: {why}");
    }
    rest(&mut body, tasks.len(), shown, "tasks");
    let tasks = human::count(tasks.len(), "task", "tasks");
    fold(out, &format!("Changes by which nothing runs: {tasks}"), &body);
}

fn commands(out: &mut String, view: &DifferenceView, limits: Limits) {
    let mut tasks: Vec<&TaskDifferenceView> =
        view.tasks.iter().filter(|task| !task.commands.is_empty()).collect();
    tasks.sort_by_key(|task| words::rank(&task.effect));
    if tasks.is_empty() {
        return;
    }
    let shown = tasks.len().min(limits.commands);
    let mut body = String::new();
    for task in &tasks[..shown] {
        let place = task.place.as_ref().map(|place| format!(" · {}", code(&cut(place, limits.words))));
        let called = text(&cut(&words::called(task), limits.words));
        let _ = writeln!(body, "**{called}**{}\n", place.unwrap_or_default());
        let lines: Vec<String> = task.commands.iter().flat_map(|part| lines(part, limits)).collect();
        let kept = lines.len().min(limits.lines);
        let _ = writeln!(body, "{}", block(&lines[..kept].join("\n"), "diff"));
        if lines.len() > kept {
            let _ = writeln!(body, "… and {} more lines.\n", lines.len() - kept);
        }
    }
    rest(&mut body, tasks.len(), shown, "tasks");
    let tasks = human::count(tasks.len(), "task", "tasks");
    fold(out, &format!("Command lines of {tasks}"), &body);
}

/// One part as lines of a `diff` block: what changed, with a little around it.
fn lines(part: &CommandsView, limits: Limits) -> Vec<String> {
    let has_changes = part.lines.iter().any(|line| line.fate != LineFate::Kept);
    let is_near = |place: usize| {
        let near = place.saturating_sub(CONTEXT)..(place + CONTEXT + 1).min(part.lines.len());
        !has_changes || part.lines[near].iter().any(|line| line.fate != LineFate::Kept)
    };
    let mut all = vec![format!("@@ {} @@", part.part.name())];
    let mut skipped = 0;
    for (place, line) in part.lines.iter().enumerate() {
        if !is_near(place) {
            skipped += 1;
            continue;
        }
        all.extend(gap(&mut skipped));
        let sign = match line.fate {
            LineFate::Kept => ' ',
            LineFate::Added => '+',
            LineFate::Removed => '-',
        };
        let text = human::lines(&line.text).join(" ");
        let text = match text.char_indices().nth(limits.line) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text,
        };
        all.push(format!("{sign} {text}"));
    }
    all.extend(gap(&mut skipped));
    all
}

fn gap(skipped: &mut usize) -> Option<String> {
    let count = std::mem::take(skipped);
    (count > 0).then(|| format!("  … {}", human::count(count, "line as before", "lines as before")))
}

fn picture(out: &mut String, view: &DifferenceView) {
    let Some(picture) = mermaid::picture(view) else { return };
    let left_out = mermaid::left_out(view).map(|line| format!("\n{line}\n")).unwrap_or_default();
    fold(out, "Picture of what changed", &format!("{}{left_out}", block(&picture, "mermaid")));
}
