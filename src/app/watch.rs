//! `run --watch`: waits until a file that the plan is made from changes.
//!
//! Files are looked at, not subscribed to: that works on every file system, network and container mounts included, sees
//! editors that replace files, and costs at most a twentieth of a processor, as looks become rarer where they take long.

use super::bell::Bell;
use super::error::AppError;
use super::plan::{self, Prepared};
use super::source;
use super::workspace::{ReadOptions, Workspace};
use crate::clock;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Shortest time between two looks.
const LOOK: Duration = Duration::from_millis(250);
/// So many times as long as a look took, nobody looks.
const REST: u32 = 19;

/// The files that the plan of a run is made from.
#[derive(Debug)]
pub struct Watch {
    document: PathBuf,
    catalogues: PathBuf,
    root: PathBuf,
    /// Globs below the root whose contents belong to actions.
    inputs: BTreeSet<String>,
    /// How the files were when the plan was made.
    seen: Seen,
}

/// Files, and how they were at one look; none where one could not be looked at.
type Seen = BTreeMap<PathBuf, Option<Stamp>>;

/// What differs once somebody wrote to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    changed: (i64, i64),
    length: u64,
    inode: u64,
}

impl Watch {
    /// The document and the catalogues of a project.
    pub fn new(workspace: &Workspace, read: &ReadOptions) -> Result<Self, AppError> {
        let document = workspace.document_path(read.document.as_deref())?;
        Ok(Self {
            document: workspace.working_dir.join(document),
            catalogues: workspace.project.catalogue_dir(),
            root: workspace.project.root.clone(),
            inputs: BTreeSet::new(),
            seen: Seen::new(),
        })
    }

    /// A plan is about to be made: what is written from now on is news.
    pub fn begin(&mut self) {
        self.seen = self.look();
    }

    /// The plan was made. From now on also the files count that its actions name as theirs.
    pub fn learn(&mut self, prepared: &Prepared) {
        let bindings = prepared.bound.bindings.values();
        self.inputs = bindings.flat_map(|binding| binding.inputs.iter().cloned()).collect();
        let known = std::mem::take(&mut self.seen);
        self.seen = self.look().into_iter().chain(known).collect();
    }

    /// How many files are looked at.
    pub fn files(&self) -> usize {
        self.seen.len()
    }

    fn look(&self) -> Seen {
        let mut files = source::document_files(&self.document);
        files.extend(source::catalogue_files(&self.catalogues));
        for glob in &self.inputs {
            files.extend(plan::expand(&self.root, glob).unwrap_or_default());
        }
        files.into_iter().map(|file| (file.clone(), stamp(&file))).collect()
    }

    /// Waits until the files are others than they were, and nobody writes to them any more; false where the bell was
    /// rung first.
    pub fn wait(&self, bell: &Bell) -> bool {
        let mut last = self.seen.clone();
        loop {
            let began = clock::monotonic();
            let now = self.look();
            if now != self.seen && now == last {
                return true;
            }
            last = now;
            if bell.wait(LOOK.max(began.elapsed() * REST)) || bell.is_stopped() {
                return false;
            }
        }
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(file).ok()?;
    Some(Stamp {
        modified: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
        length: found.len(),
        inode: found.ino(),
    })
}
