//! A document joined with a catalogue.

mod assemble;
mod combine;
mod facts;
mod scope;
mod select;
mod tools;
mod when;

use crate::api::{Bound, Inputs};
use crate::load::Catalogue;
use assemble::{Mode, assemble, assemble_inline};
use select::{Resolved, Selection};
use std::collections::BTreeMap;
use taskmaster_core::action::{Action, Binding};
use taskmaster_core::diagnostic::{Diagnostic, Severity};
use taskmaster_core::document::Task;
use taskmaster_core::id::TaskId;

impl Catalogue {
    /// Binds every task of the document that the catalogue (or, where allowed, the document) binds.
    ///
    /// Outputs that are not known yet show as `<task.name: known after run>`; such bindings name the
    /// tasks in [`Binding::awaits`] and are rendered again by [`Catalogue::render`].
    pub fn bind(&self, inputs: &Inputs<'_>) -> Bound {
        let selection = Selection::new(self, inputs);
        let mut bound = Bound { diagnostics: selection.diagnostics.clone(), ..Bound::default() };
        for task in &inputs.document.tasks {
            match self.bind_one(task, &selection, inputs, Mode::Plan) {
                Outcome::Bound(binding) => {
                    bound.bindings.insert(task.id.clone(), *binding);
                }
                Outcome::Faulty(faults) => bound.diagnostics.extend(faults),
                Outcome::FaultyDocument(faults) => bound.document_diagnostics.extend(faults),
                Outcome::Nothing => self.unbound(task, inputs, &mut bound),
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
    pub fn rebind(&self, task: &TaskId, inputs: &Inputs<'_>) -> Result<Binding, Vec<Diagnostic>> {
        let nothing =
            || vec![Diagnostic::error("bind-unbound", None, format!("nothing binds the task `{task}`"))];
        let task = inputs.document.task(task.as_str()).ok_or_else(nothing)?;
        let selection = Selection::new(self, inputs);
        match self.bind_one(task, &selection, inputs, Mode::Run) {
            Outcome::Bound(binding) => Ok(*binding),
            Outcome::Faulty(mut faults) | Outcome::FaultyDocument(mut faults) => {
                dedup(&mut faults);
                Err(faults)
            }
            Outcome::Nothing => Err(nothing()),
        }
    }

    /// Renders one action with the outputs known now, just before its run. An output that is still
    /// unknown is an error here.
    ///
    /// # Errors
    ///
    /// Every fault found; also where no action is bound to the task.
    pub fn render(&self, task: &TaskId, inputs: &Inputs<'_>) -> Result<Action, Vec<Diagnostic>> {
        let without =
            || vec![Diagnostic::error("bind-unbound", None, format!("the task `{task}` has no action here"))];
        self.rebind(task, inputs)?.action.ok_or_else(without)
    }

    fn bind_one(&self, task: &Task, selection: &Selection<'_>, inputs: &Inputs<'_>, mode: Mode) -> Outcome {
        let resolved = selection.entries.get(&task.id);
        let inline = || assemble_inline(self, task, resolved, selection, inputs, mode);
        match resolved {
            Some(entry) if entry.needs_inline(task) && inputs.allow_inline => inline(),
            Some(entry) if entry.needs_inline(task) => Outcome::Nothing,
            Some(entry) => assemble(self, task, entry, selection, inputs, mode),
            None if !task.inline_actions.is_empty() && inputs.allow_inline => inline(),
            None => Outcome::Nothing,
        }
    }

    /// Says what stands in the way of a task that nothing binds.
    fn unbound(&self, task: &Task, inputs: &Inputs<'_>, bound: &mut Bound) {
        let is_parent = inputs.document.tasks.iter().any(|other| other.parent.as_ref() == Some(&task.id));
        let has_inline = !task.inline_actions.is_empty();
        if is_parent && !has_inline {
            return;
        }
        if !is_parent {
            bound.unbound.push(task.id.clone());
        }
        let severity = if inputs.strict { Severity::Error } else { Severity::Warning };
        let found = if has_inline {
            let message = format!("the action of `{}` stands in the document and is not run", task.id);
            Diagnostic::new(severity, "bind-inline-refused", task.span, message)
                .help("read it, then allow it with `--allow-inline`, or bind the task in a catalogue")
        } else if self.is_incomplete {
            return;
        } else {
            let message = format!("nothing binds `{}` in the environment `{}`", task.id, inputs.environment);
            Diagnostic::new(severity, "bind-unbound", task.span, message)
                .help("a person has to do it (`taskmaster tasks set`), or bind it in `tasks/*.yaml`")
        };
        bound.document_diagnostics.push(found.in_source(task.source));
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

impl Resolved {
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
