//! The whole platform: `prd/platform.md` in the environment `kind`.

use crate::releases::version;
use crate::run::{check, command, kubectl, until};
use crate::scenario::{given, then, when};
use crate::world::{World, ends};
use anyhow::{Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// What is delivered, each in a namespace of its name.
const APPS: [&str; 2] = ["blue-green", "canary"];
/// Longest time for the whole plan.
const WHOLE: u64 = 15 * 60;

pub(crate) fn from_nothing(world: &mut World) -> Result<()> {
    given("a cluster with nothing on it, and an empty Git repository");
    for folder in [world.state(), world.work()] {
        remove(&folder)?;
    }
    world.serve_empty_git()?;
    when("the PRD is run, and taskmaster is killed while Argo CD is installed");
    let began = Instant::now();
    let mut first = world.start("prd/platform.md")?;
    first.until_told("▶ running   1.2", 120)?;
    std::thread::sleep(Duration::from_secs(1));
    first.kill()?;
    then("its own record says that the plan is not done");
    ensure!(completed(&world.view("report")?) < 39, "all is done already");
    when("it is run again");
    let mut second = world.start("prd/platform.md")?;
    second.succeeds(WHOLE)?;
    let took = began.elapsed();
    world.seconds("the whole PRD from nothing", took);
    then("every task is completed, by evidence");
    let report = world.view("report")?;
    by_evidence(tasks(&report).iter(), 39)?;
    then("the chain of the ledger is whole");
    check(&mut world.taskmaster("audit"))?;
    then("it took ten minutes at most");
    ensure!(took < Duration::from_secs(600), "{took:?}");
    Ok(())
}

pub(crate) fn nothing_to_do(world: &mut World) -> Result<()> {
    given("the platform");
    when("the PRD is run again");
    let began = Instant::now();
    let events = world.run("prd/platform.md")?;
    let took = began.elapsed();
    then("nothing runs, within thirty seconds");
    let ran: Vec<&Value> = events.iter().filter(|event| kind(event) == "attempt.started").collect();
    ensure!(ran.is_empty(), "{ran:?}");
    let asked = events.iter().filter(|event| kind(event) == "probe.ended" || kind(event) == "check.ended");
    ensure!(asked.count() >= 25, "hardly anything was asked: {:?}", kinds(&events));
    world.seconds("a second run that finds everything true", took);
    ensure!(took < Duration::from_secs(30), "{took:?}");
    Ok(())
}

pub(crate) fn measured(_: &mut World) -> Result<()> {
    given("the platform");
    let address = kubectl("-n monitoring get service prometheus -o jsonpath={.spec.clusterIP}")?;
    let ask = |path: &str| -> Result<Value> {
        let text = check(&mut command(&format!("curl -sSf -m 10 http://{address}:9090/api/v1/{path}")))?;
        Ok(serde_json::from_str(&text)?)
    };
    then("Prometheus has every pod of the applications, and the controllers");
    for (what, least) in [
        ("up{job=\"pods\",namespace=\"blue-green\"}==1", 3),
        ("up{job=\"pods\",namespace=\"canary\"}==1", 3),
        ("rollout_info", 2),
        ("argocd_app_info", 2),
        ("container_start_time_seconds{namespace=\"canary\"}", 3),
    ] {
        until(what, 60, || {
            let encoded: String = what.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let answer = ask(&format!("query?query={encoded}"))?;
            let found = answer["data"]["result"].as_array().map_or(0, Vec::len);
            ensure!(found >= least, "{found} series");
            Ok(Some(()))
        })?;
    }
    then("its rules for alerts are loaded and can be evaluated");
    let rules = ask("rules")?;
    let rules = rules["data"]["groups"][0]["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
    ensure!(rules.len() == 5 && rules.iter().all(|rule| rule["health"] != "err"), "{rules:?}");
    then("metrics reach the autoscaler of prod");
    kubectl("-n prod wait hpa/blue-green --for=condition=ScalingActive --timeout=120s")?;
    then("the hosts file leads to the ingress, and each host to its service");
    for host in ["blue-green.local", "blue-green-preview.local", "canary.local"] {
        check(&mut command(&format!("curl -sSf -m 5 http://{host}/version")))?;
    }
    Ok(())
}

pub(crate) fn disaster(world: &mut World) -> Result<()> {
    given("the platform, the ledger of which is lost, and the applications too; Git says v2");
    remove(&world.state())?;
    for app in APPS {
        world.push_value(app, "  tag", "v2")?;
        let image = format!("{}:v2", world.image);
        kubectl(&format!(
            "-n argocd annotate application {app} argocd.argoproj.io/refresh=normal --overwrite"
        ))?;
        let is_there = format!("--for=jsonpath={{.spec.template.spec.containers[0].image}}={image}");
        kubectl(&format!("-n {app} wait rollout/{app} {is_there} --timeout=60s"))?;
    }
    delete_namespaces(&APPS)?;
    when("the applications are asked for, with all that they need");
    let began = Instant::now();
    let mut run = world.taskmaster("run prd/platform.md --with-dependencies");
    for app in APPS {
        run.arg(format!("--task=Register the {app} application with Argo CD"));
    }
    world.background(run)?.succeeds(WHOLE)?;
    world.seconds("one run after the ledger and the namespaces were lost", began.elapsed());
    then("all of it is there again");
    let report = world.view("report prd/platform.md")?;
    let delivered = |task: &&Value| {
        let is_test = task["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag == "test"));
        task["ref"].as_str().is_some_and(|ordinal| ordinal.starts_with(['1', '2', '3'])) && !is_test
    };
    by_evidence(tasks(&report).iter().filter(delivered), 19)?;
    then("the users get what Git says, without a release");
    for app in APPS {
        let healthy = "--for=jsonpath={.status.phase}=Healthy --timeout=60s";
        kubectl(&format!("-n {app} wait rollout/{app} {healthy}"))?;
        let host = format!("{app}.local");
        // The ingress learns of pods that serve a moment after the rollout does.
        let found = until(&format!("{host} answers"), 30, || version(&host).map(Some))?;
        ensure!(found == "v2", "{host} answers with {found}");
        let revisions = kubectl(&format!("-n {app} get replicasets -o name"))?;
        ensure!(revisions.lines().count() == 1, "{revisions}");
    }
    Ok(())
}

/// Deletes them with all that they hold. Who empties a namespace looks again after half of its pods' grace;
/// a change of the namespace makes it look sooner.
fn delete_namespaces(names: &[&str]) -> Result<()> {
    kubectl(&format!("delete namespace {} --wait=false", names.join(" ")))?;
    for name in names {
        until("the pods go", 120, || {
            Ok(kubectl(&format!("-n {name} get pods -o name"))?.is_empty().then_some(()))
        })?;
        // It may be gone already.
        let _ = kubectl(&format!("label namespace {name} e2e=emptied"));
    }
    names
        .iter()
        .try_for_each(|name| kubectl(&format!("wait namespace/{name} --for=delete --timeout=180s")).map(drop))
}

pub(crate) fn destroy(world: &mut World) -> Result<()> {
    given("the platform");
    when("it is destroyed");
    let began = Instant::now();
    let (code, said) = ends(&mut world.taskmaster("destroy prd/platform.md --yes"))?;
    ensure!(code == Some(0), "{code:?}: {said}");
    world.seconds("destroy", began.elapsed());
    then("nothing of it is left");
    until("the namespaces go", 120, || {
        let left = kubectl("get namespaces -o name")?;
        let ours =
            ["argocd", "argo-rollouts", "ingress", "monitoring", "blue-green", "canary", "dev", "prod"];
        let left: Vec<&str> = ours
            .into_iter()
            .filter(|name| left.lines().any(|line| line == format!("namespace/{name}")))
            .collect();
        ensure!(left.is_empty(), "left: {left:?}");
        Ok(Some(()))
    })?;
    let definitions = kubectl("get crds -o name")?;
    ensure!(!definitions.contains("argoproj.io"), "{definitions}");
    then("it can be destroyed again");
    let (code, said) = ends(&mut world.taskmaster("destroy prd/platform.md --yes"))?;
    ensure!(code == Some(0), "{code:?}: {said}");
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() { Ok(fs::remove_dir_all(folder)?) } else { Ok(()) }
}

fn kind(event: &Value) -> &str {
    event["record"]["kind"].as_str().unwrap_or_default()
}

fn kinds(events: &[Value]) -> std::collections::BTreeMap<&str, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for event in events {
        *counts.entry(kind(event)).or_default() += 1;
    }
    counts
}

fn tasks(report: &Value) -> &[Value] {
    report["tasks"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn completed(report: &Value) -> usize {
    tasks(report).iter().filter(|task| task["status"] == "completed").count()
}

/// So many tasks, all of them completed, each by a check or by a run that ended well.
fn by_evidence<'a>(tasks: impl Iterator<Item = &'a Value>, count: usize) -> Result<()> {
    let tasks: Vec<&Value> = tasks.collect();
    let open: Vec<String> = tasks
        .iter()
        .filter(|task| task["status"] != "completed" || task["proof"].is_null())
        .map(|task| format!("{}: {} {}", task["id"], task["status"], task["proof"]))
        .collect();
    ensure!(open.is_empty(), "{open:?}");
    ensure!(tasks.len() == count, "{} tasks", tasks.len());
    Ok(())
}
