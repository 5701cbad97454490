//! Ratios of taskmaster to the bare limit of the same work, measured in turn in one run.
//!
//! Each line compares two ways of doing one thing: A B A B …, and prints the median of each and
//! the median of the ratios pair by pair, so that a machine whose speed drifts does not decide.
//! `cargo bench` (or `make bench`) prints them all; an argument keeps those whose name contains it.

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let all: [(&str, fn()); 4] = [
        ("parse: 10 MB checklist / bare pulldown-cmark with offsets", parse),
        ("run: 1,000 independent no-op tasks, --jobs 2 / bare spawns two at a time", run_wide),
        ("run: a chain of 200 no-op tasks / bare spawns one after the other", run_chain),
        ("start: one no-op task / one bare spawn", start),
    ];
    for (name, bench) in all {
        if wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str())) {
            println!("{name}");
            bench();
        }
    }
}

/// Times `ours` and `bare` in turn and prints medians and ratio.
fn compare(rounds: usize, mut ours: impl FnMut(), mut bare: impl FnMut()) {
    ours();
    bare();
    let time = |work: &mut dyn FnMut()| {
        let began = Instant::now();
        work();
        began.elapsed()
    };
    let pairs: Vec<(Duration, Duration)> = (0..rounds).map(|_| (time(&mut ours), time(&mut bare))).collect();
    let ratio = median(pairs.iter().map(|(a, b)| a.as_secs_f64() / b.as_secs_f64()));
    let a = median(pairs.iter().map(|(a, _)| a.as_secs_f64() * 1e3));
    let b = median(pairs.iter().map(|(_, b)| b.as_secs_f64() * 1e3));
    println!("  ours {a:9.2} ms   bare {b:9.2} ms   ratio {ratio:6.2}   ({rounds} rounds)");
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn parse() {
    let mut text = String::from("# Plan\n\n");
    let mut phase = 0;
    while text.len() < 10_000_000 {
        phase += 1;
        let _ = writeln!(text, "\n## Phase {phase}: Part {phase} (Priority: High)\n");
        for task in 0..40 {
            let _ = writeln!(text, "- [ ] Prepare thing {task} of part {phase} with `code` and **emphasis**");
            let _ = writeln!(text, "  - a detail of it, in a few words more");
        }
    }
    let options = taskmaster_prd::Options::default();
    compare(
        ROUNDS,
        || {
            black_box(taskmaster_prd::parse(black_box(&text), &options));
        },
        || {
            let flags =
                pulldown_cmark::Options::ENABLE_TABLES | pulldown_cmark::Options::ENABLE_STRIKETHROUGH;
            let events = pulldown_cmark::Parser::new_ext(black_box(&text), flags).into_offset_iter();
            black_box(events.fold(0, |sum, (_, range)| sum + range.len()));
        },
    );
}

/// A project of `count` tasks that run `true`, in a folder of its own.
fn project(count: usize, ordering: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let mut prd = format!("---\nordering: {ordering}\n---\n# Bench\n\n## Phase 1: All\n\n");
    let mut tasks = String::from("tasks:\n");
    for index in 0..count {
        let _ = writeln!(prd, "- [ ] T{index:04} Task {index}");
        let _ = writeln!(tasks, "  T{index:04}: {{run: {{exec: [\"true\"]}}}}");
    }
    std::fs::create_dir(dir.path().join("tasks")).expect("a folder can be made");
    std::fs::write(dir.path().join("prd.md"), prd).expect("a file can be written");
    std::fs::write(dir.path().join("tasks/bench.yaml"), tasks).expect("a file can be written");
    dir
}

fn taskmaster(dir: &Path, jobs: &str) {
    let state = dir.join(".taskmaster");
    if state.exists() {
        std::fs::remove_dir_all(state).expect("the state can be removed");
    }
    let status = Command::new(env!("CARGO_BIN_EXE_taskmaster"))
        .args(["run", "prd.md", "--quiet", "--jobs", jobs])
        .current_dir(dir)
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("taskmaster starts").success());
}

fn spawn() -> std::process::Child {
    Command::new("true").stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("true starts")
}

fn bare(count: usize, width: usize) {
    let workers: Vec<_> = (0..width)
        .map(|_| {
            std::thread::spawn(move || {
                for _ in 0..count / width {
                    assert!(spawn().wait().expect("true ends").success());
                }
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().expect("a worker ends"));
}

fn run_wide() {
    let dir = project(1_000, "explicit");
    compare(ROUNDS, || taskmaster(dir.path(), "2"), || bare(1_000, 2));
}

fn run_chain() {
    let dir = project(200, "sequential");
    compare(ROUNDS, || taskmaster(dir.path(), "2"), || bare(200, 1));
}

fn start() {
    let dir = project(1, "explicit");
    compare(3 * ROUNDS, || taskmaster(dir.path(), "1"), || bare(1, 1));
}
