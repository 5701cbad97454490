//! Tasks of plans and documents, plain ones: a test says what differs.

use taskmaster_core::action::Policy;
use taskmaster_core::document::Priority;
use taskmaster_core::id::{TaskId, TaskKey};
use taskmaster_core::journal::KnownTask;
use taskmaster_core::plan::{Disposition, PlannedTask};

/// A task `tN` of a plan that executes an action without check, verify or dependencies.
pub fn planned_task(number: usize) -> PlannedTask {
    PlannedTask {
        key: key(number),
        id: id(number),
        ordinal: format!("1.{number}"),
        title: format!("Task {number}"),
        phase: "build".into(),
        priority: Priority::High,
        line: number + 3,
        dependencies: Vec::new(),
        reads: Vec::new(),
        reads_files: false,
        owes_outputs: false,
        disposition: Disposition::Execute,
        kind: None,
        has_check: false,
        has_verify: false,
        policy: Policy::default(),
        digest: None,
        last_duration_ms: None,
        approval: None,
    }
}

/// The same task as the record of a document has it.
pub fn known_task(number: usize) -> KnownTask {
    KnownTask {
        key: key(number),
        id: id(number),
        title: format!("Task {number}"),
        phase: "build".to_owned(),
        priority: "high".to_owned(),
        status: "pending".to_owned(),
        explicit_id: true,
    }
}

fn id(number: usize) -> TaskId {
    TaskId::new(format!("t{number}"))
}

fn key(number: usize) -> TaskKey {
    TaskKey::new(format!("KEY{number}"))
}
