//! Environments, a promotion, and deployments as Markdown.

use super::escape::{cell_code, code, text};
use super::lists::finish;
use crate::report::environment_words as words;
use crate::report::human::{self, Names};
use crate::report::promotion_summary::PromotionSummary;
use crate::report::view::{
    DeploymentRow, DeploymentsView, EnvironmentDeployments, EnvironmentListView, EnvironmentRow,
    PromotionTask, PromotionView, TaskDeployment, TaskDeployments,
};
use std::fmt::Write as _;

/// Bytes after which rows are only counted: a comment holds 65,536 characters.
const MOST_BYTES: usize = 48 << 10;
/// Deployments of a task that are worth a row: the newest.
const MOST_OF_TASK: usize = 3;

/// Environments as Markdown.
pub(crate) fn environments(view: &EnvironmentListView) -> String {
    let mut out = "## Environments\n\n| Environment | Lock | Why | Known |\n|---|---|---|---|\n".to_owned();
    view.environments.iter().for_each(|row| environment(&mut out, row));
    finish(&out)
}

fn environment(out: &mut String, row: &EnvironmentRow) {
    let lock = row.lock.as_ref().map_or("–".to_owned(), |lock| text(&words::lock(lock)));
    let why = row.lock.as_ref().and_then(|lock| lock.message.as_deref()).map_or("–".to_owned(), text);
    let known = text(&words::environment(row).join(", "));
    let _ = writeln!(out, "| {} | {lock} | {why} | {known} |", cell_code(row.name.as_str()));
}

/// A promotion as Markdown.
pub(crate) fn promotion(view: &PromotionView) -> String {
    let (from, to) = (cell_code(view.from.as_str()), cell_code(view.to.as_str()));
    let mut out = format!("## Promotion: {}\n\n", text(view.document.name()));
    let sentence = PromotionSummary::of(view).sentence();
    let path = code(&view.document.path);
    let _ = writeln!(out, "**{sentence}** {path} from {from} to {to}.\n");
    let _ = writeln!(out, "| | Task | {from} | {to} | Promotion |\n|---|---|---|---|---|");
    let names = Names::new(view.tasks.iter().map(|task| (&task.id, task.ordinal.as_str())));
    let rows = view.tasks.iter().map(|task| promoted(task, view, &names));
    table(&mut out, rows, "more tasks");
    out.push('\n');
    out.push_str(&super::lists::diagnostics(&view.warnings));
    finish(&out)
}

fn promoted(task: &PromotionTask, view: &PromotionView, names: &Names<'_>) -> String {
    format!(
        "| {} | {} {} | {} | {} | {} |",
        cell_code(&words::marker(&task.verdict).to_string()),
        text(&task.ordinal),
        text(&task.title),
        text(&words::standing(&task.from)),
        text(&words::standing(&task.to)),
        text(&words::verdict(task, view, names))
    )
}

/// Deployments as Markdown.
pub(crate) fn deployments(view: &DeploymentsView) -> String {
    let mut out = format!("## Deployments since {}\n\n", human::time(view.since));
    if view.window.from > view.since {
        let _ = writeln!(out, "The ledger began {}.\n", human::time(view.window.from));
    }
    if view.environments.is_empty() {
        out.push_str("No run in this time.\n");
    }
    view.environments.iter().for_each(|of| of_environment(&mut out, of));
    finish(&out)
}

fn of_environment(out: &mut String, of: &EnvironmentDeployments) {
    let _ = writeln!(out, "### {}\n\n{}.\n", text(of.environment.as_str()), words::counts(of).join(", "));
    out.push_str("| Figure | Value |\n|---|---|\n");
    for (name, value) in words::figures(&of.figures) {
        let _ = writeln!(out, "| {name} | {} |", text(&value));
    }
    out.push('\n');
    runs(out, "Deployments", &of.deployments);
    runs(out, "Taken back", &of.removals);
    if of.tasks.is_empty() {
        return;
    }
    out.push_str("#### Tasks\n\n| Task | Document | When | Result | Run | Commit | Revision | Took |\n");
    out.push_str("|---|---|---|---|---|---|---:|---:|\n");
    let rows = of.tasks.iter().flat_map(|task| {
        task.deployments.iter().take(MOST_OF_TASK).map(move |deployment| of_task(task, deployment))
    });
    table(out, rows, "more rows");
    out.push('\n');
}

fn runs(out: &mut String, heading: &str, rows: &[DeploymentRow]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "#### {heading}\n");
    out.push_str("| Began | Result | Run | Document | Commit | Revision | Tasks | Took | Lead time |\n");
    out.push_str("|---|---|---|---|---|---:|---:|---:|---:|\n");
    table(out, rows.iter().map(run), "more runs");
    out.push('\n');
}

fn run(row: &DeploymentRow) -> String {
    let commit = row.commit.as_ref().map(|commit| commit.id.as_str());
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        human::time(row.started),
        words::result(row.result).1,
        cell_code(row.run.as_str()),
        cell_code(row.document.as_str()),
        commit_cell(commit),
        row.revision,
        row.tasks,
        row.duration_ms.map_or("–".to_owned(), human::duration),
        row.lead_time_ms.map_or("–".to_owned(), human::duration)
    )
}

fn of_task(task: &TaskDeployments, row: &TaskDeployment) -> String {
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} |",
        task.title.as_deref().map_or_else(|| cell_code(task.task.as_str()), text),
        cell_code(task.document.as_str()),
        human::time(row.ended.unwrap_or(row.started)),
        words::task_result(row.result).1,
        cell_code(row.run.as_str()),
        commit_cell(row.commit.as_deref()),
        row.revision,
        row.duration_ms.map_or("–".to_owned(), human::duration)
    )
}

fn commit_cell(id: Option<&str>) -> String {
    id.map_or("none".to_owned(), |id| cell_code(&words::commit(id)))
}

/// Rows while there is room; the others are counted below them.
fn table(out: &mut String, rows: impl Iterator<Item = String>, what: &str) {
    let mut left_out = 0;
    for row in rows {
        if left_out == 0 && out.len() + row.len() < MOST_BYTES {
            out.push_str(&row);
            out.push('\n');
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        let _ = writeln!(out, "\n{left_out} {what}: -o json\n");
    }
}
