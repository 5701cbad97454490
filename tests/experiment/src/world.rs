//! A place of its own for one experiment: a folder with a rollout file, a state directory, an agent.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Who bears this variable belongs to an experiment.
const MARK: &str = "EXPERIMENT_PLACE";

/// The programs that experiments are made with.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) taskmaster: PathBuf,
    pub(crate) sample_api: PathBuf,
}

/// A version of the demo service, and what is wrong with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version {
    pub(crate) name: &'static str,
    pub(crate) latency_ms: u64,
    pub(crate) error_rate: f64,
}

impl Version {
    /// A good one.
    pub(crate) const fn good(name: &'static str) -> Self {
        Self { name, latency_ms: 0, error_rate: 0.0 }
    }
}

/// One place.
pub(crate) struct World {
    programs: Programs,
    folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
}

impl World {
    /// A place with a rollout called `web`: `policy` is what the file holds besides name and service.
    pub(crate) fn new(
        programs: &Programs,
        replicas: u32,
        versions: &[Version],
        policy: &str,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("experiment-").tempdir()?;
        // A port that was free a moment ago; the agent says so where it is not any more.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mark = folder.path().display();
        let mut file = format!(
            "name: web\nreplicas: {replicas}\nservice:\n  command: [{:?}, --port, \"{{port}}\"]\n  listen: {address}\n  \
             ready: {{http: /health/ready, interval: 50ms, within: 30s}}\n  drain: 200ms\n  grace: 10s\n  \
             env: {{APP_VERSION: \"{{version}}\", DRAIN_MS: \"0\", {MARK}: {mark:?}}}\n  versions:\n",
            programs.sample_api.display().to_string(),
        );
        for Version { name, latency_ms, error_rate } in versions {
            file += &format!(
                "    {name}: {{env: {{LATENCY_MS: \"{latency_ms}\", ERROR_RATE: \"{error_rate}\"}}}}\n"
            );
        }
        fs::write(folder.path().join("web.yaml"), file + policy)?;
        fs::write(folder.path().join("taskmaster.toml"), "")?;
        Ok(Self { programs: programs.clone(), folder, address })
    }

    /// taskmaster in this place.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(&self.programs.taskmaster);
        command.args(words.split_whitespace()).current_dir(self.folder.path());
        command.env_remove("TASKMASTER_STATE_DIR").stdin(Stdio::null());
        command
    }

    /// What it prints; an end other than success is an error.
    pub(crate) fn run(&self, words: &str) -> Result<String> {
        let output = self.command(words).output().context("taskmaster")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        ensure!(
            output.status.success(),
            "taskmaster {words}: {}\n{}{}",
            output.status,
            text(&output.stdout),
            text(&output.stderr)
        );
        Ok(text(&output.stdout))
    }

    /// It at work, its words thrown away.
    pub(crate) fn spawn(&self, words: &str) -> Result<Child> {
        let mut command = self.command(words);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().context("taskmaster")
    }

    /// The rollout as it is now. Its end may be that of a version that was taken back (50).
    pub(crate) fn view(&self) -> Result<Value> {
        let output = self.command("rollout status web -o json").output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        serde_json::from_slice(&output.stdout).with_context(|| format!("{}: {said}", output.status))
    }

    /// Its phase.
    pub(crate) fn phase(&self) -> Result<String> {
        let view = self.view()?;
        view["phase"].as_str().map(str::to_owned).with_context(|| format!("no phase in {view}"))
    }

    /// Waits until its phase is one of these.
    pub(crate) fn until(&self, phases: &[&str], within: Duration) -> Result<String> {
        let deadline = Instant::now() + within;
        loop {
            let phase = self.phase()?;
            if phases.contains(&phase.as_str()) {
                return Ok(phase);
            }
            if Instant::now() > deadline {
                bail!("it is {phase} after {within:?}, not {phases:?}: {}", self.view()?);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The agent's process.
    pub(crate) fn agent(&self) -> Result<i32> {
        let text = self.run("agent status -o json")?;
        let status: Value = serde_json::from_str(&text).context("agent status")?;
        let pid = status["agent"]["pid"].as_i64().with_context(|| format!("no pid in {status}"))?;
        Ok(i32::try_from(pid)?)
    }

    /// Ends everything here; an error where a process is left.
    pub(crate) fn end(self) -> Result<()> {
        self.run("agent stop")?;
        let deadline = Instant::now() + Duration::from_secs(15);
        loop {
            let left = self.processes()?;
            if left.is_empty() {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "processes are left: {left:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Processes of the service in this place, and those of its agent.
    pub(crate) fn processes(&self) -> Result<Vec<String>> {
        let mark = format!("{MARK}={}", self.folder.path().display());
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path();
            // Others end while we look.
            let Ok(environment) = fs::read(path.join("environ")) else { continue };
            let is_marked = environment.split(|byte| *byte == 0).any(|word| word == mark.as_bytes());
            let is_here =
                fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(self.folder.path()));
            let words = fs::read(path.join("cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).replace('\0', " ");
            if (is_marked || is_here) && !words.is_empty() && !is_me(&path) {
                found.push(format!("{} {words}", path.display()));
            }
        }
        Ok(found)
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn is_me(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_str() == Some(&std::process::id().to_string()))
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.spawn("agent stop").and_then(|mut child| Ok(child.wait()?));
    }
}
