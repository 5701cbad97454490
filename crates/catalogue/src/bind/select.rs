//! Which entry is for which task.

use crate::api::Inputs;
use crate::decode::{Literal, Map, Place};
use crate::load::Catalogue;
use crate::model::{Defaults, Entry, EntryFields, File, OutputsSpec, Selector, VariableSpec};
use crate::template::{Producers, near};
use std::collections::BTreeMap;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::document::{Document, Phase, Task};
use taskmaster_core::id::TaskId;
use taskmaster_core::text::slug;

/// An entry that found its task, with everything that its file and its environment add.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// What it says.
    pub(crate) fields: EntryFields,
    /// Variables: of the file, of the environment, of the entry; later ones win.
    pub(crate) vars: Map<VariableSpec>,
    /// Defaults of the file and of the environment.
    pub(crate) defaults: Defaults,
    /// Where it is written.
    pub(crate) place: Place,
}

/// Entries by task.
pub(crate) struct Selection<'c> {
    /// What binds each task.
    pub(crate) entries: BTreeMap<TaskId, Resolved>,
    /// Variables and defaults of the first file that is for this document and environment: in-document
    /// actions without an entry see these.
    pub(crate) shared: Option<(Map<VariableSpec>, Defaults)>,
    /// Tasks, and whether each gives outputs.
    pub(crate) producers: Producers,
    /// Faults.
    pub(crate) diagnostics: Vec<Diagnostic>,
    catalogue: &'c Catalogue,
}

impl<'c> Selection<'c> {
    /// Finds the entries for a document in an environment.
    pub(crate) fn new(catalogue: &'c Catalogue, inputs: &Inputs<'_>) -> Self {
        let mut selection = Self {
            entries: BTreeMap::new(),
            shared: None,
            producers: Producers::new(),
            diagnostics: Vec::new(),
            catalogue,
        };
        selection.check_environment(inputs);
        let id = inputs.document.metadata.id.as_ref().map_or(inputs.document_path, |id| id.as_str());
        for file in &catalogue.files {
            let applies = file.is_for_document(id, inputs.document_path)
                && file.is_for_environment(inputs.environment.as_str());
            if applies {
                selection.add_file(file, inputs);
            }
        }
        for task in &inputs.document.tasks {
            let gives = selection.entries.get(&task.id).is_some_and(|entry| gives_outputs(&entry.fields));
            selection.producers.insert(task.id.clone(), gives);
        }
        selection
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

    fn add_file(&mut self, file: &File, inputs: &Inputs<'_>) {
        let overlay = file.environments.get(inputs.environment.as_str());
        let vars = overlay.map_or_else(|| file.vars.clone(), |overlay| file.vars.overlay(&overlay.vars));
        let base = file.defaults.clone().unwrap_or_default();
        let defaults = match overlay.and_then(|overlay| overlay.defaults.as_ref()) {
            Some(over) => base.overlay(over),
            None => base,
        };
        if self.shared.is_none() {
            self.shared = Some((vars.clone(), defaults.clone()));
        }
        let mut entries = self.resolve(&file.tasks.0, inputs.document);
        for (task, (over, place)) in
            overlay.map(|o| self.resolve(&o.tasks.0, inputs.document)).unwrap_or_default()
        {
            let merged = match entries.get(&task) {
                Some((base, place)) => (base.overlay(&over), *place),
                None => (over, place),
            };
            entries.insert(task, merged);
        }
        for (task, (fields, place)) in entries {
            let vars = vars.overlay(&fields.vars);
            self.insert(task, Resolved { fields, vars, defaults: defaults.clone(), place });
        }
    }

    /// The entries of one list by task. A second one for the same task is a fault.
    fn resolve(&mut self, entries: &[Entry], document: &Document) -> BTreeMap<TaskId, (EntryFields, Place)> {
        let mut resolved: BTreeMap<TaskId, (EntryFields, Place)> = BTreeMap::new();
        for entry in entries {
            let place = entry.selector.place();
            match find(&entry.selector, document) {
                Ok(task) => match resolved.get(&task.id) {
                    Some((_, first)) => self.duplicate(task, *first, place),
                    None => {
                        resolved.insert(task.id.clone(), (entry.fields.clone(), place));
                    }
                },
                Err(fault) => self.diagnostics.push((*fault).in_source(place.source)),
            }
        }
        resolved
    }

    fn insert(&mut self, task: TaskId, entry: Resolved) {
        match self.entries.get(&task) {
            Some(first) => {
                let first = first.place;
                self.report_duplicate(&task, first, entry.place);
            }
            None => {
                self.entries.insert(task, entry);
            }
        }
    }

    fn duplicate(&mut self, task: &Task, first: Place, second: Place) {
        self.report_duplicate(&task.id, first, second);
    }

    fn report_duplicate(&mut self, task: &TaskId, first: Place, second: Place) {
        let message = format!("the task `{task}` is bound twice");
        let help = format!("it is bound at {} already; keep one of the two", self.catalogue.describe(first));
        let mut found = Diagnostic::error("bind-duplicate", second.span, message).help(help);
        if first.source == second.source {
            found = found.label(first.span, "first bound here");
        }
        self.diagnostics.push(found.in_source(second.source));
    }
}

fn gives_outputs(fields: &EntryFields) -> bool {
    match fields.outputs {
        Some(OutputsSpec::None) => false,
        Some(_) => true,
        None => fields.run.iter().flat_map(|run| &run.0).any(|action| action.name() == "terraform"),
    }
}

fn helped(mut found: Diagnostic, help: Option<String>) -> Box<Diagnostic> {
    found.help = help;
    Box::new(found)
}

/// The task that a selector means.
fn find<'d>(selector: &Selector, document: &'d Document) -> Result<&'d Task, Box<Diagnostic>> {
    match selector {
        Selector::Id(id) => find_id(id, document),
        Selector::Title { phase, title } => find_title(phase.as_ref(), title, document),
    }
}

fn find_id<'d>(id: &Literal, document: &'d Document) -> Result<&'d Task, Box<Diagnostic>> {
    document.task(&id.text).ok_or_else(|| {
        let message = format!("the document has no task `{}`: this entry is not used", id.text);
        let found = Diagnostic::warning("bind-unused-entry", id.place.span, message);
        helped(found, near(&id.text, document.tasks.iter().map(|task| task.id.as_str())))
    })
}

fn find_title<'d>(
    phase: Option<&Literal>,
    title: &Literal,
    document: &'d Document,
) -> Result<&'d Task, Box<Diagnostic>> {
    let phases = match phase {
        Some(phase) => Some(find_phase(phase, document)?),
        None => None,
    };
    let is_inside = |task: &Task| phases.is_none_or(|phase| is_in_phase(task, phase, document));
    let wanted = slug(&title.text);
    let found: Vec<&Task> =
        document.tasks.iter().filter(|task| is_inside(task) && slug(&task.title) == wanted).collect();
    match found.as_slice() {
        [task] => Ok(task),
        [] => {
            let message = format!("the document has no task `{}` there: this entry is not used", title.text);
            let found = Diagnostic::warning("bind-unused-entry", title.place.span, message);
            let titles = document.tasks.iter().filter(|task| is_inside(task)).map(|task| task.title.as_str());
            Err(helped(found, near(&title.text, titles.collect::<Vec<_>>())))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|task| task.id.as_str()).collect();
            let message = format!("`{}` is the title of several tasks", title.text);
            let found = Diagnostic::error("bind-ambiguous-entry", title.place.span, message);
            Err(helped(found, Some(format!("bind one of them by its id: {}", ids.join(", ")))))
        }
    }
}

/// By id, by number, by title, or by a word that only one phase has.
fn find_phase<'d>(wanted: &Literal, document: &'d Document) -> Result<&'d Phase, Box<Diagnostic>> {
    let text = wanted.text.trim();
    let number = text.to_lowercase();
    let number = number.strip_prefix("phase").unwrap_or(&number).trim();
    let slugged = slug(text);
    let exact = |phase: &&Phase| {
        phase.id.as_str() == text
            || phase.number.as_ref().is_some_and(|n| n.to_lowercase() == number)
            || slug(&phase.title) == slugged
    };
    let worded = |phase: &&Phase| slug(&phase.title).split('-').any(|word| word == slugged);
    let all = &document.phases;
    let by_word = || {
        let mut found = all.iter().filter(worded);
        found.next().filter(|_| found.next().is_none())
    };
    all.iter().find(exact).or_else(by_word).ok_or_else(|| {
        let message = format!("`{text}` names no phase, or several: this entry is not used");
        let found = Diagnostic::warning("bind-unused-entry", wanted.place.span, message);
        helped(found, near(text, all.iter().map(|phase| phase.id.as_str())))
    })
}

fn is_in_phase(task: &Task, phase: &Phase, document: &Document) -> bool {
    let mut current = document.phase(task.phase.as_str());
    // A document's phases form a tree; the bound keeps a malformed one from looping.
    for _ in 0..=document.phases.len() {
        match current {
            Some(found) if found.id == phase.id => return true,
            Some(found) => current = found.parent.as_ref().and_then(|parent| document.phase(parent.as_str())),
            None => return false,
        }
    }
    false
}
