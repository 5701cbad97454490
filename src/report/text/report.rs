//! A report as text.

use super::plan::phase_heading;
use super::sheet::{Sheet, Style, TextOptions, fit};
use crate::report::human::{self, Names};
use crate::report::summary::{Counts, Group, RequirementStatus, Summary};
use crate::report::view::{ReportTask, ReportView};
use unicode_width::UnicodeWidthStr;

const TAIL_LINES: usize = 12;

/// The report as text.
pub(crate) fn report(view: &ReportView, options: TextOptions) -> String {
    let summary = Summary::of(view);
    let names = Names::new(view.tasks.iter().map(|task| (&task.id, task.ordinal.as_str())));
    let mut sheet = Sheet::new(options);
    head(&mut sheet, view, &summary);
    if let Some(sync) = &view.sync {
        super::sync::brief(&mut sheet, sync);
    }
    progress(&mut sheet, view, &summary);
    attention(&mut sheet, view, &names);
    super::rollout::brief(&mut sheet, &view.rollouts);
    tasks(&mut sheet, view, &names);
    requirements(&mut sheet, view, &summary);
    super::lists::diagnostics(&mut sheet, &view.diagnostics);
    if !view.runs.is_empty() {
        sheet.heading("Runs");
        super::lists::runs(&mut sheet, &view.runs);
    }
    sheet.finish()
}

fn head(sheet: &mut Sheet, view: &ReportView, summary: &Summary) {
    sheet.paragraph(&[], view.document.name(), Style::Bold);
    let mut facts = vec![view.document.path.clone(), format!("environment {}", view.environment)];
    facts.extend(view.document.revision.map(|revision| format!("revision {revision}")));
    facts.push(format!("generated {}", human::time(view.generated)));
    sheet.facts("", &facts, Style::Muted);
    sheet.gap();
    let percent = summary.percent.map_or("  –".to_owned(), |percent| format!("{percent:3} %"));
    let bar = (sheet.width() - percent.width() - 3).min(48);
    meter(sheet, &[(Style::Plain, "  ")], &summary.counts, bar, &percent);
    let mut said = counts(&summary.counts);
    if summary.drifted > 0 {
        said.push_str(&format!("; {} drifted since", summary.drifted));
    }
    sheet.paragraph(&[(Style::Plain, "  ")], &said, Style::Plain);
    if summary.attempts > 0 {
        let mut work = human::count(summary.attempts, "attempt", "attempts");
        work.push_str(&format!(" ({} again)", summary.retries));
        work.push_str(&format!(" of {} together", human::duration(summary.attempts_ms)));
        let elapsed = summary.elapsed_ms.map(|ms| format!(", run took {}", human::duration(ms)));
        work.push_str(&elapsed.unwrap_or_default());
        sheet.paragraph(&[(Style::Plain, "  ")], &work, Style::Muted);
    }
}

/// `24 done, 2 claimed, 2 failed`: only what occurs.
pub(super) fn counts(counts: &Counts) -> String {
    let said = Group::ALL.into_iter().filter(|group| counts.get(*group) > 0);
    let said: Vec<String> = said.map(|group| format!("{} {}", counts.get(group), group.name())).collect();
    format!("{}: {}", human::count(counts.total, "task", "tasks"), said.join(", "))
}

/// A bar in which every group that occurs has at least one column while there is room.
fn meter(sheet: &mut Sheet, lead: &[(Style, &str)], counts: &Counts, width: usize, after: &str) {
    let cells = share(counts, width);
    let bars: Vec<(Style, String)> =
        cells.into_iter().map(|(group, n)| (Style::of(group), fill(group).to_string().repeat(n))).collect();
    let mut pieces: Vec<(Style, &str)> = lead.to_vec();
    pieces.extend(bars.iter().map(|(style, text)| (*style, text.as_str())));
    let after = format!(" {after}");
    pieces.push((Style::Bold, &after));
    sheet.row(&pieces);
}

/// Columns per group of wanted tasks by largest remainder; their sum is exactly the width.
fn share(counts: &Counts, width: usize) -> Vec<(Group, usize)> {
    let total = counts.wanted().max(1);
    let present: Vec<Group> = Group::WANTED.into_iter().filter(|group| counts.get(*group) > 0).collect();
    let exact = |group: Group| counts.get(group) * width;
    let mut cells: Vec<(Group, usize)> =
        present.iter().map(|group| (*group, (exact(*group) / total).max(1))).collect();
    if cells.is_empty() {
        return vec![(Group::Skipped, width)];
    }
    let mut sum: usize = cells.iter().map(|(_, n)| n).sum();
    while sum != width {
        let lack = |&(group, n): &(Group, usize)| exact(group) as i64 - (n * total) as i64;
        let chosen = if sum < width {
            cells.iter_mut().max_by_key(|cell| lack(cell))
        } else {
            cells.iter_mut().filter(|(_, n)| *n > 1).min_by_key(|cell| lack(cell))
        };
        let Some((_, n)) = chosen else { break };
        if sum < width {
            *n += 1;
            sum += 1;
        } else {
            *n -= 1;
            sum -= 1;
        }
    }
    cells
}

fn fill(group: Group) -> char {
    match group {
        Group::Done => '█',
        Group::Claimed => '▓',
        Group::Active => '▒',
        Group::Failed | Group::Unknown => '×',
        Group::Waiting | Group::Blocked => '!',
        Group::Pending => '░',
        Group::Skipped | Group::Cancelled => '·',
    }
}

fn progress(sheet: &mut Sheet, view: &ReportView, summary: &Summary) {
    let mut rows: Vec<(String, &Counts, Option<usize>, bool)> = Vec::new();
    for (phase, of_it) in view.phases.iter().zip(&summary.phases) {
        if of_it.counts.total > 0 {
            rows.push((human::phase(phase), &of_it.counts, of_it.percent, of_it.success));
        }
    }
    sheet.heading("Phases");
    progress_rows(sheet, &rows);
    sheet.heading("Priorities");
    let rows: Vec<_> = summary
        .priorities
        .iter()
        .map(|p| (human::priority(p.priority).to_owned(), &p.counts, p.percent, p.counts.success()))
        .collect();
    progress_rows(sheet, &rows);
}

fn progress_rows(sheet: &mut Sheet, rows: &[(String, &Counts, Option<usize>, bool)]) {
    const BAR: usize = 16;
    let after: Vec<String> =
        rows.iter().map(|(_, counts, percent, ok)| standing(counts, *percent, *ok)).collect();
    let tail = after.iter().map(|text| text.width()).max().unwrap_or(0) + 1;
    let widest = rows.iter().map(|(name, ..)| human::line(name).width()).max().unwrap_or(0);
    let beside = sheet.width().saturating_sub(BAR + tail + 3);
    for ((name, counts, ..), after) in rows.iter().zip(&after) {
        if beside >= widest.min(24) && human::line(name).width() <= beside {
            let name = format!("  {} ", fit(&human::line(name), widest.min(beside)));
            meter(sheet, &[(Style::Plain, &name)], counts, BAR, after);
        } else {
            sheet.paragraph(&[(Style::Plain, "  ")], name, Style::Plain);
            let bar = sheet.width().saturating_sub(tail + 4).clamp(4, BAR);
            meter(sheet, &[(Style::Plain, "    ")], counts, bar, after);
        }
    }
}

/// ` 70 %  12/17 failed`.
fn standing(counts: &Counts, percent: Option<usize>, success: bool) -> String {
    let percent = percent.map_or("  –  ".to_owned(), |percent| format!("{percent:3} %"));
    let failed = if counts.failed > 0 { " failed" } else { "" };
    let word = if success { " ok" } else { failed };
    format!("{percent} {:>3}/{}{word}", counts.done + counts.claimed, counts.wanted())
}

fn attention(sheet: &mut Sheet, view: &ReportView, names: &Names<'_>) {
    let groups = [Group::Failed, Group::Unknown, Group::Waiting];
    let tasks: Vec<&ReportTask> = view
        .tasks
        .iter()
        .filter(|task| groups.contains(&Group::of(&task.state)) || task.drifted.is_some())
        .collect();
    if tasks.is_empty() {
        return;
    }
    sheet.heading("Needs attention");
    for task in tasks {
        let group = Group::of(&task.state);
        let lead = format!("  {} {} ", group.sign(), human::line(&task.ordinal));
        sheet.paragraph(&[(Style::of(group), &lead)], &task.title, Style::Bold);
        let (why, style) = match task.drifted {
            Some(since) => (human::drifted(since), Style::Red),
            None => {
                let why = human::reason(&task.state, names).unwrap_or_default();
                (format!("{}: {why}", group.name()), Style::of(group))
            }
        };
        sheet.paragraph(&[(Style::Plain, "      ")], &why, style);
        attempts(sheet, task);
        if let Some(tail) = last_tail(task) {
            let lines = human::lines(tail);
            let kept = &lines[lines.len().saturating_sub(TAIL_LINES)..];
            sheet.verbatim("      │ ", &kept.join("\n"), Style::Plain);
        }
        diagnosis(sheet, task);
        if let Some(command) = &task.next {
            sheet.paragraph(&[(Style::Muted, "      → ")], command, Style::Blue);
        }
    }
}

/// Events, cause and help.
pub(super) fn diagnosis(sheet: &mut Sheet, task: &ReportTask) {
    for (word, line) in task.diagnosis().iter().flat_map(|diagnosis| diagnosis.lines()) {
        sheet.paragraph(&[(Style::Muted, &format!("      {word}: "))], &line, Style::Plain);
    }
}

/// Log tail of the last attempt that did not succeed.
fn last_tail(task: &ReportTask) -> Option<&str> {
    let tail = task.attempts.iter().rev().find(|attempt| attempt.is_bad())?.tail.as_str();
    (!tail.trim().is_empty()).then_some(tail)
}

/// One line an attempt: `attempt 2 after 1.0 s: exit code 1, took 3.2 s`.
pub(super) fn attempts(sheet: &mut Sheet, task: &ReportTask) {
    for attempt in &task.attempts {
        let undo = if attempt.undo { "undo " } else { "" };
        let mut text = format!("{undo}attempt {}", attempt.number);
        if let Some(delay) = attempt.delay_ms {
            text.push_str(&format!(" after {}", human::duration(delay)));
        }
        text.push_str(&format!(": {}", human::ended(attempt)));
        if let Some(ms) = attempt.duration_ms {
            text.push_str(&format!(", took {}", human::duration(ms)));
        }
        sheet.paragraph(&[(Style::Plain, "      ")], &text, Style::Muted);
    }
}

fn tasks(sheet: &mut Sheet, view: &ReportView, names: &Names<'_>) {
    for phase in &view.phases {
        let mut of_it = view.tasks.iter().filter(|task| task.phase == phase.id).peekable();
        if of_it.peek().is_none() {
            continue;
        }
        phase_heading(sheet, phase);
        for task in of_it {
            task_line(sheet, task, names);
        }
    }
}

fn task_line(sheet: &mut Sheet, task: &ReportTask, names: &Names<'_>) {
    let group = Group::of(&task.state);
    let lead = format!("  {} {} ", group.sign(), human::line(&task.ordinal));
    sheet.paragraph(&[(Style::of(group), &lead)], &task.title, Style::Plain);
    let mut facts = vec![task.state.name().to_owned()];
    if let Some(reason) = human::reason(&task.state, names) {
        facts[0] = format!("{}: {reason}", facts[0]);
    }
    facts.extend(task.proof.as_ref().map(|proof| format!("proof: {}", human::proof(proof.kind))));
    if task.attempts.len() > 1 {
        facts.push(format!("{} attempts", task.attempts.len()));
    }
    let worked: Option<u64> = task.attempts.iter().filter_map(|a| a.duration_ms).reduce(|a, b| a + b);
    facts.extend(worked.map(human::duration));
    if task.matrix.is_empty() {
        facts.push(format!("marked {}", human::claim(task.claim)));
    }
    sheet.facts("      ", &facts, Style::Muted);
}

fn requirements(sheet: &mut Sheet, view: &ReportView, summary: &Summary) {
    if view.requirements.is_empty() {
        return;
    }
    sheet.heading("Requirements");
    let count = |status: RequirementStatus| {
        summary.requirements.iter().filter(|requirement| requirement.status == status).count()
    };
    let said = RequirementStatus::ALL.into_iter().filter(|status| count(*status) > 0);
    let said: Vec<String> = said.map(|status| format!("{} {}", count(status), status.name())).collect();
    sheet.paragraph(&[(Style::Plain, "  ")], &said.join(", "), Style::Plain);
    for (requirement, of_it) in view.requirements.iter().zip(&summary.requirements) {
        if of_it.status == RequirementStatus::Met || of_it.status == RequirementStatus::Untraced {
            continue;
        }
        let lead = format!("  {} ", human::line(requirement.id.as_str()));
        sheet.paragraph(&[(Style::Bold, &lead)], &requirement.title, Style::Plain);
        let status = of_it.status.name();
        sheet.paragraph(&[(Style::Plain, "      ")], status, Style::Muted);
    }
}
