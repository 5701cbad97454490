//! The ledger of typed records over the store.

use super::error::LedgerError;
use super::view::{
    Approval, Attempt, KnownDocument, ProbeAnswer, Revision, RunDetail, RunFilter, RunSummary, TaskEvidence,
};
use crate::store::{Access, AuditReport, Durability, Head};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use taskmaster_core::id::{DocumentId, EnvironmentName, RunId, TaskKey};
use taskmaster_core::journal::{Entry, KnownTask, OutputValue, Record, Recorded};

/// A handle on the ledger of one state directory. Every process (and thread) opens its own.
#[derive(Debug)]
pub struct Ledger {
    _private: (),
}

const SKELETON: &str = "the ledger is being built";

impl Ledger {
    /// Opens the ledger in `state_dir`; with [`Access::ReadWrite`] makes it where it is absent.
    pub fn open(state_dir: &Path, access: Access) -> Result<Self, LedgerError> {
        let _ = (state_dir, access);
        unreachable!("{SKELETON}")
    }

    /// Appends all records or none, in one transaction. Returns them with their places.
    ///
    /// Each record is checked against the state at that moment, and a person's change against the
    /// state of its task, so that of two processes that change the same thing one is refused.
    pub fn commit(
        &mut self,
        records: Vec<Record>,
        at: Timestamp,
        durability: Durability,
    ) -> Result<Vec<Entry>, LedgerError> {
        let _ = (records, at, durability);
        unreachable!("{SKELETON}")
    }

    /// Makes every read model anew from the events alone.
    pub fn rebuild(&mut self) -> Result<(), LedgerError> {
        unreachable!("{SKELETON}")
    }

    /// Walks the chain and compares the read models with what the events say.
    pub fn audit(&self) -> Result<AuditReport, LedgerError> {
        unreachable!("{SKELETON}")
    }

    /// The place and hash of the last event.
    pub fn head(&self) -> Result<Head, LedgerError> {
        unreachable!("{SKELETON}")
    }

    /// Runs `reads` on one consistent snapshot: what others commit meanwhile is not seen.
    pub fn snapshot<T>(&self, reads: impl FnOnce(&Self) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        reads(self)
    }

    /// Every entry after `seq`.
    pub fn entries_since(&self, seq: u64) -> Result<Vec<Entry>, LedgerError> {
        let _ = seq;
        unreachable!("{SKELETON}")
    }

    /// Entries after `seq` that were appended through other handles than this one: what people did
    /// meanwhile. Nearly free while nothing changed, so it may be polled.
    pub fn external_since(&mut self, seq: u64) -> Result<Vec<Entry>, LedgerError> {
        let _ = seq;
        unreachable!("{SKELETON}")
    }

    /// What is recorded about the tasks of a document in an environment.
    pub fn recorded(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<HashMap<TaskKey, Recorded>, LedgerError> {
        let _ = (document, environment);
        unreachable!("{SKELETON}")
    }

    /// The same with address, time and author, for reports.
    pub fn evidence(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<HashMap<TaskKey, TaskEvidence>, LedgerError> {
        let _ = (document, environment);
        unreachable!("{SKELETON}")
    }

    /// Outputs of the last successful attempt of each task.
    pub fn outputs(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<HashMap<TaskKey, BTreeMap<String, OutputValue>>, LedgerError> {
        let _ = (document, environment);
        unreachable!("{SKELETON}")
    }

    /// One document.
    pub fn document(&self, id: &DocumentId) -> Result<Option<KnownDocument>, LedgerError> {
        let _ = id;
        unreachable!("{SKELETON}")
    }

    /// Every document that was parsed, by id.
    pub fn documents(&self) -> Result<Vec<KnownDocument>, LedgerError> {
        unreachable!("{SKELETON}")
    }

    /// The latest revision of a document, with its tasks.
    pub fn latest_revision(&self, document: &DocumentId) -> Result<Option<Revision>, LedgerError> {
        let _ = document;
        unreachable!("{SKELETON}")
    }

    /// Every revision of a document, oldest first.
    pub fn revisions(&self, document: &DocumentId) -> Result<Vec<Revision>, LedgerError> {
        let _ = document;
        unreachable!("{SKELETON}")
    }

    /// The tasks of the latest revision; empty where the document is not known.
    pub fn known_tasks(&self, document: &DocumentId) -> Result<Vec<KnownTask>, LedgerError> {
        let _ = document;
        unreachable!("{SKELETON}")
    }

    /// The number that the next plan of a document and environment gets.
    pub fn next_plan_number(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<u64, LedgerError> {
        let _ = (document, environment);
        unreachable!("{SKELETON}")
    }

    /// Runs, newest first.
    pub fn runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, LedgerError> {
        let _ = filter;
        unreachable!("{SKELETON}")
    }

    /// Everything about one run.
    pub fn run(&self, id: &RunId) -> Result<Option<RunDetail>, LedgerError> {
        let _ = id;
        unreachable!("{SKELETON}")
    }

    /// Runs without a recorded end, oldest first.
    pub fn unfinished_runs(&self) -> Result<Vec<RunSummary>, LedgerError> {
        unreachable!("{SKELETON}")
    }

    /// Attempts without a recorded end, oldest first.
    pub fn open_attempts(&self) -> Result<Vec<Attempt>, LedgerError> {
        unreachable!("{SKELETON}")
    }

    /// Attempts of every run of a document in an environment, oldest first.
    pub fn attempts(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<Vec<Attempt>, LedgerError> {
        let _ = (document, environment);
        unreachable!("{SKELETON}")
    }

    /// Probes of every run of a document in an environment, oldest first.
    pub fn probes(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<Vec<ProbeAnswer>, LedgerError> {
        let _ = (document, environment);
        unreachable!("{SKELETON}")
    }

    /// Approvals of every run of a document in an environment, oldest first.
    pub fn approvals(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<Vec<Approval>, LedgerError> {
        let _ = (document, environment);
        unreachable!("{SKELETON}")
    }

    /// Every entry about one task, oldest first.
    pub fn history(&self, task: &TaskKey) -> Result<Vec<Entry>, LedgerError> {
        let _ = task;
        unreachable!("{SKELETON}")
    }
}
