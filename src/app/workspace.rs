//! A project as the use cases see it: which document, which environment, which ledger.

use super::error::{AppError, Findings};
use super::ledger::{KnownDocument, Ledger};
use super::source::{self, DocumentText};
use super::sync::status;
use crate::config::{DEFAULT_ENVIRONMENT, Project};
use crate::store::{Access, Store};
use std::path::{Path, PathBuf};
use taskmaster_core::document::{Dialect, Ordering};
use taskmaster_core::id::{DocumentId, EnvironmentName};
use taskmaster_prd::Parsed;

/// A project and where the user stands in it.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The project.
    pub project: Project,
    /// Paths of the command line are relative to it.
    pub working_dir: PathBuf,
    /// A document that is known by another name than its path: its path below the project, and that name.
    pub known_as: Option<(String, DocumentId)>,
}

/// How a document is to be read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The document as the user named it.
    pub document: Option<PathBuf>,
    /// Notation, instead of the recognised one.
    pub dialect: Option<Dialect>,
    /// Which implicit edges are drawn.
    pub ordering: Option<Ordering>,
    /// Warnings are errors.
    pub strict: bool,
    /// What it is known by where its front matter names no `id`; its path otherwise.
    pub identity: Option<DocumentId>,
}

/// Most blocks of a document: about 250,000 tasks in 1 GiB of memory.
const MAX_BLOCKS: usize = 1_000_000;

/// A document that was read and parsed.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Its identity: the front matter's `id`, else its path.
    pub id: DocumentId,
    /// Its text.
    pub text: DocumentText,
    /// What the parser made of it. Its diagnostics are in `findings`.
    pub parsed: Parsed,
    /// What is wrong in it.
    pub findings: Findings,
}

impl Workspace {
    /// Reads and parses the document that is meant. Errors in it are findings, not failures.
    pub fn read(&self, options: &ReadOptions) -> Result<Reading, AppError> {
        let path = self.document_path(options.document.as_deref())?;
        let text = source::document(&self.project.root, &self.working_dir, &path)?;
        let sources: Vec<_> = text
            .sources
            .iter()
            .map(|source| taskmaster_prd::SourceText { name: &source.name, text: &source.text })
            .collect();
        let settings = taskmaster_prd::Options { dialect: options.dialect, ordering: options.ordering };
        let mut parsed = taskmaster_prd::parse_bounded(&sources, &settings, MAX_BLOCKS);
        let diagnostics = std::mem::take(&mut parsed.diagnostics);
        let findings = Findings { sources: text.sources.clone(), diagnostics }.strict(options.strict);
        let known_as = self.known_as.iter().find(|(path, _)| *path == text.path).map(|(_, id)| id);
        let known = options.identity.as_ref().or(known_as);
        let known = || known.cloned().unwrap_or_else(|| DocumentId::new(&text.path));
        let id = parsed.document.metadata.id.clone().unwrap_or_else(known);
        Ok(Reading { id, text, parsed, findings })
    }

    /// The same, but errors in the document end it (exit 10 or 11).
    pub fn read_sound(&self, options: &ReadOptions) -> Result<Reading, AppError> {
        let reading = self.read(options)?;
        if reading.findings.has_errors() {
            return Err(AppError::Document(Box::new(reading.findings)));
        }
        Ok(reading)
    }

    /// The path of the document: named, else configured, else the only one parsed.
    pub(super) fn document_path(&self, named: Option<&Path>) -> Result<PathBuf, AppError> {
        if let Some(path) = named {
            return Ok(path.to_owned());
        }
        if let Some(path) = &self.project.settings.document {
            return Ok(self.shown(&self.project.root.join(path)));
        }
        let ledger = self.ledger_if_any()?;
        let known = ledger.as_ref().map_or_else(|| Ok(Vec::new()), |ledger| ledger.documents())?;
        let stands = |document: &KnownDocument| self.project.root.join(&document.path).exists();
        if let Some(ledger) = ledger.as_ref().filter(|_| !known.iter().any(stands))
            && let several @ [_, _, ..] = status::in_force(ledger)?.as_slice()
        {
            let help = format!("name one: --sync {}", several.join(", --sync "));
            return Err(AppError::usage("there are several syncs, each with a document", help));
        }
        match known.as_slice() {
            [only] => Ok(self.shown(&self.project.root.join(&only.path))),
            [] => Err(AppError::usage("no document was parsed yet", "name one: taskmaster parse PRD.md")),
            several => Err(AppError::usage("several documents are known", list(several))),
        }
    }

    /// Whether a command takes this document, by its path below the project, when none is named.
    pub(super) fn is_document(&self, path: &str, ledger: Option<&Ledger>) -> bool {
        let is_it = |other: &str| self.project.root.join(other) == self.project.root.join(path);
        match &self.project.settings.document {
            Some(configured) => is_it(configured),
            None => {
                let known = ledger.and_then(|ledger| ledger.documents().ok());
                known.unwrap_or_default().iter().all(|document| is_it(&document.path))
            }
        }
    }

    /// The path of a document as one types it in the working directory.
    pub(super) fn path_of(&self, document: &str) -> PathBuf {
        self.shown(&self.project.root.join(document))
    }

    fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.working_dir).unwrap_or(path).to_owned()
    }

    /// The environment: named, else configured, else `local`.
    pub fn environment(&self, named: Option<&str>) -> EnvironmentName {
        let configured = self.project.settings.environment.as_deref();
        EnvironmentName::from(named.or(configured).unwrap_or(DEFAULT_ENVIRONMENT))
    }

    /// The ledger, made where it is absent.
    pub fn ledger(&self) -> Result<Ledger, AppError> {
        Ok(Ledger::open(&self.project.state_dir, Access::ReadWrite)?)
    }

    /// The ledger to be proved; none where nothing was recorded yet.
    pub fn ledger_to_audit(&self) -> Result<Option<Ledger>, AppError> {
        if !Store::exists(&self.project.state_dir) {
            return Ok(None);
        }
        Ok(Some(Ledger::open_to_audit(&self.project.state_dir)?))
    }

    /// The ledger for reading; none where nothing was recorded yet.
    pub fn ledger_if_any(&self) -> Result<Option<Ledger>, AppError> {
        if !Store::exists(&self.project.state_dir) {
            return Ok(None);
        }
        Ok(Some(Ledger::open(&self.project.state_dir, Access::ReadOnly)?))
    }
}

fn list(documents: &[KnownDocument]) -> String {
    let lines = documents.iter().map(|document| format!("  {}", document.path));
    format!("name one of\n{}", lines.collect::<Vec<_>>().join("\n"))
}
