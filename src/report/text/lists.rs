//! Lists as text: tasks, one task, runs, changes, diagnostics.

use super::report::{attempts, diagnosis};
use super::sheet::{Sheet, Style, TextOptions};
use crate::report::environment_words;
use crate::report::human::{self, Names};
use crate::report::summary::Group;
use crate::report::view::{
    ChangesView, CommandLine, DiagnosticView, HistoryView, RunView, TaskListView, TaskRef, TaskView,
};
use taskmaster_core::diagnostic::Severity;

/// A task list as text.
pub(crate) fn task_list(view: &TaskListView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    let names = Names::new(view.tasks.iter().map(|task| (&task.id, task.ordinal.as_str())));
    let mut phase = None;
    for row in &view.tasks {
        if phase != Some(&row.phase) {
            sheet.heading(&row.phase_title);
            phase = Some(&row.phase);
        }
        let group = Group::of(&row.state);
        let lead = format!("  {} {} ", group.sign(), human::line(&row.ordinal));
        sheet.paragraph(&[(Style::of(group), &lead)], &row.title, Style::Plain);
        let mut facts = vec![row.id.to_string(), human::priority(row.priority).to_owned()];
        facts.push(match human::reason(&row.state, &names) {
            Some(reason) => format!("{}: {reason}", row.state.name()),
            None => row.state.name().to_owned(),
        });
        facts.extend(row.owner.clone());
        facts.extend(row.tags.iter().map(|tag| format!("#{tag}")));
        sheet.facts("      ", &facts, Style::Muted);
    }
    sheet.gap();
    let shown = match (view.tasks.len(), view.filters.is_empty()) {
        (shown, true) => human::count(shown, "task", "tasks"),
        (shown, false) => format!("{shown} of {} tasks with {}", view.total, view.filters.join(", ")),
    };
    sheet.paragraph(&[], &format!("{shown} · environment {}", view.environment), Style::Muted);
    sheet.finish()
}

/// One task as text.
pub(crate) fn task(view: &TaskView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    let task = &view.task;
    let group = Group::of(&task.state);
    let lead = format!("{} {} ", group.sign(), human::line(&task.ordinal));
    sheet.paragraph(&[(Style::of(group), &lead)], &task.title, Style::Bold);
    sheet.gap();
    for (name, value) in facts(view) {
        sheet.paragraph(&[(Style::Muted, &format!("  {name:<13}"))], &value, Style::Plain);
    }
    bullets(&mut sheet, "Details", view.details.iter().cloned());
    let acceptance =
        view.acceptance.iter().map(|a| format!("{} (marked {})", a.text, human::claim(a.status)));
    bullets(&mut sheet, "Acceptance", acceptance);
    let traced = view.requirements.iter().map(|r| format!("{} {}", r.id, r.title));
    bullets(&mut sheet, "Requirements", traced);
    references(&mut sheet, "Waits for", &view.dependencies);
    references(&mut sheet, "Held up by it", &view.dependants);
    commands(&mut sheet, "Commands", &task.commands);
    commands(&mut sheet, "Check and verify", &view.probes);
    history_of_task(&mut sheet, view);
    let outputs = task.outputs.iter().map(|(name, value)| format!("{name} = {}", human::output(value)));
    bullets(&mut sheet, "Outputs", outputs);
    if let Some(command) = &task.next {
        sheet.gap();
        sheet.paragraph(&[(Style::Muted, "→ ")], command, Style::Blue);
    }
    sheet.finish()
}

fn facts(view: &TaskView) -> Vec<(&'static str, String)> {
    let task = &view.task;
    let names = Names::new(view.dependencies.iter().map(|task| (&task.id, task.ordinal.as_str())));
    let state = match human::reason(&task.state, &names) {
        Some(reason) => format!("{}: {reason}", task.state.name()),
        None => task.state.name().to_owned(),
    };
    let proof = task.proof.as_ref().map(|proof| {
        let at = proof.at.map(|at| format!(" at {}", human::time(at))).unwrap_or_default();
        let by = proof.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let message = proof.message.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        format!("{}{by}{at}{message}", human::proof(proof.kind))
    });
    let rows = [
        ("id", Some(task.id.to_string())),
        ("state", Some(state)),
        ("since", task.since.map(human::time)),
        ("proof", proof),
        ("marked", Some(human::claim(task.claim).to_owned())),
        ("phase", Some(view.phase_title.clone())),
        ("priority", Some(human::priority(task.priority).to_owned())),
        ("owner", task.owner.clone()),
        ("tags", (!task.tags.is_empty()).then(|| task.tags.join(", "))),
        ("environment", Some(view.environment.to_string())),
        ("action", Some(task.kind.map_or("none: manual", human::kind).to_owned())),
        ("bound at", view.place.clone()),
        ("written at", Some(format!("{}:{}", view.document.path, task.line))),
        ("estimate", task.durations.estimate.as_ref().map(|e| e.text.clone())),
        ("last took", task.durations.last_duration_ms.map(human::duration)),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn bullets(sheet: &mut Sheet, heading: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.collect();
    if items.is_empty() {
        return;
    }
    sheet.heading(heading);
    for item in items {
        sheet.paragraph(&[(Style::Muted, "  - ")], &item, Style::Plain);
    }
}

fn references(sheet: &mut Sheet, heading: &str, tasks: &[TaskRef]) {
    if tasks.is_empty() {
        return;
    }
    sheet.heading(heading);
    for task in tasks {
        let group = Group::of(&task.state);
        let lead = format!("  {} {} ", group.sign(), human::line(&task.ordinal));
        let text = format!("{} ({})", task.title, task.state.name());
        sheet.paragraph(&[(Style::of(group), &lead)], &text, Style::Plain);
    }
}

fn commands(sheet: &mut Sheet, heading: &str, commands: &[CommandLine]) {
    if commands.is_empty() {
        return;
    }
    sheet.heading(heading);
    sheet.commands("  ", commands);
}

fn history_of_task(sheet: &mut Sheet, view: &TaskView) {
    let task = &view.task;
    if !task.attempts.is_empty() {
        sheet.heading("Attempts");
        attempts(sheet, task);
        if let Some(log) = task.attempts.last().and_then(|attempt| attempt.log.as_ref()) {
            sheet.paragraph(&[(Style::Muted, "      log: ")], log, Style::Plain);
        }
        if let Some(attempt) = task.attempts.last() {
            sheet.verbatim("      │ ", &attempt.tail, Style::Plain);
        }
    }
    diagnosis(sheet, task);
    let answers = task.probes.iter().map(|probe| {
        let name = probe.probe.name();
        let answer = human::verdict(&probe.verdict);
        format!("{} {name}: {answer} ({})", human::time(probe.at), human::duration(probe.duration_ms))
    });
    bullets(sheet, "Answers", answers);
    let approvals = task.approvals.iter().map(|approval| {
        let words = approval.message.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        format!("{} {}{words}", human::time(approval.at), approval.by)
    });
    bullets(sheet, "Approvals", approvals);
}

/// Runs as text.
pub(crate) fn history(view: &HistoryView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    sheet.paragraph(&[], view.document.name(), Style::Bold);
    sheet.gap();
    if view.runs.is_empty() {
        sheet.paragraph(&[], "no run yet", Style::Muted);
    }
    runs(&mut sheet, &view.runs);
    sheet.finish()
}

pub(super) fn runs(sheet: &mut Sheet, runs: &[RunView]) {
    for run in runs {
        let (style, end) = match (run.exit_code, run.running) {
            (Some(0), _) => (Style::Green, "exit 0: succeeded".to_owned()),
            (Some(code), _) => (Style::Red, format!("exit {code}: {}", human::exit_code(code))),
            (None, true) => (Style::Blue, "running".to_owned()),
            (None, false) => (Style::Magenta, "its end was lost".to_owned()),
        };
        let lead = format!("  {} ", human::time(run.started));
        sheet.paragraph(&[(Style::Plain, &lead)], &end, style);
        let mut facts = vec![run.id.to_string(), run.environment.to_string()];
        facts.push(format!("revision {}, plan {}", run.revision, run.plan));
        let took = run.ended.and_then(|end| u64::try_from(end.duration_since(run.started).as_millis()).ok());
        facts.extend(took.map(human::duration));
        let counts: Vec<String> = run.counts.iter().map(|(state, n)| format!("{n} {state}")).collect();
        facts.push(counts.join(", "));
        facts.extend(run.commit.as_deref().map(|id| format!("commit {}", environment_words::commit(id))));
        facts.extend(human::options(run).map(|(name, value)| format!("{name}={value}")));
        facts.retain(|fact| !fact.is_empty());
        sheet.facts("      ", &facts, Style::Muted);
    }
}

/// The changes of a re-parse as text.
pub(crate) fn changes(view: &ChangesView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    let now = view.document.revision.map_or("now".to_owned(), |number| format!("revision {number}"));
    let text = match (view.previous_revision, view.changes.len()) {
        (None, _) => format!("{}: {now}, {} tasks, read for the first time", view.document.path, view.total),
        (Some(before), 0) => {
            format!("{}: {now}, no task changed since revision {before}", view.document.path)
        }
        (Some(before), n) => {
            let changes = human::count(n, "change", "changes");
            format!("{}: {now}, {changes} since revision {before}", view.document.path)
        }
    };
    sheet.paragraph(&[], &text, Style::Bold);
    for change in &view.changes {
        let (sign, words) = human::change(&change.change);
        let style = match sign {
            '+' => Style::Green,
            '-' => Style::Red,
            _ => Style::Yellow,
        };
        let place = change.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        let text = format!("{} · {words}{place}", change.title);
        sheet.paragraph(&[(style, &format!("  {sign} "))], &text, Style::Plain);
    }
    sheet.finish()
}

/// Findings, most serious first.
pub(super) fn diagnostics(sheet: &mut Sheet, diagnostics: &[DiagnosticView]) {
    if diagnostics.is_empty() {
        return;
    }
    sheet.heading("Findings");
    let mut sorted: Vec<&DiagnosticView> = diagnostics.iter().collect();
    sorted.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.severity));
    for diagnostic in sorted {
        let (word, style) = match diagnostic.severity {
            Severity::Error => ("error", Style::Red),
            Severity::Warning => ("warning", Style::Yellow),
            Severity::Note => ("note", Style::Blue),
        };
        let lead = format!("  {word}[{}]: ", diagnostic.code);
        sheet.paragraph(&[(style, &lead)], &diagnostic.message, Style::Plain);
        if let Some(place) = human::place(diagnostic) {
            sheet.paragraph(&[(Style::Muted, "      at ")], &place, Style::Muted);
        }
        if let Some(help) = &diagnostic.help {
            sheet.paragraph(&[(Style::Muted, "      help: ")], help, Style::Plain);
        }
    }
}
