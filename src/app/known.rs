//! What a project knows by name, for whoever types one. Reads only, and is silent about every fault.

use super::ledger::{Ledger, Looked, RunFilter};
use super::source;
use super::sync::status;
use super::workspace::{ReadOptions, Workspace};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use taskmaster_core::document::Document;
use taskmaster_core::id::EnvironmentName;

/// Runs that are worth offering.
const MOST_RUNS: usize = 20;

/// Names, and what each of them is.
pub type Names = Vec<(String, String)>;

/// What a project knows.
pub struct Known<'w> {
    workspace: &'w Workspace,
}

impl<'w> Known<'w> {
    /// Of a project.
    pub fn of(workspace: &'w Workspace) -> Self {
        Self { workspace }
    }

    /// Ids of tasks and their titles.
    pub fn tasks(&self, document: Option<&Path>) -> Names {
        let tasks = self.document(document).map(|document| document.tasks).unwrap_or_default();
        tasks.into_iter().map(|task| (task.id.to_string(), task.title)).collect()
    }

    /// Ids of phases and their titles.
    pub fn phases(&self, document: Option<&Path>) -> Names {
        let phases = self.document(document).map(|document| document.phases).unwrap_or_default();
        phases.into_iter().map(|phase| (phase.id.to_string(), phase.title)).collect()
    }

    /// Environments that a catalogue names or that were run.
    pub fn environments(&self) -> Names {
        let ledger = self.ledger();
        let run = ledger.and_then(|ledger| ledger.environments().ok()).unwrap_or_default();
        let mut all: BTreeMap<String, String> =
            run.into_iter().map(|known| (known.name.to_string(), "was run".to_owned())).collect();
        let project = &self.workspace.project;
        let sources = source::catalogues(&self.workspace.working_dir, &project.catalogue_dir());
        let sources = sources.unwrap_or_default();
        let texts: Vec<_> = sources
            .iter()
            .map(|source| taskmaster_catalogue::SourceText { name: &source.name, text: &source.text })
            .collect();
        let named: Vec<EnvironmentName> = taskmaster_catalogue::load(&texts).catalogue.environments();
        all.extend(named.into_iter().map(|name| (name.to_string(), "in the catalogue".to_owned())));
        all.into_iter().collect()
    }

    /// Rollouts of this machine.
    pub fn rollouts(&self) -> Names {
        let memos = self.ledger().and_then(|ledger| ledger.memos("rollout/").ok()).unwrap_or_default();
        let name =
            |(key, _): (String, String)| Some((key.strip_prefix("rollout/")?.to_owned(), String::new()));
        memos.into_iter().filter_map(name).collect()
    }

    /// Syncs.
    pub fn syncs(&self) -> Names {
        let names = self.ledger().and_then(|ledger| status::names(&ledger).ok()).unwrap_or_default();
        names.into_iter().map(|name| (name, String::new())).collect()
    }

    /// The newest runs.
    pub fn runs(&self) -> Names {
        let filter = RunFilter { limit: Some(MOST_RUNS), ..RunFilter::default() };
        let runs = self.ledger().and_then(|ledger| ledger.runs(&filter).ok()).unwrap_or_default();
        let row = |run: super::ledger::RunSummary| (run.id.to_string(), format!("{:.0}", run.started));
        runs.into_iter().map(row).collect()
    }

    /// Documents that were parsed, as one types them here.
    pub fn documents(&self) -> Names {
        let known = self.ledger().and_then(|ledger| ledger.documents().ok()).unwrap_or_default();
        let path = |path: &str| self.workspace.path_of(path);
        let there = known.iter().map(|known| path(&known.path)).filter(|path| path.exists());
        there.map(|path| (path.to_string_lossy().into_owned(), "was parsed".to_owned())).collect()
    }

    fn ledger(&self) -> Option<Ledger> {
        match Ledger::look(&self.workspace.project.state_dir).ok()? {
            Looked::Here { ledger, is_current: true, .. } => Some(*ledger),
            _ => None,
        }
    }

    fn document(&self, named: Option<&Path>) -> Option<Document> {
        let path = self.workspace.known_document(named, self.ledger().as_ref())?;
        let options = ReadOptions { document: Some(path), ..ReadOptions::default() };
        Some(self.workspace.read(&options).ok()?.parsed.document)
    }
}

impl Workspace {
    /// The document that is named, configured or the only one that `ledger` knows.
    pub fn known_document(&self, named: Option<&Path>, ledger: Option<&Ledger>) -> Option<PathBuf> {
        if let Some(named) = named {
            return Some(named.to_owned());
        }
        if let Some(configured) = &self.project.settings.document {
            return Some(self.path_of(configured));
        }
        match ledger?.documents().ok()?.as_slice() {
            [only] => Some(self.path_of(&only.path)),
            _ => None,
        }
    }
}
