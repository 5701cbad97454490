//! A project folder, a plan, actions, and a ledger in memory that counts its commits.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use taskmaster::clock;
use taskmaster::exec::driver::{self, Direction};
use taskmaster::exec::ports::{
    ExecError, Journal, JournalError, Observer, Ports, Render, RenderFault, Settings,
};
use taskmaster::exec::stop::{StopSender, Stops};
use taskmaster_core::action::{
    Action, ActionKind, HttpSpec, Invocation, Policy, Probe, ProcessSpec, RetryPolicy, Step,
};
use taskmaster_core::id::{AttemptId, Digest, DocumentId, EnvironmentName, RunId, TaskId};
use taskmaster_core::journal::{Entry, Outcome, OutputValue, Record, Verdict};
use taskmaster_core::plan::{Plan, PlannedTask};
use taskmaster_core::scheduler::{Options, RunEnd, Scheduler};
use taskmaster_core::state::TaskState;
use taskmaster_testkit::planned_task;
use tempfile::TempDir;

/// Nothing here takes longer; a test that hangs fails.
const LONGEST: Duration = Duration::from_secs(60);

type Before = Box<dyn FnMut(&[Record]) + Send>;

/// What was committed, and how.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) entries: Vec<Entry>,
    /// Number of records of each commit, and whether it was to be durable.
    pub(super) commits: Vec<(usize, bool)>,
    /// What other processes will have appended by the next look.
    pub(super) external: VecDeque<Record>,
    /// Called before each commit with its records.
    pub(super) before: Option<Before>,
    /// Commits that fail, counted from 0.
    pub(super) fails_at: Option<usize>,
}

/// A handle that the test keeps.
#[derive(Clone, Default)]
pub(super) struct SharedLedger(Arc<Mutex<Ledger>>);

impl SharedLedger {
    pub(super) fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap()
    }

    pub(super) fn records(&self) -> Vec<Record> {
        self.lock().entries.iter().map(|entry| entry.record.clone()).collect()
    }

    /// Ends of attempts by task id, in order.
    pub(super) fn ends(&self) -> Vec<(String, Outcome)> {
        let records = self.records();
        let mut tasks = HashMap::new();
        let mut ends = Vec::new();
        for record in records {
            match record {
                Record::AttemptStarted { attempt, id, .. } => {
                    tasks.insert(attempt, id.to_string());
                }
                Record::AttemptEnded { attempt, end, .. } => ends.push((tasks[&attempt].clone(), end)),
                _ => {}
            }
        }
        ends
    }

    /// The only attempt's end: outcome, tail, bytes, outputs.
    pub(super) fn only_end(&self) -> (Outcome, String, u64, BTreeMap<String, OutputValue>) {
        let mut ends: Vec<_> = self
            .records()
            .into_iter()
            .filter_map(|record| match record {
                Record::AttemptEnded { end, tail, log_bytes, outputs, .. } => {
                    Some((end, tail, log_bytes, outputs))
                }
                _ => None,
            })
            .collect();
        assert_eq!(ends.len(), 1, "{ends:?}");
        ends.remove(0)
    }

    pub(super) fn failure(&self) -> (taskmaster_core::action::FailureKind, String) {
        match self.only_end().0 {
            Outcome::Failed { failure, message, .. } => (failure, message),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn verdicts(&self) -> Vec<Verdict> {
        let answer = |record| match record {
            Record::ProbeEnded { verdict, .. } => Some(verdict),
            _ => None,
        };
        self.records().into_iter().filter_map(answer).collect()
    }

    /// The last state of each task by id.
    pub(super) fn states(&self) -> BTreeMap<String, TaskState> {
        let state = |record| match record {
            Record::TaskState { id, to, .. } => Some((id.to_string(), to)),
            _ => None,
        };
        self.records().into_iter().filter_map(state).collect()
    }

    pub(super) fn state(&self, task: &str) -> TaskState {
        self.states()[task].clone()
    }
}

impl Journal for SharedLedger {
    fn commit(&mut self, records: Vec<Record>, durable: bool) -> Result<Vec<Entry>, JournalError> {
        let mut ledger = self.lock();
        if ledger.fails_at == Some(ledger.commits.len()) {
            return Err(JournalError("the disk is full".into()));
        }
        if let Some(before) = &mut ledger.before {
            before(&records);
        }
        ledger.commits.push((records.len(), durable));
        let mut seq = ledger.entries.len() as u64;
        let entries: Vec<_> = records
            .into_iter()
            .map(|record| {
                seq += 1;
                Entry { seq, at: clock::now(), record }
            })
            .collect();
        ledger.entries.extend(entries.iter().cloned());
        Ok(entries)
    }

    fn external(&mut self) -> Result<Vec<Entry>, JournalError> {
        let mut ledger = self.lock();
        let records: Vec<_> = ledger.external.drain(..).collect();
        let mut entries = Vec::new();
        for record in records {
            let seq = ledger.entries.len() as u64 + 1;
            let entry = Entry { seq, at: clock::now(), record };
            ledger.entries.push(entry.clone());
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// Gives actions by task, and may make them from what is known.
#[derive(Clone, Default)]
pub(super) struct Catalogue {
    pub(super) actions: HashMap<String, Action>,
    /// Put in the place of `{task.name}` in arguments.
    known: HashMap<String, String>,
}

impl Render for Catalogue {
    fn action(&mut self, task: &TaskId) -> Result<Action, RenderFault> {
        let missing = || RenderFault { message: format!("nothing binds {task}") };
        let mut action = self.actions.get(task.as_str()).cloned().ok_or_else(missing)?;
        for step in &mut action.run {
            if let Invocation::Process(spec) = &mut step.invocation {
                for argument in &mut spec.argv {
                    for (name, value) in &self.known {
                        *argument = argument.replace(name, value);
                    }
                }
            }
        }
        Ok(action)
    }

    fn digest(&mut self, task: &TaskId) -> Result<Digest, RenderFault> {
        Ok(Digest::of(format!("{:?}", self.action(task)?).as_bytes()))
    }

    fn know(&mut self, task: &TaskId, outputs: &BTreeMap<String, OutputValue>) {
        for (name, value) in outputs {
            if let OutputValue::Plain(value) = value {
                let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
                self.known.insert(format!("{{{task}.{name}}}"), text);
            }
        }
    }
}

/// Remembers what it was told.
#[derive(Clone, Default)]
pub(super) struct Onlooker(Arc<Mutex<Seen>>);

#[derive(Default)]
pub(super) struct Seen {
    pub(super) lines: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) entries: usize,
}

impl Onlooker {
    pub(super) fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }
}

impl Observer for Onlooker {
    fn entry(&mut self, _: &Entry) {
        self.lock().entries += 1;
    }

    fn output(&mut self, _: &TaskId, last_line: &str) {
        self.lock().lines.push(last_line.to_owned());
    }

    fn note(&mut self, _: &TaskId, text: &str) {
        self.lock().notes.push(text.to_owned());
    }

    fn stopping(&mut self, wishes: u32, at_work: usize) {
        self.lock().notes.push(format!("stopping {wishes} {at_work}"));
    }

    fn tick(&mut self) {}
}

/// Everything that a run needs.
pub(super) struct World {
    _dir: TempDir,
    pub(super) tasks: Vec<PlannedTask>,
    pub(super) catalogue: Catalogue,
    pub(super) ledger: SharedLedger,
    pub(super) onlooker: Onlooker,
    pub(super) settings: Settings,
    pub(super) jobs: usize,
    pub(super) keep_going: bool,
    pub(super) stop: StopSender,
    /// Stop on real signals instead of [`World::stop`].
    pub(super) signals: bool,
    stops: Option<Stops>,
}

impl World {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("project");
        std::fs::create_dir(&project).unwrap();
        let mut settings = Settings::new(RunId::new(new_id()), dir.path().join("state"), &project);
        settings.poll = Duration::from_millis(20);
        let (stop, stops) = Stops::manual();
        Self {
            _dir: dir,
            tasks: Vec::new(),
            catalogue: Catalogue::default(),
            ledger: SharedLedger::default(),
            onlooker: Onlooker::default(),
            settings,
            jobs: 2,
            keep_going: false,
            stop,
            signals: false,
            stops: Some(stops),
        }
    }

    /// A world with one task whose action is one step.
    pub(super) fn of(step: Step) -> Self {
        let mut world = Self::new();
        world.task("a", action(vec![step]));
        world
    }

    /// Adds a task; its policy can be changed through what is returned.
    pub(super) fn task(&mut self, id: &str, action: Action) -> &mut PlannedTask {
        let number = self.tasks.len();
        self.tasks.push(PlannedTask {
            id: id.into(),
            title: id.to_owned(),
            kind: Some(action.kind),
            has_check: action.check.is_some(),
            has_verify: action.verify.is_some(),
            policy: Policy { grace_ms: 2_000, ..Policy::default() },
            ..planned_task(number)
        });
        self.catalogue.actions.insert(id.to_owned(), action);
        self.tasks.last_mut().unwrap()
    }

    pub(super) fn plan(&self) -> Plan {
        Plan {
            number: 1,
            document: DocumentId::new("doc"),
            revision: 1,
            environment: EnvironmentName::new("local"),
            tasks: self.tasks.clone(),
        }
    }

    pub(super) fn project(&self) -> PathBuf {
        self.settings.project_root.clone()
    }

    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.project().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.project().join(name)).unwrap()
    }

    pub(super) fn exists(&self, name: &str) -> bool {
        self.project().join(name).exists()
    }

    /// The text of the log of an attempt.
    pub(super) fn log_of(&self, number: usize) -> String {
        let logs: Vec<_> = self
            .ledger
            .records()
            .into_iter()
            .filter_map(|record| match record {
                Record::AttemptStarted { log, .. } => Some(log),
                _ => None,
            })
            .collect();
        String::from_utf8_lossy(&std::fs::read(self.settings.state_dir.join(&logs[number])).unwrap())
            .into_owned()
    }

    /// Runs the plan to its end, on this thread.
    pub(super) fn run(&mut self) -> RunEnd {
        self.try_run().unwrap()
    }

    pub(super) fn try_run(&mut self) -> Result<RunEnd, ExecError> {
        let plan = Arc::new(self.plan());
        let options = Options {
            run: self.settings.run.clone(),
            jobs: self.jobs,
            keep_going: self.keep_going,
            end_when_waiting: false,
        };
        let mut scheduler = Scheduler::new(Arc::clone(&plan), options).unwrap();
        let (mut ledger, mut catalogue, mut onlooker) =
            (self.ledger.clone(), self.catalogue.clone(), self.onlooker.clone());
        let ports = Ports { journal: &mut ledger, render: &mut catalogue, observer: &mut onlooker };
        let (manual, signals, settings) = (self.take_stops(), self.signals, self.settings.clone());
        block_on(async {
            let stops = if signals { Stops::from_signals().unwrap() } else { manual };
            driver::run(plan, &mut scheduler, ports, settings, stops, Direction::Do).await
        })
    }

    /// Runs it on another thread, so that the test can look on.
    pub(super) fn start(mut self) -> std::thread::JoinHandle<(Self, RunEnd)> {
        std::thread::spawn(move || {
            let end = self.run();
            (self, end)
        })
    }

    /// Every file below the state directory, with its bytes.
    pub(super) fn state_files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        files(&self.settings.state_dir)
    }

    pub(super) fn take_stops(&mut self) -> Stops {
        self.stops.take().unwrap()
    }
}

pub(super) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = driver::runtime().unwrap();
    runtime.block_on(async { tokio::time::timeout(LONGEST, work).await.expect("the work hangs") })
}

pub(super) fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found
}

/// A mark that no other process on this machine has.
pub(super) fn new_id() -> String {
    ulid::Ulid::generate().to_string()
}

pub(super) fn attempt_id() -> AttemptId {
    AttemptId::new(new_id())
}

pub(super) fn action(run: Vec<Step>) -> Action {
    Action { kind: ActionKind::Exec, check: None, run, verify: None, undo: Vec::new(), outputs: None }
}

/// A process step by its argv.
pub(super) fn argv(argv: &[&str]) -> Step {
    process(ProcessSpec { argv: argv.iter().map(ToString::to_string).collect(), ..ProcessSpec::default() })
}

/// A process step that runs a shell script.
pub(super) fn sh(script: &str) -> Step {
    argv(&["sh", "-c", script])
}

pub(super) fn process(spec: ProcessSpec) -> Step {
    Step { name: "run".into(), invocation: Invocation::Process(spec) }
}

pub(super) fn request(spec: HttpSpec) -> Step {
    Step { name: "request".into(), invocation: Invocation::Http(spec) }
}

pub(super) fn named(name: &str, step: Step) -> Step {
    Step { name: name.into(), ..step }
}

/// True on exit code 0, false on 1.
pub(super) fn probe(decide: Step) -> Box<Probe> {
    Box::new(Probe {
        error_words: Vec::new(),
        fault_words: Vec::new(),
        also: Vec::new(),
        prepare: Vec::new(),
        decide,
        true_codes: vec![0],
        false_codes: vec![1],
        false_words: Vec::new(),
        output: Vec::new(),
    })
}

/// So many attempts with this delay, whatever the failure.
pub(super) fn retry(attempts: u32, delay_ms: u64) -> RetryPolicy {
    RetryPolicy {
        attempts,
        base_delay_ms: delay_ms,
        max_delay_ms: delay_ms,
        jitter: false,
        ..RetryPolicy::default()
    }
}

/// True while the process runs (a zombie does not).
pub(super) fn runs(pid: u32) -> bool {
    taskmaster::process::proc::find(pid).is_some()
}

/// The process id that a script wrote to a file.
pub(super) fn pid_in(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
