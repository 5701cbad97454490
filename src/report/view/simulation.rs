//! What simulated rollouts came to.

use serde::Serialize;

/// What simulated rollouts came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimulationView {
    /// Name of the rollout.
    pub rollout: String,
    /// Runs of each scenario.
    pub seeds: u64,
    /// The first seed.
    pub first_seed: u64,
    /// By scenario.
    pub scenarios: Vec<ScenarioRow>,
    /// What counted metrics were taken for: their queries are not run.
    pub metrics: Vec<MeaningRow>,
    /// What would be seen how soon.
    pub power: Vec<PowerRow>,
}

/// What a counted metric was taken for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MeaningRow {
    /// Its name.
    pub metric: String,
    /// It was told, or its rule and words gave it away.
    pub is_known: bool,
    /// What its number measures.
    pub meaning: String,
}

/// All runs of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScenarioRow {
    /// Its name.
    pub name: String,
    /// What it means.
    pub meaning: String,
    /// Runs.
    pub runs: u64,
    /// The new version became the stable one.
    pub completed: u64,
    /// It was taken back.
    pub rolled_back: u64,
    /// Lower end of the 95 % interval of the share that was taken back.
    pub rolled_back_low: f64,
    /// Upper end.
    pub rolled_back_high: f64,
    /// It waits for a person.
    pub waits: u64,
    /// It did not end in its time.
    pub stuck: u64,
    /// Seconds from the first user of the new version to the last one: half of the rollbacks took less.
    pub detected_p50_s: Option<f64>,
    /// 99 of a hundred took less.
    pub detected_p99_s: Option<f64>,
    /// Requests that failed on the new version.
    pub failed_on_canary: u64,
    /// Requests that it answered.
    pub answered_by_canary: u64,
    /// Requests in all.
    pub requests: u64,
    /// A rule that did not hold, with its seed.
    pub broken: Option<String>,
    /// The run that is drawn.
    pub example_seed: u64,
    /// How it ended.
    pub example_ending: String,
    /// Seconds that it took.
    pub example_took_s: f64,
    /// Its share over time: seconds and percent.
    pub example_weights: Vec<(f64, u32)>,
}

/// What would be seen how soon, at one rate of requests.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PowerRow {
    /// Requests a second.
    pub rate: f64,
    /// Share of the new version in percent.
    pub weight: u32,
    /// Share of the stable version's units that fail.
    pub base_errors: f64,
    /// By share of the new version's units that fail: expected seconds; none where it is never seen.
    pub expected_s: Vec<(f64, Option<f64>)>,
}

/// What a rollout would have done with recorded data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RehearsalView {
    /// Name of the rollout.
    pub rollout: String,
    /// When it began.
    pub began: String,
    /// Seconds until it ended, or until the recording did.
    pub took_s: f64,
    /// It ended before the recording did.
    pub is_over: bool,
    /// It would have been taken back.
    pub is_rolled_back: bool,
    /// How it ended.
    pub ending: String,
    /// The share of the new version over time: seconds and percent.
    pub weights: Vec<(f64, u32)>,
    /// What would have happened.
    pub events: Vec<RehearsalEvent>,
    /// What users met.
    pub exposure: Vec<ExposureRow>,
    /// What is not as it should be in the data.
    pub gaps: Vec<String>,
    /// Flaws that are not listed.
    pub more_gaps: usize,
    /// What recorded data cannot show.
    pub cannot_show: Vec<String>,
}

/// Something that would have happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RehearsalEvent {
    /// When.
    pub at: String,
    /// Seconds since the beginning.
    pub after_s: f64,
    /// What.
    pub words: String,
}

/// What users met of the new version, by one metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExposureRow {
    /// The metric.
    pub metric: String,
    /// Recorded failures until the end of the rollout.
    pub failures_until: u64,
    /// Recorded failures after it.
    pub failures_after: u64,
    /// Failures that users would have been spared; negative where they would have met more. Unknown without recorded
    /// weights.
    pub spared: Option<f64>,
    /// In words.
    pub words: String,
}
