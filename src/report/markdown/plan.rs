//! A plan as Markdown.

use super::escape::{block, cell_code, code, text};
use crate::report::human::{self, Names};
use crate::report::plan_summary::PlanSummary;
use crate::report::view::{PlanTask, PlanView};
use std::fmt::Write as _;

/// The plan as Markdown.
pub(crate) fn plan(view: &PlanView) -> String {
    let summary = PlanSummary::of(view);
    let mut out = format!("## Plan: {}\n\n", text(view.document.name()));
    let checked = if view.checked { "checks were asked" } else { "checks were not asked" };
    let _ = writeln!(
        out,
        "**{}** {} in environment {}, {checked}.\n",
        summary.sentence(),
        code(&view.document.path),
        code(view.environment.as_str())
    );
    let names = Names::new(view.tasks.iter().map(|task| (&task.id, task.ordinal.as_str())));
    for phase in &view.phases {
        let tasks: Vec<&PlanTask> = view.tasks.iter().filter(|task| task.phase == phase.id).collect();
        if tasks.is_empty() {
            continue;
        }
        let _ = writeln!(out, "### {}\n\n| | Task | Intent | Action |\n|---|---|---|---|", heading(phase));
        tasks.iter().for_each(|task| row(&mut out, task, &names));
        out.push('\n');
        if view.show_commands {
            commands(&mut out, &tasks);
        }
    }
    if !view.critical_path.is_empty() {
        let about = view.critical_path_ms.map(|ms| format!(" (about {})", human::duration(ms)));
        let path = text(&names.list(&view.critical_path, " → "));
        let _ = writeln!(out, "**Critical path**: {path}{}\n", about.unwrap_or_default());
    }
    if let Some(estimate) = &view.estimate {
        let _ = writeln!(out, "**Estimate**: {}\n", human::run_estimate(estimate));
    }
    out.push_str(&super::lists::diagnostics(&view.warnings));
    super::lists::finish(&out)
}

pub(super) fn heading(phase: &crate::report::view::PhaseView) -> String {
    let mut title = text(&human::phase(phase));
    if let Some(priority) = phase.priority {
        let _ = write!(title, " ({})", human::priority(priority));
    }
    title
}

fn row(out: &mut String, task: &PlanTask, names: &Names<'_>) {
    let intent = human::intent(&task.intent, names);
    let kind = task.kind.map(human::kind).unwrap_or("–");
    let sign = cell_code(&human::marker(&task.intent).to_string());
    let _ = writeln!(
        out,
        "| {sign} | {} {} | {} | {kind} |",
        text(&task.ordinal),
        text(&task.title),
        text(&intent)
    );
}

fn commands(out: &mut String, tasks: &[&PlanTask]) {
    let lines: Vec<String> = tasks
        .iter()
        .filter(|task| !task.commands.is_empty())
        .flat_map(|task| {
            let head = format!("# {} {}", task.ordinal, human::line(&task.title));
            std::iter::once(head).chain(
                task.commands
                    .iter()
                    .flat_map(|command| [format!("# {}", human::line(&command.step)), command.line.clone()]),
            )
        })
        .collect();
    if !lines.is_empty() {
        let block = block(&lines.join("\n"), "console");
        let _ = writeln!(out, "<details><summary>Commands</summary>\n\n{block}\n</details>\n");
    }
}
