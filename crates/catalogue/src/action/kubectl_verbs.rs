//! The verbs of `kubectl`.

use super::ask::{One, ask_kubectl};
use super::command::Command;
use super::kubectl::{Cluster, exactly_one, with_one_of};
use super::kubectl_ready::{self, ReadySpec};
use super::{Parts, Renderer, probe, process};
use crate::decode::{Context, Decode, Many, Map, Millis, Text, record};
use crate::model::{Tree, words};
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value as Json, json};
use std::borrow::Cow;
use taskmaster_core::action::{OutputMatch, Probe, ProcessSpec, Value};
use taskmaster_core::tool::KUBE_APPLY;

/// Owner of fields that are applied server-side, unless said otherwise.
const FIELD_MANAGER: &str = "taskmaster";
/// How long waits wait, unless said otherwise: kubectl's own 30 s are short for images to load.
const WAIT: Millis = Millis(300_000);

/// `apply: [files]`, or a mapping.
#[derive(Clone, Debug)]
pub(crate) struct ApplySpec(ApplyFields);

record! {
    "apply"
    /// Applies manifests. Nothing is pruned.
    #[derive(Default)]
    pub(crate) struct ApplyFields {
        /// Files, folders or URLs.
        #[schemars(default)]
        files: Many<Text>,
        /// Folder of a kustomization.
        kustomize: Option<Text>,
        /// One object or a list of objects, written here.
        manifest: Option<Tree>,
        /// Apply server-side; `false` applies client-side.
        server_side: Option<bool> = true,
        /// Owner of the fields.
        field_manager: Option<Text> = "taskmaster",
        /// `true`: take every field that somebody else owns; `false`: take none. Unless given, fields are
        /// taken back that people changed by hand, and left to controllers, which fails and names both.
        force_conflicts: Option<bool>,
        /// Look into folders below.
        #[schemars(default)]
        recursive: bool,
        /// Only objects with these labels.
        selector: Option<Text>,
        /// What must be ready afterwards, and for the check: `deployment/web: Available`, or mappings as
        /// of `wait`.
        #[schemars(default)]
        ready: Many<ReadySpec>,
    }
}

const SOURCES: [&str; 3] = ["files", "kustomize", "manifest"];

impl Decode for ApplySpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if !matches!(node.data, Data::Mapping(_)) {
            let files = Many::decode(node, cx)?;
            return Some(Self(ApplyFields { files, ..ApplyFields::default() }));
        }
        let fields = ApplyFields::decode(node, cx)?;
        exactly_one(node, &SOURCES, "apply", cx)?;
        Some(Self(fields))
    }
}

impl ApplySpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>, cluster: &Cluster) -> Parts {
        let spec = &self.0;
        let manifest = spec.manifest.as_ref().map(|manifest| manifest_text(&r.tree(manifest)));
        let sources = source_flags(r, &spec.files, spec.kustomize.as_ref(), manifest.is_some());
        let selector = r.setting(spec.selector.as_ref());
        let server_side = spec.server_side.unwrap_or(true);
        let manager = spec.field_manager.as_ref().map_or_else(|| FIELD_MANAGER.to_owned(), |m| r.name(m));
        let common = |command: Command| {
            command
                .args(sources.clone())
                .switch("--recursive", spec.recursive)
                .flag("--selector", selector.clone())
                .stdin(manifest.clone().map(Value::Plain))
        };
        let owned = |verb: &str, force: bool| {
            let command = cluster.command(&[verb]).switch("--server-side", server_side);
            let command = command.arg(format!("--field-manager={manager}"));
            command.switch("--force-conflicts", server_side && force)
        };
        // The check goes the way of the run: what a run would take back is a difference, and what it
        // would leave to its owner is none, but an error that names both.
        let (apply, diff) = match spec.force_conflicts {
            None if server_side => {
                let politely = |verb, check| polite(r, check, common(owned(verb, false)).build());
                (politely("apply", false), politely("diff", true))
            }
            force => {
                let force = force == Some(true);
                (common(owned("apply", force)).build(), common(owned("diff", force)).build())
            }
        };
        let delete = common(cluster.command(&["delete", "--ignore-not-found"])).build();
        let (waits, also) = kubectl_ready::render_all(&spec.ready, r, cluster);
        let mut run = vec![process("apply", apply)];
        run.extend(waits);
        Parts {
            run,
            check: Some(Probe { also, ..ask_kubectl(One::False, diff) }),
            undo: vec![process("delete", delete)],
            ..Parts::default()
        }
    }
}

/// The same by taskmaster's own command, which decides by the owners of fields whether to force.
fn polite(r: &Renderer<'_>, check: bool, kubectl: ProcessSpec) -> ProcessSpec {
    let command = Command::new(&[&r.facts.program, KUBE_APPLY]).switch("--check", check).arg("--");
    ProcessSpec { argv: command.args(kubectl.argv).build().argv, ..kubectl }
}

/// `-f` for each file, `-k`, or `-f -`.
fn source_flags(r: &Renderer<'_>, files: &Many<Text>, kustomize: Option<&Text>, stdin: bool) -> Vec<String> {
    let mut flags: Vec<String> =
        r.names(files.iter()).into_iter().map(|file| format!("--filename={file}")).collect();
    flags.extend(kustomize.map(|folder| format!("--kustomize={}", r.name(folder))));
    if stdin {
        flags.push("--filename=-".to_owned());
    }
    flags
}

/// One object as it is, several as a `List`.
fn manifest_text(manifest: &Json) -> String {
    match manifest {
        Json::Array(items) => json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string(),
        one => one.to_string(),
    }
}

record! {
    "delete"
    /// Deletes objects; those that do not exist count as deleted.
    pub(crate) struct DeleteFields {
        /// Files, folders or URLs that say what is deleted.
        #[schemars(default)]
        files: Many<Text>,
        /// Folder of a kustomization.
        kustomize: Option<Text>,
        /// Objects (`deployment/web`), or a kind together with `selector`.
        #[schemars(default)]
        resources: Many<Text>,
        /// Only objects with these labels.
        selector: Option<Text>,
        /// Wait until they are gone.
        wait: Option<bool> = true,
        /// How long to wait at most; kubectl decides where it is not given.
        timeout: Option<Millis>,
    }
}

/// A deletion.
#[derive(Clone, Debug)]
pub(crate) struct DeleteSpec(DeleteFields);

impl Decode for DeleteSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let fields = DeleteFields::decode(node, cx)?;
        exactly_one(node, &DELETABLE, "delete", cx)?;
        Some(Self(fields))
    }
}

const DELETABLE: [&str; 3] = ["files", "kustomize", "resources"];

impl DeleteSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>, cluster: &Cluster) -> Parts {
        let spec = &self.0;
        let sources = source_flags(r, &spec.files, spec.kustomize.as_ref(), false);
        let resources = r.names(spec.resources.iter());
        let selector = r.setting(spec.selector.as_ref());
        let common = |command: Command| {
            command.args(resources.clone()).args(sources.clone()).flag("--selector", selector.clone())
        };
        let delete = common(cluster.command(&["delete", "--ignore-not-found"]))
            .arg(format!("--wait={}", spec.wait.unwrap_or(true)))
            .flag("--timeout", spec.timeout.map(Millis::go));
        let get = common(cluster.command(&["get", "--ignore-not-found", "--output=name"])).capture();
        let nothing = OutputMatch { equals: Some(json!("")), ..OutputMatch::default() };
        let check = Probe { output: vec![nothing], ..probe(process("check", get.build()), Vec::new()) };
        Parts { run: vec![process("delete", delete.build())], check: Some(check), ..Parts::default() }
    }
}

/// `create_namespace: name`, or a mapping.
#[derive(Clone, Debug)]
pub(crate) struct NamespaceSpec(NamespaceFields);

record! {
    "a namespace"
    /// A namespace that exists.
    #[schemars(rename = "NamespaceSettings")]
    pub(crate) struct NamespaceFields {
        /// Its name.
        name: Text,
        /// Its labels.
        #[schemars(default)]
        labels: Map<Text>,
        /// Its annotations.
        #[schemars(default)]
        annotations: Map<Text>,
    }
}

impl Decode for NamespaceSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if matches!(node.data, Data::Scalar(_)) {
            let name = Text::decode(node, cx)?;
            return Some(Self(NamespaceFields { name, labels: Map::default(), annotations: Map::default() }));
        }
        NamespaceFields::decode(node, cx).map(Self)
    }
}

impl NamespaceSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>, cluster: &Cluster) -> Parts {
        let spec = &self.0;
        let name = r.name(&spec.name);
        let texts = |map: &Map<Text>| -> Json {
            map.iter().map(|(key, value)| (key.text.clone(), Json::String(r.argument(value)))).collect()
        };
        let mut metadata = json!({ "name": name });
        for (key, map) in [("labels", &spec.labels), ("annotations", &spec.annotations)] {
            if !map.is_empty() {
                metadata[key] = texts(map);
            }
        }
        let manifest = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }).to_string();
        let stdin = || Some(Value::Plain(manifest.clone()));
        let owner = format!("--field-manager={FIELD_MANAGER}");
        let with = |verb: &str| {
            let command = cluster.global_command(&[verb, "--server-side"]);
            command.arg(&owner).arg("--force-conflicts").arg("--filename=-").stdin(stdin()).build()
        };
        let delete =
            cluster.global_command(&["delete", "namespace", "--ignore-not-found"]).arg(&name).build();
        Parts {
            run: vec![process("apply", with("apply"))],
            check: Some(ask_kubectl(One::False, with("diff"))),
            undo: vec![process("delete", delete)],
            ..Parts::default()
        }
    }
}

record! {
    "wait"
    /// Waits until objects are as they should be.
    #[schemars(rename = "KubectlWait")]
    pub(crate) struct WaitForFields {
        /// Objects (`deployment/web`), or a kind together with `selector` or `all`.
        resources: Resources,
        /// `Available` (which is `condition=Available`), `delete`, `jsonpath={.status.phase}=Running`.
        condition: Text,
        /// Only objects with these labels.
        selector: Option<Text>,
        /// All objects of the kind.
        #[schemars(default)]
        all: bool,
        /// How long to wait at most.
        timeout: Option<Millis> = "5m",
    }
}

/// At least one object.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(transparent)]
pub(crate) struct Resources(Many<Text>);

impl Resources {
    /// One object.
    pub(crate) fn one(resource: Text) -> Self {
        Self(Many(vec![resource]))
    }
}

crate::decode::required!(Resources);

impl Decode for Resources {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let resources = Many::decode(node, cx)?;
        if resources.is_empty() {
            cx.error("schema-value", node.span, "this list of objects is empty");
            return None;
        }
        Some(Self(resources))
    }
}

/// A wait for a condition.
pub(crate) type WaitForSpec = WaitForFields;

impl WaitForFields {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>, cluster: &Cluster) -> Parts {
        let (wait, once) = self.commands(r, cluster);
        Parts {
            run: vec![process("wait", wait)],
            check: Some(ask_kubectl(One::Error, once)),
            ..Parts::default()
        }
    }

    /// The wait, and the same asked once.
    pub(super) fn commands(&self, r: &Renderer<'_>, cluster: &Cluster) -> (ProcessSpec, ProcessSpec) {
        let resources = r.names(self.resources.0.iter());
        let condition = condition(r.name(&self.condition));
        let selector = r.setting(self.selector.as_ref());
        let wait = |timeout: Millis| {
            cluster
                .command(&["wait"])
                .args(resources.clone())
                .switch("--all", self.all)
                .flag("--selector", selector.clone())
                .arg(format!("--for={condition}"))
                .arg(format!("--timeout={}", timeout.go()))
                .build()
        };
        (wait(self.timeout.unwrap_or(WAIT)), wait(Millis(0)))
    }
}

/// As kubectl wants it: `Available` is `condition=Available`.
fn condition(text: String) -> String {
    let is_whole = text.is_empty() || text.contains('=') || matches!(text.as_str(), "delete" | "create");
    if is_whole { text } else { format!("condition={text}") }
}

/// `kubectl rollout`.
#[derive(Clone, Debug)]
pub(crate) struct RolloutSpec {
    fields: RolloutFields,
}

record! {
    "rollout"
    /// `kubectl rollout` of a Deployment, StatefulSet or DaemonSet.
    pub(crate) struct RolloutFields {
        /// What is done.
        verb: RolloutVerb,
        /// The object: `deployment/web`.
        resource: Text,
        /// How long `status` waits at most.
        timeout: Option<Millis> = "5m",
        /// Revision to go back to, with `undo`; the one before unless given.
        to_revision: Option<u32>,
    }
}

words! {
    /// A verb of `kubectl rollout`.
    pub(crate) enum RolloutVerb {
        /// Waits until the rollout has ended well.
        Status = "status",
        /// Replaces every pod.
        Restart = "restart",
        /// Goes back to an earlier revision.
        Undo = "undo",
        /// Stops a rollout where it is.
        Pause = "pause",
        /// Lets it go on.
        Resume = "resume",
    }
}

crate::decode::required!(RolloutVerb);

impl Decode for RolloutSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let fields = RolloutFields::decode(node, cx)?;
        let unused = |key: &str| node.get(key).map(|value| value.span);
        if let Some(span) = unused("timeout").filter(|_| fields.verb != RolloutVerb::Status) {
            cx.error("schema-value", span, "`timeout` is only for `status`");
        }
        if let Some(span) = unused("to_revision").filter(|_| fields.verb != RolloutVerb::Undo) {
            cx.error("schema-value", span, "`to_revision` is only for `undo`");
        }
        Some(Self { fields })
    }
}

impl RolloutSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>, cluster: &Cluster) -> Parts {
        let spec = &self.fields;
        let resource = r.name(&spec.resource);
        let command = |verb: &str| cluster.command(&["rollout", verb]).arg(&resource);
        let status = |timeout: Millis| {
            command("status").arg("--watch=true").arg(format!("--timeout={}", timeout.go())).build()
        };
        let (name, run) = match spec.verb {
            RolloutVerb::Status => ("status", status(spec.timeout.unwrap_or(WAIT))),
            RolloutVerb::Restart => ("restart", command("restart").build()),
            RolloutVerb::Undo => {
                let revision = spec.to_revision.map(|n| n.to_string());
                ("undo", command("undo").flag("--to-revision", revision).build())
            }
            RolloutVerb::Pause => ("pause", command("pause").build()),
            RolloutVerb::Resume => ("resume", command("resume").build()),
        };
        let check =
            (spec.verb == RolloutVerb::Status).then(|| ask_kubectl(One::Error, status(Millis(1_000))));
        Parts { run: vec![process(name, run)], check, ..Parts::default() }
    }
}

impl JsonSchema for ApplySpec {
    fn schema_name() -> Cow<'static, str> {
        "KubectlApply".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = Many::<Text>::json_schema(generator);
        let long = with_one_of(ApplyFields::json_schema(generator), &SOURCES);
        json_schema!({ "anyOf": [short, long] })
    }
}

impl JsonSchema for DeleteSpec {
    fn schema_name() -> Cow<'static, str> {
        "KubectlDelete".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        with_one_of(DeleteFields::json_schema(generator), &DELETABLE)
    }
}

impl JsonSchema for NamespaceSpec {
    fn schema_name() -> Cow<'static, str> {
        "KubectlNamespace".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = generator.subschema_for::<Text>();
        let long = generator.subschema_for::<NamespaceFields>();
        json_schema!({ "anyOf": [short, long] })
    }
}

impl JsonSchema for RolloutSpec {
    fn schema_name() -> Cow<'static, str> {
        "KubectlRollout".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        RolloutFields::json_schema(generator)
    }
}
