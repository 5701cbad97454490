//! A project with a rollout file, its agent, and what is asked of both.

use super::service::{ERRORS, PORT, TOKEN, VERSION};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use taskmaster_testkit::{Finished, Sandbox, until};

/// A project whose agent ends with it.
pub(super) struct World {
    pub(super) sandbox: Sandbox,
}

/// Percent of errors of the version `bad`, as the file has it.
pub(super) const ERRORS_OF_BAD: &str = "\"50\"";

/// A rollout file: its strategy, and more of its service.
pub(super) fn file(strategy: &str, more: &str) -> String {
    let exe = std::env::current_exe().unwrap();
    let command = format!(
        "[{:?}, --exact, \"agent::service::serves_where_it_is_asked_to\", --nocapture]",
        exe.display().to_string()
    );
    format!(
        "name: web
strategy: {strategy}
analysis:
  metrics:
    - name: errors
      test: {{of: errors, minimumSample: 20}}
service:
  command: {command}
  env: {{{PORT}: \"{{port}}\", {VERSION}: \"{{version}}\", {TOKEN}: {{env: MY_TOKEN}}}}
  listen: 127.0.0.1:0
  ready: {{http: /ready, interval: 20ms}}
  drain: 20ms
  grace: 2s
  versions:
    bad: {{env: {{{ERRORS}: {ERRORS_OF_BAD}}}}}
    broken: {{command: [sh, -c, \"echo boom {{port}} >&2; exit 3\"]}}
{more}"
    )
}

/// One in five, for a moment; then half, until somebody promotes.
pub(super) const CANARY: &str = "{canary: {scaleDownDelay: 0s, abortScaleDownDelay: 100ms, steps: [{setWeight: 20}, \
     {pause: {duration: 300ms}}, {setWeight: 50}, {pause: {}}]}}";

impl World {
    pub(super) fn new(strategy: &str) -> Self {
        Self::of(&file(strategy, ""))
    }

    pub(super) fn of(file: &str) -> Self {
        Self::with(file, &[])
    }

    /// With more variables.
    pub(super) fn with(file: &str, vars: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_taskmaster"))
            .var("TASKMASTER_AGENT_IDLE", "20")
            .var("MY_TOKEN", "swordfish-4711");
        let sandbox = vars.iter().fold(sandbox, |sandbox, (name, value)| sandbox.var(name, *value));
        sandbox.write("taskmaster.toml", "").write("web.yaml", file);
        Self { sandbox }
    }

    /// A version, to its end.
    #[track_caller]
    pub(super) fn release(&self, version: &str) {
        self.sandbox.run(&format!("rollout start web.yaml {version} --wait --timeout 60s")).code(0);
    }

    /// A version, as far as it goes by itself.
    #[track_caller]
    pub(super) fn start(&self, version: &str) {
        self.sandbox.run(&format!("rollout start web.yaml {version}")).code(0);
    }

    pub(super) fn run(&self, line: &str) -> Finished {
        self.sandbox.run(line)
    }

    /// The rollout as it is now.
    #[track_caller]
    pub(super) fn view(&self) -> Value {
        let shown = self.run("rollout status web -o json");
        assert!(matches!(shown.code, 0 | 50), "{shown:?}");
        shown.json()
    }

    /// Waits until the rollout is as `is` wants it. What it was meanwhile stands in the output of a test that fails.
    #[track_caller]
    pub(super) fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Value::Null;
        until(what, 60, || {
            let view = self.view();
            let now = json!([view["phase"], view["held"], view["metrics"]]);
            if now != seen {
                eprintln!("{what}: {now}");
                seen = now;
            }
            Some(view).filter(&is)
        })
    }

    #[track_caller]
    pub(super) fn until_phase(&self, phase: &str) -> Value {
        self.until(phase, |view| view["phase"] == phase)
    }

    /// Waits for the pause without a time.
    #[track_caller]
    pub(super) fn until_paused(&self) -> Value {
        self.until("it waits for a person", |view| view["held"]["by"] == "step")
    }

    pub(super) fn agent(&self) -> Value {
        self.run("agent status -o json").code(0).json()
    }

    /// The process of the agent, once there is one.
    pub(super) fn agent_pid(&self) -> i32 {
        until("an agent", 20, || self.agent()["agent"]["pid"].as_i64()).try_into().unwrap()
    }

    /// Kills a process at once.
    pub(super) fn kill(pid: i32) {
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }

    /// Kills the agent and its guard, which come again by a command alone. The agent is stopped first: one
    /// that sees its guard die starts another, which starts an agent again.
    pub(super) fn kill_agent_and_guard(&self) {
        let agent = self.agent_pid();
        let stat = std::fs::read_to_string(format!("/proc/{agent}/stat")).unwrap();
        let guard: i32 =
            stat.rsplit(')').next().unwrap().split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
        let pid = rustix::process::Pid::from_raw(agent).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        Self::kill(guard);
        Self::kill(agent);
        until("both are gone", 20, || {
            (!is_running(i64::from(agent)) && !is_running(i64::from(guard))).then_some(())
        });
    }

    /// Processes of services, in their order.
    pub(super) fn pids(&self) -> Vec<i64> {
        let agent = self.agent();
        let services = agent["services"].as_array().cloned().unwrap_or_default();
        let replicas = services.iter().flat_map(|service| service["replicas"].as_array().cloned());
        let mut pids: Vec<i64> = replicas.flatten().filter_map(|replica| replica["pid"].as_i64()).collect();
        pids.sort_unstable();
        pids
    }

    /// Where users come.
    pub(super) fn address(&self) -> SocketAddr {
        let view = self.view();
        view["address"].as_str().unwrap().trim_start_matches("http://").parse().unwrap()
    }

    pub(super) fn state_dir(&self) -> PathBuf {
        self.sandbox.path().join(".taskmaster")
    }
}

impl Drop for World {
    /// Nothing outlives a test, also where that has failed.
    fn drop(&mut self) {
        let _ = self.run("agent stop --force");
    }
}

/// One request on a connection of its own: status and body.
pub(super) fn get(at: SocketAddr, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&at, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    status.zip(body).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

/// What became of the requests of a load.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) answers: usize,
    pub(super) failed: Vec<String>,
}

/// Requests one after the other until it is ended.
pub(super) struct Load {
    end: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Sent>>,
}

impl Load {
    pub(super) fn on(at: SocketAddr) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let send = move |end: Arc<AtomicBool>| {
            let mut sent = Sent::default();
            while !end.load(Ordering::Relaxed) {
                match get(at, "/") {
                    Ok((200, _)) => sent.answers += 1,
                    Ok((status, body)) => sent.failed.push(format!("{status} {body}")),
                    Err(error) => sent.failed.push(error.to_string()),
                }
            }
            sent
        };
        let threads = (0..2).map(|_| {
            let end = Arc::clone(&end);
            std::thread::spawn(move || send(end))
        });
        Self { threads: threads.collect(), end }
    }

    pub(super) fn end(self) -> Sent {
        self.end.store(true, Ordering::Relaxed);
        let mut all = Sent::default();
        for thread in self.threads {
            let sent = thread.join().unwrap();
            all.answers += sent.answers;
            all.failed.extend(sent.failed);
        }
        all
    }
}

/// How long it takes until a request is answered again; whatever is in between does not count as one.
pub(super) fn until_answered(at: SocketAddr) -> Duration {
    let begun = Instant::now();
    until("an answer", 20, || get(at, "/").ok().filter(|(status, _)| *status == 200));
    begun.elapsed()
}

/// True while a process runs.
pub(super) fn is_running(pid: i64) -> bool {
    taskmaster::process::proc::find(u32::try_from(pid).unwrap()).is_some()
}
