//! How many pods, and how much traffic.

mod basic;
mod limits;
mod peer;
mod plain;
mod routed;
mod steps;

// Shared with the example `differential`, which has them at its root.
#[path = "generate.rs"]
mod generate;
#[path = "question.rs"]
mod question;

use taskmaster_delivery::replicas::{Canary, Counts, Course, Position, Set, Sets, Stable, Step, Traffic};

fn set(wanted: i32, created: i32, available: i32) -> Set {
    Set { wanted, created, available }
}

fn full(pods: i32) -> Set {
    set(pods, pods, pods)
}

/// Two versions, and none that is older.
fn two(canary: Set, stable: Set) -> Sets {
    Sets { canary: Some(canary), stable: Stable::Other(stable), older: Vec::new() }
}

fn counts(canary: i32, stable: i32) -> Counts {
    Counts { canary, stable }
}

fn at(step: usize) -> Position {
    Position { course: Course::Steps, aborted: false, step }
}

fn aborted() -> Position {
    Position { aborted: true, ..at(0) }
}

/// Ten pods, all of them routed.
fn routed_canary(steps: &[Step], traffic: Traffic) -> Canary {
    Canary { replicas: 10, steps: steps.to_vec(), traffic: Some(traffic), ..Canary::default() }
}

fn dynamic() -> Traffic {
    Traffic { dynamic_stable_scale: true, ..Traffic::default() }
}
