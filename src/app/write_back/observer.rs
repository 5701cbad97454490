//! Looks on while a run is at work, and keeps the marks of its document up to date.

use super::file::{Replaced, replace};
use super::{Evidence, texts};
use crate::app::source::{self, DocumentText};
use crate::app::workspace::{ReadOptions, Workspace};
use crate::clock;
use crate::exec::ports::Observer;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use taskmaster_core::id::{Digest, DocumentId, EnvironmentName, TaskId};
use taskmaster_core::journal::{Entry, Record};
use taskmaster_prd::{Options, SourceText};

/// Least time between two writes of a run.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the last write of a run is tried while somebody else writes the file, and how long between two tries.
const TRIES: usize = 10;
const LOOK: Duration = Duration::from_millis(50);

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Files that were written, by their names.
    pub files: BTreeSet<String>,
    /// Why something was not, a line each.
    pub warnings: Vec<String>,
    /// The document as we wrote it last; none where nothing was written, or somebody else wrote it too.
    pub own: Option<Digest>,
}

/// Which document, and where its tasks are done.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// Its project.
    pub workspace: &'a Workspace,
    /// How it is read again.
    pub read: ReadOptions,
    /// Its identity.
    pub document: DocumentId,
    /// The environment.
    pub environment: EnvironmentName,
    /// The document as it was read.
    pub digest: Digest,
}

/// An observer around another one.
pub struct WriteBack<'a> {
    inner: &'a mut dyn Observer,
    subject: Subject<'a>,
    evidence: Evidence,
    /// The document as it was read last, or as we wrote it since.
    known: Digest,
    /// It holds what was read when the run began, but for marks of ours.
    is_own: bool,
    marks: Marks,
    is_due: bool,
    last: Option<Instant>,
}

impl<'a> WriteBack<'a> {
    /// Writes marks of the document as evidence comes in.
    pub fn new(inner: &'a mut dyn Observer, subject: Subject<'a>, evidence: Evidence) -> Self {
        let known = subject.digest.clone();
        let marks = Marks::default();
        Self { inner, subject, evidence, known, is_own: true, marks, is_due: true, last: None }
    }

    /// The last write, and what came of all of them.
    pub fn finish(mut self) -> Marks {
        self.write();
        for _ in 1..TRIES {
            if self.is_due {
                std::thread::sleep(LOOK);
                self.write();
            }
        }
        if self.is_due {
            self.warn("marks are not written: somebody else writes the document all the time".to_owned());
        }
        self.marks.own = (self.is_own && !self.marks.files.is_empty()).then_some(self.known);
        self.marks
    }

    fn write(&mut self) {
        self.is_due = false;
        self.last = Some(clock::monotonic());
        let Subject { workspace, read, .. } = &self.subject;
        let path = read.document.clone().unwrap_or_default();
        let options = Options { dialect: read.dialect, ordering: read.ordering };
        let text = match source::document(&workspace.project.root, &workspace.working_dir, &path) {
            Ok(text) => text,
            Err(error) => {
                self.is_own = false;
                return self.warn(format!("marks are not written: {error}"));
            }
        };
        if text.digest != self.known {
            // Whoever wrote it may not be done: a text counts once it was seen twice.
            (self.known, self.is_own, self.is_due, self.last) = (text.digest, false, true, None);
            return;
        }
        let named: Vec<SourceText<'_>> =
            text.sources.iter().map(|source| SourceText { name: &source.name, text: &source.text }).collect();
        match texts(&named, &options, &self.evidence) {
            Ok(new) => self.replace(text, new),
            Err(error) => self.warn(format!("{} is left as it is: {error}", path.display())),
        }
    }

    fn replace(&mut self, mut text: DocumentText, new: BTreeMap<usize, String>) {
        for (index, new) in new {
            let source = &mut text.sources[index];
            match replace(&self.subject.workspace.working_dir.join(&source.name), &source.text, &new) {
                Ok(Replaced::Yes) => {
                    self.marks.files.insert(source.name.clone());
                    source.text = new;
                }
                Ok(Replaced::Changed) => self.is_due = true,
                Err(error) => {
                    let warning = format!("marks cannot be written to {}: {error}", source.name);
                    self.warn(warning);
                }
            }
        }
        self.known = source::digest(&text.sources);
    }

    fn is_about(&self, document: &DocumentId, environment: &EnvironmentName) -> bool {
        self.subject.document == *document && self.subject.environment == *environment
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
        if let Record::TaskState { document, environment, id, to, .. } = &entry.record
            && self.is_about(document, environment)
        {
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
