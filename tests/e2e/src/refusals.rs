//! What goes wrong on a real cluster is told with its cause, the last warnings and what helps, is tried
//! again only where that can help, and never leads to work that nobody has asked for.

use crate::run::{check, command, kubectl, taskmaster, until};
use crate::scenario::{given, then, when};
use crate::world::{World, ends};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

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
    kubectl(&format!("create namespace {NAMESPACE}"))?;
    kubectl(&format!("-n {NAMESPACE} create quota none --hard=pods=0"))?;
    kubectl(&format!("create namespace {NAMESPACE}-restricted"))?;
    kubectl(&format!(
        "label namespace {NAMESPACE}-restricted pod-security.kubernetes.io/enforce=restricted"
    ))?;
    kubectl(&format!("-n {NAMESPACE} create serviceaccount nobody"))?;
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
        pod("root", &image, ", securityContext: {privileged: true}")
            .replace(NAMESPACE, &format!("{NAMESPACE}-restricted")),
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
            what: "no cluster",
            run: apply(&settings),
            kubeconfig: Some(kubeconfig(
                world,
                "away",
                &["set-cluster away --server=https://127.0.0.1:1", "set-context --current --cluster=away"],
            )?),
            cause: "unreachable",
            words: "refused",
            again: true,
        },
        Case {
            what: "wrong context",
            run: format!(
                "      - kubectl: {{context: nowhere, namespace: {NAMESPACE}, apply: {}}}\n",
                settings.display()
            ),
            kubeconfig: None,
            cause: "no-context",
            words: "nowhere",
            again: false,
        },
        Case {
            what: "expired token",
            run: apply(&settings),
            kubeconfig: Some(user("expired", "--token=not.a.token")?),
            cause: "unauthorized",
            words: "must be logged in",
            again: false,
        },
        Case {
            what: "forbidden by RBAC",
            run: apply(&settings),
            kubeconfig: Some(user("nobody", &format!("--token={}", token.trim()))?),
            cause: "forbidden",
            words: "is forbidden",
            again: false,
        },
        Case {
            what: "no such kind",
            run: apply(&widget),
            kubeconfig: None,
            cause: "no-kind",
            words: "Widget",
            again: true,
        },
        Case {
            what: "pod security refuses",
            run: apply(&root).replace(NAMESPACE, &format!("{NAMESPACE}-restricted")).replacen(
                "-restricted-restricted",
                "-restricted",
                9,
            ),
            kubeconfig: None,
            cause: "pod-security",
            words: "violates PodSecurity",
            again: false,
        },
        Case {
            what: "quota exceeded",
            run: apply(&many),
            kubeconfig: None,
            cause: "quota",
            words: "exceeded quota",
            again: true,
        },
    ];
    when("tasks meet them");
    then("each tells its cause and what helps, and is tried again where that can help");
    let held: Result<Vec<()>> = cases.iter().map(|case| fails(world, case)).collect();
    kubectl(&format!("delete namespace {NAMESPACE} {NAMESPACE}-restricted --wait=false"))?;
    held.map(drop)
}

pub(crate) fn of_releases(world: &mut World) -> Result<()> {
    let namespace = "e2e-stuck";
    given("a release that cannot get its image, a Helm release that was killed, an application out of step");
    kubectl(&format!("create namespace {namespace}"))?;
    let image = format!("{}:v9-missing", world.image);
    let folder = world.scratch.path().to_owned();
    let stuck = folder.join("stuck.yaml");
    fs::write(
        &stuck,
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: stuck, namespace: {namespace}}}\nspec:\n  replicas: 1\n  progressDeadlineSeconds: 5\n  selector: {{matchLabels: {{app: stuck}}}}\n  template:\n    metadata: {{labels: {{app: stuck}}}}\n    spec:\n      containers: [{{name: web, image: {image}}}]\n  strategy: {{canary: {{}}}}\n"
        ),
    )?;
    kubectl(&format!("apply -f {}", stuck.display()))?;
    let deployment = folder.join("image.yaml");
    fs::write(
        &deployment,
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: image, namespace: {namespace}}}\nspec:\n  selector: {{matchLabels: {{app: image}}}}\n  template:\n    metadata: {{labels: {{app: image}}}}\n    spec:\n      containers: [{{name: web, image: {image}}}]\n"
        ),
    )?;
    // Helm, ended the hard way while it waits for its pods.
    let chart = folder.join("stuck-chart");
    fs::create_dir_all(chart.join("templates"))?;
    fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: stuck-chart\nversion: 0.1.0\n")?;
    fs::write(
        chart.join("templates/pod.yaml"),
        fs::read_to_string(&deployment)?.replace("name: image, ", "name: helm, "),
    )?;
    let mut helm = command(&format!(
        "helm install pending {} --namespace {namespace} --wait --timeout 5m",
        chart.display()
    ));
    let mut helm = helm.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    until("Helm has begun", 30, || {
        let told = check(&mut command(&format!("helm list --namespace {namespace} --pending -q")))?;
        Ok(told.contains("pending").then_some(()))
    })?;
    helm.kill()?;
    helm.wait()?;
    // Terraform, that holds its state.
    let module = folder.join("locked");
    fs::create_dir_all(&module)?;
    fs::write(
        module.join("main.tf"),
        "resource \"terraform_data\" \"slow\" {\n  provisioner \"local-exec\" {\n    command = \"sleep 60\"\n  }\n}\n",
    )?;
    check(&mut command(&format!("terraform -chdir={} init -input=false", module.display())))?;
    let mut holder =
        command(&format!("terraform -chdir={} apply -auto-approve -input=false", module.display()));
    let mut holder = holder.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    until("Terraform holds its state", 30, || {
        Ok(module.join(".terraform.tfstate.lock.info").exists().then_some(()))
    })?;
    let application = folder.join("application.yaml");
    fs::write(
        &application,
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: nowhere, namespace: argocd}\nspec:\n  project: platform\n  source: {repoURL: \"http://10.250.0.1:8418/gitops.git\", path: charts/nowhere, targetRevision: main}\n  destination: {server: \"https://kubernetes.default.svc\", namespace: blue-green}\n",
    )?;
    kubectl(&format!("apply -f {}", application.display()))?;
    let cases = [
        Case {
            what: "image cannot be pulled",
            run: format!("      - kubectl: {{namespace: {namespace}, apply: {{files: [{}], ready: [\"deployment/image: Available\"]}}}}\n", deployment.display())
                .replace("\"deployment/image: Available\"", "{resources: deployment/image, condition: condition=Available, timeout: 8s}"),
            kubeconfig: None,
            cause: "image-pull",
            words: "v9-missing",
            again: true,
        },
        Case {
            what: "rollout stuck past its deadline",
            run: format!("      - rollout: {{kind: argo, namespace: {namespace}, name: stuck, verb: status, timeout: 15s}}\n"),
            kubeconfig: None,
            cause: "image-pull",
            words: "v9-missing",
            again: true,
        },
        Case {
            what: "application out of step",
            run: "      - rollout: {kind: application, namespace: argocd, name: nowhere, verb: wait, timeout: 5s}\n".to_owned(),
            kubeconfig: None,
            cause: "app-out-of-sync",
            words: "nowhere",
            again: true,
        },
        Case {
            what: "Helm release stuck in pending",
            run: format!("      - helm: {{namespace: {namespace}, upgrade: {{release: pending, chart: {}}}}}\n", chart.display()),
            kubeconfig: None,
            cause: "helm-pending",
            words: "in progress",
            again: true,
        },
        Case {
            what: "Terraform's state is locked",
            run: format!("      - terraform: {{dir: {}}}\n", module.display()),
            kubeconfig: None,
            cause: "state-locked",
            words: "state lock",
            again: true,
        },
    ];
    when("tasks meet them");
    then("each tells its cause and what helps, and is tried again where that can help");
    let held: Result<Vec<()>> = cases.iter().map(|case| fails(world, case)).collect();
    // Its provisioner is a child of it: the gentle end reaches both.
    let pid = rustix::process::Pid::from_child(&holder);
    rustix::process::kill_process(pid, rustix::process::Signal::INT)?;
    holder.wait()?;
    kubectl("-n argocd delete application nowhere")?;
    kubectl(&format!("delete namespace {namespace} --wait=false"))?;
    held.map(drop)
}

pub(crate) fn of_production(world: &mut World) -> Result<()> {
    given("a context that is called prod, and one whose cluster says that it is production");
    let case = |what| Case {
        what,
        run: "      - kubectl: {namespace: default, apply: ../../setting.yaml}\n".to_owned(),
        kubeconfig: None,
        cause: "",
        words: "",
        again: false,
    };
    let name = kubectl("config current-context")?;
    let prod = kubeconfig(world, "prod", &[&format!("rename-context {} prod", name.trim())])?;
    fs::write(
        world.scratch.path().join("setting.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: careful}\n",
    )?;
    let exists =
        || Ok::<bool, anyhow::Error>(!kubectl("get configmap careful --ignore-not-found")?.is_empty());
    let project = project(world, &case("production"))?;
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
    let refused = run("run prd.md", None);
    let (code, said) = refused?;
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
    let case = Case {
        what: "a field that a controller owns",
        run: format!("      - kubectl: {{namespace: blue-green, apply: {}}}\n", services.display()),
        kubeconfig: None,
        cause: "field-owned",
        words: "selector",
        again: false,
    };
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
