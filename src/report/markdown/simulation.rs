//! Simulated rollouts as Markdown.

use super::escape::{code, text};
use crate::report::chart;
use crate::report::text::simulation::{ends, exposed, exposure, percent, taken_for, time};
use crate::report::view::{RehearsalView, SimulationView};
use std::fmt::Write;

/// What simulated rollouts came to, as Markdown.
pub(crate) fn simulation(view: &SimulationView) -> String {
    let mut out = format!("## {}: {} runs of each scenario\n\n", text(&view.rollout), view.seeds);
    for row in &view.metrics {
        let _ = writeln!(out, "- {}", text(&taken_for(row)));
    }
    if !view.metrics.is_empty() {
        out.push('\n');
    }
    out.push_str("| Scenario | Ends | Users |\n|---|---|---|\n");
    for row in &view.scenarios {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            code(&row.name),
            ends(row).join(", "),
            exposure(row).join(", ")
        );
    }
    for row in &view.scenarios {
        let picture = chart::share(&row.example_weights, row.example_took_s, 78).join("\n");
        let _ = write!(
            out,
            "\n### {}\n\n{}; seed {}: {}\n\n```text\n{picture}\n```\n",
            text(&row.name),
            text(&row.meaning),
            row.example_seed,
            text(&row.example_ending)
        );
    }
    let Some(first) = view.power.first() else { return out };
    let head: Vec<String> = first.expected_s.iter().map(|(errors, _)| percent(*errors)).collect();
    let _ = write!(
        out,
        "\n### Expected until it is seen, at a share of {} %\n\n| Requests a second | {} |\n|---|{}\n",
        first.weight,
        head.join(" | "),
        "---|".repeat(head.len())
    );
    for row in &view.power {
        let cells: Vec<String> = row.expected_s.iter().map(|(_, at)| time(*at)).collect();
        let _ = writeln!(out, "| {} | {} |", row.rate, cells.join(" | "));
    }
    out
}

/// What a rollout would have done with recorded data, as Markdown.
pub(crate) fn rehearsal(view: &RehearsalView) -> String {
    let mut out = format!("## {}: {}\n\n", text(&view.rollout), text(&view.ending));
    let picture = chart::share(&view.weights, view.took_s, 78).join("\n");
    let _ = write!(
        out,
        "Began {}, took {}.\n\n```text\n{picture}\n```\n\n| After | What |\n|---|---|\n",
        text(&view.began),
        chart::seconds(view.took_s)
    );
    for event in &view.events {
        let _ = writeln!(out, "| {} | {} |", chart::seconds(event.after_s), text(&event.words));
    }
    let mut list = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let lines: String = lines.iter().map(|line| format!("- {}\n", text(line))).collect();
            let _ = write!(out, "\n### {title}\n\n{lines}");
        }
    };
    list(
        "What users met of the new version, as it was recorded",
        view.exposure.iter().map(exposed).collect(),
    );
    list("Gaps", view.gaps.clone());
    list("What this cannot show", view.cannot_show.clone());
    out
}
