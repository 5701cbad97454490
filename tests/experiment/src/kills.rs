//! What it costs users that commands and agents are killed at any moment.
//!
//! One service under steady traffic, releases one after the other, every third of them faulty. First
//! commands are killed a random time after their start, then the agent itself. No request may fail but by
//! an answer of a faulty version; the proxy answers again within a second; in the end nothing is left.

use crate::figures::{machine, quantile};
use crate::traffic::{Answer, Traffic};
use crate::world::{Programs, Version, World};
use anyhow::{Context, Result, ensure};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

const RATE: f64 = 50.0;
/// Longest time without an agent that answers.
const GOAL: Duration = Duration::from_secs(1);
const VERSIONS: [Version; 4] = [
    Version::good("v1"),
    Version::good("v2"),
    Version::good("v3"),
    Version { name: "bad", latency_ms: 0, error_rate: 0.5 },
];
const POLICY: &str = "strategy:
  canary:
    steps: [{setWeight: 20}, {pause: {duration: 1s}}, {setWeight: 50}, {pause: {duration: 1s}}]
    scaleDownDelay: 1s
    abortScaleDownDelay: 1s
analysis:
  metrics:
    - {name: errors, test: {of: errors, minimumSample: 20}, interval: 250ms}
";
/// What people type while a release is under way.
const COMMANDS: [&str; 7] = [
    "rollout status web",
    "rollout watch web",
    "rollout promote web",
    "rollout pause web",
    "rollout resume web",
    "rollout list",
    "rollout history web",
];

pub(crate) fn run(programs: &Programs, commands: usize, agents: usize, seed: u64) -> Result<String> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let world = World::new(programs, 2, &VERSIONS, POLICY)?;
    world.run("rollout start web.yaml v1 --wait --timeout 60s")?;
    let traffic = Traffic::start(world.address, RATE)?;
    let mut releases = Releases::default();
    for done in 0..commands {
        releases.step(&world)?;
        kill_a_command(&world, &mut random)?;
        if done % 50 == 49 {
            eprintln!("{} commands", done + 1);
        }
    }
    let of_commands = traffic.stop()?;
    blameless(&of_commands)?;
    world.run("rollout resume web").ok();

    let traffic = Traffic::start(world.address, RATE)?;
    let mut gaps = Vec::new();
    for done in 0..agents {
        releases.step(&world)?;
        thread::sleep(Duration::from_millis(random.random_range(0..700)));
        gaps.push(kill_the_agent(&world)?);
        if done % 25 == 24 {
            eprintln!("{} agents", done + 1);
        }
    }
    let end = world.until(&["completed", "rolled_back"], Duration::from_secs(60))?;
    let of_agents = traffic.stop()?;
    let folder = world.folder().to_owned();
    world.end().with_context(|| folder.display().to_string())?;
    let longest = gaps.iter().max().copied().unwrap_or_default();
    let page = format!(
        "# Killed at any moment\n\nBy `make torture-rollouts` (seed {seed}): one service of two processes, {RATE} requests a second, releases one after the other, every third one\n\
         faulty. Killed is by SIGKILL. Machine: {}.\n\n\
         | killed | how often | requests meanwhile | without an answer |\n|---|---|---|---|\n\
         | commands, 0 to 80 ms after their start | {commands} | {} | {} |\n| the agent, 0 to 700 ms after the last | {agents} | {} | {} |\n\n\
         From the agent's end to the first answer through the proxy: median {} ms, longest {} ms (wanted: less than {} ms). Requests that were under way in an agent that\n\
         dies are lost with it: those are the ones without an answer. New ones wait in the listening socket, which the guard holds.\n\
         Releases: {} begun, the last one ended {end}. In the end no process was left.\n",
        machine(),
        of_commands.len(),
        lost(&of_commands),
        of_agents.len(),
        lost(&of_agents),
        quantile(&gaps, 0.5).as_millis(),
        longest.as_millis(),
        GOAL.as_millis(),
        releases.begun,
    );
    ensure!(longest < GOAL, "the proxy was away too long\n{page}");
    Ok(page)
}

/// Releases, one after the other.
#[derive(Default)]
struct Releases {
    begun: usize,
}

impl Releases {
    /// Begins the next one where the last one is over.
    fn step(&mut self, world: &World) -> Result<()> {
        if !["completed", "rolled_back"].contains(&world.phase()?.as_str()) {
            return Ok(());
        }
        let next = ["v2", "v3", "bad"][self.begun % 3];
        world.run(&format!("rollout start web.yaml {next}"))?;
        self.begun += 1;
        Ok(())
    }
}

fn kill_a_command(world: &World, random: &mut Pcg64Mcg) -> Result<()> {
    let words = COMMANDS[random.random_range(0..COMMANDS.len())];
    let mut command = world.spawn(words)?;
    thread::sleep(Duration::from_micros(random.random_range(0..80_000)));
    command.kill()?;
    command.wait()?;
    Ok(())
}

/// Kills it; the time to the first answer through the proxy on a connection of its own.
fn kill_the_agent(world: &World) -> Result<Duration> {
    let pid = rustix::process::Pid::from_raw(world.agent()?).context("a pid")?;
    let killed = Instant::now();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL)?;
    while rustix::process::test_kill_process(pid).is_ok() && killed.elapsed() < GOAL {
        thread::sleep(Duration::from_micros(200));
    }
    answered(world, killed + Duration::from_secs(20))?;
    Ok(killed.elapsed())
}

fn answered(world: &World, deadline: Instant) -> Result<()> {
    use std::io::{Read, Write};
    loop {
        let asked = (|| {
            let mut stream = TcpStream::connect(world.address)?;
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            stream.write_all(b"GET /version HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n")?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            std::io::Result::Ok(answer.starts_with(b"HTTP/1.1 200") || answer.starts_with(b"HTTP/1.1 500"))
        })();
        if matches!(asked, Ok(true)) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "no answer after the agent was killed: {asked:?}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn lost(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.is_lost()).count()
}

/// An error unless every answer is a good one, or of the faulty version.
fn blameless(answers: &[Answer]) -> Result<()> {
    let is_bad = |answer: &&Answer| !answer.is_good() && answer.version() != Some("bad");
    let failed: Vec<_> = answers.iter().filter(is_bad).collect();
    let first = failed.first().map(|answer| &answer.got);
    ensure!(failed.is_empty(), "{} of {} requests failed, the first: {first:?}", failed.len(), answers.len());
    Ok(())
}
