//! Promotions and ways back under load: how long each takes, and whether a user sees any of it.
//!
//! Orders are noted while users are at work; how long each took is told afterwards, from the record of all
//! answers. So nothing is overlooked that comes late: an order's time ends where the next one begins, which
//! is after its rollout was completed.

use crate::figures::{machine, quantile};
use crate::traffic::{Answer, Traffic};
use crate::world::{Programs, Version, World};
use anyhow::{Context, Result, ensure};
use std::thread;
use std::time::{Duration, Instant};

const RATE: f64 = 300.0;
/// Longest time from the start of an order's command to the last request that meets the version that goes.
const GOAL: Duration = Duration::from_secs(1);
/// 99 of 100 ways back hold so soon after the agent has taken the order.
const TAKEN_GOAL: Duration = Duration::from_millis(100);
const VERSIONS: [Version; 1] = [Version::good("v0")];
const POLICY: &str = "rollbackWindow: 3
strategy:
  blueGreen: {autoPromotion: false, scaleDownDelay: 2s, abortScaleDownDelay: 1s}
";

/// An order, and the version that goes by it.
struct Order {
    is_back: bool,
    going: String,
    /// The command's start.
    began: Instant,
    /// Its end: the agent has taken the order.
    taken: Instant,
}

/// From an order to the last request that was sent and met the version that goes.
struct Switch {
    is_back: bool,
    by_command: Duration,
    /// Counted from the moment at which the agent has taken the order.
    after_command: Duration,
}

pub(crate) fn run(programs: &Programs, times: usize, requests: usize) -> Result<String> {
    let world = World::new(programs, 2, &VERSIONS, POLICY)?;
    world.run("rollout start web.yaml v0 --wait --timeout 60s")?;
    let traffic = Traffic::start(world.address, RATE)?;
    let orders = orders(&world, times)?;
    // The last order is watched as long as it may take.
    thread::sleep(GOAL);
    while traffic.count() < requests {
        thread::sleep(Duration::from_millis(200));
    }
    let answers = traffic.stop()?;
    world.end()?;
    let failed: Vec<&Answer> = answers.iter().filter(|answer| !answer.is_good()).collect();
    let (back, forward): (Vec<_>, Vec<_>) =
        switches(&orders, &answers)?.into_iter().partition(|switch| switch.is_back);
    let page = page(&forward, &back, answers.len(), failed.len());
    ensure!(failed.is_empty(), "{:?}\n{page}", failed.first().map(|answer| &answer.got));
    for (what, switches) in [("a promotion", &forward), ("a way back", &back)] {
        let longest = quantile(&by(switches), 1.0);
        ensure!(longest < GOAL, "{what} took {longest:?}\n{page}");
    }
    let held = quantile(&after(&back), 0.99);
    ensure!(
        held <= TAKEN_GOAL,
        "a hundredth of the ways back held {held:?} after the order or later\n{page}"
    );
    Ok(page)
}

/// Releases, each of them promoted and taken back, and every other one brought in once more.
fn orders(world: &World, times: usize) -> Result<Vec<Order>> {
    let mut orders = Vec::new();
    // Each version with the number of its release: every start and every undo is one.
    let (mut stable, mut releases) = (("v0".to_owned(), 1), 1);
    for n in 1..=times {
        let next = (format!("v{n}"), releases + 1);
        world.run(&format!("rollout start web.yaml {}", next.0))?;
        until_ready(world)?;
        orders.push(order(world, "rollout promote web", &stable.0)?);
        orders.push(order(world, &format!("rollout undo web --to {}", stable.1), &next.0)?);
        releases += 2;
        if n % 25 == 0 {
            eprintln!("{n} of {times}");
        }
        if n % 2 == 0 {
            orders.push(order(world, &format!("rollout undo web --to {}", next.1), &stable.0)?);
            releases += 1;
            stable = next;
        }
    }
    Ok(orders)
}

/// Gives an order, and waits until its rollout is completed.
fn order(world: &World, words: &str, going: &str) -> Result<Order> {
    let began = Instant::now();
    world.run(words)?;
    let taken = Instant::now();
    world.until(&["completed"], Duration::from_secs(60))?;
    Ok(Order { is_back: words.contains("undo"), going: going.to_owned(), began, taken })
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

/// How long each order took, from all answers in the order in which they were asked for.
fn switches(orders: &[Order], answers: &[Answer]) -> Result<Vec<Switch>> {
    let ends = orders.iter().skip(1).map(|next| Some(next.began)).chain([None]);
    orders.iter().zip(ends).map(|(order, end)| switch(order, end, answers)).collect()
}

/// How long one took: what was sent from its beginning to its end is looked at.
fn switch(order: &Order, end: Option<Instant>, answers: &[Answer]) -> Result<Switch> {
    let from = answers.partition_point(|answer| answer.sent < order.began);
    let to = end.map_or(answers.len(), |end| answers.partition_point(|answer| answer.sent < end));
    let sent = answers.get(from..to).unwrap_or_default();
    let meets = |answer: &&Answer| answer.version() == Some(&order.going);
    let before = from.checked_sub(1).and_then(|place| answers.get(place));
    let got = before.map(|answer| &answer.got);
    ensure!(before.as_ref().is_some_and(meets), "{} was to go and had no users: {got:?}", order.going);
    // What is on its way when the next order comes may go by that.
    let sent: Vec<&Answer> = sent.iter().filter(|answer| end.is_none_or(|end| answer.came < end)).collect();
    let newest = *sent.last().with_context(|| format!("nobody asked when {} was to go", order.going))?;
    ensure!(!meets(&newest), "{} was to go and had users until the next order", order.going);
    let last = sent.iter().rev().find(|answer| meets(answer)).map_or(order.began, |answer| answer.sent);
    Ok(Switch {
        is_back: order.is_back,
        by_command: last.saturating_duration_since(order.began),
        after_command: last.saturating_duration_since(order.taken),
    })
}

fn by(switches: &[Switch]) -> Vec<Duration> {
    switches.iter().map(|switch| switch.by_command).collect()
}

fn after(switches: &[Switch]) -> Vec<Duration> {
    switches.iter().map(|switch| switch.after_command).collect()
}

fn row(name: &str, switches: &[Switch]) -> String {
    let ms = |values: &[Duration], share| quantile(values, share).as_millis();
    let (by, after) = (by(switches), after(switches));
    format!(
        "| {name} | {} | {} ms | {} ms | {} ms | {} ms | {} ms |\n",
        switches.len(),
        ms(&by, 0.5),
        ms(&by, 0.99),
        ms(&by, 1.0),
        ms(&after, 0.99),
        ms(&after, 1.0)
    )
}

fn page(forward: &[Switch], back: &[Switch], requests: usize, failed: usize) -> String {
    format!(
        "# Promotions and ways back under load\n\nBy `make switches`: blue-green, two processes a version, {RATE} requests a second. Each time is that to the last request which was\n\
         sent and met the version that goes, among all requests from the order's beginning to the next order's. That one comes after the rollout was\n\
         completed. A version that had users until then is a failure. Ways back are by `rollout undo --to`, to a version whose processes are\n\
         still there; of every other release a second one brings the new version in again. Machine: {}.\n\n\
         | | times | from the command's start, median | p99 | longest | after the command's end, p99 | longest |\n|---|---|---|---|---|---|---|\n{}{}\n\
         {failed} of {requests} requests failed; clients do not try again.\n\n\
         Wanted: no failure; each promotion and each way back in less than {} ms from the command's start (the requirements: 30 s for a way back); p99 of\n\
         the ways back at most {} ms after the command's end, when the agent has taken the order. A request comes each {:.1} ms: times are no finer than that.\n",
        machine(),
        row("promotion", forward),
        row("way back", back),
        GOAL.as_millis(),
        TAKEN_GOAL.as_millis(),
        1e3 / RATE,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer of this version to what was sent so many milliseconds after the beginning.
    fn answer(begun: Instant, (sent, version): (u64, &str)) -> Answer {
        let sent = begun + Duration::from_millis(sent);
        Answer { sent, came: sent, got: Ok((200, version.to_owned())) }
    }

    fn order_at(begun: Instant, at: u64, going: &str) -> Order {
        let began = begun + Duration::from_millis(at);
        let taken = began + Duration::from_millis(20);
        Order { is_back: false, going: going.to_owned(), began, taken }
    }

    #[test]
    fn slow_switches_are_seen_whole() {
        let begun = Instant::now();
        let orders = [order_at(begun, 100, "v0"), order_at(begun, 3_000, "v1")];
        let sent = [(50, "v0"), (110, "v0"), (500, "v1"), (2_100, "v0"), (2_900, "v1"), (3_005, "v0")];
        let answers = sent.map(|one| answer(begun, one));
        let found = switches(&orders, &answers).unwrap();
        let ms = |time: Duration| time.as_millis();
        let times: Vec<_> = found.iter().map(|one| (ms(one.by_command), ms(one.after_command))).collect();
        assert_eq!(times, [(2_000, 1_980), (0, 0)]);
    }

    #[test]
    fn who_never_goes_is_an_error() {
        let begun = Instant::now();
        let orders = [order_at(begun, 100, "v0"), order_at(begun, 400, "v1")];
        let answers = [(110, "v0"), (390, "v0"), (500, "v0")].map(|one| answer(begun, one));
        assert!(switches(&orders, &answers).is_err());
        assert!(switches(&orders, &answers[..1]).is_err());
    }
}
