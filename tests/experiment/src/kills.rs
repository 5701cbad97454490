//! What it costs users that commands and agents are killed at any moment.
//!
//! One service under steady traffic, releases one after the other, every third of them faulty. First
//! commands are killed a random time after their start, then the agent itself. No request may fail but by
//! an answer of a faulty version, or because it was under way when an agent died; the proxy answers again
//! within a second; in the end nothing is left.

use crate::figures::{machine, quantile};
use crate::traffic::{Answer, Traffic};
use crate::world::{Programs, Version, World};
use anyhow::{Context, Result, ensure};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// An agent that lives shorter than a look of the tests, which has twenty requests, brings no evidence.
const RATE: f64 = 100.0;
/// Longest time without an agent that answers.
const GOAL: Duration = Duration::from_secs(1);
/// So many requests may be cut off by each death on the average: one takes a few milliseconds, on a busy
/// machine more.
const CUT_OFF: f64 = 1.0;
/// Largest share of requests that faulty versions may fail: until their analysis they have a fifth of the
/// users, of whom they fail half.
const FAILED: f64 = 0.1;
const VERSIONS: [Version; 4] = [
    Version::good("v1"),
    Version::good("v2"),
    Version::good("v3"),
    Version { name: "bad", latency_ms: 0, error_rate: 0.5 },
];
const POLICY: &str = "strategy:
  canary:
    steps: [{setWeight: 20}, {analysis: {duration: 1s}}, {setWeight: 50}, {pause: {duration: 1s}}]
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
    // What people promoted ends before agents die. An analysis needs users.
    world.until(&["completed", "rolled_back"], Duration::from_secs(60))?;
    releases.step(&world)?;
    let (mut kills, promoted) = (Vec::new(), releases.taken_in);
    for done in 0..agents {
        releases.step(&world)?;
        thread::sleep(Duration::from_millis(random.random_range(0..700)));
        kills.push(kill_the_agent(&world)?);
        if done % 25 == 24 {
            eprintln!("{} agents", done + 1);
        }
    }
    let end = world.until(&["completed", "rolled_back"], Duration::from_secs(60))?;
    releases.note(&end);
    let of_agents = traffic.stop()?;
    let folder = world.folder().to_owned();
    world.end().with_context(|| folder.display().to_string())?;
    let gaps: Vec<_> = kills.iter().map(|kill| kill.answered - kill.at).collect();
    let longest = gaps.iter().max().copied().unwrap_or_default();
    let page = format!(
        "# Killed at any moment\n\nBy `make torture-rollouts` (seed {seed}): one service of two processes, {RATE} requests a second, releases one after the other, every third one\n\
         faulty. Killed is by SIGKILL. Machine: {}.\n\n\
         | killed | how often | requests meanwhile | failed by a faulty version | without an answer |\n|---|---|---|---|---|\n\
         | commands, 0 to 80 ms after their start | {commands} | {} | {} | {} |\n| the agent, 0 to 700 ms after the last | {agents} | {} | {} | {} |\n\n\
         From the signal to the first answer through the proxy: median {} ms, longest {} ms (wanted: less than {} ms). Requests that are under way in an agent that\n\
         dies are lost with it: each one without an answer was, between the signal and the agent's end (wanted: at most {CUT_OFF} a kill, on the average). New ones wait in the\n\
         listening socket, which the guard holds. All others that failed are answers of a faulty version (wanted: at most {} % beside the agent's deaths).\n\
         Releases: {} begun, the last one ended {end}. Faulty ones taken in: {promoted} while commands were killed (`promote` among them), {} while agents were (wanted:\n\
         none: the policy asks for an analysis, and what an agent counted in its last second dies with it). In the end no service, agent or guard was left.\n",
        machine(),
        of_commands.len(),
        own(&of_commands),
        lost(&of_commands),
        of_agents.len(),
        own(&of_agents),
        lost(&of_agents),
        quantile(&gaps, 0.5).as_millis(),
        longest.as_millis(),
        GOAL.as_millis(),
        FAILED * 100.0,
        releases.begun,
        releases.taken_in - promoted,
    );
    ensure!(longest < GOAL, "the proxy was away too long\n{page}");
    explained(&of_agents, &kills).with_context(|| page.clone())?;
    let cut_off = lost(&of_agents) as f64 / kills.len().max(1) as f64;
    ensure!(cut_off <= CUT_OFF, "{cut_off} requests were cut off by each death\n{page}");
    ensure!(releases.taken_in == promoted, "a faulty version was taken in\n{page}");
    let failed = own(&of_agents) as f64 / of_agents.len() as f64;
    ensure!(failed <= FAILED, "faulty versions failed a share of {failed}\n{page}");
    Ok(page)
}

/// Releases, one after the other.
#[derive(Default)]
struct Releases {
    begun: usize,
    /// Faulty ones that were taken in all the same.
    taken_in: usize,
}

impl Releases {
    /// Begins the next one where the last one is over.
    fn step(&mut self, world: &World) -> Result<()> {
        let phase = world.phase()?;
        if !["completed", "rolled_back"].contains(&phase.as_str()) {
            return Ok(());
        }
        self.note(&phase);
        let next = ["v2", "v3", "bad"][self.begun % 3];
        world.run(&format!("rollout start web.yaml {next}"))?;
        self.begun += 1;
        Ok(())
    }

    /// Takes note of how the last one ended.
    fn note(&mut self, phase: &str) {
        let is_faulty = self.begun > 0 && self.begun.is_multiple_of(3);
        self.taken_in += usize::from(is_faulty && phase == "completed");
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

/// An agent's death.
struct Kill {
    at: Instant,
    /// It was gone, and its sockets with it.
    gone: Instant,
    /// The first answer through the proxy on a connection of its own.
    answered: Instant,
}

impl Kill {
    /// True where a request was under way when it happened.
    fn cuts_off(&self, answer: &Answer) -> bool {
        answer.sent <= self.gone && answer.came >= self.at
    }
}

fn kill_the_agent(world: &World) -> Result<Kill> {
    let pid = rustix::process::Pid::from_raw(world.agent()?).context("a pid")?;
    let at = Instant::now();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL)?;
    while rustix::process::test_kill_process(pid).is_ok() && at.elapsed() < GOAL {
        thread::sleep(Duration::from_micros(200));
    }
    let gone = Instant::now();
    answered(world, at + Duration::from_secs(20))?;
    Ok(Kill { at, gone, answered: Instant::now() })
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

/// Those that a faulty version failed.
fn own(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| is_own(answer)).count()
}

/// True where a faulty version answered, and not well.
fn is_own(answer: &Answer) -> bool {
    !answer.is_good() && answer.version() == Some("bad")
}

/// An error unless every answer is a good one, or of the faulty version.
fn blameless(answers: &[Answer]) -> Result<()> {
    explained(answers, &[])
}

/// The same where agents were killed: what was under way then may be lost.
fn explained(answers: &[Answer], kills: &[Kill]) -> Result<()> {
    let is_cut_off = |answer: &Answer| answer.is_lost() && kills.iter().any(|kill| kill.cuts_off(answer));
    let is_bad = |answer: &&Answer| !answer.is_good() && !is_own(answer) && !is_cut_off(answer);
    let failed: Vec<_> = answers.iter().filter(is_bad).collect();
    let first = failed.first().map(|answer| &answer.got);
    ensure!(failed.is_empty(), "{} of {} requests failed, the first: {first:?}", failed.len(), answers.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer between these milliseconds after the beginning.
    fn answer(begun: Instant, (sent, came): (u64, u64), got: Result<(u16, &str), &str>) -> Answer {
        let at = |ms| begun + Duration::from_millis(ms);
        let got = got.map(|(status, version)| (status, version.to_owned())).map_err(str::to_owned);
        Answer { sent: at(sent), came: at(came), got }
    }

    #[test]
    fn only_what_was_under_way_at_a_death_may_be_lost() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let kills = [Kill { at: at(100), gone: at(102), answered: at(150) }];
        let is_right = |span, got| explained(&[answer(begun, span, got)], &kills).is_ok();
        let none = Err("closed");
        assert!(is_right((98, 101), none) && is_right((98, 140), none) && is_right((101, 101), none));
        assert!(!is_right((90, 99), none) && !is_right((103, 140), none));
        assert!(is_right((98, 101), Ok((502, ""))) && !is_right((103, 140), Ok((503, ""))));
        assert!(is_right((10, 11), Ok((500, "bad"))) && is_right((10, 11), Ok((200, "v2"))));
        assert!(!is_right((98, 101), Ok((500, "v2"))));
        assert!(blameless(&[answer(begun, (98, 101), none)]).is_err());
    }
}
