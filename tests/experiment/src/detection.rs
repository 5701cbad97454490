//! How soon a version that fails a fifth of its requests is taken back, and whether a good one ever is.

use crate::figures::{machine, quantile, seconds};
use crate::traffic::Traffic;
use crate::world::{Programs, Version, World};
use anyhow::{Context, Result, ensure};
use std::thread;
use std::time::{Duration, Instant};

const RATE: f64 = 50.0;
const GOAL: Duration = Duration::from_secs(15);
/// As many at a time as the machine has processors for.
const AT_ONCE: usize = 2;
const FAULTY: [Version; 2] = [Version::good("v1"), Version { name: "v2", latency_ms: 0, error_rate: 0.2 }];
const HEALTHY: [Version; 2] = [Version::good("v1"), Version::good("v2")];
/// The stable version fails once in five hundred, as real ones do.
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
    met: usize,
    bad: usize,
}

pub(crate) fn run(programs: &Programs, runs: usize) -> Result<String> {
    let faulty = series(programs, &FAULTY, runs)?;
    let healthy = series(programs, &HEALTHY, runs)?;
    let page = page(&faulty, &healthy);
    let missed = faulty.iter().filter(|run| !run.is_back || run.exposed > GOAL).count();
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
    let traffic = Traffic::start(world.address, RATE)?;
    thread::sleep(Duration::from_secs(3));
    world.run("rollout start web.yaml v2")?;
    let phase = world.until(&["rolled_back", "completed"], Duration::from_secs(180))?;
    // A version that was taken in serves everybody: what it met before is what counts.
    let ended = Instant::now();
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
    let met_before = met.iter().filter(|answer| answer.sent <= ended);
    let bad = met.iter().filter(|answer| !answer.is_good()).count();
    Ok(Run { is_back: phase == "rolled_back", exposed, met: met_before.count(), bad })
}

fn page(faulty: &[Run], healthy: &[Run]) -> String {
    let times: Vec<_> = faulty.iter().map(|run| run.exposed).collect();
    let at = |share| seconds(quantile(&times, share));
    let least = healthy.iter().map(|run| run.met).min().unwrap_or_default();
    let bad: usize = faulty.iter().map(|run| run.bad).sum();
    format!(
        "# Bad versions behind the real proxy, and good ones\n\nBy `make detection`. {RATE} requests a second, 10 % of them for the new version, sequential tests of errors and latency looked at four times a\n\
         second, false-rollback rate 0.1 %. Machine: {}, {AT_ONCE} runs at a time.\n\n\
         | new version | runs | taken back | first bad answer to last request: median | p90 | longest | wanted |\n|---|---|---|---|---|---|---|\n\
         | fails 20 % of its requests | {} | {} | {} | {} | {} | 15 s in each run |\n| good | {} | {} | | | | none |\n\n\
         In all {bad} requests met an error of the faulty version. Each good version answered at least {least} requests before it was judged.\n",
        machine(),
        faulty.len(),
        faulty.iter().filter(|run| run.is_back).count(),
        at(0.5),
        at(0.9),
        at(1.0),
        healthy.len(),
        healthy.iter().filter(|run| run.is_back).count(),
    )
}
