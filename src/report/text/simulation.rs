//! Simulated rollouts as text.

use super::sheet::{Sheet, Style, TextOptions};
use crate::report::chart;
use crate::report::human;
use crate::report::view::{ExposureRow, MeaningRow, PowerRow, RehearsalView, ScenarioRow, SimulationView};

/// What simulated rollouts came to, as text.
pub(crate) fn simulation(view: &SimulationView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    let runs = human::count(usize::try_from(view.seeds).unwrap_or(usize::MAX), "run", "runs");
    sheet.paragraph(&[], &format!("{}, {runs} of each scenario", view.rollout), Style::Bold);
    for row in &view.metrics {
        let style = if row.is_known { Style::Muted } else { Style::Yellow };
        sheet.paragraph(&[(Style::Plain, "  ")], &taken_for(row), style);
    }
    for row in &view.scenarios {
        scenario(&mut sheet, row);
    }
    if !view.power.is_empty() {
        power(&mut sheet, &view.power);
    }
    sheet.finish()
}

fn scenario(sheet: &mut Sheet, row: &ScenarioRow) {
    sheet.heading(&row.name);
    sheet.paragraph(&[(Style::Plain, "  ")], &row.meaning, Style::Muted);
    let style = if row.broken.is_some() || row.stuck > 0 { Style::Red } else { Style::Plain };
    sheet.facts("  ", &ends(row), style);
    sheet.facts("  ", &exposure(row), Style::Plain);
    if let Some(broken) = &row.broken {
        sheet.paragraph(&[(Style::Red, "  broken: ")], broken, Style::Red);
    }
    for line in chart::share(&row.example_weights, row.example_took_s, sheet.width().saturating_sub(2)) {
        sheet.row(&[(Style::Plain, "  "), (Style::Blue, &line)]);
    }
    let example = format!("seed {}: {}", row.example_seed, row.example_ending);
    sheet.paragraph(&[(Style::Plain, "  ")], &example, Style::Muted);
}

/// What a metric was taken for, in words.
pub(in crate::report) fn taken_for(row: &MeaningRow) -> String {
    let said = format!("{} is taken for {}", row.metric, row.meaning);
    if row.is_known { said } else { format!("{said}: nothing tells what it measures, say it with --metric") }
}

/// How the runs ended.
pub(in crate::report) fn ends(row: &ScenarioRow) -> Vec<String> {
    let share = |count: u64| percent(count as f64 / row.runs.max(1) as f64);
    let mut facts = vec![format!("completed {}", share(row.completed))];
    let interval = format!("{} to {}", percent(row.rolled_back_low), percent(row.rolled_back_high));
    facts.push(format!("taken back {} ({interval})", share(row.rolled_back)));
    facts.extend((row.waits > 0).then(|| format!("waits for a person {}", share(row.waits))));
    facts.extend((row.stuck > 0).then(|| format!("did not end {}", share(row.stuck))));
    facts
}

/// What users met.
pub(in crate::report) fn exposure(row: &ScenarioRow) -> Vec<String> {
    let mean = |count: u64| count as f64 / row.runs.max(1) as f64;
    let mut facts = Vec::new();
    if let (Some(p50), Some(p99)) = (row.detected_p50_s, row.detected_p99_s) {
        facts.push(format!("off after {p50:.0} s (p50), {p99:.0} s (p99)"));
    }
    facts.push(format!(
        "{:.0} requests met the new version, {:.0} of them failed",
        mean(row.answered_by_canary),
        mean(row.failed_on_canary)
    ));
    facts
}

/// A share as percent, with digits as far as they say something.
pub(in crate::report) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent >= 10.0 { format!("{percent:.0} %") } else { format!("{percent:.2} %") }
}

fn power(sheet: &mut Sheet, rows: &[PowerRow]) {
    let Some(first) = rows.first() else { return };
    let base = percent(first.base_errors);
    sheet.heading(&format!(
        "Expected until it is seen, at a share of {} % and {base} errors before",
        first.weight
    ));
    let cells =
        |row: &PowerRow| row.expected_s.iter().map(|(_, at)| format!("{:>9}", time(*at))).collect::<String>();
    let head: String =
        first.expected_s.iter().map(|(errors, _)| format!("{:>9}", percent(*errors))).collect();
    sheet.row(&[(Style::Muted, &format!("  {:<12}{head}", "errors"))]);
    for row in rows {
        sheet.row(&[(Style::Plain, &format!("  {:<12}{}", format!("{} req/s", row.rate), cells(row)))]);
    }
}

/// A time that is only expected.
pub(in crate::report) fn time(seconds: Option<f64>) -> String {
    match seconds {
        Some(at) if at < 120.0 => format!("{at:.0} s"),
        Some(at) if at < 7_200.0 => format!("{:.0} min", at / 60.0),
        Some(at) => format!("{:.0} h", at / 3_600.0),
        None => "never".to_owned(),
    }
}

/// What a rollout would have done with recorded data, as text.
pub(crate) fn rehearsal(view: &RehearsalView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    let took = chart::seconds(view.took_s);
    let head = format!("{} from {}, after {took}: {}", view.rollout, view.began, view.ending);
    sheet.paragraph(&[], &head, if view.is_rolled_back { Style::Red } else { Style::Bold });
    sheet.gap();
    for line in chart::share(&view.weights, view.took_s, sheet.width()) {
        sheet.row(&[(Style::Blue, &line)]);
    }
    sheet.heading("What would have happened");
    for event in &view.events {
        let lead = format!("  {:>12}  ", chart::seconds(event.after_s));
        sheet.paragraph(&[(Style::Muted, &lead)], &event.words, Style::Plain);
    }
    if !view.exposure.is_empty() {
        sheet.heading("What users met of the new version, as it was recorded");
        for row in &view.exposure {
            sheet.paragraph(&[(Style::Plain, "  ")], &exposed(row), Style::Plain);
        }
    }
    if !view.gaps.is_empty() {
        sheet.heading("Gaps");
        view.gaps.iter().for_each(|gap| sheet.paragraph(&[(Style::Plain, "  ")], gap, Style::Yellow));
        if view.more_gaps > 0 {
            sheet.paragraph(&[(Style::Plain, "  ")], &format!("and {} more", view.more_gaps), Style::Yellow);
        }
    }
    sheet.heading("What this cannot show");
    view.cannot_show.iter().for_each(|line| sheet.paragraph(&[(Style::Plain, "  ")], line, Style::Muted));
    sheet.finish()
}

/// What users met by one metric, in words.
pub(in crate::report) fn exposed(row: &ExposureRow) -> String {
    let spared = match row.spared {
        Some(spared) if spared >= 0.5 => format!("; {spared:.0} failures would have been spared"),
        Some(spared) if spared <= -0.5 => format!("; {:.0} more failures would have been met", -spared),
        _ => String::new(),
    };
    format!("{}: {}{spared}", row.metric, row.words)
}
