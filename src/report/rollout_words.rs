//! Rollouts in words and numbers: what text, Markdown and HTML say alike.

use super::human;
use super::rollout_summary::RolloutSummary;
use super::summary::Group;
use super::view::{
    GateState, HoldBy, HoldView, MetricVerdict, PodsView, ReleaseOutcome, RolloutKind, RolloutLoadView,
    RolloutMetricView, RolloutPhase, RolloutRow, RolloutStrategy, RolloutVersionView, RolloutView, StepState,
    VersionRole, WeightPoint,
};
use jiff::Timestamp;

/// `canary`.
pub(super) fn strategy(strategy: RolloutStrategy) -> &'static str {
    match strategy {
        RolloutStrategy::Canary => "canary",
        RolloutStrategy::BlueGreen => "blue-green",
        RolloutStrategy::Ab => "A/B",
        RolloutStrategy::Rolling => "rolling",
        RolloutStrategy::Unknown => "rollout",
    }
}

/// `rolling back`.
pub(super) fn phase(phase: RolloutPhase) -> &'static str {
    match phase {
        RolloutPhase::Initializing => "initializing",
        RolloutPhase::Analyzing => "analyzing",
        RolloutPhase::Promoting => "promoting",
        RolloutPhase::Completed => "completed",
        RolloutPhase::RollingBack => "rolling back",
        RolloutPhase::RolledBack => "rolled back",
        RolloutPhase::Degraded => "degraded",
        RolloutPhase::Unknown => "unknown",
    }
}

/// `stable`.
pub(super) fn role(role: VersionRole) -> &'static str {
    match role {
        VersionRole::Stable => "stable",
        VersionRole::Canary => "canary",
        VersionRole::Preview => "preview",
        VersionRole::Old => "old",
    }
}

/// What drives it, and where: `on this machine`, `Argo Rollouts, namespace shop`.
pub(super) fn place(kind: RolloutKind, namespace: Option<&str>) -> String {
    let driver = match kind {
        RolloutKind::Local => "on this machine",
        RolloutKind::Rollout => "Argo Rollouts",
        RolloutKind::Canary => "Flagger",
    };
    namespace.map_or_else(|| driver.to_owned(), |namespace| format!("{driver}, namespace {namespace}"))
}

/// The look of a phase and a hold: their sign and colour.
pub(super) fn group(phase: RolloutPhase, held: Option<&HoldView>) -> Group {
    match phase {
        RolloutPhase::Completed => Group::Done,
        RolloutPhase::RollingBack | RolloutPhase::RolledBack | RolloutPhase::Degraded => Group::Failed,
        RolloutPhase::Unknown => Group::Unknown,
        _ if held.is_some() => Group::Waiting,
        _ => Group::Active,
    }
}

/// Where it is, in a word or two: `analyzing`, `paused`, `waits for a gate`.
pub(super) fn state(phase_now: RolloutPhase, held: Option<&HoldView>) -> &'static str {
    match held.filter(|_| !phase_now.is_over()).map(|held| held.by) {
        Some(HoldBy::Person) => "paused",
        Some(HoldBy::Step) => "waits for a person",
        Some(HoldBy::Doubt) => "in doubt",
        Some(HoldBy::OneWay) => "stands: no way back",
        Some(HoldBy::Gate) => "waits for a gate",
        None => phase(phase_now),
    }
}

/// `v4`, or its images with the revision behind them.
pub(super) fn version(version: &RolloutVersionView) -> String {
    match &version.label {
        Some(label) => format!("{label} ({})", version.revision),
        None => version.revision.clone(),
    }
}

/// `v3 → v4`, `v3 ← v4` where it went back, or the one that there is.
pub(super) fn versions(stable: Option<&str>, newcomer: Option<&str>, phase: RolloutPhase) -> String {
    match (stable, newcomer) {
        (Some(stable), Some(newcomer)) if phase.is_back() => format!("{stable} ← {newcomer}"),
        (Some(stable), Some(newcomer)) => format!("{stable} → {newcomer}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::new(),
    }
}

/// The versions of a view, short. What was completed is told with the version before it.
pub(super) fn versions_of(view: &RolloutView) -> String {
    let row = RolloutRow::of(view);
    let before = view.version(VersionRole::Old).map(|version| version.revision.as_str());
    match (view.phase, before) {
        (RolloutPhase::Completed, Some(_)) => versions(before, row.stable.as_deref(), view.phase),
        // What was taken back is out of service, and still what this rollout was about.
        (_, Some(_)) if view.phase.is_back() && row.newcomer.is_none() => {
            versions(row.stable.as_deref(), before, view.phase)
        }
        _ => versions(row.stable.as_deref(), row.newcomer.as_deref(), view.phase),
    }
}

/// What it is about as facts: where it is, its times.
pub(super) fn facts(view: &RolloutView) -> Vec<String> {
    let summary = RolloutSummary::of(view);
    let mut facts = vec![place(view.kind, view.namespace.as_deref())];
    facts.extend(view.native.as_ref().map(|word| format!("its controller says {word}")));
    facts.extend(view.address.clone());
    facts.extend(view.preview.as_ref().map(|at| format!("preview {at}")));
    facts.extend(view.metrics_at.as_ref().map(|at| format!("counters {at}")));
    facts.extend(view.started.map(|at| format!("began {}", human::time(at))));
    facts.extend(summary.took_ms.map(|ms| {
        let words = if summary.is_over { "took" } else { "for" };
        format!("{words} {}", human::duration(ms))
    }));
    facts.extend(time_left(view).map(|left| format!("step ends in {left}")));
    facts.extend(deadline_left(view).map(|left| format!("taken back in {left} without progress")));
    facts
}

/// Time from the beginning of a rollout to something that happened in it.
pub(super) fn after(view: &RolloutView, at: Timestamp) -> String {
    let began = view.started.or_else(|| view.story.first().map(|line| line.at)).unwrap_or(at);
    human::duration(u64::try_from(at.duration_since(began).as_millis()).unwrap_or(0))
}

/// Time until the step at hand can end.
pub(super) fn time_left(view: &RolloutView) -> Option<String> {
    let ms = RolloutSummary::of(view).step_left_ms.filter(|ms| *ms > 0)?;
    Some(human::duration(ms))
}

fn deadline_left(view: &RolloutView) -> Option<String> {
    let at = view.deadline.filter(|_| !view.phase.is_over())?;
    let ms = u64::try_from(at.duration_since(view.generated).as_millis()).ok()?;
    Some(human::duration(ms))
}

/// Why it is where it is: what holds it, else why it was given up or what it waits for.
pub(super) fn why(view: &RolloutView) -> Option<String> {
    let held = view.held.as_ref().filter(|_| !view.phase.is_over()).map(|held| &held.words);
    let words = match (held, &view.why) {
        (Some(held), Some(why)) if held != why => format!("{held}; {why}"),
        (Some(words), _) | (None, Some(words)) => words.clone(),
        (None, None) => return None,
    };
    (!words.trim().is_empty()).then_some(words)
}

/// What the pods of a version do: `3 of 3 pods`, `1 of 3 processes`.
pub(super) fn pods(kind: RolloutKind, pods: PodsView) -> String {
    let (one, many) = if kind == RolloutKind::Local { ("process", "processes") } else { ("pod", "pods") };
    let word = if pods.wanted == 1 { one } else { many };
    let mut text = format!("{} of {} {word}", pods.available, pods.wanted);
    if pods.created > pods.wanted {
        text.push_str(&format!(", {} still there", pods.created));
    }
    text
}

/// What was counted of a version: pods, requests, failures, latency.
pub(super) fn counted(kind: RolloutKind, version: &RolloutVersionView) -> Vec<String> {
    let has_pods = version.pods.wanted > 0 || version.pods.created > 0;
    let mut facts: Vec<String> = has_pods.then(|| pods(kind, version.pods)).into_iter().collect();
    facts.extend(traffic(version.requests, version.failures));
    facts.extend(latency(version.p50_ms, version.p99_ms));
    facts.extend(version.restarts.filter(|n| *n > 0).map(|n| format!("{n} restarts")));
    facts
}

/// `12,340 requests, 2 failed (0.02 %)`.
fn traffic(requests: Option<u64>, failures: Option<u64>) -> Option<String> {
    let requests = requests?;
    let word = if requests == 1 { "request" } else { "requests" };
    let failed = match failures {
        None => String::new(),
        Some(0) if requests == 0 => String::new(),
        Some(0) => ", none failed".to_owned(),
        Some(failures) => format!(", {} failed ({})", thousands(failures), share(failures, requests)),
    };
    Some(format!("{} {word}{failed}", thousands(requests)))
}

/// `half in 3.1 ms, 99 % in 12 ms`.
fn latency(p50_ms: Option<f64>, p99_ms: Option<f64>) -> Option<String> {
    match (p50_ms, p99_ms) {
        (Some(p50), Some(p99)) => Some(format!("p50 {}, p99 {}", milliseconds(p50), milliseconds(p99))),
        (Some(p50), None) => Some(format!("p50 {}", milliseconds(p50))),
        (None, Some(p99)) => Some(format!("p99 {}", milliseconds(p99))),
        (None, None) => None,
    }
}

/// The built-in load in words.
pub(super) fn load(load: &RolloutLoadView) -> String {
    let state = if load.is_running { "" } else { ", over" };
    let mut facts = vec![format!("{} requests a second{state}", number(load.rate))];
    facts.extend(traffic(Some(load.requests), Some(load.failures)));
    facts.extend(latency(load.p50_ms, load.p99_ms));
    facts.join("; ")
}

/// A share in percent with as many digits as say something.
pub(super) fn share(part: u64, whole: u64) -> String {
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    match percent {
        0.0 | 10.0.. => format!("{percent:.0} %"),
        1.0.. => format!("{percent:.1} %"),
        0.01.. => format!("{percent:.2} %"),
        _ => "below 0.01 %".to_owned(),
    }
}

/// `3.1 ms`, `12 ms`, `1.2 s`.
pub(super) fn milliseconds(ms: f64) -> String {
    match ms {
        _ if !ms.is_finite() => "no number".to_owned(),
        ..10.0 => format!("{ms:.1} ms"),
        ..1_000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1_000.0),
    }
}

/// A number with three digits that say something, or with all before its point.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return if value.is_nan() { "no number" } else { "infinite" }.to_owned();
    }
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        return format!("{value:.2e}");
    }
    let digits = match size {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 4,
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// `12,340`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Sign, look and words of a step's state; no words where the sign says it all.
pub(super) fn step(state: StepState) -> (char, Group, &'static str) {
    match state {
        StepState::Done => ('✓', Group::Done, ""),
        StepState::Current => ('▶', Group::Active, "now"),
        StepState::Pending => ('·', Group::Pending, ""),
        StepState::Skipped => ('-', Group::Skipped, "left out"),
        StepState::Failed => ('✗', Group::Failed, "taken back here"),
    }
}

/// Sign, look and words of a verdict.
pub(super) fn verdict(verdict: MetricVerdict) -> (char, Group, &'static str) {
    match verdict {
        MetricVerdict::Pending => ('·', Group::Pending, "nothing measured yet"),
        MetricVerdict::Measuring => ('▶', Group::Active, "no fault so far"),
        MetricVerdict::Passed => ('✓', Group::Done, "passed"),
        MetricVerdict::Failed => ('✗', Group::Failed, "failed"),
        MetricVerdict::Inconclusive => ('?', Group::Waiting, "could not tell"),
        MetricVerdict::Error => ('!', Group::Waiting, "not measured"),
    }
}

/// A metric's verdict and what it rests on.
pub(super) fn evidence(metric: &RolloutMetricView) -> String {
    let (_, _, word) = verdict(metric.verdict);
    let dry = if metric.dry_run { " (dry run: nothing hangs on it)" } else { "" };
    if metric.words.trim().is_empty() {
        format!("{word}{dry}")
    } else {
        format!("{word}{dry}: {}", metric.words)
    }
}

/// What was measured last, beside the sample: `last 0.1, stable 0.12 errors in percent; 340 of 500`.
pub(super) fn measured(metric: &RolloutMetricView) -> Option<String> {
    let last = |values: &[Option<f64>]| values.iter().rev().find_map(|value| *value).map(number);
    let mut text = last(&metric.recent).map(|last| format!("last {last}")).unwrap_or_default();
    if let Some(baseline) = last(&metric.baseline) {
        text.push_str(&format!(", stable {baseline}"));
    }
    if let Some(unit) = metric.unit.as_ref().filter(|_| !text.is_empty()) {
        text.push_str(&format!(" {unit}"));
    }
    if let Some(sample) = metric.sample {
        let joint = if text.is_empty() { "" } else { "; " };
        let needed = metric.needed.filter(|needed| sample < *needed);
        let needed = needed.map(|needed| format!(" of {} needed", thousands(needed))).unwrap_or_default();
        text.push_str(&format!("{joint}sample {}{needed}", thousands(sample)));
    }
    (!text.is_empty()).then_some(text)
}

/// Sign, look and words of a gate's state.
pub(super) fn gate(state: GateState) -> (char, Group, &'static str) {
    match state {
        GateState::Pending => ('·', Group::Pending, "not asked yet"),
        GateState::Asked => ('▶', Group::Active, "asked"),
        GateState::Yes => ('✓', Group::Done, "yes"),
        GateState::No => ('✗', Group::Waiting, "no"),
        GateState::Silent => ('!', Group::Waiting, "does not answer"),
        GateState::Passed => ('✓', Group::Claimed, "passed by a person"),
    }
}

/// Look and words of a release's end.
pub(super) fn outcome(outcome: ReleaseOutcome) -> (Group, &'static str) {
    match outcome {
        ReleaseOutcome::Completed => (Group::Done, "completed"),
        ReleaseOutcome::RolledBack => (Group::Failed, "rolled back"),
        ReleaseOutcome::Overtaken => (Group::Cancelled, "overtaken"),
        ReleaseOutcome::UnderWay => (Group::Active, "under way"),
        ReleaseOutcome::Unknown => (Group::Unknown, "unknown"),
    }
}

/// The shares over time as seconds since the first, and the seconds until the last moment that is shown.
pub(super) fn shares(
    weights: &[WeightPoint],
    ended: Option<Timestamp>,
    now: Timestamp,
) -> (Vec<(f64, u32)>, f64) {
    let Some(first) = weights.first() else { return (Vec::new(), 0.0) };
    let after = |at: Timestamp| at.duration_since(first.at).as_secs_f64().max(0.0);
    let points: Vec<_> = weights.iter().map(|point| (after(point.at), point.weight)).collect();
    let last = points.last().map_or(0.0, |(at, _)| *at);
    (points, after(ended.unwrap_or(now)).max(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_what_says_something() {
        let rows = [
            (0.0, "0"),
            (-0.000_000_1, "-1.00e-7"),
            (0.001_23, "0.0012"),
            (0.5, "0.5"),
            (1.0, "1"),
            (3.251_59, "3.25"),
            (99.95, "100"),
            (12.34, "12.3"),
            (1234.5, "1234"),
            (1e18, "1.00e18"),
            (f64::NAN, "no number"),
            (f64::INFINITY, "infinite"),
        ];
        for (value, text) in rows {
            assert_eq!(number(value), text, "{value}");
        }
        assert_eq!(
            [0, 7, 999, 1_000, 12_340, 1_234_567].map(thousands),
            ["0", "7", "999", "1,000", "12,340", "1,234,567"]
        );
        assert_eq!(
            [(0, 0), (1, 100_000), (2, 1_000), (3, 100), (1, 4)].map(|(part, whole)| share(part, whole)),
            ["0 %", "below 0.01 %", "0.20 %", "3.0 %", "25 %"]
        );
        assert_eq!(
            [3.12, 12.4, 1_250.0, f64::NAN].map(milliseconds),
            ["3.1 ms", "12 ms", "1.2 s", "no number"]
        );
    }
}
