//! Why a use case ended early, with the exit code and the help that go with it.

use super::exit::Exit;
use super::ledger::LedgerError;
use super::rollouts::RolloutError;
use super::source::{Source, SourceError};
use crate::config::ConfigError;
use crate::exec::ports::{ExecError, JournalError};
use crate::git::error::GitError;
use crate::store::LeaseError;
use std::path::PathBuf;
use taskmaster_core::diagnostic::{Diagnostic, Severity};
use taskmaster_core::resolve::ResolveError;
use taskmaster_core::select::SelectError;

/// Findings about a document or a catalogue, with the texts they point into.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The texts.
    pub sources: Vec<Source>,
    /// What is wrong in them.
    pub diagnostics: Vec<Diagnostic>,
}

impl Findings {
    /// True where at least one is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Turns warnings into errors (`--strict`).
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        let warnings = self.diagnostics.iter_mut().filter(|d| strict && d.severity == Severity::Warning);
        warnings.for_each(|diagnostic| diagnostic.severity = Severity::Error);
        self
    }
}

/// Why a use case ended early.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The request cannot be understood or names nothing.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What helps.
        help: Option<String>,
    },
    /// A text cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Settings cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The ledger cannot do what was asked.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Another executor is at work.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The document has errors.
    #[error("the document has errors")]
    Document(Box<Findings>),
    /// A catalogue has errors.
    #[error("the catalogue has errors")]
    Catalogue(Box<Findings>),
    /// A rollout file has errors.
    #[error("the rollout has errors")]
    Rollout(Box<Findings>),
    /// There is no plan.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A name matches nothing, or more than one thing.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// A plan that is no DAG.
    #[error(transparent)]
    Graph(#[from] taskmaster_core::dag::GraphError),
    /// The driver could not go on.
    #[error(transparent)]
    Exec(ExecError),
    /// Git.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] crate::exec::secret::SecretError),
    /// A rollout does not do what was asked of it.
    #[error(transparent)]
    Delivery(#[from] RolloutError),
    /// A commit that is to be compared with is of no use.
    #[error("there is no comparing with commit {commit}")]
    Commit {
        /// Which.
        commit: String,
        /// Why.
        source: Box<AppError>,
    },
    /// A person did not want to wait.
    #[error("interrupted")]
    Interrupted,
    /// A file of ours.
    #[error("cannot use {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl From<ExecError> for AppError {
    /// What the ledger says during a run is what it says before one: a lock, no room, damage.
    fn from(error: ExecError) -> Self {
        let ExecError::Journal(JournalError(source)) = error else { return Self::Exec(error) };
        match source.downcast() {
            Ok(ledger) => Self::Ledger(*ledger),
            Err(other) => Self::Exec(ExecError::Journal(JournalError(other))),
        }
    }
}

impl AppError {
    /// A request that cannot be fulfilled.
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: Some(help.into()) }
    }

    /// True where writing to the document or to a catalogue mends it.
    pub fn is_of_what_is_written(&self) -> bool {
        matches!(
            self,
            Self::Document(_) | Self::Catalogue(_) | Self::Resolve(_) | Self::Select(_) | Self::Source(_)
        )
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::Source(_) | Self::Config(_) | Self::Select(_) | Self::Secret(_) => {
                Exit::Usage
            }
            Self::Commit { .. } => Exit::Usage,
            Self::Interrupted => Exit::Interrupted,
            Self::Git(error) => git_exit(error),
            Self::Ledger(error) => Exit::from_code(error.exit_code()),
            Self::Lease(error) => Exit::from_code(error.exit_code()),
            Self::Document(findings) if findings.is_cycle() => Exit::Cycle,
            Self::Document(_) => Exit::Parse,
            Self::Catalogue(findings) => findings.catalogue_exit(),
            Self::Rollout(_) => Exit::Schema,
            Self::Delivery(error) => error.exit(),
            Self::Resolve(ResolveError::Cycle(_)) => Exit::Cycle,
            Self::Resolve(ResolveError::Unbound(_) | ResolveError::UnknownNeed { .. }) => Exit::Binding,
            Self::Resolve(ResolveError::Select(_) | ResolveError::UnmetDependencies(_)) => Exit::Usage,
            Self::Resolve(_) | Self::Graph(_) | Self::Exec(_) | Self::Io { .. } => Exit::Internal,
        }
    }

    /// What a person can do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Usage { help, .. } => help.clone(),
            Self::Source(SourceError::Missing { nearest: Some(near), .. }) => {
                Some(format!("did you mean {near}?"))
            }
            Self::Source(SourceError::Read { source, .. })
            | Self::Config(ConfigError::Read { source, .. }) => source.help().map(str::to_owned),
            Self::Lease(LeaseError::Store(error)) => error.help(),
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                Some("free some room and repeat the command".to_owned())
            }
            Self::Ledger(error) => error.help(),
            Self::Delivery(error) => error.help(),
            Self::Git(error) => error.help().map(str::to_owned),
            Self::Commit { commit, source } => Some(commit_help(commit, source)),
            Self::Select(error) | Self::Resolve(ResolveError::Select(error)) => candidates(error),
            Self::Resolve(error) => resolve_help(error),
            Self::Lease(LeaseError::Busy { .. }) => Some(
                "wait for it, follow it with `taskmaster tasks list`, or use another --state-dir".to_owned(),
            ),
            _ => None,
        }
    }
}

/// A name that cannot be is the caller's fault, a remote that does not answer nobody's here.
fn git_exit(error: &GitError) -> Exit {
    match error {
        GitError::Interrupted => Exit::Interrupted,
        GitError::Busy { .. } => Exit::Busy,
        error if error.is_of_the_remote() => Exit::Unreachable,
        GitError::System { .. } | GitError::Corrupt { .. } | GitError::Failed { .. } => Exit::Internal,
        _ => Exit::Usage,
    }
}

impl AppError {
    /// What is wrong in texts, where that is the reason.
    pub fn findings(&self) -> Option<&Findings> {
        match self {
            Self::Document(findings) | Self::Catalogue(findings) | Self::Rollout(findings) => Some(findings),
            Self::Commit { source, .. } => source.findings(),
            _ => None,
        }
    }
}

fn commit_help(commit: &str, why: &AppError) -> String {
    let own = match why {
        AppError::Document(_) | AppError::Catalogue(_) => None,
        why => why.help(),
    };
    own.unwrap_or_else(|| format!("it was broken then: name one before it, such as git:{commit}~1"))
}

impl Findings {
    /// True where the only errors are cycles.
    fn is_cycle(&self) -> bool {
        let mut errors = self.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        errors.all(|diagnostic| diagnostic.code == "dependency-cycle")
    }

    /// 13 where a file cannot be understood, else 12.
    fn catalogue_exit(&self) -> Exit {
        let mut errors = self.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        if errors.all(|diagnostic| diagnostic.code.starts_with("bind-")) {
            Exit::Binding
        } else {
            Exit::Schema
        }
    }
}

fn candidates(error: &SelectError) -> Option<String> {
    if let Some(near) = &error.did_you_mean {
        return Some(format!("did you mean `{near}`?"));
    }
    let shown = error.candidates.iter().map(|candidate| match &candidate.number {
        Some(number) => format!("  {number:<8} {} ({})", candidate.title, candidate.id),
        None => format!("  {} ({})", candidate.title, candidate.id),
    });
    let list: Vec<String> = shown.collect();
    (!list.is_empty()).then(|| format!("one of\n{}", list.join("\n")))
}

fn resolve_help(error: &ResolveError) -> Option<String> {
    match error {
        ResolveError::Cycle(edges) => {
            let lines =
                edges.iter().map(|e| format!("  {} waits for {} ({})", e.task, e.dependency, e.place));
            Some(lines.collect::<Vec<_>>().join("\n"))
        }
        ResolveError::UnmetDependencies(unmet) => {
            let lines =
                unmet.iter().map(|u| format!("  {} (needed by {}): {}", u.task, u.needed_by, u.reason));
            let list = lines.collect::<Vec<_>>().join("\n");
            Some(format!("run them first, or add --with-dependencies\n{list}"))
        }
        ResolveError::UnknownNeed { did_you_mean: Some(near), .. } => Some(format!("did you mean `{near}`?")),
        _ => None,
    }
}
