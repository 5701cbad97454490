//! Looks on while a run is at work, and keeps the marks of its document up to date.

use super::file::{Replaced, replace};
use super::{Evidence, texts};
use crate::app::source::{self, DocumentText};
use crate::app::workspace::{ReadOptions, Workspace};
use crate::clock;
use crate::exec::ports::Observer;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use taskmaster_core::id::{Digest, TaskId};
use taskmaster_core::journal::{Entry, Record};
use taskmaster_prd::{Options, SourceText};

/// Least time between two writes of a run.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the last write of a run is tried while somebody else writes the file.
const TRIES: usize = 5;

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Files that were written, by their names.
    pub files: BTreeSet<String>,
    /// Why something was not, a line each.
    pub warnings: Vec<String>,
    /// True where the document holds what was read, but for marks of ours.
    pub is_own: bool,
}

/// An observer around another one.
pub struct WriteBack<'a> {
    inner: &'a mut dyn Observer,
    workspace: &'a Workspace,
    /// The document, as it is read again.
    read: ReadOptions,
    evidence: Evidence,
    /// The document as it was read, or as we wrote it last.
    known: Digest,
    marks: Marks,
    is_due: bool,
    last: Option<Instant>,
}

impl<'a> WriteBack<'a> {
    /// Writes marks of the document at `read`, whose text is `text`, as evidence comes in.
    pub fn new(
        inner: &'a mut dyn Observer,
        workspace: &'a Workspace,
        read: ReadOptions,
        text: &DocumentText,
        evidence: Evidence,
    ) -> Self {
        let known = text.digest.clone();
        let marks = Marks { is_own: true, ..Marks::default() };
        Self { inner, workspace, read, evidence, known, marks, is_due: true, last: None }
    }

    /// The last write, and what came of all of them.
    pub fn finish(mut self) -> Marks {
        for _ in 0..TRIES {
            self.write();
            if !self.is_due {
                break;
            }
        }
        if self.is_due {
            self.warn("somebody else writes it all the time".to_owned());
        }
        self.marks
    }

    fn write(&mut self) {
        self.is_due = false;
        self.last = Some(clock::monotonic());
        let path = self.read.document.clone().unwrap_or_default();
        let text = match source::document(&self.workspace.project.root, &self.workspace.working_dir, &path) {
            Ok(text) => text,
            Err(error) => return self.warn(error.to_string()),
        };
        self.marks.is_own &= text.digest == self.known;
        let named: Vec<SourceText<'_>> =
            text.sources.iter().map(|source| SourceText { name: &source.name, text: &source.text }).collect();
        let options = Options { dialect: self.read.dialect, ordering: self.read.ordering };
        let new = match texts(&named, &options, &self.evidence) {
            Ok(new) => new,
            Err(error) => return self.warn(format!("{} is left as it is: {error}", path.display())),
        };
        let mut now = text.clone();
        for (index, new) in new {
            let source = &text.sources[index];
            match replace(&self.path_of(&source.name), &source.text, &new) {
                Ok(Replaced::Yes) => {
                    self.marks.files.insert(source.name.clone());
                    now.sources[index].text = new;
                }
                Ok(Replaced::Changed) => self.is_due = true,
                Err(error) => self.warn(format!("marks cannot be written to {}: {error}", source.name)),
            }
        }
        self.known = source::digest(&now.sources);
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.workspace.working_dir.join(name)
    }

    /// Each is said once.
    fn warn(&mut self, warning: String) {
        if !self.marks.warnings.contains(&warning) {
            self.marks.warnings.push(warning);
        }
    }
}

impl Observer for WriteBack<'_> {
    fn entry(&mut self, entry: &Entry) {
        if let Record::TaskState { id, to, .. } = &entry.record {
            self.evidence.note(id, to.clone());
            self.is_due = true;
        }
        self.inner.entry(entry);
    }

    fn output(&mut self, task: &TaskId, last_line: &str) {
        self.inner.output(task, last_line);
    }

    fn note(&mut self, task: &TaskId, text: &str) {
        self.inner.note(task, text);
    }

    fn stopping(&mut self, wishes: u32, at_work: usize) {
        self.inner.stopping(wishes, at_work);
    }

    fn tick(&mut self) {
        let is_time = self.last.is_none_or(|last| clock::monotonic().duration_since(last) >= PAUSE);
        if self.is_due && is_time {
            self.write();
        }
        self.inner.tick();
    }
}
