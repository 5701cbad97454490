//! From one entry to one binding.

use super::Outcome;
use super::combine::combine;
use super::facts::{Paths, template_facts};
use super::scope::evaluate;
use super::select::{Resolved, Selection};
use super::tools::tools;
use super::when::decide;
use crate::action::{ArgocdSettings, KubeSettings, Renderer, TaskFacts, inline_action};
use crate::api::{Inputs, Outputs};
use crate::decode::{Many, Map};
use crate::model::{Defaults, EntryFields, VariableSpec};
use crate::template::{Engine, Facts, Producers, Variables, near};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use taskmaster_core::action::{Action, Binding, Expectation, Policy, When};
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::document::Task;
use taskmaster_core::id::{Digest, TaskId};

/// What a rendering is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Unknown outputs show as placeholders.
    Plan,
    /// Unknown outputs are faults.
    Run,
}

/// A rendered action with everything that rendering it found.
struct Made {
    action: Action,
    inputs: Vec<String>,
    locks: Vec<String>,
    awaits: BTreeSet<TaskId>,
}

/// What a binding is asked for with.
#[derive(Clone, Copy)]
pub(super) struct Request<'r> {
    pub(super) selection: &'r Selection<'r>,
    pub(super) inputs: &'r Inputs<'r>,
    /// Outputs known so far, shared by every rendering.
    pub(super) outputs: &'r Arc<Outputs>,
    pub(super) mode: Mode,
    /// The digest is wanted too, for which every action is made a second time with symbols as paths.
    pub(super) digest: bool,
}

impl<'r> Request<'r> {
    fn facts(&self, task: &'r Task, paths: Paths<'r>) -> Facts<'r> {
        template_facts(task, self.selection, self.inputs, self.outputs, paths)
    }
}

/// One rendering of an entry.
struct Maker<'m> {
    task: &'m Task,
    vars: &'m Map<VariableSpec>,
    defaults: &'m Defaults,
    request: Request<'m>,
}

impl Maker<'_> {
    fn task_facts(&self, paths: Paths<'_>, mode: Mode) -> TaskFacts {
        TaskFacts {
            id: self.task.id.clone(),
            environment: self.request.inputs.environment.to_string(),
            project: paths.project.to_owned(),
            state_dir: paths.state_dir.to_owned(),
            program: paths.program.to_owned(),
            complete: mode == Mode::Run,
        }
    }

    fn real_paths(&self) -> Paths<'_> {
        let inputs = self.request.inputs;
        Paths { project: inputs.project_root, state_dir: inputs.state_dir, program: inputs.program }
    }

    /// Makes a renderer over evaluated variables and hands it to `make`. Faults of variables are told apart: they
    /// stand in the catalogue, whatever is made.
    fn with_renderer<R>(
        &self,
        paths: Paths<'_>,
        mode: Mode,
        make: impl FnOnce(&Renderer<'_>) -> R,
    ) -> Result<(R, BTreeSet<TaskId>), Faults> {
        let facts = self.request.facts(self.task, paths);
        let engine = Engine::new(facts, Variables::default(), &self.request.selection.catalogue.sources);
        let task_facts = self.task_facts(paths, mode);
        let variables = evaluate(&engine, self.vars, self.request.inputs, &task_facts);
        let kube = self.defaults.kube.clone().unwrap_or_default();
        let argocd = self.defaults.argocd.clone().unwrap_or_default();
        let renderer = Renderer::new(&engine, kube, argocd, task_facts);
        let made = make(&renderer);
        let found = renderer.into_found();
        let faults = Faults { variables, made: found.diagnostics };
        if faults.is_empty() { Ok((made, found.awaits)) } else { Err(faults) }
    }

    /// An engine for what is decided before anything runs, and the faults of variables.
    fn before_runs(&self) -> (Engine<'_>, Vec<Diagnostic>) {
        let facts = self.request.facts(self.task, self.real_paths());
        let blind = Facts { outputs_refused: true, ..facts.clone() };
        let sources = &self.request.selection.catalogue.sources;
        let engine = Engine::new(facts, Variables::default(), sources);
        let task_facts = self.task_facts(self.real_paths(), Mode::Plan);
        let faults = evaluate(&engine, self.vars, self.request.inputs, &task_facts);
        (Engine::new(blind, engine.variables().clone(), sources), faults)
    }

    fn decide_when(&self, fields: &EntryFields) -> Result<When, Vec<Diagnostic>> {
        let Some(spec) = &fields.when else {
            return Ok(When::Include);
        };
        // A variable's own fault is reported with the action; a task that is skipped needs none.
        let (engine, _reported_later) = self.before_runs();
        decide(spec, &engine, self.request.inputs)
    }

    fn make(
        &self,
        fields: &EntryFields,
        entry: &Resolved<'_>,
        paths: Paths<'_>,
        mode: Mode,
    ) -> Result<Made, Vec<Diagnostic>> {
        let actions = fields.run.as_ref().map_or(&[][..], |run| &run.0);
        let made = self.with_renderer(paths, mode, |r| {
            let combined = combine(fields, actions, entry.place, r);
            let inputs = fields.inputs.iter().flat_map(Many::iter).map(|glob| r.path(glob)).collect();
            (combined, inputs)
        });
        let (made, awaits) = made.map_err(|faults| [faults.variables, faults.made].concat())?;
        let (combined, inputs) = made;
        Ok(Made { action: combined.action, inputs, locks: combined.locks, awaits })
    }

    /// The digest of the action that `symbolic` makes, where it is wanted.
    fn digest<E>(&self, symbolic: impl FnOnce() -> Result<Made, E>) -> Result<Digest, E> {
        if !self.request.digest {
            return Ok(Digest::of(b""));
        }
        symbolic().map(|made| digest(&made))
    }

    fn make_inline(&self, paths: Paths<'_>, mode: Mode) -> Result<Made, Outcome> {
        match self.with_renderer(paths, mode, |r| inline_action(self.task, r)) {
            Ok((Ok(action), awaits)) => Ok(Made { action, inputs: Vec::new(), locks: Vec::new(), awaits }),
            Ok((Err(faults), _)) => Err(Outcome::FaultyDocument(faults)),
            Err(faults) if faults.variables.is_empty() => Err(Outcome::FaultyDocument(faults.made)),
            Err(faults) => Err(Outcome::Faulty(faults.variables)),
        }
    }
}

/// What `make` makes of values that no output decides, for a task whose cells are not known yet.
pub(super) fn before_cells<R>(
    task: &Task,
    entry: &Resolved<'_>,
    request: Request<'_>,
    make: impl FnOnce(&Renderer<'_>) -> R,
) -> Result<R, Vec<Diagnostic>> {
    let maker = Maker { task, vars: &entry.vars, defaults: entry.defaults, request };
    let (engine, of_variables) = maker.before_runs();
    let task_facts = maker.task_facts(maker.real_paths(), Mode::Plan);
    let r = Renderer::new(&engine, KubeSettings::default(), ArgocdSettings::default(), task_facts);
    let made = make(&r);
    let found = r.into_found();
    if !found.diagnostics.is_empty() {
        return Err(found.diagnostics);
    }
    if !found.awaits.is_empty() {
        return Err(vec![fault(
            entry,
            "bind-matrix",
            "a matrix cannot read outputs",
            "which cells there are is decided before anything runs",
        )]);
    }
    // Variables may use values of a cell, which are not known here: only those that the matrix uses matter.
    if found.failed { Err(of_variables) } else { Ok(made) }
}

/// What stands in the way of an action.
struct Faults {
    /// Of variables, in the catalogue.
    variables: Vec<Diagnostic>,
    /// Of what was made with them, where that is written.
    made: Vec<Diagnostic>,
}

impl Faults {
    fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.made.is_empty()
    }
}

/// Binds a task by its entry.
pub(super) fn assemble(task: &Task, entry: &Resolved<'_>, request: Request<'_>) -> Outcome {
    let Request { selection, mode, .. } = request;
    let fields = &*entry.fields;
    let maker = Maker { task, vars: &entry.vars, defaults: entry.defaults, request };
    let when = match maker.decide_when(fields) {
        Ok(when) => when,
        Err(faults) => return Outcome::Faulty(faults),
    };
    let (needs, mut faults) = needs(fields, &request.selection.producers, &task.id);
    let policy = entry.defaults.policy.overlay(&fields.policy).policy();
    let place = selection.catalogue.describe(entry.place);
    let says_proof = fields.check.is_some() || fields.verify.is_some();
    let without_action = Unmade { task: &task.id, policy, when, needs, place, says_proof };
    let is_manual = fields.manual == Some(true);
    if !matches!(without_action.when, When::Include) || is_manual {
        if is_manual && fields.run.is_some() {
            faults.push(fault(
                entry,
                "bind-missing-run",
                "both `manual` and `run` are given",
                "keep one of the two",
            ));
        }
        return if faults.is_empty() { without_action.done() } else { Outcome::Faulty(faults) };
    }
    if fields.run.is_none() {
        let help = "add `run`, or `manual: true`, or `when: {never: reason}`";
        faults.push(fault(entry, "bind-missing-run", "this entry says not what is done", help));
        return Outcome::Faulty(faults);
    }
    let made = maker.make(fields, entry, maker.real_paths(), mode);
    let digest = maker.digest(|| maker.make(fields, entry, Paths::SYMBOLS, Mode::Plan));
    match (made, digest) {
        (Ok(made), Ok(digest)) if faults.is_empty() => without_action.with(made, digest),
        (made, digest) => {
            faults.extend(made.err().or(digest.err()).unwrap_or_default());
            Outcome::Faulty(faults)
        }
    }
}

/// Binds a task by the blocks in the document, with the policy of an entry if there is one.
pub(super) fn assemble_inline(task: &Task, entry: Option<&Resolved<'_>>, request: Request<'_>) -> Outcome {
    let Request { selection, inputs, mode, .. } = request;
    let (no_vars, no_defaults) = (Map::default(), Defaults::default());
    let shared = selection.shared().unwrap_or((&no_vars, &no_defaults));
    let (vars, defaults) = entry.map_or(shared, |entry| (&entry.vars, entry.defaults));
    let maker = Maker { task, vars, defaults, request };
    let policy = match entry {
        Some(entry) => defaults.policy.overlay(&entry.fields.policy),
        None => defaults.policy.clone(),
    };
    let mut unmade = Unmade {
        task: &task.id,
        policy: policy.policy(),
        when: When::Include,
        needs: Vec::new(),
        place: format!("{}:{}", inputs.document_path, task.line),
        says_proof: true,
    };
    if let Some(entry) = entry {
        let (needs, faults) = needs(&entry.fields, &request.selection.producers, &task.id);
        unmade.needs = needs;
        match maker.decide_when(&entry.fields) {
            Ok(when) if faults.is_empty() => unmade.when = when,
            Ok(_) => return Outcome::Faulty(faults),
            Err(more) => return Outcome::Faulty([faults, more].concat()),
        }
        if unmade.when != When::Include {
            return unmade.done();
        }
    }
    let made = maker.make_inline(maker.real_paths(), mode);
    match (made, maker.digest(|| maker.make_inline(Paths::SYMBOLS, Mode::Plan))) {
        (Ok(made), Ok(digest)) => unmade.with(made, digest),
        (Err(faulty), _) | (Ok(_), Err(faulty)) => faulty,
    }
}

/// A binding before its action.
struct Unmade<'u> {
    task: &'u TaskId,
    policy: Policy,
    when: When,
    needs: Vec<TaskId>,
    place: String,
    /// Its check or its verify is written by its author.
    says_proof: bool,
}

impl Unmade<'_> {
    /// Without an action.
    fn done(self) -> Outcome {
        let text = json!({ "manual": matches!(self.when, When::Include) }).to_string();
        Outcome::Bound(Box::new(Binding {
            task: self.task.clone(),
            action: None,
            policy: self.policy,
            when: self.when,
            needs: self.needs,
            awaits: Vec::new(),
            tools: Vec::new(),
            inputs: Vec::new(),
            digest: Digest::of(text.as_bytes()),
            place: self.place,
        }))
    }

    /// With an action.
    fn with(self, mut made: Made, digest: Digest) -> Outcome {
        let mut policy = self.policy;
        // What an action asks by itself is whether it succeeded, which is not what is expected here.
        if policy.expect != Expectation::Success && !self.says_proof {
            made.action.check = None;
        }
        let more: Vec<String> = made.locks.into_iter().filter(|lock| !policy.locks.contains(lock)).collect();
        policy.locks.extend(more);
        let awaits: Vec<TaskId> = made.awaits.into_iter().filter(|task| task != self.task).collect();
        let mut needs = self.needs;
        needs.extend(awaits.iter().filter(|task| !needs.contains(task)).cloned().collect::<Vec<_>>());
        Outcome::Bound(Box::new(Binding {
            task: self.task.clone(),
            tools: tools(&made.action),
            digest,
            action: Some(made.action),
            policy,
            when: self.when,
            needs,
            awaits,
            inputs: made.inputs,
            place: self.place,
        }))
    }
}

/// What decides whether a task without a check must run again: not how it is checked or taken back.
fn digest(made: &Made) -> Digest {
    let action = &made.action;
    let text = json!({
        "kind": action.kind,
        "run": action.run,
        "verify": action.verify,
        "outputs": action.outputs,
        "inputs": made.inputs,
    });
    Digest::of(text.to_string().as_bytes())
}

pub(super) fn fault(entry: &Resolved<'_>, code: &'static str, message: &str, help: &str) -> Diagnostic {
    Diagnostic::error(code, entry.place.span, message).help(help).in_source(entry.place.source)
}

/// The tasks named by `needs`, of those that there are.
fn needs(fields: &EntryFields, tasks: &Producers, own: &TaskId) -> (Vec<TaskId>, Vec<Diagnostic>) {
    let mut needs = Vec::new();
    let mut faults = Vec::new();
    for wanted in fields.needs.iter().flat_map(Many::iter) {
        match tasks.get_key_value(wanted.text.as_str()) {
            Some((task, _)) if task == own => {
                let found =
                    Diagnostic::error("bind-needs", wanted.place.span, "a task cannot wait for itself");
                faults.push(found.in_source(wanted.place.source));
            }
            Some((task, _)) if needs.contains(task) => {}
            Some((task, _)) => needs.push(task.clone()),
            None => {
                let message = format!("the document has no task `{}`", wanted.text);
                let mut found = Diagnostic::error("bind-needs", wanted.place.span, message);
                found.help = near(&wanted.text, tasks.keys().map(TaskId::as_str));
                faults.push(found.in_source(wanted.place.source));
            }
        }
    }
    (needs, faults)
}
