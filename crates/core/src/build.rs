//! Short ways to write documents and plans in tests of this crate.

use crate::action::Policy;
use crate::document::{Claim, Document, Metadata, Phase, Priority, Task};
use crate::id::{PhaseId, TaskId, TaskKey};
use crate::plan::{Disposition, PlannedTask};
use crate::text::Span;
use std::collections::BTreeMap;

/// A task of a phase; its id is `phase/slug`.
pub(crate) fn task(phase: &str, title: &str) -> Task {
    Task {
        id: TaskId::new(format!("{phase}/{}", crate::text::slug(title))),
        ordinal: String::new(),
        title: title.to_owned(),
        phase: PhaseId::new(phase),
        priority: Priority::Medium,
        status: Claim::Pending,
        dependencies: Vec::new(),
        external_dependencies: Vec::new(),
        optional: false,
        parallel: false,
        explicit_id: false,
        tags: Vec::new(),
        details: Vec::new(),
        acceptance: Vec::new(),
        requirements: Vec::new(),
        parent: None,
        matrix: BTreeMap::new(),
        estimate: None,
        owner: None,
        issue: None,
        dates: BTreeMap::new(),
        inline_actions: Vec::new(),
        line: 1,
        source: 0,
        span: Span::default(),
        mark: None,
    }
}

/// A task `tN` of a plan that executes an action without check, verify or dependencies.
pub(crate) fn planned_task(number: usize) -> PlannedTask {
    PlannedTask {
        key: TaskKey::new(format!("key {number}")),
        id: TaskId::new(format!("t{number}")),
        ordinal: format!("1.{number}"),
        title: format!("Task {number}"),
        phase: "p".into(),
        priority: Priority::Medium,
        line: number,
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

/// A phase by its title.
pub(crate) fn phase(number: Option<&str>, title: &str) -> Phase {
    Phase {
        id: PhaseId::new(crate::text::slug(title)),
        number: number.map(ToOwned::to_owned),
        title: title.to_owned(),
        priority: None,
        parent: None,
        estimate: None,
        line: 1,
        source: 0,
    }
}

/// A document of these tasks, ordinals and lines counted, phases made where they are missing.
pub(crate) fn document(mut phases: Vec<Phase>, mut tasks: Vec<Task>) -> Document {
    for task in &tasks {
        if !phases.iter().any(|phase| phase.id == task.phase) {
            let mut made = phase(None, task.phase.as_str());
            made.id = task.phase.clone();
            phases.push(made);
        }
    }
    let mut counts: BTreeMap<PhaseId, usize> = BTreeMap::new();
    for (place, task) in tasks.iter_mut().enumerate() {
        let nth = counts.entry(task.phase.clone()).or_default();
        *nth += 1;
        let phase = phases.iter().position(|phase| phase.id == task.phase).unwrap_or(0);
        task.ordinal = format!("{}.{nth}", phase + 1);
        task.line = place + 1;
    }
    Document { metadata: Metadata::default(), phases, tasks, requirements: Vec::new(), edges: Vec::new() }
}
