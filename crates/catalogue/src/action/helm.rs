//! `helm`: releases.

use super::command::Command;
use super::kubectl::{KubeSettings, exactly_one, with_one_of};
use super::{Parts, Renderer, probe, process};
use crate::decode::{Context, Decode, Many, Map, Millis, Text, record};
use crate::model::{SecretSpec, Tree, ValueSpec};
use crate::yaml::Node;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value as Json, json};
use std::borrow::Cow;
use taskmaster_core::action::{OutputMatch, Probe, ProcessSpec, Value};
use taskmaster_core::id::Digest;

/// Label of a release that holds a digest of everything that the catalogue asked for.
const LABEL: &str = "taskmaster-digest";
/// How long Helm waits, unless said otherwise.
const WAIT: Millis = Millis(300_000);

/// A Helm action.
#[derive(Clone, Debug)]
pub(crate) struct HelmSpec(HelmFields);

record! {
    "a helm action"
    /// Helm: settings of the cluster and exactly one verb.
    pub(crate) struct HelmFields {
        /// Installs or upgrades a release. The check is `helm list`, the undo `helm uninstall`.
        upgrade: Option<UpgradeSpec>,
        /// Goes back to an earlier revision.
        rollback: Option<RollbackSpec>,
        /// Removes a release. The check is that it does not exist.
        uninstall: Option<UninstallSpec>,
        /// Runs the tests of a release.
        test: Option<TestSpec>,
        /// Any other command, argument by argument; the settings of the cluster are added.
        args: Option<Vec<Text>>,
        /// Added to the inherited environment.
        #[schemars(default)]
        env: Map<ValueSpec>,
        .. settings: KubeSettings,
    }
}

const VERBS: [&str; 5] = ["upgrade", "rollback", "uninstall", "test", "args"];

record! {
    "upgrade"
    /// A release as it should be.
    #[schemars(rename = "HelmUpgrade")]
    pub(crate) struct UpgradeSpec {
        /// Name of the release.
        release: Text,
        /// Chart: a folder, `repo/name`, `oci://…`, or a name together with `repo`.
        chart: Text,
        /// URL of the chart repository.
        repo: Option<Text>,
        /// Version of the chart.
        version: Option<Text>,
        /// Values, written here. They win over those of files.
        values: Option<Tree>,
        /// Files of values, relative to the project's root.
        #[schemars(default)]
        values_files: Many<Text>,
        /// A whole document of values that is secret; instead of `values`.
        secret_values: Option<SecretSpec>,
        /// Single values by path; Helm guesses their type.
        #[schemars(default)]
        set: Map<Text>,
        /// Single values by path that stay texts.
        #[schemars(default)]
        set_string: Map<Text>,
        /// Make the namespace where it does not exist.
        #[schemars(default)]
        create_namespace: bool,
        /// Roll a failed release back; `false` leaves it as it is.
        atomic: Option<bool> = true,
        /// Wait until everything is ready; `false` only with `atomic: false`.
        wait: Option<bool> = true,
        /// Wait for jobs too.
        #[schemars(default)]
        wait_for_jobs: bool,
        /// How long to wait at most.
        timeout: Option<Millis> = "5m",
        /// Fetch the chart's dependencies first.
        #[schemars(default)]
        dependency_update: bool,
        /// Leave the chart's CRDs out.
        #[schemars(default)]
        skip_crds: bool,
        /// Keep a digest of these settings as a label of the release (Helm 3.13 or newer), by which the check sees that a value
        /// was changed here.
        track: Option<bool> = true,
    }
}

record! {
    "rollback"
    /// Goes back to an earlier revision.
    #[schemars(rename = "HelmRollback")]
    pub(crate) struct RollbackSpec {
        /// Name of the release.
        release: Text,
        /// Revision to go back to; the one before unless given.
        revision: Option<u32>,
        /// How long to wait at most.
        timeout: Option<Millis> = "5m",
    }
}

record! {
    "uninstall"
    /// Removes a release.
    #[schemars(rename = "HelmUninstall")]
    pub(crate) struct UninstallSpec {
        /// Name of the release.
        release: Text,
        /// How long to wait at most.
        timeout: Option<Millis> = "5m",
    }
}

record! {
    "test"
    /// Runs the tests of a release.
    #[schemars(rename = "HelmTest")]
    pub(crate) struct TestSpec {
        /// Name of the release.
        release: Text,
        /// How long to wait at most.
        timeout: Option<Millis> = "5m",
    }
}

impl Decode for HelmSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let fields = HelmFields::decode(node, cx)?;
        exactly_one(node, &VERBS, "helm action", cx)?;
        if let Some(upgrade) = &fields.upgrade {
            if upgrade.values.is_some()
                && let Some(secret) = &upgrade.secret_values
            {
                let message = "`values` and `secret_values` are both given on standard input";
                cx.error_with_help("schema-value", secret.place.span, message, "give one of them, and files");
            }
            if upgrade.wait == Some(false) && upgrade.atomic != Some(false) {
                let span =
                    node.get("upgrade").and_then(|u| u.get("wait")).map_or(node.span, |wait| wait.span);
                cx.error_with_help(
                    "schema-value",
                    span,
                    "an atomic upgrade always waits",
                    "add `atomic: false`",
                );
            }
        }
        Some(Self(fields))
    }
}

/// The cluster of one action.
struct Cluster {
    context: Option<String>,
    kubeconfig: Option<String>,
    namespace: Option<String>,
    env: Vec<(String, Value)>,
}

impl Cluster {
    fn command(&self, words: &[&str]) -> Command {
        self.with_settings(Command::new(&["helm"]).args(words.iter().map(|word| (*word).to_owned())))
    }

    fn with_settings(&self, command: Command) -> Command {
        command
            .flag("--kube-context", self.context.clone())
            .flag("--kubeconfig", self.kubeconfig.clone())
            .flag("--namespace", self.namespace.clone())
            .envs(self.env.clone())
    }

    fn uninstall(&self, release: &str, timeout: Option<Millis>) -> ProcessSpec {
        self.command(&["uninstall"])
            .arg(release)
            .args(["--ignore-not-found", "--wait"].map(str::to_owned))
            .arg(format!("--timeout={}", timeout.unwrap_or(WAIT).go()))
            .build()
    }

    /// `helm list` ends well whether or not the release exists, and badly when the cluster does not
    /// answer; `helm status` ends the same way in both cases.
    fn list(&self, release: &str) -> Command {
        let pattern = format!("--filter=^{}$", release.replace('.', "\\."));
        self.command(&["list"]).arg(pattern).arg("--output=json")
    }
}

impl HelmSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>) -> Parts {
        let spec = &self.0;
        let settings = r.kube.overlay(&spec.settings);
        let cluster = Cluster {
            context: r.setting(settings.context.as_ref()),
            kubeconfig: r.setting(settings.kubeconfig.as_ref()),
            namespace: r.setting(settings.namespace.as_ref()),
            env: r.values(&spec.env).into_iter().collect(),
        };
        if let Some(upgrade) = &spec.upgrade {
            return upgrade.render(r, &cluster);
        }
        if let Some(rollback) = &spec.rollback {
            return rollback.render(r, &cluster);
        }
        if let Some(uninstall) = &spec.uninstall {
            return uninstall.render(r, &cluster);
        }
        if let Some(test) = &spec.test {
            return test.render(r, &cluster);
        }
        let arguments = r.arguments(spec.args.iter().flatten());
        let raw = cluster.with_settings(Command::new(&["helm"]).args(arguments)).build();
        Parts { run: vec![process("helm", raw)], ..Parts::default() }
    }

    /// True where it is a raw command, which has no check of its own but can be one.
    pub(crate) fn is_raw(&self) -> bool {
        self.0.args.is_some()
    }
}

impl UpgradeSpec {
    fn render(&self, r: &Renderer<'_>, cluster: &Cluster) -> Parts {
        let release = r.name(&self.release);
        let chart = r.name(&self.chart);
        let version = r.setting(self.version.as_ref());
        let wanted = self.wanted(r, &chart, version.as_deref());
        let digest = self.track.unwrap_or(true).then(|| short_digest(&wanted));
        let atomic = self.atomic.unwrap_or(true);
        let mut upgrade = cluster
            .command(&["upgrade", "--install"])
            .args([release.clone(), chart.clone()])
            .args(wanted.flags)
            .switch("--create-namespace", self.create_namespace)
            .switch("--atomic", atomic)
            .switch("--wait", self.wait.unwrap_or(true))
            .switch("--wait-for-jobs", self.wait_for_jobs)
            .arg(format!("--timeout={}", self.timeout.unwrap_or(WAIT).go()))
            .switch("--dependency-update", self.dependency_update)
            .switch("--skip-crds", self.skip_crds)
            .stdin(wanted.stdin);
        if let Some(digest) = &digest {
            upgrade = upgrade.arg(format!("--labels={LABEL}={digest}"));
        }
        Parts {
            run: vec![process("upgrade", upgrade.build())],
            check: Some(check(cluster, &release, &chart, version.as_deref(), digest.as_deref())),
            undo: vec![process("uninstall", cluster.uninstall(&release, self.timeout))],
            ..Parts::default()
        }
    }

    /// Everything that decides what the release holds.
    fn wanted(&self, r: &Renderer<'_>, chart: &str, version: Option<&str>) -> Wanted {
        let mut flags = Vec::new();
        flags.extend(r.setting(self.repo.as_ref()).map(|repo| format!("--repo={repo}")));
        flags.extend(version.map(|version| format!("--version={version}")));
        flags.extend(r.names(self.values_files.iter()).iter().map(|file| format!("--values={file}")));
        let stdin = match (&self.values, &self.secret_values) {
            (Some(values), _) => Some(Value::Plain(r.tree(values).to_string())),
            (None, Some(secret)) => Some(Value::Secret(r.secret(secret))),
            (None, None) => None,
        };
        if stdin.is_some() {
            flags.push("--values=-".to_owned());
        }
        for (flag, map) in [("--set", &self.set), ("--set-string", &self.set_string)] {
            for (path, value) in map.iter() {
                flags.push(format!("{flag}={}={}", path.text, escape(&r.argument(value))));
            }
        }
        Wanted { chart: chart.to_owned(), flags, stdin }
    }
}

struct Wanted {
    chart: String,
    flags: Vec<String>,
    stdin: Option<Value>,
}

/// Short enough for a label; secrets enter by reference.
fn short_digest(wanted: &Wanted) -> String {
    let stdin = serde_json::to_value(&wanted.stdin).unwrap_or(Json::Null);
    let text = json!({ "chart": wanted.chart, "flags": wanted.flags, "stdin": stdin }).to_string();
    Digest::of(text.as_bytes()).as_str().chars().take(16).collect()
}

/// Helm splits `--set` values at commas and reads braces as lists: a value must stay one value.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for (index, c) in value.chars().enumerate() {
        if matches!(c, '\\' | ',') || (index == 0 && c == '{') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Deployed; of this chart version, where one exact version is asked for; with these settings.
fn check(
    cluster: &Cluster,
    release: &str,
    chart: &str,
    version: Option<&str>,
    digest: Option<&str>,
) -> Probe {
    let selector = digest.map(|digest| format!("{LABEL}={digest}"));
    let list = cluster.list(release).arg("--deployed").flag("--selector", selector).capture().build();
    let is = |pointer: &str, value: String| OutputMatch {
        pointer: Some(pointer.to_owned()),
        equals: Some(Json::String(value)),
        contains: None,
    };
    let mut output = vec![is("/0/status", "deployed".to_owned())];
    output.extend(chart_version(chart, version).map(|expected| is("/0/chart", expected)));
    Probe { output, ..probe(process("check", list), Vec::new()) }
}

/// `argo-cd-5.51.6`, where both parts are certain: a range or a local folder leaves one open.
fn chart_version(chart: &str, version: Option<&str>) -> Option<String> {
    let version = version?;
    let core = version.split(['-', '+']).next()?;
    let exact = core.split('.').count() == 3
        && core.split('.').all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let is_local = chart.starts_with(['.', '/']) || chart.ends_with(".tgz");
    let name = chart.rsplit('/').next()?;
    (exact && !is_local).then(|| format!("{name}-{version}"))
}

impl RollbackSpec {
    fn render(&self, r: &Renderer<'_>, cluster: &Cluster) -> Parts {
        let rollback = cluster
            .command(&["rollback"])
            .arg(r.name(&self.release))
            .args(self.revision.map(|n| n.to_string()))
            .arg("--wait")
            .arg(format!("--timeout={}", self.timeout.unwrap_or(WAIT).go()));
        Parts { run: vec![process("rollback", rollback.build())], ..Parts::default() }
    }
}

impl UninstallSpec {
    fn render(&self, r: &Renderer<'_>, cluster: &Cluster) -> Parts {
        let release = r.name(&self.release);
        let list = cluster.list(&release).arg("--all").capture().build();
        let empty = OutputMatch { pointer: Some(String::new()), equals: Some(json!([])), contains: None };
        Parts {
            run: vec![process("uninstall", cluster.uninstall(&release, self.timeout))],
            check: Some(Probe { output: vec![empty], ..probe(process("check", list), Vec::new()) }),
            ..Parts::default()
        }
    }
}

impl TestSpec {
    fn render(&self, r: &Renderer<'_>, cluster: &Cluster) -> Parts {
        let test = cluster
            .command(&["test"])
            .arg(r.name(&self.release))
            .arg("--logs")
            .arg(format!("--timeout={}", self.timeout.unwrap_or(WAIT).go()));
        Parts { run: vec![process("test", test.build())], ..Parts::default() }
    }
}

impl JsonSchema for HelmSpec {
    fn schema_name() -> Cow<'static, str> {
        "Helm".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        with_one_of(HelmFields::json_schema(generator), &VERBS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_value_stays_one_value() {
        assert_eq!(escape("a,admin=true"), r"a\,admin=true");
        assert_eq!(escape("{a}"), r"\{a}");
        assert_eq!(escape(r"c:\x"), r"c:\\x");
    }

    #[test]
    fn a_chart_version_is_compared_where_it_is_certain() {
        let certain = |chart, version| chart_version(chart, Some(version));
        assert_eq!(certain("argo/argo-cd", "5.51.6").as_deref(), Some("argo-cd-5.51.6"));
        assert_eq!(certain("oci://r.example/charts/web", "1.2.3-rc.1").as_deref(), Some("web-1.2.3-rc.1"));
        for (chart, version) in [
            ("argo/argo-cd", "^5.0"),
            ("argo/argo-cd", "5.51"),
            ("./charts/web", "1.2.3"),
            ("web-1.2.3.tgz", "1.2.3"),
            ("a/b", "v1.2.3"),
        ] {
            assert_eq!(certain(chart, version), None, "{chart} {version}");
        }
        assert_eq!(chart_version("a/b", None), None);
    }
}
