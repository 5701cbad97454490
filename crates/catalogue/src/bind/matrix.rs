//! A document with the cells of its tasks.

use super::assemble::{Mode, Request, before_cells, fault};
use super::select::Resolved;
use crate::action::Renderer;
use crate::api::{Expanded, Inputs, Outputs};
use crate::decode::{Map, Place, Text};
use crate::load::Catalogue;
use crate::model::{AxisSpec, File, MatrixSpec};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::document::Task;
use taskmaster_core::matrix::{Axis, Cell, MatrixError, Pairs, cells};

impl Catalogue {
    /// Adds to a document the cells of its tasks that have a `matrix` in the environment, as subtasks. Everything
    /// after it is done with that document.
    pub fn expand(&self, inputs: &Inputs<'_>) -> Expanded {
        let has_matrix = |file: &File| file.entries().any(|entry| entry.fields.matrix.is_some());
        let mut expanded = Expanded::default();
        if !self.files.iter().any(has_matrix) {
            return expanded;
        }
        let selection = self.select(inputs);
        let outputs = Arc::new(Outputs::new());
        let request =
            Request { selection: &selection, inputs, outputs: &outputs, mode: Mode::Plan, digest: false };
        let mut found = BTreeMap::new();
        for task in &inputs.document.tasks {
            let Some(entry) = selection.entry(&task.id) else { continue };
            let Some(spec) = &entry.fields.matrix else { continue };
            match cells_of(task, &entry, spec, request) {
                Ok(cells) => {
                    found.insert(task.id.clone(), cells);
                }
                Err(faults) => expanded.diagnostics.extend(faults),
            }
        }
        if found.is_empty() {
            return expanded;
        }
        match inputs.document.with_cells(&found) {
            Ok(document) => expanded.document = Some(document),
            Err(twice) => {
                let message = format!("a cell and another task are both called `{twice}`");
                let help = "give the task in the document an id of its own, or the cell another value";
                expanded.diagnostics.push(Diagnostic::error("bind-matrix", None, message).help(help));
            }
        }
        expanded
    }
}

fn cells_of(
    task: &Task,
    entry: &Resolved<'_>,
    spec: &MatrixSpec,
    request: Request<'_>,
) -> Result<Vec<Cell>, Vec<Diagnostic>> {
    let (axes, exclude, include) = before_cells(task, entry, request, |r| {
        let axes: Vec<Axis> =
            spec.axes.iter().map(|(name, values)| (name.text.clone(), axis(values, r))).collect();
        (axes, pairs(&spec.exclude, r), pairs(&spec.include, r))
    })?;
    let place = spec.axes.iter().next().map_or(entry.place, |(name, _)| name.place);
    cells(&axes, &exclude, &include).map_err(|why| vec![told(&why, place, entry)])
}

/// The values of an axis. What is no list of texts is a fault of the renderer.
fn axis(values: &AxisSpec, r: &Renderer<'_>) -> Vec<String> {
    let text = match values {
        AxisSpec::List(texts) => return r.arguments(texts),
        AxisSpec::Text(text) => text,
    };
    match r.tree_text(text) {
        Json::Array(items) => items.iter().filter_map(|item| plain(item, text.place, r)).collect(),
        other => plain(&other, text.place, r).map(|text| split(&text)).unwrap_or_default(),
    }
}

/// `eu, us`: one variable of the command line gives a whole axis.
fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn plain(value: &Json, place: Place, r: &Renderer<'_>) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        // What could not be rendered is reported already.
        Json::Null => None,
        Json::Array(_) | Json::Object(_) => {
            r.error(
                "bind-matrix",
                place,
                "a value of an axis is a text or a number".to_owned(),
                "write `[eu, us]`",
            );
            None
        }
    }
}

fn pairs(items: &[Map<Text>], r: &Renderer<'_>) -> Vec<Pairs> {
    let one =
        |item: &Map<Text>| item.iter().map(|(name, text)| (name.text.clone(), r.argument(text))).collect();
    items.iter().map(one).collect()
}

fn told(why: &MatrixError, place: Place, entry: &Resolved<'_>) -> Diagnostic {
    let help = match why {
        MatrixError::TooMany => "make several tasks of it",
        MatrixError::Empty => "give an axis a value, or exclude less",
        MatrixError::SameName(_) => {
            "an address has only letters, digits, `.`, `_` and `-`: change one of the values"
        }
        MatrixError::NoName(_) => "give it a short value, and the long one by `include`",
        MatrixError::NoAxis(_) => "`exclude` names axes and values that the matrix has",
    };
    let message = format!("this matrix makes no tasks: {why}");
    Diagnostic { span: Some(place.span), source: place.source, ..fault(entry, "bind-matrix", &message, help) }
}
