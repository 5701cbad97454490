//! A place of its own for one experiment: a folder with a rollout file, a state directory, an agent.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::ffi::OsStrExt;
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
        self.until_since(phases, within).map(|(phase, _)| phase)
    }

    /// Waits until its phase is one of these; also when it was seen last in none of them, or this began.
    pub(crate) fn until_since(&self, phases: &[&str], within: Duration) -> Result<(String, Instant)> {
        let deadline = Instant::now() + within;
        let mut before = Instant::now();
        loop {
            let asked = Instant::now();
            let phase = self.phase()?;
            if phases.contains(&phase.as_str()) {
                return Ok((phase, before));
            }
            before = asked;
            if asked > deadline {
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
        let there = self.processes()?;
        // What cannot be seen while it is there would never be left.
        for role in ["agent guard", "agent serve", "sample-api"] {
            ensure!(there.iter().any(|process| process.contains(role)), "no {role} is seen: {there:?}");
        }
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

    /// Processes of the service in this place, its agent, the agent's guard, and commands.
    pub(crate) fn processes(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path();
            // Others end while we look.
            let Ok(environment) = fs::read(path.join("environ")) else { continue };
            let cwd = fs::read_link(path.join("cwd")).unwrap_or_default();
            let words = fs::read(path.join("cmdline")).unwrap_or_default();
            if is_of(self.folder.path(), &environment, &cwd, &words) && !words.is_empty() && !is_me(&path) {
                let words = String::from_utf8_lossy(&words).replace('\0', " ");
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

/// True of a process that belongs to a place: it bears the mark, works there, or was told of it on its
/// command line, as guards and agents are (`--state-dir`).
fn is_of(place: &Path, environment: &[u8], cwd: &Path, words: &[u8]) -> bool {
    let mark = format!("{MARK}={}", place.display());
    let is_marked = environment.split(|byte| *byte == 0).any(|word| word == mark.as_bytes());
    let is_told = |word: &[u8]| {
        let value = word.splitn(2, |byte| *byte == b'=').last().unwrap_or_default();
        Path::new(OsStr::from_bytes(value)).starts_with(place)
    };
    is_marked || cwd.starts_with(place) || words.split(|byte| *byte == 0).any(is_told)
}

fn is_me(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_str() == Some(&std::process::id().to_string()))
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.spawn("agent stop").and_then(|mut child| Ok(child.wait()?));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_known_by_mark_folder_and_command_line() {
        let is_known = |environment: &str, cwd: &str, words: &str| {
            let place = Path::new("/tmp/experiment-a");
            is_of(place, environment.as_bytes(), Path::new(cwd), words.as_bytes())
        };
        let agent = "taskmaster\0-v\0agent\0serve\0--state-dir\0/tmp/experiment-a/.taskmaster\0";
        assert!(is_known("", "/", agent));
        assert!(is_known("", "/", "taskmaster\0--state-dir=/tmp/experiment-a/.taskmaster"));
        assert!(is_known("HOME=/\0EXPERIMENT_PLACE=/tmp/experiment-a\0", "/", "sample-api\0"));
        assert!(is_known("", "/tmp/experiment-a/x", "sh\0"));
        assert!(!is_known("EXPERIMENT_PLACE=/tmp/experiment-ab", "/tmp", "x\0/tmp/experiment-ab/y"));
    }
}
