//! A report as Markdown: the verdict first, long tables folded away.

use super::escape::{block, code, text};
use super::plan::heading;
use crate::report::human::{self, Names};
use crate::report::summary::{Counts, Group, RequirementStatus, Summary};
use crate::report::view::{ReportTask, ReportView};
use std::fmt::Write as _;

/// GitHub refuses a longer comment.
const LONGEST_COMMENT: usize = 65_536;

/// How much is shown of what may be long.
#[derive(Clone, Copy)]
struct Limits {
    rows: usize,
    attention: usize,
    logs: usize,
    log_lines: usize,
}

/// Tried in turn until the text fits into a comment; the last is small for any document.
const LIMITS: [Limits; 4] = [
    Limits { rows: 1_000, attention: 100, logs: 20, log_lines: 20 },
    Limits { rows: 150, attention: 50, logs: 5, log_lines: 20 },
    Limits { rows: 30, attention: 20, logs: 2, log_lines: 10 },
    Limits { rows: 0, attention: 5, logs: 0, log_lines: 0 },
];

/// The report as Markdown, short enough for a comment; what is left out is counted.
pub(crate) fn report(view: &ReportView) -> String {
    let summary = Summary::of(view);
    let mut shown = String::new();
    for limits in LIMITS {
        shown = within(view, &summary, limits);
        if shown.chars().count() <= LONGEST_COMMENT {
            break;
        }
    }
    shown
}

fn within(view: &ReportView, summary: &Summary, limits: Limits) -> String {
    let names = Names::new(view.tasks.iter().map(|task| (&task.id, task.ordinal.as_str())));
    let mut out = format!("## {}\n\n", text(view.document.name()));
    head(&mut out, view, summary);
    if let Some(sync) = &view.sync {
        super::sync::brief(&mut out, sync);
    }
    progress(&mut out, view, summary, limits);
    attention(&mut out, view, &names, limits);
    rollouts(&mut out, view, limits);
    tasks(&mut out, view, &names, limits);
    requirements(&mut out, view, summary, &names, limits);
    let findings = &view.diagnostics[..view.diagnostics.len().min(limits.attention)];
    out.push_str(&super::lists::diagnostics(findings));
    rest(&mut out, view.diagnostics.len(), findings.len(), "findings");
    if !view.runs.is_empty() {
        let shown = &view.runs[..view.runs.len().min(limits.rows.min(50))];
        let table = super::lists::runs(shown);
        let _ = writeln!(out, "<details><summary>Runs ({})</summary>\n\n{table}", view.runs.len());
        rest(&mut out, view.runs.len(), shown.len(), "runs");
        out.push_str("</details>\n\n");
    }
    let _ = writeln!(out, "<sub>taskmaster {} at {}</sub>", text(&view.version), human::time(view.generated));
    super::lists::finish(&out)
}

/// Says what a limit left out.
fn rest(out: &mut String, all: usize, shown: usize, what: &str) {
    if all > shown {
        let _ = writeln!(out, "\n… and {} more {what}: see the HTML report.\n", all - shown);
    }
}

fn head(out: &mut String, view: &ReportView, summary: &Summary) {
    let percent = summary.percent.map_or("nothing wanted".to_owned(), |percent| format!("{percent} %"));
    let verdict = match (summary.success, view.shown_run()) {
        (true, _) => "complete",
        (false, Some(run)) if run.running => "running",
        (false, _) if summary.counts.success() => "drifted since",
        (false, _) => "not complete",
    };
    let _ = writeln!(out, "**{percent}, {verdict}.** {}.\n", said(&summary.counts));
    let mut facts =
        vec![code(&view.document.path), format!("environment {}", code(view.environment.as_str()))];
    facts.extend(view.document.revision.map(|revision| format!("revision {revision}")));
    facts.extend(summary.elapsed_ms.map(|ms| format!("run of {}", human::duration(ms))));
    if summary.attempts > 0 {
        let attempts = human::count(summary.attempts, "attempt", "attempts");
        facts.push(format!("{attempts}, {} again", summary.retries));
    }
    let _ = writeln!(out, "{}\n", facts.join(" · "));
}

fn said(counts: &Counts) -> String {
    let groups = Group::ALL.into_iter().filter(|group| counts.get(*group) > 0);
    let said: Vec<String> = groups.map(|group| format!("{} {}", counts.get(group), group.name())).collect();
    format!("{}: {}", human::count(counts.total, "task", "tasks"), said.join(", "))
}

fn progress(out: &mut String, view: &ReportView, summary: &Summary, limits: Limits) {
    out.push_str("| Phase | Progress | Completed | Failed | Rest |\n|---|---|---:|---:|---|\n");
    let phases: Vec<_> =
        view.phases.iter().zip(&summary.phases).filter(|(_, of_it)| of_it.counts.total > 0).collect();
    let shown = phases.len().min(limits.rows.max(20));
    for (phase, of_it) in &phases[..shown] {
        progress_row(out, &heading(phase), &of_it.counts);
    }
    for of_it in &summary.priorities {
        progress_row(out, &format!("*{}*", human::priority(of_it.priority)), &of_it.counts);
    }
    out.push('\n');
    rest(out, phases.len(), shown, "phases");
}

fn progress_row(out: &mut String, name: &str, counts: &Counts) {
    let percent = counts.percent().map_or("–".to_owned(), |percent| format!("{percent} %"));
    let rest = Group::ALL.into_iter().filter(|group| {
        counts.get(*group) > 0 && !matches!(group, Group::Done | Group::Claimed | Group::Failed)
    });
    let rest: Vec<String> = rest.map(|group| format!("{} {}", counts.get(group), group.name())).collect();
    let _ = writeln!(
        out,
        "| {name} | {percent} | {}/{} | {} | {} |",
        counts.done + counts.claimed,
        counts.wanted(),
        counts.failed,
        rest.join(", ")
    );
}

fn attention(out: &mut String, view: &ReportView, names: &Names<'_>, limits: Limits) {
    let wants = |task: &&ReportTask| {
        matches!(Group::of(&task.state), Group::Failed | Group::Unknown | Group::Waiting)
    };
    let tasks: Vec<&ReportTask> = view.tasks.iter().filter(wants).collect();
    if tasks.is_empty() {
        return;
    }
    let shown = tasks.len().min(limits.attention);
    out.push_str("### Needs attention\n\n");
    for (number, task) in tasks[..shown].iter().enumerate() {
        let group = Group::of(&task.state);
        let reason = human::reason(&task.state, names).map(|reason| format!(": {}", text(&reason)));
        let _ = writeln!(
            out,
            "- {} **{} {}** {}{}",
            group.sign(),
            text(&task.ordinal),
            text(&task.title),
            group.name(),
            reason.unwrap_or_default()
        );
        for attempt in &task.attempts {
            let delay = attempt.delay_ms.map(|ms| format!(" after {}", human::duration(ms)));
            let took = attempt.duration_ms.map(|ms| format!(", took {}", human::duration(ms)));
            let end = human::ended(attempt);
            let (delay, took) = (delay.unwrap_or_default(), took.unwrap_or_default());
            let _ = writeln!(out, "  - attempt {}{delay}: {end}{took}", attempt.number);
        }
        for (word, line) in task.diagnosis().iter().flat_map(|diagnosis| diagnosis.lines()) {
            let _ = writeln!(out, "  - {word}: {}", text(&line));
        }
        if let Some(command) = &task.next {
            let _ = writeln!(out, "  - next: {}", code(command));
        }
        if number < limits.logs {
            log(out, task, limits.log_lines);
        }
    }
    out.push('\n');
    rest(out, tasks.len(), shown, "tasks that need attention");
}

fn rollouts(out: &mut String, view: &ReportView, limits: Limits) {
    if view.rollouts.is_empty() {
        return;
    }
    out.push_str("### Rollouts\n\n");
    let shown = view.rollouts.len().min(limits.attention);
    for rollout in &view.rollouts[..shown] {
        super::rollout::brief(out, rollout);
        if limits.rows >= 150 {
            out.push_str("<details><summary>Steps, evidence and what happened</summary>\n\n");
            super::rollout::section(out, rollout, "####");
            out.push_str("</details>\n\n");
        }
    }
    rest(out, view.rollouts.len(), shown, "rollouts");
}

fn log(out: &mut String, task: &ReportTask, most: usize) {
    let bad = task.attempts.iter().rev().find(|attempt| attempt.is_bad());
    let Some(tail) = bad.map(|attempt| attempt.tail.as_str()).filter(|tail| !tail.trim().is_empty()) else {
        return;
    };
    let lines: Vec<&str> = tail.trim_end().lines().collect();
    let kept = lines[lines.len().saturating_sub(most)..].join("\n");
    let block = block(&kept, "text").replace('\n', "\n  ");
    let _ = writeln!(out, "\n  <details><summary>Log</summary>\n\n  {}\n\n  </details>\n", block.trim_end());
}

fn tasks(out: &mut String, view: &ReportView, names: &Names<'_>, limits: Limits) {
    let _ = writeln!(
        out,
        "<details><summary>Tasks ({})</summary>\n\n| | Task | State | Proof | Marked | Attempts | Time |\n\
         |---|---|---|---|---|---:|---:|",
        view.tasks.len()
    );
    let shown = view.tasks.len().min(limits.rows);
    for task in &view.tasks[..shown] {
        let state = match human::reason(&task.state, names) {
            Some(reason) => format!("{}: {}", task.state.name(), text(&reason)),
            None => task.state.name().to_owned(),
        };
        let proof = task.proof.as_ref().map_or("–", |proof| human::proof(proof.kind));
        let worked: Option<u64> = task.attempts.iter().filter_map(|a| a.duration_ms).reduce(|a, b| a + b);
        let _ = writeln!(
            out,
            "| {} | {} {} | {state} | {proof} | {} | {} | {} |",
            text(&Group::of(&task.state).sign().to_string()),
            text(&task.ordinal),
            text(&task.title),
            human::claim(task.claim),
            task.attempts.len(),
            worked.map_or("–".to_owned(), human::duration)
        );
    }
    rest(out, view.tasks.len(), shown, "tasks");
    out.push_str("\n</details>\n\n");
}

fn requirements(out: &mut String, view: &ReportView, summary: &Summary, names: &Names<'_>, limits: Limits) {
    if view.requirements.is_empty() {
        return;
    }
    let count =
        |status| summary.requirements.iter().filter(|requirement| requirement.status == status).count();
    let said = RequirementStatus::ALL.into_iter().filter(|status| count(*status) > 0);
    let said: Vec<String> = said.map(|status| format!("{} {}", count(status), status.name())).collect();
    let _ = writeln!(
        out,
        "<details><summary>Requirements: {}</summary>\n\n| Requirement | Status | Marked | Tasks |\n|---|---|---|---|",
        said.join(", ")
    );
    let shown = view.requirements.len().min(limits.rows);
    for (requirement, of_it) in view.requirements.iter().zip(&summary.requirements).take(shown) {
        let tasks = text(&names.list(&requirement.tasks, ", "));
        let _ = writeln!(
            out,
            "| {} {} | {} | {} | {} |",
            text(requirement.id.as_str()),
            text(&requirement.title),
            of_it.status.name(),
            human::claim(requirement.claim),
            tasks
        );
    }
    rest(out, view.requirements.len(), shown, "requirements");
    out.push_str("\n</details>\n\n");
}
