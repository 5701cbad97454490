//! Rollouts: what became of them, the share over time, versions, verdicts with their evidence.

use super::parts::{self, Page};
use super::share;
use crate::report::chart;
use crate::report::human;
use crate::report::rollout_words as words;
use crate::report::summary::Group;
use crate::report::view::{RolloutMetricView, RolloutVersionView, RolloutView};
use maud::{Markup, html};

/// Longest line of small numbers.
const MOST_NUMBERS: usize = 120;

/// The section; nothing where nothing was rolled out.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let views = &page.view.rollouts;
    if views.is_empty() {
        return html! {};
    }
    let back = views.iter().filter(|view| view.phase.is_back()).count();
    let tally =
        if back > 0 { format!("{}, {back} taken back", views.len()) } else { views.len().to_string() };
    html! {
        section id="rollouts" aria-labelledby="rollouts-h" {
            (parts::heading("rollouts-h", "Rollouts", &tally))
            @for (at, view) in views.iter().enumerate() { (article(view, at)) }
        }
    }
}

fn article(view: &RolloutView, at: usize) -> Markup {
    let group = words::group(view.phase, view.held.as_ref());
    let state = words::state(view.phase, view.held.as_ref());
    html! {
        article.rollout id={ "o" (at) } data-rollout=(view.name) {
            h3 {
                (parts::foreign(&view.name)) " " span.versions { (parts::foreign(&words::versions_of(view))) } " "
                (chip(group, state))
            }
            @if let Some(why) = words::why(view) { p.why.{ "s-" (group.name()) } { (parts::foreign(&why)) } }
            p.meta {
                span { (words::strategy(view.strategy)) }
                @for fact in words::facts(view) { span { (parts::foreign(&fact)) } }
                @if let Some(load) = &view.load { span { "load: " (words::load(load)) } }
            }
            (share::chart(view, at))
            @if !view.steps.is_empty() { (steps(view)) }
            @if !view.versions.is_empty() { (versions(view)) }
            @if !view.metrics.is_empty() { (metrics(view)) }
            @if !view.gates.is_empty() { (gates(view)) }
            @if !view.story.is_empty() { (story(view)) }
        }
    }
}

fn chip(group: Group, word: &str) -> Markup {
    html! { span.chip.{ "s-" (group.name()) } { (parts::icon(group)) (word) } }
}

fn steps(view: &RolloutView) -> Markup {
    html! {
        ol.attempts aria-label="Steps" {
            @for step in &view.steps {
                @let (_, group, beside) = words::step(step.state);
                li.{ "s-" (group.name()) } {
                    (parts::icon(group)) (parts::foreign(&step.words))
                    @if !beside.is_empty() { " (" (beside) ")" } @else { span.sr { " " (group.name()) } }
                }
            }
        }
    }
}

fn versions(view: &RolloutView) -> Markup {
    html! {
        div.scroll {
            table role="table" aria-label="Versions" {
                thead { tr {
                    @for name in ["Version", "Role", "Share", "Requests", "Failed", "p50", "p99"] { th scope="col" { (name) } }
                } }
                tbody { @for version in &view.versions { (version_row(version)) } }
            }
        }
    }
}

fn version_row(version: &RolloutVersionView) -> Markup {
    let failed = match (version.failures, version.requests) {
        (Some(failures), Some(requests)) if failures > 0 => {
            Some(format!("{} ({})", words::thousands(failures), words::share(failures, requests)))
        }
        (failures, _) => failures.map(words::thousands),
    };
    let cell = |text: Option<String>| html! { td.num { @match text { Some(text) => (text), None => span.none { "–" } } } };
    html! {
        tr data-version=(version.revision) {
            th scope="row" {
                (parts::foreign(&words::version(version)))
                @if let Some(trouble) = &version.trouble { p.reason { (parts::foreign(trouble)) } }
            }
            td { (words::role(version.role)) }
            (cell(version.weight.map(|weight| format!("{weight} %"))))
            (cell(version.requests.map(words::thousands)))
            (cell(failed))
            (cell(version.p50_ms.map(words::milliseconds)))
            (cell(version.p99_ms.map(words::milliseconds)))
        }
    }
}

fn metrics(view: &RolloutView) -> Markup {
    html! {
        h4 { "Verdicts" }
        ul.verdicts {
            @for metric in &view.metrics {
                @let (_, group, word) = words::verdict(metric.verdict);
                li data-metric=(metric.name) {
                    p { b { (parts::foreign(&metric.name)) } " " (chip(group, word)) @if metric.dry_run { " " span.tag { "dry run" } } }
                    @if !metric.words.trim().is_empty() { p.reason { (parts::foreign(&metric.words)) } }
                    (numbers(metric))
                }
            }
        }
    }
}

/// The last numbers of a metric as small bars, and in words.
fn numbers(metric: &RolloutMetricView) -> Markup {
    let spark = chart::spark(&metric.recent, &metric.baseline, MOST_NUMBERS);
    html! {
        @if let Some(words) = words::measured(metric) {
            p.reason { @if !spark.is_empty() { span.spark aria-hidden="true" { (spark) } " " } (parts::foreign(&words)) }
        }
    }
}

fn gates(view: &RolloutView) -> Markup {
    html! {
        h4 { "Gates" }
        ul.verdicts {
            @for gate in &view.gates {
                @let (_, group, word) = words::gate(gate.state);
                li data-gate=(gate.name) {
                    p { b { (parts::foreign(&gate.name)) } " " span.tag { (parts::foreign(&gate.kind)) } " " (chip(group, word)) }
                    @if let Some(said) = &gate.words { p.reason { (parts::foreign(said)) } }
                }
            }
        }
    }
}

fn story(view: &RolloutView) -> Markup {
    html! {
        details {
            summary { span.name { "What happened" } " " small { (human::count(view.story.len(), "line", "lines")) } }
            ol.story {
                @for line in &view.story { li { span.num { (words::after(view, line.at)) } " " (parts::foreign(&line.words)) } }
            }
        }
    }
}
