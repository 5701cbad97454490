//! Parts that several views share: documents, phases, edges, findings, rows of tasks.

use super::error::Findings;
use super::ledger::{RunSummary, TaskEvidence};
use super::parse::Recording;
use super::workspace::Reading;
use crate::report::view::{
    ChangeView, ChangesView, DiagnosticView, DocumentView, EdgeView, PhaseView, RunView, TaskRow,
};
use std::collections::{BTreeSet, HashMap};
use taskmaster_core::action::Bindings;
use taskmaster_core::deployments::Commit;
use taskmaster_core::document::{Document, Task};
use taskmaster_core::id::{TaskId, TaskKey};
use taskmaster_core::journal::TaskChange;
use taskmaster_core::state::TaskState;
use taskmaster_core::text::LineIndex;

/// The document at its newest revision.
pub fn document(reading: &Reading, revision: Option<u64>) -> DocumentView {
    let metadata = &reading.parsed.document.metadata;
    DocumentView {
        id: reading.id.clone(),
        path: reading.text.path.clone(),
        title: metadata.title.clone(),
        dialect: metadata.dialect,
        revision,
        owners: metadata.owners.clone(),
    }
}

/// Phases in document order.
pub fn phases(document: &Document) -> Vec<PhaseView> {
    let view = |phase: &taskmaster_core::document::Phase| PhaseView {
        id: phase.id.clone(),
        number: phase.number.clone(),
        title: phase.title.clone(),
        priority: phase.priority,
        parent: phase.parent.clone(),
        estimate: phase.estimate.clone(),
        line: phase.line,
    };
    document.phases.iter().map(view).collect()
}

/// Every edge of the document, then those that the catalogue adds (`needs`, outputs of others).
pub fn edges(document: &Document, bindings: &Bindings) -> Vec<EdgeView> {
    let written = document.edges.iter().map(|edge| EdgeView {
        task: edge.task.clone(),
        dependency: edge.dependency.clone(),
        kind: Some(edge.kind),
    });
    let known: BTreeSet<(&TaskId, &TaskId)> =
        document.edges.iter().map(|e| (&e.task, &e.dependency)).collect();
    let added = bindings.values().flat_map(|binding| {
        let dependencies: BTreeSet<&TaskId> = binding.needs.iter().chain(&binding.awaits).collect();
        let new = dependencies.into_iter().filter(|id| !known.contains(&(&binding.task, *id)));
        new.map(|id| EdgeView { task: binding.task.clone(), dependency: id.clone(), kind: None })
    });
    written.chain(added).collect()
}

/// Findings with their places looked up.
pub fn diagnostics(findings: &Findings) -> Vec<DiagnosticView> {
    let mut lines: HashMap<usize, LineIndex> = HashMap::new();
    let mut view = |diagnostic: &taskmaster_core::diagnostic::Diagnostic| {
        let source = findings.sources.get(diagnostic.source);
        let place = source.zip(diagnostic.span).map(|(source, span)| {
            let index = lines.entry(diagnostic.source).or_insert_with(|| LineIndex::new(&source.text));
            index.line_column(&source.text, span.start)
        });
        DiagnosticView {
            code: diagnostic.code.to_owned(),
            severity: diagnostic.severity,
            message: diagnostic.message.clone(),
            path: source.map(|source| source.name.clone()),
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
            help: diagnostic.help.clone(),
        }
    };
    findings.diagnostics.iter().map(&mut view).collect()
}

/// What a re-parse found.
pub fn changes(reading: &Reading, recording: &Recording) -> ChangesView {
    let tasks: HashMap<&TaskId, &Task> = reading.parsed.document.tasks.iter().map(|t| (&t.id, t)).collect();
    let view = |change: &TaskChange| {
        let (TaskChange::Added { id }
        | TaskChange::Removed { id }
        | TaskChange::Renamed { id, .. }
        | TaskChange::Moved { id, .. }
        | TaskChange::Reprioritised { id, .. }
        | TaskChange::Reopened { id }) = change;
        let task = tasks.get(id);
        ChangeView {
            change: change.clone(),
            title: task.map_or_else(|| id.to_string(), |task| task.title.clone()),
            line: task.map(|task| task.line),
        }
    };
    ChangesView {
        document: document(reading, Some(recording.revision)),
        previous_revision: recording.previous,
        total: tasks.len(),
        changes: recording.changes.iter().map(view).collect(),
    }
}

/// A run for lists. `live` is the run that an executor holds the lease for.
pub fn run(summary: &RunSummary, live: bool) -> RunView {
    RunView {
        id: summary.id.clone(),
        environment: summary.environment.clone(),
        plan: summary.plan,
        revision: summary.revision,
        started: summary.started,
        ended: summary.ended,
        exit_code: summary.exit_code,
        running: live && summary.ended.is_none(),
        commit: Commit::of(&summary.options).map(|commit| commit.id),
        options: summary.options.clone(),
        counts: summary.counts.clone(),
    }
}

/// The state that the ledger knows of a task.
pub fn state(evidence: &HashMap<TaskKey, TaskEvidence>, key: Option<&TaskKey>) -> TaskState {
    key.and_then(|key| evidence.get(key)).map(|found| found.state.clone()).unwrap_or_default()
}

/// One line of a task list.
pub fn row(document: &Document, task: &Task, state: TaskState) -> TaskRow {
    TaskRow {
        id: task.id.clone(),
        ordinal: task.ordinal.clone(),
        title: task.title.clone(),
        phase: task.phase.clone(),
        phase_title: document.phase(task.phase.as_str()).map(|phase| phase.title.clone()).unwrap_or_default(),
        priority: task.priority,
        claim: task.status,
        state,
        tags: task.tags.clone(),
        owner: task.owner.clone(),
        dependencies: task.dependencies.clone(),
        line: task.line,
    }
}
