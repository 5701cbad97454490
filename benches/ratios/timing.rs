//! Ways to do one thing, timed in turn.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One way to do it.
pub(crate) struct Way<'w> {
    name: &'static str,
    work: Work<'w>,
}

enum Work<'w> {
    /// Something of this process, which says nothing of memory.
    Here(Box<dyn FnMut() + 'w>),
    /// Another program.
    Program(Box<dyn FnMut() -> Command + 'w>),
}

impl Way<'_> {
    fn time(&mut self) -> Duration {
        let began = Instant::now();
        match &mut self.work {
            Work::Here(work) => work(),
            Work::Program(command) => ends_well(&mut command()),
        }
        began.elapsed()
    }

    /// The same untimed; the most memory it was seen to have, in KiB.
    fn peak(&mut self) -> u64 {
        match &mut self.work {
            Work::Here(work) => {
                work();
                0
            }
            Work::Program(command) => peak_of(&mut command()),
        }
    }
}

pub(crate) fn way<'w>(name: &'static str, work: impl FnMut() + 'w) -> Way<'w> {
    Way { name, work: Work::Here(Box::new(work)) }
}

/// A program, whose memory is looked at.
pub(crate) fn program<'w>(name: &'static str, command: impl FnMut() -> Command + 'w) -> Way<'w> {
    Way { name, work: Work::Program(Box::new(command)) }
}

/// Times all ways in turn, `rounds` times after one that is not counted but looks at memory, and prints each beside the
/// last one, which is the bare limit.
pub(crate) fn compare(rounds: usize, mut ways: Vec<Way<'_>>) {
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); ways.len()];
    let memory: Vec<u64> = ways.iter_mut().map(Way::peak).collect();
    for _ in 0..rounds {
        for (way, times) in ways.iter_mut().zip(&mut times) {
            times.push(way.time());
        }
    }
    let bare = times.last().expect("there is a way").clone();
    for ((way, times), kib) in ways.iter().zip(&times).zip(memory) {
        let ms = median(times.iter().map(|time| time.as_secs_f64() * 1e3));
        let ratio =
            median(times.iter().zip(&bare).map(|(time, bare)| time.as_secs_f64() / bare.as_secs_f64()));
        let mb = if kib > 0 { format!("   {:6.1} MB", kib as f64 * 1024.0 / 1e6) } else { String::new() };
        println!("  {:18} {ms:9.2} ms   ratio {ratio:6.2}{mb}", way.name);
    }
    println!("  ({rounds} rounds, medians)");
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Runs a program to its good end, without a word; the most memory it was seen to have, in KiB.
fn peak_of(command: &mut Command) -> u64 {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap_or_else(|fault| panic!("{command:?}: {fault}"));
    let mut peak = 0;
    let status = loop {
        peak = high_water(&child).max(peak);
        if let Some(status) = child.try_wait().expect("a child can be asked") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success(), "{command:?}: {status}");
    peak
}

/// The same as fast as it goes.
pub(crate) fn ends_well(command: &mut Command) {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().unwrap_or_else(|fault| panic!("{command:?}: {fault}"));
    assert!(status.success(), "{command:?}: {status}");
}

fn high_water(child: &Child) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
