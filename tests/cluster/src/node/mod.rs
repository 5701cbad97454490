//! The node: started, entered and stopped from outside; see [`inside`] for what it does itself.

mod config;
mod control;
mod inside;
mod layout;
mod store;

pub(crate) use config::PAUSE;
pub(crate) use inside::inside;

use crate::component;
use crate::debian;
use crate::home::Home;
use crate::host;
use crate::mirror;
use crate::pki;
use crate::run;
use anyhow::{Context, Result, bail};
use layout::Layout;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use store::Store;

/// How long a node may take to become ready.
const START: Duration = Duration::from_secs(180);

/// Starts the node and waits until it is ready.
pub(crate) fn up(home: &Home) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("a node needs root: namespaces, mounts and cgroups are made");
    }
    if let Some(pid) = host_pid(home) {
        if home.run_file("ready").exists() {
            eprintln!("the node runs (pid {pid})");
            return Ok(());
        }
        down(home)?;
    }
    component::build(home, &["kube".to_owned()])?;
    let debian = debian::provide(home)?;
    let store = Store::of(home)?;
    mirror::fill(home)?;
    let layout = Layout::fresh(home, &debian)?;
    store.lay_out(&layout.containerd)?;
    pki::write(&layout.pki)?;
    config::write(&layout)?;
    fs::write(home.run_file("sysctls"), host::sysctls().join("\n"))?;
    let began = Instant::now();
    let log = File::create(layout.logs.join("node.log"))?;
    let mut unshare = Command::new("unshare");
    unshare
        .args(["--mount", "--net", "--pid", "--fork", "--propagation", "private", "--"])
        .arg(std::env::current_exe()?)
        .arg("node")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0);
    let mut child = unshare.spawn().context("unshare")?;
    while !home.run_file("ready").exists() {
        if let Some(status) = child.try_wait()? {
            bail!("the node ended ({status}): see {}", layout.logs.join("node.log").display());
        }
        if began.elapsed() > START {
            bail!("the node is not ready after {} s: see {}", START.as_secs(), layout.logs.display());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    eprintln!("the node is ready after {:.1} s", began.elapsed().as_secs_f64());
    println!("{}", layout.pki.join("admin.kubeconfig").display());
    Ok(())
}

/// Stops the node; nothing of it is left then.
pub(crate) fn down(home: &Home) -> Result<()> {
    if let Some(pid) = host_pid(home) {
        // The first process of a process namespace: the kernel ends all others with it, and mounts
        // and network go with the last of them.
        let pid = rustix::process::Pid::from_raw(pid).context("a process id")?;
        rustix::process::kill_process(pid, rustix::process::Signal::KILL)?;
        wait_for_end(pid)?;
    }
    host::remove_cgroups()?;
    if let Ok(before) = fs::read_to_string(home.run_file("sysctls")) {
        host::restore_sysctls(&before)?;
    }
    for left in ["pid", "ready", "sysctls"] {
        let _ = fs::remove_file(home.run_file(left));
    }
    for folder in ["etcd", "containerd", "state", "kubelet", "pods", "overlays", "sockets"] {
        let folder = home.run_file(folder);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
    }
    Ok(())
}

fn wait_for_end(pid: rustix::process::Pid) -> Result<()> {
    let began = Instant::now();
    while rustix::process::test_kill_process(pid).is_ok() {
        if began.elapsed() > Duration::from_secs(30) {
            bail!("process {pid:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Runs a command inside the node, with its tools on the PATH and its kubeconfig.
pub(crate) fn shell(home: &Home, argv: &[String]) -> Result<()> {
    let pid = host_pid(home).context("no node runs: start one with `cluster up`")?;
    let layout = Layout::of(home, &debian::provide(home)?);
    let mut enter = Command::new("nsenter");
    let here = std::env::current_dir()?;
    enter.args(["--target", &pid.to_string(), "--mount", "--net", "--pid"]);
    enter.arg(format!("--wdns={}", here.display())).arg("--");
    layout.environment(&mut enter);
    enter.env("KUBECONFIG", layout.pki.join("admin.kubeconfig"));
    match argv {
        [] => enter.arg(std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into())),
        argv => enter.args(argv),
    };
    Err(enter.exec()).with_context(|| run::shown(&enter))
}

/// The first process of the node as the machine counts it, where it lives.
fn host_pid(home: &Home) -> Option<i32> {
    let text = fs::read_to_string(home.run_file("pid")).ok()?;
    let (pid, start) = text.trim().split_once(' ')?;
    (host::start_ticks(pid)? == start).then(|| pid.parse().ok())?
}
