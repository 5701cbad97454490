//! Many tasks that do nothing: what a runner costs beside the programs that it starts.

use crate::project::{Project, Shape};
use crate::timing::{compare, ends_well, program, way};
use std::process::{Child, Command, Stdio};

pub(crate) fn wide() {
    let project = Project::new(1_000, Shape::Wide);
    all(&project, 7, 2, || bare(1_000, 2));
}

pub(crate) fn chain() {
    let project = Project::new(1_000, Shape::Chain);
    all(&project, 5, 2, || bare(1_000, 1));
}

pub(crate) fn start() {
    let project = Project::new(1, Shape::Wide);
    all(&project, 21, 1, || bare(1, 1));
    println!("  where it is known, with nothing to do:");
    let state = project.path().join("known");
    ends_well(&mut project.taskmaster_in(&state, "run prd.md --quiet"));
    let again = || ends_well(&mut project.taskmaster_in(&state, "run prd.md --quiet"));
    compare(21, vec![way("taskmaster", again), way("bare", || bare(1, 1))]);
    println!("  of that, the program itself:");
    let version = || ends_well(project.taskmaster("--version").arg("--quiet"));
    compare(21, vec![way("--version", version), way("bare", || bare(1, 1))]);
}

/// taskmaster, its peers and the bare limit.
fn all(project: &Project, rounds: usize, jobs: usize, bare: impl FnMut()) {
    let run = format!("run prd.md --quiet --jobs {jobs}");
    let ours = program("taskmaster", || project.taskmaster(&run));
    let peers = [
        ("make", "make", format!("--jobs={jobs} all")),
        ("ninja", "ninja", format!("-j {jobs} all")),
        ("just", "just", "all".to_owned()),
        ("go-task", "task", format!("--concurrency {jobs} all")),
    ];
    let mut ways = vec![ours];
    for (name, file, words) in &peers {
        if project.peer(file, words).is_none() {
            println!("  {name} is not here: PEERS=$(tests/tools/peers.sh FOLDER) names where it is");
            continue;
        }
        ways.push(program(name, || project.peer(file, words).expect("it was there")));
    }
    ways.push(way("bare spawns", bare));
    compare(rounds, ways);
}

fn spawn() -> Child {
    Command::new("true").stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("true starts")
}

/// The bare limit: as many programs, so many at a time.
pub(crate) fn bare(count: usize, width: usize) {
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
