//! How soon a bad version is taken back: from the first request that reaches it to the last one.

use crate::aa::checked;
use crate::{code, cores, users};
use anyhow::{Context, Result};
use std::fmt::Write;
use std::fs;
use std::ops::Range;
use std::path::Path;
use taskmaster_delivery::sim::{Behaviour, Ending, Scenario, run};
use taskmaster_delivery::spec::Rollout;

const BLOCK: u64 = 50;
const SLOW_MS: f64 = 2_000.0;
const BOTH: [&str; 2] = ["errors", "latency"];
/// Requests a second, canary's errors, seconds between data, most seconds to the last user for 99 of 100.
const GOALS: [(f64, f64, u32, f64); 2] = [(50.0, 0.2, 1, 15.0), (50.0, 0.2, 15, 30.0)];

/// What came of the runs of a cell, in order; what was not taken back is infinite.
#[derive(Default)]
struct Cell {
    seconds: Vec<f64>,
    failed: Vec<f64>,
    runs: u64,
}

impl Cell {
    fn sort(&mut self) {
        self.seconds.sort_by(f64::total_cmp);
        self.failed.sort_by(f64::total_cmp);
    }

    fn detected(&self) -> usize {
        self.seconds.iter().filter(|seconds| seconds.is_finite()).count()
    }
}

/// The value that this share of all runs does not exceed.
fn quantile(values: &[f64], share: f64) -> f64 {
    let rank = (share * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::INFINITY)
}

fn cell(spec: &Rollout, scenario: &Scenario, seeds: u64, threads: usize) -> Cell {
    let mut all = Cell::default();
    let work = |seeds: Range<u64>| seeds.map(|seed| run(spec, scenario, seed)).collect::<Vec<_>>();
    let take = |reports: Vec<_>| {
        for report in reports {
            let report: taskmaster_delivery::sim::Report = report;
            all.runs += 1;
            let is_found = matches!(report.ending, Ending::RolledBack { .. });
            all.seconds.push(report.detection.filter(|_| is_found).unwrap_or(f64::INFINITY));
            all.failed.push(report.failed as f64);
        }
        true
    };
    cores::blocks(0..seeds, BLOCK, threads, work, take);
    all.sort();
    all
}

/// Makes the table. True where the goals are met.
pub(crate) fn table(seeds: u64, out: &Path, threads: usize) -> Result<bool> {
    let mut text = String::from("# Bad versions that are taken back\n\n");
    let _ = writeln!(
        text,
        "By `simulate power --seeds {seeds}`, {}. What it means: `README.md`.",
        code::version()
    );
    let mut verdicts = String::new();
    let mut is_good = true;
    for seconds in [1, 15] {
        let spec = checked(&users::tenth(seconds, &BOTH))?;
        let _ = writeln!(text, "\n## Data of every {seconds} s\n");
        text +=
            "| rps | fault of the canary | taken back | seconds p50 | p99 | failed requests p50 | p99 |\n";
        text += "|---:|---|---:|---:|---:|---:|---:|\n";
        for (rate, name, behaviour) in cells() {
            let cell = cell(&spec, &users::bad(rate, behaviour), seeds, threads);
            let row = line(rate, &name, &cell);
            eprint!("{seconds} s {row}");
            text += &row;
            let of_cell = |goal: &&(f64, f64, u32, f64)| {
                (goal.0, goal.2) == (rate, seconds) && goal.1 == behaviour.errors
            };
            if let Some((.., most)) = GOALS.iter().find(of_cell) {
                let found = quantile(&cell.seconds, 0.99);
                let is_met = found <= *most;
                is_good &= is_met;
                let word = if is_met { "met" } else { "missed" };
                let _ = writeln!(
                    verdicts,
                    "- {rate} rps, {name}, data of every {seconds} s: p99 {found} s, goal {most} s, {word}"
                );
            }
        }
    }
    let _ = write!(text, "\n## Goals\n\n{verdicts}\n{}", parts(seeds, threads)?);
    fs::create_dir_all(out)?;
    let path = out.join("power.md");
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    print!("{verdicts}");
    Ok(is_good)
}

/// Where the time goes at 50 rps, a tenth of the users, 20 % errors and data of every second.
pub(crate) fn parts(seeds: u64, threads: usize) -> Result<String> {
    let mut text = String::from("## Where the time goes\n\n50 rps, 20 % errors, data of every 1 s.\n\n");
    text += "| tests | a look each | seconds p50 | p99 |\n|---|---:|---:|---:|\n";
    for tests in [&BOTH[..], &BOTH[..1]] {
        for look in [1.0, 0.5, 0.1] {
            let canary = Behaviour { errors: 0.2, ..Behaviour::default() };
            let scenario = Scenario { look, ..users::bad(50.0, canary) };
            let cell = cell(&checked(&users::tenth(1, tests))?, &scenario, seeds, threads);
            let (p50, p99) = (quantile(&cell.seconds, 0.5), quantile(&cell.seconds, 0.99));
            let _ = writeln!(text, "| {} | {look} s | {p50:.1} | {p99:.1} |", tests.join(" and "));
        }
    }
    Ok(text)
}

fn cells() -> Vec<(f64, String, Behaviour)> {
    let mut cells = Vec::new();
    for rate in [5.0, 20.0, 50.0, 200.0] {
        for errors in [0.01, 0.05, 0.2] {
            let name = format!("{} % errors", errors * 100.0);
            cells.push((rate, name, Behaviour { errors, ..Behaviour::default() }));
        }
        let slow = Behaviour { latency: SLOW_MS, ..Behaviour::default() };
        cells.push((rate, "2 s instead of 50 ms".to_owned(), slow));
    }
    cells
}

fn line(rate: f64, name: &str, cell: &Cell) -> String {
    let seconds = |share: f64| {
        let found = quantile(&cell.seconds, share);
        if found.is_finite() { format!("{found:.0}") } else { "never".to_owned() }
    };
    let share = 100.0 * cell.detected() as f64 / cell.runs as f64;
    format!(
        "| {rate} | {name} | {share:.1} % | {} | {} | {:.0} | {:.0} |\n",
        seconds(0.5),
        seconds(0.99),
        quantile(&cell.failed, 0.5),
        quantile(&cell.failed, 0.99)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_found_is_no_short_time() {
        let values = [1.0, 2.0, 3.0, f64::INFINITY];
        for (share, expected) in [(0.25, 1.0), (0.5, 2.0), (0.75, 3.0), (0.99, f64::INFINITY)] {
            assert_eq!(quantile(&values, share), expected, "{share}");
        }
        assert_eq!(quantile(&[], 0.5), f64::INFINITY);
    }
}
