//! The driver's ports over ledger and catalogue.

use super::ledger::Ledger;
use super::plan::{Binder, Prepared};
use super::workspace::Reading;
use crate::clock;
use crate::exec::ports::{Journal, JournalError, Render, RenderFault};
use crate::store::Durability;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use taskmaster_catalogue::Outputs;
use taskmaster_core::action::Action;
use taskmaster_core::id::{AttemptId, TaskId};
use taskmaster_core::journal::{Entry, Record};

/// Outputs known so far: the journal fills them, rendering reads them.
pub type OutputsSoFar = Rc<RefCell<Outputs>>;

/// The ledger as the driver sees it.
pub struct LedgerJournal {
    ledger: Ledger,
    seen: u64,
    outputs: OutputsSoFar,
    attempts: HashMap<AttemptId, TaskId>,
}

impl LedgerJournal {
    /// What others append from now on is external.
    pub fn new(ledger: Ledger, outputs: OutputsSoFar) -> Result<Self, super::error::AppError> {
        let seen = ledger.head()?.seq;
        Ok(Self { ledger, seen, outputs, attempts: HashMap::new() })
    }

    /// Gives the ledger back.
    pub fn into_ledger(self) -> Ledger {
        self.ledger
    }

    fn learn(&mut self, record: &Record) {
        match record {
            Record::AttemptStarted { attempt, id, undo: false, .. } => {
                self.attempts.insert(attempt.clone(), id.clone());
            }
            Record::AttemptEnded { attempt, outputs, .. } => {
                let task = self.attempts.remove(attempt);
                if let Some(task) = task.filter(|_| !outputs.is_empty()) {
                    self.outputs.borrow_mut().insert(task, outputs.clone());
                }
            }
            _ => {}
        }
    }
}

impl Journal for LedgerJournal {
    fn commit(&mut self, records: Vec<Record>, durable: bool) -> Result<Vec<Entry>, JournalError> {
        let durability = if durable { Durability::Full } else { Durability::Normal };
        let entries =
            self.ledger.commit(records, clock::now(), durability).map_err(|e| JournalError(Box::new(e)))?;
        entries.iter().for_each(|entry| self.learn(&entry.record));
        Ok(entries)
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
    reading: &'a Reading,
    outputs: OutputsSoFar,
}

impl<'a> PlanRender<'a> {
    /// Renders with what `outputs` holds at that moment.
    pub fn new(prepared: &'a Prepared, outputs: OutputsSoFar) -> Self {
        Self { binder: &prepared.binder, reading: &prepared.reading, outputs }
    }
}

impl Render for PlanRender<'_> {
    fn action(&mut self, task: &TaskId) -> Result<Action, RenderFault> {
        let outputs = self.outputs.borrow();
        let catalogue = self.binder.catalogue();
        let rendered =
            self.binder.with_inputs(self.reading, &outputs, |inputs| catalogue.render(task, inputs));
        rendered.map_err(|diagnostics| {
            let lines: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
            RenderFault { message: lines.join("; ") }
        })
    }
}
