//! What templates and scripts know about a task.

use super::select::Selection;
use crate::api::{Inputs, OperatingSystem, Outputs};
use crate::template::{Facts, Roots};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use taskmaster_core::document::{Phase, Task};

/// Paths as they are, or as symbols: a digest must not change when a project moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paths<'p> {
    pub(crate) project: &'p str,
    pub(crate) state_dir: &'p str,
    pub(crate) program: &'p str,
}

impl Paths<'static> {
    /// Symbols.
    pub(crate) const SYMBOLS: Self =
        Self { project: "${project}", state_dir: "${state_dir}", program: "${program}" };
}

/// Everything that a template of this task sees, besides variables.
pub(crate) fn template_facts<'f>(
    task: &'f Task,
    selection: &Selection<'_>,
    inputs: &'f Inputs<'_>,
    outputs: &Arc<Outputs>,
    paths: Paths<'f>,
) -> Facts<'f> {
    let (outputs, producers) = (outputs.clone(), selection.producers.clone());
    Facts { plain: Rc::new(move || roots(task, inputs, paths)), outputs, producers, outputs_refused: false }
}

fn roots(task: &Task, inputs: &Inputs<'_>, paths: Paths<'_>) -> Roots {
    let document = inputs.document;
    let id = document.metadata.id.as_ref().map_or(inputs.document_path, |id| id.as_str());
    let os = match inputs.os {
        OperatingSystem::Linux => "linux",
        OperatingSystem::Macos => "macos",
    };
    let mut roots = BTreeMap::from([
        ("env", json!(inputs.environment)),
        ("os", json!(os)),
        ("project", json!(paths.project)),
        ("state_dir", json!(paths.state_dir)),
        ("document", json!({ "id": id, "path": inputs.document_path, "title": document.metadata.title })),
        ("task", task_facts(task)),
        ("phase", document.phase(task.phase.as_str()).map_or(Json::Null, phase_facts)),
    ]);
    if !task.matrix.is_empty() {
        roots.insert("matrix", json!(task.matrix));
    }
    roots
}

fn task_facts(task: &Task) -> Json {
    json!({
        "id": task.id,
        "ref": task.ordinal,
        "title": task.title,
        "slug": taskmaster_core::text::slug(task.id.as_str()),
        "priority": task.priority,
        "tags": task.tags,
    })
}

fn phase_facts(phase: &Phase) -> Json {
    json!({ "id": phase.id, "number": phase.number, "title": phase.title })
}
