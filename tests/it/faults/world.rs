//! Places for faults: a user without rights, bounds of memory, a disk of a few pages.

use super::super::cli::sandbox;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use taskmaster_testkit::{Finished, Sandbox};

pub(super) const PRD: &str = "# Shop\n\n## Phase 1: A\n\n- [ ] One\n- [ ] Two\n- [ ] Three\n";

/// A catalogue in which each task leaves a line in `starts` and a file of its own.
pub(super) const TASKS: &str = "tasks:
  a/one: {check: {file_exists: one}, run: {shell: 'echo one >>starts; touch one'}}
  a/two: {check: {file_exists: two}, run: {shell: 'echo two >>starts; touch two'}}
  a/three: {check: {file_exists: three}, run: {shell: 'echo three >>starts; touch three'}}
";

const NOBODY: u32 = 65_534;

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(super) fn finished(output: &Output) -> Finished {
    Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs `line` for somebody whom the modes of files mean: root reads and writes whatever they say, so as root it is
/// "nobody", to whom the sandbox is given. Set the modes that matter after the first call.
pub(super) fn run_without_rights(sandbox: &Sandbox, line: &str) -> Finished {
    let mut command = sandbox.command(line.split_whitespace());
    if is_root() {
        command = with_program(sandbox, line.split_whitespace());
        command.uid(NOBODY).gid(NOBODY);
    }
    finished(&command.output().expect("it can be started"))
}

/// Gives all of the sandbox to "nobody", where root runs the tests.
pub(super) fn give_away(sandbox: &Sandbox) {
    let root: &Path = sandbox.as_ref();
    if is_root() {
        std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o755)).unwrap();
        run(Command::new("chown").args(["-R", "65534:65534"]).arg(root));
    }
}

/// The program by a link of its own, since nobody may look into the folder that it was built in.
fn with_program<'a>(sandbox: &Sandbox, args: impl Iterator<Item = &'a str>) -> Command {
    let root: &Path = sandbox.as_ref();
    let program = root.join("taskmaster");
    if !program.exists() && std::fs::hard_link(env!("CARGO_BIN_EXE_taskmaster"), &program).is_err() {
        run(Command::new("cp").arg(env!("CARGO_BIN_EXE_taskmaster")).arg(&program));
    }
    let like = sandbox.command(args);
    let mut command = Command::new(&program);
    // The first two arguments are those of `env`.
    command.args(like.get_args().skip(2)).current_dir(sandbox.path()).env_clear().stdin(Stdio::null());
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// Seconds of a processor that are enough for anything, in a program that is not optimised.
const ENOUGH_SECONDS: u32 = 30;

/// Runs `line` with no more address space than so many MiB, and [`ENOUGH_SECONDS`] of a processor: what needs more ends
/// by a signal. How long it takes by the clock depends on what else the machine does.
pub(super) fn run_within(sandbox: &Sandbox, mib: usize, line: &str) -> Finished {
    let inner = sandbox.command(line.split_whitespace());
    let mut command = Command::new("/bin/sh");
    command.args([
        "-c",
        &format!("ulimit -v {}; ulimit -t {ENOUGH_SECONDS}; exec timeout 300 \"$@\"", mib << 10),
        "sh",
    ]);
    command.arg(inner.get_program()).args(inner.get_args()).current_dir(sandbox.path()).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    finished(&command.output().expect("it can be started"))
}

#[track_caller]
pub(super) fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|fault| panic!("{command:?}: {fault}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

pub(super) fn mkfifo(path: &Path) {
    run(Command::new("mkfifo").arg(path));
}

/// A project on a disk of its own, which can be filled: a tmpfs in a mount namespace that is held by a process.
///
/// It needs root, or a system that gives a user a namespace of their own.
pub(super) struct Disk {
    pub(super) sandbox: Sandbox,
    holder: Child,
}

impl Disk {
    /// A disk of so many KiB with the project of [`PRD`] and [`TASKS`].
    pub(super) fn of(kib: usize) -> Self {
        let sandbox = sandbox();
        let mount = format!("mount -t tmpfs -o size={kib}k,mode=755 disk \"$1\" && echo held && exec cat");
        let mut command = Command::new("unshare");
        let namespace: &[&str] = if is_root() { &["-m"] } else { &["-r", "-m"] };
        command.args(namespace).args(["sh", "-c", &mount, "sh"]).arg(sandbox.path());
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut holder = started.expect("unshare of util-linux is there");
        let mut said = [0; 5];
        let held = std::io::Read::read_exact(holder.stdout.as_mut().expect("piped"), &mut said);
        assert!(
            held.is_ok(),
            "A FULL DISK CANNOT BE TESTED HERE: this needs root with CAP_SYS_ADMIN, or a system that lets a user \
             make namespaces (`unshare -rm` says why not)"
        );
        let disk = Self { sandbox, holder };
        std::fs::create_dir(disk.path("tasks")).unwrap();
        std::fs::write(disk.path("prd.md"), PRD).unwrap();
        std::fs::write(disk.path("tasks/local.yaml"), TASKS).unwrap();
        disk
    }

    /// A file of the project, as it is seen from here.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        let inside = self.sandbox.path().canonicalize().unwrap().join(name);
        Path::new(&format!("/proc/{}/root", self.holder.id())).join(inside.strip_prefix("/").unwrap())
    }

    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A state directory on the disk of everybody, `../state` for the project.
    pub(super) fn state_elsewhere(&self) -> PathBuf {
        let root: &Path = self.sandbox.as_ref();
        std::fs::create_dir(root.join("state")).unwrap();
        root.join("state")
    }

    /// Leaves so many KiB free.
    pub(super) fn fill(&self, left_kib: u64) {
        self.free();
        let stat = rustix::fs::statvfs(self.path("")).unwrap();
        let all = stat.f_bavail * stat.f_frsize;
        let ballast = all.saturating_sub(left_kib << 10);
        let file = std::fs::File::create(self.path("ballast")).unwrap();
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, ballast.max(1)).unwrap();
    }

    /// Takes the ballast away.
    pub(super) fn free(&self) {
        let _ = std::fs::remove_file(self.path("ballast"));
    }

    pub(super) fn run(&self, line: &str) -> Finished {
        finished(&self.command(line).output().expect("nsenter of util-linux is there"))
    }

    pub(super) fn command(&self, line: &str) -> Command {
        let inner = self.sandbox.command(line.split_whitespace());
        let mut command = Command::new("nsenter");
        if !is_root() {
            command.args(["-U", "--preserve-credentials"]);
        }
        command.args(["-m", "-t", &self.holder.id().to_string()]);
        command.arg(format!("--wd={}", self.sandbox.path().display()));
        command.arg(inner.get_program()).args(inner.get_args()).env_clear().stdin(Stdio::null());
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
