//! The scenarios, in the order in which they build on each other.

use crate::run::{check, command, kubectl, taskmaster, until};
use crate::world::World;
use crate::{beside, charts, gitops, guides, infra, platform, refusals, releases, syncs, verbs, waits};
use anyhow::{Context, Result, ensure};
use std::time::Instant;

/// A scenario: an error says what did not hold.
type Scenario = fn(&mut World) -> Result<()>;

/// A scenario and its name.
pub(crate) type Named = (&'static str, Scenario);

/// Those that need no cluster: they run beside the others, in a process of their own.
pub(crate) const APART: &[Named] = &[
    ("charts have no faults for any environment", charts::without_faults),
    ("charts refuse values that do not fit", charts::refuse_values),
    ("charts give the presets and the plain manifests", charts::current),
    ("charts give pods that are probed, bounded and without rights", charts::sound_pods),
    ("charts fit twice into the quota of every environment", charts::fit_the_quotas),
    ("charts take the settings of a site line by line", charts::settings_by_line),
    ("charts are delivered to every environment once", charts::applications),
    ("charts go to namespaces that are bounded and closed", charts::namespaces),
    ("terraform: the modules are formatted, valid and tested", infra::terraform_modules),
];

/// Those with namespaces and plans of their own: they run beside the guides, which wait most of their time.
pub(crate) const GUESTS: &[Named] = &[
    ("charts give what the API server takes", charts::taken_by_the_server),
    ("two environments hold two versions", gitops::two_environments),
    ("refusals of the cluster tell their cause", refusals::of_the_cluster),
    ("refusals of releases tell their cause", refusals::of_releases),
];

/// All others.
pub(crate) const ALL: &[Named] = &[
    ("the cluster answers, resolves names and runs pods", the_cluster_works),
    ("a Git server takes a push", a_git_server_takes_a_push),
    ("a task on the cluster is checked, run, proved and taken back", a_task_on_the_cluster),
    ("a sync keeps the cluster true, and Prometheus sees it", syncs::kept_true),
    ("the platform comes from nothing, although taskmaster is killed on the way", platform::from_nothing),
    ("the platform is true, and nothing runs", platform::nothing_to_do),
    ("the platform is measured", platform::measured),
    ("blue-green: preview, approval, promotion and the way back", releases::blue_green),
    ("canary: weights, a pause by hand, promotion", releases::canary),
    ("canary: a faulty version is taken back", releases::faulty_canary),
    ("waits for an Application and for analyses", waits::typed_waits),
    ("GitOps: push, drift, revert", gitops::push_drift_revert),
    ("Argo CD by the token of a role", gitops::by_token),
    ("faults: a pod is killed, the API server restarts", releases::faults_during_a_canary),
    ("faults: Prometheus is gone", releases::prometheus_is_gone),
    ("faults: an image that does not exist", releases::missing_image),
    ("refusals of what looks like production", refusals::of_production),
    ("refusals to take what a controller owns", refusals::of_owners),
    ("Flagger begins a canary that a task waits for", waits::flagger_begins),
    ("what has a namespace of its own begins beside the guides", beside::begin_guests),
    ("verbs of Argo Rollouts and Flagger begin beside the guides", verbs::begin),
    ("guide: setup", guides::setup),
    ("guide: blue-green", guides::blue_green),
    ("guide: canary", guides::canary),
    ("guide: troubleshooting", guides::troubleshooting),
    ("verbs of Argo Rollouts and Flagger hold", verbs::ended),
    ("Flagger promotes it, and the task is done", waits::flagger_ends),
    ("what needs no cluster holds", beside::apart_ended),
    ("what has a namespace of its own holds", beside::guests_ended),
    ("disaster: the ledger and the namespaces are gone", platform::disaster),
    ("destroy takes everything back", platform::destroy),
];

pub(crate) fn given(text: &str) {
    println!("  given {text}");
}

pub(crate) fn when(text: &str) {
    println!("  when  {text}");
}

pub(crate) fn then(text: &str) {
    println!("  then  {text}");
}

fn the_cluster_works(world: &mut World) -> Result<()> {
    given("a node that is ready");
    kubectl("wait node --all --for=condition=Ready --timeout=60s")?;
    when("the demo service is deployed");
    let began = Instant::now();
    kubectl("create namespace e2e-first")?;
    let image = format!("{}:v1", world.image);
    kubectl(&format!(
        "-n e2e-first create deployment echo --image={image} --replicas=2 -- /sample-api --host 0.0.0.0 --port 8080"
    ))?;
    kubectl("-n e2e-first expose deployment echo --port=80 --target-port=8080")?;
    kubectl("-n e2e-first rollout status deployment/echo --timeout=60s")?;
    then("it answers by its service's address");
    let address = kubectl("-n e2e-first get service echo -o jsonpath={.spec.clusterIP}")?;
    let url = format!("http://{address}/version");
    until("an answer", 20, || {
        let text = check(&mut command(&format!("curl -sf -m 2 {url}")))?;
        Ok(text.contains("v1").then_some(()))
    })?;
    world.seconds("two pods ready and answering", began.elapsed());
    then("by its name from a pod, too");
    kubectl("wait --for=condition=Available deployment/coredns -n kube-system --timeout=60s")?;
    kubectl(&format!(
        "-n e2e-first run ask --image={image} --restart=Never -- probe --timeout=30s --url=http://echo.e2e-first.svc.cluster.local/version --json-field=version=v1"
    ))?;
    kubectl("-n e2e-first wait pod/ask --for=jsonpath={.status.phase}=Succeeded --timeout=40s")?;
    kubectl("delete namespace e2e-first --wait=false")?;
    Ok(())
}

fn a_git_server_takes_a_push(world: &mut World) -> Result<()> {
    given("an empty repository behind HTTP");
    let root = world.scratch.path().join("git");
    let work = world.scratch.path().join("work");
    check(&mut command(&format!("git init -q --bare -b main {}/app.git", root.display())))?;
    check(&mut command(&format!("git -C {}/app.git config http.receivepack true", root.display())))?;
    let me = std::env::current_exe()?;
    let mut server =
        command(&format!("{} git-server 127.0.0.1:8418 {}", me.display(), root.display())).spawn()?;
    let held = (|| {
        until("the server listens", 10, || Ok(std::net::TcpStream::connect("127.0.0.1:8418").ok()))?;
        when("a commit is pushed");
        let git = |words: &str| {
            let mut git = command(&format!("git -C {} {words}", work.display()));
            git.env("GIT_CONFIG_GLOBAL", "/dev/null");
            check(&mut git)
        };
        std::fs::create_dir_all(&work)?;
        git("init -q -b main")?;
        std::fs::write(work.join("a"), "a\n")?;
        git("add a")?;
        git("-c user.name=e2e -c user.email=e2e@example.invalid commit -qm one")?;
        git("push -q http://127.0.0.1:8418/app.git main")?;
        then("it is there");
        let listed = git("ls-remote http://127.0.0.1:8418/app.git refs/heads/main")?;
        ensure!(listed.starts_with(git("rev-parse HEAD")?.trim()), "{listed}");
        Ok(())
    })();
    server.kill().context("the server")?;
    server.wait()?;
    held
}

fn a_task_on_the_cluster(world: &mut World) -> Result<()> {
    given("a PRD with one task, bound to kubectl");
    let project = world.scratch.path().join("one");
    std::fs::create_dir_all(project.join("tasks"))?;
    std::fs::write(project.join("prd.md"), "# One\n\n## Phase 1: Cluster\n\n- [ ] Keep a setting\n")?;
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: setting}\ndata: {colour: blue}\n";
    std::fs::write(project.join("setting.yaml"), manifest)?;
    let catalogue =
        "tasks:\n  cluster/keep-a-setting:\n    run: {kubectl: {namespace: default, apply: setting.yaml}}\n";
    std::fs::write(project.join("tasks/local.yaml"), catalogue)?;
    when("it is run");
    check(&mut taskmaster(&project, "run prd.md"))?;
    then("the setting is in the cluster");
    let colour = || kubectl("get configmap setting -o jsonpath={.data.colour}");
    ensure!(colour()? == "blue", "it is {:?}", colour()?);
    when("it is run again");
    let again = check(&mut taskmaster(&project, "run prd.md -o json"))?;
    then("nothing runs");
    ensure!(!again.contains("attempt.started"), "{again}");
    when("somebody changes it by hand, and it is run again");
    kubectl("patch configmap setting --type=merge -p {\"data\":{\"colour\":\"red\"}}")?;
    check(&mut taskmaster(&project, "run prd.md"))?;
    then("it is as it was");
    ensure!(colour()? == "blue", "it is {:?}", colour()?);
    when("its work is taken back");
    check(&mut taskmaster(&project, "destroy prd.md --yes"))?;
    then("it is gone");
    ensure!(kubectl("get configmap setting --ignore-not-found")?.is_empty(), "it is still there");
    when("no API server answers");
    let mut lost = taskmaster(&project, "run prd.md");
    let lost = crate::run::output(lost.env("KUBECONFIG", world.project.join("no-such-file")))?;
    then("the task fails with kubectl's own words and nothing is run");
    let said = String::from_utf8_lossy(&lost.stderr).into_owned();
    ensure!(lost.status.code() == Some(20) && said.contains("the check could not tell"), "{said}");
    Ok(())
}
