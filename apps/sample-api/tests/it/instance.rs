//! An instance of the service, either in this process or as a process of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;

use clap::Parser;
use rustix::process::{Pid, Signal, kill_process};
use sample_api::config::ServeConfig;
use sample_api::server::{End, ServeError, Server};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::http::eventually;

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    serve: ServeConfig,
}

pub(crate) fn settings(args: &[&str]) -> ServeConfig {
    let base = ["sample-api", "--port", "0", "--drain-ms", "0"];
    Settings::try_parse_from(base.iter().chain(args)).expect("settings").serve
}

/// In this process, on a thread of its own; stopped when dropped.
pub(crate) struct Instance {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<End, ServeError>>>,
}

impl Instance {
    pub(crate) fn start(args: &[&str]) -> Self {
        let config = settings(args);
        let (stop, stopped) = oneshot::channel::<()>();
        let (announce, announced) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let server = Server::bind(&config).await?;
                announce.send(server.address()).expect("the test listens");
                server.run(async { drop(stopped.await) }).await
            })
        });
        let address = announced.recv().expect("the instance started");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn stop(mut self) -> End {
        self.finish().expect("a running instance").expect("an end without error")
    }

    fn finish(&mut self) -> Option<Result<End, ServeError>> {
        drop(self.stop.take());
        self.thread.take().map(|thread| thread.join().expect("no panic in the instance"))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = self.finish();
        }
    }
}

/// The program with a clean environment.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sample-api"));
    command.env_clear();
    command
}

pub(crate) fn run(args: &[&str]) -> Output {
    program().args(args).output().expect("the program runs")
}

#[track_caller]
pub(crate) fn json(output: &Output) -> serde_json::Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON on stdout: {output:?}"))
}

/// As a process of its own; killed when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) first_line: String,
    pub(crate) port_file: PathBuf,
    _folder: TempDir,
}

impl Process {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(&[], args)
    }

    pub(crate) fn start_with(env: &[(&str, &str)], args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port_file = folder.path().join("port");
        let mut child = program()
            .env("PORT", "0")
            .envs(env.iter().copied())
            .arg("--port-file")
            .arg(&port_file)
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut first_line = String::new();
        let stdout = child.stdout.as_mut().expect("piped");
        BufReader::new(stdout).read_line(&mut first_line).expect("a line");
        let port = std::fs::read_to_string(&port_file).expect("the port file is written first");
        let address = format!("127.0.0.1:{}", port.trim()).parse().expect("an address");
        Self { child, address, first_line, port_file, _folder: folder }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a pid"), signal).expect("the process lives");
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        eventually("the process ends", || self.child.try_wait().expect("our child"))
    }

    pub(crate) fn stderr(&mut self) -> String {
        let mut text = String::new();
        let mut stderr = self.child.stderr.take().expect("piped");
        stderr.read_to_string(&mut text).expect("text");
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
