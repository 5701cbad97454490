//! Drift as Markdown.

use super::escape::{block, cell_code, code, text};
use super::lists::finish;
use crate::report::drift_summary::{self, DriftSummary};
use crate::report::human::{self, Names};
use crate::report::view::{DriftFinding, DriftHistoryView, DriftTask, DriftView};
use std::fmt::Write as _;

/// A look for drift as Markdown.
pub(crate) fn drift(view: &DriftView) -> String {
    let mut out = format!("## Drift: {}\n\n", text(view.document.name()));
    let _ = writeln!(
        out,
        "**{}** {} in environment {}, asked at {}.\n",
        DriftSummary::of(view).sentence(),
        code(&view.document.path),
        code(view.environment.as_str()),
        human::time(view.generated)
    );
    let names = Names::new(view.ordinals.iter().map(|(id, ordinal)| (id, ordinal.as_str())));
    let told: Vec<&DriftTask> = drift_summary::worth_telling(view).collect();
    if !told.is_empty() {
        out.push_str("| | Task | Finding | Behind it |\n|---|---|---|---|\n");
        told.iter().for_each(|task| row(&mut out, task, &names));
        out.push('\n');
        let lines: Vec<String> = told.iter().flat_map(|task| commands(task)).collect();
        if !lines.is_empty() {
            let block = block(&lines.join("\n"), "console");
            let _ = writeln!(out, "<details><summary>Checks</summary>\n\n{block}\n</details>\n");
        }
    }
    let unasked = drift_summary::unasked(view);
    if !unasked.is_empty() {
        let _ = writeln!(out, "Not asked: {}.\n", unasked.join("; "));
    }
    if let Some(next) = &view.next {
        let _ = writeln!(out, "Next: {}\n", code(next));
    }
    finish(&out)
}

fn row(out: &mut String, task: &DriftTask, names: &Names<'_>) {
    let (sign, words) = match &task.finding {
        DriftFinding::Drifted { since } => ("≠", format!("no longer so since {}", human::time(*since))),
        DriftFinding::Error { message } => ("?", format!("cannot be told: {message}")),
        DriftFinding::True => ("=", "as it should be".to_owned()),
    };
    let behind = match task.behind.as_slice() {
        [] => "–".to_owned(),
        few @ ([_] | [_, _] | [_, _, _]) => text(&names.list(few, ", ")),
        many => human::count(many.len(), "task", "tasks"),
    };
    let _ = writeln!(
        out,
        "| {} | {} {} | {} | {behind} |",
        cell_code(sign),
        text(&task.ordinal),
        text(&task.title),
        text(&words)
    );
}

fn commands(task: &DriftTask) -> Vec<String> {
    if task.check.is_empty() {
        return Vec::new();
    }
    let head = format!("# {} {}", task.ordinal, human::line(&task.title));
    std::iter::once(head).chain(task.check.iter().map(|command| command.line.clone())).collect()
}

/// Times of drift as Markdown.
pub(crate) fn drift_history(view: &DriftHistoryView) -> String {
    let mut out = format!("## Drift in the past: {}\n\n", text(view.document.name()));
    if view.episodes.is_empty() {
        out.push_str("No drift was found yet.\n");
        return finish(&out);
    }
    out.push_str("| Found | Task | End | Took |\n|---|---|---|---:|\n");
    for episode in &view.episodes {
        let (words, ms) = drift_summary::ended(episode, view.generated);
        let title = episode.title.as_deref().unwrap_or(episode.id.as_str());
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            human::time(episode.found),
            text(title),
            text(&words),
            human::duration(ms)
        );
    }
    finish(&out)
}
