//! taskmaster's own sync: a setting of the cluster kept true from Git, and watched by a Prometheus.

use crate::run::{check, command, kubectl, until};
use crate::scenario::{given, then, when};
use crate::world::{Running, World};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const GIT: &str = "127.0.0.1:8419";
const SYNC: &str = "127.0.0.1:8420";
const PROMETHEUS: &str = "127.0.0.1:8421";
const SECRET: &str = "of the suite";

/// What is served, and the processes that serve it; they end with it.
struct Scene {
    work: PathBuf,
    place: PathBuf,
    _served: Vec<Running>,
}

impl Scene {
    fn git(&self, words: &str) -> Result<String> {
        let mut git = command(&format!("git -C {} {words}", self.work.display()));
        git.env("GIT_CONFIG_GLOBAL", "/dev/null");
        check(&mut git)
    }

    /// Commits what the files of a colour say, and publishes it.
    fn push(&self, colour: Option<&str>, number: u32) -> Result<()> {
        let task = if colour.is_some() { "- [ ] Keep a setting\n" } else { "" };
        let prd = format!("# Settings\n\n## Phase 1: Cluster\n\n- [ ] Look at the cluster\n{task}");
        let manifest = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: synced}}\ndata: {{colour: {}}}\n",
            colour.unwrap_or("none")
        );
        let keep =
            "  cluster/keep-a-setting:\n    run: {kubectl: {namespace: default, apply: setting.yaml}}\n";
        let look = "  cluster/look-at-the-cluster:\n    run: {exec: [kubectl, version]}\n";
        let tasks = format!("tasks:\n{look}{}", if colour.is_some() { keep } else { "" });
        let files = [("prd.md", &*prd), ("setting.yaml", &*manifest), ("tasks/local.yaml", &*tasks)];
        self.publish(&files, number)
    }

    /// A commit of these files on top of all that is there. The sync writes marks at the same time:
    /// where it was the first, ours is made anew, as a person would.
    fn publish(&self, files: &[(&str, &str)], number: u32) -> Result<()> {
        fs::create_dir_all(self.work.join("tasks"))?;
        until("the commit is taken", 30, || {
            if self.git("fetch -q origin main").is_ok() {
                self.git("reset -q --hard FETCH_HEAD")?;
            }
            for (path, text) in files {
                fs::write(self.work.join(path), text)?;
            }
            self.git("add -A")?;
            self.git(&format!(
                "-c user.name=e2e -c user.email=e2e@example.invalid commit -qm change-{number}"
            ))?;
            self.git("push -q origin HEAD:main").map(Some)
        })
        .map(drop)
    }

    fn ring(&self, number: u32) -> Result<()> {
        let mut curl = command(&format!("curl -sf -m 5 -X POST http://{SYNC}/webhook -d {{}}"));
        curl.args(["-H", "X-Gitlab-Event: Push Hook", "-H", &format!("X-Gitlab-Token: {SECRET}")]);
        curl.args(["-H", &format!("Idempotency-Key: {number}")]);
        check(&mut curl).map(drop)
    }
}

/// The setting as the cluster has it; none where it is not there.
fn colour() -> Result<Option<String>> {
    let found = kubectl("-n default get configmap synced --ignore-not-found -o jsonpath={.data.colour}")?;
    Ok((!found.is_empty()).then_some(found))
}

fn becomes(wanted: Option<&str>) -> Result<()> {
    until(&format!("the setting is {wanted:?}"), 30, || Ok((colour()?.as_deref() == wanted).then_some(())))
}

/// The value of a query, as Prometheus gives it.
fn asked(query: &str) -> Result<Option<String>> {
    let mut curl = command(&format!("curl -sf -m 5 -G http://{PROMETHEUS}/api/v1/query"));
    let answer = check(curl.args(["--data-urlencode", &format!("query={query}")]))?;
    let answer: Value = serde_json::from_str(&answer).context(answer)?;
    Ok(answer["data"]["result"][0]["value"][1].as_str().map(str::to_owned))
}

fn prometheus_says(query: &str, wanted: &str) -> Result<()> {
    until(
        &format!("{query} is {wanted}"),
        30,
        || Ok((asked(query)?.as_deref() == Some(wanted)).then_some(())),
    )
}

fn begin(world: &World) -> Result<Scene> {
    let root = world.scratch.path().join("syncs");
    let (bare, work, place) = (root.join("git/settings.git"), root.join("work"), root.join("place"));
    for folder in [&work, &place] {
        fs::create_dir_all(folder)?;
    }
    check(&mut command(&format!("git init -q --bare -b main {}", bare.display())))?;
    check(&mut command(&format!("git -C {} config http.receivepack true", bare.display())))?;
    let me = std::env::current_exe()?;
    let server = command(&format!("{} git-server {GIT} {}", me.display(), root.join("git").display()));
    let mut scene = Scene { work, place, _served: vec![world.background(server)?] };
    until("the server listens", 10, || Ok(std::net::TcpStream::connect(GIT).ok()))?;
    scene.git("init -q -b main")?;
    scene.git(&format!("remote add origin http://{GIT}/settings.git"))?;
    scene.push(Some("blue"), 0)?;
    scene._served.push(prometheus(world, &root)?);
    fs::write(scene.place.join("secret"), SECRET)?;
    let words = format!(
        "taskmaster sync --repo http://{GIT}/settings.git --path prd.md --interval 1h --prune --self-heal --write-back \
         --listen {SYNC} --webhook-secret file:secret"
    );
    let mut looping = command(&words);
    looping.current_dir(&scene.place);
    scene._served.push(world.background(looping)?);
    Ok(scene)
}

/// A Prometheus of its own, which looks at the sync every second.
fn prometheus(world: &World, root: &Path) -> Result<Running> {
    let file = root.join("prometheus.yml");
    let job = format!("scrape_configs:\n- job_name: sync\n  static_configs: [{{targets: ['{SYNC}']}}]\n");
    fs::write(&file, format!("global: {{scrape_interval: 1s}}\n{job}"))?;
    world.background(command(&format!(
        "prometheus --config.file={} --storage.tsdb.path={} --web.listen-address={PROMETHEUS} --log.level=warn",
        file.display(),
        root.join("tsdb").display()
    )))
}

/// From a first commit to the last: done, healed, changed, undone, refused; and what Prometheus saw of it.
pub(crate) fn kept_true(world: &mut World) -> Result<()> {
    given("a repository behind HTTP, a sync that follows it, and a Prometheus that looks at the sync");
    let scene = begin(world)?;
    then("what the first commit asks for is in the cluster, and its box is ticked");
    becomes(Some("blue"))?;
    until("the mark is written back", 30, || {
        let text = scene.git("fetch -q origin main").and_then(|_| scene.git("show FETCH_HEAD:prd.md"))?;
        Ok(text.contains("- [x] Keep a setting").then_some(()))
    })?;
    prometheus_says("taskmaster_sync_health{health=\"healthy\"}", "1")?;
    when("somebody changes it by hand, and the sync looks");
    kubectl("-n default patch configmap synced --type=merge -p {\"data\":{\"colour\":\"red\"}}")?;
    scene.ring(1)?;
    then("it is as it was");
    becomes(Some("blue"))?;
    when("another colour is pushed, and the server rings");
    scene.push(Some("green"), 2)?;
    let began = std::time::Instant::now();
    scene.ring(2)?;
    then("the cluster has it");
    becomes(Some("green"))?;
    world.seconds("a sync of taskmaster, from the webhook to the cluster", began.elapsed());
    when("the task is removed");
    scene.push(None, 3)?;
    scene.ring(3)?;
    then("what it made is gone");
    becomes(None)?;
    when("a document is pushed that cannot be");
    let circle = "# S\n\n## Phase 1: Cluster\n\n- [ ] A (depends on: B)\n- [ ] B (depends on: A)\n";
    scene.publish(&[("prd.md", circle)], 4)?;
    scene.ring(4)?;
    then("the last good one stays in force, and Prometheus knows");
    prometheus_says("taskmaster_sync_health{health=\"degraded\"}", "1")?;
    prometheus_says("taskmaster_syncs_total{result=\"refused\"}", "1")?;
    let mut status = command("taskmaster sync status -o json");
    let status: Value = serde_json::from_str(&check(status.current_dir(&scene.place))?)?;
    let reason = status["syncs"][0]["refused"]["reasons"][0].as_str().unwrap_or_default();
    ensure!(reason.contains("circle"), "{status}");
    Ok(())
}
