//! The agent's journal over the ledger.

use crate::agent::journal::{Happening, Journal, Note};
use crate::app::ledger::Ledger;
use crate::store::Durability;
use jiff::Timestamp;
use taskmaster_core::journal::Record;

/// The ledger as the agent's memory.
pub(super) struct LedgerJournal {
    ledger: Ledger,
}

impl LedgerJournal {
    pub(super) fn new(ledger: Ledger) -> Self {
        Self { ledger }
    }
}

impl Journal for LedgerJournal {
    fn keep(&mut self, notes: &[Note], happened: Vec<Happening>, at: Timestamp) -> Result<(), String> {
        let record =
            |one: Happening| Record::Rollout { rollout: one.rollout, release: one.release, fact: one.fact };
        let records = happened.into_iter().map(record).collect();
        let notes: Vec<(&str, Option<&str>)> =
            notes.iter().map(|note| (note.key.as_str(), note.text.as_deref())).collect();
        let kept = self.ledger.commit_with_memos(records, &notes, at, Durability::Normal);
        kept.map(drop).map_err(|fault| fault.to_string())
    }

    fn kept(&mut self, prefix: &str) -> Result<Vec<(String, String)>, String> {
        self.ledger.memos(prefix).map_err(|fault| fault.to_string())
    }
}
