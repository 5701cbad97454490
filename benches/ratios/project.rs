//! The same work for taskmaster and for its peers: tasks that run `true`.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How tasks wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Wide,
    Chain,
}

/// A folder with `count` tasks, written for every runner.
pub(crate) struct Project {
    dir: tempfile::TempDir,
    states: AtomicUsize,
}

impl Project {
    pub(crate) fn new(count: usize, shape: Shape) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let chain = shape == Shape::Chain;
        let ordering = if chain { "sequential" } else { "explicit" };
        let mut prd = format!("---\nordering: {ordering}\n---\n# Bench\n\n## Phase 1: All\n\n");
        let mut tasks = String::from("tasks:\n");
        let names: Vec<String> = (0..count).map(|index| format!("T{index:06}")).collect();
        let mut make = format!(".PHONY: all {0}\nall: {0}\n", names.join(" "));
        let mut ninja = String::from("rule noop\n  command = true\n");
        let mut just = String::new();
        let mut task = String::from("version: '3'\nsilent: true\ntasks:\n");
        for (index, name) in names.iter().enumerate() {
            let before = names.get(index.wrapping_sub(1)).filter(|_| chain);
            let _ = writeln!(prd, "- [ ] {name} Task {index}");
            let _ = writeln!(tasks, "  {name}: {{run: {{exec: [\"true\"]}}}}");
            let word = before.map(|before| format!(" {before}")).unwrap_or_default();
            let _ = writeln!(make, "{name}:{word}\n\t@true");
            let _ = writeln!(ninja, "build {name}: noop{word}");
            let _ = writeln!(just, "@{name}:{word}\n  true");
            let deps = before.map(|before| format!("deps: [{before}], ")).unwrap_or_default();
            let _ = writeln!(task, "  {name}: {{{deps}cmds: ['true']}}");
        }
        let (all, last) = (names.join(" "), names.last().expect("a task"));
        let _ = writeln!(ninja, "build all: phony {all}\ndefault all");
        let goal = if chain { last.clone() } else { all };
        let _ = writeln!(just, "[parallel]\nall: {goal}");
        let _ = writeln!(task, "  all: {{deps: [{}]}}", goal.replace(' ', ", "));
        std::fs::create_dir(dir.path().join("tasks")).expect("a folder can be made");
        let files = [
            ("prd.md", prd),
            ("tasks/bench.yaml", tasks),
            ("Makefile", make),
            ("build.ninja", ninja),
            ("justfile", just),
            ("Taskfile.yml", task),
        ];
        for (file, text) in files {
            std::fs::write(dir.path().join(file), text).expect("a file can be written");
        }
        Self { dir, states: AtomicUsize::new(0) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// taskmaster with a state directory of its own, in which nothing is known. They are removed together at the end: a
    /// file system has much to do where files are made right after others were removed.
    pub(crate) fn taskmaster(&self, words: &str) -> Command {
        let state = self.path().join(format!("state-{}", self.states.fetch_add(1, Ordering::Relaxed)));
        self.taskmaster_in(&state, words)
    }

    pub(crate) fn taskmaster_in(&self, state: &Path, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_taskmaster"));
        command.args(words.split(' ')).arg("--state-dir").arg(state).current_dir(self.path());
        command
    }

    /// Another runner; none where it is not there.
    pub(crate) fn peer(&self, program: &str, words: &str) -> Option<Command> {
        let beside = std::env::var_os("PEERS").map(|folder| Path::new(&folder).join(program));
        let beside = beside.filter(|path| path.exists());
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = || std::env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.exists());
        let mut command = Command::new(beside.or_else(found)?);
        command.args(words.split(' ')).current_dir(self.path());
        Some(command)
    }
}
