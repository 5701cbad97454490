//! Short ways to write plans.

use jiff::Timestamp;
use taskmaster_core::action::{ActionKind, Policy};
use taskmaster_core::document::Priority;
use taskmaster_core::id::{Digest, DocumentId, EnvironmentName, PhaseId, RunId, TaskId, TaskKey};
use taskmaster_core::plan::{Disposition, Plan, PlannedTask};
use taskmaster_core::scheduler::Options;

/// A task `tN` that executes an action without check, verify or dependencies.
pub(crate) fn task(number: usize) -> PlannedTask {
    PlannedTask {
        key: TaskKey::new(format!("key{number}")),
        id: TaskId::new(format!("t{number}")),
        ordinal: format!("1.{}", number + 1),
        title: format!("Task {number}"),
        phase: PhaseId::new("phase"),
        priority: Priority::Medium,
        line: number + 1,
        dependencies: Vec::new(),
        reads: Vec::new(),
        reads_files: false,
        owes_outputs: false,
        disposition: Disposition::Execute,
        kind: Some(ActionKind::Exec),
        has_check: false,
        has_verify: false,
        policy: Policy::default(),
        digest: Some(Digest::of(b"action")),
        last_duration_ms: None,
        approval: None,
    }
}

/// What is said about one task of a plan.
pub(crate) type Edit<'a> = &'a dyn Fn(&mut PlannedTask);

/// A plan of tasks `t0`, `t1`, … each changed by its edit.
pub(crate) fn plan(edits: &[Edit<'_>]) -> Plan {
    let tasks = edits.iter().enumerate().map(|(number, edit)| {
        let mut task = task(number);
        edit(&mut task);
        task
    });
    plan_of(tasks.collect())
}

pub(crate) fn plan_of(tasks: Vec<PlannedTask>) -> Plan {
    Plan {
        number: 1,
        document: DocumentId::new("doc"),
        revision: 1,
        environment: EnvironmentName::new("local"),
        tasks,
    }
}

pub(crate) fn options(jobs: usize) -> Options {
    Options { run: RunId::new("run"), jobs, keep_going: false, end_when_waiting: false }
}

/// A time, in milliseconds of the test's own clock.
pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_000 + ms).unwrap()
}
