//! All rollouts, the releases of one, and the agent as text.

use super::sheet::{Sheet, Style, TextOptions};
use crate::report::human;
use crate::report::rollout_words as words;
use crate::report::view::{
    AgentProcess, AgentView, ReleaseView, ReplicaView, RolloutHistoryView, RolloutListView, RolloutRow,
};

/// All rollouts as text.
pub(crate) fn rollout_list(view: &RolloutListView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    view.rollouts.iter().for_each(|row| line(&mut sheet, row));
    sheet.gap();
    for fault in &view.unreadable {
        sheet.paragraph(&[(Style::Yellow, "! ")], fault, Style::Yellow);
    }
    let count = human::count(view.rollouts.len(), "rollout", "rollouts");
    sheet.paragraph(&[], &format!("{count} · {}", view.place), Style::Muted);
    sheet.finish()
}

fn line(sheet: &mut Sheet, row: &RolloutRow) {
    let group = words::group(row.phase, row.held.as_ref());
    let versions = words::versions(row.stable.as_deref(), row.newcomer.as_deref(), row.phase);
    let lead = format!("{} ", group.sign());
    sheet.paragraph(
        &[(Style::of(group), &lead)],
        format!("{}  {versions}", row.name).trim_end(),
        Style::Bold,
    );
    sheet.facts("    ", &row_facts(row), Style::Muted);
    if let Some(why) = row.why.as_ref().filter(|_| row.phase.is_back()) {
        sheet.paragraph(&[(Style::Plain, "    ")], why, Style::Plain);
    }
}

/// Where a rollout of a list is.
pub(in crate::report) fn row_facts(row: &RolloutRow) -> Vec<String> {
    let state = words::state(row.phase, row.held.as_ref());
    let mut facts = vec![format!("{} {state}", words::strategy(row.strategy))];
    if let Some(step) = row.step.filter(|_| row.steps > 0 && !row.phase.is_over()) {
        facts.push(format!("step {} of {}", (step + 1).min(row.steps), row.steps));
    }
    facts.extend(row.weight.filter(|_| !row.phase.is_over()).map(|weight| format!("{weight} %")));
    facts.push(words::place(row.kind, row.namespace.as_deref()));
    let at = row.ended.map(|at| format!("ended {}", human::time(at)));
    facts.extend(at.or_else(|| row.started.map(|at| format!("began {}", human::time(at)))));
    facts
}

/// What was released, as text.
pub(crate) fn rollout_history(view: &RolloutHistoryView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    let place = words::place(view.kind, view.namespace.as_deref());
    sheet.paragraph(&[], &format!("{}, {place}", view.name), Style::Bold);
    sheet.gap();
    for release in &view.releases {
        let (group, _) = words::outcome(release.outcome);
        let lead = format!("  {} {:>3}  ", group.sign(), release.number);
        sheet.paragraph(&[(Style::of(group), &lead)], &release_name(release), Style::Plain);
        sheet.facts("         ", &release_facts(release), Style::Muted);
        if let Some(why) = &release.why {
            sheet.paragraph(&[(Style::Plain, "         ")], why, Style::Plain);
        }
    }
    if view.releases.is_empty() {
        sheet.paragraph(&[], "nothing was released", Style::Muted);
    }
    if let Some(note) = &view.note {
        sheet.gap();
        sheet.paragraph(&[], note, Style::Muted);
    }
    sheet.finish()
}

/// `v4`, or its images with the revision behind them.
pub(in crate::report) fn release_name(release: &ReleaseView) -> String {
    match &release.label {
        Some(label) => format!("{label} ({})", release.revision),
        None => release.revision.clone(),
    }
}

/// How a release ended, and when.
pub(in crate::report) fn release_facts(release: &ReleaseView) -> Vec<String> {
    let (_, outcome) = words::outcome(release.outcome);
    let mut facts = vec![outcome.to_owned()];
    facts.extend(release.is_stable.then(|| "serves".to_owned()));
    facts.extend(
        release
            .pods
            .filter(|pods| pods.created > 0)
            .map(|pods| human::count(pods.created as usize, "pod", "pods")),
    );
    facts.extend(release.started.map(|at| format!("began {}", human::time(at))));
    if let (Some(from), Some(to)) = (release.started, release.ended) {
        let ms = u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0);
        facts.push(format!("took {}", human::duration(ms)));
    }
    facts
}

/// The agent as text.
pub(crate) fn agent(view: &AgentView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    match &view.agent {
        Some(agent) => process(&mut sheet, agent, view),
        None => sheet.paragraph(&[], &format!("no agent runs for {}", view.state_dir), Style::Plain),
    }
    for service in &view.services {
        let at = service.address.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
        sheet.heading(&format!("{}{at}", service.name));
        service.replicas.iter().for_each(|one| replica(&mut sheet, one));
    }
    if !view.rollouts.is_empty() {
        sheet.heading("Rollouts");
        view.rollouts.iter().for_each(|row| line(&mut sheet, row));
    }
    sheet.finish()
}

fn process(sheet: &mut Sheet, agent: &AgentProcess, view: &AgentView) {
    sheet.paragraph(&[], &format!("agent of {}", view.state_dir), Style::Bold);
    let ms = u64::try_from(view.generated.duration_since(agent.since).as_millis()).unwrap_or(0);
    let mut facts = vec![format!("process {}", agent.pid), format!("version {}", agent.version)];
    facts.push(format!("for {}", human::duration(ms)));
    if agent.restarts > 0 {
        facts.push(format!("began anew {} times", agent.restarts));
    }
    facts.push(format!("log {}", agent.log));
    sheet.facts("  ", &facts, Style::Muted);
}

fn replica(sheet: &mut Sheet, replica: &ReplicaView) {
    let mut facts = vec![format!("{} #{}", replica.version, replica.number), replica.state.clone()];
    facts.extend(replica.port.map(|port| format!("port {port}")));
    facts.extend(replica.pid.map(|pid| format!("process {pid}")));
    facts.extend((replica.restarts > 0).then(|| format!("{} restarts", replica.restarts)));
    sheet.facts("  ", &facts, Style::Plain);
    if let Some(trouble) = &replica.trouble {
        sheet.paragraph(&[(Style::Red, "    ! ")], trouble, Style::Red);
    }
}
