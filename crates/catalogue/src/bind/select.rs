//! Which entry is for which task.

use super::find::{Index, find, helped};
use crate::api::{Inputs, Required};
use crate::decode::{Map, Place};
use crate::load::Catalogue;
use crate::model::{Defaults, Entry, EntryFields, File, OutputsSpec, Overlay, VariableSpec};
use crate::template::{Producers, near};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::document::Task;
use taskmaster_core::id::TaskId;

/// A catalogue's entries for the tasks of one document in one environment.
///
/// Made once, it binds and renders any number of times, as outputs become known.
#[derive(Debug)]
pub struct Selection<'c> {
    pub(super) catalogue: &'c Catalogue,
    scopes: Vec<Scope>,
    entries: BTreeMap<TaskId, Candidate<'c>>,
    /// Tasks, and whether each gives outputs.
    pub(super) producers: Arc<Producers>,
    /// Versions of programs that are wanted.
    pub(super) requires: Vec<Required>,
    /// Faults.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// What one file and its environment give to every entry.
#[derive(Debug)]
struct Scope {
    vars: Map<VariableSpec>,
    defaults: Defaults,
}

/// What is written for one task: in the base of a file, in its environment, or in both.
#[derive(Clone, Copy, Debug)]
struct Candidate<'c> {
    scope: usize,
    base: &'c EntryFields,
    over: Option<&'c EntryFields>,
    place: Place,
}

impl<'c> Candidate<'c> {
    fn fields(&self) -> Cow<'c, EntryFields> {
        match self.over {
            Some(over) => Cow::Owned(self.base.overlay(over)),
            None => Cow::Borrowed(self.base),
        }
    }
}

/// An entry with everything that its file and its environment add.
pub(super) struct Resolved<'s> {
    /// What it says.
    pub(super) fields: Cow<'s, EntryFields>,
    /// Variables: of the file, of the environment, of the entry; later ones win.
    pub(super) vars: Map<VariableSpec>,
    /// Defaults of the file and of the environment.
    pub(super) defaults: &'s Defaults,
    /// Where it is written.
    pub(super) place: Place,
}

impl<'c> Selection<'c> {
    /// Finds the entries for a document in an environment.
    pub(crate) fn new(catalogue: &'c Catalogue, inputs: &Inputs<'_>) -> Self {
        let mut selection = Self {
            catalogue,
            scopes: Vec::new(),
            entries: BTreeMap::new(),
            producers: Arc::default(),
            requires: Vec::new(),
            diagnostics: Vec::new(),
        };
        selection.check_environment(inputs);
        selection.check_variables(inputs);
        let id = inputs.document.metadata.id.as_ref().map_or(inputs.document_path, |id| id.as_str());
        let index = Index::new(inputs.document);
        for file in &catalogue.files {
            let applies = file.is_for_document(id, inputs.document_path)
                && file.is_for_environment(inputs.environment.as_str());
            if applies {
                selection.add_file(file, &index, inputs.environment.as_str());
            }
        }
        selection.give_to_cells(inputs);
        let gives = |task: &Task| selection.entries.get(&task.id).is_some_and(|e| e.fields().gives_outputs());
        let producers = inputs.document.tasks.iter().map(|task| (task.id.clone(), gives(task))).collect();
        selection.producers = Arc::new(producers);
        selection
    }

    /// What is written for a task that has cells is for each of them, and for the task itself nothing.
    fn give_to_cells(&mut self, inputs: &Inputs<'_>) {
        let cells = inputs.document.tasks.iter().filter(|task| !task.matrix.is_empty());
        let mut parents = BTreeSet::new();
        for (cell, parent) in cells.filter_map(|cell| Some((cell, cell.parent.as_ref()?))) {
            if let Some(entry) = self.entries.get(parent).copied() {
                self.entries.entry(cell.id.clone()).or_insert(entry);
                parents.insert(parent);
            }
        }
        for parent in parents {
            self.entries.remove(parent);
        }
    }

    /// What binds a task.
    pub(super) fn entry(&self, task: &TaskId) -> Option<Resolved<'_>> {
        let candidate = self.entries.get(task)?;
        let scope = &self.scopes[candidate.scope];
        let fields = candidate.fields();
        let vars = scope.vars.overlay(&fields.vars);
        Some(Resolved { fields, vars, defaults: &scope.defaults, place: candidate.place })
    }

    /// Variables and defaults of the first file that is for this document and environment:
    /// in-document actions without an entry see these.
    pub(super) fn shared(&self) -> Option<(&Map<VariableSpec>, &Defaults)> {
        self.scopes.first().map(|scope| (&scope.vars, &scope.defaults))
    }

    fn check_environment(&mut self, inputs: &Inputs<'_>) {
        let names = self.catalogue.environments();
        if names.is_empty() || names.contains(inputs.environment) {
            return;
        }
        let message = format!("no catalogue is for the environment `{}`", inputs.environment);
        let found = Diagnostic::error("bind-unknown-environment", None, message);
        let help = near(inputs.environment.as_str(), names.iter().map(|name| name.as_str()));
        self.diagnostics.push(match help {
            Some(help) => found.help(help),
            None => found,
        });
    }

    /// A variable that is given and that no text could mean is most likely misspelt. Names are looked
    /// for as plain text, so that no use is overlooked: not all are known before templates are rendered.
    fn check_variables(&mut self, inputs: &Inputs<'_>) {
        let declared: BTreeSet<&str> = self
            .catalogue
            .files
            .iter()
            .flat_map(File::variable_names)
            .map(|name| name.text.as_str())
            .collect();
        let in_blocks = |name: &str| {
            let mut blocks = inputs.document.tasks.iter().flat_map(|task| &task.inline_actions);
            blocks.any(|block| block.body.contains(name))
        };
        for name in inputs.vars.keys().filter(|name| !declared.contains(name.as_str())) {
            let handed_over = crate::action::variable_name(name);
            let mut texts = self.catalogue.sources.0.iter();
            if texts.any(|text| text.contains(name) || text.contains(&handed_over)) || in_blocks(&handed_over)
            {
                continue;
            }
            let message = format!("the variable `{name}` is given, but no catalogue uses it");
            let found = Diagnostic::warning("bind-unused-variable", None, message);
            self.diagnostics.push(*helped(found, near(name, declared.iter().copied())));
        }
    }

    fn add_file(&mut self, file: &'c File, index: &Index<'_>, environment: &str) {
        let overlay = file.environments.get(environment);
        let scope = self.scopes.len();
        self.scopes.push(scope_of(file, overlay));
        self.add_requires(file, overlay);
        let mut entries = self.resolve(&file.tasks.0, scope, index);
        let overlays = overlay.map(|overlay| self.resolve(&overlay.tasks.0, scope, index));
        for (task, over) in overlays.unwrap_or_default() {
            let merged = match entries.get(&task) {
                Some(base) => Candidate { over: Some(over.base), ..*base },
                None => over,
            };
            entries.insert(task, merged);
        }
        for (task, entry) in entries {
            match self.entries.get(&task) {
                Some(first) => {
                    let first = first.place;
                    self.duplicate(&task, first, entry.place);
                }
                None => {
                    self.entries.insert(task, entry);
                }
            }
        }
    }

    fn add_requires(&mut self, file: &File, overlay: Option<&Overlay>) {
        let wanted = match overlay {
            Some(overlay) => Cow::Owned(file.requires.overlay(&overlay.requires)),
            None => Cow::Borrowed(&file.requires),
        };
        let required = wanted.iter().map(|(tool, version, place)| Required {
            tool: tool.to_owned(),
            version: version.clone(),
            place: self.catalogue.describe(place),
        });
        self.requires.extend(required);
    }

    /// The entries of one list by task. A second one for the same task is a fault.
    fn resolve(
        &mut self,
        entries: &'c [Entry],
        scope: usize,
        index: &Index<'_>,
    ) -> BTreeMap<TaskId, Candidate<'c>> {
        let mut resolved: BTreeMap<TaskId, Candidate<'c>> = BTreeMap::new();
        for entry in entries {
            let place = entry.selector.place();
            match find(&entry.selector, index) {
                Ok(task) => match resolved.get(&task.id) {
                    Some(first) => self.duplicate(&task.id, first.place, place),
                    None => {
                        let candidate = Candidate { scope, base: &entry.fields, over: None, place };
                        resolved.insert(task.id.clone(), candidate);
                    }
                },
                Err(fault) => self.diagnostics.push((*fault).in_source(place.source)),
            }
        }
        resolved
    }

    fn duplicate(&mut self, task: &TaskId, first: Place, second: Place) {
        let message = format!("the task `{task}` is bound twice");
        let help = format!("it is bound at {} already; keep one of the two", self.catalogue.describe(first));
        let mut found = Diagnostic::error("bind-duplicate", second.span, message).help(help);
        if first.source == second.source {
            found = found.label(first.span, "first bound here");
        }
        self.diagnostics.push(found.in_source(second.source));
    }
}

fn scope_of(file: &File, overlay: Option<&Overlay>) -> Scope {
    let base = file.defaults.clone().unwrap_or_default();
    let Some(overlay) = overlay else {
        return Scope { vars: file.vars.clone(), defaults: base };
    };
    let defaults = overlay.defaults.as_ref().map_or_else(|| base.clone(), |over| base.overlay(over));
    Scope { vars: file.vars.overlay(&overlay.vars), defaults }
}

impl EntryFields {
    pub(crate) fn gives_outputs(&self) -> bool {
        match self.outputs {
            Some(OutputsSpec::None) => false,
            Some(_) => true,
            None => self.run.iter().flat_map(|run| &run.0).any(|action| action.name() == "terraform"),
        }
    }
}
