//! How many tasks are in which state.

use crate::state::{TaskState, WaitFor};
use std::collections::BTreeMap;

/// How many tasks are in each state; kept by every step, so that asking costs nothing.
#[derive(Clone, Debug)]
pub(super) struct Counts([usize; Counts::KINDS]);

impl Counts {
    const KINDS: usize = 16;

    pub(super) fn all_pending(tasks: usize) -> Self {
        let mut counts = [0; Self::KINDS];
        counts[Self::kind(&TaskState::Pending)] = tasks;
        Self(counts)
    }

    fn kind(state: &TaskState) -> usize {
        match state {
            TaskState::Pending => 0,
            TaskState::Ready => 1,
            TaskState::Checking => 2,
            TaskState::Running { .. } => 3,
            TaskState::Verifying { .. } => 4,
            TaskState::Waiting { on: WaitFor::Retry { .. } } => 5,
            TaskState::Waiting { on: WaitFor::Approval { .. } } => 6,
            TaskState::Waiting { on: WaitFor::Manual } => 7,
            TaskState::Completed => 8,
            TaskState::Satisfied => 9,
            TaskState::Claimed => 10,
            TaskState::Failed { .. } => 11,
            TaskState::Blocked { .. } => 12,
            TaskState::Unknown { .. } => 13,
            TaskState::Skipped { .. } => 14,
            TaskState::Cancelled => 15,
        }
    }

    pub(super) fn moved(&mut self, from: &TaskState, to: &TaskState) {
        self.0[Self::kind(from)] -= 1;
        self.0[Self::kind(to)] += 1;
    }

    const NAMES: [&'static str; Self::KINDS] = [
        "pending",
        "ready",
        "checking",
        "running",
        "verifying",
        "waiting",
        "waiting",
        "waiting",
        "completed",
        "satisfied",
        "claimed",
        "failed",
        "blocked",
        "unknown",
        "skipped",
        "cancelled",
    ];

    pub(super) fn by_name(&self) -> BTreeMap<String, u64> {
        let mut names = BTreeMap::new();
        for (name, count) in Self::NAMES.iter().zip(self.0).filter(|(_, count)| *count > 0) {
            *names.entry((*name).to_owned()).or_insert(0) += count as u64;
        }
        names
    }

    pub(super) fn pending(&self) -> usize {
        self.0[0]
    }
    pub(super) fn ready(&self) -> usize {
        self.0[1]
    }
    pub(super) fn verifying(&self) -> usize {
        self.0[4]
    }
    pub(super) fn waiting_for_retry(&self) -> usize {
        self.0[5]
    }
    pub(super) fn waiting_for_person(&self) -> usize {
        self.0[6] + self.0[7]
    }
    pub(super) fn failed(&self) -> usize {
        self.0[11]
    }
    pub(super) fn unknown(&self) -> usize {
        self.0[13]
    }
}
