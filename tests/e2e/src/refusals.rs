//! What goes wrong on a real cluster is told with its cause, the last warnings and what helps, is tried
//! again only where that can help, and never leads to work that nobody has asked for.

use crate::run::{check, command, kubectl, taskmaster, until};
use crate::scenario::{given, then, when};
use crate::world::{World, ends};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

const NAMESPACE: &str = "e2e-refusals";

/// A task that fails, and what is told of it.
struct Case {
    /// What is wrong.
    what: &'static str,
    /// Its actions, in YAML.
    run: String,
    /// Another kubeconfig.
    kubeconfig: Option<PathBuf>,
    /// The name of the cause.
    cause: &'static str,
    /// The tool's own words.
    words: &'static str,
    /// It is tried as often as it may be.
    again: bool,
}

fn case(what: &'static str, run: String, cause: &'static str, words: &'static str, again: Again) -> Case {
    Case { what, run, kubeconfig: None, cause, words, again: again == Again::Yes }
}

/// Whether it is tried as often as it may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    Yes,
    No,
}

/// One project for one case.
fn project(world: &World, case: &Case) -> Result<PathBuf> {
    let slug: String = case.what.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let project = world.scratch.path().join("refusals").join(slug);
    fs::create_dir_all(project.join("tasks"))?;
    fs::write(project.join("prd.md"), "# Refusals\n\n## Phase 1: Try\n\n- [ ] Try it\n")?;
    let retry = "{attempts: 2, base_delay: 10ms}";
    let entry =
        format!("tasks:\n  try/try-it:\n    retry: {retry}\n    timeout: 40s\n    run:\n{}", case.run);
    fs::write(project.join("tasks/local.yaml"), entry)?;
    Ok(project)
}

/// Runs it, and looks at what was told.
fn fails(world: &World, case: &Case) -> Result<()> {
    let project = project(world, case)?;
    let mut run = taskmaster(&project, "run prd.md --no-wait");
    if let Some(kubeconfig) = &case.kubeconfig {
        run.env("KUBECONFIG", kubeconfig);
    }
    let (code, said) = ends(&mut run)?;
    ensure!(code == Some(20), "{}: {code:?}\n{said}", case.what);
    let mut report = taskmaster(&project, "report prd.md -o json");
    let report: Value = serde_json::from_str(&check(&mut report)?)?;
    let task = &report["tasks"][0];
    let told = diagnosis(task).with_context(|| format!("{}: no cause in {task:#}\n{said}", case.what))?;
    ensure!(
        told["cause"]["name"] == case.cause,
        "{}: {} instead of {}\n{said}",
        case.what,
        told["cause"],
        case.cause
    );
    ensure!(said.contains("help: "), "{}: no help\n{said}", case.what);
    let all = format!("{said}\n{task}");
    ensure!(all.contains(case.words), "{}: {:?} is not in\n{said}", case.what, case.words);
    let tries = said.matches("retry ").count();
    ensure!((tries > 0) == case.again, "{}: tried again {tries} times\n{said}", case.what);
    println!(
        "        {}: {}, {}",
        case.what,
        case.cause,
        if case.again { "tried again" } else { "not tried again" }
    );
    Ok(())
}

/// All of them, at the same time: each has a project of its own.
fn each_fails(world: &World, cases: &[Case]) -> Result<()> {
    std::thread::scope(|scope| {
        let runs: Vec<_> = cases.iter().map(|case| scope.spawn(|| fails(world, case))).collect();
        runs.into_iter().try_for_each(|run| run.join().map_err(|_| anyhow::anyhow!("a check panicked"))?)
    })
}

/// The last diagnosis of a task: that of an attempt, else of a check.
fn diagnosis(task: &Value) -> Option<&Value> {
    let of =
        |list: &str| task[list].as_array()?.iter().rev().find(|part| part["diagnosis"]["cause"].is_object());
    of("attempts").or_else(|| of("probes")).map(|part| &part["diagnosis"])
}

/// The kubeconfig with other settings for its user.
fn kubeconfig(world: &World, name: &str, commands: &[&str]) -> Result<PathBuf> {
    let file = world.scratch.path().join(format!("{name}.kubeconfig"));
    fs::write(&file, kubectl("config view --raw --minify --flatten")?)?;
    for words in commands {
        check(command(&format!("kubectl config {words}")).env("KUBECONFIG", &file))?;
    }
    Ok(file)
}

fn pod(name: &str, image: &str, extra: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {NAMESPACE}}}\nspec:\n  containers: [{{name: web, image: {image}{extra}}}]\n"
    )
}

fn apply(file: &Path) -> String {
    format!("      - kubectl: {{namespace: {NAMESPACE}, apply: {}}}\n", file.display())
}

pub(crate) fn of_the_cluster(world: &mut World) -> Result<()> {
    given("a namespace with a quota of no pods, and one that wants restricted pods");
    for words in [
        "create namespace e2e-refusals",
        "-n e2e-refusals create quota none --hard=pods=0",
        "-n e2e-refusals create serviceaccount nobody",
        "create namespace e2e-restricted",
        "label namespace e2e-restricted pod-security.kubernetes.io/enforce=restricted",
    ] {
        kubectl(words)?;
    }
    let token = kubectl(&format!("-n {NAMESPACE} create token nobody"))?;
    let image = format!("{}:v1", world.image);
    let folder = world.scratch.path().to_owned();
    let write = |name: &str, text: String| -> Result<PathBuf> {
        let path = folder.join(name);
        fs::write(&path, text)?;
        Ok(path)
    };
    let settings =
        write("setting.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: refused}\n".to_owned())?;
    let widget =
        write("widget.yaml", "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: w}\n".to_owned())?;
    let many = write("quota.yaml", pod("many", &image, ", resources: {requests: {cpu: 1m}}"))?;
    let root = write(
        "root.yaml",
        pod("root", &image, ", securityContext: {privileged: true}").replace(NAMESPACE, "e2e-restricted"),
    )?;
    let user = |name: &str, with: &str| {
        kubeconfig(
            world,
            name,
            &["unset users", &format!("set-credentials x {with}"), "set-context --current --user=x"],
        )
    };
    let cases = [
        Case {
            kubeconfig: Some(kubeconfig(
                world,
                "away",
                &["set-cluster away --server=https://127.0.0.1:1", "set-context --current --cluster=away"],
            )?),
            ..case("no cluster", apply(&settings), "unreachable", "refused", Again::Yes)
        },
        case(
            "wrong context",
            format!(
                "      - kubectl: {{context: nowhere, namespace: {NAMESPACE}, apply: {}}}\n",
                settings.display()
            ),
            "no-context",
            "nowhere",
            Again::No,
        ),
        Case {
            kubeconfig: Some(user("expired", "--token=not.a.token")?),
            ..case("expired token", apply(&settings), "unauthorized", "must be logged in", Again::No)
        },
        Case {
            kubeconfig: Some(user("nobody", &format!("--token={}", token.trim()))?),
            ..case("forbidden by RBAC", apply(&settings), "forbidden", "is forbidden", Again::No)
        },
        case("no such kind", apply(&widget), "no-kind", "Widget", Again::Yes),
        case(
            "pod security refuses",
            format!("      - kubectl: {{apply: {}}}\n", root.display()),
            "pod-security",
            "violates PodSecurity",
            Again::No,
        ),
        case("quota exceeded", apply(&many), "quota", "exceeded quota", Again::Yes),
    ];
    when("tasks meet them");
    then("each tells its cause and what helps, and is tried again where that can help");
    let held = each_fails(world, &cases);
    kubectl("delete namespace e2e-refusals e2e-restricted --wait=false")?;
    held
}

/// A workload whose image does not exist.
fn without_image(world: &World, kind: &str, name: &str, more: &str) -> String {
    let image = format!("{}:v9-missing", world.image);
    format!(
        "apiVersion: {kind}\nmetadata: {{name: {name}, namespace: {STUCK}}}\nspec:\n  replicas: 1\n{more}  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers: [{{name: web, image: {image}}}]\n"
    )
}

const STUCK: &str = "e2e-stuck";
const DEPLOYMENT: &str = "apps/v1\nkind: Deployment";
const ROLLOUT: &str = "argoproj.io/v1alpha1\nkind: Rollout";

/// Helm, ended the hard way while it waits for its pods; its chart.
fn pending_release(world: &World) -> Result<PathBuf> {
    let chart = world.scratch.path().join("stuck-chart");
    fs::create_dir_all(chart.join("templates"))?;
    fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: stuck-chart\nversion: 0.1.0\n")?;
    fs::write(chart.join("templates/deployment.yaml"), without_image(world, DEPLOYMENT, "helm", ""))?;
    let install = format!("helm install pending {} --namespace {STUCK} --wait --timeout 5m", chart.display());
    let mut helm = command(&install).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    until("Helm has begun", 30, || {
        let told = check(&mut command(&format!("helm list --namespace {STUCK} --pending -q")))?;
        Ok(told.contains("pending").then_some(()))
    })?;
    helm.kill()?;
    helm.wait()?;
    Ok(chart)
}

/// Terraform at work on a module, whose state it holds.
fn held_state(world: &World) -> Result<(PathBuf, Child)> {
    let module = world.scratch.path().join("locked");
    fs::create_dir_all(&module)?;
    let slow = "resource \"terraform_data\" \"slow\" {\n  provisioner \"local-exec\" {\n    command = \"sleep 60\"\n  }\n}\n";
    fs::write(module.join("main.tf"), slow)?;
    check(&mut command(&format!("terraform -chdir={} init -input=false", module.display())))?;
    let apply = format!("terraform -chdir={} apply -auto-approve -input=false", module.display());
    let holder = command(&apply).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    until("Terraform holds its state", 30, || {
        Ok(module.join(".terraform.tfstate.lock.info").exists().then_some(()))
    })?;
    Ok((module, holder))
}

/// The wait for an application that will not come true.
fn waits_for(application: &str) -> String {
    format!(
        "      - rollout: {{kind: application, namespace: argocd, name: {application}, verb: wait, timeout: 3s}}\n"
    )
}

/// An application like another one, which Argo CD only compares: what is there belongs to the other.
fn by_hand(like: &str, name: &str) -> Result<Value> {
    let mut application: Value =
        serde_json::from_str(&kubectl(&format!("-n argocd get application {like} -o json"))?)?;
    let object = application.as_object_mut().context("no object")?;
    object.remove("status");
    object.insert("metadata".into(), serde_json::json!({ "name": name, "namespace": "argocd" }));
    object["spec"]["syncPolicy"] = serde_json::json!({});
    Ok(application)
}

/// An application whose rollout was aborted is told as degraded.
pub(crate) fn degraded(world: &World, application: &str) -> Result<()> {
    let run = waits_for(application);
    fails(world, &case("degraded application", run, "app-degraded", "Degraded", Again::Yes))
}

pub(crate) fn of_releases(world: &mut World) -> Result<()> {
    given("a release that cannot get its image, a Helm release that was killed, an application out of step");
    kubectl(&format!("create namespace {STUCK}"))?;
    let folder = world.scratch.path().to_owned();
    let write = |name: &str, text: String| -> Result<String> {
        fs::write(folder.join(name), text)?;
        Ok(folder.join(name).display().to_string())
    };
    let deadline = "  progressDeadlineSeconds: 5\n  strategy: {canary: {}}\n";
    let stuck = write("stuck.yaml", without_image(world, ROLLOUT, "stuck", deadline))?;
    let image = write("image.yaml", without_image(world, DEPLOYMENT, "image", ""))?;
    let nowhere = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: nowhere, namespace: argocd}\nspec:\n  project: platform\n  source: {repoURL: \"http://10.250.0.1:8418/gitops.git\", path: charts/nowhere, targetRevision: main}\n  destination: {server: \"https://kubernetes.default.svc\", namespace: blue-green}\n";
    let nowhere = write("nowhere.yaml", nowhere.replace("10.250.0.1:8418", &world.git_address))?;
    kubectl(&format!("apply -f {stuck} -f {nowhere}"))?;
    kubectl(&format!("apply --server-side --field-manager=taskmaster -f {image}"))?;
    let behind = write("behind.json", by_hand("canary", "behind")?.to_string())?;
    kubectl(&format!("apply -f {behind}"))?;
    let chart = pending_release(world)?;
    let (module, mut holder) = held_state(world)?;
    for app in ["stuck", "image"] {
        until("the node tells that it has no image", 60, || {
            let reason = "jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}";
            let told = kubectl(&format!("-n {STUCK} get pods -l app={app} -o {reason}"))?;
            Ok(told.contains("Image").then_some(()))
        })?;
    }
    let ready = "[{resources: deployment/image, condition: condition=Available, timeout: 4s}]";
    let cases = [
        case(
            "image cannot be pulled",
            format!("      - kubectl: {{namespace: {STUCK}, apply: {{files: [{image}], ready: {ready}}}}}\n"),
            "image-pull",
            "v9-missing",
            Again::Yes,
        ),
        case(
            "rollout stuck past its deadline",
            format!(
                "      - rollout: {{kind: argo, namespace: {STUCK}, name: stuck, verb: status, timeout: 8s}}\n"
            ),
            "image-pull",
            "v9-missing",
            Again::Yes,
        ),
        case(
            "application whose source is not there",
            waits_for("nowhere"),
            "app-not-compared",
            "ComparisonError",
            Again::Yes,
        ),
        case("application out of step", waits_for("behind"), "app-out-of-sync", "OutOfSync", Again::Yes),
        case(
            "Helm release stuck in pending",
            format!(
                "      - helm: {{namespace: {STUCK}, upgrade: {{release: pending, chart: {}}}}}\n",
                chart.display()
            ),
            "helm-pending",
            "in progress",
            Again::Yes,
        ),
        case(
            "Terraform's state is locked",
            format!("      - terraform: {{dir: {}}}\n", module.display()),
            "state-locked",
            "state lock",
            Again::Yes,
        ),
    ];
    when("tasks meet them");
    then("each tells its cause and what helps, and is tried again where that can help");
    let held = each_fails(world, &cases);
    // Its provisioner is a child of it: the gentle end reaches both.
    let pid = rustix::process::Pid::from_child(&holder);
    rustix::process::kill_process(pid, rustix::process::Signal::INT)?;
    holder.wait()?;
    kubectl("-n argocd delete application nowhere behind")?;
    kubectl(&format!("delete namespace {STUCK} --wait=false"))?;
    held
}

pub(crate) fn of_production(world: &mut World) -> Result<()> {
    given("a context that is called prod, and one whose cluster says that it is production");
    let name = kubectl("config current-context")?;
    let prod = kubeconfig(world, "prod", &[&format!("rename-context {} prod", name.trim())])?;
    fs::write(
        world.scratch.path().join("setting.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: careful}\n",
    )?;
    let exists =
        || Ok::<bool, anyhow::Error>(!kubectl("get configmap careful --ignore-not-found")?.is_empty());
    let run = "      - kubectl: {namespace: default, apply: ../../setting.yaml}\n".to_owned();
    let project = project(world, &case("production", run, "", "", Again::No))?;
    let run = |words: &str, kubeconfig: Option<&Path>| {
        let mut run = taskmaster(&project, words);
        if let Some(kubeconfig) = kubeconfig {
            run.env("KUBECONFIG", kubeconfig);
        }
        ends(&mut run)
    };
    when("a task would act on the first");
    let (code, said) = run("run prd.md", Some(&prod))?;
    then("it is refused before anything runs, and says how to go on");
    ensure!(code == Some(2) && said.contains("--allow-context prod"), "{code:?}: {said}");
    ensure!(!exists()?, "it was run");
    when("the second one is labelled, and a task would act on it");
    kubectl("label namespace kube-system environment=production")?;
    let (code, said) = run("run prd.md", None)?;
    then("it is refused, too");
    ensure!(code == Some(2) && said.contains("--allow-context"), "{code:?}: {said}");
    ensure!(!exists()?, "it was run");
    when("it is allowed");
    let (code, said) = run(&format!("run prd.md --allow-context {}", name.trim()), None)?;
    kubectl("label namespace kube-system environment-")?;
    then("it runs");
    ensure!(code == Some(0) && exists()?, "{code:?}: {said}");
    kubectl("delete configmap careful")?;
    Ok(())
}

pub(crate) fn of_owners(world: &mut World) -> Result<()> {
    given("a service whose selector Argo Rollouts has written");
    let selector = "-n blue-green get service blue-green-active -o jsonpath={.spec.selector}";
    let before = kubectl(selector)?;
    ensure!(before.contains("rollouts-pod-template-hash"), "{before}");
    let services = world.project.join("k8s/blue-green/services.yaml");
    let case = case(
        "a field that a controller owns",
        format!("      - kubectl: {{namespace: blue-green, apply: {}}}\n", services.display()),
        "field-owned",
        "selector",
        Again::No,
    );
    when("a task would apply the manifest without it");
    fails(world, &case)?;
    then("the selector is as it was: both versions behind one service would be the end of blue-green");
    ensure!(kubectl(selector)? == before, "{}", kubectl(selector)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_cause_is_found() {
        let cause = |name: &str| serde_json::json!({ "diagnosis": { "cause": { "name": name } } });
        let task = serde_json::json!({ "attempts": [cause("a"), cause("b")], "probes": [cause("c")] });
        assert_eq!(diagnosis(&task).unwrap()["cause"]["name"], "b");
        assert!(diagnosis(&serde_json::json!({ "attempts": [{}], "probes": [] })).is_none());
    }
}
