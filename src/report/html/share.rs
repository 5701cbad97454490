//! The new version's share over time as a picture.
//!
//! Places are percentages of the width, so that the picture is as wide as its page and its words keep their size.

use super::timeline::{short, ticks};
use crate::report::human;
use crate::report::rollout_words as words;
use crate::report::view::{RolloutView, StoryKind};
use maud::{Markup, html};

/// Height of the picture, and of its part that shows shares.
const HEIGHT: f64 = 150.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 128.0;
/// More segments than this cannot be told apart.
const MOST_SEGMENTS: usize = 500;

/// The picture; nothing where the share never changed.
pub(super) fn chart(view: &RolloutView, at: usize) -> Markup {
    let (mut points, end) = words::shares(&view.weights, view.ended, view.generated);
    points.drain(..points.len().saturating_sub(MOST_SEGMENTS));
    if points.len() < 2 || end <= 0.0 {
        return html! {};
    }
    // What the last change came to is to be seen.
    let span = end * 1.03;
    let segments: Vec<(f64, f64, u32)> = (0..points.len())
        .map(|index| {
            let until = points.get(index + 1).map_or(span, |(next, _)| *next);
            (points[index].0, until, points[index].1)
        })
        .collect();
    let x = |seconds: f64| (100.0 * seconds / span).clamp(0.0, 100.0);
    html! {
        figure.share {
            svg height=(HEIGHT) role="img" aria-labelledby={ "share-" (at) } {
                @for percent in [0, 25, 50, 75, 100] { (level(percent)) }
                @for ms in ticks((end * 1000.0) as i64) { (tick(x(ms as f64 / 1000.0), ms)) }
                @for (from, to, percent) in &segments { (area(x(*from), x(*to), *percent)) }
                @for pair in segments.windows(2) { (rise(x(pair[1].0), pair[0].2, pair[1].2)) }
                @for (seconds, kind, words) in marks(view) { (mark(x(seconds), kind, &words)) }
            }
            figcaption id={ "share-" (at) } { (caption(&segments)) }
        }
    }
}

/// Where a share is drawn.
fn y(percent: u32) -> f64 {
    BOTTOM - (BOTTOM - TOP) * f64::from(percent.min(100)) / 100.0
}

fn place(percent: f64) -> String {
    format!("{percent:.3}%")
}

fn level(percent: u32) -> Markup {
    let y = format!("{:.1}", y(percent));
    html! {
        line.level x1="0" x2="100%" y1=(y) y2=(y) {}
        text.level x="0" y=(y) dy="-3" { (percent) " %" }
    }
}

fn tick(x: f64, ms: i64) -> Markup {
    html! {
        // The last label would be cut off at the right side.
        @if x <= 92.0 { text.tick x=(place(x)) y=(format!("{:.1}", HEIGHT - 6.0)) dx="2" { (short(ms)) } }
        line.level x1=(place(x)) x2=(place(x)) y1=(format!("{BOTTOM:.1}")) y2=(format!("{:.1}", BOTTOM + 5.0)) {}
    }
}

fn area(from: f64, to: f64, percent: u32) -> Markup {
    let y = y(percent);
    let width = (to - from).max(0.0);
    html! {
        rect.area x=(place(from)) width=(place(width)) y=(format!("{y:.1}")) height=(format!("{:.1}", BOTTOM - y)) data-share=(percent) {
            title { (percent) " % of the users" }
        }
        line.edge x1=(place(from)) x2=(place(to)) y1=(format!("{y:.1}")) y2=(format!("{y:.1}")) {}
        @if width >= 5.0 && percent > 0 {
            text.percent x=(place(from + width / 2.0)) y=(format!("{y:.1}")) dy="-4" text-anchor="middle" { (percent) " %" }
        }
    }
}

fn rise(x: f64, from: u32, to: u32) -> Markup {
    html! { line.edge x1=(place(x)) x2=(place(x)) y1=(format!("{:.1}", y(from))) y2=(format!("{:.1}", y(to))) {} }
}

/// What happened that explains a picture: verdicts, gates, a person's words, the end.
fn marks(view: &RolloutView) -> Vec<(f64, &'static str, String)> {
    let Some(first) = view.weights.first() else { return Vec::new() };
    let kind = |kind: StoryKind| match kind {
        StoryKind::Verdict => Some("verdict"),
        StoryKind::Gate => Some("gate"),
        StoryKind::Verb => Some("verb"),
        StoryKind::Ended => Some("ended"),
        _ => None,
    };
    let mark = |line: &crate::report::view::StoryView| {
        let after = line.at.duration_since(first.at).as_secs_f64();
        kind(line.kind).filter(|_| after >= 0.0).map(|kind| (after, kind, line.words.clone()))
    };
    view.story.iter().filter_map(mark).collect()
}

fn mark(x: f64, kind: &str, words: &str) -> Markup {
    html! {
        g.mark data-mark=(kind) {
            title { (human::line(words)) }
            line x1=(place(x)) x2=(place(x)) y1="4" y2=(format!("{BOTTOM:.1}")) {}
            circle cx=(place(x)) cy="5" r="3.5" {}
        }
    }
}

/// The picture in words: every change where there are few, else where it ended.
fn caption(segments: &[(f64, f64, u32)]) -> String {
    const MOST: usize = 12;
    let after = |seconds: f64| human::duration((seconds * 1_000.0) as u64);
    let said = |(from, _, percent): &(f64, f64, u32)| format!("{percent} % after {}", after(*from));
    let changes: Vec<String> = segments.iter().skip(1).take(MOST).map(said).collect();
    let more = segments.len().saturating_sub(1 + MOST);
    let more = if more > 0 { format!(", and {more} more changes") } else { String::new() };
    format!("The new version's share of the users: {}{more}.", changes.join(", "))
}
