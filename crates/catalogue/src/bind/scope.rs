//! The variables of one entry.

use crate::action::{ArgocdSettings, KubeSettings, Renderer, TaskFacts};
use crate::api::Inputs;
use crate::decode::{Map, Place};
use crate::model::{Tree, VariableSpec};
use crate::template::{Engine, Native, Rendered, variables_in};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use taskmaster_core::action::Value;
use taskmaster_core::diagnostic::Diagnostic;

/// Evaluates every variable and puts it where templates of `engine` see it.
pub(crate) fn evaluate(
    engine: &Engine<'_>,
    specs: &Map<VariableSpec>,
    inputs: &Inputs<'_>,
    facts: &TaskFacts,
) -> Vec<Diagnostic> {
    let mut evaluation =
        Evaluation { engine, specs, inputs, facts, done: BTreeMap::new(), faults: Vec::new() };
    let names = specs.iter().map(|(name, _)| name.text.as_str());
    engine.variables().declare(names.chain(inputs.vars.keys().map(String::as_str)));
    for (name, _) in specs.iter() {
        evaluation.visit(&name.text, name.place);
    }
    for (name, text) in inputs.vars.iter().filter(|(name, _)| specs.get(name).is_none()) {
        engine.variables().insert(name, Engine::plain_variable(&Json::String(text.clone())));
    }
    evaluation.faults
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Begun,
    Done,
}

struct Evaluation<'e> {
    engine: &'e Engine<'e>,
    specs: &'e Map<VariableSpec>,
    inputs: &'e Inputs<'e>,
    facts: &'e TaskFacts,
    done: BTreeMap<String, Progress>,
    faults: Vec<Diagnostic>,
}

/// Where a variable's value comes from.
enum Source<'s> {
    /// A value of this file.
    Tree(&'s Tree),
    /// A value from outside.
    Given(Json),
    /// There is none; what the declaration says about it.
    Missing(Option<String>),
}

impl<'e> Evaluation<'e> {
    /// Evaluates a variable after those that it refers to.
    fn visit(&mut self, name: &str, place: Place) {
        match self.done.get(name) {
            Some(Progress::Done) => return,
            Some(Progress::Begun) => {
                let message = format!("the variable `{name}` refers to itself");
                let found = Diagnostic::error("bind-variable-cycle", place.span, message);
                self.faults.push(found.in_source(place.source));
                self.engine.variables().insert(name, Engine::failed_variable());
                return;
            }
            None => {}
        }
        let Some((key, spec)) = self.specs.iter().find(|(key, _)| key.text == name) else {
            return;
        };
        self.done.insert(name.to_owned(), Progress::Begun);
        let source = self.source(name, spec);
        if let Source::Tree(tree) = &source {
            for needed in variables_of(tree) {
                self.visit(&needed, key.place);
            }
        }
        self.done.insert(name.to_owned(), Progress::Done);
        match source {
            Source::Tree(tree) => self.tree(name, tree),
            Source::Given(value) => self.engine.variables().insert(name, Engine::plain_variable(&value)),
            Source::Missing(description) => self.engine.variables().insert_missing(name, description),
        }
    }

    fn source(&self, name: &str, spec: &'e VariableSpec) -> Source<'e> {
        let written = match spec {
            VariableSpec::Value(tree) => Some(tree),
            VariableSpec::Declared(declared) => declared.value.as_ref().or(declared.default.as_ref()),
        };
        if let Some(text) = self.inputs.vars.get(name) {
            return Source::Given(like(written, text));
        }
        if let VariableSpec::Declared(declared) = spec
            && declared.value.is_none()
            && let Some(variable) = &declared.from_env
        {
            match self.inputs.env_vars.map(|find| find(&variable.text)) {
                Some(Some(text)) => return Source::Given(like(written, &text)),
                None if declared.default.is_none() => {
                    return Source::Given(Json::String(format!("<env {}>", variable.text)));
                }
                Some(None) | None => {}
            }
        }
        match (written, spec) {
            (Some(tree), _) => Source::Tree(tree),
            (None, VariableSpec::Declared(declared)) => {
                Source::Missing(declared.description.as_ref().map(|text| text.text.clone()))
            }
            (None, VariableSpec::Value(_)) => Source::Missing(None),
        }
    }

    fn tree(&mut self, name: &str, tree: &Tree) {
        let variables = self.engine.variables();
        let native = match tree {
            Tree::Literal(value) => return variables.insert(name, Engine::plain_variable(value)),
            Tree::Text(text) => self.engine.native(text).map_err(|fault| vec![*fault]),
            Tree::Secret(_) | Tree::List(_) | Tree::Map(_) => self.composed(tree),
        };
        match native {
            Ok(native) => variables.insert(name, self.engine.variable(name, native)),
            Err(faults) => {
                self.faults.extend(faults);
                variables.insert(name, Engine::failed_variable());
            }
        }
    }

    /// Secrets, lists and mappings, by a renderer of their own that collects what they refer to.
    fn composed(&self, tree: &Tree) -> Result<Native, Vec<Diagnostic>> {
        let facts = TaskFacts { complete: false, ..self.facts.clone() };
        let r = Renderer::new(self.engine, KubeSettings::default(), ArgocdSettings::default(), facts);
        let (value, json) = match tree {
            Tree::Secret(secret) => (Value::Secret(r.secret(secret)), None),
            tree => {
                let json = r.tree(tree);
                (Value::Plain(json.to_string()), Some(json))
            }
        };
        let found = r.into_found();
        if !found.diagnostics.is_empty() {
            return Err(found.diagnostics);
        }
        let rendered = Rendered {
            value,
            unknown: BTreeSet::new(),
            awaits: found.awaits,
            secrets: Vec::new(),
            failed: found.failed,
        };
        Ok(match json {
            Some(json) => Native::Json(json, rendered),
            None => Native::Text(rendered),
        })
    }
}

/// A text from the command line means a number or a truth value where the catalogue wrote one.
fn like(written: Option<&Tree>, text: &str) -> Json {
    let scalar = crate::yaml::Scalar { text: text.to_owned(), plain: true }.json();
    match (written, &scalar) {
        (Some(Tree::Literal(Json::Bool(_))), Json::Bool(_))
        | (Some(Tree::Literal(Json::Number(_))), Json::Number(_)) => scalar,
        _ => Json::String(text.to_owned()),
    }
}

/// Names of variables that a value refers to.
fn variables_of(tree: &Tree) -> Vec<String> {
    match tree {
        Tree::Text(text) => variables_in(&text.text),
        Tree::Literal(_) => Vec::new(),
        Tree::Secret(secret) => secret.parts.iter().flat_map(|part| variables_in(&part.text)).collect(),
        Tree::List(items) => items.iter().flat_map(variables_of).collect(),
        Tree::Map(map) => map.iter().flat_map(|(_, value)| variables_of(value)).collect(),
    }
}
