//! Write-back of a sync: marks of the document from evidence, as a commit that names the run.
//!
//! The commit is made without a checkout, on the commit that was synced, and pushed if the branch still stands there.
//! Where somebody else was faster it is put onto theirs by Git's own merge; where that conflicts it is dropped, the newer
//! text is synced first, and its marks are written then. It never answers itself: a commit of marks brings nothing to
//! do, and where all marks say what is known there is no commit.

use super::act::Syncer;
use crate::app::error::AppError;
use crate::app::ledger::{Ledger, TaskEvidence};
use crate::app::plan::Prepared;
use crate::app::write_back::{Evidence, texts};
use crate::git::commit::CommitId;
use crate::git::error::GitError;
use crate::git::names;
use crate::git::push::PushError;
use crate::git::write::{Author, RebaseError};
use std::collections::{BTreeMap, HashMap};
use taskmaster_core::id::{RunId, TaskKey};
use taskmaster_core::state::TaskState;
use taskmaster_prd::{Options, SourceText};

/// So often a commit is put onto what others pushed meanwhile.
const TRIES: usize = 5;

/// How marks are written back.
#[derive(Clone, Debug)]
pub struct WriteBackOptions {
    /// The branch that they are pushed to; the one that is followed where none is named.
    pub branch: Option<String>,
    /// Who the commits are by.
    pub author: Author,
}

/// What came of writing back.
#[derive(Debug, Default)]
pub(super) struct WrittenBack {
    /// What is worth telling.
    pub(super) note: Option<String>,
    /// The branch that is followed stands at a commit of ours now.
    pub(super) moved: bool,
}

impl WrittenBack {
    fn told(note: String) -> Self {
        Self { note: Some(note), moved: false }
    }
}

impl Syncer {
    /// Writes the marks that do not say yet what is known. That it cannot be done is told, and no failure of the sync.
    pub(super) fn write_back(
        &self,
        prepared: &Prepared,
        commit: &CommitId,
        run: Option<&RunId>,
    ) -> Result<WrittenBack, AppError> {
        let Some(options) = &self.options.write_back else { return Ok(WrittenBack::default()) };
        let ledger = self.ledger()?;
        let new = match new_texts(&ledger, prepared)? {
            Ok(new) if new.is_empty() => return Ok(WrittenBack::default()),
            Ok(new) => new,
            Err(why) => return Ok(WrittenBack::told(format!("marks were not written back: {why}"))),
        };
        match self.publish(options, prepared, commit, &new, run) {
            Ok(written) => Ok(written),
            Err(GitError::Interrupted) => Err(AppError::Interrupted),
            Err(fault) => Ok(WrittenBack::told(format!("marks were not written back: {fault}"))),
        }
    }

    fn publish(
        &self,
        options: &WriteBackOptions,
        prepared: &Prepared,
        commit: &CommitId,
        new: &BTreeMap<usize, String>,
        run: Option<&RunId>,
    ) -> Result<WrittenBack, GitError> {
        let message = message(&prepared.reading.text.path, self.name(), run);
        let mut ours = commit.clone();
        for (source, text) in new {
            let name = &prepared.reading.text.sources[*source].name;
            let path = self.options.project.join(name);
            let path = path.to_string_lossy();
            ours = self.mirror.commit_file(&ours, &path, text.as_bytes(), &message, &options.author)?;
        }
        match options.branch.as_deref().filter(|branch| Some(*branch) != names::branch(self.git_ref())) {
            Some(branch) => self.propose(&ours, branch, commit, prepared, new),
            None => self.push_straight(ours, commit),
        }
    }

    /// Onto a branch of its own, which is made anew from the commit that was synced.
    fn propose(
        &self,
        ours: &CommitId,
        branch: &str,
        commit: &CommitId,
        prepared: &Prepared,
        new: &BTreeMap<usize, String>,
    ) -> Result<WrittenBack, GitError> {
        let tip = match self.mirror.fetch(&format!("refs/heads/{branch}")) {
            Ok(tip) => Some(tip),
            Err(GitError::NoRef { .. }) => None,
            Err(fault) => return Err(fault),
        };
        if let Some(tip) = &tip
            && self.says_so_already(tip, commit, prepared, new)?
        {
            return Ok(WrittenBack::default());
        }
        match self.mirror.replace(ours, branch, tip.as_ref()) {
            Ok(()) => Ok(WrittenBack::told(format!("marks were written to `{branch}` as {}", ours.short()))),
            Err(PushError::Git(fault)) => Err(fault),
            Err(other) => Ok(WrittenBack::told(format!("marks were not written to `{branch}`: {other}"))),
        }
    }

    /// True where the branch comes from this commit and has these texts.
    fn says_so_already(
        &self,
        tip: &CommitId,
        commit: &CommitId,
        prepared: &Prepared,
        new: &BTreeMap<usize, String>,
    ) -> Result<bool, GitError> {
        if !self.mirror.is_ancestor(commit, tip)? {
            return Ok(false);
        }
        for (source, text) in new {
            let path = self.options.project.join(&prepared.reading.text.sources[*source].name);
            if self.mirror.read(tip, &path.to_string_lossy())? != text.as_bytes() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Onto the branch that is followed.
    fn push_straight(&self, mut ours: CommitId, commit: &CommitId) -> Result<WrittenBack, GitError> {
        let Some(branch) = names::branch(self.git_ref()) else {
            let note = format!("marks were not written back: {} is no branch", self.git_ref());
            return Ok(WrittenBack::told(note));
        };
        let mut tip = commit.clone();
        for _ in 0..TRIES {
            match self.mirror.push(&ours, branch, Some(&tip)) {
                Ok(()) => {
                    let note = Some(format!("marks were written back as {}", ours.short()));
                    return Ok(WrittenBack { note, moved: true });
                }
                Err(PushError::Moved | PushError::NotAfter) => {}
                Err(PushError::Git(fault)) => return Err(fault),
                Err(other) => {
                    return Ok(WrittenBack::told(format!("marks were not written back: {other}")));
                }
            }
            tip = self.mirror.fetch(self.git_ref())?;
            match self.mirror.rebase(&ours, &tip) {
                Ok(rebased) if rebased == tip => return Ok(WrittenBack { note: None, moved: true }),
                Ok(rebased) => ours = rebased,
                Err(RebaseError::Conflict { .. }) => {
                    let note =
                        "marks wait: somebody changed the same lines, which are synced first".to_owned();
                    return Ok(WrittenBack { note: Some(note), moved: true });
                }
                Err(RebaseError::Git(fault)) => return Err(fault),
            }
        }
        Ok(WrittenBack::told("marks were not written back: the branch never stood still".to_owned()))
    }
}

/// The texts with the marks of now, by the index of their source; else why they are left as they are.
fn new_texts(
    ledger: &Ledger,
    prepared: &Prepared,
) -> Result<Result<BTreeMap<usize, String>, String>, AppError> {
    let known = ledger.evidence(&prepared.reading.id, &prepared.environment)?;
    let evidence = Evidence::new(prepared, &undone_where_drifted(known));
    let sources: Vec<SourceText<'_>> = prepared
        .reading
        .text
        .sources
        .iter()
        .map(|source| SourceText { name: &source.name, text: &source.text })
        .collect();
    Ok(texts(&sources, &Options::default(), &evidence).map_err(|fault| fault.to_string()))
}

/// What is no longer so is not ticked.
fn undone_where_drifted(mut known: HashMap<TaskKey, TaskEvidence>) -> HashMap<TaskKey, TaskEvidence> {
    for found in known.values_mut().filter(|found| found.drifted.is_some()) {
        found.state = TaskState::Pending;
    }
    known
}

/// The message, with trailers that name the sync and the run.
fn message(path: &str, sync: &str, run: Option<&RunId>) -> String {
    let run = run.map(|run| format!("Taskmaster-Run: {run}\n")).unwrap_or_default();
    // The name of a file is whatever a commit says: it stays in its line.
    let path = crate::report::clean_lines(path).join(" ");
    format!("Marks of {path} as they are proved\n\nTaskmaster-Sync: {sync}\n{run}")
}
