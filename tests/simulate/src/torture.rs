//! Rollouts of every kind under every trouble: whether each rule holds, and whether each run ends.

use crate::{cores, trace};
use std::ops::Range;
use std::time::{Duration, Instant};
use taskmaster_delivery::mutant::{Mutant, with};
use taskmaster_delivery::sim::{Ending, Report, Summary, any, run};

/// Seeds that one thread takes at a time.
const BLOCK: u64 = 1_000;

/// What is to be run.
pub(crate) struct Torture {
    pub(crate) seeds: u64,
    pub(crate) first: u64,
    pub(crate) mutant: Option<Mutant>,
    pub(crate) has_trace: bool,
    pub(crate) threads: usize,
}

/// What one block of seeds came to.
struct Block {
    summary: Summary,
    worst: Option<Report>,
    took: Duration,
}

/// The rule that a run broke.
pub(crate) fn rule(report: &Report) -> Option<&'static str> {
    let is_stuck = matches!(report.ending, Ending::Stuck { .. });
    report.broken.as_ref().map(|broken| broken.rule).or(is_stuck.then_some("every run ends"))
}

/// One seed, with a fault in the engine or without.
pub(crate) fn one(seed: u64, mutant: Option<Mutant>) -> Report {
    let (_, spec, scenario) = any(seed);
    let go = || run(&spec, &scenario, seed);
    mutant.map_or_else(go, |mutant| with(mutant, go))
}

/// Runs them. True where every rule held and every run ended.
pub(crate) fn run_all(torture: &Torture) -> (Summary, Option<Report>, Duration) {
    let seeds = torture.first..torture.first.saturating_add(torture.seeds);
    let (mut all, mut worst, mut took) = (Summary::default(), None::<Report>, Duration::ZERO);
    let began = Instant::now();
    let mut told = began;
    let take = |block: Block| {
        took += block.took;
        all.join(block.summary);
        if let Some(report) = block.worst
            && worst.as_ref().is_none_or(|other| report.seed < other.seed)
        {
            worst = Some(report);
        }
        if told.elapsed() >= Duration::from_secs(10) {
            told = Instant::now();
            eprintln!("{} of {} seeds in {} s", all.runs, torture.seeds, began.elapsed().as_secs());
        }
        worst.is_none()
    };
    cores::blocks(seeds, BLOCK, torture.threads, |seeds| block(seeds, torture.mutant), take);
    (all, worst, took)
}

fn block(seeds: Range<u64>, mutant: Option<Mutant>) -> Block {
    let began = Instant::now();
    let mut block = Block { summary: Summary::default(), worst: None, took: Duration::ZERO };
    for seed in seeds {
        let report = one(seed, mutant);
        block.summary.add(&report);
        if rule(&report).is_some() {
            block.worst = Some(report);
            break;
        }
    }
    block.summary.detections.clear();
    block.took = began.elapsed();
    block
}

/// Runs them and says what came of it. True where every rule held and every run ended.
pub(crate) fn survive(torture: &Torture) -> bool {
    if torture.has_trace {
        (torture.first..torture.first + torture.seeds).for_each(|seed| trace::print(seed, torture.mutant));
    }
    let (all, worst, took) = run_all(torture);
    let Summary { runs, completed, rolled_back, waits, looks, requests, .. } = all;
    println!(
        "{runs} rollouts: {completed} completed, {rolled_back} taken back, {waits} wait for a person; {requests} requests"
    );
    println!("{looks} looks, {:.0} a second and core", looks as f64 / took.as_secs_f64());
    let Some(report) = worst else {
        println!("every rule held, every run ended");
        return true;
    };
    complain(&report, torture.mutant);
    false
}

fn complain(report: &Report, mutant: Option<Mutant>) {
    let (spec, _, scenario) = any(report.seed);
    let seed = report.seed;
    println!("seed {seed}: {}", rule(report).unwrap_or_default());
    match &report.broken {
        Some(broken) => println!("  {} ms: {}", broken.at, broken.what),
        None => println!("  {:?}", report.ending),
    }
    println!("specification: {}", json(&spec));
    println!("conditions: {}", json(&scenario));
    let mutant = mutant.map(|mutant| format!(" --mutant {mutant:?}")).unwrap_or_default();
    println!("again: simulate torture --seeds 1 --first {seed} --trace{mutant}");
}

pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|why| why.to_string())
}
