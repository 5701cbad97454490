//! `kubectl`: settings of the cluster, one verb, and what every verb shares.

use super::command::Command;
use super::kubectl_verbs::{ApplySpec, DeleteSpec, NamespaceSpec, RolloutSpec, WaitForSpec};
use super::{Parts, Renderer, process};
use crate::decode::{Context, Decode, Map, Text, record};
use crate::model::ValueSpec;
use crate::yaml::Node;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::borrow::Cow;

record! {
    "settings of a cluster"
    /// Which cluster is meant.
    #[derive(Default)]
    pub(crate) struct KubeSettings {
        /// Context of the kubeconfig.
        context: Option<Text>,
        /// Path of the kubeconfig.
        kubeconfig: Option<Text>,
        /// Namespace.
        namespace: Option<Text>,
    }
}

impl KubeSettings {
    /// These settings with those that `over` gives.
    pub(crate) fn overlay(&self, over: &Self) -> Self {
        Self {
            context: over.context.clone().or_else(|| self.context.clone()),
            kubeconfig: over.kubeconfig.clone().or_else(|| self.kubeconfig.clone()),
            namespace: over.namespace.clone().or_else(|| self.namespace.clone()),
        }
    }
}

/// A kubectl action.
#[derive(Clone, Debug)]
pub(crate) struct KubectlSpec(KubectlFields);

record! {
    "a kubectl action"
    /// kubectl: settings of the cluster and exactly one verb.
    pub(crate) struct KubectlFields {
        /// Applies manifests, server-side. The check is `kubectl diff`, the undo `kubectl delete`.
        apply: Option<ApplySpec>,
        /// Deletes objects. The check is that none of them exists.
        delete: Option<DeleteSpec>,
        /// Makes sure that a namespace exists. The undo deletes it.
        create_namespace: Option<NamespaceSpec>,
        /// Waits for a condition. The check asks for it once.
        wait: Option<WaitForSpec>,
        /// `kubectl rollout`. The check of `status` asks for it once.
        rollout: Option<RolloutSpec>,
        /// Any other command, argument by argument; the settings of the cluster are added.
        args: Option<Vec<Text>>,
        /// Given on standard input, with `args`.
        stdin: Option<ValueSpec>,
        /// Added to the inherited environment.
        #[schemars(default)]
        env: Map<ValueSpec>,
        .. settings: KubeSettings,
    }
}

const VERBS: [&str; 6] = ["apply", "delete", "create_namespace", "wait", "rollout", "args"];

impl Decode for KubectlSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let fields = KubectlFields::decode(node, cx)?;
        exactly_one(node, &VERBS, "kubectl action", cx)?;
        if fields.stdin.is_some() && fields.args.is_none() {
            cx.error("schema-value", node.span, "`stdin` is only for `args`");
        }
        Some(Self(fields))
    }
}

/// Reports a mapping that gives none or several of the keys of which it must give one.
pub(crate) fn exactly_one(node: &Node, keys: &[&str], what: &str, cx: &mut Context<'_>) -> Option<()> {
    let given: Vec<&str> =
        keys.iter().copied().filter(|key| node.get(key).is_some_and(|value| !value.is_null())).collect();
    if given.len() == 1 {
        return Some(());
    }
    let message = match given.as_slice() {
        [] => format!("this {what} does nothing"),
        several => format!("this {what} does several things at once: {}", several.join(", ")),
    };
    let help = format!("give exactly one of {}", keys.join(", "));
    cx.error_with_help("schema-missing-key", node.span, message, help);
    None
}

/// One cluster, rendered, and how commands are begun for it.
pub(crate) struct Cluster {
    context: Option<String>,
    kubeconfig: Option<String>,
    namespace: Option<String>,
    env: Vec<(String, taskmaster_core::action::Value)>,
}

impl Cluster {
    /// Renders settings over those of the task.
    pub(crate) fn new(r: &Renderer<'_>, settings: &KubeSettings, env: &Map<ValueSpec>) -> Self {
        let settings = r.kube.overlay(settings);
        Self {
            context: r.setting(settings.context.as_ref()),
            kubeconfig: r.setting(settings.kubeconfig.as_ref()),
            namespace: r.setting(settings.namespace.as_ref()),
            env: r.values(env).into_iter().collect(),
        }
    }

    /// A command with the settings behind its verb, where plugins accept them too.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        self.with_settings(Command::new(&["kubectl"]).args(words.iter().map(|word| (*word).to_owned())))
    }

    /// The same for objects that have no namespace.
    pub(crate) fn global_command(&self, words: &[&str]) -> Command {
        let words = words.iter().map(|word| (*word).to_owned());
        self.with_place(Command::new(&["kubectl"]).args(words))
    }

    fn with_place(&self, command: Command) -> Command {
        command
            .flag("--context", self.context.clone())
            .flag("--kubeconfig", self.kubeconfig.clone())
            .envs(self.env.clone())
    }

    /// Adds the settings to any command that knows kubectl's flags.
    pub(crate) fn with_settings(&self, command: Command) -> Command {
        self.with_place(command).flag("--namespace", self.namespace.clone())
    }
}

impl KubectlSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>) -> Parts {
        let spec = &self.0;
        let cluster = Cluster::new(r, &spec.settings, &spec.env);
        if let Some(apply) = &spec.apply {
            return apply.render(r, &cluster);
        }
        if let Some(delete) = &spec.delete {
            return delete.render(r, &cluster);
        }
        if let Some(namespace) = &spec.create_namespace {
            return namespace.render(r, &cluster);
        }
        if let Some(wait) = &spec.wait {
            return wait.render(r, &cluster);
        }
        if let Some(rollout) = &spec.rollout {
            return rollout.render(r, &cluster);
        }
        self.raw(r, &cluster)
    }

    /// The arguments as given, with the cluster's settings before the first `--`.
    fn raw(&self, r: &Renderer<'_>, cluster: &Cluster) -> Parts {
        let arguments = r.arguments(self.0.args.iter().flatten());
        let split = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
        let (before, after) = arguments.split_at(split);
        let command = Command::new(&["kubectl"]).args(before.to_vec());
        let command = cluster.with_settings(command).args(after.to_vec());
        let stdin = self.0.stdin.as_ref().map(|stdin| r.value(stdin));
        let run = process("kubectl", command.stdin(stdin).build());
        Parts { run: vec![run], ..Parts::default() }
    }

    /// True where it is a raw command, which has no check of its own but can be one.
    pub(crate) fn is_raw(&self) -> bool {
        self.0.args.is_some()
    }
}

impl JsonSchema for KubectlSpec {
    fn schema_name() -> Cow<'static, str> {
        "Kubectl".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        with_one_of(KubectlFields::json_schema(generator), &VERBS)
    }
}

/// Adds "exactly one of these keys" to a schema.
pub(crate) fn with_one_of(mut schema: Schema, keys: &[&str]) -> Schema {
    let choices: Vec<_> = keys.iter().map(|key| serde_json::json!({ "required": [key] })).collect();
    schema.insert("oneOf".into(), choices.into());
    schema
}
