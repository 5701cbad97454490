//! Ratios of taskmaster to the bare limit of the same work, and to other runners of tasks, measured in turn in one run.
//!
//! Each round does one thing in every way, one after the other: A B C A B C …; printed are the median of each way and
//! the median of the ratios round by round, so that a machine whose speed drifts does not decide. `cargo bench` (or
//! `make bench`) prints them all; an argument keeps those whose name contains it. `PEERS=folder` is where just, task
//! and ninja lie that are not on PATH.

mod large;
mod parsing;
mod project;
mod recovery;
mod running;
mod timing;

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let all: [(&str, fn()); 8] = [
        ("parse: 10 MB of a checklist alone, and of a document", parsing::ratios),
        ("linear: parse from 10 KB to 50 MB", parsing::linear),
        ("run: 1,000 independent no-op tasks, two at a time", running::wide),
        ("chain: 1,000 no-op tasks, one after the other", running::chain),
        ("start: one no-op task", running::start),
        ("large: 100,000 tasks known and planned", large::planned),
        ("huge: 100,000 no-op tasks run, two at a time", large::run),
        ("recovery: a kill with 10,000 finished tasks", recovery::ratio),
    ];
    for (name, bench) in all {
        if wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str())) {
            println!("{name}");
            bench();
        }
    }
}
