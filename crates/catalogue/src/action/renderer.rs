//! Renders single values for actions and collects what goes wrong.

use super::{ArgocdSettings, KubeSettings};
use crate::decode::{Map, Place, Text};
use crate::model::{SecretKind, SecretSpec, Tree, ValueSpec};
use crate::template::{Engine, Native, Rendered};
use serde_json::Value as Json;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use taskmaster_core::action::{SecretRef, Value};
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::id::TaskId;
use taskmaster_core::text::without_users;

/// What actions know about their task.
#[derive(Clone, Debug)]
pub(crate) struct TaskFacts {
    /// Its id.
    pub(crate) id: TaskId,
    /// The environment.
    pub(crate) environment: String,
    /// Absolute path of the project's root, or a symbol for it while a digest is made.
    pub(crate) project: String,
    /// Absolute path of the state directory, or a symbol for it while a digest is made.
    pub(crate) state_dir: String,
    /// Absolute path of the running program, or a symbol for it while a digest is made.
    pub(crate) program: String,
    /// Values must be whole: an unknown output is an error.
    pub(crate) complete: bool,
}

/// What rendering found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Faults.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Tasks whose outputs are referred to.
    pub(crate) awaits: BTreeSet<TaskId>,
    /// Placeholders of values that are not known yet.
    pub(crate) unknown: BTreeSet<String>,
    /// Something used a variable whose fault is reported elsewhere.
    pub(crate) failed: bool,
}

/// Renders the values of one task.
pub(crate) struct Renderer<'e> {
    /// Renders texts.
    pub(crate) engine: &'e Engine<'e>,
    /// Defaults of cluster settings.
    pub(crate) kube: KubeSettings,
    /// Defaults of Argo CD settings.
    pub(crate) argocd: ArgocdSettings,
    /// The task.
    pub(crate) facts: TaskFacts,
    found: RefCell<Found>,
}

impl<'e> Renderer<'e> {
    /// Makes a renderer.
    pub(crate) fn new(
        engine: &'e Engine<'e>,
        kube: KubeSettings,
        argocd: ArgocdSettings,
        facts: TaskFacts,
    ) -> Self {
        Self { engine, kube, argocd, facts, found: RefCell::default() }
    }

    /// Takes what was found.
    pub(crate) fn into_found(self) -> Found {
        self.found.into_inner()
    }

    /// Reports a fault.
    pub(crate) fn report(&self, found: Diagnostic) {
        self.found.borrow_mut().diagnostics.push(found);
    }

    /// Reports an error at a place.
    pub(crate) fn error(&self, code: &'static str, place: Place, message: impl Into<String>, help: &str) {
        self.report(Diagnostic::error(code, place.span, message).help(help).in_source(place.source));
    }

    /// Renders a text of any kind; `None` after a fault was noted.
    fn rendered(&self, text: &Text) -> Option<Rendered> {
        let result = self.engine.render(text);
        self.note(result, text.place)
    }

    fn note(&self, result: Result<Rendered, Box<Diagnostic>>, place: Place) -> Option<Rendered> {
        let rendered = match result {
            Ok(rendered) => rendered,
            Err(fault) => {
                self.report(*fault);
                return None;
            }
        };
        let mut found = self.found.borrow_mut();
        found.awaits.extend(rendered.awaits.iter().cloned());
        found.unknown.extend(rendered.unknown.iter().cloned());
        found.failed |= rendered.failed;
        if self.facts.complete
            && let Some(shown) = rendered.unknown.first()
        {
            let message = format!("the output {shown} is not known yet");
            let help = "the task that gives it has to run first";
            let fault = Diagnostic::error("bind-unknown-output", place.span, message).help(help);
            found.diagnostics.push(fault.in_source(place.source));
            return None;
        }
        (!rendered.failed).then_some(rendered)
    }

    /// A text that other users of the machine, logs and plans may see. `None` after a fault.
    fn public(&self, text: &Text, sink: &str) -> Option<Rendered> {
        let rendered = self.rendered(text)?;
        if rendered.secrets.is_empty() {
            return Some(rendered);
        }
        let name = &rendered.secrets[0];
        let span = self.engine.locate(text.place, &text.text, name);
        let message = format!("`{name}` is secret and would be shown in {sink}");
        let help = "hand it over by `env`, `stdin`, a header or a body";
        let fault = Diagnostic::error("bind-secret-exposed", span, message).help(help);
        self.report(fault.in_source(text.place.source));
        None
    }

    fn public_text(&self, text: &Text, sink: &str) -> Option<String> {
        self.public(text, sink).map(|rendered| match rendered.value {
            Value::Plain(text) => text,
            Value::Secret(_) | Value::Joined(_) => String::new(),
        })
    }

    /// One argument, whatever it holds.
    pub(crate) fn argument(&self, text: &Text) -> String {
        self.public_text(text, "an argument").unwrap_or_default()
    }

    /// One argument, and whether all of it is known already.
    pub(crate) fn argument_if_known(&self, text: &Text) -> (String, bool) {
        match self.public(text, "an argument") {
            Some(Rendered { value: Value::Plain(text), unknown, .. }) => (text, unknown.is_empty()),
            _ => (String::new(), false),
        }
    }

    /// Arguments, one for each text.
    pub(crate) fn arguments<'t>(&self, texts: impl IntoIterator<Item = &'t Text>) -> Vec<String> {
        texts.into_iter().map(|text| self.argument(text)).collect()
    }

    /// A setting that is left out where it renders to nothing.
    pub(crate) fn setting(&self, text: Option<&Text>) -> Option<String> {
        text.and_then(|text| self.public_text(text, "an argument")).filter(|text| !text.is_empty())
    }

    /// An argument that stands alone, so it must not be empty nor look like a flag.
    pub(crate) fn name(&self, text: &Text) -> String {
        let Some(name) = self.public_text(text, "an argument") else {
            return String::new();
        };
        if name.is_empty() {
            self.error("bind-empty-argument", text.place, "this renders to nothing", "give it a value");
        } else if name.starts_with('-') {
            let message = format!("`{name}` would be read as a flag");
            self.error("bind-flag-as-argument", text.place, message, "a name cannot begin with a dash");
        }
        name
    }

    /// Names, one for each text.
    pub(crate) fn names<'t>(&self, texts: impl IntoIterator<Item = &'t Text>) -> Vec<String> {
        texts.into_iter().map(|text| self.name(text)).collect()
    }

    /// A text that is shown to people.
    pub(crate) fn shown(&self, text: &Text) -> String {
        self.public_text(text, "a message").unwrap_or_default()
    }

    /// A path or glob.
    pub(crate) fn path(&self, text: &Text) -> String {
        self.public_text(text, "a path").unwrap_or_default()
    }

    /// The URL of a request: absolute, and of a kind that can be sent.
    pub(crate) fn url(&self, text: &Text) -> String {
        let Some(rendered) = self.public(text, "a URL") else {
            return String::new();
        };
        let Value::Plain(url) = rendered.value else {
            return String::new();
        };
        let shown = without_users(&url);
        if shown != url {
            // No caret: its line would show what nobody may see.
            let message = format!("the address of `{shown}` names a user, and would be shown with it");
            let help = "send it as a header: `headers: {Authorization: {secret: env:NAME}}`";
            self.report(Diagnostic::error("bind-url", None, message).help(help).in_source(text.place.source));
            return shown;
        }
        let scheme = ["http://", "https://"].iter().find(|scheme| url.starts_with(**scheme));
        let usable = scheme.is_some_and(|s| url.len() > s.len()) && !url.contains(char::is_whitespace);
        if !usable && rendered.unknown.is_empty() {
            let message = format!("`{url}` is not an absolute URL");
            self.error("bind-url", text.place, message, "write it with `http://` or `https://`");
        }
        url
    }

    /// A text that may hold secrets.
    pub(crate) fn text(&self, text: &Text) -> Value {
        self.rendered(text).map_or_else(|| Value::Plain(String::new()), |rendered| rendered.value)
    }

    /// True where a text inserts a secret.
    pub(crate) fn holds_secret(&self, text: &Text) -> bool {
        self.engine.render(text).is_ok_and(|rendered| !rendered.secrets.is_empty())
    }

    /// A value that may be secret.
    pub(crate) fn value(&self, spec: &ValueSpec) -> Value {
        match spec {
            ValueSpec::Text(text) => self.text(text),
            ValueSpec::Secret(secret) => Value::Secret(self.secret(secret)),
        }
    }

    /// Values by name, for an environment or headers.
    pub(crate) fn values(&self, map: &Map<ValueSpec>) -> BTreeMap<String, Value> {
        map.iter().map(|(name, value)| (name.text.clone(), self.value(value))).collect()
    }

    /// A reference to a secret.
    pub(crate) fn secret(&self, spec: &SecretSpec) -> SecretRef {
        let parts: Vec<String> =
            spec.parts.iter().map(|part| self.public_text(part, "a reference").unwrap_or_default()).collect();
        let first = parts.first().cloned().unwrap_or_default();
        match spec.kind {
            SecretKind::Env => SecretRef::Env(first),
            SecretKind::File => SecretRef::File(first),
            SecretKind::Exec => SecretRef::Exec(parts),
        }
    }

    /// A JSON value without secrets.
    pub(crate) fn tree(&self, tree: &Tree) -> Json {
        match tree {
            Tree::Literal(value) => value.clone(),
            Tree::List(items) => items.iter().map(|item| self.tree(item)).collect(),
            Tree::Map(map) => map.iter().map(|(key, value)| (key.text.clone(), self.tree(value))).collect(),
            Tree::Secret(secret) => {
                let message = "a secret cannot stand inside of this value";
                let help = "its text would have to be quoted by the rules of the format around it";
                self.error("bind-secret-exposed", secret.place, message, help);
                Json::Null
            }
            Tree::Text(text) => self.tree_text(text),
        }
    }

    /// The value of a text; one that is a single expression keeps its type.
    pub(crate) fn tree_text(&self, text: &Text) -> Json {
        match self.engine.native(text) {
            Ok(Native::Json(json, rendered)) => {
                self.note(Ok(rendered), text.place);
                json
            }
            Ok(Native::Text(_)) => Json::String(self.public_text(text, "this value").unwrap_or_default()),
            Err(fault) => {
                self.report(*fault);
                Json::Null
            }
        }
    }

    /// The value of a variable for a script: texts as they are, lists and mappings as JSON.
    pub(crate) fn variable(&self, name: &str, place: Place) -> Value {
        let quoted = Json::String(name.to_owned());
        self.text(&Text { text: format!("{{{{ vars[{quoted}] }}}}"), place })
    }
}
