//! What happens in a rollout, in words.

use std::time::Duration;
use taskmaster_core::rollout::{RolloutPhase, RolloutStrategy};
use taskmaster_delivery::engine::{Move, Phase};
use taskmaster_delivery::spec::{Rollout, Scale, Strategy, Watch};

/// The moves of a rollout in words: `weight 25 %`, `pause 5 min`, `analysis of errors`.
pub fn steps(rollout: &Rollout, moves: &[Move]) -> Vec<String> {
    moves.iter().map(|at| step(rollout, at)).collect()
}

fn step(rollout: &Rollout, at: &Move) -> String {
    match at {
        Move::Migrate => "change of data".to_owned(),
        Move::Weight(weight) => format!("weight {weight} %"),
        Move::Pause(None) => "pause until promoted".to_owned(),
        Move::Pause(Some(span)) => format!("pause {}", duration(*span)),
        Move::Analysis(watch, times) => analysis(rollout, watch, *times),
        Move::Scale(Scale::Replicas(1)) => "1 replica".to_owned(),
        Move::Scale(Scale::Replicas(replicas)) => format!("{replicas} replicas"),
        Move::Scale(Scale::Weight(weight)) => format!("{weight} % of the replicas"),
        Move::Scale(Scale::MatchTrafficWeight) => "replicas by weight".to_owned(),
        Move::Header(route) if route.matches.is_empty() => format!("no route {}", route.name),
        Move::Header(route) => format!("route {}", route.name),
        Move::Mirror(mirror) if mirror.percentage == 0 => "no copies".to_owned(),
        Move::Mirror(mirror) => format!("copies of {} %", mirror.percentage),
        Move::Preview => "preview".to_owned(),
        Move::Full => "all replicas".to_owned(),
        Move::Switch => "switch".to_owned(),
        Move::Replace => "replace".to_owned(),
    }
}

fn analysis(rollout: &Rollout, watch: &Watch, times: u32) -> String {
    let all = &rollout.analysis.metrics;
    let name = |index: &usize| all.get(*index).map(|metric| metric.name.as_str());
    let names: Vec<&str> = watch.metrics.iter().filter_map(name).collect();
    let mut words = match names.as_slice() {
        [] => "analysis".to_owned(),
        names if names.len() > 3 => format!("analysis of {} metrics", names.len()),
        names => format!("analysis of {}", names.join(", ")),
    };
    if !watch.at_least.is_zero() {
        words.push_str(&format!(" for {}", duration(watch.at_least)));
    }
    if times > 1 {
        words.push_str(&format!(", {times} times"));
    }
    words
}

/// `500 ms`, `30 s`, `5 min`, `1 h 30 min`.
pub fn duration(span: Duration) -> String {
    let (seconds, millis) = (span.as_secs(), span.subsec_millis());
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if seconds == 0 {
        return format!("{millis} ms");
    }
    if seconds < 60 && millis > 0 {
        return format!("{} s", span.as_secs_f64());
    }
    let parts = [(hours, "h"), (minutes, "min"), (rest, "s")];
    let words = parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}"));
    words.collect::<Vec<_>>().join(" ")
}

/// A phase of the engine as it is recorded.
pub fn phase(phase: Phase) -> RolloutPhase {
    match phase {
        Phase::Initializing => RolloutPhase::Initializing,
        Phase::Analyzing => RolloutPhase::Analyzing,
        Phase::Promoting => RolloutPhase::Promoting,
        Phase::Completed => RolloutPhase::Completed,
        Phase::RollingBack => RolloutPhase::RollingBack,
        Phase::RolledBack => RolloutPhase::RolledBack,
    }
}

/// A strategy as it is recorded.
pub fn strategy(strategy: &Strategy) -> RolloutStrategy {
    match strategy {
        Strategy::Canary(_) => RolloutStrategy::Canary,
        Strategy::BlueGreen(_) => RolloutStrategy::BlueGreen,
        Strategy::Ab(_) => RolloutStrategy::Ab,
        Strategy::Rolling(_) => RolloutStrategy::Rolling,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let words = |millis| duration(Duration::from_millis(millis));
        assert_eq!(
            [words(500), words(1500), words(30_000), words(300_000), words(5_400_000), words(0)],
            ["500 ms", "1.5 s", "30 s", "5 min", "1 h 30 min", "0 ms"]
        );
    }
}
