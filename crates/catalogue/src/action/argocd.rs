//! `argocd`: applications of Argo CD.

use super::ask::ask_argocd;
use super::command::Command;
use super::kubectl::{exactly_one, with_one_of};
use super::{Parts, Renderer, process};
use crate::decode::{Context, Decode, Many, Map, Millis, Text, record};
use crate::model::{ValueSpec, words};
use crate::yaml::Node;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value as Json;
use std::borrow::Cow;
use taskmaster_core::action::{OutputMatch, Probe, Step};

/// How long syncs and waits wait, unless said otherwise.
const WAIT: Millis = Millis(300_000);

record! {
    "settings of Argo CD"
    /// Which Argo CD is meant, and how it is reached.
    #[derive(Default)]
    pub(crate) struct ArgocdSettings {
        /// Address of the server: `argocd.example.com:443`.
        server: Option<Text>,
        /// Talk gRPC over HTTP/1 (proxies that know no HTTP/2).
        grpc_web: Option<bool> = false,
        /// The server speaks without TLS.
        plaintext: Option<bool> = false,
        /// Do not check the server's certificate.
        insecure: Option<bool> = false,
        /// Talk to Kubernetes directly, without a server.
        core: Option<bool> = false,
        /// Reach the server by a port-forward into this namespace.
        port_forward_namespace: Option<Text>,
        /// Token, handed over as `ARGOCD_AUTH_TOKEN`.
        auth_token: Option<ValueSpec>,
        /// Context of the kubeconfig, with `core` or a port-forward.
        context: Option<Text>,
        /// Namespace of Application objects, where it is not Argo CD's own.
        app_namespace: Option<Text>,
    }
}

impl ArgocdSettings {
    /// These settings with those that `over` gives.
    pub(crate) fn overlay(&self, over: &Self) -> Self {
        let pick = |own: &Option<Text>, other: &Option<Text>| other.clone().or_else(|| own.clone());
        Self {
            server: pick(&self.server, &over.server),
            grpc_web: over.grpc_web.or(self.grpc_web),
            plaintext: over.plaintext.or(self.plaintext),
            insecure: over.insecure.or(self.insecure),
            core: over.core.or(self.core),
            port_forward_namespace: pick(&self.port_forward_namespace, &over.port_forward_namespace),
            auth_token: over.auth_token.clone().or_else(|| self.auth_token.clone()),
            context: pick(&self.context, &over.context),
            app_namespace: pick(&self.app_namespace, &over.app_namespace),
        }
    }
}

/// An Argo CD action.
#[derive(Clone, Debug)]
pub(crate) struct ArgocdSpec(ArgocdFields);

record! {
    "an argocd action"
    /// Argo CD: settings of the server and exactly one verb.
    pub(crate) struct ArgocdFields {
        /// Makes an application, or changes it to what is given. The check compares source and
        /// destination, the undo deletes it.
        create: Option<CreateSpec>,
        /// Syncs an application and waits until it is synced and healthy, which is the check too.
        sync: Option<SyncSpec>,
        /// Waits for an application; the check asks once.
        wait: Option<WaitAppSpec>,
        /// Goes back to an earlier deployment.
        rollback: Option<RollbackSpec>,
        /// Changes parameters of an application.
        set: Option<SetSpec>,
        /// Any other command, argument by argument; the settings of the server are added.
        args: Option<Vec<Text>>,
        /// Added to the inherited environment.
        #[schemars(default)]
        env: Map<ValueSpec>,
        .. settings: ArgocdSettings,
    }
}

const VERBS: [&str; 6] = ["create", "sync", "wait", "rollback", "set", "args"];

record! {
    "create"
    /// An application as it should be.
    #[schemars(rename = "ArgocdCreate")]
    pub(crate) struct CreateSpec {
        /// Its name.
        app: Text,
        /// Project of Argo CD.
        project: Option<Text> = "default",
        /// URL of the Git or chart repository.
        repo: Text,
        /// Folder in the Git repository.
        path: Option<Text>,
        /// Chart of the chart repository.
        chart: Option<Text>,
        /// Branch, tag, commit or chart version.
        revision: Option<Text>,
        /// API server of the cluster it goes to; the one that Argo CD runs in unless given.
        dest_server: Option<Text>,
        /// Name of the cluster it goes to, instead of `dest_server`.
        dest_name: Option<Text>,
        /// Namespace it goes to.
        dest_namespace: Text,
        /// Who syncs.
        sync_policy: Option<SyncPolicyWord>,
        /// Automated syncs delete what is no longer in Git.
        #[schemars(default)]
        auto_prune: bool,
        /// Automated syncs undo changes in the cluster.
        #[schemars(default)]
        self_heal: bool,
        /// Options such as `CreateNamespace=true`.
        #[schemars(default)]
        sync_options: Many<Text>,
        /// Helm values files in the repository.
        #[schemars(default)]
        values: Many<Text>,
        /// Helm parameters.
        #[schemars(default)]
        helm_set: Map<Text>,
    }
}

words! {
    /// Who syncs an application.
    pub(crate) enum SyncPolicyWord {
        /// Nobody, until told.
        Manual = "manual",
        /// Argo CD.
        Automated = "automated",
    }
}

record! {
    "sync"
    /// Syncs an application.
    #[schemars(rename = "ArgocdSync")]
    pub(crate) struct SyncSpec {
        /// Name of the application.
        app: Text,
        /// Branch, tag or commit; what the application says unless given.
        revision: Option<Text>,
        /// Delete what is no longer in Git.
        #[schemars(default)]
        prune: bool,
        /// Replace instead of patching, where that is needed.
        #[schemars(default)]
        force: bool,
        /// Wait until it is synced and healthy.
        wait: Option<bool> = true,
        /// How long to wait at most.
        timeout: Option<Millis> = "5m",
    }
}

record! {
    "wait"
    /// Waits for an application.
    #[schemars(rename = "ArgocdWait")]
    pub(crate) struct WaitAppSpec {
        /// Name of the application.
        app: Text,
        /// Wait until it is healthy.
        health: Option<bool> = true,
        /// Wait until it is synced.
        sync: Option<bool> = true,
        /// Wait until no operation runs.
        #[schemars(default)]
        operation: bool,
        /// How long to wait at most.
        timeout: Option<Millis> = "5m",
    }
}

record! {
    "rollback"
    /// Goes back to an earlier deployment.
    #[schemars(rename = "ArgocdRollback")]
    pub(crate) struct RollbackSpec {
        /// Name of the application.
        app: Text,
        /// Number in the history; the deployment before unless given.
        id: Option<u32>,
        /// Delete what is not in that revision.
        #[schemars(default)]
        prune: bool,
        /// How long to wait at most.
        timeout: Option<Millis> = "5m",
    }
}

record! {
    "set"
    /// Changes parameters of an application.
    #[schemars(rename = "ArgocdSet")]
    pub(crate) struct SetSpec {
        /// Name of the application.
        app: Text,
        /// Branch, tag, commit or chart version.
        revision: Option<Text>,
        /// Helm parameters.
        #[schemars(default)]
        helm_set: Map<Text>,
        /// Kustomize images: `web=registry.example/web:1.2`.
        #[schemars(default)]
        kustomize_images: Many<Text>,
    }
}

impl Decode for ArgocdSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let fields = ArgocdFields::decode(node, cx)?;
        exactly_one(node, &VERBS, "argocd action", cx)?;
        if let Some(create) = node.get("create") {
            exactly_one(create, &["path", "chart"], "source", cx)?;
        }
        Some(Self(fields))
    }
}

/// One Argo CD, rendered, and how commands are begun for it.
struct Server<'r> {
    r: &'r Renderer<'r>,
    settings: ArgocdSettings,
    env: Map<ValueSpec>,
}

impl Server<'_> {
    fn command(&self, words: &[&str]) -> Command {
        self.with_settings(Command::new(&["argocd"]).args(words.iter().map(|word| (*word).to_owned())))
    }

    fn with_settings(&self, command: Command) -> Command {
        let (r, s) = (self.r, &self.settings);
        let forward = r.setting(s.port_forward_namespace.as_ref());
        let command = command
            .flag("--server", r.setting(s.server.as_ref()))
            .switch("--grpc-web", s.grpc_web == Some(true))
            .switch("--plaintext", s.plaintext == Some(true))
            .switch("--insecure", s.insecure == Some(true))
            .switch("--core", s.core == Some(true))
            .switch("--port-forward", forward.is_some())
            .flag("--port-forward-namespace", forward)
            .flag("--kube-context", r.setting(s.context.as_ref()));
        let command = match &s.auth_token {
            Some(token) => command.env("ARGOCD_AUTH_TOKEN", r.value(token)),
            None => command,
        };
        command.envs(r.values(&self.env))
    }

    /// A command about one application.
    fn app(&self, verb: &str, name: &str) -> Command {
        let namespace = self.r.setting(self.settings.app_namespace.as_ref());
        self.command(&["app", verb]).arg(name).flag("--app-namespace", namespace)
    }

    /// True where the application has these values at these JSON pointers. `refresh` makes Argo CD
    /// look at Git first: without it, "synced" may be minutes old.
    fn check(&self, name: &str, refresh: bool, wanted: Vec<(&str, String)>) -> Probe {
        let get = self.app("get", name).switch("--refresh", refresh).arg("--output=json").capture().build();
        let output = wanted.into_iter().map(|(pointer, value)| OutputMatch {
            pointer: Some(pointer.to_owned()),
            equals: Some(Json::String(value)),
            contains: None,
        });
        Probe { output: output.collect(), ..ask_argocd(get) }
    }

    fn wait(&self, name: &str, health: bool, sync: bool, operation: bool, timeout: Option<Millis>) -> Step {
        let wait = self
            .app("wait", name)
            .switch("--sync", sync)
            .switch("--health", health)
            .switch("--operation", operation)
            .arg(timeout_flag(timeout));
        process("wait", wait.build())
    }
}

fn timeout_flag(timeout: Option<Millis>) -> String {
    format!("--timeout={}", timeout.unwrap_or(WAIT).seconds())
}

fn synced_and_healthy(sync: bool, health: bool) -> Vec<(&'static str, String)> {
    let mut wanted = Vec::new();
    if sync {
        wanted.push(("/status/sync/status", "Synced".to_owned()));
    }
    if health {
        wanted.push(("/status/health/status", "Healthy".to_owned()));
    }
    wanted
}

impl ArgocdSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>) -> Parts {
        let spec = &self.0;
        let server = Server { r, settings: r.argocd.overlay(&spec.settings), env: spec.env.clone() };
        if let Some(create) = &spec.create {
            return create.render(r, &server);
        }
        if let Some(sync) = &spec.sync {
            return sync.render(r, &server);
        }
        if let Some(wait) = &spec.wait {
            return wait.render(r, &server);
        }
        if let Some(rollback) = &spec.rollback {
            return rollback.render(r, &server);
        }
        if let Some(set) = &spec.set {
            return set.render(r, &server);
        }
        let arguments = r.arguments(spec.args.iter().flatten());
        let raw = server.with_settings(Command::new(&["argocd"]).args(arguments)).build();
        Parts { run: vec![process("argocd", raw)], ..Parts::default() }
    }

    /// True where it is a raw command, which has no check of its own but can be one.
    pub(crate) fn is_raw(&self) -> bool {
        self.0.args.is_some()
    }
}

impl CreateSpec {
    fn render(&self, r: &Renderer<'_>, server: &Server<'_>) -> Parts {
        let name = r.name(&self.app);
        let source = self.source(r);
        let flags = source.iter().map(|(flag, _, value)| format!("{flag}={value}"));
        let mut create = server.app("create", &name).arg("--upsert").args(flags);
        create = create.flag(
            "--sync-policy",
            self.sync_policy.map(|word| match word {
                SyncPolicyWord::Manual => "none".to_owned(),
                SyncPolicyWord::Automated => "automated".to_owned(),
            }),
        );
        create = create
            .switch("--auto-prune", self.auto_prune)
            .switch("--self-heal", self.self_heal)
            .flags("--sync-option", r.names(self.sync_options.iter()))
            .flags("--values", r.names(self.values.iter()))
            .flags("--helm-set", pairs(r, &self.helm_set));
        let delete = server.app("delete", &name).arg("--cascade").arg("--yes").arg("--wait").build();
        let wanted = source.into_iter().map(|(_, pointer, value)| (pointer, value)).collect();
        Parts {
            run: vec![process("create", create.build())],
            check: Some(server.check(&name, false, wanted)),
            undo: vec![process("delete", delete)],
            ..Parts::default()
        }
    }

    /// Flags of source and destination, where the application shows each, and its value.
    fn source(&self, r: &Renderer<'_>) -> Vec<(&'static str, &'static str, String)> {
        let in_cluster = || "https://kubernetes.default.svc".to_owned();
        let dest_name = r.setting(self.dest_name.as_ref());
        let dest_server = match &dest_name {
            Some(_) => None,
            None => Some(r.setting(self.dest_server.as_ref()).unwrap_or_else(in_cluster)),
        };
        let project = r.setting(self.project.as_ref()).unwrap_or_else(|| "default".to_owned());
        [
            ("--project", "/spec/project", Some(project)),
            ("--repo", "/spec/source/repoURL", Some(r.name(&self.repo))),
            ("--path", "/spec/source/path", r.setting(self.path.as_ref())),
            ("--helm-chart", "/spec/source/chart", r.setting(self.chart.as_ref())),
            ("--revision", "/spec/source/targetRevision", r.setting(self.revision.as_ref())),
            ("--dest-server", "/spec/destination/server", dest_server),
            ("--dest-name", "/spec/destination/name", dest_name),
            ("--dest-namespace", "/spec/destination/namespace", Some(r.name(&self.dest_namespace))),
        ]
        .into_iter()
        .filter_map(|(flag, pointer, value)| value.map(|value| (flag, pointer, value)))
        .collect()
    }
}

fn pairs(r: &Renderer<'_>, map: &Map<Text>) -> Vec<String> {
    map.iter().map(|(key, value)| format!("{}={}", key.text, r.argument(value))).collect()
}

impl SyncSpec {
    fn render(&self, r: &Renderer<'_>, server: &Server<'_>) -> Parts {
        let name = r.name(&self.app);
        let revision = r.setting(self.revision.as_ref());
        let sync = server
            .app("sync", &name)
            .flag("--revision", revision.clone())
            .switch("--prune", self.prune)
            .switch("--force", self.force)
            .arg(timeout_flag(self.timeout));
        let mut run = vec![process("sync", sync.build())];
        let waits = self.wait.unwrap_or(true);
        if waits {
            run.push(server.wait(&name, true, true, false, self.timeout));
        }
        let mut wanted = synced_and_healthy(true, waits);
        wanted.extend(revision.map(|revision| (revision_pointer(&revision), revision)));
        Parts { run, check: Some(server.check(&name, true, wanted)), ..Parts::default() }
    }
}

/// A commit is compared with what is deployed; "synced" to a branch or tag is only meant where the
/// application itself follows that branch or tag.
fn revision_pointer(revision: &str) -> &'static str {
    let is_commit = revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit());
    if is_commit { "/status/sync/revision" } else { "/spec/source/targetRevision" }
}

impl WaitAppSpec {
    fn render(&self, r: &Renderer<'_>, server: &Server<'_>) -> Parts {
        let name = r.name(&self.app);
        let (health, sync) = (self.health.unwrap_or(true), self.sync.unwrap_or(true));
        let run = vec![server.wait(&name, health, sync, self.operation, self.timeout)];
        let wanted = synced_and_healthy(sync, health);
        let check = (!wanted.is_empty()).then(|| server.check(&name, true, wanted));
        Parts { run, check, ..Parts::default() }
    }
}

impl RollbackSpec {
    fn render(&self, r: &Renderer<'_>, server: &Server<'_>) -> Parts {
        let rollback = server
            .app("rollback", &r.name(&self.app))
            .args(self.id.map(|id| id.to_string()))
            .switch("--prune", self.prune)
            .arg(timeout_flag(self.timeout));
        Parts { run: vec![process("rollback", rollback.build())], ..Parts::default() }
    }
}

impl SetSpec {
    fn render(&self, r: &Renderer<'_>, server: &Server<'_>) -> Parts {
        let name = r.name(&self.app);
        let revision = r.setting(self.revision.as_ref());
        let set = server
            .app("set", &name)
            .flag("--revision", revision.clone())
            .flags("--helm-set", pairs(r, &self.helm_set))
            .flags("--kustomize-image", r.names(self.kustomize_images.iter()));
        // Parameters stand in a list that no pointer finds by name: only a revision alone can be asked for.
        let only_revision = self.helm_set.is_empty() && self.kustomize_images.is_empty();
        let check = revision
            .filter(|_| only_revision)
            .map(|revision| server.check(&name, false, vec![("/spec/source/targetRevision", revision)]));
        Parts { run: vec![process("set", set.build())], check, ..Parts::default() }
    }
}

impl JsonSchema for ArgocdSpec {
    fn schema_name() -> Cow<'static, str> {
        "Argocd".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        with_one_of(ArgocdFields::json_schema(generator), &VERBS)
    }
}
