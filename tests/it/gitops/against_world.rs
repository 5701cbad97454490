//! A repository whose commits have the same hashes wherever and whenever it is made.

use std::path::PathBuf;
use std::process::{Command, Output};
use taskmaster_testkit::{Finished, Sandbox};

/// A repository around a project.
pub(crate) struct World {
    sandbox: Sandbox,
    /// The project's folder in the repository; empty where it is the repository.
    below: &'static str,
}

impl World {
    /// An empty repository.
    pub(crate) fn new() -> Self {
        Self::below("")
    }

    /// One whose project is a folder of it.
    pub(crate) fn below(below: &'static str) -> Self {
        let world = Self { sandbox: Sandbox::new(env!("CARGO_BIN_EXE_taskmaster")), below };
        world.git(&["init", "--quiet", "--initial-branch=main"]);
        world
    }

    /// Root of the repository.
    pub(crate) fn root(&self) -> PathBuf {
        self.sandbox.path()
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: &str) -> &Self {
        self.sandbox.write(&self.path(name), text);
        self
    }

    pub(crate) fn remove(&self, name: &str) -> &Self {
        std::fs::remove_file(self.root().join(self.path(name))).unwrap();
        self
    }

    fn path(&self, name: &str) -> String {
        if self.below.is_empty() { name.to_owned() } else { format!("{}/{name}", self.below) }
    }

    /// Puts one text in the place of another, which must be there.
    #[track_caller]
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) -> &Self {
        let text = self.sandbox.read(&self.path(name)).unwrap_or_else(|| panic!("there is no {name}"));
        assert_eq!(text.matches(from).count(), 1, "{from:?} in\n{text}");
        self.write(name, &text.replace(from, to))
    }

    /// Commits everything; gives the hash.
    #[track_caller]
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the repository; gives what it prints.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = git(&self.root()).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// The program in the project's folder.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = self.sandbox.command(line.split_whitespace());
        command.current_dir(self.root().join(self.below));
        command
    }

    /// Runs `taskmaster plan …` in the project's folder.
    #[track_caller]
    pub(crate) fn plan(&self, line: &str) -> Finished {
        finished(&self.command(&format!("plan {line}")).output().unwrap())
    }

    /// The comment that a bot would post.
    #[track_caller]
    pub(crate) fn comment(&self, line: &str) -> String {
        self.plan(&format!("{line} --format markdown")).code(0).stdout
    }
}

/// `git` that knows no settings of this machine and no time.
pub(crate) fn git(dir: &std::path::Path) -> Command {
    let mut command = taskmaster_git_server::git();
    command.current_dir(dir).env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    let vars = [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_NAME", "A"),
        ("GIT_AUTHOR_EMAIL", "a@example.invalid"),
        ("GIT_COMMITTER_NAME", "C"),
        ("GIT_COMMITTER_EMAIL", "c@example.invalid"),
        ("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z"),
        ("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z"),
    ];
    command.envs(vars);
    command
}

pub(crate) fn finished(output: &Output) -> Finished {
    Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
