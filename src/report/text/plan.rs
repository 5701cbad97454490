//! A plan in the manner of `terraform plan`.

use super::sheet::{Sheet, Style, TextOptions};
use crate::report::human::{self, Names};
use crate::report::plan_summary::PlanSummary;
use crate::report::view::{Intent, PhaseView, PlanTask, PlanView};

/// The plan as text.
pub(crate) fn plan(view: &PlanView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    head(&mut sheet, view);
    let names = Names::new(view.tasks.iter().map(|task| (&task.id, task.ordinal.as_str())));
    for phase in &view.phases {
        let tasks: Vec<&PlanTask> = view.tasks.iter().filter(|task| task.phase == phase.id).collect();
        if tasks.is_empty() {
            continue;
        }
        phase_heading(&mut sheet, phase);
        for planned in tasks {
            task(&mut sheet, planned, &names, view);
        }
    }
    super::lists::diagnostics(&mut sheet, &view.warnings);
    foot(&mut sheet, view, &names);
    sheet.finish()
}

fn head(sheet: &mut Sheet, view: &PlanView) {
    sheet.paragraph(&[], view.document.name(), Style::Bold);
    let mut facts = vec![view.document.path.clone(), format!("environment {}", view.environment)];
    facts.extend(view.document.revision.map(|revision| format!("revision {revision}")));
    facts.extend(view.number.map(|number| format!("plan {number}")));
    facts.push(if view.checked { "checks were asked" } else { "checks were not asked (--check)" }.to_owned());
    sheet.facts("", &facts, Style::Muted);
}

pub(super) fn phase_heading(sheet: &mut Sheet, phase: &PhaseView) {
    let mut title = human::phase(phase);
    if let Some(priority) = phase.priority {
        title.push_str(&format!(" ({})", human::priority(priority)));
    }
    sheet.heading(&title);
}

fn style(intent: &Intent) -> Style {
    match intent {
        Intent::Run => Style::Green,
        Intent::Rerun { .. } | Intent::Manual => Style::Yellow,
        Intent::Blocked { .. } | Intent::Undo => Style::Red,
        Intent::Unknown { .. } => Style::Magenta,
        _ => Style::Muted,
    }
}

fn task(sheet: &mut Sheet, task: &PlanTask, names: &Names<'_>, view: &PlanView) {
    let style = style(&task.intent);
    let lead = format!("  {} {} ", human::marker(&task.intent), human::line(&task.ordinal));
    sheet.paragraph(&[(style, &lead)], &task.title, Style::Plain);
    let quiet = matches!(task.intent, Intent::Run);
    let said = if quiet { String::new() } else { human::intent(&task.intent, names) };
    let facts: Vec<String> =
        std::iter::once(said).filter(|text| !text.is_empty()).chain(facts(task, names, view)).collect();
    if !facts.is_empty() {
        sheet.facts("      ", &facts, Style::Muted);
    }
    if view.show_commands {
        sheet.commands("      ", &task.commands);
    }
}

fn facts(task: &PlanTask, names: &Names<'_>, view: &PlanView) -> Vec<String> {
    let mut facts = Vec::new();
    if matches!(task.intent, Intent::Skipped { .. } | Intent::Cancelled | Intent::Recorded { .. }) {
        return facts;
    }
    if let Some(kind) = task.kind {
        let probes = match (task.has_check, task.has_verify) {
            (true, true) => ", check, verify",
            (true, false) => ", check",
            (false, true) => ", verify",
            (false, false) => ", no check",
        };
        facts.push(format!("{}{probes}", human::kind(kind)));
    }
    if task.irreversible {
        facts.push("irreversible".to_owned());
    }
    if !task.dependencies.is_empty() {
        facts.push(format!("after {}", names.list(&task.dependencies, ", ")));
    }
    facts.extend(task.durations.estimate.as_ref().map(human::estimate));
    facts.extend(task.expected_ms.map(|ms| format!("about {}", human::duration(ms))));
    // Where nothing was measured at all, the foot says so once.
    let is_some_measured = view.estimate.is_some_and(|estimate| estimate.measured > 0);
    let runs = matches!(task.intent, Intent::Run | Intent::Rerun { .. });
    if task.expected_ms.is_none() && runs && is_some_measured {
        facts.push("no estimate".to_owned());
    }
    facts
}

fn foot(sheet: &mut Sheet, view: &PlanView, names: &Names<'_>) {
    sheet.gap();
    if !view.critical_path.is_empty() {
        let path = names.list(&view.critical_path, " → ");
        let about = view.critical_path_ms.map(|ms| format!(" (about {})", human::duration(ms)));
        let text = format!("{path}{}", about.unwrap_or_default());
        sheet.paragraph(&[(Style::Bold, "Critical path: ")], &text, Style::Plain);
    }
    if let Some(estimate) = &view.estimate {
        sheet.paragraph(&[(Style::Bold, "Estimate: ")], &human::run_estimate(estimate), Style::Plain);
    }
    let summary = PlanSummary::of(view);
    sheet.paragraph(&[(Style::Bold, "Plan: ")], &summary.sentence(), Style::Plain);
}
