//! Releases: `prd/releases/*.md`, with users at work all the time.

use crate::refusals;
use crate::run::{check, command, kubectl, until};
use crate::scenario::{given, then, when};
use crate::traffic::{Answer, Held, Traffic, by_version, only_held};
use crate::watch::Watch;
use crate::world::World;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const ACTIVE: &str = "blue-green.local";
const PREVIEW: &str = "blue-green-preview.local";
const CANARY: &str = "canary.local";
/// What names the active version, and where.
const SERVICE: &str = "service blue-green-active -n blue-green";
const ACTIVE_HASH: &str = "{.spec.selector.rollouts-pod-template-hash}";
/// Requests a second while a release goes on.
const RATE: u32 = 250;
/// How long the ingress may take to learn what the API server knows.
const LAG: Duration = Duration::from_millis(1_500);
/// More than the pause of the settings, 10 s.
const LONGER_THAN_A_PAUSE: Duration = Duration::from_secs(13);
/// Requests to measure how traffic is split.
const SAMPLE: usize = 20_000;

/// The version that a host answers with.
pub(crate) fn version(host: &str) -> Result<String> {
    let text = check(&mut command(&format!("curl -sf -m 5 http://{host}/version")))?;
    let value: serde_json::Value = serde_json::from_str(&text)?;
    Ok(value["version"].as_str().context("no version")?.to_owned())
}

/// Pod template hashes of an application with their versions.
fn versions(app: &str) -> Result<BTreeMap<String, String>> {
    let path = "{range .items[*]}{.metadata.labels.rollouts-pod-template-hash} {.spec.template.spec.containers[0].image}{\"\\n\"}{end}";
    let mut get = command(&format!("kubectl -n {app} get replicasets"));
    let text = check(get.arg(format!("-o=jsonpath={path}")))?;
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    Ok(pairs.map(|(hash, image)| (hash.to_owned(), tag(image).to_owned())).collect())
}

fn tag(image: &str) -> &str {
    image.rsplit(':').next().unwrap_or_default()
}

/// A blue-green release up to the question, with the approval given once `look` has held.
fn release(world: &World, version: &str, look: impl Fn() -> Result<()>) -> Result<(Instant, Instant)> {
    let mut run = world.start(&format!("prd/releases/blue-green.md --var version={version}"))?;
    run.until_told("? approve", 120)?;
    look()?;
    let watch = Watch::start(SERVICE, ACTIVE_HASH)?;
    let before = watch.seen();
    let asked = Instant::now();
    check(&mut world.taskmaster("approve yes --document prd/releases/blue-green.md"))?;
    let switched = watch.until("the active service is switched", Duration::from_secs(60), |hash| {
        before.first().is_none_or(|(_, old)| old != hash)
    })?;
    run.succeeds(180)?;
    Ok((asked, switched))
}

/// A release of the version before: when it was begun, and when the users were switched to it. Argo Rollouts
/// does not pause for a version whose pods are still there and older than those of the active one, and then
/// nobody is asked; else a yes is given at once.
fn way_back(world: &World, version: &str) -> Result<(Instant, Instant)> {
    let watch = Watch::start(SERVICE, ACTIVE_HASH)?;
    let before = watch.seen();
    let begun = Instant::now();
    let mut run = world.start(&format!("prd/releases/blue-green.md --var version={version}"))?;
    let is_other = |hash: &str| before.first().is_none_or(|(_, old)| old != hash);
    let was_asked = until("the users are switched or somebody is asked", 60, || {
        let is_asked = run.told().contains("? approve");
        Ok((is_asked || watch.seen().iter().any(|(_, hash)| is_other(hash))).then_some(is_asked))
    })?;
    if was_asked {
        check(&mut world.taskmaster("approve yes --document prd/releases/blue-green.md"))?;
    }
    let switched = watch.until("the active service is switched", Duration::from_secs(60), is_other)?;
    run.succeeds(60)?;
    println!("        {}", if was_asked { "after a yes" } else { "nobody was asked" });
    Ok((begun, switched))
}

pub(crate) fn blue_green(world: &mut World) -> Result<()> {
    given("v1 serves the users, who keep asking");
    world.push_value("blue-green", "previewReplicaCount", "1")?;
    settle_blue_green(world, "v1")?;
    let service = Watch::start(SERVICE, ACTIVE_HASH)?;
    let traffic = Traffic::start(ACTIVE, RATE)?;
    when("v2 is released");
    let (asked, switched) = release(world, "v2", || {
        then("it is the preview, and no user has seen it");
        ensure!(version(PREVIEW)? == "v2", "the preview is {}", version(PREVIEW)?);
        ensure!(version(ACTIVE)? == "v1", "users get {}", version(ACTIVE)?);
        let seen = by_version(&traffic.so_far());
        ensure!(seen.keys().eq(["v1"]), "{seen:?}");
        when("a person approves");
        Ok(())
    })?;
    world.seconds("promotion of a preview of one pod, to the service's selector", switched - asked);
    let first = until("the first user gets v2", 10, || {
        Ok(traffic.so_far().into_iter().find(|answer| answer.version() == Some("v2")).map(|a| a.came))
    })?;
    world.seconds("promotion of a preview of one pod, to the first answer", first - asked);
    let one_pod = switched - asked;
    when("somebody changes their mind at once, and previews are of full size now");
    world.push_value("blue-green", "previewReplicaCount", "3")?;
    then("the users have v1: its pods were still there");
    let (begun, switched) = way_back(world, "v1")?;
    world.seconds("the way back at once, from `taskmaster run` to the service's selector", switched - begun);
    then("the other version goes after its thirty seconds");
    let old = old_replicas("blue-green", "v2")?;
    ensure!(old > 0, "it is gone already, {:.1} s after the switch", switched.elapsed().as_secs_f64());
    until("the other version is scaled down", 90, || {
        Ok((old_replicas("blue-green", "v2")? == 0).then_some(()))
    })?;
    let went = switched.elapsed();
    world.seconds("the old version is scaled down, after the switch", went);
    ensure!(went > Duration::from_secs(28), "too early: {went:?}");
    when("v2 is released again, with a preview of full size");
    let (asked, switched) = release(world, "v2", || Ok(()))?;
    let full_size = switched - asked;
    world.seconds("promotion of a preview of full size, to the service's selector", full_size);
    world.push_value("blue-green", "previewReplicaCount", "1")?;
    std::thread::sleep(Duration::from_secs(3));
    then("no request failed, and every answer is of the version that was active");
    let answers = traffic.stop()?;
    println!("        {:?}", by_version(&answers));
    world.count(&answers)?;
    let known = versions("blue-green")?;
    let held: Vec<Held> = service
        .seen()
        .into_iter()
        .map(|(at, hash)| (at, known.get(&hash).cloned().into_iter().collect()))
        .collect();
    only_held(&answers, &held, LAG)?;
    then("each switch took less than the five seconds that the PRD asks for, the one without new pods two");
    ensure!(one_pod < Duration::from_secs(5), "{one_pod:?}");
    ensure!(full_size <= Duration::from_secs(2), "{full_size:?}");
    Ok(())
}

/// Replicas of the ReplicaSet of a version.
fn old_replicas(app: &str, version: &str) -> Result<u32> {
    let path = "{range .items[*]}{.spec.template.spec.containers[0].image} {.spec.replicas}{\"\\n\"}{end}";
    let mut get = command(&format!("kubectl -n {app} get replicasets"));
    let text = check(get.arg(format!("-o=jsonpath={path}")))?;
    let of = text.lines().filter_map(|line| line.split_once(' ')).filter(|(image, _)| tag(image) == version);
    of.map(|(_, replicas)| Ok(replicas.parse::<u32>()?)).sum()
}

/// This version active, released where it is not.
pub(crate) fn settle_blue_green(world: &World, wanted: &str) -> Result<()> {
    if version(ACTIVE)? != wanted {
        release(world, wanted, || Ok(()))?;
    }
    Ok(())
}

/// The canary at rest with this version.
pub(crate) fn settle_canary(world: &World, wanted: &str) -> Result<()> {
    let image = "{.status.phase} {.spec.template.spec.containers[0].image}";
    let mut get = command("kubectl -n canary get rollout canary");
    let state = check(get.arg(format!("-o=jsonpath={image}")))?;
    if state.starts_with("Healthy") && tag(&state) == wanted {
        return Ok(());
    }
    let mut run = world.start(&format!("prd/releases/canary.md --var version={wanted}"))?;
    // What is stable already needs no steps.
    until("it is followed, or done", 120, || {
        Ok((run.told().contains("▶ running   1.2") || run.has_ended()?).then_some(()))
    })?;
    if !run.has_ended()? {
        kubectl("argo rollouts promote canary -n canary --full")?;
    }
    run.succeeds(120)
}

const WEIGHT: &str = "{.status.canary.weights.canary.weight}";

pub(crate) fn canary(world: &mut World) -> Result<()> {
    given("v1 serves the users, who keep asking");
    settle_canary(world, "v1")?;
    let weights = Watch::start("rollout canary -n canary", WEIGHT)?;
    let traffic = Traffic::start(CANARY, RATE)?;
    when("v2 is released");
    let mut run = world.start("prd/releases/canary.md --var version=v2")?;
    for weight in ["10", "25", "50", "75"] {
        let at =
            weights.until(&format!("weight {weight}"), Duration::from_secs(180), |seen| seen == weight)?;
        // However long it takes to measure.
        kubectl("argo rollouts pause canary -n canary")?;
        std::thread::sleep(LAG.saturating_sub(at.elapsed()));
        let share = share("v2")?;
        then(&format!("{share:.2} % of {SAMPLE} requests are answered by v2 at a weight of {weight}"));
        world.requests.0 += SAMPLE;
        world.figure(
            &format!("share of {SAMPLE} requests at a weight of {weight}"),
            format_args!("{share:.2} %"),
        );
        let promised: f64 = weight.parse()?;
        ensure!((share - promised).abs() <= 1.0, "{share} % instead of {promised} %");
        if weight == "25" {
            then("it stays there while somebody has paused it");
            std::thread::sleep(LONGER_THAN_A_PAUSE.saturating_sub(at.elapsed()));
            let seen = weights.seen();
            ensure!(seen.last().is_some_and(|(_, last)| last == "25"), "it went on: {seen:?}");
            when("it is let go on");
        }
        kubectl("patch rollout canary -n canary --type=merge -p {\"spec\":{\"paused\":false}}")?;
    }
    then("it is promoted by itself");
    run.succeeds(300)?;
    std::thread::sleep(Duration::from_secs(2));
    ensure!(version(CANARY)? == "v2", "users get {}", version(CANARY)?);
    then("its analysis was successful");
    let runs = kubectl("get analysisruns -n canary -o jsonpath={.items[*].status.phase}")?;
    ensure!(runs.contains("Successful"), "{runs}");
    then("no request failed, and every answer is of a version that had weight");
    let answers = traffic.stop()?;
    println!("        {:?}", by_version(&answers));
    world.count(&answers)?;
    with_weight(&answers, &weights, "v1", "v2")
}

/// The old version may answer until the new one has all the weight, the new one once it has some.
fn with_weight(answers: &[Answer], weights: &Watch, old: &str, new: &str) -> Result<()> {
    let mut promoted = false;
    let mut held: Vec<Held> = Vec::new();
    for (at, weight) in weights.seen() {
        let weight: u32 = weight.parse().unwrap_or(0);
        promoted |= weight == 100;
        let mut versions = Vec::new();
        if weight > 0 || promoted {
            versions.push(new.to_owned());
        }
        if weight < 100 && !promoted {
            versions.push(old.to_owned());
        }
        held.push((at, versions));
    }
    // At the end weights turn to the new stable version: nothing changes for users.
    only_held(answers, &held, LAG)
}

/// The share of a version among many requests as fast as they go, in percent; none may fail.
fn share(version: &str) -> Result<f64> {
    let load = format!(
        "sample-api load --url=http://{CANARY}/version --requests={SAMPLE} --concurrency=16 --max-error-rate=0"
    );
    let text = check(&mut command(&load))?;
    let value: serde_json::Value = serde_json::from_str(&text).with_context(|| text.clone())?;
    let count = value["by_version"][version].as_f64().unwrap_or(0.0);
    let sent = value["sent"].as_f64().with_context(|| text.clone())?;
    Ok(100.0 * count / sent)
}

pub(crate) fn faulty_canary(world: &mut World) -> Result<()> {
    given("v2 serves the users, who keep asking");
    settle_canary(world, "v2")?;
    let weights = Watch::start("rollout canary -n canary", WEIGHT)?;
    let analysis = Watch::start("analysisruns -n canary", "{.metadata.name} {.status.phase}")?;
    let known = analysis.seen();
    let traffic = Traffic::start(CANARY, RATE)?;
    when("a version that fails a third of its requests is released");
    let mut run = world.start("prd/releases/canary.md --var version=v3-faulty")?;
    let began = weights.until("the canary has weight", Duration::from_secs(60), |weight| weight == "10")?;
    let verdict = analysis.until("the verdict", Duration::from_secs(180), |line| {
        line.ends_with(" Failed") && !known.iter().any(|(_, old)| old == line)
    })?;
    then("it is taken back, and the run says why");
    let code = run.end(120)?;
    let told = run.told();
    ensure!(code == 20 && told.contains("success-rate"), "{code}: {told}");
    let back = weights.until("the canary has no weight", Duration::from_secs(30), |weight| weight == "0");
    std::thread::sleep(Duration::from_secs(3));
    let answers = traffic.stop()?;
    let last = answers.iter().filter(|answer| is_faulty(answer)).map(|answer| answer.came).max();
    let last = last.context("the faulty version got no traffic")?;
    let took = last.saturating_duration_since(verdict);
    world.seconds("faulty canary, from the verdict to its last answer", took);
    world.seconds("faulty canary, from its first weight to the verdict", verdict - began);
    let seen = answers.iter().filter(|answer| is_faulty(answer)).count();
    world.figure(
        "share of users that met the faulty version",
        format_args!("{:.1} %", 100.0 * seen as f64 / answers.len() as f64),
    );
    back?;
    ensure!(took <= Duration::from_secs(5), "{took:?}");
    then("the application is told as degraded");
    refusals::degraded(world, "canary")?;
    then("all other requests were answered well");
    let others: Vec<Answer> = answers.into_iter().filter(|answer| !is_faulty(answer)).collect();
    world.count(&others)?;
    when("Git goes back");
    world.git(&["revert", "--no-edit", "HEAD"])?;
    world.push()?;
    kubectl("-n argocd annotate application canary argocd.argoproj.io/refresh=normal --overwrite")?;
    then("the rollout is healthy");
    kubectl("-n canary wait rollout/canary --for=jsonpath={.status.phase}=Healthy --timeout=60s")?;
    ensure!(version(CANARY)? == "v2", "users get {}", version(CANARY)?);
    Ok(())
}

/// Errors of the faulty version are its own; good answers name it.
fn is_faulty(answer: &Answer) -> bool {
    match &answer.got {
        Ok((500, _)) => true,
        Ok((_, version)) => version == "v3-faulty",
        Err(_) => false,
    }
}

pub(crate) fn faults_during_a_canary(world: &mut World) -> Result<()> {
    given("a canary at 25 %");
    settle_canary(world, "v2")?;
    let weights = Watch::start("rollout canary -n canary", WEIGHT)?;
    let traffic = Traffic::start(CANARY, RATE)?;
    let mut run = world.start("prd/releases/canary.md --var version=v3")?;
    weights.until("weight 25", Duration::from_secs(180), |weight| weight == "25")?;
    when("one of its pods is deleted");
    let hash = kubectl("-n canary get rollout canary -o jsonpath={.status.currentPodHash}")?;
    let pods = kubectl(&format!("-n canary get pods -l rollouts-pod-template-hash={hash} -o name"))?;
    let pod = pods.lines().next().context("it has no pod")?;
    kubectl(&format!("-n canary delete {pod} --wait=false"))?;
    // While no API server answers nobody could tell the ingress that it has gone.
    let ready = "{.items[*].endpoints[?(@.conditions.ready==true)].targetRef.name}";
    let name = pod.trim_start_matches("pod/");
    until("the pod gets no requests any more", 20, || {
        let ready = kubectl(&format!("-n canary get endpointslices -o jsonpath={ready}"))?;
        Ok((!ready.contains(name)).then_some(()))
    })?;
    std::thread::sleep(LAG);
    when("the API server is killed");
    match pid_of("kube-apiserver")? {
        Some(pid) => rustix::process::kill_process(pid, rustix::process::Signal::KILL)?,
        None => println!("        not done: it runs on another machine"),
    }
    until("the API server answers again", 60, || Ok(kubectl("get --raw=/readyz").ok()))?;
    then("the release goes on to its end");
    run.succeeds(300)?;
    std::thread::sleep(Duration::from_secs(2));
    ensure!(version(CANARY)? == "v3", "users get {}", version(CANARY)?);
    then("no request failed");
    world.count(&traffic.stop()?)
}

pub(crate) fn prometheus_is_gone(world: &mut World) -> Result<()> {
    given("v3 serves the users, and Prometheus is gone");
    settle_canary(world, "v3")?;
    kubectl("-n monitoring scale deployment/prometheus --replicas=0")?;
    let traffic = Traffic::start(CANARY, RATE)?;
    let mut run = world.start("prd/releases/canary.md --var version=v1")?;
    when("a canary is to be judged");
    let code = run.end(300)?;
    then("it is not promoted: what cannot be measured is not healthy");
    ensure!(code == 20, "{code}: {}", run.told());
    // The gateway hears of the weight a moment after the rollout does.
    until("users get v3 alone", 10, || {
        Ok((0..20).all(|_| version(CANARY).is_ok_and(|version| version == "v3")).then_some(()))
    })?;
    then("no request failed");
    world.count(&traffic.stop()?)?;
    kubectl("-n monitoring scale deployment/prometheus --replicas=1")?;
    kubectl("-n monitoring wait deployment/prometheus --for=condition=Available --timeout=60s")?;
    settle_canary(world, "v3")
}

/// A process of this node by the name of its program's part.
fn pid_of(name: &str) -> Result<Option<rustix::process::Pid>> {
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if command.split(|byte| *byte == 0).nth(1) == Some(name.as_bytes()) {
            let pid = entry.file_name().to_string_lossy().parse()?;
            return Ok(rustix::process::Pid::from_raw(pid));
        }
    }
    Ok(None)
}

pub(crate) fn missing_image(world: &mut World) -> Result<()> {
    given("v1 serves the users, who keep asking");
    settle_blue_green(world, "v1")?;
    let traffic = Traffic::start(ACTIVE, RATE)?;
    when("a version is released whose image does not exist");
    let mut run = world.start("prd/releases/blue-green.md --var version=v9-missing")?;
    run.until_told("▶ running   1.2", 120)?;
    until("its pods cannot start", 60, || {
        let why = kubectl(
            "-n blue-green get pods -o jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}",
        )?;
        Ok((why.contains("ImagePullBackOff") || why.contains("ErrImagePull")).then_some(()))
    })?;
    then("users keep what they have");
    ensure!(version(ACTIVE)? == "v1", "users get {}", version(ACTIVE)?);
    when("somebody gives up, and the version before is released");
    run.interrupt()?;
    world.git(&["revert", "--no-edit", "HEAD"])?;
    world.push()?;
    kubectl("-n argocd annotate application blue-green argocd.argoproj.io/refresh=normal --overwrite")?;
    then("the rollout is healthy, and no request failed");
    kubectl("-n blue-green wait rollout/blue-green --for=jsonpath={.status.phase}=Healthy --timeout=90s")?;
    world.count(&traffic.stop()?)
}
