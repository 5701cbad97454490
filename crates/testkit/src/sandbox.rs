//! A folder and an environment of their own for a program under test.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A temporary project folder in which a program is run.
#[derive(Debug)]
pub struct Sandbox {
    dir: tempfile::TempDir,
    program: PathBuf,
    vars: Vec<(String, String)>,
}

/// What a finished program left.
#[derive(Debug)]
pub struct Finished {
    /// Exit code; -1 where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A program at work; killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Option<Child>,
}

impl Sandbox {
    /// A new empty folder for `program`.
    ///
    /// # Panics
    /// Where no folder can be made.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        for sub in ["project", "home"] {
            std::fs::create_dir(dir.path().join(sub)).expect("a folder can be made");
        }
        Self { dir, program: program.into(), vars: Vec::new() }
    }

    /// The project folder, which is the working directory.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    /// Sets a variable for the programs to come.
    #[must_use]
    pub fn var(mut self, name: &str, value: impl Into<String>) -> Self {
        self.vars.push((name.to_owned(), value.into()));
        self
    }

    /// Writes a file of the project.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder can be made");
        std::fs::write(path, text).expect("a file can be written");
        self
    }

    /// Puts a program on the path, before all others of its name.
    ///
    /// # Panics
    /// Where it cannot be written.
    #[must_use]
    pub fn program(self, name: &str, text: &str) -> Self {
        let (source, program) = (format!("bin/{name}.text"), format!("bin/{name}"));
        self.write(&source, text);
        // By another process: a child that a parallel test forks must not hold it open for writing,
        // or it cannot be started ("text file busy").
        let mut install = Command::new("install");
        let made = install.args(["-m", "755", &source, &program]).current_dir(self.path()).status();
        assert!(made.is_ok_and(|status| status.success()), "a program can be installed");
        let path = std::env::var("PATH").expect("a PATH");
        let bin = self.path().join("bin");
        self.var("PATH", format!("{}:{path}", bin.display()))
    }

    /// Reads a file of the project; `None` where there is none.
    pub fn read(&self, name: &str) -> Option<String> {
        std::fs::read(self.path().join(name)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The command with these arguments, not started.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        // Whoever started the tests in the background made SIGINT ignored for all below it. The full path, as
        // the standard library forks the whole process of the tests for a bare name and a PATH that is set.
        let mut command = Command::new("/usr/bin/env");
        command.arg("--default-signal=INT,TERM,HUP").arg(&self.program);
        let inherited = ["PATH", "TMPDIR"];
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .envs(inherited.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env("HOME", self.dir.path().join("home"))
            .env("LC_ALL", "C.UTF-8")
            .env("NO_COLOR", "1")
            .envs(profile().map(|file| ("LLVM_PROFILE_FILE", file)))
            .envs(self.vars.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs to the end. Arguments are split at white space; use [`Sandbox::command`] for others.
    ///
    /// # Panics
    /// Where the program cannot be started.
    #[must_use]
    pub fn run(&self, line: &str) -> Finished {
        let output = self.command(line.split_whitespace()).output();
        Finished::new(&output.unwrap_or_else(|e| panic!("{}: {e}", self.program.display())))
    }

    /// Starts and comes back at once.
    ///
    /// # Panics
    /// Where the program cannot be started.
    pub fn start(&self, line: &str) -> Running {
        let mut command = self.command(line.split_whitespace());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Running { child: Some(child.unwrap_or_else(|e| panic!("{}: {e}", self.program.display()))) }
    }
}

/// Where processes write what they covered. Each would write a file of 7 MB; the thousands of a whole suite share a few
/// instead, which the last to end brings up to date.
fn profile() -> Option<String> {
    let inherited = std::env::var("LLVM_PROFILE_FILE").ok()?;
    Some(inherited.replace("%m-%p", "%4m"))
}

impl Finished {
    fn new(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Itself, if it ended with `code`.
    ///
    /// # Panics
    /// Otherwise, with all that it said.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        let Self { code: got, stdout, stderr } = &self;
        assert_eq!(*got, code, "exit code\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// Standard output as JSON.
    ///
    /// # Panics
    /// Where it is not JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}\n{}", self.stdout, self.stderr))
    }

    /// Each line of standard output as JSON.
    ///
    /// # Panics
    /// Where one is not JSON.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

impl Running {
    /// Its process id.
    ///
    /// # Panics
    /// After it was waited for.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("still running").id()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Where it cannot be waited for.
    pub fn wait(mut self) -> Finished {
        let child = self.child.take().expect("waited for once");
        Finished::new(&child.wait_with_output().expect("a child can be waited for"))
    }

    /// Kills it with SIGKILL and waits for its end.
    ///
    /// # Panics
    /// Where it cannot be killed.
    pub fn kill(mut self) -> Finished {
        let mut child = self.child.take().expect("waited for once");
        child.kill().expect("a child can be killed");
        Finished::new(&child.wait_with_output().expect("a child can be waited for"))
    }

    /// True while it has not ended.
    ///
    /// # Panics
    /// Where the system does not tell.
    pub fn is_running(&mut self) -> bool {
        let child = self.child.as_mut().expect("not waited for");
        child.try_wait().expect("a child can be asked").is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The folder itself, for paths.
impl AsRef<Path> for Sandbox {
    fn as_ref(&self) -> &Path {
        self.dir.path()
    }
}
