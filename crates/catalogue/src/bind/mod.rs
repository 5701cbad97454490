//! A document joined with a catalogue.

mod assemble;
mod combine;
mod facts;
mod find;
mod matrix;
mod scope;
mod select;
mod tools;
mod when;

use crate::api::{Bound, Inputs};
use crate::load::Catalogue;
use assemble::{Mode, Request, assemble, assemble_inline};
use select::Resolved;
pub use select::Selection;
use std::collections::{BTreeMap, BTreeSet};
use taskmaster_core::action::{Action, Binding};
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::document::Task;
use taskmaster_core::id::TaskId;

impl Catalogue {
    /// Finds the entries for the tasks of one document in one environment. Whoever renders many
    /// actions one after the other makes this once.
    pub fn select(&self, inputs: &Inputs<'_>) -> Selection<'_> {
        Selection::new(self, inputs)
    }

    /// As [`Selection::bind`]; `inputs` name a document with its cells ([`Catalogue::expand`]).
    pub fn bind(&self, inputs: &Inputs<'_>) -> Bound {
        self.select(inputs).bind(inputs)
    }

    /// As [`Selection::rebind`].
    ///
    /// # Errors
    ///
    /// Every fault found; also where nothing binds the task.
    pub fn rebind(&self, task: &TaskId, inputs: &Inputs<'_>) -> Result<Binding, Vec<Diagnostic>> {
        let task = inputs.document.task(task.as_str()).ok_or_else(|| unbound(task))?;
        self.select(inputs).rebind(task, inputs)
    }

    /// As [`Selection::render`].
    ///
    /// # Errors
    ///
    /// Every fault found; also where no action is bound to the task.
    pub fn render(&self, task: &TaskId, inputs: &Inputs<'_>) -> Result<Action, Vec<Diagnostic>> {
        let task = inputs.document.task(task.as_str()).ok_or_else(|| unbound(task))?;
        self.select(inputs).render(task, inputs)
    }
}

/// `inputs` must name the document and the environment that the selection was made for; outputs and
/// variables may be others.
impl Selection<'_> {
    /// Binds every task of the document that the catalogue (or, where allowed, the document) binds.
    ///
    /// Outputs that are not known yet show as `<task.name: known after run>`; such bindings name the
    /// tasks in [`Binding::awaits`] and are rendered again by [`Selection::render`].
    pub fn bind(&self, inputs: &Inputs<'_>) -> Bound {
        let (diagnostics, requires) = (self.diagnostics.clone(), self.requires.clone());
        let mut bound = Bound { diagnostics, requires, ..Bound::default() };
        let request =
            Request { selection: self, inputs, outputs: inputs.outputs, mode: Mode::Plan, digest: true };
        let tasks = &inputs.document.tasks;
        let parents: BTreeSet<&TaskId> = tasks.iter().filter_map(|task| task.parent.as_ref()).collect();
        for task in tasks {
            match bind_one(task, request) {
                Outcome::Bound(binding) => {
                    bound.bindings.insert(task.id.clone(), binding);
                }
                Outcome::Faulty(faults) => bound.diagnostics.extend(faults),
                Outcome::FaultyDocument(faults) => bound.document_diagnostics.extend(faults),
                Outcome::Nothing if parents.contains(&task.id) => {}
                Outcome::Nothing => bound.unbound.push(task.id.clone()),
            }
        }
        dedup(&mut bound.diagnostics);
        dedup(&mut bound.document_diagnostics);
        bound
    }

    /// Binds one task again with the outputs known now. An output that is still unknown is an error.
    ///
    /// # Errors
    ///
    /// Every fault found; also where nothing binds the task.
    pub fn rebind(&self, task: &Task, inputs: &Inputs<'_>) -> Result<Binding, Vec<Diagnostic>> {
        self.bind_again(task, inputs, true)
    }

    fn bind_again(&self, task: &Task, inputs: &Inputs<'_>, digest: bool) -> Result<Binding, Vec<Diagnostic>> {
        let request = Request { selection: self, inputs, outputs: inputs.outputs, mode: Mode::Run, digest };
        match bind_one(task, request) {
            Outcome::Bound(binding) => Ok(*binding),
            Outcome::Faulty(mut faults) | Outcome::FaultyDocument(mut faults) => {
                dedup(&mut faults);
                Err(faults)
            }
            Outcome::Nothing => Err(unbound(&task.id)),
        }
    }

    /// Renders one action with the outputs known now, just before its run. An output that is still
    /// unknown is an error here.
    ///
    /// # Errors
    ///
    /// Every fault found; also where no action is bound to the task.
    pub fn render(&self, task: &Task, inputs: &Inputs<'_>) -> Result<Action, Vec<Diagnostic>> {
        let without = || {
            let message = format!("the task `{}` has no action here", task.id);
            vec![Diagnostic::error("bind-unbound", None, message)]
        };
        self.bind_again(task, inputs, false)?.action.ok_or_else(without)
    }
}

fn unbound(task: &TaskId) -> Vec<Diagnostic> {
    vec![Diagnostic::error("bind-unbound", None, format!("nothing binds the task `{task}`"))]
}

fn bind_one(task: &Task, request: Request<'_>) -> Outcome {
    let entry = request.selection.entry(&task.id);
    let allowed = request.inputs.allow_inline;
    match &entry {
        Some(entry) if !entry.needs_inline(task) => assemble(task, entry, request),
        entry if allowed && !task.inline_actions.is_empty() => assemble_inline(task, entry.as_ref(), request),
        _ => Outcome::Nothing,
    }
}

/// What became of one task.
enum Outcome {
    /// It is bound.
    Bound(Box<Binding>),
    /// Its entry has faults.
    Faulty(Vec<Diagnostic>),
    /// Its actions in the document have faults.
    FaultyDocument(Vec<Diagnostic>),
    /// Nothing binds it.
    Nothing,
}

impl Resolved<'_> {
    /// True where the entry leaves the work to the blocks in the document.
    fn needs_inline(&self, task: &Task) -> bool {
        let fields = &self.fields;
        fields.run.is_none() && fields.manual != Some(true) && !task.inline_actions.is_empty()
    }
}

/// One report a fault, in the order found: a file's variables are evaluated for every entry of it.
fn dedup(diagnostics: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<(usize, usize, usize, &'static str), Vec<String>> = BTreeMap::new();
    diagnostics.retain(|found| {
        let span = found.span.unwrap_or_default();
        let messages = seen.entry((found.source, span.start, span.end, found.code)).or_default();
        let is_new = !messages.contains(&found.message);
        if is_new {
            messages.push(found.message.clone());
        }
        is_new
    });
}
