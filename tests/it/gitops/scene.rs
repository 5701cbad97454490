//! Projects, and ledgers whose runs were written by hand.

use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::PathBuf;
use taskmaster::app::ledger::Ledger;
use taskmaster::store::{Access, Durability};
use taskmaster_core::action::FailureKind;
use taskmaster_core::id::{AttemptId, Digest, DocumentId, EnvironmentName, RunId, TaskKey};
use taskmaster_core::journal::{KnownTask, Outcome, ProbeKind, Record, Verdict};
use taskmaster_core::plan::{Plan, PlannedTask};
use taskmaster_core::state::TaskState;
use taskmaster_testkit::{Sandbox, known_task, planned_task};

/// A sandbox with a document and one catalogue.
pub(super) fn project(prd: &str, tasks: &str) -> Sandbox {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_taskmaster"));
    sandbox.write("prd.md", prd).write("tasks/all.yaml", tasks);
    sandbox
}

pub(super) fn state_dir(sandbox: &Sandbox) -> PathBuf {
    sandbox.path().join(".taskmaster")
}

/// The ledger of a sandbox, written record by record with times of one's own.
pub(super) struct Book {
    pub(super) ledger: Ledger,
    plans: BTreeMap<(DocumentId, EnvironmentName), u64>,
    runs: usize,
}

/// A run to be written: in the environment `prod`, of the document `a.md`, at revision 1.
#[derive(Clone)]
pub(super) struct Past<'a> {
    pub(super) document: &'a str,
    pub(super) environment: &'a str,
    /// Hours of the year 2020.
    pub(super) from: i64,
    pub(super) to: Option<i64>,
    pub(super) exit_code: i32,
    /// Its tasks with the states that they came to, by number; none begins no attempt.
    pub(super) tasks: Vec<(usize, TaskState)>,
    pub(super) undo: bool,
    /// The commit and the hour when it was made.
    pub(super) commit: Option<(&'a str, i64)>,
}

impl Default for Past<'_> {
    fn default() -> Self {
        Self {
            document: "a.md",
            environment: "prod",
            from: 0,
            to: Some(1),
            exit_code: 0,
            tasks: vec![(0, TaskState::Completed)],
            undo: false,
            commit: None,
        }
    }
}

pub(super) fn hour(hour: i64) -> Timestamp {
    Timestamp::from_second(1_577_836_800 + hour * 3_600).unwrap()
}

pub(super) fn failed() -> TaskState {
    TaskState::Failed { reason: "exit code 1".to_owned() }
}

impl Book {
    pub(super) fn open(sandbox: &Sandbox) -> Self {
        let ledger = Ledger::open(&state_dir(sandbox), Access::ReadWrite).unwrap();
        Self { ledger, plans: BTreeMap::new(), runs: 0 }
    }

    pub(super) fn commit(&mut self, at: Timestamp, records: Vec<Record>) {
        self.ledger.commit(records, at, Durability::Normal).unwrap();
    }

    /// Revision 1 of a document with this many tasks `Task 0`, `Task 1`, ….
    pub(super) fn document(&mut self, name: &str, tasks: usize) {
        let known = |number| KnownTask { key: key(name, number), ..known_task(number) };
        let record = Record::DocumentParsed {
            document: name.into(),
            revision: 1,
            path: name.to_owned(),
            digest: Digest::of(name.as_bytes()),
            tasks: (0..tasks).map(known).collect(),
            changes: Vec::new(),
        };
        self.commit(hour(0), vec![record]);
    }

    /// The record that begins a run, not written yet.
    pub(super) fn started(&self, past: &Past<'_>) -> Record {
        let run = RunId::new(format!("RUN{:04}", self.runs + 1));
        started(&run, self.plan(past), past)
    }

    /// Writes a run and gives its id.
    pub(super) fn run(&mut self, past: &Past<'_>) -> RunId {
        let record = self.started(past);
        let Record::RunStarted { run, plan, .. } = &record else { panic!("{record:?}") };
        let run = run.clone();
        self.plans.insert((plan.document.clone(), plan.environment.clone()), plan.number);
        self.runs += 1;
        self.commit(hour(past.from), vec![record]);
        for (number, to) in &past.tasks {
            self.attempt(&run, past, *number, to);
        }
        if let Some(to) = past.to {
            let counts = BTreeMap::from([("completed".to_owned(), past.tasks.len() as u64)]);
            let ended = Record::RunEnded { run: run.clone(), exit_code: past.exit_code, counts };
            self.commit(hour(to), vec![ended]);
        }
        run
    }

    fn plan(&self, past: &Past<'_>) -> Plan {
        let (document, environment) =
            (DocumentId::new(past.document), EnvironmentName::new(past.environment));
        let before = self.plans.get(&(document.clone(), environment.clone())).copied().unwrap_or_default();
        let planned = |number| PlannedTask { key: key(past.document, number), ..planned_task(number) };
        let tasks = past.tasks.iter().map(|(number, _)| planned(*number)).collect();
        Plan { number: before + 1, document, revision: 1, environment, tasks }
    }

    /// An attempt of one minute, and the state that its task came to.
    fn attempt(&mut self, run: &RunId, past: &Past<'_>, number: usize, to: &TaskState) {
        let attempt = AttemptId::new(format!("{run} {number}"));
        let (key, id) = (key(past.document, number), planned_task(number).id);
        let begun = Record::AttemptStarted {
            attempt: attempt.clone(),
            run: run.clone(),
            key: key.clone(),
            id: id.clone(),
            number: 1,
            undo: past.undo,
            digest: None,
            commands: vec!["make".to_owned()],
            log: "logs/x.log".to_owned(),
        };
        let state = |from: TaskState, to: TaskState| Record::TaskState {
            run: Some(run.clone()),
            document: past.document.into(),
            environment: past.environment.into(),
            key: key.clone(),
            id: id.clone(),
            from,
            to,
            digest: None,
            by: None,
            message: None,
        };
        let running = TaskState::Running { attempt: attempt.clone(), number: 1 };
        let at = hour(past.from);
        self.commit(at, vec![begun, state(TaskState::Ready, running.clone())]);
        if past.to.is_none() {
            return;
        }
        let end = match to {
            TaskState::Failed { reason } => Outcome::Failed {
                failure: FailureKind::ExitCode,
                exit_code: Some(1),
                signal: None,
                message: reason.clone(),
            },
            _ => Outcome::Succeeded,
        };
        let ended = Record::AttemptEnded {
            attempt,
            end,
            duration_ms: 60_000,
            tail: String::new(),
            log_bytes: 0,
            outputs: BTreeMap::new(),
            diagnosis: Default::default(),
        };
        let at = at + jiff::SignedDuration::from_secs(60);
        // What else is recorded about the task says nothing about its state.
        let probe = Record::ProbeEnded {
            run: Some(run.clone()),
            key: key.clone(),
            id: id.clone(),
            probe: ProbeKind::Check,
            verdict: Verdict::True,
            duration_ms: 1,
            outputs: BTreeMap::new(),
            diagnosis: Default::default(),
        };
        self.commit(at, vec![ended, state(running, to.clone()), probe]);
    }
}

fn key(document: &str, number: usize) -> TaskKey {
    TaskKey::new(format!("{document} {number}"))
}

fn started(run: &RunId, plan: Plan, past: &Past<'_>) -> Record {
    let mut options = BTreeMap::from([("jobs".to_owned(), "2".to_owned())]);
    if let Some((commit, made)) = past.commit {
        options.insert("commit".to_owned(), commit.to_owned());
        options.insert("commit_time".to_owned(), hour(made).to_string());
    }
    // No process has this id: nobody is at work on it.
    Record::RunStarted { run: run.clone(), plan, pid: u32::MAX, boot_id: "boot".to_owned(), options }
}
