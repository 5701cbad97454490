//! The driver's ports over ledger and catalogue.

use super::ledger::Ledger;
use super::plan::{Binder, Prepared};
use crate::clock;
use crate::exec::ports::{Journal, JournalError, Render, RenderFault};
use crate::store::Durability;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use taskmaster_catalogue::{Outputs, Selection};
use taskmaster_core::action::Action;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::document::{Document, Task};
use taskmaster_core::id::{Digest, TaskId};
use taskmaster_core::journal::{Entry, OutputValue, Record};

/// The ledger as the driver sees it.
pub struct LedgerJournal {
    ledger: Ledger,
    seen: u64,
}

impl LedgerJournal {
    /// What others append from now on is external.
    pub fn new(ledger: Ledger) -> Result<Self, super::error::AppError> {
        let seen = ledger.head()?.seq;
        Ok(Self { ledger, seen })
    }

    /// Gives the ledger back.
    pub fn into_ledger(self) -> Ledger {
        self.ledger
    }
}

impl Journal for LedgerJournal {
    fn commit(&mut self, records: Vec<Record>, durable: bool) -> Result<Vec<Entry>, JournalError> {
        let durability = if durable { Durability::Full } else { Durability::Normal };
        self.ledger.commit(records, clock::now(), durability).map_err(|e| JournalError(Box::new(e)))
    }

    fn external(&mut self) -> Result<Vec<Entry>, JournalError> {
        let entries = self.ledger.external_since(self.seen).map_err(|e| JournalError(Box::new(e)))?;
        if let Some(last) = entries.last() {
            self.seen = last.seq;
        }
        Ok(entries)
    }
}

/// The catalogue as the driver sees it.
pub struct PlanRender<'a> {
    binder: &'a Binder,
    document: &'a Document,
    tasks: HashMap<&'a str, &'a Task>,
    /// The catalogue's entries for this document, looked up once.
    entries: Selection<'a>,
    outputs: Arc<Outputs>,
}

impl<'a> PlanRender<'a> {
    /// Renders with the outputs of earlier runs, and those it learns of.
    pub fn new(prepared: &'a Prepared) -> Self {
        let (binder, document) = (&prepared.binder, prepared.document());
        let outputs = prepared.outputs.clone();
        let entries = binder.with_inputs(document, &outputs, |inputs| binder.catalogue().select(inputs));
        Self { binder, document, tasks: document.by_id(), entries, outputs }
    }

    fn task(&self, id: &TaskId) -> Result<&'a Task, RenderFault> {
        let unknown = || RenderFault { message: format!("the document has no task `{id}`") };
        self.tasks.get(id.as_str()).copied().ok_or_else(unknown)
    }
}

fn refused(diagnostics: &[Diagnostic]) -> RenderFault {
    let lines: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    RenderFault { message: lines.join("; ") }
}

impl Render for PlanRender<'_> {
    fn action(&mut self, task: &TaskId) -> Result<Action, RenderFault> {
        let (entries, task) = (&self.entries, self.task(task)?);
        let rendered =
            self.binder.with_inputs(self.document, &self.outputs, |inputs| entries.render(task, inputs));
        rendered.map_err(|diagnostics| refused(&diagnostics))
    }

    fn digest(&mut self, task: &TaskId) -> Result<Digest, RenderFault> {
        let (entries, task) = (&self.entries, self.task(task)?);
        let bound =
            self.binder.with_inputs(self.document, &self.outputs, |inputs| entries.rebind(task, inputs));
        let digest = self.binder.whole_digest(&bound.map_err(|diagnostics| refused(&diagnostics))?);
        digest.map_err(|error| RenderFault { message: error.to_string() })
    }

    fn know(&mut self, task: &TaskId, outputs: &BTreeMap<String, OutputValue>) {
        Arc::make_mut(&mut self.outputs).insert(task.clone(), outputs.clone());
    }
}
