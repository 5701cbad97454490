//! What needs somebody: failures with their log, unknown ends, approvals, manual tasks.

use super::parts::{self, Page};
use crate::report::human;
use crate::report::summary::Group;
use crate::report::view::{AttemptView, ReportTask};
use maud::{Markup, html};
use taskmaster_core::cause::Diagnosis;
use taskmaster_core::journal::Outcome;

/// More cards than this are a list nobody reads; the others are counted.
const MOST_CARDS: usize = 24;

/// The section; nothing where nobody is needed.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let all = 0..page.view.tasks.len();
    let drifted = all.clone().filter(|at| page.view.tasks[*at].drifted.is_some());
    let in_group = [Group::Failed, Group::Unknown, Group::Waiting]
        .into_iter()
        .flat_map(|group| all.clone().map(move |at| (group, at)))
        .filter(|(group, at)| Group::of(&page.view.tasks[*at].state) == *group)
        .map(|(_, at)| at);
    let tasks: Vec<usize> = in_group.chain(drifted).collect();
    if tasks.is_empty() {
        return html! {};
    }
    html! {
        section id="attention" aria-labelledby="attention-h" {
            (parts::heading("attention-h", "Needs attention", &human::count(tasks.len(), "task", "tasks")))
            div.cards { @for &at in tasks.iter().take(MOST_CARDS) { (card(page, at)) } }
            @if tasks.len() > MOST_CARDS {
                p.note { (tasks.len() - MOST_CARDS) " more stand in the table of tasks." }
            }
        }
    }
}

fn card(page: &Page<'_>, at: usize) -> Markup {
    let task = &page.view.tasks[at];
    let group = if task.drifted.is_some() { Group::Failed } else { Group::of(&task.state) };
    html! {
        article.card.{ "s-" (group.name()) } {
            h3 { a href={ "#t" (at) } { (task.ordinal) " " (parts::foreign(&task.title)) } }
            p.why {
                (parts::state(&task.state)) " "
                @if let Some(since) = task.drifted { (human::drifted(since)) }
                @if let Some(reason) = human::reason(&task.state, &page.names) { (parts::foreign(&reason)) }
            }
            @if !task.attempts.is_empty() { (attempts(task)) }
            @if let Some(tail) = tail(task) { (log(tail)) }
            @if let Some(known) = task.diagnosis() { (diagnosis(known)) }
            @if let Some(command) = &task.next {
                p.next { span { "next" } code { (command) } }
            }
        }
    }
}

/// Attempts as a row of steps with their delays.
pub(super) fn attempts(task: &ReportTask) -> Markup {
    html! {
        ol.attempts aria-label="Attempts" {
            @for attempt in &task.attempts {
                @if let Some(delay) = attempt.delay_ms {
                    li.delay { span.sr { "waited " } (human::duration(delay)) }
                }
                li.{ "s-" (group(attempt).name()) } {
                    (parts::icon(group(attempt)))
                    @if attempt.undo { "undo " }
                    "attempt " (attempt.number) ": " (human::ended(attempt))
                    @if let Some(ms) = attempt.duration_ms { ", " (human::duration(ms)) }
                }
            }
        }
    }
}

/// How an attempt looks.
pub(super) fn group(attempt: &AttemptView) -> Group {
    match &attempt.end {
        None => Group::Active,
        Some(Outcome::Succeeded) => Group::Done,
        Some(Outcome::Failed { .. }) if attempt.expected => Group::Done,
        Some(Outcome::Failed { .. }) => Group::Failed,
        Some(Outcome::Interrupted) => Group::Blocked,
        Some(Outcome::Lost) => Group::Unknown,
    }
}

/// Log tail of the last attempt that did not succeed.
pub(super) fn tail(task: &ReportTask) -> Option<&str> {
    let tail = task.attempts.iter().rev().find(|attempt| attempt.is_bad())?.tail.as_str();
    (!tail.trim().is_empty()).then_some(tail)
}

/// Events, cause and help.
fn diagnosis(known: &Diagnosis) -> Markup {
    html! {
        dl.diagnosis {
            @for (word, line) in known.lines() { div { dt { (word) } dd { (parts::foreign(&line)) } } }
        }
    }
}

/// The last lines of a log.
pub(super) fn log(tail: &str) -> Markup {
    html! {
        pre.log tabindex="0" aria-label="Last lines of the log" { code dir="auto" { (human::lines(tail).join("\n")) } }
    }
}
