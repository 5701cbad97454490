//! The page around the sections.

use super::parts::{self, Page};
use super::{attention, graph, overview, rollouts, sync, tasks, timeline, trace};
use crate::report::human;
use crate::report::view::ReportView;
use base64::Engine as _;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");
const ICONS: &str = include_str!("icons.svg");

/// The report as one HTML file.
pub(crate) fn report(view: &ReportView) -> String {
    let page = Page::new(view);
    let title = format!("{} · taskmaster report", view.document.name());
    let body = html! {
        (bar(&page))
        (overview::header(&page))
        main id="main" { (sections(&page)) }
    };
    frame(&title, &view.version, view.generated, Some(SCRIPT), &body)
}

/// What is around every page.
pub(super) fn frame(
    title: &str,
    version: &str,
    generated: Timestamp,
    script: Option<&str>,
    body: &Markup,
) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(script));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="generator" content={ "taskmaster " (version) };
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the report" }
                (PreEscaped(ICONS))
                (body)
                footer { "taskmaster " (version) " · generated " (parts::time(generated)) " · times are UTC" }
                @if let Some(script) = script { script { (PreEscaped(script)) } }
            }
        }
    }
    .into_string()
    .replace(human::is_harmful, "\u{fffd}")
}

fn sections(page: &Page<'_>) -> Markup {
    html! {
        (sync::section(page))
        (attention::section(page))
        (overview::progress(page))
        (graph::section(page))
        (timeline::section(page))
        (rollouts::section(page))
        (tasks::section(page))
        (trace::requirements(page))
        (trace::claims(page))
        (trace::findings(page))
        (tasks::history(page))
    }
}

/// The bar at the top: where one is, where one can go, and the colour scheme.
fn bar(page: &Page<'_>) -> Markup {
    let view = page.view;
    let drifted = view.tasks.iter().filter(|task| task.drifted.is_some()).count();
    let counts = &page.summary.counts;
    let attention = counts.failed + counts.unknown + counts.waiting + drifted;
    let attempts = page.summary.attempts > 0;
    let places = [
        ("sync", "Sync", view.sync.is_some()),
        ("attention", "Attention", attention > 0),
        ("progress", "Progress", true),
        ("graph", "Graph", !view.tasks.is_empty()),
        ("timeline", "Timeline", attempts),
        ("rollouts", "Rollouts", !view.rollouts.is_empty()),
        ("tasks", "Tasks", true),
        ("requirements", "Requirements", !view.requirements.is_empty()),
        ("claims", "Claims", true),
        ("findings", "Findings", !view.diagnostics.is_empty()),
        ("history", "Runs", !view.runs.is_empty()),
    ];
    html! {
        div.top {
            nav aria-label="Sections" {
                @for (id, name, there) in places { @if there { a href={ "#" (id) } { (name) } } }
            }
            button.plain id="scheme" type="button" hidden aria-pressed="false" { "Dark" }
        }
    }
}

fn policy(script: Option<&str>) -> String {
    let script = script.map_or("'none'".to_owned(), |script| format!("'{}'", hash(script)));
    format!(
        "default-src 'none'; style-src '{}'; script-src {script}; base-uri 'none'; form-action 'none'",
        hash(STYLE)
    )
}

fn hash(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(digest))
}
