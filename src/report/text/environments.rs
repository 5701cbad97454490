//! Environments, a promotion, and deployments as text.

use super::sheet::{Sheet, Style, TextOptions};
use crate::report::environment_words as words;
use crate::report::human::{self, Names};
use crate::report::promotion_summary::PromotionSummary;
use crate::report::view::{
    DeploymentRow, DeploymentsView, EnvironmentDeployments, EnvironmentListView, EnvironmentRow,
    PromotionVerdict, PromotionView, TaskDeployments,
};

/// Deployments of an environment, and of a task, that are worth a line: the newest.
const MOST_RUNS: usize = 20;
const MOST_OF_TASK: usize = 3;

/// Environments as text.
pub(crate) fn environments(view: &EnvironmentListView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    for row in &view.environments {
        environment(&mut sheet, row);
    }
    sheet.finish()
}

fn environment(sheet: &mut Sheet, row: &EnvironmentRow) {
    let (sign, style) = if row.lock.is_some() { ('!', Style::Red) } else { ('·', Style::Muted) };
    sheet.paragraph(&[(style, &format!("  {sign} "))], row.name.as_str(), Style::Bold);
    if let Some(lock) = &row.lock {
        sheet.paragraph(&[(Style::Plain, "      ")], &words::lock(lock), Style::Red);
        if let Some(message) = &lock.message {
            sheet.paragraph(&[(Style::Plain, "      ")], message, Style::Plain);
        }
    }
    sheet.facts("      ", &words::environment(row), Style::Muted);
}

/// A promotion as text.
pub(crate) fn promotion(view: &PromotionView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    sheet.paragraph(&[], view.document.name(), Style::Bold);
    let mut facts = vec![format!("from {} to {}", view.from, view.to), view.document.path.clone()];
    facts.extend(view.document.revision.map(|revision| format!("revision {revision}")));
    sheet.facts("", &facts, Style::Muted);
    sheet.gap();
    let names = Names::new(view.tasks.iter().map(|task| (&task.id, task.ordinal.as_str())));
    for task in &view.tasks {
        let lead = format!("  {} {} ", words::marker(&task.verdict), human::line(&task.ordinal));
        sheet.paragraph(&[(style(&task.verdict), &lead)], &task.title, Style::Plain);
        if task.verdict == PromotionVerdict::Same {
            continue;
        }
        let verdict = words::verdict(task, view, &names);
        sheet.paragraph(&[(Style::Plain, "      ")], &verdict, style(&task.verdict));
        let sides = [(&view.from, &task.from), (&view.to, &task.to)];
        let sides = sides.map(|(name, side)| format!("{name}: {}", words::standing(side)));
        sheet.facts("      ", &sides, Style::Muted);
    }
    super::lists::diagnostics(&mut sheet, &view.warnings);
    sheet.gap();
    sheet.paragraph(&[], &PromotionSummary::of(view).sentence(), Style::Bold);
    sheet.finish()
}

fn style(verdict: &PromotionVerdict) -> Style {
    match verdict {
        PromotionVerdict::Run { .. } | PromotionVerdict::Completes => Style::Green,
        PromotionVerdict::NotProved { .. } | PromotionVerdict::HeldBack { .. } => Style::Red,
        PromotionVerdict::Person { .. } => Style::Yellow,
        PromotionVerdict::Same | PromotionVerdict::Ahead | PromotionVerdict::OnlyIn { .. } => Style::Muted,
    }
}

/// Deployments as text.
pub(crate) fn deployments(view: &DeploymentsView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    sheet.paragraph(&[], &format!("Deployments since {}", human::time(view.since)), Style::Bold);
    if view.window.from > view.since {
        let younger = format!("the ledger began {}", human::time(view.window.from));
        sheet.paragraph(&[], &younger, Style::Muted);
    }
    if view.environments.is_empty() {
        sheet.paragraph(&[], "no run in this time", Style::Muted);
    }
    for of in &view.environments {
        of_environment(&mut sheet, of);
    }
    sheet.finish()
}

fn of_environment(sheet: &mut Sheet, of: &EnvironmentDeployments) {
    sheet.heading(of.environment.as_str());
    sheet.facts("  ", &words::counts(of), Style::Plain);
    for (name, value) in words::figures(&of.figures) {
        sheet.paragraph(&[(Style::Muted, &format!("  {name:<22} "))], &value, Style::Plain);
    }
    runs(sheet, "Deployments", &of.deployments);
    runs(sheet, "Taken back", &of.removals);
    if !of.tasks.is_empty() {
        sheet.gap();
        sheet.paragraph(&[(Style::Plain, "  ")], "Tasks", Style::Bold);
        of.tasks.iter().for_each(|task| of_task(sheet, task));
    }
}

fn runs(sheet: &mut Sheet, heading: &str, rows: &[DeploymentRow]) {
    if rows.is_empty() {
        return;
    }
    sheet.gap();
    sheet.paragraph(&[(Style::Plain, "  ")], heading, Style::Bold);
    for row in rows.iter().take(MOST_RUNS) {
        let (group, word) = words::result(row.result);
        let lead = format!("  {} {} ", group.sign(), human::time(row.started));
        sheet.paragraph(&[(Style::of(group), &lead)], word, Style::of(group));
        sheet.facts("      ", &words::deployment(row), Style::Muted);
    }
    older(sheet, "    ", rows.len().saturating_sub(MOST_RUNS));
}

fn of_task(sheet: &mut Sheet, task: &TaskDeployments) {
    let title = task.title.as_deref().unwrap_or("no task of the document any more");
    sheet.paragraph(&[(Style::Plain, "    ")], title, Style::Plain);
    sheet.facts("      ", &[task.task.to_string(), task.document.to_string()], Style::Muted);
    for row in task.deployments.iter().take(MOST_OF_TASK) {
        let (group, word) = words::task_result(row.result);
        let at = human::time(row.ended.unwrap_or(row.started));
        let lead = format!("      {} {at} ", group.sign());
        sheet.paragraph(&[(Style::of(group), &lead)], word, Style::of(group));
        sheet.facts("        ", &words::task_deployment(row), Style::Muted);
    }
    older(sheet, "        ", task.deployments.len().saturating_sub(MOST_OF_TASK));
}

/// What a list leaves out is counted.
fn older(sheet: &mut Sheet, lead: &str, count: usize) {
    if count > 0 {
        sheet.paragraph(&[(Style::Plain, lead)], &format!("{count} older: -o json"), Style::Muted);
    }
}
