//! What the charts promise, asked of what they give and not of their templates.
//!
//! All but the last need Helm alone.

use crate::run::{check, command, kubectl, output};
use crate::scenario::{given, then, when};
use crate::world::World;
use anyhow::{Context, Result, ensure};
use serde_yaml::Value;
use std::fs;
use std::path::Path;

/// Charts, and the names of their releases.
const CHARTS: [(&str, &str); 3] =
    [("sample-api", "sample-api"), ("blue-green-app", "blue-green"), ("canary-app", "canary")];
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];
/// Everything that is off by default.
const ALL_ON: &str = "--set=autoscaling.enabled=true,disruption.enabled=true,serviceMonitor.enabled=true,analysis.enabled=true,ingress.tlsSecret=certificate,ingress.annotations.owner=platform";

/// Helm in the project, by words without spaces.
fn helm(world: &World, words: &str) -> Result<String> {
    check(command(&format!("helm {words}")).current_dir(&world.project))
}

fn documents(text: &str) -> Result<Vec<Value>> {
    use serde::Deserialize;
    let all = serde_yaml::Deserializer::from_str(text).map(Value::deserialize);
    let all = all.collect::<Result<Vec<_>, _>>().context("YAML")?;
    Ok(all.into_iter().filter(|document| !document.is_null()).collect())
}

/// What a chart gives, with further options.
fn rendered(world: &World, chart: &str, namespace: &str, options: &str) -> Result<Vec<Value>> {
    let release = CHARTS.iter().find(|(name, _)| *name == chart).map_or(chart, |(_, release)| release);
    documents(&helm(world, &format!("template {release} charts/{chart} --namespace={namespace} {options}"))?)
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> Option<&'a Value> {
    documents.iter().find(|document| document["kind"] == kind)
}

/// Each chart with its own values and with those of each environment: its name, the environment or
/// "", and what it gives.
fn every_rendering(world: &World) -> Result<Vec<(&'static str, &'static str, Vec<Value>)>> {
    let mut all = Vec::new();
    for (chart, release) in CHARTS {
        all.push((chart, "", rendered(world, chart, release, "")?));
        for environment in ENVIRONMENTS {
            let values = format!("--values=charts/{chart}/values-{environment}.yaml");
            all.push((chart, environment, rendered(world, chart, environment, &values)?));
        }
    }
    Ok(all)
}

pub(crate) fn without_faults(world: &mut World) -> Result<()> {
    given("the charts, and values of each environment");
    when("Helm looks for faults");
    for (chart, _) in CHARTS {
        helm(world, &format!("lint --strict charts/{chart}"))?;
        for environment in ENVIRONMENTS {
            helm(
                world,
                &format!("lint --strict charts/{chart} --values=charts/{chart}/values-{environment}.yaml"),
            )?;
        }
        for kind in ["ingress", "gateway"] {
            helm(world, &format!("lint --strict charts/{chart} --set=ingress.kind={kind} {ALL_ON}"))?;
        }
    }
    helm(world, "lint --strict argocd/applications")?;
    helm(world, "lint --strict argocd/applications --values=argocd/applications/values-environments.yaml")?;
    then("there are none");
    Ok(())
}

/// Values, and what Helm says of them.
const REFUSED: &[(&str, &str)] = &[
    ("weights={101}", "'/weights/0': maximum: got 101, want 100"),
    ("weights={0,50}", "'/weights/0': minimum: got 0, want 1"),
    ("weights={50,10}", "weights must rise, and 10 follows 50"),
    ("replicas=-1", "'/replicas': minimum: got -1, want 1"),
    ("replicas=many", "'/replicas': got string, want integer"),
    ("colour=red", "additional properties 'colour' not allowed"),
    ("image.colour=red", "'/image': additional properties 'colour' not allowed"),
    ("image.tag=110", "'/image/tag': got number, want string"),
    ("strategy=recreate", "'/strategy': value must be one of 'blueGreen', 'canary'"),
    ("pause=soon", "'/pause': 'soon' does not match pattern"),
    ("analysis.interval=60", "'/analysis/interval': got number, want string"),
    ("analysis.successRate=95", "'/analysis/successRate': maximum: got 95, want 1"),
    ("analysis.latencySeconds=10", "'/analysis/latencySeconds': exclusiveMaximum: got 10, want 10"),
    ("ingress.kind=tunnel", "'/ingress/kind': value must be one of 'ingress', 'gateway'"),
    ("ingress.host=A_B", "'/ingress/host': 'A_B' does not match pattern"),
    ("ingress.tlsSecret=Big", "'/ingress/tlsSecret': 'Big' does not match pattern"),
    ("disruption.minAvailable=100%", "'/disruption/minAvailable': '100%' does not match pattern"),
    ("strategy=blueGreen", "missing properties 'previewReplicaCount', 'scaleDownDelaySeconds'"),
];

pub(crate) fn refuse_values(world: &mut World) -> Result<()> {
    given("values that cannot be right");
    when("the canary's chart is filled with them");
    for (values, expected) in REFUSED {
        let mut helm = command(&format!("helm template canary charts/canary-app --set={values}"));
        let said = output(helm.current_dir(&world.project))?;
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        ensure!(!said.status.success(), "{values} is taken");
        ensure!(text.contains(expected), "{values}: {text}");
    }
    then("each is refused with its place");
    Ok(())
}

pub(crate) fn current(world: &mut World) -> Result<()> {
    given("the templates and the schema of sample-api");
    for (preset, _) in &CHARTS[1..] {
        for part in ["templates", "values.schema.json"] {
            let words = format!("diff -r charts/sample-api/{part} charts/{preset}/{part}");
            check(command(&words).current_dir(&world.project)).context("run charts/generate")?;
        }
    }
    then("those of the presets are the same");
    when("the plain manifests are written anew");
    let folder = world.scratch.path().join("k8s");
    check(command(&format!("sh k8s/generate {}", folder.display())).current_dir(&world.project))?;
    then("they are those in k8s, and k8s holds no others but namespaces");
    for app in ["blue-green", "canary"] {
        let words = format!("diff -r --exclude=namespace.yaml {}/{app} k8s/{app}", folder.display());
        check(command(&words).current_dir(&world.project)).context("run k8s/generate")?;
    }
    Ok(())
}

pub(crate) fn sound_pods(world: &mut World) -> Result<()> {
    given("every rendering of every chart");
    for (chart, environment, documents) in every_rendering(world)? {
        let rollout = of_kind(&documents, "Rollout").context("no Rollout")?;
        sound(&rollout["spec"]["template"]["spec"]).with_context(|| format!("{chart} {environment}"))?;
    }
    then("its pods have probes, thirty seconds, bounds, and no rights that they do not need");
    Ok(())
}

fn sound(pod: &Value) -> Result<()> {
    ensure!(pod["terminationGracePeriodSeconds"] == 30, "not thirty seconds to finish");
    ensure!(pod["securityContext"]["runAsNonRoot"] == true, "may be root");
    ensure!(pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", "any system call");
    let containers = pod["containers"].as_sequence().context("no containers")?;
    ensure!(!containers.is_empty(), "no container");
    for container in containers {
        for probe in ["readinessProbe", "livenessProbe"] {
            ensure!(container[probe]["httpGet"]["path"].is_string(), "no {probe}");
        }
        let context = &container["securityContext"];
        ensure!(context["readOnlyRootFilesystem"] == true, "writes to its root");
        ensure!(context["allowPrivilegeEscalation"] == false, "may gain rights");
        ensure!(context["capabilities"]["drop"][0] == "ALL", "keeps capabilities");
        for (kind, what) in [("requests", "cpu"), ("requests", "memory"), ("limits", "memory")] {
            ensure!(container["resources"][kind][what].is_string(), "no {kind} of {what}");
        }
    }
    Ok(())
}

/// Pods, thousandths of a processor, and memory in Mi: asked for and at most.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    pods: u64,
    cpu: u64,
    memory: u64,
    memory_limit: u64,
}

/// Two versions at their largest, and a surge of a quarter.
fn use_of(documents: &[Value]) -> Result<Use> {
    let rollout = of_kind(documents, "Rollout").context("no Rollout")?;
    let most = match of_kind(documents, "HorizontalPodAutoscaler") {
        Some(autoscaler) => autoscaler["spec"]["maxReplicas"].as_u64(),
        None => rollout["spec"]["replicas"].as_u64(),
    };
    let most = most.context("no number of replicas")?;
    let pods = 2 * most + most.div_ceil(4);
    let resources = &rollout["spec"]["template"]["spec"]["containers"][0]["resources"];
    let each = |kind: &str, what: &str| quantity(&resources[kind][what]);
    Ok(Use {
        pods,
        cpu: pods * each("requests", "cpu")?,
        memory: pods * each("requests", "memory")?,
        memory_limit: pods * each("limits", "memory")?,
    })
}

/// `500m` and `2` of a processor in thousandths, `64Mi` and `2Gi` of memory in Mi.
fn quantity(value: &Value) -> Result<u64> {
    let text = value.as_str().context("a quantity is a text")?;
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[number.len()..] {
        "m" | "Mi" => 1,
        "" => 1000,
        "Gi" => 1024,
        unit => anyhow::bail!("{unit} of {text} is not known"),
    };
    Ok(number.parse::<u64>()? * factor)
}

pub(crate) fn fit_the_quotas(world: &mut World) -> Result<()> {
    given("the quotas of infra/platform and of the applications' own namespaces");
    for environment in ENVIRONMENTS {
        // The presets share an environment; sample-api is for those who have an app of their own.
        let mut both = Use::default();
        for (chart, _) in &CHARTS[1..] {
            let values = format!("--values=charts/{chart}/values-{environment}.yaml");
            let one = use_of(&rendered(world, chart, environment, &values)?)?;
            both = Use {
                pods: both.pods + one.pods,
                cpu: both.cpu + one.cpu,
                memory: both.memory + one.memory,
                ..both
            };
        }
        let quota = environment_quota(&world.project, environment)?;
        let fits = both.pods <= quota.pods && both.cpu <= quota.cpu && both.memory <= quota.memory;
        ensure!(fits, "{environment}: {both:?} is more than {quota:?}");
    }
    for (chart, release) in &CHARTS[1..] {
        let most = use_of(&rendered(world, chart, release, "--set=autoscaling.enabled=true")?)?;
        let text = fs::read_to_string(world.project.join(format!("k8s/{release}/namespace.yaml")))?;
        let documents = documents(&text)?;
        let hard = &of_kind(&documents, "ResourceQuota").context("no quota")?["spec"]["hard"];
        let pods = hard["pods"].as_str().context("pods")?.parse::<u64>()?;
        let fits = most.pods <= pods
            && most.cpu <= quantity(&hard["requests.cpu"])?
            && most.memory <= quantity(&hard["requests.memory"])?
            && most.memory_limit <= quantity(&hard["limits.memory"])?;
        ensure!(fits, "{release}: {most:?} is more than {hard:?}");
    }
    then("two versions of every application and a surge fit into them");
    Ok(())
}

/// As `dev     = { pods = 10, cpu = "500m", memory = "512Mi" }` says it.
fn environment_quota(project: &Path, environment: &str) -> Result<Use> {
    let text = fs::read_to_string(project.join("infra/platform/variables.tf"))?;
    let line = text.lines().map(str::trim).find(|line| {
        line.starts_with(environment) && line[environment.len()..].trim_start().starts_with("= { pods")
    });
    let line = line.with_context(|| format!("no quota of {environment}"))?;
    let field = |name: &str| -> Result<Value> {
        let at = line.find(&format!("{name} = ")).with_context(|| format!("no {name}"))?;
        let value = line[at + name.len() + 3..].split([',', '}']).next().unwrap_or_default();
        Ok(Value::from(value.trim().trim_matches('"')))
    };
    let pods = field("pods")?.as_str().context("pods")?.parse()?;
    Ok(Use { pods, cpu: quantity(&field("cpu")?)?, memory: quantity(&field("memory")?)?, memory_limit: 0 })
}

/// Scripts fill in the settings of a site where a line has the key.
pub(crate) fn settings_by_line(world: &mut World) -> Result<()> {
    given("the values that a release or a site changes");
    let keys: [(&str, &[&str]); 2] = [
        ("blue-green-app", &["repository", "tag"]),
        ("canary-app", &["repository", "tag", "pause", "interval", "count"]),
    ];
    for (chart, keys) in keys {
        let text = fs::read_to_string(world.project.join(format!("charts/{chart}/values.yaml")))?;
        for key in keys {
            let lines = text.lines().filter(|line| line.trim_start().starts_with(&format!("{key}: ")));
            ensure!(lines.count() == 1, "{key} does not stand on one line of {chart}");
        }
        ensure!(text.lines().any(|line| line.starts_with("  tag: ")), "release.sh does not find the tag");
    }
    then("each stands on one line");
    Ok(())
}

pub(crate) fn applications(world: &mut World) -> Result<()> {
    given("the app of apps, for the environments of the platform");
    let values = "--values=argocd/applications/values-environments.yaml";
    let given = documents(&helm(world, &format!("template applications argocd/applications {values}"))?)?;
    let mut seen = Vec::new();
    for application in &given {
        let spec = &application["spec"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = text(&application["metadata"]["name"]);
        seen.push((name.clone(), text(&spec["destination"]["namespace"])));
        let chart = world.project.join(text(&spec["source"]["path"]));
        ensure!(chart.join("Chart.yaml").exists(), "{name}: no chart in {}", chart.display());
        if let Some(file) = spec["source"]["helm"]["valueFiles"][0].as_str() {
            ensure!(chart.join(file).exists(), "{name}: no {file}");
        }
        ensure!(spec["syncPolicy"]["automated"]["selfHeal"] == true, "{name} is not healed");
        ensure!(
            spec["syncPolicy"]["syncOptions"][0] == "RespectIgnoreDifferences=true",
            "{name}: syncs undo releases"
        );
    }
    seen.sort();
    let mut wanted = Vec::new();
    for app in ["blue-green", "canary"] {
        wanted.push((app.to_owned(), app.to_owned()));
        wanted
            .extend(ENVIRONMENTS.map(|environment| (format!("{app}-{environment}"), environment.to_owned())));
    }
    wanted.sort();
    ensure!(seen == wanted, "{seen:?}");
    then("each application is there once for each, with its values and its namespace");
    Ok(())
}

/// From the ingress and from Prometheus, to the port of the service, and from nowhere else.
const MAY_TALK: &str = "
- from:
  - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}
  - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}
  ports: [{port: http}]
";

pub(crate) fn namespaces(world: &mut World) -> Result<()> {
    given("the namespaces of the applications");
    for app in ["blue-green", "canary"] {
        let text = fs::read_to_string(world.project.join(format!("k8s/{app}/namespace.yaml")))?;
        let documents = documents(&text)?;
        let part = |kind: &str| of_kind(&documents, kind).with_context(|| format!("{app}: no {kind}"));
        let label = &part("Namespace")?["metadata"]["labels"]["pod-security.kubernetes.io/enforce"];
        ensure!(label == "restricted", "{app}: pods may do as they like");
        part("ResourceQuota")?;
        let policy = &part("NetworkPolicy")?["spec"];
        let all = policy["podSelector"].as_mapping().is_some_and(serde_yaml::Mapping::is_empty);
        ensure!(all && policy["policyTypes"][0] == "Ingress", "{app}: some pods are open");
        ensure!(
            policy["ingress"] == serde_yaml::from_str::<Value>(MAY_TALK)?,
            "{app}: others may talk to it"
        );
        let role = &part("RoleBinding")?["roleRef"]["name"];
        ensure!(role == "platform-taskmaster", "{app}: taskmaster is {role:?}");
    }
    then("their pods are restricted, and the ingress and Prometheus alone may talk to them");
    Ok(())
}

pub(crate) fn taken_by_the_server(world: &mut World) -> Result<()> {
    given("an API server with the kinds that are there");
    kubectl("create namespace e2e-charts")?;
    let known = kubectl("api-resources --no-headers -o name")?;
    let (mut left_out, mut asked, mut answered) = (Vec::new(), 0, 0);
    when("everything that the charts can give is sent for a trial");
    for (chart, _) in CHARTS {
        for kind in ["ingress", "gateway"] {
            let mut known_to_it = String::new();
            for document in
                rendered(world, chart, "e2e-charts", &format!("--set=ingress.kind={kind} {ALL_ON}"))?
            {
                let name = document["kind"].as_str().context("a kind")?;
                // A cluster need not have every operator; the suite says what it could not ask.
                if !known.lines().any(|resource| resource.starts_with(&name.to_lowercase())) {
                    left_out.push(name.to_owned());
                    continue;
                }
                known_to_it += &format!("---\n{}", serde_yaml::to_string(&document)?);
                asked += 1;
            }
            let file = world.scratch.path().join(format!("{chart}-{kind}.yaml"));
            fs::write(&file, known_to_it)?;
            let taken = kubectl(&format!("apply --dry-run=server --filename={}", file.display()))?;
            answered += taken.lines().filter(|line| line.contains("dry run")).count();
        }
    }
    kubectl("delete namespace e2e-charts --wait=false")?;
    left_out.sort();
    left_out.dedup();
    ensure!(asked > 0 && answered == asked, "{answered} of {asked} objects were taken");
    then(&format!("all of it is taken; kinds that the cluster lacks: {left_out:?}"));
    Ok(())
}
