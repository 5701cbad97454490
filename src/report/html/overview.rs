//! The top of the page: verdict, ring, key figures, progress.

use super::parts::{self, Page};
use crate::report::human;
use crate::report::summary::{Counts, Group};
use maud::{Markup, html};

/// The header of the report.
pub(super) fn header(page: &Page<'_>) -> Markup {
    let view = page.view;
    let (group, verdict, rest) = verdict(page);
    html! {
        header { div.hero {
            (ring(&page.summary.counts, page.summary.percent))
            div.what {
                h1 { (parts::foreign(view.document.name())) }
                p.verdict.{ "s-" (group.name()) } { (parts::icon(group)) b { (verdict) } @if !rest.is_empty() { span { (rest) } } }
                p.meta {
                    span { "environment " b { (view.environment) } }
                    span { code { (parts::foreign(&view.document.path)) } }
                    @if let Some(revision) = view.document.revision { span { "revision " (revision) } }
                    @if !view.document.owners.is_empty() { span { "owned by " (parts::foreign(&view.document.owners.join(", "))) } }
                    span { "generated " (parts::time(view.generated)) }
                }
            }
            (figures(page))
        } }
    }
}

/// The state of the whole: the look, a few words, and what stands behind them.
fn verdict(page: &Page<'_>) -> (Group, String, String) {
    let counts = &page.summary.counts;
    let left_out = counts.skipped + counts.cancelled;
    let rest = [
        (counts.unknown, "unknown"),
        (counts.waiting, "waiting for a person"),
        (counts.blocked, "blocked"),
        (counts.active, "at work"),
        (counts.pending, "not begun"),
        (left_out, "left out"),
    ];
    let rest: Vec<String> =
        rest.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let running = page.view.shown_run().is_some_and(|run| run.running);
    let failed = human::count(counts.failed, "task", "tasks");
    let drifted = page.summary.drifted;
    let (group, words) = match parts::worst(counts) {
        Group::Done | Group::Claimed if drifted > 0 => {
            (Group::Failed, format!("{} drifted since", human::count(drifted, "task", "tasks")))
        }
        _ if counts.total == 0 => (Group::Pending, "No tasks".to_owned()),
        Group::Failed if running => (Group::Failed, format!("Running, {failed} failed")),
        Group::Failed => (Group::Failed, format!("{failed} failed")),
        group if running => {
            (if group == Group::Unknown { group } else { Group::Active }, "Running".to_owned())
        }
        Group::Unknown => (Group::Unknown, "The end of a task is unknown".to_owned()),
        Group::Waiting => (Group::Waiting, "Waits for a person".to_owned()),
        group @ (Group::Active | Group::Blocked | Group::Pending) if counts.done + counts.claimed > 0 => {
            (group, "Not complete".to_owned())
        }
        group @ (Group::Active | Group::Blocked | Group::Pending) => (group, "Not begun".to_owned()),
        Group::Claimed => (Group::Claimed, "Complete, in part only claimed".to_owned()),
        Group::Done => (Group::Done, "Complete and proved".to_owned()),
        group @ (Group::Skipped | Group::Cancelled) => (group, "Nothing is wanted here".to_owned()),
    };
    (group, words, rest.join(", "))
}

/// Progress as a ring; skipped and cancelled tasks are not part of it.
fn ring(counts: &Counts, percent: Option<usize>) -> Markup {
    let wanted = counts.wanted().max(1) as f64;
    let mut start = 0.0;
    let mut arcs = Vec::new();
    for group in Group::WANTED {
        let share = 100.0 * counts.get(group) as f64 / wanted;
        if share > 0.0 {
            arcs.push((group, share, start));
        }
        start += share;
    }
    let label = percent.map_or("nothing wanted".to_owned(), |percent| format!("{percent} % done"));
    html! {
        svg.ring viewBox="0 0 120 120" role="img" aria-label=(label) {
            circle.track cx="60" cy="60" r="50" {}
            @for (group, share, start) in arcs {
                circle.arc.{ "f-" (group.name()) } cx="60" cy="60" r="50" pathLength="100"
                    stroke-dasharray={ (format!("{share:.3}")) " 100" } stroke-dashoffset=(format!("{:.3}", -start)) {}
            }
            text.percent x="60" y="64" text-anchor="middle" { (percent.map_or("–".to_owned(), |n| n.to_string())) }
            text.unit x="60" y="80" text-anchor="middle" { "percent" }
        }
    }
}

fn figures(page: &Page<'_>) -> Markup {
    let (summary, counts) = (&page.summary, &page.summary.counts);
    let took = summary.elapsed_ms.map(human::duration);
    let proved = counts.done;
    html! {
        dl.figures {
            (figure("Done, proved", &proved.to_string(), &format!("of {} wanted", counts.wanted()), "done", true))
            (figure("Only claimed", &counts.claimed.to_string(), "no evidence", "claimed", counts.claimed > 0))
            (figure("Failed", &counts.failed.to_string(), &format!("{} blocked", counts.blocked), "failed", counts.failed > 0))
            (figure("Wait for a person", &counts.waiting.to_string(), &format!("{} unknown", counts.unknown), "waiting", counts.waiting > 0))
            (figure("Attempts", &summary.attempts.to_string(), &format!("{} again", summary.retries), "active", false))
            (figure("Run time", took.as_deref().unwrap_or("–"), &format!("{} of work", human::duration(summary.attempts_ms)), "active", false))
        }
    }
}

fn figure(name: &str, value: &str, beside: &str, class: &str, lit: bool) -> Markup {
    html! {
        div.{ (if lit { format!("s-{class}") } else { String::new() }) } {
            dt { (name) }
            dd { b { (value) } " " small { (beside) } }
        }
    }
}

/// Progress as a whole, per phase and per priority.
pub(super) fn progress(page: &Page<'_>) -> Markup {
    let summary = &page.summary;
    html! {
        section id="progress" aria-labelledby="progress-h" {
            (parts::heading("progress-h", "Progress", &human::count(summary.counts.total, "task", "tasks")))
            div.whole { (parts::bar(&summary.counts)) (legend(&summary.counts)) }
            div.split {
                div {
                    h3 { "By phase" }
                    (rows(page.view.phases.iter().zip(&summary.phases).filter(|(_, of_it)| of_it.counts.total > 0).map(
                        |(phase, of_it)| (human::phase(phase), phase.priority.map_or("", human::priority), &of_it.counts, of_it.percent),
                    )))
                }
                div {
                    h3 { "By priority" }
                    (rows(summary.priorities.iter().map(|of_it| {
                        (human::priority(of_it.priority).to_owned(), "", &of_it.counts, of_it.percent)
                    })))
                }
            }
        }
    }
}

fn legend(counts: &Counts) -> Markup {
    html! {
        ul.legend {
            @for group in Group::ALL.into_iter().filter(|group| counts.get(*group) > 0) {
                li { (parts::icon(group)) b { (counts.get(group)) } " " (group.name()) }
            }
        }
    }
}

fn rows<'a>(rows: impl Iterator<Item = (String, &'a str, &'a Counts, Option<usize>)>) -> Markup {
    html! {
        ul.rows {
            @for (name, beside, counts, percent) in rows {
                li {
                    span.name { (parts::foreign(&name)) @if !beside.is_empty() { " " span.tag { (beside) } } }
                    span.num {
                        (counts.done + counts.claimed) "/" (counts.wanted())
                        @if counts.failed > 0 { " " span.s-failed { (counts.failed) " failed" } }
                        @if counts.total > counts.wanted() { ", " (counts.total - counts.wanted()) " left out" }
                        b { (percent.map_or("–".to_owned(), |percent| format!("{percent} %"))) }
                    }
                    (parts::bar(counts))
                }
            }
        }
    }
}
