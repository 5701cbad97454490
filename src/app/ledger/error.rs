//! Why a record was refused.

use crate::store::StoreError;
use taskmaster_core::environment::Lock;
use taskmaster_core::id::{AttemptId, DocumentId, EnvironmentName, RunId, TaskId};

/// Why the ledger could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event that this version cannot read.
    #[error("event {seq} cannot be read")]
    Unreadable {
        /// Its place.
        seq: u64,
        /// Why.
        source: serde_json::Error,
    },
    /// A record that cannot be written as JSON.
    #[error("a record cannot be written")]
    Unwritable(#[source] serde_json::Error),
    /// A person's change was made against a state that is not the current one any more.
    #[error("{task} is {current} now, not {assumed}")]
    StateMoved {
        /// The task.
        task: TaskId,
        /// Name of its state now.
        current: &'static str,
        /// Name of the state that the change assumed.
        assumed: &'static str,
    },
    /// A change that is not allowed from the current state.
    #[error("{task} is {current}, it cannot become {wanted}")]
    IllegalState {
        /// The task.
        task: TaskId,
        /// Name of its state now.
        current: &'static str,
        /// Name of the state that was asked for.
        wanted: &'static str,
    },
    /// An approval of a task that does not wait for one.
    #[error("{task} is {current}, it does not wait for an approval")]
    NotWaiting {
        /// The task.
        task: TaskId,
        /// Name of its state now.
        current: &'static str,
    },
    /// An approval that was given already and is about to take effect.
    #[error("{task} is approved already")]
    Approved {
        /// The task.
        task: TaskId,
    },
    /// Something happened to a task while its check was asked.
    #[error("{task} moved on while its check was asked")]
    MovedOn {
        /// The task.
        task: TaskId,
    },
    /// A document that was never recorded.
    #[error("document {document} is not in the ledger")]
    UnknownDocument {
        /// Which.
        document: DocumentId,
    },
    /// Somebody else recorded another revision first.
    #[error("{document} is at revision {latest}, not at {assumed}")]
    StaleRevision {
        /// The document.
        document: DocumentId,
        /// Its latest revision.
        latest: u64,
        /// What was assumed.
        assumed: u64,
    },
    /// A plan that is not the newest: another run of the document began since it was made.
    #[error("plan {number} is stale, the next one is {next}")]
    StalePlan {
        /// The plan's number.
        number: u64,
        /// The number that the next plan must have.
        next: u64,
    },
    /// A record of a person's change in a run of another document or environment.
    #[error("run {run} is not one of {document} in {environment}")]
    OtherRun {
        /// The run.
        run: RunId,
        /// The document of the record.
        document: DocumentId,
        /// The environment of the record.
        environment: EnvironmentName,
    },
    /// A run that was never recorded.
    #[error("run {run} is not in the ledger")]
    UnknownRun {
        /// Which.
        run: RunId,
    },
    /// A run that is over.
    #[error("run {run} has ended")]
    RunOver {
        /// Which.
        run: RunId,
    },
    /// An attempt that was never recorded.
    #[error("attempt {attempt} is not in the ledger")]
    UnknownAttempt {
        /// Which.
        attempt: AttemptId,
    },
    /// An attempt that is over.
    #[error("attempt {attempt} has ended")]
    AttemptOver {
        /// Which.
        attempt: AttemptId,
    },
    /// An environment in which nothing may begin.
    #[error("{}", told(lock))]
    Locked {
        /// Its lock.
        lock: Box<Lock>,
    },
    /// An unlock of an environment without a lock.
    #[error("the environment {environment} is not locked")]
    NotLocked {
        /// Which.
        environment: EnvironmentName,
    },
    /// An identity that was used before.
    #[error("{what} is in the ledger already")]
    Duplicate {
        /// `run 01J…`.
        what: String,
    },
}

/// Who locked it, since when, until when and why.
fn told(lock: &Lock) -> String {
    let Lock { environment, by, since, message, until } = lock;
    let until = until.map(|until| format!(" until {until:.0}")).unwrap_or_default();
    let why = message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    format!("the environment {environment} is locked by {by} since {since:.0}{until}{why}")
}

impl LedgerError {
    /// The exit code of a command that ends for this reason (design §6).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Store(error) => error.exit_code(),
            Self::Unreadable { .. } => 42,
            Self::Locked { .. } => 43,
            Self::Unwritable(_) => 1,
            _ => 2,
        }
    }

    /// What a person can do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.help(),
            Self::Unreadable { .. } => Some("run `taskmaster audit` to see what is damaged".to_owned()),
            Self::Locked { lock } => {
                let name = shell_words::quote(lock.environment.as_str());
                Some(format!("`taskmaster env unlock {name}` unlocks it; ask who locked it first"))
            }
            Self::NotLocked { .. } => Some("`taskmaster env list` shows what is locked".to_owned()),
            Self::StalePlan { .. } | Self::StaleRevision { .. } => Some("plan again".to_owned()),
            _ => None,
        }
    }
}
