//! A catalogue file.

use super::{Entry, EntryFields, PolicySpec, Requires, Selector, VariableSpec};
use crate::action::{ArgocdSettings, KubeSettings};
use crate::decode::{Context, Decode, Field, Literal, Many, Map, record, required};
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

record! {
    "a catalogue file"
    /// A catalogue of taskmaster: how the tasks of a document are done in one or several environments.
    pub(crate) struct File {
        /// Id or path of the document that it is for; without it, for every document.
        document: Option<Many<Literal>>,
        /// Environments that it is for; without it (and without `environments`), for all.
        environment: Option<Many<Literal>>,
        /// Programs that its tasks need, and the versions that will do; `taskmaster doctor` looks.
        #[schemars(default)]
        requires: Requires,
        /// For readers of this file.
        #[expect(dead_code, reason = "only for readers of the file")]
        description: Option<Literal>,
        /// Variables of every task in this file.
        #[schemars(default)]
        vars: Map<VariableSpec>,
        /// Policy and settings of every task in this file.
        defaults: Option<Defaults>,
        /// Entries: a mapping by task id, or a list.
        #[schemars(default)]
        tasks: Tasks,
        /// What differs from one environment to the next.
        #[schemars(default)]
        environments: Map<Overlay>,
    }
}

record! {
    "defaults"
    /// Policy and settings of every task.
    #[derive(Default)]
    pub(crate) struct Defaults {
        /// Cluster of `kubectl`, `helm` and `argocd` actions.
        kube: Option<KubeSettings>,
        /// Server of `argocd` actions.
        argocd: Option<ArgocdSettings>,
        .. policy: PolicySpec,
    }
}

impl Defaults {
    /// These defaults with the keys that `over` gives.
    pub(crate) fn overlay(&self, over: &Self) -> Self {
        Self {
            kube: match (&self.kube, &over.kube) {
                (Some(base), Some(over)) => Some(base.overlay(over)),
                (base, over) => over.clone().or_else(|| base.clone()),
            },
            argocd: match (&self.argocd, &over.argocd) {
                (Some(base), Some(over)) => Some(base.overlay(over)),
                (base, over) => over.clone().or_else(|| base.clone()),
            },
            policy: self.policy.overlay(&over.policy),
        }
    }
}

record! {
    "an environment"
    /// What one environment changes: variables and defaults by key, entries by task.
    pub(crate) struct Overlay {
        /// Programs and versions that it needs.
        #[schemars(default)]
        requires: Requires,
        /// For readers of this file.
        #[expect(dead_code, reason = "only for readers of the file")]
        description: Option<Literal>,
        /// Variables.
        #[schemars(default)]
        vars: Map<VariableSpec>,
        /// Policy and settings.
        defaults: Option<Defaults>,
        /// Entries. Keys given here replace those of the entry for the same task; a new `run`
        /// replaces check, verify, undo and outputs with it.
        #[schemars(default)]
        tasks: Tasks,
    }
}

/// Entries in the order of the text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks(pub(crate) Vec<Entry>);

impl Decode for Tasks {
    /// A faulty entry is left out; the others stay.
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let mut entries: Vec<Entry> = match &node.data {
            Data::Mapping(pairs) => pairs
                .iter()
                .filter_map(|(key, value)| entry(Some(Literal::of_key(key, cx)), value, cx))
                .collect(),
            Data::Sequence(items) => items.iter().filter_map(|item| entry(None, item, cx)).collect(),
            Data::Scalar(_) => {
                cx.wrong_type(node, "a mapping by task id, or a list of entries");
                return None;
            }
        };
        entries.shrink_to_fit();
        Some(Self(entries))
    }
}

fn entry(key: Option<Literal>, node: &Node, cx: &mut Context<'_>) -> Option<Entry> {
    let fields = EntryFields::decode(node, cx)?;
    let selector = match (&fields.title, &fields.id, key) {
        (None, None, Some(key)) => Selector::Id(key),
        (None, Some(id), _) => Selector::Id(id.clone()),
        (Some(title), None, _) => Selector::Title { phase: fields.phase.clone(), title: title.clone() },
        (Some(_), Some(id), _) => {
            let help = "a task is found by one of them";
            cx.error_with_help("schema-value", id.place.span, "both `id` and `title` are given", help);
            return None;
        }
        (None, None, None) => {
            let help = "give `id`, or `phase` and `title`";
            cx.error_with_help("schema-missing-key", node.span, "this entry names no task", help);
            return None;
        }
    };
    Some(Entry { selector, fields })
}

impl Field for Tasks {
    fn present(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        Self::decode(node, cx)
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}

required!(Overlay);

impl JsonSchema for Tasks {
    fn schema_name() -> Cow<'static, str> {
        "Tasks".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let entry = generator.subschema_for::<EntryFields>();
        json_schema!({
            "description": "A mapping by task id, or a list of entries.",
            "type": ["object", "array"],
            "additionalProperties": entry,
            "items": entry,
        })
    }
}

impl File {
    /// Environments that it names; none where it is for all.
    pub(crate) fn environment_names(&self) -> impl Iterator<Item = &str> {
        let head = self.environment.iter().flat_map(Many::iter).map(|name| name.text.as_str());
        head.chain(self.environments.iter().map(|(name, _)| name.text.as_str()))
    }

    /// Every entry, of any environment.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        let overlays = self.environments.iter().map(|(_, overlay)| &overlay.tasks);
        std::iter::once(&self.tasks).chain(overlays).flat_map(|tasks| &tasks.0)
    }

    /// Names of variables that it declares anywhere.
    pub(crate) fn variable_names(&self) -> impl Iterator<Item = &Literal> {
        let overlays = self.environments.iter().map(|(_, overlay)| overlay);
        let vars = std::iter::once(&self.vars).chain(overlays.map(|overlay| &overlay.vars));
        let of_entries = self.entries().map(|entry| &entry.fields.vars);
        vars.chain(of_entries).flat_map(Map::iter).map(|(name, _)| name)
    }

    /// True where it is for this environment.
    pub(crate) fn is_for_environment(&self, environment: &str) -> bool {
        let mut names = self.environment_names().peekable();
        names.peek().is_none() || names.any(|name| name == environment)
    }

    /// True where it is for the document with this id or path.
    pub(crate) fn is_for_document(&self, id: &str, path: &str) -> bool {
        let same_path = |written: &str| written.trim_start_matches("./") == path.trim_start_matches("./");
        self.document
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| name.text == id || same_path(&name.text)))
    }
}
