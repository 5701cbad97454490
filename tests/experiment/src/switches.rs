//! Promotions and ways back under load: how long each takes, and whether a user sees any of it.

use crate::figures::{machine, quantile};
use crate::traffic::{Answer, Traffic};
use crate::world::{Programs, Version, World};
use anyhow::{Context, Result, ensure};
use std::thread;
use std::time::{Duration, Instant};

const RATE: f64 = 300.0;
/// Requests in all, at the least.
const REQUESTS: usize = 50_000;
const GOAL: Duration = Duration::from_secs(1);
const VERSIONS: [Version; 1] = [Version::good("v0")];
const POLICY: &str = "rollbackWindow: 3
strategy:
  blueGreen: {autoPromotion: false, scaleDownDelay: 2s, abortScaleDownDelay: 1s}
";

/// From the order to the last request that was sent and met the version that goes.
struct Switch {
    /// Counted from the start of the command.
    by_command: Duration,
    /// Counted from the moment at which the agent has taken the order: the command's end.
    after_command: Duration,
}

pub(crate) fn run(programs: &Programs, times: usize) -> Result<String> {
    let world = World::new(programs, 2, &VERSIONS, POLICY)?;
    world.run("rollout start web.yaml v0 --wait --timeout 60s")?;
    let traffic = Traffic::start(world.address, RATE)?;
    let (mut forward, mut back) = (Vec::new(), Vec::new());
    let mut stable = "v0".to_owned();
    for n in 1..=times {
        let next = format!("v{n}");
        world.run(&format!("rollout start web.yaml {next}"))?;
        until_ready(&world)?;
        forward.push(order(&world, &traffic, "rollout promote web", &stable)?);
        world.until(&["completed"], Duration::from_secs(20))?;
        back.push(order(&world, &traffic, "rollout undo web", &next)?);
        world.until(&["completed"], Duration::from_secs(20))?;
        if n % 25 == 0 {
            eprintln!("{n} of {times}");
        }
        // Every other version stays.
        if n % 2 == 0 {
            world.run("rollout undo web")?;
            world.until(&["completed"], Duration::from_secs(20))?;
            stable = next;
        }
    }
    while traffic.so_far().len() < REQUESTS {
        thread::sleep(Duration::from_millis(200));
    }
    let answers = traffic.stop()?;
    world.end()?;
    let failed: Vec<&Answer> = answers.iter().filter(|answer| !answer.is_good()).collect();
    let page = page(&forward, &back, answers.len(), failed.len());
    ensure!(failed.is_empty(), "{:?}\n{page}", failed.first().map(|answer| &answer.got));
    let longest = forward.iter().map(|switch| switch.by_command).max().unwrap_or_default();
    ensure!(longest < GOAL, "a promotion took {longest:?}\n{page}");
    Ok(page)
}

/// Waits until the preview waits for a person.
fn until_ready(world: &World) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let view = world.view()?;
        if view["held"]["by"] == "step" {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the preview does not wait: {view}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn order(world: &World, traffic: &Traffic, words: &str, going: &str) -> Result<Switch> {
    let began = Instant::now();
    world.run(words)?;
    let taken = Instant::now();
    // Whatever is sent to the old version comes within this.
    thread::sleep(Duration::from_millis(150));
    let answers = traffic.so_far();
    let met = answers.iter().rev().take(2_000).filter(|answer| answer.version() == Some(going));
    let last = met.map(|answer| answer.sent).max().with_context(|| format!("{going} had no users"))?;
    Ok(Switch {
        by_command: last.saturating_duration_since(began),
        after_command: last.saturating_duration_since(taken),
    })
}

fn page(forward: &[Switch], back: &[Switch], requests: usize, failed: usize) -> String {
    let row = |name: &str, switches: &[Switch]| {
        let by: Vec<_> = switches.iter().map(|switch| switch.by_command).collect();
        let after: Vec<_> = switches.iter().map(|switch| switch.after_command).collect();
        let ms = |values: &[Duration], share| quantile(values, share).as_millis();
        format!(
            "| {name} | {} | {} ms | {} ms | {} ms |\n",
            switches.len(),
            ms(&by, 0.5),
            ms(&by, 1.0),
            ms(&after, 1.0)
        )
    };
    format!(
        "# Promotions and ways back under load\n\nBy `make switches`: blue-green, two processes a version, {RATE} requests a second. Each time is that to the last request which was\n\
         sent and met the version that goes. Machine: {}.\n\n\
         | | times | from the command's start, median | longest | longest after the command's end |\n|---|---|---|---|---|\n{}{}\n\
         {failed} of {requests} requests failed; clients do not try again. Wanted: none, and a promotion in less than {} ms.\n",
        machine(),
        row("promotion", forward),
        row("way back", back),
        GOAL.as_millis(),
    )
}
