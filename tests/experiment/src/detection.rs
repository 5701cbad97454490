//! How soon a version that fails a fifth of its requests is taken back, and whether a good one ever is.
//!
//! Good versions fail now and then and some of their answers are slow, so that there is something that a
//! test could mistake for a fault.

use crate::figures::{machine, quantile, seconds};
use crate::traffic::Traffic;
use crate::world::{Programs, Version, World};
use anyhow::{Context, Result, ensure};
use std::thread;
use std::time::Duration;

const RATE: f64 = 50.0;
const GOAL: Duration = Duration::from_secs(15);
/// As many at a time as the machine has processors for.
const AT_ONCE: usize = 2;
/// A good version fails once in five hundred, as real ones do.
const USUAL: f64 = 0.002;
/// What users ask for takes so many milliseconds, each as likely: some of it more than each bound of the test.
const PAGES: [u64; 20] = [0, 0, 0, 0, 5, 5, 5, 10, 10, 20, 20, 40, 40, 70, 130, 150, 180, 320, 650, 1_200];
const STABLE: Version = Version { name: "v1", latency_ms: 0, error_rate: USUAL };
const FAULTY: [Version; 2] = [STABLE, Version { name: "v2", latency_ms: 0, error_rate: 0.2 }];
const HEALTHY: [Version; 2] = [STABLE, Version { name: "v2", latency_ms: 0, error_rate: USUAL }];
const POLICY: &str = "strategy:
  canary:
    steps: [{setWeight: 10}, {analysis: {duration: 1m}}]
    scaleDownDelay: 1s
    abortScaleDownDelay: 1s
analysis:
  metrics:
    - {name: errors, test: {of: errors, minimumSample: 250}, interval: 250ms}
    - {name: latency, test: {of: latency, bounds: [100, 250, 500, 1000], minimumSample: 250}, interval: 250ms}
";

/// What came of one run.
struct Run {
    is_back: bool,
    /// From the first bad answer to the last request that met the new version.
    exposed: Duration,
    /// Requests that met the new version before it was judged.
    met: usize,
    /// Requests that the new version failed.
    bad: usize,
}

pub(crate) fn run(programs: &Programs, runs: usize) -> Result<String> {
    let faulty = series(programs, &FAULTY, runs)?;
    let healthy = series(programs, &HEALTHY, runs)?;
    let page = page(&faulty, &healthy);
    // A faulty one that failed nobody was no trial.
    let missed = faulty.iter().filter(|run| !run.is_back || run.bad == 0 || run.exposed > GOAL).count();
    let back = healthy.iter().filter(|run| run.is_back).count();
    ensure!(missed == 0 && back == 0, "{missed} faulty ones stayed too long, {back} good ones went\n{page}");
    Ok(page)
}

fn series(programs: &Programs, versions: &[Version], runs: usize) -> Result<Vec<Run>> {
    let mut all = Vec::new();
    while all.len() < runs {
        let some = AT_ONCE.min(runs - all.len());
        let ended = thread::scope(|scope| {
            let running: Vec<_> = (0..some).map(|_| scope.spawn(|| one(programs, versions))).collect();
            let ended = running.into_iter().map(|thread| thread.join().ok().context("a run panicked")?);
            ended.collect::<Result<Vec<Run>>>()
        })?;
        all.extend(ended);
        eprintln!("{} of {runs}", all.len());
    }
    Ok(all)
}

fn one(programs: &Programs, versions: &[Version]) -> Result<Run> {
    let world = World::new(programs, 2, versions, POLICY)?;
    world.run("rollout start web.yaml v1 --wait --timeout 60s")?;
    let traffic = Traffic::asking(world.address, RATE, &PAGES)?;
    thread::sleep(Duration::from_secs(3));
    world.run("rollout start web.yaml v2")?;
    let judged = ["promoting", "rolling_back", "rolled_back", "completed"];
    let (_, watched) = world.until_since(&judged, Duration::from_secs(180))?;
    let phase = world.until(&["rolled_back", "completed"], Duration::from_secs(60))?;
    thread::sleep(Duration::from_secs(1));
    let answers = traffic.stop()?;
    let lost = answers.iter().filter(|answer| answer.is_lost()).count();
    ensure!(lost == 0, "{lost} requests got no answer");
    world.end()?;
    let met: Vec<_> = answers.iter().filter(|answer| answer.version() == Some("v2")).collect();
    let last = met.iter().map(|answer| answer.sent).max();
    let first_bad = met.iter().filter(|answer| !answer.is_good()).map(|answer| answer.came).min();
    let exposed =
        last.zip(first_bad).map_or(Duration::ZERO, |(last, bad)| last.saturating_duration_since(bad));
    // A version that is taken in serves everybody: what it met before is what its judgement rests on.
    let met_before = met.iter().filter(|answer| answer.sent <= watched).count();
    let bad = met.iter().filter(|answer| !answer.is_good()).count();
    Ok(Run { is_back: phase == "rolled_back", exposed, met: met_before, bad })
}

fn page(faulty: &[Run], healthy: &[Run]) -> String {
    let times: Vec<_> = faulty.iter().map(|run| run.exposed).collect();
    let at = |share| seconds(quantile(&times, share));
    let least = healthy.iter().map(|run| run.met).min().unwrap_or_default();
    let bad = |runs: &[Run]| runs.iter().map(|run| run.bad).sum::<usize>();
    format!(
        "# Bad versions behind the real proxy, and good ones\n\nBy `make detection`. {RATE} requests a second, 10 % of them for the new version, sequential tests of errors and latency looked at four times a\n\
         second, false-rollback rate 0.1 %. The stable version and the good new ones fail {} % of their requests. What users ask for takes 0 to {} ms: {} % of it\n\
         more than 100 ms, {} % more than 250, {} % more than 500 and {} % more than 1,000, the bounds of the test of latency. Machine: {}, {AT_ONCE} runs at a time.\n\n\
         | new version | runs | taken back | first bad answer to last request: median | p90 | longest | wanted |\n|---|---|---|---|---|---|---|\n\
         | fails 20 % of its requests | {} | {} | {} | {} | {} | {} s in each run |\n| good | {} | {} | | | | none |\n\n\
         In all {} requests met an error of the faulty version, and {} met one of a good new version, its time after the promotion included. Each good version was sent at\n\
         least {least} requests before it was judged, counted to the last look at the rollout that did not see it promoting yet (about five a second).\n",
        USUAL * 100.0,
        PAGES[PAGES.len() - 1],
        above(100),
        above(250),
        above(500),
        above(1_000),
        machine(),
        faulty.len(),
        faulty.iter().filter(|run| run.is_back).count(),
        at(0.5),
        at(0.9),
        at(1.0),
        GOAL.as_secs(),
        healthy.len(),
        healthy.iter().filter(|run| run.is_back).count(),
        bad(faulty),
        bad(healthy),
    )
}

/// The share of what users ask for that takes longer, in percent.
fn above(bound: u64) -> usize {
    100 * PAGES.iter().filter(|page| **page > bound).count() / PAGES.len()
}
