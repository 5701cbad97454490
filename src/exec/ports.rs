//! What the driver needs from outside, and its settings.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use taskmaster_core::action::Action;
use taskmaster_core::id::{Digest, RunId, TaskId};
use taskmaster_core::journal::{Entry, OutputValue, Record};
use taskmaster_core::plan::Plan;
use taskmaster_core::scheduler::{Event, Scheduler, Tick};
use taskmaster_core::state::TaskState;
use taskmaster_core::trace::Trace;
use zeroize::Zeroizing;

use crate::process::bound::DEFAULT_LOG_LIMIT;
use jiff::Timestamp;

/// The ledger refused or failed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct JournalError(pub Box<dyn std::error::Error + Send + Sync>);

/// The ledger, as the driver sees it.
pub trait Journal {
    /// Appends all records in one transaction; `durable` ones outlive a loss of power.
    ///
    /// # Errors
    /// Nothing was written then.
    fn commit(&mut self, records: Vec<Record>, durable: bool) -> Result<Vec<Entry>, JournalError>;

    /// What other processes appended since the last call (approvals, states set by a person).
    ///
    /// # Errors
    /// The ledger cannot be read.
    fn external(&mut self) -> Result<Vec<Entry>, JournalError>;
}

/// Why an action cannot be rendered.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct RenderFault {
    /// One line for people.
    pub message: String,
}

/// The catalogue, as the driver sees it.
pub trait Render {
    /// The action of a task, with the outputs that are known by now.
    ///
    /// # Errors
    /// It needs a value that is not known, or nothing binds the task.
    fn action(&mut self, task: &TaskId) -> Result<Action, RenderFault>;

    /// Digest of that action, contents of its inputs included, as the plan has it.
    ///
    /// # Errors
    /// As [`Render::action`].
    fn digest(&mut self, task: &TaskId) -> Result<Digest, RenderFault>;

    /// An attempt of the task ended with these values, or its check found them: what is rendered from now on may use them.
    fn know(&mut self, task: &TaskId, outputs: &BTreeMap<String, OutputValue>);
}

/// Somebody who looks on: progress on a terminal, lines, NDJSON.
pub trait Observer {
    /// An entry was committed.
    fn entry(&mut self, entry: &Entry);

    /// A running attempt printed something: its last line, harmless and without secrets.
    fn output(&mut self, task: &TaskId, last_line: &str);

    /// Something worth a line that is no record (an orphan is waited for).
    fn note(&mut self, task: &TaskId, text: &str);

    /// A person asked to stop: for the first time (what runs ends first), the second (it is stopped),
    /// or again (it is killed). `at_work` attempts and checks are under way.
    fn stopping(&mut self, wishes: u32, at_work: usize);

    /// Time passed ([`Settings::poll`]).
    fn tick(&mut self);
}

/// Nobody looks on.
pub struct Silent;

impl Observer for Silent {
    fn entry(&mut self, _entry: &Entry) {}
    fn output(&mut self, _task: &TaskId, _last_line: &str) {}
    fn note(&mut self, _task: &TaskId, _text: &str) {}
    fn stopping(&mut self, _wishes: u32, _at_work: usize) {}
    fn tick(&mut self) {}
}

/// Decides what happens next. [`Scheduler`] does; tests may put a script in its place.
pub trait Decide {
    /// Takes events that came together.
    fn decide(&mut self, events: Vec<Event>, now: Timestamp) -> Tick;

    /// How many tasks are in each state.
    fn counts(&self) -> BTreeMap<String, u64>;

    /// The state of a task of the plan.
    fn state(&self, task: usize) -> Option<&TaskState>;
}

impl Decide for Scheduler {
    fn decide(&mut self, events: Vec<Event>, now: Timestamp) -> Tick {
        self.handle_many(events, now)
    }

    fn counts(&self) -> BTreeMap<String, u64> {
        Self::counts(self)
    }

    fn state(&self, task: usize) -> Option<&TaskState> {
        self.states().get(task)
    }
}

/// The three ports together.
pub struct Ports<'a> {
    /// The ledger.
    pub journal: &'a mut dyn Journal,
    /// The catalogue.
    pub render: &'a mut dyn Render,
    /// The face.
    pub observer: &'a mut dyn Observer,
}

/// Settings of one run. [`Settings::new`] gives the usual ones.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The run.
    pub run: RunId,
    /// Options as people gave them, for `run.started`.
    pub options: BTreeMap<String, String>,
    /// The trace that children are told of; none where the run is not traced.
    pub trace: Option<Trace>,
    /// Where `logs/` is made.
    pub state_dir: PathBuf,
    /// What working directories, secret files and certificates are relative to.
    pub project_root: PathBuf,
    /// Bound of one attempt's log in bytes.
    pub log_limit: u64,
    /// Bound of a captured standard output or an answer's body in bytes.
    pub capture_limit: u64,
    /// Longest time to read one secret.
    pub secret_timeout: Duration,
    /// Time between two looks at the ledger for what others appended, and two [`Observer::tick`]s.
    pub poll: Duration,
    /// Tell [`Observer::output`] what attempts print.
    pub live_output: bool,
}

impl Settings {
    /// The usual settings: logs of 64 MiB, captures of 8 MiB, 30 s for a secret, a look every 200 ms.
    pub fn new(run: RunId, state_dir: impl Into<PathBuf>, project_root: impl Into<PathBuf>) -> Self {
        Self {
            run,
            options: BTreeMap::new(),
            trace: None,
            state_dir: state_dir.into(),
            project_root: project_root.into(),
            log_limit: DEFAULT_LOG_LIMIT,
            capture_limit: 8 << 20,
            secret_timeout: Duration::from_secs(30),
            poll: Duration::from_millis(200),
            live_output: false,
        }
    }

    /// What a child with this mark is told of its span, as a variable of its environment.
    pub(super) fn traceparent(&self, mark: &str) -> Option<(String, Zeroizing<String>)> {
        let told = self.trace.as_ref()?.told(mark);
        Some(("TRACEPARENT".to_owned(), Zeroizing::new(told.to_string())))
    }
}

/// Why a run could not go on. What ran then still runs; the next run finds it.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The ledger.
    #[error("the ledger cannot be written or read")]
    Journal(#[from] JournalError),
    /// The folder of the logs.
    #[error("the folder {} cannot be made", path.display())]
    Logs {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A defect of taskmaster.
    #[error("internal fault: {0}")]
    Internal(String),
}

/// Index of every task of a plan by its key is needed in several places.
pub(super) fn index_by_key(plan: &Plan) -> std::collections::HashMap<&str, usize> {
    plan.tasks.iter().enumerate().map(|(index, task)| (task.key.as_str(), index)).collect()
}
