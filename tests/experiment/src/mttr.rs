//! How long users meet a version that sleeps two seconds in each request.
//!
//! The same service, the same traffic and the same weight of 5 % under three policies: sequential tests,
//! and what the documentation of Argo Rollouts and of Flagger would have one write, counted by their rules
//! (`policy: argo`, `policy: flagger`) at their interval of a minute. Time runs from the command that
//! starts the release to the last request that was sent and met the slow version.

use crate::figures::{machine, seconds};
use crate::traffic::Traffic;
use crate::world::{Programs, Version, World};
use anyhow::{Context, Result, ensure};
use std::thread;
use std::time::{Duration, Instant};

const VERSIONS: [Version; 2] =
    [Version::good("v1"), Version { name: "v2", latency_ms: 2_000, error_rate: 0.0 }];
/// Longer than any of the policies needs.
const LONGEST: Duration = Duration::from_secs(600);
/// The goal of the requirements.
const SEED_GOAL: Duration = Duration::from_secs(60);
/// Ours, from this many requests a second on.
const OUR_GOAL: (f64, Duration) = (50.0, Duration::from_secs(15));

struct Policy {
    name: &'static str,
    rates: &'static [f64],
    text: &'static str,
}

const POLICIES: [Policy; 3] = [
    Policy {
        name: "sequential tests",
        rates: &[5.0, 10.0, 50.0, 200.0],
        text: "strategy:
  canary:
    steps: [{setWeight: 5}, {analysis: {duration: 10m}}]
    abortScaleDownDelay: 1s
analysis:
  metrics:
    - {name: latency, test: {of: latency, bounds: [100, 250, 500, 1000], minimumSample: 100}, interval: 250ms}
    - {name: errors, test: {of: errors, minimumSample: 100}, interval: 250ms}
",
    },
    Policy {
        name: "Argo-like: p95 each minute, three failures forgiven",
        rates: &[50.0],
        text: "strategy:
  canary:
    steps: [{setWeight: 5}, {analysis: {duration: 10m}}]
    abortScaleDownDelay: 1s
analysis:
  policy: argo
  metrics:
    - {name: p95, source: proxy, query: {result: 'p95-milliseconds[1m]'}, threshold: 500, initialDelay: 1m, interval: 1m, count: 10, failureLimit: 3}
",
    },
    Policy {
        name: "Flagger-like: p99 each minute, threshold 5",
        rates: &[50.0],
        text: "strategy:
  canary:
    analysisFromStep: 1
    steps: [{setWeight: 5}, {pause: {duration: 10m}}]
    abortScaleDownDelay: 1s
analysis:
  policy: flagger
  threshold: 5
  metrics:
    - {name: p99, source: proxy, query: {result: 'p99-milliseconds[1m]'}, range: {max: 500}, interval: 1m}
",
    },
];

struct Row {
    policy: &'static str,
    rate: f64,
    off: Duration,
    met: usize,
    why: String,
}

/// All of them at once: each has a place, processes and ports of its own, and nearly all of the time is waiting.
pub(crate) fn run(programs: &Programs, is_ours_only: bool) -> Result<String> {
    let policies = if is_ours_only { &POLICIES[..1] } else { &POLICIES };
    let cells: Vec<_> =
        policies.iter().flat_map(|policy| policy.rates.iter().map(move |rate| (policy, *rate))).collect();
    let rows = thread::scope(|scope| {
        let running: Vec<_> =
            cells.iter().map(|(policy, rate)| scope.spawn(|| one(programs, policy, *rate))).collect();
        let ended = running.into_iter().map(|thread| thread.join().ok().context("a cell panicked")?);
        ended.collect::<Result<Vec<Row>>>()
    })?;
    let page = page(&rows);
    for row in rows.iter().filter(|row| row.policy == POLICIES[0].name) {
        ensure!(row.off < SEED_GOAL, "{} rps: {:?}\n{page}", row.rate, row.off);
        ensure!(row.rate < OUR_GOAL.0 || row.off <= OUR_GOAL.1, "{} rps: {:?}\n{page}", row.rate, row.off);
    }
    Ok(page)
}

fn one(programs: &Programs, policy: &Policy, rate: f64) -> Result<Row> {
    let world = World::new(programs, 2, &VERSIONS, policy.text)?;
    world.run("rollout start web.yaml v1 --wait --timeout 60s")?;
    let traffic = Traffic::start(world.address, rate)?;
    // The stable version has a past, as it would have.
    thread::sleep(Duration::from_secs(5));
    let began = Instant::now();
    world.run("rollout start web.yaml v2")?;
    world.until(&["rolled_back", "completed"], LONGEST).and_then(|phase| {
        ensure!(phase == "rolled_back", "the slow version was taken in at {rate} rps: {}", policy.name);
        Ok(())
    })?;
    thread::sleep(Duration::from_secs(3));
    let view = world.view()?;
    let answers = traffic.stop()?;
    let lost = answers.iter().filter(|answer| answer.is_lost()).count();
    ensure!(lost == 0, "{lost} requests got no answer at {rate} rps");
    let met: Vec<_> = answers.iter().filter(|answer| answer.version() == Some("v2")).collect();
    let last = met.iter().map(|answer| answer.sent).max().context("nobody met the slow version")?;
    world.end()?;
    let why = view["why"].as_str().unwrap_or_default().to_owned();
    eprintln!("{}, {rate} rps: {}", policy.name, seconds(last - began));
    Ok(Row { policy: policy.name, rate, off: last - began, met: met.len(), why })
}

fn page(rows: &[Row]) -> String {
    let mut text = format!(
        "# A slow version, and who meets it\n\nBy `make experiment`. Two processes of the demo service behind the local proxy; the new version sleeps 2 s in\n\
         each request and gets 5 % of the users, the stable one answers at once. Neither fails. *Traffic off* is the time from `rollout start` to the last request that was sent and met the\n\
         slow version, among all requests until 3 s after it was taken back. Machine: {}. All rows ran at the same time.\n\n\
         | policy | requests a second | traffic off after | users who met it | its reason |\n|---|---|---|---|---|\n",
        machine()
    );
    for Row { policy, rate, off, met, why } in rows {
        text += &format!("| {policy} | {rate} | {} | {met} | {} |\n", seconds(*off), why.replace('|', "\\|"));
    }
    text + METHOD
}

const METHOD: &str = "
The goal of the requirements is less than a minute; ours is 15 s from 50 requests a second on.

What the rows are:

- **Sequential tests** compare the latencies of both versions at four bounds and their errors, four times a second, and may be looked at any time:
  their false-rollback rate of 0.1 % holds over all looks (docs/rollouts.md). With few requests there is little to see: 5 a second at 5 % is one
  request of the new version in four seconds.
- **Argo-like**: a measurement each minute of the minute before, three failures forgiven, so the fourth one takes it back, as in the example of
  the documentation of Argo Rollouts. Counted by its rules (`policy: argo`), which `make differential` compares with upstream.
- **Flagger-like**: a check each minute, five failed ones are the threshold. Its first check comes with the second tick and the rollback with the
  tick after the fifth failed one.

Both could be set to shorter intervals; then they judge fewer requests each time, and take back more good versions ([aa.md](aa.md)).
The peers themselves are not run here: their rules are.
";
