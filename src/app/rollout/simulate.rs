//! Simulates a rollout under named conditions.

use crate::report::view::{MeaningRow, PowerRow, ScenarioRow, SimulationView};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
pub use taskmaster_delivery::sim::Meaning;
use taskmaster_delivery::sim::{Ending, Report, Scenario, Summary, meanings, run, share_interval};
use taskmaster_delivery::spec::{Judge, Rollout, Step, Strategy, TestKind};
use taskmaster_delivery::stats::power::Design;
use thiserror::Error;

/// Under which conditions, and how often.
#[derive(Clone, Debug)]
pub struct Options {
    /// Names of scenarios; all of them where there is none.
    pub scenarios: Vec<String>,
    /// Runs of each.
    pub seeds: u64,
    /// The first seed.
    pub first: u64,
    /// Requests a second, instead of a scenario's own.
    pub rate: Option<f64>,
    /// Share of the stable version's units that fail, instead of a scenario's own.
    pub base_errors: Option<f64>,
    /// Seconds between two looks.
    pub look: Option<f64>,
    /// Seconds after which a person passes a pause without a time.
    pub person: f64,
    /// What counted metrics measure, by name; guessed for others.
    pub metrics: BTreeMap<String, Meaning>,
}

/// What was asked for is not there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotThere {
    /// A scenario.
    #[error("no scenario is called `{0}`")]
    Scenario(String),
    /// A counted metric; beside those that there are.
    #[error("no counted metric is called `{0}`")]
    Metric(String, String),
}

impl NotThere {
    /// What there is.
    pub fn help(&self) -> String {
        match self {
            Self::Scenario(_) => names().join(", "),
            Self::Metric(_, known) if known.is_empty() => "the rollout has none".to_owned(),
            Self::Metric(_, known) => known.clone(),
        }
    }
}

/// Seeds of a thread at a time.
const BLOCK: u64 = 16;
/// Confidence of intervals.
const CONFIDENCE: f64 = 0.95;

/// Simulates, on as many threads as there are jobs. `told` hears how many runs are over.
///
/// # Errors
/// A scenario or a metric that is not there.
pub fn simulate(
    rollout: &Rollout,
    options: &Options,
    jobs: usize,
    told: &(dyn Fn(u64) + Sync),
) -> Result<SimulationView, NotThere> {
    let counted =
        || rollout.analysis.metrics.iter().filter(|metric| matches!(metric.judge, Judge::Counted(..)));
    if let Some(name) = options.metrics.keys().find(|name| counted().all(|metric| metric.name != **name)) {
        let known: Vec<&str> = counted().map(|metric| metric.name.as_str()).collect();
        return Err(NotThere::Metric(name.clone(), known.join(", ")));
    }
    let done = AtomicU64::new(0);
    let progress = || told(done.fetch_add(1, Ordering::Relaxed) + 1);
    let mut scenarios = Vec::new();
    for (name, scenario) in chosen(options)? {
        let (summary, example) = many(rollout, &scenario, options, jobs, &progress);
        scenarios.push(row(&name, &summary, &example));
    }
    Ok(SimulationView {
        rollout: rollout.name.clone(),
        seeds: options.seeds,
        first_seed: options.first,
        scenarios,
        metrics: metrics(rollout, options),
        power: power(rollout, options),
    })
}

/// What a counted metric measures, as `p95=latency-seconds`.
///
/// # Errors
/// It is something else.
pub fn meaning(text: &str) -> Result<(String, Meaning), String> {
    let (name, meaning) = text.rsplit_once('=').ok_or("it is no NAME=MEANING")?;
    let found = Meaning::all().find(|known| known.name() == meaning);
    let names = || Meaning::all().map(Meaning::name).collect::<Vec<_>>().join(", ");
    let found = found.ok_or_else(|| format!("`{meaning}` is none of {}", names()))?;
    Ok((name.to_owned(), found))
}

/// Names of the scenarios.
pub fn names() -> Vec<&'static str> {
    Scenario::NAMES.iter().map(|(name, _)| *name).collect()
}

/// Runs of all scenarios together.
pub fn total(options: &Options) -> u64 {
    options.seeds * chosen(options).map_or(0, |scenarios| scenarios.len() as u64)
}

/// What counted metrics are taken for.
fn metrics(rollout: &Rollout, options: &Options) -> Vec<MeaningRow> {
    let meanings = meanings(&rollout.analysis, &options.metrics);
    let rows = rollout.analysis.metrics.iter().zip(meanings);
    let counted = rows.filter(|(metric, _)| matches!(metric.judge, Judge::Counted(..)));
    counted
        .map(|(metric, meaning)| MeaningRow {
            metric: metric.name.clone(),
            is_known: meaning.is_some(),
            meaning: meaning.unwrap_or(Meaning::Errors).to_string(),
        })
        .collect()
}

fn chosen(options: &Options) -> Result<Vec<(String, Scenario)>, NotThere> {
    let all: Vec<String> = names().into_iter().map(str::to_owned).collect();
    let names = if options.scenarios.is_empty() { &all } else { &options.scenarios };
    let scenario = |name: &String| {
        let mut scenario = Scenario::named(name).ok_or_else(|| NotThere::Scenario(name.clone()))?;
        let service = &mut scenario.service;
        if let Some(rate) = options.rate {
            service.users.rate = rate;
        }
        if let Some(errors) = options.base_errors {
            let ratio = service.canary.errors / service.stable.errors;
            let is_relative = ratio <= 2.0;
            service.stable.errors = errors;
            service.canary.errors =
                if is_relative { (errors * ratio).min(1.0) } else { service.canary.errors.max(errors) };
        }
        if let Some(look) = options.look {
            scenario.look = look;
        }
        scenario.person = Some(options.person);
        scenario.metrics.clone_from(&options.metrics);
        Ok((name.clone(), scenario))
    };
    names.iter().map(scenario).collect()
}

/// All runs of a scenario, and the first one as an example.
fn many(
    rollout: &Rollout,
    scenario: &Scenario,
    options: &Options,
    jobs: usize,
    progress: &(dyn Fn() + Sync),
) -> (Summary, Report) {
    let next = AtomicU64::new(0);
    let work = || {
        let mut summary = Summary::default();
        loop {
            let from = next.fetch_add(BLOCK, Ordering::Relaxed);
            if from >= options.seeds {
                return summary;
            }
            for seed in from..(from + BLOCK).min(options.seeds) {
                summary.add(&run(rollout, scenario, options.first.wrapping_add(seed)));
                progress();
            }
        }
    };
    let mut summary = Summary::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            if let Ok(part) = thread.join() {
                summary.join(part);
            }
        }
    });
    (summary, run(rollout, scenario, options.first))
}

fn row(name: &str, summary: &Summary, example: &Report) -> ScenarioRow {
    let meaning = Scenario::NAMES.iter().find(|(other, _)| *other == name).map(|(_, meaning)| *meaning);
    let (low, high) = share_interval(summary.rolled_back, summary.runs, CONFIDENCE);
    let ending = match &example.ending {
        Ending::Completed => "completed".to_owned(),
        Ending::RolledBack { why } => format!("rolled back: {why}"),
        Ending::Waits { why } => format!("waits: {why}"),
        Ending::Stuck { place } => format!("did not end: at move {}", place + 1),
    };
    ScenarioRow {
        name: name.to_owned(),
        meaning: meaning.unwrap_or_default().to_owned(),
        runs: summary.runs,
        completed: summary.completed,
        rolled_back: summary.rolled_back,
        rolled_back_low: low,
        rolled_back_high: high,
        waits: summary.waits,
        stuck: summary.stuck,
        detected_p50_s: summary.detected_within(0.5),
        detected_p99_s: summary.detected_within(0.99),
        failed_on_canary: summary.failed,
        answered_by_canary: summary.exposed,
        requests: summary.requests,
        broken: summary.broken.as_ref().map(|(seed, broken)| format!("seed {seed}: {}", broken.rule)),
        example_seed: example.seed,
        example_ending: ending,
        example_took_s: example.took,
        example_weights: example.weights.iter().map(|point| (point.at, point.weight)).collect(),
    }
}

/// How long it takes to see a version that fails more often, at the first share that it gets.
fn power(rollout: &Rollout, options: &Options) -> Vec<PowerRow> {
    const RATES: [f64; 4] = [5.0, 20.0, 50.0, 200.0];
    const ERRORS: [f64; 5] = [0.01, 0.02, 0.05, 0.1, 0.2];
    let tests = rollout.analysis.metrics.iter().filter(|metric| !metric.dry_run);
    let of_errors = |judge: &Judge| matches!(judge, Judge::Test(test) if test.kind == TestKind::Errors);
    let has_test = tests.clone().any(|metric| of_errors(&metric.judge));
    let Some(weight) = first_weight(rollout).filter(|_| has_test) else { return Vec::new() };
    let base = options.base_errors.unwrap_or(Scenario::default().service.stable.errors);
    let Ok(design) = Design::new(f64::from(weight) / 100.0, base, rollout.analysis.max_false_rollback) else {
        return Vec::new();
    };
    let rates = options.rate.map_or_else(|| RATES.to_vec(), |rate| vec![rate]);
    rates
        .into_iter()
        .map(|rate| PowerRow {
            rate,
            weight,
            base_errors: base,
            expected_s: ERRORS
                .iter()
                .map(|errors| (*errors, design.expected_time(*errors, rate).map(|time| time.as_secs_f64())))
                .collect(),
        })
        .collect()
}

fn first_weight(rollout: &Rollout) -> Option<u32> {
    let Strategy::Canary(canary) = &rollout.strategy else { return None };
    canary.steps.iter().find_map(|step| match step {
        Step::SetWeight(weight) if (1..100).contains(weight) => Some(*weight),
        _ => None,
    })
}
