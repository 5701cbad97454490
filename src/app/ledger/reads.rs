//! What the ledger is asked: rows of the store as typed facts.

use super::encode::{document_stream, entry, rollout_stream, state, sync_stream, task_stream};
use super::error::LedgerError;
use super::handle::Ledger;
use super::view::{
    Approval, Attempt, AttemptEnd, KnownDocument, ProbeAnswer, Retry, Revision, RunDetail, RunFilter,
    RunSummary, SpawnedProcess, SyncEntry, TaskEvidence,
};
use crate::store::{AttemptRow, DocumentRow, EventRow, Notes, RunQuery, RunRow, Scope, TaskStateRow};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use taskmaster_core::estimate;
use taskmaster_core::id::{AttemptId, Digest, DocumentId, EnvironmentName, RunId, TaskId, TaskKey};
use taskmaster_core::journal::{Entry, KnownTask, OutputValue, Record, Recorded};
use taskmaster_core::plan::Plan;

/// Kind of the records of a task's states.
const STATES: &str = "task.state";
/// Kind of the records of drift.
const DRIFT_FOUND: &str = "drift.found";

/// Estimates look at so many of the newest runs.
const RECENT_RUNS: u32 = 50;

impl Ledger {
    /// What is recorded about the tasks of a document in an environment.
    pub fn recorded(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<HashMap<TaskKey, Recorded>, LedgerError> {
        self.store.read(|snapshot| {
            let rows = snapshot.task_states(document.as_str(), environment.as_str())?;
            let mut recorded = HashMap::with_capacity(rows.len());
            for row in rows {
                let known = Recorded {
                    state: state(row.seq, &row.state)?,
                    digest: row.digest.map(Digest::new),
                    open_attempt: None,
                    last_duration_ms: row.last_duration_ms,
                    by: row.person,
                    drifted: false,
                    state_seq: row.seq,
                    has_outputs: false,
                };
                recorded.insert(TaskKey::new(row.key), known);
            }
            for (key, attempt) in snapshot.open_attempt_ids(document.as_str(), environment.as_str())? {
                recorded.entry(TaskKey::new(key)).or_default().open_attempt = Some(AttemptId::new(attempt));
            }
            for drift in snapshot.drifts(document.as_str(), environment.as_str())? {
                recorded.entry(TaskKey::new(drift.key)).or_default().drifted = true;
            }
            Ok(recorded)
        })
    }

    /// The same with address, time and author, for reports.
    pub fn evidence(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<HashMap<TaskKey, TaskEvidence>, LedgerError> {
        let all = self.evidence_where(document, environment, |_| true)?;
        Ok(all.into_iter().map(|known| (known.key.clone(), known)).collect())
    }

    /// That of the tasks for which it is wanted.
    pub fn evidence_where(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
        wanted: impl Fn(&TaskEvidence) -> bool,
    ) -> Result<Vec<TaskEvidence>, LedgerError> {
        self.store.read(|snapshot| {
            let drifts = snapshot.drifts(document.as_str(), environment.as_str())?;
            let drifts: HashMap<_, _> = drifts.into_iter().map(|drift| (drift.key, drift.at)).collect();
            let rows = snapshot.task_states(document.as_str(), environment.as_str())?.into_iter();
            let known = rows.map(|row| {
                let drifted = drifts.get(&row.key).copied();
                Ok(TaskEvidence { drifted, ..evidence(row)? })
            });
            known.filter(|known| known.as_ref().map_or(true, &wanted)).collect()
        })
    }

    /// Outputs of each task that has any: of the last successful attempt, or found by a check since.
    pub fn outputs(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<HashMap<TaskKey, BTreeMap<String, OutputValue>>, LedgerError> {
        let mut found = HashMap::new();
        for (key, event) in self.store.now().successes(document.as_str(), environment.as_str())? {
            if let Record::AttemptEnded { outputs, .. } | Record::ProbeEnded { outputs, .. } =
                entry(&event)?.record
            {
                found.insert(TaskKey::new(key), outputs);
            }
        }
        Ok(found)
    }

    /// How long each task took when it last succeeded, newest first, [`estimate::LAST`] of them at most.
    pub fn durations(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<HashMap<TaskKey, Vec<u64>>, LedgerError> {
        let mut found: HashMap<TaskKey, Vec<u64>> = HashMap::new();
        let times = self.store.now().success_times(document.as_str(), environment.as_str(), RECENT_RUNS)?;
        for (key, ms) in times {
            let known = found.entry(TaskKey::new(key)).or_default();
            if known.len() < estimate::LAST {
                known.push(ms);
            }
        }
        Ok(found)
    }

    /// One document.
    pub fn document(&self, id: &DocumentId) -> Result<Option<KnownDocument>, LedgerError> {
        Ok(self.store.now().document(id.as_str())?.map(known_document))
    }

    /// Every document that was parsed, by id.
    pub fn documents(&self) -> Result<Vec<KnownDocument>, LedgerError> {
        Ok(self.store.now().documents()?.into_iter().map(known_document).collect())
    }

    /// The latest revision of a document, with its tasks.
    pub fn latest_revision(&self, document: &DocumentId) -> Result<Option<Revision>, LedgerError> {
        self.store.read(|snapshot| {
            let Some(row) = snapshot.document(document.as_str())? else { return Ok(None) };
            Ok(snapshot.event(row.seq)?.map(|event| entry(&event)).transpose()?.and_then(revision))
        })
    }

    /// Every revision of a document, oldest first.
    pub fn revisions(&self, document: &DocumentId) -> Result<Vec<Revision>, LedgerError> {
        let events = self.store.now().revisions(document.as_str())?;
        collect(&events, revision)
    }

    /// The tasks of the latest revision; empty where the document is not known.
    pub fn known_tasks(&self, document: &DocumentId) -> Result<Vec<KnownTask>, LedgerError> {
        Ok(self.latest_revision(document)?.map(|revision| revision.tasks).unwrap_or_default())
    }

    /// The number that the next plan of a document and environment gets.
    pub fn next_plan_number(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<u64, LedgerError> {
        Ok(self.store.now().last_plan(document.as_str(), environment.as_str())? + 1)
    }

    /// Runs, newest first.
    pub fn runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, LedgerError> {
        let rows = self.store.now().runs(&RunQuery {
            document: filter.document.as_ref().map(DocumentId::as_str),
            environment: filter.environment.as_ref().map(EnvironmentName::as_str),
            unfinished: filter.unfinished,
            limit: filter.limit,
        })?;
        rows.into_iter().map(summary).collect()
    }

    /// The facts about one run.
    pub fn run_summary(&self, id: &RunId) -> Result<Option<RunSummary>, LedgerError> {
        self.store.now().run(id.as_str())?.map(summary).transpose()
    }

    /// Runs without a recorded end, oldest first.
    pub fn unfinished_runs(&self) -> Result<Vec<RunSummary>, LedgerError> {
        let mut runs = self.runs(&RunFilter { unfinished: true, ..RunFilter::default() })?;
        runs.reverse();
        Ok(runs)
    }

    /// The plan that a run followed.
    pub fn plan(&self, run: &RunId) -> Result<Option<Plan>, LedgerError> {
        self.store.read(|snapshot| {
            let Some(row) = snapshot.run(run.as_str())? else { return Ok(None) };
            Ok(snapshot.event(row.seq)?.map(|event| entry(&event)).transpose()?.and_then(plan))
        })
    }

    /// Everything about one run.
    pub fn run(&self, id: &RunId) -> Result<Option<RunDetail>, LedgerError> {
        self.store.read(|snapshot| {
            let Some(row) = snapshot.run(id.as_str())? else { return Ok(None) };
            let Some(plan) = self.plan(id)? else { return Ok(None) };
            let scope = Scope::Run(id.as_str());
            let (first, last) = range(&row);
            Ok(Some(RunDetail {
                summary: summary(row)?,
                plan,
                tasks: last_states(&snapshot.events_of_kind(STATES, first, last)?, id)?,
                attempts: attempts(snapshot.attempts(scope)?)?,
                probes: collect(&snapshot.notes(Notes::Probes, scope)?, probe)?,
                retries: collect(&snapshot.notes(Notes::Retries, scope)?, retry)?,
                approvals: collect(&snapshot.notes(Notes::Approvals, scope)?, approval)?,
            }))
        })
    }

    /// Every entry from a run's start to its end (to now, while it has none), in order. Entries of
    /// others in between are among them; folding a run passes them over.
    pub fn run_entries(&self, id: &RunId) -> Result<Vec<Entry>, LedgerError> {
        self.store.read(|snapshot| {
            let Some(row) = snapshot.run(id.as_str())? else { return Ok(Vec::new()) };
            let (first, last) = range(&row);
            self.entries_between(first, last)
        })
    }

    /// Attempts without a recorded end, oldest first.
    pub fn open_attempts(&self) -> Result<Vec<Attempt>, LedgerError> {
        attempts(self.store.now().open_attempts()?)
    }

    /// Attempts of every run of a document in an environment, oldest first.
    pub fn attempts(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<Vec<Attempt>, LedgerError> {
        attempts(self.store.now().attempts(Scope::Document(document.as_str(), environment.as_str()))?)
    }

    /// Probes of every run of a document in an environment, oldest first.
    pub fn probes(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<Vec<ProbeAnswer>, LedgerError> {
        self.notes(Notes::Probes, document, environment, probe)
    }

    /// Retries of every run of a document in an environment, oldest first.
    pub fn retries(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<Vec<Retry>, LedgerError> {
        self.notes(Notes::Retries, document, environment, retry)
    }

    /// Approvals of every run of a document in an environment, oldest first.
    pub fn approvals(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<Vec<Approval>, LedgerError> {
        self.notes(Notes::Approvals, document, environment, approval)
    }

    fn notes<T>(
        &self,
        notes: Notes,
        document: &DocumentId,
        environment: &EnvironmentName,
        read: fn(Entry) -> Option<T>,
    ) -> Result<Vec<T>, LedgerError> {
        let scope = Scope::Document(document.as_str(), environment.as_str());
        collect(&self.store.now().notes(notes, scope)?, read)
    }

    /// Every entry about one task, in all environments, oldest first.
    pub fn history(&self, task: &TaskKey) -> Result<Vec<Entry>, LedgerError> {
        self.store.now().stream(&task_stream(task))?.iter().map(entry).collect()
    }

    /// Every entry about one rollout, oldest first.
    pub fn rollout(&self, name: &str) -> Result<Vec<Entry>, LedgerError> {
        self.store.now().stream(&rollout_stream(name))?.iter().map(entry).collect()
    }

    /// Every entry about any rollout, oldest first.
    pub fn rollouts(&self) -> Result<Vec<Entry>, LedgerError> {
        self.store.now().streams(&rollout_stream(""))?.iter().map(entry).collect()
    }

    /// Every entry about drift in an environment, and the states that the tasks concerned came to, oldest first.
    pub fn drift_entries(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> Result<Vec<Entry>, LedgerError> {
        self.store.read(|snapshot| {
            let found = snapshot.events_of_kind(DRIFT_FOUND, 0, u64::MAX)?;
            let mut keys: BTreeSet<TaskKey> = BTreeSet::new();
            for event in &found {
                if let Record::DriftFound { document: of, environment: at, key, .. } = entry(event)?.record
                    && (&of, &at) == (document, environment)
                {
                    keys.insert(key);
                }
            }
            let mut all = Vec::new();
            for key in &keys {
                all.extend(self.history(key)?.into_iter().filter(|entry| is_of(&entry.record, environment)));
            }
            all.sort_by_key(|entry| entry.seq);
            Ok(all)
        })
    }

    /// Every result of a sync that differed from the one before, oldest first.
    pub fn sync(&self, name: &str) -> Result<Vec<SyncEntry>, LedgerError> {
        collect(&self.store.now().stream(&sync_stream(name))?, sync_entry)
    }

    /// The last of them.
    pub fn last_sync(&self, name: &str) -> Result<Option<SyncEntry>, LedgerError> {
        let last = self.store.now().last_of_stream(&sync_stream(name))?;
        Ok(last.map(|event| entry(&event)).transpose()?.and_then(sync_entry))
    }

    /// Every entry about a document as a whole, oldest first.
    pub fn document_history(&self, document: &DocumentId) -> Result<Vec<Entry>, LedgerError> {
        self.store.now().stream(&document_stream(document))?.iter().map(entry).collect()
    }
}

/// A record of drift, or of a state, in this environment.
fn is_of(record: &Record, environment: &EnvironmentName) -> bool {
    match record {
        Record::DriftFound { environment: at, .. }
        | Record::DriftGone { environment: at, .. }
        | Record::TaskState { environment: at, .. } => at == environment,
        _ => false,
    }
}

fn collect<T>(events: &[EventRow], read: fn(Entry) -> Option<T>) -> Result<Vec<T>, LedgerError> {
    events.iter().filter_map(|event| entry(event).map(read).transpose()).collect()
}

/// The first and the last place of a run.
fn range(row: &RunRow) -> (u64, u64) {
    (row.seq, row.end.as_ref().map_or(u64::MAX, |end| end.seq))
}

/// The last state of each task of a run, in the order in which they were reached.
fn last_states(events: &[EventRow], run: &RunId) -> Result<Vec<TaskEvidence>, LedgerError> {
    let mut last = HashMap::new();
    for event in events {
        let entry = entry(event)?;
        let seq = entry.seq;
        if let Some(known) = task_evidence(entry).filter(|known| known.run.as_ref() == Some(run)) {
            last.insert(known.key.clone(), (seq, known));
        }
    }
    let mut states: Vec<_> = last.into_values().collect();
    states.sort_by_key(|(seq, _)| *seq);
    Ok(states.into_iter().map(|(_, known)| known).collect())
}

fn known_document(row: DocumentRow) -> KnownDocument {
    KnownDocument {
        id: DocumentId::new(row.id),
        path: row.path,
        revision: row.revision,
        digest: Digest::new(row.digest),
        parsed: row.at,
    }
}

fn evidence(row: TaskStateRow) -> Result<TaskEvidence, LedgerError> {
    Ok(TaskEvidence {
        key: TaskKey::new(row.key),
        id: TaskId::new(row.task),
        state: state(row.seq, &row.state)?,
        digest: row.digest.map(Digest::new),
        since: row.at,
        run: row.run.map(RunId::new),
        by: row.person,
        message: row.message,
        seq: row.seq,
        drifted: None,
    })
}

fn summary(row: RunRow) -> Result<RunSummary, LedgerError> {
    let unreadable = |seq| move |source| LedgerError::Unreadable { seq, source };
    let counts = match &row.end {
        None => BTreeMap::new(),
        Some(end) => serde_json::from_str(&end.counts).map_err(unreadable(end.seq))?,
    };
    Ok(RunSummary {
        id: RunId::new(row.id),
        document: DocumentId::new(row.document),
        environment: EnvironmentName::new(row.environment),
        plan: row.plan,
        revision: row.revision,
        pid: row.pid,
        boot_id: row.boot_id,
        options: serde_json::from_str(&row.options).map_err(unreadable(row.seq))?,
        started: row.started,
        ended: row.end.as_ref().map(|end| end.at),
        exit_code: row.end.as_ref().map(|end| end.exit_code),
        counts,
    })
}

fn attempts(rows: Vec<AttemptRow>) -> Result<Vec<Attempt>, LedgerError> {
    rows.into_iter().filter_map(|row| attempt(row).transpose()).collect()
}

fn attempt(row: AttemptRow) -> Result<Option<Attempt>, LedgerError> {
    let started = entry(&row.started)?;
    let Record::AttemptStarted { attempt, run, key, id, number, undo, digest, commands, log } =
        started.record
    else {
        return Ok(None);
    };
    let process = row.process.map(|process| SpawnedProcess {
        step: process.step,
        pid: process.pid,
        start_ticks: process.start_ticks,
        boot_id: process.boot_id,
    });
    let end = row.ended.as_ref().map(entry).transpose()?.and_then(attempt_end);
    let started = started.at;
    let attempt = Attempt {
        id: attempt,
        run,
        key,
        task: id,
        number,
        undo,
        digest,
        commands,
        log,
        started,
        process,
        end,
    };
    Ok(Some(attempt))
}

// Each of the following reads the kind of record that its table refers to, and nothing else.

fn attempt_end(entry: Entry) -> Option<AttemptEnd> {
    match entry.record {
        Record::AttemptEnded { end, duration_ms, tail, log_bytes, outputs, diagnosis, .. } => {
            let (at, outcome) = (entry.at, end);
            Some(AttemptEnd { at, outcome, duration_ms, tail, log_bytes, outputs, diagnosis })
        }
        _ => None,
    }
}

fn revision(entry: Entry) -> Option<Revision> {
    match entry.record {
        Record::DocumentParsed { document, revision, path, digest, tasks, changes } => {
            Some(Revision { document, number: revision, path, digest, tasks, changes, at: entry.at })
        }
        _ => None,
    }
}

fn plan(entry: Entry) -> Option<Plan> {
    match entry.record {
        Record::RunStarted { plan, .. } => Some(plan),
        _ => None,
    }
}

fn task_evidence(entry: Entry) -> Option<TaskEvidence> {
    match entry.record {
        Record::TaskState { run, key, id, to, digest, by, message, .. } => {
            let (since, seq, drifted) = (entry.at, entry.seq, None);
            Some(TaskEvidence { key, id, state: to, digest, since, run, by, message, seq, drifted })
        }
        _ => None,
    }
}

fn probe(entry: Entry) -> Option<ProbeAnswer> {
    match entry.record {
        Record::ProbeEnded { run, key, id, probe, verdict, duration_ms, diagnosis, .. } => {
            Some(ProbeAnswer { run, key, id, probe, verdict, at: entry.at, duration_ms, diagnosis })
        }
        _ => None,
    }
}

fn sync_entry(entry: Entry) -> Option<SyncEntry> {
    match entry.record {
        Record::SyncChanged {
            document,
            environment,
            repository,
            git_ref,
            commit,
            commit_time,
            result,
            run,
            revision,
            ..
        } => Some(SyncEntry {
            at: entry.at,
            repository,
            git_ref,
            document,
            environment,
            commit,
            commit_time,
            result,
            run,
            revision,
        }),
        _ => None,
    }
}

fn retry(entry: Entry) -> Option<Retry> {
    match entry.record {
        Record::RetryScheduled { run, key, id, attempt, delay_ms, reason } => {
            Some(Retry { run, key, id, attempt, delay_ms, reason, at: entry.at })
        }
        _ => None,
    }
}

fn approval(entry: Entry) -> Option<Approval> {
    match entry.record {
        Record::ApprovalGiven { run, key, id, by, message } => {
            Some(Approval { run, key, id, by, message, at: entry.at })
        }
        _ => None,
    }
}
