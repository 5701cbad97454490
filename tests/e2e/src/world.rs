//! What scenarios share: the project, its settings for this cluster, Git, and what was measured.

use crate::run::{check, command, kubectl, output, until};
use crate::traffic::{Answer, none_failed};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where Argo CD finds Git on a node of our own, as its settings have it.
const GIT: &str = "10.250.0.1:8418";
/// The context of a node of our own.
const CONTEXT: &str = "context = \"test\"";
/// The demo service on a node of our own.
const IMAGE: &str = "registry.test/sample-api";

/// What scenarios share.
pub(crate) struct World {
    pub(crate) project: PathBuf,
    pub(crate) scratch: tempfile::TempDir,
    /// What was measured, to be printed at the end.
    pub(crate) figures: Vec<(String, String)>,
    /// Requests that scenarios have sent while something changed, and those that failed.
    pub(crate) requests: (usize, usize),
    /// The demo service, without its tag.
    pub(crate) image: String,
    /// `host:port` of the Git server, as pods see it.
    pub(crate) git_address: String,
    git: Option<Child>,
    /// Flagger takes its time: what it releases while other scenarios run.
    pub(crate) flagged: Option<Running>,
    /// The scenarios that need no cluster.
    pub(crate) apart: Option<Running>,
    /// The scenarios that have namespaces of their own.
    pub(crate) guests: Option<Running>,
    /// Scenarios that go on beside others.
    pub(crate) verbs: Vec<crate::verbs::Aside>,
}

impl World {
    /// Takes the cluster that kubectl leads to. On one that is not ours `TASKMASTER_E2E_IMAGE` names
    /// the demo service's image, and `TASKMASTER_E2E_SETTINGS` a file in place of our settings.
    pub(crate) fn new(project: &Path) -> Result<Self> {
        let mut world = Self::guest(project)?;
        // One scenario alone goes on from the platform of an earlier run.
        if world.repository().exists() {
            world.serve_git()?;
        }
        Ok(world)
    }

    /// The same beside another one, which serves Git.
    pub(crate) fn guest(project: &Path) -> Result<Self> {
        let mut world = Self::apart(project)?;
        world.git_address = format!("{}:8418", address_seen_by_the_node()?);
        if let Ok(image) = std::env::var("TASKMASTER_E2E_IMAGE") {
            world.image = image;
        }
        let settings = std::env::var_os("TASKMASTER_E2E_SETTINGS")
            .map_or_else(|| world.project.join("tests/e2e/taskmaster/config.toml"), PathBuf::from);
        let context = kubectl("config current-context")?;
        let text = fs::read_to_string(&settings).with_context(|| settings.display().to_string())?;
        let text = text
            .replace(GIT, &world.git_address)
            .replace(CONTEXT, &format!("context = {:?}", context.trim()))
            .replace(IMAGE, &world.image);
        let scratch = world.scratch.path();
        fs::create_dir_all(scratch.join("settings/taskmaster"))?;
        fs::write(scratch.join("settings/taskmaster/config.toml"), text)?;
        Ok(world)
    }

    /// Without a cluster.
    pub(crate) fn apart(project: &Path) -> Result<Self> {
        Ok(Self {
            project: project.canonicalize()?,
            scratch: tempfile::Builder::new().prefix("taskmaster-e2e-").tempdir()?,
            figures: Vec::new(),
            requests: (0, 0),
            image: IMAGE.to_owned(),
            git_address: String::new(),
            git: None,
            flagged: None,
            apart: None,
            guests: None,
            verbs: Vec::new(),
        })
    }

    pub(crate) fn figure(&mut self, name: &str, value: impl std::fmt::Display) {
        println!("  figure {name}: {value}");
        self.figures.push((name.to_owned(), value.to_string()));
    }

    pub(crate) fn seconds(&mut self, name: &str, took: Duration) {
        self.figure(name, format_args!("{:.2} s", took.as_secs_f64()));
    }

    /// Counts the answers, and is an error unless all were good.
    pub(crate) fn count(&mut self, answers: &[Answer]) -> Result<()> {
        self.requests.0 += answers.len();
        self.requests.1 += answers.iter().filter(|answer| answer.version().is_none()).count();
        none_failed(answers)
    }

    /// taskmaster in the project, with the settings of this cluster.
    pub(crate) fn taskmaster(&self, words: &str) -> Command {
        let mut taskmaster = command(&format!("taskmaster {words}"));
        taskmaster.current_dir(&self.project).env("XDG_CONFIG_HOME", self.settings());
        taskmaster
    }

    /// The folder of settings.
    pub(crate) fn settings(&self) -> PathBuf {
        self.scratch.path().join("settings")
    }

    /// A run to its end, and the events it told.
    pub(crate) fn run(&self, words: &str) -> Result<Vec<Value>> {
        events(&check(&mut self.taskmaster(&format!("run {words} -o json")))?)
    }

    /// A run that goes on while other things happen.
    pub(crate) fn start(&self, words: &str) -> Result<Running> {
        self.background(self.taskmaster(&format!("run {words}")))
    }

    /// Any command, likewise.
    pub(crate) fn background(&self, mut run: Command) -> Result<Running> {
        let (file, log) = tempfile::Builder::new().prefix("run-").tempfile_in(self.scratch.path())?.keep()?;
        let child = run.stdout(file.try_clone()?).stderr(file).spawn().context("taskmaster")?;
        Ok(Running { child, log })
    }

    /// A view in JSON.
    pub(crate) fn view(&self, words: &str) -> Result<Value> {
        let text = check(&mut self.taskmaster(&format!("{words} -o json")))?;
        serde_json::from_str(&text).with_context(|| text)
    }

    /// The state directory.
    pub(crate) fn state(&self) -> PathBuf {
        self.project.join("out/cluster/state")
    }

    /// The folder of everything that the plan makes.
    pub(crate) fn work(&self) -> PathBuf {
        self.project.join("out/cluster/work")
    }

    /// The GitOps repository.
    fn repository(&self) -> PathBuf {
        self.project.join("out/cluster/git/gitops.git")
    }

    /// Serves an empty GitOps repository as the settings name it.
    pub(crate) fn serve_empty_git(&mut self) -> Result<()> {
        self.stop_git();
        let repository = self.repository();
        let _ = fs::remove_dir_all(&repository);
        check(&mut command(&format!("git init -q --bare -b main {}", repository.display())))?;
        let config = format!("git -C {} config http.receivepack true", repository.display());
        check(&mut command(&config))?;
        self.serve_git()
    }

    fn serve_git(&mut self) -> Result<()> {
        let root = self.repository().with_file_name("");
        let me = std::env::current_exe()?;
        let mut server =
            command(&format!("{} git-server {} {}", me.display(), self.git_address, root.display()));
        self.git = Some(server.spawn()?);
        until("the Git server listens", 10, || Ok(TcpStream::connect(&self.git_address).ok()))?;
        Ok(())
    }

    fn stop_git(&mut self) {
        if let Some(mut git) = self.git.take() {
            let _ = git.kill();
            let _ = git.wait();
        }
    }

    /// Git in the working copy that releases are committed to.
    pub(crate) fn git(&self, words: &[&str]) -> Result<String> {
        let mut git = Command::new("git");
        git.arg("-C").arg(self.work().join("gitops")).args(words).env("GIT_CONFIG_GLOBAL", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "e2e");
            git.env(format!("GIT_{who}_EMAIL"), "e2e@example.invalid");
        }
        check(&mut git)
    }

    /// A commit that changes the image tag of an application, pushed.
    pub(crate) fn push_tag(&self, app: &str, tag: &str) -> Result<()> {
        self.push_value(app, "  tag", tag)
    }

    /// A commit that changes a line of the values of an application, pushed.
    pub(crate) fn push_value(&self, app: &str, key: &str, value: &str) -> Result<()> {
        let values = self.work().join(format!("gitops/charts/{app}-app/values.yaml"));
        let text = fs::read_to_string(&values)?;
        let start = format!("{key}: ");
        let line = text.lines().find(|line| line.starts_with(&start)).context("no such value")?;
        let changed = text.replacen(line, &format!("{start}{value}"), 1);
        if changed == text {
            return Ok(());
        }
        fs::write(&values, changed)?;
        self.git(&["commit", "-qam", &format!("{app}: {} is {value}", key.trim())])?;
        self.push()
    }

    /// Pushes, and tells Argo CD as a Git host would.
    pub(crate) fn push(&self) -> Result<()> {
        self.git(&["push", "-q", &format!("http://{}/gitops.git", self.git_address), "HEAD:main"])?;
        Ok(())
    }

    /// What a Git host sends to Argo CD after a push, in GitHub's form.
    pub(crate) fn webhook(&self) -> Result<()> {
        let address = kubectl("-n argocd get service argocd-server -o jsonpath={.spec.clusterIP}")?;
        let after = self.git(&["rev-parse", "HEAD"])?;
        let before = self.git(&["rev-parse", "HEAD~1"])?;
        let payload = serde_json::json!({
            "ref": "refs/heads/main", "before": before.trim(), "after": after.trim(),
            "repository": {"html_url": format!("http://{}/gitops", self.git_address), "default_branch": "main"},
            "commits": [{"modified": ["charts/blue-green-app/values.yaml"]}],
        });
        let mut curl = Command::new("curl");
        curl.args([
            "-sSfk",
            "-m",
            "10",
            "-H",
            "X-GitHub-Event: push",
            "-H",
            "Content-Type: application/json",
        ]);
        curl.arg("--data").arg(payload.to_string()).arg(format!("https://{address}/api/webhook"));
        check(&mut curl)?;
        Ok(())
    }
}

/// The address of this machine that a node of the cluster can reach: nothing is sent to find it out.
fn address_seen_by_the_node() -> Result<std::net::IpAddr> {
    let path = "{.items[0].status.addresses[?(@.type=='InternalIP')].address}";
    let mut nodes = command("kubectl get nodes");
    let node = check(nodes.arg(format!("-o=jsonpath={path}")))?;
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    socket.connect((node.as_str(), 9)).with_context(|| format!("no way to the node {node:?}"))?;
    Ok(socket.local_addr()?.ip())
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop_git();
    }
}

/// taskmaster at work.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// What it has told so far.
    pub(crate) fn told(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has told this.
    pub(crate) fn until_told(&mut self, text: &str, seconds: u64) -> Result<()> {
        let (child, log) = (&mut self.child, &self.log);
        until(&format!("taskmaster says {text:?}"), seconds, || {
            let told = fs::read_to_string(log)?;
            if told.contains(text) {
                return Ok(Some(Ok(())));
            }
            Ok(child.try_wait()?.map(|status| Err(anyhow::anyhow!("it ended ({status}): {told}"))))
        })?
    }

    /// True once it has ended.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Its exit code.
    pub(crate) fn end(&mut self, seconds: u64) -> Result<i32> {
        let child = &mut self.child;
        let status = until("taskmaster ends", seconds, || Ok(child.try_wait()?));
        let status = status.with_context(|| self.told())?;
        status.code().with_context(|| format!("it ended by {status}"))
    }

    /// Its end must be a success.
    pub(crate) fn succeeds(&mut self, seconds: u64) -> Result<()> {
        let code = self.end(seconds)?;
        ensure!(code == 0, "taskmaster ended with {code}:\n{}", self.told());
        Ok(())
    }

    /// The end that a person gives it, and once more for what is at work. TERM, since who is started in the
    /// background may have been told to ignore Ctrl-C.
    pub(crate) fn interrupt(&mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        for _ in 0..2 {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            std::thread::sleep(Duration::from_millis(300));
        }
        let code = self.end(60)?;
        ensure!(code == 22, "taskmaster ended with {code}:\n{}", self.told());
        Ok(())
    }

    /// The hard end, as a machine that loses power gives it.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Events, one a line.
pub(crate) fn events(text: &str) -> Result<Vec<Value>> {
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

/// What a command says on standard error, and how it ends.
pub(crate) fn ends(command: &mut Command) -> Result<(Option<i32>, String)> {
    let output = output(command.stdin(Stdio::null()))?;
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok((output.status.code(), text))
}
