//! Lists as Markdown.

use super::escape::{block, cell_code, code, text};
use crate::report::environment_words;
use crate::report::human::{self, Names};
use crate::report::summary::Group;
use crate::report::view::{
    ChangesView, DiagnosticView, HistoryView, RunView, TaskListView, TaskRef, TaskView,
};
use std::fmt::Write as _;
use taskmaster_core::diagnostic::Severity;

/// One line break at the end, never two empty lines.
pub(super) fn finish(out: &str) -> String {
    let mut out = out.trim_end().to_owned();
    out.push('\n');
    out
}

/// A task list as Markdown.
pub(crate) fn task_list(view: &TaskListView) -> String {
    let mut out = format!("## Tasks: {}\n\n", text(view.document.name()));
    if !view.filters.is_empty() {
        let filters = text(&view.filters.join(", "));
        let _ = writeln!(out, "{} of {} tasks with {filters}\n", view.tasks.len(), view.total);
    }
    out.push_str("| | Task | Id | Phase | Priority | State |\n|---|---|---|---|---|---|\n");
    let names = Names::new(view.tasks.iter().map(|task| (&task.id, task.ordinal.as_str())));
    for row in &view.tasks {
        let reason = human::reason(&row.state, &names).map(|reason| format!(": {}", text(&reason)));
        let _ = writeln!(
            out,
            "| {} | {} {} | {} | {} | {} | {}{} |",
            text(&Group::of(&row.state).sign().to_string()),
            text(&row.ordinal),
            text(&row.title),
            cell_code(row.id.as_str()),
            text(&row.phase_title),
            human::priority(row.priority),
            row.state.name(),
            reason.unwrap_or_default()
        );
    }
    finish(&out)
}

/// One task as Markdown.
pub(crate) fn task(view: &TaskView) -> String {
    let task = &view.task;
    let mut out = format!("## {} {}\n\n", text(&task.ordinal), text(&task.title));
    let names = Names::new(view.dependencies.iter().map(|task| (&task.id, task.ordinal.as_str())));
    let reason = human::reason(&task.state, &names).map(|reason| format!(": {}", text(&reason)));
    let proof = task.proof.as_ref().map_or("none", |proof| human::proof(proof.kind));
    let _ = writeln!(
        out,
        "**{}{}** (proof: {proof}; marked {}) · {} · {} · {} priority\n",
        task.state.name(),
        reason.unwrap_or_default(),
        human::claim(task.claim),
        code(task.id.as_str()),
        text(&view.phase_title),
        human::priority(task.priority)
    );
    items(&mut out, "Details", view.details.iter().map(|detail| text(detail)));
    let acceptance =
        view.acceptance.iter().map(|a| format!("{} ({})", text(&a.text), human::claim(a.status)));
    items(&mut out, "Acceptance", acceptance);
    let traced = view.requirements.iter().map(|r| format!("{} {}", text(r.id.as_str()), text(&r.title)));
    items(&mut out, "Requirements", traced);
    items(&mut out, "Waits for", view.dependencies.iter().map(reference));
    items(&mut out, "Held up by it", view.dependants.iter().map(reference));
    let lines: Vec<&str> = task.commands.iter().map(|command| command.line.as_str()).collect();
    if !lines.is_empty() {
        let _ = writeln!(out, "### Commands\n\n{}", block(&lines.join("\n"), "console"));
    }
    let attempts = task.attempts.iter().map(|attempt| {
        let delay = attempt.delay_ms.map(|ms| format!(" after {}", human::duration(ms)));
        let took = attempt.duration_ms.map(|ms| format!(", took {}", human::duration(ms)));
        let end = human::ended(attempt);
        format!(
            "{} attempt {}{}: {end}{}",
            human::time(attempt.started),
            attempt.number,
            delay.unwrap_or_default(),
            took.unwrap_or_default()
        )
    });
    items(&mut out, "Attempts", attempts);
    if let Some(tail) = task.attempts.last().map(|a| a.tail.as_str()).filter(|tail| !tail.trim().is_empty()) {
        let _ = writeln!(out, "{}", block(tail, "text"));
    }
    let known = task.diagnosis().map(|diagnosis| diagnosis.lines()).unwrap_or_default();
    items(&mut out, "Diagnosis", known.iter().map(|(word, line)| format!("{word}: {}", text(line))));
    let outputs =
        task.outputs.iter().map(|(name, value)| format!("{} = {}", code(name), code(&human::output(value))));
    items(&mut out, "Outputs", outputs);
    finish(&out)
}

fn reference(task: &TaskRef) -> String {
    let sign = text(&Group::of(&task.state).sign().to_string());
    format!("{sign} {} {} ({})", text(&task.ordinal), text(&task.title), task.state.name())
}

fn items(out: &mut String, heading: &str, items: impl Iterator<Item = String>) {
    let mut items = items.peekable();
    if items.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "### {heading}\n");
    items.for_each(|item| {
        let _ = writeln!(out, "- {item}");
    });
    out.push('\n');
}

/// Runs as Markdown.
pub(crate) fn history(view: &HistoryView) -> String {
    let head = format!("## Runs: {}\n\n", text(view.document.name()));
    finish(&if view.runs.is_empty() { format!("{head}No run yet.\n") } else { head + &runs(&view.runs) })
}

pub(super) fn runs(runs: &[RunView]) -> String {
    let any_commit = runs.iter().any(|run| run.commit.is_some());
    let (head, rule) = if any_commit { (" Commit |", "---|") } else { ("", "") };
    let mut out = format!(
        "| Started | Run | Environment |{head} End | Took | Tasks |\n|---|---|---|{rule}---|---:|---|\n"
    );
    for run in runs {
        let end = match (run.exit_code, run.running) {
            (Some(code), _) => format!("exit {code}: {}", human::exit_code(code)),
            (None, true) => "running".to_owned(),
            (None, false) => "end lost".to_owned(),
        };
        let took = run.ended.and_then(|end| u64::try_from(end.duration_since(run.started).as_millis()).ok());
        let counts: Vec<String> =
            run.counts.iter().map(|(state, n)| format!("{n} {}", text(state))).collect();
        let commit = run.commit.as_deref().map(|id| cell_code(&environment_words::commit(id)));
        let commit = any_commit.then(|| format!(" {} |", commit.unwrap_or("–".to_owned())));
        let _ = writeln!(
            out,
            "| {} | {} | {} |{} {end} | {} | {} |",
            human::time(run.started),
            cell_code(run.id.as_str()),
            cell_code(run.environment.as_str()),
            commit.unwrap_or_default(),
            took.map_or("–".to_owned(), human::duration),
            counts.join(", ")
        );
    }
    out
}

/// The changes of a re-parse as Markdown.
pub(crate) fn changes(view: &ChangesView) -> String {
    let mut out = format!("## Changes: {}\n\n", text(view.document.name()));
    let now = view.document.revision.map_or("now".to_owned(), |number| format!("revision {number}"));
    let tasks = human::count(view.total, "task", "tasks");
    let _ = match (view.previous_revision, view.changes.len()) {
        (None, _) => writeln!(out, "{now}, {tasks}, read for the first time."),
        (Some(before), 0) => writeln!(out, "{now}, {tasks}, none changed since revision {before}."),
        (Some(before), n) => {
            let changes = human::count(n, "change", "changes");
            writeln!(
                out,
                "{now}, {tasks}, {changes} since revision {before}.\n\n| | Task | Change |\n|---|---|---|"
            )
        }
    };
    for change in &view.changes {
        let (sign, words) = human::change(&change.change);
        let sign = cell_code(&sign.to_string());
        let _ = writeln!(out, "| {sign} | {} | {} |", text(&change.title), text(&words));
    }
    finish(&out)
}

/// Findings as a list, most serious first; empty where there are none.
pub(super) fn diagnostics(diagnostics: &[DiagnosticView]) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    format!("### Findings\n\n{}", diagnostic_items(diagnostics))
}

/// The same without a heading.
pub(super) fn diagnostic_items(diagnostics: &[DiagnosticView]) -> String {
    let mut sorted: Vec<&DiagnosticView> = diagnostics.iter().collect();
    sorted.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.severity));
    let mut out = String::new();
    for diagnostic in sorted {
        let word = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let place = human::place(diagnostic).map(|place| format!(" at {}", code(&place)));
        let help = diagnostic.help.as_ref().map(|help| format!(" ({})", text(help)));
        let _ = writeln!(
            out,
            "- **{word}** {}: {}{}{}",
            code(&diagnostic.code),
            text(&diagnostic.message),
            place.unwrap_or_default(),
            help.unwrap_or_default()
        );
    }
    out.push('\n');
    out
}
