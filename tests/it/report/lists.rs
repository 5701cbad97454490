//! Sample plans and lists, made from the sample report.

use super::sample;
use taskmaster::report::view::{
    ChangeView, ChangesView, EstimateView, HistoryView, Intent, PlanTask, PlanView, TaskListView, TaskRef,
    TaskRow, TaskView,
};
use taskmaster_core::document::{Acceptance, Claim};
use taskmaster_core::id::TaskId;
use taskmaster_core::journal::TaskChange;
use taskmaster_core::state::TaskState;

/// A plan with every intent.
pub(crate) fn plan() -> PlanView {
    let report = sample::platform();
    let intents = [
        Intent::Recorded { at: Some(sample::began()) },
        Intent::Satisfied,
        Intent::Rerun { reason: "its action changed".to_owned() },
        Intent::Run,
        Intent::Claimed,
        Intent::Group,
        Intent::Manual,
        Intent::Blocked { by: report.tasks[6].id.clone(), reason: "a person must do it first".to_owned() },
        Intent::Unknown { reason: "the machine restarted while it was at work".to_owned() },
        Intent::Skipped { reason: "needs a cluster; environment local has none".to_owned() },
        Intent::Cancelled,
        Intent::Undo,
    ];
    let planned = |(index, task): (usize, &taskmaster::report::view::ReportTask)| PlanTask {
        id: task.id.clone(),
        ordinal: task.ordinal.clone(),
        title: task.title.clone(),
        phase: task.phase.clone(),
        priority: task.priority,
        line: task.line,
        claim: task.claim,
        intent: intents[index % intents.len()].clone(),
        kind: task.kind,
        place: Some(format!("tasks/local.yaml:{}", 10 + index)),
        has_check: index % 2 == 0,
        has_verify: index % 3 == 0,
        commands: task.commands.clone(),
        dependencies: report
            .edges
            .iter()
            .filter(|edge| edge.task == task.id)
            .map(|edge| edge.dependency.clone())
            .collect(),
        durations: task.durations.clone(),
        expected_ms: task.durations.last_duration_ms,
        irreversible: index == 3,
    };
    let tasks: Vec<PlanTask> = report.tasks.iter().enumerate().take(15).map(planned).collect();
    let critical_path: Vec<TaskId> = [2, 3, 11].map(|index| tasks[index].id.clone()).to_vec();
    PlanView {
        document: sample::document(),
        environment: "local".into(),
        number: Some(7),
        checked: false,
        show_commands: false,
        phases: sample::phases(),
        tasks,
        critical_path,
        critical_path_ms: Some(184_000),
        estimate: Some(EstimateView {
            jobs: 4,
            duration_ms: None,
            at_least_ms: 184_000,
            tasks: 4,
            measured: 3,
        }),
        warnings: sample::diagnostics(),
    }
}

/// The first twelve tasks, as a list.
pub(crate) fn task_list() -> TaskListView {
    let report = sample::platform();
    let row = |task: &taskmaster::report::view::ReportTask| TaskRow {
        id: task.id.clone(),
        ordinal: task.ordinal.clone(),
        title: task.title.clone(),
        phase: task.phase.clone(),
        phase_title: sample::phases().iter().find(|phase| phase.id == task.phase).unwrap().title.clone(),
        priority: task.priority,
        claim: task.claim,
        state: task.state.clone(),
        tags: task.tags.clone(),
        owner: task.owner.clone(),
        dependencies: Vec::new(),
        line: task.line,
    };
    let wanted = |task: &&taskmaster::report::view::ReportTask| {
        matches!(task.state, TaskState::Waiting { .. } | TaskState::Failed { .. } | TaskState::Claimed)
    };
    TaskListView {
        document: sample::document(),
        environment: "local".into(),
        filters: vec!["state waiting, failed or claimed".to_owned()],
        total: report.tasks.len(),
        tasks: report.tasks.iter().filter(wanted).map(row).collect(),
    }
}

/// The task that failed three times.
pub(crate) fn task() -> TaskView {
    let report = sample::platform();
    let task = report.tasks[19].clone();
    let reference = |index: usize| TaskRef {
        id: report.tasks[index].id.clone(),
        ordinal: report.tasks[index].ordinal.clone(),
        title: report.tasks[index].title.clone(),
        state: report.tasks[index].state.clone(),
    };
    TaskView {
        generated: report.generated,
        document: sample::document(),
        environment: "local".into(),
        phase_title: "Blue-green delivery".to_owned(),
        place: Some("tasks/local.yaml:88".to_owned()),
        details: vec!["Forty thousand requests, none may be lost.".to_owned()],
        acceptance: vec![Acceptance {
            text: "No request is answered with 5xx".to_owned(),
            status: Claim::Pending,
            line: 61,
            mark: None,
        }],
        dependencies: vec![reference(18)],
        dependants: vec![reference(20), reference(21)],
        requirements: report.requirements.iter().filter(|r| r.tasks.contains(&task.id)).cloned().collect(),
        probes: Vec::new(),
        task,
    }
}

/// The sample's runs.
pub(crate) fn history() -> HistoryView {
    HistoryView {
        generated: sample::platform().generated,
        document: sample::document(),
        runs: sample::runs(),
    }
}

/// A re-parse with every kind of change.
pub(crate) fn changes() -> ChangesView {
    let changes = [
        TaskChange::Added { id: "a".into() },
        TaskChange::Renamed { from: "b".into(), id: "b2".into() },
        TaskChange::Moved { id: "c".into(), from_phase: "one".into(), to_phase: "two".into() },
        TaskChange::Moved { id: "d".into(), from_phase: "two".into(), to_phase: "two".into() },
        TaskChange::Reprioritised { id: "e".into(), from: "low".into(), to: "high".into() },
        TaskChange::Reopened { id: "f".into() },
        TaskChange::Removed { id: "g".into() },
    ];
    let view = |(index, change): (usize, TaskChange)| ChangeView {
        line: (!matches!(change, TaskChange::Removed { .. })).then_some(index + 20),
        change,
        title: format!("Title {} of a task with *stars* and <tags>", index + 1),
    };
    ChangesView {
        document: sample::document(),
        previous_revision: Some(2),
        total: 39,
        changes: changes.into_iter().enumerate().map(view).collect(),
    }
}
