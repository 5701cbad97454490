//! One rollout as text: as a whole, and as a picture that is drawn again and again.

use super::sheet::{Sheet, Style, TextOptions, fit};
use crate::report::chart;
use crate::report::human;
use crate::report::rollout_words as words;
use crate::report::view::{
    MetricVerdict, RolloutGateView, RolloutMetricView, RolloutStepView, RolloutVersionView, RolloutView,
    VersionRole,
};
use unicode_width::UnicodeWidthStr;

/// More steps than this are shown around the one at hand.
const MOST_STEPS: usize = 24;
/// So many lines of the story stand in a picture of the moment.
const MOST_STORY: usize = 12;
/// Widest bar of a version's share.
const WIDEST_BAR: usize = 40;

/// One rollout as text.
pub(crate) fn rollout(view: &RolloutView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    head(&mut sheet, view);
    traffic(&mut sheet, view);
    if view.weights.len() > 1 {
        sheet.heading("New version's share in percent");
        let (points, end) = words::shares(&view.weights, view.ended, view.generated);
        for line in chart::share(&points, end, sheet.width()) {
            sheet.row(&[(Style::Blue, &line)]);
        }
    }
    steps(&mut sheet, view, MOST_STEPS);
    health(&mut sheet, view);
    gates(&mut sheet, &view.gates);
    others(&mut sheet, view);
    story(&mut sheet, view, MOST_STORY);
    sheet.finish()
}

/// Rollouts inside a report: what became of them, what their users met, and the evidence.
pub(super) fn brief(sheet: &mut Sheet, views: &[RolloutView]) {
    if views.is_empty() {
        return;
    }
    sheet.heading("Rollouts");
    for view in views {
        let group = words::group(view.phase, view.held.as_ref());
        let state = words::state(view.phase, view.held.as_ref());
        let versions = words::versions_of(view);
        let title = format!("{} {versions}: {} {state}", view.name, words::strategy(view.strategy));
        sheet.paragraph(&[(Style::of(group), &format!("  {} ", group.sign()))], &title, Style::Plain);
        if let Some(why) = words::why(view) {
            sheet.paragraph(&[(Style::Plain, "      ")], &why, Style::of(group));
        }
        sheet.facts("      ", &words::facts(view), Style::Muted);
        for version in &view.versions {
            let facts = words::counted(view.kind, version).join(" · ");
            if !facts.is_empty() {
                let text = format!("{} {}: {facts}", words::role(version.role), version.revision);
                sheet.paragraph(&[(Style::Plain, "      ")], &text, Style::Muted);
            }
        }
        for metric in &view.metrics {
            let (sign, group, _) = words::verdict(metric.verdict);
            let text = format!("{}: {}", metric.name, words::evidence(metric));
            sheet.paragraph(&[(Style::of(group), &format!("      {sign} "))], &text, Style::Plain);
        }
        if let Some(load) = &view.load {
            sheet.paragraph(&[(Style::Plain, "      load: ")], &words::load(load), Style::Muted);
        }
    }
}

/// The lines of a picture of at most `height` rows: what matters most comes first, and what does not fit is left
/// out from the end.
pub(crate) fn rollout_live(view: &RolloutView, options: TextOptions, height: usize) -> Vec<String> {
    // A line as wide as the terminal would make some of them wrap.
    let options = TextOptions { width: options.width.saturating_sub(1), ..options };
    let part = |write: &dyn Fn(&mut Sheet)| {
        let mut sheet = Sheet::new(options);
        write(&mut sheet);
        sheet.finish().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let first = part(&|sheet| {
        head(sheet, view);
        traffic(sheet, view);
    });
    let room = height.saturating_sub(first.len());
    // Steps are cut around the one at hand, so that health has its room below.
    let lines_of_health = part(&|sheet| health(sheet, view));
    let wanted = room.saturating_sub(lines_of_health.len() + 4).max(3);
    let parts = [
        first,
        part(&|sheet| steps(sheet, view, wanted.min(MOST_STEPS))),
        lines_of_health,
        part(&|sheet| gates(sheet, &view.gates)),
        part(&|sheet| others(sheet, view)),
        part(&|sheet| story(sheet, view, 4)),
    ];
    let mut lines: Vec<String> = Vec::new();
    for part in parts.into_iter().filter(|part| part.iter().any(|line| !line.is_empty())) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(part);
    }
    lines.truncate(height);
    lines
}

/// One line about a rollout, for where nothing can be drawn: it changes when anything of weight does.
pub(crate) fn rollout_line(view: &RolloutView) -> String {
    let mut line = words::state(view.phase, view.held.as_ref()).to_owned();
    if let Some(step) = view.step.and_then(|at| view.steps.get(at)).filter(|_| !view.phase.is_over()) {
        let number = view.step.unwrap_or_default() + 1;
        line.push_str(&format!(", step {number} of {} ({})", view.steps.len(), step.words));
    }
    if let Some(weight) = view.newcomer().and_then(|version| version.weight) {
        line.push_str(&format!(
            ", {weight} % to {}",
            view.newcomer().map_or("", |version| &version.revision)
        ));
    }
    if !view.phase.is_over()
        && let Some(health) = health_words(&view.metrics)
    {
        line.push_str(&format!(", {health}"));
    }
    if let Some(why) = words::why(view) {
        line.push_str(&format!(": {why}"));
    }
    human::line(&line)
}

/// What metrics say together: those that say something bad, by name; else that none does.
fn health_words(metrics: &[RolloutMetricView]) -> Option<String> {
    let is_bad = |metric: &&RolloutMetricView| {
        let verdict = metric.verdict;
        !metric.dry_run
            && matches!(verdict, MetricVerdict::Failed | MetricVerdict::Inconclusive | MetricVerdict::Error)
    };
    let bad: Vec<String> = metrics
        .iter()
        .filter(is_bad)
        .map(|metric| format!("{} {}", metric.name, words::verdict(metric.verdict).2))
        .collect();
    let is_measured = metrics.iter().any(|metric| metric.verdict != MetricVerdict::Pending);
    match (bad.is_empty(), is_measured) {
        (false, _) => Some(bad.join(", ")),
        (true, true) => Some("no fault so far".to_owned()),
        (true, false) => None,
    }
}

fn head(sheet: &mut Sheet, view: &RolloutView) {
    let group = words::group(view.phase, view.held.as_ref());
    let style = Style::of(group);
    let state = words::state(view.phase, view.held.as_ref());
    let place = match view.step.filter(|_| !view.phase.is_over() && !view.steps.is_empty()) {
        Some(step) => format!(", step {} of {}", (step + 1).min(view.steps.len()), view.steps.len()),
        None => String::new(),
    };
    let versions = words::versions_of(view);
    let title = format!("{}  {versions}", view.name);
    sheet.paragraph(&[(style, &format!("{} ", group.sign()))], title.trim_end(), Style::Bold);
    sheet.paragraph(
        &[(Style::Plain, "  ")],
        &format!("{} {state}{place}", words::strategy(view.strategy)),
        style,
    );
    if let Some(why) = words::why(view) {
        sheet.paragraph(&[(Style::Plain, "  ")], &why, style);
    }
    sheet.facts("  ", &words::facts(view), Style::Muted);
}

fn traffic(sheet: &mut Sheet, view: &RolloutView) {
    if view.versions.is_empty() {
        return;
    }
    sheet.heading("Traffic");
    let widest =
        view.versions.iter().map(|version| human::line(&version.revision).width()).max().unwrap_or(0);
    let names = widest.min(sheet.width() / 3);
    for version in &view.versions {
        share(sheet, version, names);
        sheet.facts("    ", &words::counted(view.kind, version), Style::Muted);
        if let Some(label) = &version.label {
            sheet.paragraph(&[(Style::Plain, "    ")], label, Style::Muted);
        }
        if let Some(trouble) = &version.trouble {
            sheet.paragraph(&[(Style::Red, "    ! ")], trouble, Style::Red);
        }
    }
}

/// `  canary v4 ████░░░░  10 %`
fn share(sheet: &mut Sheet, version: &RolloutVersionView, names: usize) {
    let whole = human::line(&version.revision);
    let is_long = whole.width() > names;
    if is_long {
        sheet.paragraph(&[(Style::Plain, "  ")], &whole, Style::Bold);
    }
    let name = if is_long { " ".repeat(names) } else { fit(&whole, names) };
    let role = format!("{:<7}", words::role(version.role));
    let percent = version.weight.map_or_else(|| "    –".to_owned(), |weight| format!("{weight:>3} %"));
    let room = sheet.width().saturating_sub(2 + 8 + names + 2 + 1 + 5).clamp(4, WIDEST_BAR);
    let bar = version.weight.map_or_else(|| " ".repeat(room), |weight| chart::bar(weight, room));
    let style = match version.role {
        VersionRole::Stable => Style::Green,
        VersionRole::Canary | VersionRole::Preview => Style::Blue,
        VersionRole::Old => Style::Muted,
    };
    sheet.row(&[
        (Style::Plain, "  "),
        (Style::Plain, &role),
        (Style::Plain, " "),
        (Style::Bold, &name),
        (Style::Plain, "  "),
        (style, &bar),
        (Style::Plain, " "),
        (Style::Plain, &percent),
    ]);
}

fn steps(sheet: &mut Sheet, view: &RolloutView, most: usize) {
    if view.steps.is_empty() {
        return;
    }
    sheet.heading("Steps");
    let (first, last) = window(view.steps.len(), view.step.unwrap_or(0), most);
    if first > 0 {
        sheet.row(&[(Style::Muted, &format!("  ⋮ {first} before"))]);
    }
    for step in &view.steps[first..last] {
        step_line(sheet, step, view);
    }
    if last < view.steps.len() {
        sheet.row(&[(Style::Muted, &format!("  ⋮ {} more", view.steps.len() - last))]);
    }
}

/// The places to show of so many, around one: at most `most` of them.
fn window(count: usize, at: usize, most: usize) -> (usize, usize) {
    if count <= most {
        return (0, count);
    }
    let first = at.saturating_sub(most / 3).min(count - most);
    (first, first + most)
}

fn step_line(sheet: &mut Sheet, step: &RolloutStepView, view: &RolloutView) {
    let (sign, group, beside) = words::step(step.state);
    let is_now = beside == "now";
    let left = if is_now { words::time_left(view).map(|left| format!("{left} left")) } else { None };
    let text = match left.or_else(|| (!beside.is_empty()).then(|| beside.to_owned())) {
        Some(beside) => format!("{} ({beside})", step.words),
        None => step.words.clone(),
    };
    let style = if is_now { Style::Bold } else { Style::Plain };
    sheet.paragraph(&[(Style::of(group), &format!("  {sign} "))], &text, style);
}

fn health(sheet: &mut Sheet, view: &RolloutView) {
    if view.metrics.is_empty() {
        return;
    }
    sheet.heading("Health");
    view.metrics.iter().for_each(|metric| metric_lines(sheet, metric));
}

fn metric_lines(sheet: &mut Sheet, metric: &RolloutMetricView) {
    let (sign, group, _) = words::verdict(metric.verdict);
    let lead = format!("  {sign} ");
    let text = format!("{}: {}", metric.name, words::evidence(metric));
    sheet.paragraph(&[(Style::of(group), &lead)], &text, Style::Plain);
    let room = (sheet.width() / 3).clamp(8, 32);
    let spark = chart::spark(&metric.recent, &metric.baseline, room);
    let numbers = words::measured(metric).unwrap_or_default();
    if spark.is_empty() {
        if !numbers.is_empty() {
            sheet.paragraph(&[(Style::Plain, "    ")], &numbers, Style::Muted);
        }
        return;
    }
    sheet.paragraph(
        &[(Style::Plain, "    "), (Style::Blue, &spark), (Style::Plain, "  ")],
        &numbers,
        Style::Muted,
    );
}

fn gates(sheet: &mut Sheet, gates: &[RolloutGateView]) {
    if gates.is_empty() {
        return;
    }
    sheet.heading("Gates");
    for gate in gates {
        let (sign, group, state) = words::gate(gate.state);
        let said = gate.words.as_ref().map(|said| format!(": {said}")).unwrap_or_default();
        let text = format!("{} ({}) {state}{said}", gate.name, gate.kind);
        sheet.paragraph(&[(Style::of(group), &format!("  {sign} "))], &text, Style::Plain);
    }
}

/// Load and notices.
fn others(sheet: &mut Sheet, view: &RolloutView) {
    if let Some(load) = &view.load {
        sheet.heading("Load");
        sheet.paragraph(&[(Style::Plain, "  ")], &words::load(load), Style::Plain);
    }
    let troubled: Vec<_> = view.notices.iter().filter(|notice| notice.fault.is_some()).collect();
    if troubled.is_empty() {
        return;
    }
    sheet.heading("Notices that did not arrive");
    for notice in troubled {
        let fault = notice.fault.as_deref().unwrap_or_default();
        let text =
            format!("{}: {} of {} failed: {fault}", notice.name, notice.failed, notice.sent + notice.failed);
        sheet.paragraph(&[(Style::Yellow, "  ! ")], &text, Style::Plain);
    }
}

fn story(sheet: &mut Sheet, view: &RolloutView, most: usize) {
    if view.story.is_empty() {
        return;
    }
    sheet.heading("What happened");
    let hidden = view.story.len().saturating_sub(most);
    if hidden > 0 {
        sheet.row(&[(Style::Muted, &format!("  ⋮ {hidden} before"))]);
    }
    for line in &view.story[hidden..] {
        let lead = format!("  {:>12}  ", words::after(view, line.at));
        sheet.paragraph(&[(Style::Muted, &lead)], &line.words, Style::Plain);
    }
}
