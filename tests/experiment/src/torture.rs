//! Commands of the task engine, killed at random moments: nothing finished is repeated, nothing is lost or doubled,
//! nobody is left at work, no lock has to be removed, and the chain is whole.
//!
//! A test of `make test` kills at each moment that the program itself passes, one thing at work at a time. Here two
//! jobs, the retries, the waits and what outlives its parent are at work together, also while an earlier kill is
//! made good; and every fourth kill takes the whole project with it, as a power cut does. The repository that a sync
//! follows is another machine's: Git itself promises nothing of a server that is cut off in the middle of a push.

use crate::figures::machine;
use anyhow::{Context, Result, bail, ensure};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PRD: &str = "# Torture

## Phase 1: Ground

- [ ] T001 [P] Quick
- [ ] T002 [P] Tried twice
- [ ] T003 [P] Slow
- [ ] T004 [P] Gives an output

## Phase 2: Upon it

- [ ] T005 Reads the output
- [ ] T006 [P] Waits
- [ ] T007 [P] Leaves a child behind
- [ ] T008 [P] Cannot be asked whether it is done
";

/// Each notes its name as it begins, in one write, and makes a file as it ends.
const TASKS: &str = r#"tasks:
  T001: {check: {file_exists: T001}, run: {shell: 'echo T001 >>starts; touch T001'}, undo: {shell: 'rm -f T001'}}
  T002:
    check: {file_exists: T002}
    retry: {attempts: 9, base_delay: 1ms}
    run: {shell: 'test -e again || { touch again; exit 1; }; echo T002 >>starts; touch T002'}
    undo: {shell: 'rm -f T002'}
  T003: {check: {file_exists: T003}, run: {shell: 'echo T003 >>starts; sleep 0.03; touch T003'}, undo: {shell: 'sleep 0.01; rm -f T003'}}
  T004:
    run: {shell: 'echo T004 >>starts; touch T004; echo "{\"port\": 7}"'}
    outputs: json
    undo: {shell: 'rm -f T004'}
  T005:
    check: {file_exists: T005}
    run: {shell: {script: 'echo T005 >>starts; test "$PORT" = 7 && touch T005', env: {PORT: "{{ outputs.T004.port }}"}}}
    undo: {shell: 'rm -f T005'}
  T006: {check: {file_exists: T006}, run: [{wait: 20ms}, {shell: 'echo T006 >>starts; touch T006'}], undo: {shell: 'rm -f T006'}}
  T007: {check: {file_exists: T007}, run: {shell: 'echo T007 >>starts; sleep 0.2 & touch T007'}, undo: {shell: 'rm -f T007'}}
  T008: {run: {shell: 'echo T008 >>starts; touch T008'}, undo: {shell: 'rm -f T008'}}
"#;

const TASK_NAMES: [&str; 8] = ["T001", "T002", "T003", "T004", "T005", "T006", "T007", "T008"];
/// Tasks without a check: where their end is lost, a person says what became of them.
const UNASKED: [&str; 2] = ["T004", "T008"];
/// Of them, the one that the next task reads from.
const GIVES_OUTPUT: &str = "T004";
/// Kills of one command and of what makes it good again.
const MOST_IN_A_ROW: usize = 3;
/// Commands that may be needed until the work is done: each lost end of a task without a check takes one.
const MOST_COMMANDS: usize = 8;
/// Longest time of one command.
const LONGEST: Duration = Duration::from_secs(60);

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Run,
    WriteBack,
    Sync,
    Destroy,
}

const KINDS: [Kind; 4] = [Kind::Run, Kind::WriteBack, Kind::Sync, Kind::Destroy];

/// What was counted of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    rounds: usize,
    kills: usize,
    /// Of them, kills that took everything of the project.
    cuts: usize,
    /// Answers of a person about a lost end.
    answers: usize,
}

pub(crate) fn run(taskmaster: &Path, kills: usize, seed: u64) -> Result<String> {
    let began = Instant::now();
    let lasts: BTreeMap<Kind, Duration> =
        KINDS.into_iter().map(|kind| Ok((kind, lasts(taskmaster, kind)?))).collect::<Result<_>>()?;
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let counts = Mutex::new(BTreeMap::<Kind, Count>::new());
    let worker = || -> Result<()> {
        while done.load(Ordering::Relaxed) < kills {
            let round = next.fetch_add(1, Ordering::Relaxed);
            let kind = KINDS[round % KINDS.len()];
            let random = Pcg64Mcg::seed_from_u64(seed.wrapping_add(round as u64));
            let place = Place::new(taskmaster, kind)?;
            let count = Round { place: &place, kind, random, lasts: lasts[&kind] }.run();
            let count = count.with_context(|| format!("round {round} of seed {seed}: {}", place.keep()))?;
            let before = done.fetch_add(count.kills, Ordering::Relaxed);
            if before / 250 != (before + count.kills) / 250 {
                eprintln!("{} kills, {:.0} s", before + count.kills, began.elapsed().as_secs_f64());
            }
            let mut counts = counts.lock().expect("a worker that fails takes its lock with it");
            let sum = counts.entry(kind).or_default();
            sum.rounds += 1;
            sum.kills += count.kills;
            sum.cuts += count.cuts;
            sum.answers += count.answers;
        }
        Ok(())
    };
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker does not panic"))
    })?;
    let counts = counts.into_inner().expect("the workers have ended");
    Ok(page(&counts, seed, began.elapsed()))
}

fn page(counts: &BTreeMap<Kind, Count>, seed: u64, took: Duration) -> String {
    let row = |(kind, count): (&Kind, &Count)| {
        let Count { rounds, kills, cuts, answers } = count;
        let kind = match kind {
            Kind::Run => "`run --jobs 2`",
            Kind::WriteBack => "`run --jobs 2 --write-back`",
            Kind::Sync => "`sync --once --write-back`",
            Kind::Destroy => "`destroy`",
        };
        format!("| {kind} | {rounds} | {kills} | {cuts} | {answers} |\n")
    };
    let rows: String = counts.iter().map(row).collect();
    let kills: usize = counts.values().map(|count| count.kills).sum();
    format!(
        "# The task engine, killed at random moments\n\nBy `make torture` (seed {seed}): {kills} kills by SIGKILL in {:.0} s. Machine: {}.\n\n\
         | command | places | kills | with all its processes | ends told by a person |\n|---|---|---|---|---|\n{rows}\n\
         Each place has eight tasks: quick, tried twice, slow, with an output and one that reads it, waiting, with a child that outlives it, and two that cannot be\n\
         asked whether they are done. A command is killed up to {MOST_IN_A_ROW} times, the commands that make it good included; every fourth kill takes every process of the\n\
         project with it, as a power cut does. Then the same command ends well, and in each place it held that\n\n\
         - no task that had ended began again, each began once unless it was cut off itself, and each is done;\n\
         - a task whose end was lost and that cannot be asked is `unknown` until a person says what became of it;\n\
         - nobody is at work, no file is left beside, no lock had to be removed, `audit` finds chain and read models whole;\n\
         - the same command once more begins nothing.\n",
        took.as_secs_f64(),
        machine(),
    )
}

/// How long a command of this kind takes that is not killed: the longest of three.
fn lasts(taskmaster: &Path, kind: Kind) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    for _ in 0..3 {
        let place = Place::new(taskmaster, kind)?;
        let began = Instant::now();
        place.must(&place.line(kind))?;
        longest = longest.max(began.elapsed());
    }
    Ok(longest)
}

/// A project of its own.
struct Place {
    taskmaster: PathBuf,
    folder: tempfile::TempDir,
    /// Where the tasks are at work.
    tree: PathBuf,
}

impl Place {
    fn new(taskmaster: &Path, kind: Kind) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("torture-").tempdir()?;
        let root = folder.path().canonicalize()?;
        let project = root.join("project");
        let source = if kind == Kind::Sync { root.join("origin") } else { project.clone() };
        fs::create_dir_all(source.join("tasks"))?;
        fs::create_dir_all(&project)?;
        fs::create_dir_all(root.join("home"))?;
        fs::write(source.join("prd.md"), PRD)?;
        fs::write(source.join("tasks/tasks.yaml"), TASKS)?;
        let tree = match kind {
            Kind::Sync => project.join(".taskmaster/sync/origin/tree"),
            _ => project,
        };
        let place = Self { taskmaster: taskmaster.to_owned(), folder, tree };
        match kind {
            Kind::Run | Kind::WriteBack => {}
            Kind::Sync => place.commit()?,
            Kind::Destroy => place.must("run prd.md --jobs 2 --quiet").map(drop)?,
        }
        Ok(place)
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Its path, and it stays to be looked at.
    fn keep(&self) -> String {
        let aside = self.folder.path().with_extension("failed");
        let _ = fs::rename(self.folder.path(), &aside);
        aside.display().to_string()
    }

    /// The origin of a sync.
    fn commit(&self) -> Result<()> {
        let origin = self.folder.path().join("origin");
        let config = ["-c", "user.name=torture", "-c", "user.email=torture@localhost"];
        let steps: [&[&str]; 4] = [
            &["init", "--quiet", "--initial-branch=main"],
            &["config", "receive.denyCurrentBranch", "updateInstead"],
            &["add", "."],
            &["commit", "--quiet", "--message", "eight tasks"],
        ];
        for step in steps {
            let done = self.within(Command::new("/usr/bin/git").args(config).args(step), &origin).output()?;
            ensure!(done.status.success(), "git {step:?}: {}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(())
    }

    fn within<'c>(&self, command: &'c mut Command, folder: &Path) -> &'c mut Command {
        let home = self.folder.path().join("home");
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.current_dir(folder).env_clear().env("PATH", path).env("HOME", home).stdin(Stdio::null())
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.taskmaster);
        self.within(command.args(line.split(' ')), &self.project());
        command
    }

    /// Ends by itself, whatever its exit code is.
    fn ended(&self, line: &str) -> Result<Output> {
        let mut limited = Command::new("/usr/bin/timeout");
        limited.arg(LONGEST.as_secs().to_string()).arg(&self.taskmaster).args(line.split(' '));
        let output = self.within(&mut limited, &self.project()).output()?;
        ensure!(output.status.code() != Some(124), "`{line}` took longer than {LONGEST:?}");
        Ok(output)
    }

    /// Ends well.
    fn must(&self, line: &str) -> Result<Output> {
        let output = self.ended(line)?;
        ensure!(output.status.success(), "`{line}`: {}{}", output.status, words(&output));
        Ok(output)
    }

    fn line(&self, kind: Kind) -> String {
        let origin = self.folder.path().join("origin");
        match kind {
            Kind::Run => "run prd.md --jobs 2 --quiet".to_owned(),
            Kind::WriteBack => "run prd.md --jobs 2 --write-back --quiet".to_owned(),
            Kind::Sync => {
                format!("sync --repo {} --path prd.md --once --write-back --jobs 2 --quiet", origin.display())
            }
            Kind::Destroy => "destroy prd.md --yes --quiet".to_owned(),
        }
    }

    /// How often each task began.
    fn starts(&self) -> BTreeMap<String, usize> {
        let mut starts = BTreeMap::new();
        for task in fs::read_to_string(self.tree.join("starts")).unwrap_or_default().lines() {
            *starts.entry(task.to_owned()).or_default() += 1;
        }
        starts
    }

    fn is_done(&self, task: &str) -> bool {
        self.tree.join(task).exists()
    }

    /// Nobody is at work any more.
    fn is_quiet(&self) -> Result<()> {
        let began = Instant::now();
        while let left @ [_, ..] = at_work(self.folder.path()).as_slice() {
            ensure!(began.elapsed() < Duration::from_secs(20), "still at work: {left:?}");
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Names of files that only stand there while something is brought in.
    fn left_beside(&self) -> Vec<String> {
        let folders = [self.project(), self.project().join(".taskmaster"), self.tree.clone()];
        let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let is_beside =
            |name: &String| name.contains(".new") || (name.ends_with(".taskmaster") && name != ".taskmaster");
        names.filter(is_beside).collect()
    }
}

/// One place, killed and made good.
struct Round<'p> {
    place: &'p Place,
    kind: Kind,
    random: Pcg64Mcg,
    /// How long the command takes.
    lasts: Duration,
}

impl Round<'_> {
    fn run(mut self) -> Result<Count> {
        let mut count = Count::default();
        let line = self.place.line(self.kind);
        let mut finished = BTreeMap::new();
        for _ in 0..MOST_IN_A_ROW {
            let cuts = self.random.random_ratio(1, 4);
            if !self.kill(&line, cuts)? {
                break;
            }
            count.kills += 1;
            count.cuts += usize::from(cuts);
            self.nothing_is_repeated(&finished)?;
            finished = self.finished();
            if self.random.random_ratio(1, 2) {
                break;
            }
        }
        let again = self.make_good(&line)?;
        count.answers = again.len();
        finished.retain(|task, _| !again.contains(&(task.clone(), "pending")));
        self.nothing_is_repeated(&finished)?;
        self.holds(&line, count.cuts > 0 || !again.is_empty())?;
        Ok(count)
    }

    /// Kills the command at some moment; false where it ended before.
    fn kill(&mut self, line: &str, with_all: bool) -> Result<bool> {
        let mut child = self
            .place
            .command(line)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context(line.to_owned())?;
        let micros = u64::try_from(self.lasts.as_micros())?;
        thread::sleep(Duration::from_micros(self.random.random_range(0..micros)));
        child.kill()?;
        if with_all {
            for process in at_work(&self.place.project()) {
                let _ = kill_process(process, Signal::KILL);
            }
        }
        let is_killed = child.wait()?.code().is_none();
        Ok(is_killed)
    }

    /// The tasks that have ended, and how often each had begun. Of what was taken back, none.
    fn finished(&self) -> BTreeMap<String, usize> {
        if self.kind == Kind::Destroy {
            return BTreeMap::new();
        }
        let starts = self.place.starts();
        starts.into_iter().filter(|(task, _)| self.place.is_done(task)).collect()
    }

    fn nothing_is_repeated(&self, finished: &BTreeMap<String, usize>) -> Result<()> {
        let starts = self.place.starts();
        for (task, times) in finished {
            ensure!(starts.get(task) == Some(times), "{task} had ended and began again: {starts:?}");
        }
        Ok(())
    }

    /// Gives the command until it ends well, and says of lost ends what became of them. An output is lost with the
    /// end of its task, which has to run again.
    fn make_good(&self, line: &str) -> Result<Vec<(String, &'static str)>> {
        let mut answers = Vec::new();
        let mut last = String::new();
        for _ in 0..MOST_COMMANDS {
            let output = self.place.ended(line)?;
            match output.status.code() {
                Some(0) => return Ok(answers),
                Some(23) => {}
                _ => bail!("`{line}` after a kill: {}{}", output.status, words(&output)),
            }
            last = words(&output);
            let known = self.place.must("tasks list --status unknown -o json")?;
            let known: Value = serde_json::from_slice(&known.stdout)?;
            for task in known["tasks"].as_array().into_iter().flatten() {
                let task = task["id"].as_str().context("a task has an id")?;
                ensure!(UNASKED.contains(&task), "{task} can be asked, and is unknown");
                let is_done = self.place.is_done(task) && task != GIVES_OUTPUT;
                let became = if is_done { "completed" } else { "pending" };
                self.place.must(&format!("resolve {task} {became}"))?;
                answers.push((task.to_owned(), became));
            }
        }
        bail!("`{line}` did not end well after {MOST_COMMANDS} times: {last}")
    }

    /// What must be so in the end.
    fn holds(&self, line: &str, was_cut: bool) -> Result<()> {
        let place = self.place;
        let starts = place.starts();
        for task in TASK_NAMES {
            let is_there = self.kind != Kind::Destroy;
            ensure!(place.is_done(task) == is_there, "{task} is done: {}", !is_there);
            let times = starts.get(task).copied().unwrap_or_default();
            ensure!(times >= 1 && (was_cut || times == 1), "{task} began {times} times");
        }
        if matches!(self.kind, Kind::WriteBack | Kind::Sync) {
            let folder = if self.kind == Kind::Sync { "origin" } else { "project" };
            let text = fs::read_to_string(place.folder.path().join(folder).join("prd.md"))?;
            ensure!(text == PRD.replace("[ ]", "[x]"), "marks are wrong:\n{text}");
        }
        place.is_quiet()?;
        ensure!(place.left_beside().is_empty(), "left beside: {:?}", place.left_beside());
        place.must("audit")?;
        if self.kind != Kind::Destroy {
            place.must(line)?;
            ensure!(place.starts() == starts, "one more time began something: {:?}", place.starts());
        }
        Ok(())
    }
}

/// Processes at work in a folder or below it.
fn at_work(folder: &Path) -> Vec<Pid> {
    let Ok(root) = folder.canonicalize() else { return Vec::new() };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let here = processes
        .filter(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&root)));
    here.filter_map(|process| Pid::from_raw(process.file_name().to_str()?.parse().ok()?)).collect()
}

fn words(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}
