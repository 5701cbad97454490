//! The table of all tasks, with a filter.

use super::attention;
use super::parts::{self, Page};
use crate::report::environment_words;
use crate::report::human;
use crate::report::summary::Group;
use crate::report::view::{ReportTask, RunView};
use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};
use taskmaster_core::document::Claim;
use taskmaster_core::journal::Outcome;

/// More rows than this are no page that a browser likes: they are data, of which a page at a time is shown.
const MOST_ROWS: usize = 2_000;
/// Rows of such a page; without the script there are no others.
const PAGE_ROWS: usize = 500;

/// The section.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let is_long = page.view.tasks.len() > MOST_ROWS;
    html! {
        section id="tasks" aria-labelledby="tasks-h" {
            (parts::heading("tasks-h", "Tasks", &human::count(page.view.tasks.len(), "task", "tasks")))
            (filter(page))
            @if is_long {
                p.note {
                    "Pages of " (PAGE_ROWS) " tasks; without JavaScript, the first. Attempts and commands of one: "
                    code { "taskmaster tasks show ID" } "; all tasks as a table: " code { "taskmaster report -o csv" } "."
                }
            }
            div.scroll {
                table.tasks role="table" aria-labelledby="tasks-h" {
                    thead role="rowgroup" {
                        tr role="row" {
                            @for name in ["State", "Task", "Priority", "Claim", "Evidence", "Attempts", "Time"] {
                                th scope="col" role="columnheader" { (name) }
                            }
                        }
                    }
                    @if is_long { (first_rows(page)) } @else {
                        @for phase in 0..=page.view.phases.len() { (phase_rows(page, phase, page.tasks_of(phase))) }
                    }
                }
            }
            @if is_long { (pages(page)) }
        }
    }
}

/// The first page of a long table.
fn first_rows(page: &Page<'_>) -> Markup {
    let mut left = PAGE_ROWS;
    let rows = (0..=page.view.phases.len()).map(|phase| {
        let tasks: Vec<usize> = page.tasks_of(phase).take(left).collect();
        left -= tasks.len();
        phase_rows(page, phase, tasks.into_iter())
    });
    html! { @for rows in rows { (rows) } }
}

/// What the script turns the pages of a long table with.
fn pages(page: &Page<'_>) -> Markup {
    let all = 0..=page.view.phases.len();
    let rows = all.clone().flat_map(|phase| page.tasks_of(phase).map(move |at| data(page, phase, at)));
    let data = json!({
        "page": PAGE_ROWS,
        "phases": all.map(|phase| page.phase_title(phase)).collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
    });
    // Nothing in it may end its element.
    let data = data.to_string().replace('<', "\\u003c");
    html! {
        nav.pages id="pages" hidden aria-label="Pages of tasks" {
            button.plain type="button" id="p-back" { "Back" }
            output id="p-place" {}
            button.plain type="button" id="p-on" { "On" }
        }
        template id="row" {
            tr role="row" tabindex="-1" {
                td role="cell" { span.chip { svg.i aria-hidden="true" { use {} } span.state {} } }
                td.title role="cell" {
                    div.bare { b.ord {} " " span.name { bdi {} } }
                    div.sub { code { bdi {} } span.more {} }
                    div.reason { bdi {} }
                }
                @for name in ["Priority", "Claim", "Evidence"] { td role="cell" data-label=(name) {} }
                @for name in ["Attempts", "Time"] { td.num role="cell" data-label=(name) {} }
            }
        }
        script type="application/json" id="rows" { (PreEscaped(data)) }
    }
}

/// A row of a long table, as the script reads it.
fn data(page: &Page<'_>, phase: usize, at: usize) -> Value {
    let task = &page.view.tasks[at];
    let owner = task.owner.iter().map(|owner| format!("owner {owner}"));
    let more: Vec<String> = owner.chain(task.tags.iter().map(|tag| format!("#{tag}"))).collect();
    let evidence = match &task.proof {
        Some(proof) => match &proof.by {
            Some(by) => format!("{}: {by}", human::proof(proof.kind)),
            None => human::proof(proof.kind).to_owned(),
        },
        None => "none".to_owned(),
    };
    json!([
        at,
        phase,
        Group::of(&task.state).name(),
        task.state.name(),
        task.ordinal,
        task.title,
        task.id,
        more.join(" "),
        human::reason(&task.state, &page.names).unwrap_or_default(),
        human::priority(task.priority),
        human::claim(task.claim),
        evidence,
        task.attempts.len(),
        worked(task),
    ])
}

/// How long its attempts took together.
fn worked(task: &ReportTask) -> String {
    let worked: Option<u64> = task.attempts.iter().filter_map(|a| a.duration_ms).reduce(|a, b| a + b);
    worked.map_or("–".to_owned(), human::duration)
}

/// Works with the script only, so it is hidden without.
fn filter(page: &Page<'_>) -> Markup {
    let counts = &page.summary.counts;
    html! {
        form.filter id="filter" hidden role="search" aria-label="Filter tasks" {
            label { span.sr { "Text" } input type="search" id="f-text" placeholder="Filter by text, id, tag, owner" autocomplete="off"; }
            label { span.sr { "Phase" }
                select id="f-phase" {
                    option value="" { "all phases" }
                    @for phase in 0..=page.view.phases.len() {
                        @if page.tasks_of(phase).next().is_some() { option value=(phase) { (page.phase_title(phase)) } }
                    }
                }
            }
            p { output id="f-count" {} " " button.plain type="reset" { "Clear" } }
            fieldset {
                legend.sr { "States" }
                @for group in Group::ALL.into_iter().filter(|group| counts.get(*group) > 0) {
                    button.toggle.{ "s-" (group.name()) } type="button" data-group=(group.name()) aria-pressed="false" {
                        (parts::icon(group)) (group.name()) " " b { (counts.get(group)) }
                    }
                }
            }
        }
    }
}

fn phase_rows(page: &Page<'_>, phase: usize, tasks: impl Iterator<Item = usize>) -> Markup {
    let mut tasks = tasks.peekable();
    if tasks.peek().is_none() {
        return html! {};
    }
    html! {
        tbody role="rowgroup" data-phase=(phase) {
            tr.phase role="row" {
                th colspan="7" scope="rowgroup" role="rowheader" {
                    (parts::foreign(&page.phase_title(phase)))
                    @if let Some(of_it) = page.summary.phases.get(phase) {
                        small { (of_it.tasks_completed) " completed, " (of_it.tasks_failed) " failed" }
                    }
                }
            }
            @for at in tasks { (row(page, at)) }
        }
    }
}

fn row(page: &Page<'_>, at: usize) -> Markup {
    let task = &page.view.tasks[at];
    html! {
        tr role="row" id={ "t" (at) } tabindex="-1" data-task=(task.id) data-group=(Group::of(&task.state).name()) {
            td role="cell" { (parts::state(&task.state)) }
            td.title role="cell" { (title(page, task)) }
            td role="cell" data-label="Priority" { (human::priority(task.priority)) }
            td role="cell" data-label="Claim" { (claim(task.claim)) }
            td role="cell" data-label="Evidence" { (evidence(task)) }
            td.num role="cell" data-label="Attempts" { (task.attempts.len()) }
            td.num role="cell" data-label="Time" { (worked(task)) }
        }
    }
}

fn title(page: &Page<'_>, task: &ReportTask) -> Markup {
    let reason = human::reason(&task.state, &page.names);
    html! {
        @if has_details(task) && page.view.tasks.len() <= MOST_ROWS {
            details { summary { (name(task)) } (details(task)) }
        } @else { div.bare { (name(task)) } }
        div.sub {
            code { (parts::foreign(task.id.as_str())) }
            @if let Some(owner) = &task.owner { span { "owner " (parts::foreign(owner)) } }
            @for tag in &task.tags { span.tag { "#" (tag) } }
        }
        @if let Some(reason) = reason { div.reason { (parts::foreign(&reason)) } }
    }
}

fn name(task: &ReportTask) -> Markup {
    html! { b.ord { (task.ordinal) } " " span.name { (parts::foreign(&task.title)) } }
}

fn has_details(task: &ReportTask) -> bool {
    !(task.attempts.is_empty()
        && task.commands.is_empty()
        && task.probes.is_empty()
        && task.approvals.is_empty()
        && task.outputs.is_empty())
}

fn details(task: &ReportTask) -> Markup {
    html! {
        @if !task.commands.is_empty() {
            h4 { @match task.kind { Some(kind) => { "Action: " (human::kind(kind)) } None => { "Action" } } }
            @for command in &task.commands {
                pre.command tabindex="0" { span.step { (command.step) } " " code { (command.line) } }
            }
        }
        @if !task.attempts.is_empty() {
            h4 { "Attempts" }
            ul.plain {
                @for attempt in &task.attempts {
                    li {
                        (parts::time(attempt.started)) " "
                        @if attempt.undo { "undo " }
                        "attempt " (attempt.number) ": " (human::ended(attempt))
                        @if let Some(ms) = attempt.duration_ms { ", took " (human::duration(ms)) }
                        @if let Some(ms) = attempt.delay_ms { ", waited " (human::duration(ms)) " before it" }
                        @if let Some(log) = &attempt.log { ", " code { (log) } }
                        @if !matches!(attempt.end, None | Some(Outcome::Succeeded)) && !attempt.tail.trim().is_empty() {
                            (attention::log(&attempt.tail))
                        }
                    }
                }
            }
        }
        (facts(task))
    }
}

fn facts(task: &ReportTask) -> Markup {
    html! {
        @if !task.probes.is_empty() {
            h4 { "Answers" }
            ul.plain {
                @for probe in &task.probes {
                    li { (parts::time(probe.at)) " " (probe.probe.name()) ": " (human::verdict(&probe.verdict)) }
                }
            }
        }
        @if !task.approvals.is_empty() {
            h4 { "Approvals" }
            ul.plain {
                @for approval in &task.approvals {
                    li {
                        (parts::time(approval.at)) " " (parts::foreign(&approval.by))
                        @if let Some(message) = &approval.message { ": " (parts::foreign(message)) }
                    }
                }
            }
        }
        @if !task.outputs.is_empty() {
            h4 { "Outputs" }
            ul.plain {
                @for (name, value) in &task.outputs { li { code { (name) } " = " code { (human::output(value)) } } }
            }
        }
    }
}

/// What the mark in the text says.
pub(super) fn claim(claim: Claim) -> Markup {
    let sign = match claim {
        Claim::Pending => "[ ]",
        Claim::InProgress => "[~]",
        Claim::Completed => "[x]",
        Claim::Cancelled => "[-]",
    };
    html! { span.mark { code aria-hidden="true" { (sign) } (human::claim(claim)) } }
}

fn evidence(task: &ReportTask) -> Markup {
    html! {
        @if let Some(proof) = &task.proof {
            span.proof title=[proof.message.as_deref()] {
                (human::proof(proof.kind))
                @if let Some(by) = &proof.by { ": " (parts::foreign(by)) }
            }
        } @else { span.none { "none" } }
    }
}

/// Recorded runs, newest first.
pub(super) fn history(page: &Page<'_>) -> Markup {
    const MOST_RUNS: usize = 50;
    let runs = &page.view.runs;
    if runs.is_empty() {
        return html! {};
    }
    html! {
        section id="history" aria-labelledby="history-h" {
            (parts::heading("history-h", "Runs", &human::count(runs.len(), "run", "runs")))
            div.scroll {
                table role="table" aria-labelledby="history-h" {
                    thead { tr { @for name in ["Started", "End", "Took", "Tasks", "Revision, plan", "Run"] { th scope="col" { (name) } } } }
                    tbody { @for run in runs.iter().take(MOST_RUNS) { (run_row(page, run)) } }
                }
            }
            @if runs.len() > MOST_RUNS { p.note { (runs.len() - MOST_RUNS) " older runs: taskmaster history." } }
        }
    }
}

fn run_row(page: &Page<'_>, run: &RunView) -> Markup {
    let (group, end) = match (run.exit_code, run.running) {
        (Some(0), _) => (Group::Done, "succeeded".to_owned()),
        (Some(code @ 21..=22), _) => (Group::Waiting, format!("{} ({code})", human::exit_code(code))),
        (Some(code), _) => (Group::Failed, format!("{} ({code})", human::exit_code(code))),
        (None, true) => (Group::Active, "running".to_owned()),
        (None, false) => (Group::Unknown, "end lost".to_owned()),
    };
    let took = run.ended.and_then(|end| u64::try_from(end.duration_since(run.started).as_millis()).ok());
    let counts: Vec<String> = run.counts.iter().map(|(state, n)| format!("{n} {state}")).collect();
    let shown = page.view.run.as_ref() == Some(&run.id);
    html! {
        tr data-run=(run.id) {
            td { (parts::time(run.started)) }
            td { span.chip.{ "s-" (group.name()) } { (parts::icon(group)) (end) } }
            td.num { (took.map_or("–".to_owned(), human::duration)) }
            td { (counts.join(", ")) }
            td { (run.revision) ", " (run.plan) }
            td {
                code { (run.id) } @if shown { " " span.tag { "shown here" } }
                @if let Some(id) = &run.commit {
                    div.sub { span title=(id) { "commit " code { (parts::foreign(&environment_words::commit(id))) } } }
                }
            }
        }
    }
}
