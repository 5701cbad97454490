//! Rollouts, their releases and the agent as Markdown.

use super::escape::{cell_code, code, text};
use super::lists::finish;
use crate::report::chart;
use crate::report::human;
use crate::report::rollout_words as words;
use crate::report::text::rollout_lists::{release_facts, release_name, row_facts};
use crate::report::view::{
    AgentView, RolloutHistoryView, RolloutListView, RolloutRow, RolloutVersionView, RolloutView,
};
use std::fmt::Write as _;

/// One rollout as Markdown.
pub(crate) fn rollout(view: &RolloutView) -> String {
    let mut out = String::new();
    section(&mut out, view, "##");
    finish(&out)
}

/// One rollout in a line or two: what became of it, what its users met, and why.
pub(super) fn brief(out: &mut String, view: &RolloutView) {
    let group = words::group(view.phase, view.held.as_ref());
    let state = words::state(view.phase, view.held.as_ref());
    let why = words::why(view).map(|why| format!(": {}", text(&why))).unwrap_or_default();
    let title = format!("{} {}", view.name, words::versions_of(view));
    let (sign, title) = (text(&group.sign().to_string()), text(title.trim()));
    let _ = writeln!(out, "{sign} **{title}** {} {state}{why}\n", words::strategy(view.strategy));
}

/// One rollout as a section under a heading of this depth.
pub(super) fn section(out: &mut String, view: &RolloutView, depth: &str) {
    let group = words::group(view.phase, view.held.as_ref());
    let state = words::state(view.phase, view.held.as_ref());
    let versions = words::versions_of(view);
    let title = format!("{} {versions}", view.name);
    let _ = writeln!(
        out,
        "{depth} {} {}: {} {state}\n",
        text(&group.sign().to_string()),
        text(title.trim()),
        words::strategy(view.strategy)
    );
    if let Some(why) = words::why(view) {
        let _ = writeln!(out, "**{}**\n", text(&why));
    }
    let facts: Vec<String> = words::facts(view).iter().map(|fact| text(fact)).collect();
    let _ = writeln!(out, "{}\n", facts.join(" · "));
    table_of_versions(out, view);
    picture(out, view);
    steps(out, view, depth);
    health(out, view, depth);
    gates(out, view, depth);
    if let Some(load) = &view.load {
        let _ = writeln!(out, "Load: {}\n", text(&words::load(load)));
    }
    for notice in view.notices.iter().filter(|notice| notice.fault.is_some()) {
        let fault = text(notice.fault.as_deref().unwrap_or_default());
        let _ =
            writeln!(out, "Notices to {}: {} did not arrive: {fault}\n", text(&notice.name), notice.failed);
    }
    story(out, view, depth);
}

fn table_of_versions(out: &mut String, view: &RolloutView) {
    if view.versions.is_empty() {
        return;
    }
    out.push_str("| Version | | Share | What was counted |\n|---|---|---:|---|\n");
    for version in &view.versions {
        let share = version.weight.map_or_else(|| "–".to_owned(), |weight| format!("{weight} %"));
        let facts: Vec<String> = counted(view, version).iter().map(|fact| text(fact)).collect();
        let _ = writeln!(
            out,
            "| {} | {} | {share} | {} |",
            text(&words::version(version)),
            words::role(version.role),
            facts.join(" · ")
        );
    }
    out.push('\n');
}

fn counted(view: &RolloutView, version: &RolloutVersionView) -> Vec<String> {
    let mut facts = words::counted(view.kind, version);
    facts.extend(version.trouble.clone());
    facts
}

fn picture(out: &mut String, view: &RolloutView) {
    if view.weights.len() < 2 {
        return;
    }
    let (points, end) = words::shares(&view.weights, view.ended, view.generated);
    let picture = chart::share(&points, end, 78).join("\n");
    let _ = writeln!(out, "New version's share in percent:\n\n```text\n{picture}\n```\n");
}

fn steps(out: &mut String, view: &RolloutView, depth: &str) {
    if view.steps.is_empty() {
        return;
    }
    let _ = writeln!(out, "{depth}# Steps\n");
    for (number, step) in view.steps.iter().enumerate() {
        let (sign, _, beside) = words::step(step.state);
        let beside = if beside.is_empty() { String::new() } else { format!(" ({beside})") };
        let _ = writeln!(out, "{}. {} {}{beside}", number + 1, text(&sign.to_string()), text(&step.words));
    }
    out.push('\n');
}

fn health(out: &mut String, view: &RolloutView, depth: &str) {
    if view.metrics.is_empty() {
        return;
    }
    let _ = writeln!(out, "{depth}# Health\n\n| | Metric | Evidence | Numbers |\n|---|---|---|---|");
    for metric in &view.metrics {
        let (sign, _, _) = words::verdict(metric.verdict);
        let spark = chart::spark(&metric.recent, &metric.baseline, 24);
        let numbers = words::measured(metric).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            text(&sign.to_string()),
            text(&metric.name),
            text(&words::evidence(metric)),
            text(&format!("{spark} {numbers}"))
        );
    }
    out.push('\n');
}

fn gates(out: &mut String, view: &RolloutView, depth: &str) {
    if view.gates.is_empty() {
        return;
    }
    let _ = writeln!(out, "{depth}# Gates\n\n| | Gate | Guards | Says |\n|---|---|---|---|");
    for gate in &view.gates {
        let (sign, _, state) = words::gate(gate.state);
        let said = gate.words.as_ref().map(|said| format!(": {}", text(said))).unwrap_or_default();
        let (sign, name) = (text(&sign.to_string()), text(&gate.name));
        let _ = writeln!(out, "| {sign} | {name} | {} | {state}{said} |", text(&gate.kind));
    }
    out.push('\n');
}

fn story(out: &mut String, view: &RolloutView, depth: &str) {
    if view.story.is_empty() {
        return;
    }
    let _ = writeln!(out, "{depth}# What happened\n\n| After | What |\n|---|---|");
    for line in &view.story {
        let _ = writeln!(out, "| {} | {} |", words::after(view, line.at), text(&line.words));
    }
    out.push('\n');
}

/// All rollouts as Markdown.
pub(crate) fn rollout_list(view: &RolloutListView) -> String {
    let mut out = format!("## Rollouts: {}\n\n", text(&view.place));
    table_of_rollouts(&mut out, &view.rollouts);
    for fault in &view.unreadable {
        let _ = writeln!(out, "\n{}", text(fault));
    }
    finish(&out)
}

fn table_of_rollouts(out: &mut String, rows: &[RolloutRow]) {
    out.push_str("| | Rollout | Versions | Where it is | Why |\n|---|---|---|---|---|\n");
    for row in rows {
        let group = words::group(row.phase, row.held.as_ref());
        let versions = words::versions(row.stable.as_deref(), row.newcomer.as_deref(), row.phase);
        let facts: Vec<String> = row_facts(row).iter().map(|fact| text(fact)).collect();
        let why = row.held.as_ref().map(|held| &held.words).or(row.why.as_ref());
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            text(&group.sign().to_string()),
            cell_code(&row.name),
            text(&versions),
            facts.join(" · "),
            why.map(|why| text(why)).unwrap_or_default()
        );
    }
}

/// What was released, as Markdown.
pub(crate) fn rollout_history(view: &RolloutHistoryView) -> String {
    let place = words::place(view.kind, view.namespace.as_deref());
    let mut out = format!("## Releases of {}, {}\n\n", code(&view.name), text(&place));
    out.push_str("| | Number | Version | How it ended | Why |\n|---|---:|---|---|---|\n");
    for release in &view.releases {
        let (group, _) = words::outcome(release.outcome);
        let facts: Vec<String> = release_facts(release).iter().map(|fact| text(fact)).collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            text(&group.sign().to_string()),
            release.number,
            text(&release_name(release)),
            facts.join(" · "),
            release.why.as_ref().map(|why| text(why)).unwrap_or_default()
        );
    }
    if let Some(note) = &view.note {
        let _ = writeln!(out, "\n{}", text(note));
    }
    finish(&out)
}

/// The agent as Markdown.
pub(crate) fn agent(view: &AgentView) -> String {
    let mut out = format!("## Agent of {}\n\n", code(&view.state_dir));
    match &view.agent {
        None => out.push_str("None runs.\n"),
        Some(agent) => {
            let since = human::time(agent.since);
            let log = code(&agent.log);
            let _ = writeln!(
                out,
                "Process {}, version {}, since {since}, began anew {} times, log {log}",
                agent.pid,
                text(&agent.version),
                agent.restarts
            );
        }
    }
    if !view.services.is_empty() {
        out.push_str(
            "\n| Service | Version | State | Port | Process | Restarts | |\n|---|---|---|---|---|---|---|\n",
        );
    }
    for service in &view.services {
        for replica in &service.replicas {
            let shown =
                |number: Option<u64>| number.map_or_else(|| "–".to_owned(), |number| number.to_string());
            let _ = writeln!(
                out,
                "| {} | {} #{} | {} | {} | {} | {} | {} |",
                text(&service.name),
                text(&replica.version),
                replica.number,
                text(&replica.state),
                shown(replica.port.map(u64::from)),
                shown(replica.pid.map(u64::from)),
                replica.restarts,
                replica.trouble.as_ref().map(|trouble| text(trouble)).unwrap_or_default()
            );
        }
    }
    if !view.rollouts.is_empty() {
        out.push('\n');
        table_of_rollouts(&mut out, &view.rollouts);
    }
    finish(&out)
}
