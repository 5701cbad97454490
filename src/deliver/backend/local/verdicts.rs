//! What each metric of a rollout says so far, with what that rests on.

use taskmaster_core::rollout::{MetricEnd, MetricVerdict};
use taskmaster_delivery::analysis::rule::Outcome;
use taskmaster_delivery::analysis::run::Phase as RunPhase;
use taskmaster_delivery::engine::{Checking, Counting, Delivery, Phase};
use taskmaster_delivery::spec::{Judge, Metric, Sequential};
use taskmaster_delivery::stats::Alpha;

/// One entry for each metric, in the order of the file.
pub fn verdicts(delivery: &Delivery) -> Vec<MetricEnd> {
    let analysis = &delivery.spec().analysis;
    let all = analysis.metrics.iter().zip(analysis.alphas()).enumerate();
    all.map(|(index, (metric, alpha))| of_metric(delivery, index, metric, alpha)).collect()
}

fn of_metric(delivery: &Delivery, index: usize, metric: &Metric, alpha: Alpha) -> MetricEnd {
    let (verdict, words) = match &metric.judge {
        Judge::Test(test) => of_test(delivery, index, test, alpha),
        Judge::Counted(..) => of_counted(delivery, index),
    };
    MetricEnd { metric: metric.name.clone(), verdict, words, dry_run: metric.dry_run }
}

fn of_test(delivery: &Delivery, index: usize, test: &Sequential, alpha: Alpha) -> (MetricVerdict, String) {
    let state = delivery.state();
    let Some(tested) = state.judging.tests.get(&index) else {
        return (MetricVerdict::Pending, String::new());
    };
    let words = tested.words(test, alpha);
    if tested.rejects(alpha) {
        return (MetricVerdict::Failed, words);
    }
    let (sample, needed) = (tested.sample(), test.minimum_sample);
    if sample < needed {
        let words = format!("{sample} of {needed} that are needed; {words}");
        let is_over = state.phase == Phase::Completed;
        let verdict = if is_over { MetricVerdict::Inconclusive } else { MetricVerdict::Measuring };
        return (verdict, words);
    }
    let power = tested.power(alpha).map(|power| format!("; {power}")).unwrap_or_default();
    let verdict =
        if state.phase == Phase::Completed { MetricVerdict::Passed } else { MetricVerdict::Measuring };
    (verdict, format!("{words}{power}"))
}

/// The analysis at hand counts, else the one beside the moves, else the last one. What had no end of its own
/// has passed once the version was taken in.
fn of_counted(delivery: &Delivery, index: usize) -> (MetricVerdict, String) {
    let judging = &delivery.state().judging;
    let all = [&judging.inline, &judging.background, &judging.heard, &judging.found.counted];
    let counted = all.into_iter().flatten().find_map(|counting| within(counting, index));
    let checks = [&judging.checks, &judging.found.checked];
    let checked = || checks.into_iter().flatten().find_map(|checking| checked(checking, index));
    let (verdict, words) =
        counted.or_else(checked).unwrap_or_else(|| (MetricVerdict::Pending, String::new()));
    let is_in = delivery.state().phase == Phase::Completed && verdict == MetricVerdict::Measuring;
    (if is_in { MetricVerdict::Passed } else { verdict }, words)
}

/// No check decides alone: what counts is how many have failed.
fn checked(checking: &Checking, index: usize) -> Option<(MetricVerdict, String)> {
    let (finding, failed) = checking.last(index)?;
    let (verdict, words) = match finding.outcome {
        Outcome::Healthy => (MetricVerdict::Measuring, &finding.value),
        _ => (MetricVerdict::Failed, &finding.words),
    };
    let checks = if failed == 1 { "check" } else { "checks" };
    Some((verdict, format!("{words}; {failed} {checks} failed")))
}

fn within(counting: &Counting, index: usize) -> Option<(MetricVerdict, String)> {
    let at = counting.metrics.iter().position(|metric| *metric == index)?;
    let (_, state, _) = counting.run.metrics().nth(at)?;
    let verdict = match state.phase {
        RunPhase::Pending => MetricVerdict::Pending,
        RunPhase::Running => MetricVerdict::Measuring,
        RunPhase::Successful => MetricVerdict::Passed,
        RunPhase::Failed => MetricVerdict::Failed,
        RunPhase::Inconclusive => MetricVerdict::Inconclusive,
        RunPhase::Error => MetricVerdict::Error,
    };
    let words = counting.run.evidence().into_iter().nth(at).map(|evidence| evidence.words);
    Some((verdict, words.unwrap_or_default()))
}
