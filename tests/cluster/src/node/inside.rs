//! What the node does inside of its namespaces: it is their first process, starts everything, keeps
//! it running, and ends with it.

use super::config;
use super::control::{self, Program};
use super::layout::Layout;
use super::store::Store;
use crate::debian;
use crate::home::Home;
use crate::host;
use crate::run;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait, waitpid};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The whole life of the node.
pub(crate) fn inside(home: &Home) -> Result<()> {
    // The machine's /proc is still mounted: this is our number there, by which we are ended.
    let pid = fs::read_link("/proc/self")?.display().to_string();
    let start = host::start_ticks(&pid).context("our own start time")?;
    fs::write(home.run_file("pid"), format!("{pid} {start}\n"))?;
    let debian = debian::provide(home)?;
    let layout = Layout::of(home, &debian);
    let began = Instant::now();
    let told = |what: &str| println!("{:6.2} s  {what}", began.elapsed().as_secs_f64());
    mounts(&layout)?;
    network()?;
    let mut node = Node { layout: &layout, running: BTreeMap::new() };
    node.start(control::containerd(&layout))?;
    node.start(control::etcd(&layout))?;
    node.start(control::apiserver(&layout))?;
    node.until("containerd answers", |node| run::holds(node.ctr().arg("version")))?;
    let store = Store::of(home)?;
    if !store.is_kept() {
        store.images.iter().try_for_each(|image| node.import(&image.archive))?;
        node.stop("containerd")?;
        store.keep(&layout.containerd)?;
        node.start(control::containerd(&layout))?;
    }
    told("images are there");
    node.until("the API server is ready", |node| run::holds(node.kubectl().args(["get", "--raw=/readyz"])))?;
    told("the API server is ready");
    for program in [control::controllers, control::scheduler, control::kubelet, control::proxy] {
        node.start(program(&layout))?;
    }
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests");
    node.until("the base is applied", |node| run::holds(node.kubectl().args(["apply", "-f"]).arg(&base)))?;
    node.until("the node is ready", |node| {
        run::holds(node.kubectl().args(["wait", "node/node1", "--for=condition=Ready", "--timeout=1s"]))
    })?;
    told("the node is ready");
    fs::write(home.run_file("ready"), "")?;
    node.keep()
}

/// Private, writable layers over what programs write to, so that nothing lands on the machine.
fn mounts(layout: &Layout) -> Result<()> {
    run::check(Command::new("mount").args(["-t", "proc", "proc", "/proc"]))?;
    run::check(Command::new("mount").args(["--make-rshared", "/"]))?;
    for folder in ["etc", "var", "opt", "run"] {
        let part = |name: &str| layout.overlays.join(format!("{folder}.{name}"));
        for name in ["upper", "work"] {
            fs::create_dir_all(part(name))?;
        }
        fs::create_dir_all(format!("/{folder}"))?;
        let options = format!(
            "lowerdir=/{folder},upperdir={},workdir={}",
            part("upper").display(),
            part("work").display()
        );
        let at = format!("/{folder}");
        run::check(Command::new("mount").args(["-t", "overlay", "overlay", "-o", &options, &at]))?;
    }
    Ok(())
}

/// An address that leads nowhere: traffic stays inside.
fn network() -> Result<()> {
    let address = format!("{}/24", config::address());
    for words in [
        "link set lo up",
        "link add node0 type veth peer name node0p",
        &format!("address add {address} dev node0"),
        "link set node0 up",
        "link set node0p up",
        "route add default via 10.250.0.254 dev node0",
    ] {
        run::check(Command::new("ip").args(words.split(' ')))?;
    }
    fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
    // Where the kernel passes bridged packets to the firewall, services answer pods on the same node.
    let _ = fs::write("/proc/sys/net/bridge/bridge-nf-call-iptables", "1");
    Ok(())
}

struct Node<'a> {
    layout: &'a Layout,
    /// Programs by their process ids.
    running: BTreeMap<i32, Program>,
}

impl Node<'_> {
    fn start(&mut self, program: Program) -> Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.layout.logs.join(format!("{}.log", program.name)))?;
        let mut command = Command::new(&program.argv[0]);
        command
            .args(&program.argv[1..])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        self.layout.environment(&mut command);
        let child = command.spawn().with_context(|| program.name.to_owned())?;
        self.running.insert(i32::try_from(child.id())?, program);
        Ok(())
    }

    fn kubectl(&self) -> Command {
        let mut kubectl = Command::new(self.layout.bin.join("kube"));
        kubectl.arg("kubectl").arg("--kubeconfig").arg(self.layout.pki.join("admin.kubeconfig"));
        kubectl
    }

    fn ctr(&self) -> Command {
        let mut ctr = Command::new(self.layout.debian.join("usr/bin/ctr"));
        self.layout.environment(&mut ctr);
        ctr.arg("--address").arg(self.layout.socket()).args(["--namespace", "k8s.io"]);
        ctr
    }

    fn import(&self, archive: &Path) -> Result<()> {
        run::check(self.ctr().args(["images", "import"]).arg(archive))?;
        Ok(())
    }

    /// Ends a program in peace.
    fn stop(&mut self, name: &str) -> Result<()> {
        let found = self.running.iter().find(|(_, program)| program.name == name);
        let pid = *found.with_context(|| format!("{name} does not run"))?.0;
        self.running.remove(&pid);
        let pid = Pid::from_raw(pid).context("a process id")?;
        kill_process(pid, Signal::TERM)?;
        waitpid(Some(pid), WaitOptions::empty())?;
        Ok(())
    }

    /// Polls; a program that ends meanwhile is the end of the node.
    fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) -> Result<()> {
        let began = Instant::now();
        while !holds(self) {
            if let Some(program) = self.ended()? {
                bail!("{} ended before {what}: see its log", program.name);
            }
            if began.elapsed() > Duration::from_secs(120) {
                bail!("{what}: not after 120 s");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Takes leave of processes that ended; the first program of ours among them.
    fn ended(&mut self) -> Result<Option<Program>> {
        while let Ok(Some((pid, _))) = wait(WaitOptions::NOHANG) {
            if let Some(program) = self.running.remove(&pid.as_raw_nonzero().get()) {
                return Ok(Some(program));
            }
        }
        Ok(None)
    }

    /// Starts again what ends: a test may kill any of it.
    fn keep(mut self) -> Result<()> {
        loop {
            while let Some(program) = self.ended()? {
                println!("{} ended and is started again", program.name);
                std::thread::sleep(Duration::from_millis(200));
                self.start(program)?;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
