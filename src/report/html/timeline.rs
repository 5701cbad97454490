//! The Gantt of the run: a lane per task, a bar per attempt, the delay before a retry between them.

use super::attention::group;
use super::parts::{self, Page};
use crate::report::human;
use crate::report::summary::Group;
use crate::report::view::{AttemptView, ReportTask};
use jiff::Timestamp;
use maud::{Markup, html};
use taskmaster_core::journal::Outcome;

/// More lanes are no picture any more; the most telling ones stay.
const MOST_LANES: usize = 400;
const LANE: usize = 24;
const TICKS: i64 = 6;

/// The section; nothing where nothing was tried.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let all: Vec<usize> =
        (0..page.view.tasks.len()).filter(|&at| !page.view.tasks[at].attempts.is_empty()).collect();
    let Some(scale) = Scale::new(page) else { return html! {} };
    let lanes = chosen(page, &all);
    let attempts = page.summary.attempts;
    html! {
        section id="timeline" aria-labelledby="timeline-h" {
            (parts::heading("timeline-h", "Timeline", &format!("{}, {} again", human::count(attempts, "attempt", "attempts"), page.summary.retries)))
            p.note {
                "From " (parts::time(scale.start)) " over " (human::duration(scale.span_ms.unsigned_abs())) "."
                @if lanes.len() < all.len() {
                    " Too many lanes to draw: tasks that failed, were tried again or took longest are shown, "
                    (lanes.len()) " of " (all.len()) ". Every attempt stands with its task in the table below."
                }
            }
            div.scroll.gantt tabindex="0" role="region" aria-label="Timeline of attempts, scrollable" {
                div.lanes {
                    div.head aria-hidden="true" {}
                    @for &at in &lanes { (label(page, at)) }
                }
                (chart(page, &lanes, &scale))
            }
        }
    }
}

/// Lanes in the order of their first attempt, at most so many; worst and longest first.
fn chosen(page: &Page<'_>, all: &[usize]) -> Vec<usize> {
    let task = |at: usize| &page.view.tasks[at];
    let mut lanes = all.to_vec();
    if lanes.len() > MOST_LANES {
        let worth = |at: &usize| {
            let attempts = &task(*at).attempts;
            let bad = attempts.iter().any(|a| !a.expected && !matches!(a.end, Some(Outcome::Succeeded)));
            let worked: u64 = attempts.iter().filter_map(|a| a.duration_ms).sum();
            let ended_badly = matches!(Group::of(&task(*at).state), Group::Failed | Group::Unknown);
            std::cmp::Reverse((ended_badly, bad, attempts.len() > 1, worked))
        };
        lanes.sort_by_key(worth);
        lanes.truncate(MOST_LANES);
    }
    lanes.sort_by_key(|&at| (task(at).attempts.iter().map(|a| a.started).min(), at));
    lanes
}

fn label(page: &Page<'_>, at: usize) -> Markup {
    let task = &page.view.tasks[at];
    html! { a href={ "#t" (at) } title=(task.title) { b { (task.ordinal) } " " (parts::foreign(&task.title)) } }
}

/// From the first moment shown to the last.
struct Scale {
    start: Timestamp,
    span_ms: i64,
}

impl Scale {
    fn new(page: &Page<'_>) -> Option<Self> {
        let attempts = || page.view.tasks.iter().flat_map(|task| &task.attempts);
        let start = attempts().map(|attempt| attempt.started).min()?;
        let end = attempts().map(|attempt| until(attempt, page.view.generated)).max()?;
        let span_ms = end.duration_since(start).as_millis();
        Some(Self { start, span_ms: i64::try_from(span_ms).unwrap_or(i64::MAX).max(1) })
    }

    /// Percent of the width; out of range is cut.
    fn at(&self, time: Timestamp) -> f64 {
        let ms = time.duration_since(self.start).as_millis() as f64;
        (100.0 * ms / self.span_ms as f64).clamp(0.0, 100.0)
    }

    /// Round steps of time, a handful of them.
    fn ticks(&self) -> Vec<i64> {
        ticks(self.span_ms)
    }
}

/// Round steps of a span of milliseconds, a handful of them.
pub(super) fn ticks(span_ms: i64) -> Vec<i64> {
    const STEPS: [i64; 22] = [
        1, 5, 10, 50, 100, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
        600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000,
    ];
    let least = span_ms / TICKS;
    let step = STEPS.into_iter().find(|step| *step >= least.max(1)).unwrap_or(least);
    (0..=span_ms / step).map(|n| n * step).collect()
}

/// Where a bar ends: an attempt at work reaches to "now", one whose end was lost is a mark only.
fn until(attempt: &AttemptView, now: Timestamp) -> Timestamp {
    match (attempt.ended, &attempt.end) {
        (Some(ended), _) => ended,
        (None, None) => now.max(attempt.started),
        (None, Some(_)) => attempt.started,
    }
}

fn chart(page: &Page<'_>, lanes: &[usize], scale: &Scale) -> Markup {
    let height = LANE * (lanes.len() + 1);
    html! {
        svg.chart height=(height) role="group" aria-label="One bar for each attempt, in lanes by task" {
            defs {
                pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    line x1="0" y1="0" x2="0" y2="6" stroke-width="3" {}
                }
            }
            @for ms in scale.ticks() { (tick(scale, ms, height)) }
            @for (row, &at) in lanes.iter().enumerate() {
                (lane(&page.view.tasks[at], (row + 1) * LANE, scale, page.view.generated))
            }
        }
    }
}

fn tick(scale: &Scale, ms: i64, height: usize) -> Markup {
    let x = format!("{:.3}%", 100.0 * ms as f64 / scale.span_ms as f64);
    // The last label would be cut off at the right side.
    let labelled = ms * 100 / scale.span_ms <= 92;
    html! {
        line.tick x1=(x) x2=(x) y1=(LANE - 6) y2=(height) {}
        @if labelled { text.tick x=(x) y="14" dx="3" { (short(ms)) } }
    }
}

/// `0`, `30 s`, `5 min`, `1 h`.
pub(super) fn short(ms: i64) -> String {
    match ms {
        0 => "0".to_owned(),
        1..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{} s", ms / 1_000),
        _ if ms % 3_600_000 == 0 => format!("{} h", ms / 3_600_000),
        60_000..3_600_000 if ms % 60_000 == 0 => format!("{} min", ms / 60_000),
        60_000..3_600_000 => format!("{} min {:02} s", ms / 60_000, ms / 1_000 % 60),
        _ => format!("{} h {:02} min", ms / 3_600_000, ms / 60_000 % 60),
    }
}

fn lane(task: &ReportTask, y: usize, scale: &Scale, now: Timestamp) -> Markup {
    html! {
        line.lane x1="0" x2="100%" y1=(y) y2=(y) {}
        @for (number, attempt) in task.attempts.iter().enumerate() {
            @if number > 0 { (delay(&task.attempts[number - 1], attempt, y, scale)) }
            (bar(task, attempt, y, scale, now))
        }
    }
}

/// A line from the end of one attempt to the start of the next.
fn delay(before: &AttemptView, attempt: &AttemptView, y: usize, scale: &Scale) -> Markup {
    let from = scale.at(before.ended.unwrap_or(before.started));
    let to = scale.at(attempt.started);
    let middle = y + LANE / 2;
    html! {
        line.delay data-delay=[attempt.delay_ms] x1={ (format!("{from:.3}")) "%" } x2={ (format!("{to:.3}")) "%" } y1=(middle) y2=(middle) {
            @if let Some(ms) = attempt.delay_ms { title { "waited " (human::duration(ms)) " before attempt " (attempt.number) } }
        }
    }
}

fn bar(task: &ReportTask, attempt: &AttemptView, y: usize, scale: &Scale, now: Timestamp) -> Markup {
    let group = group(attempt);
    let (from, to) = (scale.at(attempt.started), scale.at(until(attempt, now)));
    let took = attempt.duration_ms.map(|ms| format!(", took {}", human::duration(ms)));
    let words = format!(
        "{} {}\nattempt {}: {}{}\n{}",
        task.ordinal,
        task.title,
        attempt.number,
        human::ended(attempt),
        took.unwrap_or_default(),
        human::time(attempt.started)
    );
    // A width of 0.4 percent keeps the shortest bar visible; it never reaches past the right side.
    let width = (to - from).max(0.4);
    let x = format!("{:.3}%", from.min(100.0 - width));
    let width = format!("{width:.3}%");
    html! {
        g.{ "a-" (group.name()) } data-attempt=(attempt.id) {
            title { (words) }
            rect x=(x) y=(y + 5) width=(width) height=(LANE - 10) rx="3" {}
            @if attempt.is_bad() {
                rect.hatch x=(x) y=(y + 5) width=(width) height=(LANE - 10) rx="3" {}
            }
        }
    }
}
