//! What the files of one side mean.

use super::tree::{Layout, Tree};
use crate::app::error::{AppError, Findings};
use crate::app::plan::{Binder, Request, Surroundings};
use crate::app::source::SourceError;
use crate::app::views;
use crate::app::workspace::{ReadOptions, Reading, Workspace};
use crate::git::commit::CommitId;
use crate::report::view::DiagnosticView;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taskmaster_core::action::{Binding, Bindings};
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::difference::{self, Files};
use taskmaster_core::document::Document;
use taskmaster_core::id::{Digest, DocumentId, EnvironmentName, TaskKey};
use taskmaster_core::plan::Plan;
use taskmaster_core::resolve;
use taskmaster_core::select::Selection;

/// One side, read, bound and resolved.
#[derive(Debug)]
pub(super) struct Side {
    /// None where the document does not exist there.
    pub(super) reading: Option<Reading>,
    pub(super) document: Document,
    pub(super) id: DocumentId,
    pub(super) environment: EnvironmentName,
    pub(super) bindings: Bindings,
    pub(super) files: Files,
    pub(super) plan: Plan,
    /// Warnings about document and catalogue.
    pub(super) warnings: Vec<DiagnosticView>,
}

impl Side {
    /// Reads the side that is to come. What is wrong there ends it, as it ends a plan.
    pub(super) fn head(tree: &Tree, layout: &Layout, request: &Request) -> Result<Self, AppError> {
        let workspace = tree.workspace(layout)?;
        let path = document_path(tree, &workspace, layout)?;
        tree.bring_file(layout, &path)?;
        Self::of(tree, layout, &workspace, path, request)
    }

    /// Reads the side that stands. A document that does not exist there holds nothing; warnings are none
    /// of today's business.
    pub(super) fn base(
        tree: &Tree,
        layout: &Layout,
        request: &Request,
        head: &Self,
    ) -> Result<Self, AppError> {
        let workspace = tree.workspace(layout)?;
        let path = document_path(tree, &workspace, layout).or_else(|fault| {
            head.reading.as_ref().map(|reading| PathBuf::from(&reading.text.path)).ok_or(fault)
        })?;
        tree.bring_file(layout, &path)?;
        let mut request = request.clone();
        request.read.strict = false;
        match Self::of(tree, layout, &workspace, path, &request) {
            Err(AppError::Source(SourceError::Missing { .. } | SourceError::Empty { .. })) => {
                Ok(Self::nothing(&workspace, &request, head))
            }
            side => side,
        }
    }

    fn nothing(workspace: &Workspace, request: &Request, head: &Self) -> Self {
        let environment = workspace.environment(request.environment.as_deref());
        let (document, revision, number) = (head.id.clone(), 1, 1);
        Self {
            reading: None,
            document: Document::default(),
            id: head.id.clone(),
            plan: Plan { number, document, revision, environment: environment.clone(), tasks: Vec::new() },
            environment,
            bindings: BTreeMap::new(),
            files: Files::new(),
            warnings: Vec::new(),
        }
    }

    fn of(
        tree: &Tree,
        layout: &Layout,
        workspace: &Workspace,
        path: PathBuf,
        request: &Request,
    ) -> Result<Self, AppError> {
        let options = ReadOptions { document: Some(path), ..request.read.clone() };
        let reading = workspace.read_sound(&options)?;
        let environment = workspace.environment(request.environment.as_deref());
        let anywhere = Surroundings::anywhere();
        let (binder, findings) = Binder::load(workspace, &reading, &environment, request, anywhere)?;
        let (expanded, findings) = binder.expand(&reading.parsed.document, findings)?;
        let document = expanded.unwrap_or_else(|| reading.parsed.document.clone());
        let (mut bound, catalogue) = binder.bind(&document, &Arc::default(), findings)?;
        let files = files(tree, layout, &binder, &bound.bindings)?;
        let keys = document.tasks.iter().map(|task| (task.id.clone(), TaskKey::new(task.id.as_str())));
        let resolved = resolve::resolve(
            &resolve::Inputs {
                document: &document,
                document_id: &reading.id,
                revision: 1,
                environment: &environment,
                number: 1,
                bindings: &bound.bindings,
                keys: &keys.collect(),
                recorded: &HashMap::new(),
            },
            &Selection::default(),
            &request.resolve_options(),
        )?;
        let mut diagnostics = std::mem::take(&mut bound.document_diagnostics);
        diagnostics.extend(resolved.diagnostics);
        let binding = Findings { sources: reading.text.sources.clone(), diagnostics };
        Ok(Self {
            warnings: warnings(&[&reading.findings, &binding, &catalogue]),
            id: reading.id.clone(),
            reading: Some(reading),
            document,
            environment,
            bindings: bound.bindings,
            files,
            plan: resolved.plan,
        })
    }

    /// A file of the working tree may be written in another form than its commit has it (line ends, filters).
    /// Where Git takes it for the same, it is the same here.
    pub(super) fn forget_forms(
        &mut self,
        base: &Self,
        commit: &CommitId,
        layout: &Layout,
    ) -> Result<(), AppError> {
        let known: BTreeMap<&String, &Digest> = base.files.values().flatten().collect();
        let differs =
            |(path, digest): (&String, &Digest)| known.get(path).is_some_and(|known| *known != digest);
        if !self.files.values().flatten().any(differs) {
            return Ok(());
        }
        let globs = self.bindings.values().flat_map(|binding| &binding.inputs);
        let paths: Vec<String> = globs.filter_map(|glob| layout.glob(glob)).collect();
        let changed = layout.repository().changed_since(commit, &paths)?;
        for (path, digest) in self.files.values_mut().flatten() {
            if let Some(known) = known.get(path).filter(|_| !changed.contains(&layout.below_root(path))) {
                digest.clone_from(known);
            }
        }
        Ok(())
    }

    /// As the comparison takes it.
    pub(super) fn compared(&self) -> difference::Side<'_> {
        difference::Side {
            document: &self.document,
            document_id: &self.id,
            environment: &self.environment,
            bindings: &self.bindings,
            files: &self.files,
            plan: &self.plan,
        }
    }
}

/// The document as named, else as the settings of that side have it. No ledger is asked for one.
fn document_path(tree: &Tree, workspace: &Workspace, layout: &Layout) -> Result<PathBuf, AppError> {
    match (&layout.document, &workspace.project.settings.document) {
        (Some(named), _) => Ok(named.clone()),
        (None, Some(configured)) => tree.inside(layout, Path::new(configured)),
        (None, None) => {
            let help = "name one: taskmaster plan PRD.md --against …, or set `document` in taskmaster.toml";
            Err(AppError::usage("no document is named", help))
        }
    }
}

fn files(tree: &Tree, layout: &Layout, binder: &Binder, bindings: &Bindings) -> Result<Files, AppError> {
    let globs: BTreeSet<&String> = bindings.values().flat_map(|binding| &binding.inputs).collect();
    let committed = tree.bring_inputs(layout, &globs)?;
    let is_kept = |path: &String| {
        committed.as_ref().is_none_or(|committed| committed.contains(&layout.below_root(path)))
    };
    let of_one = |binding: &Binding| -> Result<_, AppError> {
        let inside: Vec<String> =
            binding.inputs.iter().filter(|glob| layout.glob(glob).is_some()).cloned().collect();
        let contents = binder.contents(&inside)?;
        let kept = contents.into_iter().filter(|(path, _)| is_kept(path)).collect();
        Ok((binding.task.clone(), kept))
    };
    bindings.values().filter(|binding| !binding.inputs.is_empty()).map(|binding| of_one(binding)).collect()
}

fn warnings(findings: &[&Findings]) -> Vec<DiagnosticView> {
    let mut all: Vec<DiagnosticView> = findings.iter().flat_map(|found| views::diagnostics(found)).collect();
    all.retain(|diagnostic| diagnostic.severity > Severity::Note);
    all
}
