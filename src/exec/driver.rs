//! The loop: gather what happened, let the scheduler decide once, commit once, perform.
//!
//! Everything at hand is given to the scheduler together: ends of several children, timers,
//! signals, what other processes appended. All records that follow, and the starts of the attempts
//! that follow, are one commit; so the end of one attempt and the start of the next share it.
//! `attempt.spawned` waits for the next commit, and for none where the attempt ended before one:
//! it only serves to find a process again, and the mark in its environment does that too.

use super::attempt::{Attempt, failed};
use super::ports::{Decide, ExecError, Ports, Settings, index_by_key};
use super::probe::Question;
use super::secret::{Vault, output_step, references_of_probe, references_of_steps};
use super::show;
use super::steps::{Context, News};
use super::stop::{Hurry, Stops};
use super::timers::Timers;
use crate::clock::{self, Steady};
use crate::process::proc;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskmaster_core::action::{Action, FailureKind, Probe, SecretRef, Step};
use taskmaster_core::cause::Diagnosis;
use taskmaster_core::id::{AttemptId, Digest, TaskId};
use taskmaster_core::journal::{Entry, ProbeKind, Record, Verdict};
use taskmaster_core::plan::{Plan, PlannedTask};
use taskmaster_core::scheduler::{Effect, Event, RunEnd};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// A runtime for [`run`]: one thread, so that nothing is handed from one to another.
///
/// # Errors
/// The system's.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// What attempts do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The actions' `run` steps.
    Do,
    /// Their `undo` steps (`destroy`).
    Undo,
}

/// Runs a plan to its end. Records `run.started` first and `run.ended` last.
///
/// # Errors
/// See [`ExecError`]. What is at work then stays at work, as after a crash, and the next run finds
/// it.
pub async fn run<'a>(
    plan: Arc<Plan>,
    decider: &'a mut dyn Decide,
    ports: Ports<'a>,
    settings: Settings,
    stops: Stops,
    direction: Direction,
) -> Result<RunEnd, ExecError> {
    let mut driver = Driver::new(plan, decider, ports, settings, stops, direction)?;
    driver.begin()?;
    loop {
        if let Some(end) = driver.tick()? {
            return Ok(end);
        }
        driver.gather().await?;
    }
}

/// The exit code of a command whose run ended so (design §6).
pub fn exit_code(end: RunEnd) -> i32 {
    match end {
        RunEnd::Succeeded => 0,
        RunEnd::Failed => 20,
        RunEnd::Waiting => 21,
        RunEnd::Interrupted => 22,
        RunEnd::Unknown => 23,
    }
}

/// Tasks that were done before, by those they wait for.
fn done_after(plan: &Plan) -> HashMap<usize, Vec<usize>> {
    let mut found: HashMap<usize, Vec<usize>> = HashMap::new();
    let was_done = |task: &PlannedTask| !task.has_work();
    if plan.tasks.iter().any(|task| was_done(task) && task.reads_files) {
        for (place, task) in plan.tasks.iter().enumerate().filter(|(_, task)| was_done(task)) {
            task.dependencies.iter().for_each(|before| found.entry(*before).or_default().push(place));
        }
    }
    found
}

/// Something at work for a task.
struct AtWork {
    wish: watch::Sender<Hurry>,
    /// `attempt.spawned` records that no commit has taken along yet.
    spawned: Vec<Record>,
}

/// An effect that is ready to be performed once the commit has returned.
enum Ready {
    Attempt(Box<Attempt>),
    Question(Box<Question>),
    Stop(usize),
    Timer(usize, jiff::Timestamp),
}

struct Driver<'a> {
    plan: Arc<Plan>,
    by_key: HashMap<String, usize>,
    decider: &'a mut dyn Decide,
    ports: Ports<'a>,
    cx: Arc<Context>,
    direction: Direction,
    /// Events for the next tick.
    queue: Vec<Event>,
    at_work: HashMap<usize, AtWork>,
    work: JoinSet<Event>,
    news: mpsc::UnboundedReceiver<News>,
    timers: Timers,
    stops: Stops,
    wishes: u32,
    /// Something was begun, so files may be other than when the plan was made.
    has_begun: bool,
    /// Tasks that wait for one and were done before; none where none of them belongs to files.
    done_after: HashMap<usize, Vec<usize>>,
    next_poll: Instant,
    /// Waits are as long as they are meant to be, however the clock of the day jumps.
    clock: Steady,
}

impl<'a> Driver<'a> {
    fn new(
        plan: Arc<Plan>,
        decider: &'a mut dyn Decide,
        ports: Ports<'a>,
        settings: Settings,
        stops: Stops,
        direction: Direction,
    ) -> Result<Self, ExecError> {
        make_folder(&settings.state_dir.join("logs").join(settings.run.as_str()))?;
        let (sender, news) = mpsc::unbounded_channel();
        let by_key = index_by_key(&plan).into_iter().map(|(key, index)| (key.to_owned(), index)).collect();
        let done_after = if direction == Direction::Do { done_after(&plan) } else { HashMap::new() };
        let next_poll = clock::monotonic() + settings.poll;
        let cx = Context { settings, vault: Vault::default(), http: Default::default(), news: sender };
        Ok(Self {
            plan,
            by_key,
            decider,
            ports,
            cx: Arc::new(cx),
            direction,
            queue: Vec::new(),
            at_work: HashMap::new(),
            work: JoinSet::new(),
            news,
            timers: Timers::default(),
            stops,
            wishes: 0,
            has_begun: false,
            done_after,
            next_poll,
            clock: Steady::start(),
        })
    }

    /// `run.started` is a commit of its own: what is recorded later refers to it.
    fn begin(&mut self) -> Result<(), ExecError> {
        let started = Record::RunStarted {
            run: self.cx.settings.run.clone(),
            plan: Plan::clone(&self.plan),
            pid: std::process::id(),
            boot_id: proc::boot_id().to_owned(),
            options: self.cx.settings.options.clone(),
        };
        self.commit(vec![started], false)?;
        self.queue.push(Event::Begin);
        Ok(())
    }

    /// Lets the scheduler decide about all that is queued, commits, performs.
    fn tick(&mut self) -> Result<Option<RunEnd>, ExecError> {
        let mut events = std::mem::take(&mut self.queue);
        if events.is_empty() {
            return Ok(None);
        }
        // Before the decision: an attempt that starts in this tick may need what another ended with.
        let mut known = self.learn(&events);
        known.append(&mut self.look_at_files(&events));
        known.append(&mut events);
        let events = known;
        let tick = self.decider.decide(events, self.clock.now());
        for (_, refused) in &tick.refused {
            // Such as an approval that came twice: nothing changed, nothing is lost.
            tracing::debug!(%refused, "an event was not taken");
        }
        let mut records = self.take_spawned();
        let mut ready = Vec::new();
        let mut durable = false;
        let mut end = None;
        for effect in tick.effects {
            match effect {
                Effect::Record(record) => records.push(*record),
                Effect::Attempt { task, attempt, number, digest } => {
                    durable |= self.task(task)?.policy.irreversible;
                    records.push(self.prepare_attempt(task, (attempt, number, digest), &mut ready)?);
                }
                Effect::Probe { task, probe, last } => self.prepare_probe(task, (probe, last), &mut ready)?,
                Effect::Stop { task } => ready.push(Ready::Stop(task)),
                Effect::Timer { task, at } => ready.push(Ready::Timer(task, at)),
                Effect::Finish(how) => end = Some(how),
            }
        }
        if let Some(end) = end {
            records.push(self.run_ended(end));
        }
        self.commit(records, durable)?;
        ready.into_iter().for_each(|ready| self.perform(ready));
        Ok(end)
    }

    /// Hands on the outputs that came, and tells of each task that reads them what it would run now.
    fn learn(&mut self, events: &[Event]) -> Vec<Event> {
        let plan = Arc::clone(&self.plan);
        let mut told = BTreeSet::new();
        for event in events {
            if let Event::AttemptEnded { task, outputs, .. } | Event::ProbeEnded { task, outputs, .. } = event
                && !outputs.is_empty()
                && let Some(planned) = plan.tasks.get(*task)
            {
                self.ports.render.know(&planned.id, outputs);
                told.insert(*task);
            }
        }
        if told.is_empty() {
            return Vec::new();
        }
        let readers = plan.tasks.iter().enumerate();
        let readers = readers.filter(|(_, task)| task.reads.iter().any(|read| told.contains(read)));
        // What still lacks the outputs of another task is told when those come.
        let digested = |(task, planned): (usize, &PlannedTask)| {
            let digest = self.ports.render.digest(&planned.id).ok()?;
            Some(Event::Digested { task, digest })
        };
        readers.filter_map(digested).collect()
    }

    /// Tells what the actions are by now of tasks that were done before, belong to files, and come next after what has
    /// ended. What is found other than in the plan runs, and those after it are looked at once it has ended.
    fn look_at_files(&mut self, events: &[Event]) -> Vec<Event> {
        if !self.has_begun || self.done_after.is_empty() {
            return Vec::new();
        }
        let ended = |event: &Event| match event {
            Event::AttemptEnded { task, .. } | Event::ProbeEnded { task, .. } => Some(*task),
            _ => None,
        };
        let mut open: Vec<usize> = events.iter().filter_map(ended).collect();
        let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
        while let Some(before) = open.pop() {
            for task in self.done_after.get(&before).cloned().unwrap_or_default() {
                if !seen.insert(task) {
                    continue;
                }
                let digest = self.digest_of_files(task);
                if digest.is_none() || digest == self.plan.tasks[task].digest {
                    open.push(task);
                }
                found.extend(digest.map(|digest| Event::Digested { task, digest }));
            }
        }
        found
    }

    /// The digest of a task that belongs to files, as they are now.
    fn digest_of_files(&mut self, task: usize) -> Option<Digest> {
        let planned = self.plan.tasks.get(task).filter(|planned| planned.reads_files)?;
        self.ports.render.digest(&planned.id).ok()
    }

    /// A task's turn has come: its digest from now on is that of its files as they are now.
    fn renew_digest(&mut self, task: usize) -> Option<Digest> {
        let is_new = self.has_begun && self.direction == Direction::Do;
        let digest = if is_new { self.digest_of_files(task) } else { None };
        self.queue.extend(digest.clone().map(|digest| Event::Digested { task, digest }));
        digest
    }

    fn run_ended(&self, end: RunEnd) -> Record {
        Record::RunEnded {
            run: self.cx.settings.run.clone(),
            exit_code: exit_code(end),
            counts: self.decider.counts(),
        }
    }

    fn commit(&mut self, records: Vec<Record>, durable: bool) -> Result<(), ExecError> {
        if records.is_empty() {
            return Ok(());
        }
        let entries = self.ports.journal.commit(records, durable)?;
        entries.iter().for_each(|entry| self.ports.observer.entry(entry));
        Ok(())
    }

    fn take_spawned(&mut self) -> Vec<Record> {
        self.at_work.values_mut().flat_map(|at_work| std::mem::take(&mut at_work.spawned)).collect()
    }

    fn task(&self, index: usize) -> Result<&PlannedTask, ExecError> {
        let missing = || ExecError::Internal(format!("the plan has no task {index}"));
        self.plan.tasks.get(index).ok_or_else(missing)
    }

    /// Renders the action; the attempt is recorded in any case, and fails at once where that
    /// is not possible.
    fn prepare_attempt(
        &mut self,
        index: usize,
        (attempt, number, digest): (AttemptId, u32, Option<Digest>),
        ready: &mut Vec<Ready>,
    ) -> Result<Record, ExecError> {
        let plan = Arc::clone(&self.plan);
        let task = plan.tasks.get(index).ok_or_else(|| ExecError::Internal(format!("no task {index}")))?;
        let log = format!("logs/{}/{attempt}.log", self.cx.settings.run);
        let undo = self.direction == Direction::Undo;
        let digest = self.renew_digest(index).or(digest);
        self.has_begun = true;
        let rendered = self.ports.render.action(&task.id).map_err(|fault| fault.message);
        let rendered = rendered.and_then(|action| {
            let steps = if undo { &action.undo } else { &action.run };
            let outputs = if undo { None } else { action.outputs.clone() };
            if undo && steps.is_empty() {
                return Err("its action cannot be taken back".to_owned());
            }
            let references = references_of_steps(steps, outputs.as_ref());
            Ok((steps.clone(), outputs, self.sources(&references)?))
        });
        let mut commands = Vec::new();
        match rendered {
            Ok((steps, outputs, sources)) => {
                commands = steps.iter().map(show::step).collect();
                ready.push(Ready::Attempt(Box::new(Attempt {
                    task: index,
                    id: task.id.clone(),
                    attempt: attempt.clone(),
                    steps,
                    outputs,
                    sources,
                    log: self.cx.settings.state_dir.join(&log),
                    timeout_ms: task.policy.timeout_ms,
                    grace: Duration::from_millis(task.policy.grace_ms),
                })));
            }
            Err(message) => self.queue.push(not_begun(index, attempt.clone(), message)),
        }
        Ok(Record::AttemptStarted {
            attempt,
            run: self.cx.settings.run.clone(),
            key: task.key.clone(),
            id: task.id.clone(),
            number,
            undo,
            digest,
            commands,
            log,
        })
    }

    fn prepare_probe(
        &mut self,
        index: usize,
        (kind, last): (ProbeKind, bool),
        ready: &mut Vec<Ready>,
    ) -> Result<(), ExecError> {
        let task = self.task(index)?.clone();
        self.renew_digest(index);
        let rendered = self.ports.render.action(&task.id).map_err(|fault| fault.message);
        let rendered = rendered.and_then(|mut action| {
            let outputs = action.outputs.take().filter(|_| kind == ProbeKind::Check);
            let probe = pick(action, kind).ok_or_else(|| "there is no such question".to_owned())?;
            let mut references = references_of_probe(&probe);
            references.extend(references_of_steps(&[], outputs.as_ref()));
            Ok((probe, outputs, self.sources(&references)?))
        });
        match rendered {
            Ok((probe, outputs, sources)) => {
                let mut question = question(&self.cx.settings, index, &task, kind, probe, sources);
                question.outputs = outputs.map(|outputs| (task.id.clone(), outputs));
                question.explains = last;
                ready.push(Ready::Question(Box::new(question)));
            }
            Err(message) => {
                let verdict = Verdict::Error { message };
                let outputs = BTreeMap::new();
                self.queue.push(Event::ProbeEnded {
                    task: index,
                    probe: kind,
                    verdict,
                    duration_ms: 0,
                    outputs,
                    diagnosis: Diagnosis::default(),
                });
            }
        }
        Ok(())
    }

    /// The steps that read again what is referred to and not known in this run.
    fn sources(&mut self, references: &[SecretRef]) -> Result<Vec<(TaskId, Step)>, String> {
        let mut sources: Vec<(TaskId, Step)> = Vec::new();
        for reference in references {
            let SecretRef::Output(task, name) = reference else { continue };
            let known = self.cx.vault.get(task, name).is_some();
            if known || sources.iter().any(|(source, _)| source == task) {
                continue;
            }
            let action = self.ports.render.action(task).map_err(|fault| fault.message)?;
            if let Some(step) = output_step(&action) {
                sources.push((task.clone(), step.clone()));
            }
        }
        Ok(sources)
    }

    fn perform(&mut self, ready: Ready) {
        match ready {
            Ready::Attempt(attempt) => {
                let (cx, wish) = (Arc::clone(&self.cx), self.begin_work(attempt.task));
                self.work.spawn(attempt.run(cx, wish));
            }
            Ready::Question(question) => {
                let (cx, wish) = (Arc::clone(&self.cx), self.begin_work(question.task));
                self.work.spawn(question.ask(cx, wish));
            }
            Ready::Stop(task) => self.wish(task, Hurry::Stop),
            Ready::Timer(task, at) => self.timers.set(task, at),
        }
    }

    fn begin_work(&mut self, task: usize) -> watch::Receiver<Hurry> {
        let (wish, wished) = watch::channel(Hurry::None);
        self.at_work.insert(task, AtWork { wish, spawned: Vec::new() });
        wished
    }

    fn wish(&self, task: usize, hurry: Hurry) {
        if let Some(at_work) = self.at_work.get(&task) {
            at_work.wish.send_modify(|now| *now = hurry.max(*now));
        }
    }

    /// Waits until something has happened, then takes all that is at hand.
    async fn gather(&mut self) -> Result<(), ExecError> {
        if self.queue.is_empty() {
            self.wait().await?;
        }
        while let Ok(news) = self.news.try_recv() {
            self.take_news(news);
        }
        while let Some(done) = self.work.try_join_next() {
            self.take_end(done)?;
        }
        let now = self.clock.now();
        while let Some(task) = self.timers.due(now) {
            self.queue.push(Event::Timer { task });
        }
        if clock::monotonic() >= self.next_poll {
            self.poll()?;
        }
        Ok(())
    }

    async fn wait(&mut self) -> Result<(), ExecError> {
        let mut until = self.next_poll;
        if let Some(at) = self.timers.next() {
            let left = at.duration_since(self.clock.now()).max(jiff::SignedDuration::ZERO).unsigned_abs();
            until = until.min(clock::monotonic().checked_add(left).unwrap_or(until));
        }
        tokio::select! {
            biased;
            () = self.stops.next() => self.take_stop(),
            Some(done) = self.work.join_next() => self.take_end(done)?,
            Some(news) = self.news.recv() => self.take_news(news),
            () = tokio::time::sleep_until(until.into()) => {}
        }
        Ok(())
    }

    fn take_stop(&mut self) {
        self.wishes += 1;
        self.ports.observer.stopping(self.wishes, self.at_work.len());
        match self.wishes {
            1 => self.queue.push(Event::Interrupt),
            2 => self.queue.push(Event::Terminate),
            _ => self.at_work.keys().for_each(|task| self.wish(*task, Hurry::Kill)),
        }
    }

    fn take_end(&mut self, done: Result<Event, tokio::task::JoinError>) -> Result<(), ExecError> {
        let event = done.map_err(|error| ExecError::Internal(error.to_string()))?;
        if let Event::AttemptEnded { task, .. } | Event::ProbeEnded { task, .. } = &event {
            self.at_work.remove(task);
        }
        self.queue.push(event);
        Ok(())
    }

    fn take_news(&mut self, news: News) {
        match news {
            News::Spawned { task, record } => {
                if let Some(at_work) = self.at_work.get_mut(&task) {
                    at_work.spawned.push(*record);
                }
            }
            News::Output { task, last_line } => {
                if let Some(task) = self.plan.tasks.get(task) {
                    self.ports.observer.output(&task.id, &last_line);
                }
            }
        }
    }

    /// What others appended, records that still wait for a commit, and the faces' heartbeat.
    fn poll(&mut self) -> Result<(), ExecError> {
        self.next_poll = clock::monotonic() + self.cx.settings.poll;
        for entry in self.ports.journal.external()? {
            self.take_external(&entry);
            self.ports.observer.entry(&entry);
        }
        let spawned = self.take_spawned();
        self.commit(spawned, false)?;
        self.ports.observer.tick();
        Ok(())
    }

    fn take_external(&mut self, entry: &Entry) {
        match &entry.record {
            Record::ApprovalGiven { run, key, .. } if *run == self.cx.settings.run => {
                if let Some(task) = self.by_key.get(key.as_str()) {
                    self.queue.push(Event::Approved { task: *task });
                }
            }
            Record::TaskState { document, environment, key, to, by: Some(_), .. }
                if *document == self.plan.document && *environment == self.plan.environment =>
            {
                if let Some(task) = self.by_key.get(key.as_str()) {
                    self.queue.push(Event::Set { task: *task, to: to.clone() });
                }
            }
            _ => {}
        }
    }
}

/// The question of an action. A verify that is not given is the check asked again.
pub(super) fn pick(action: Action, kind: ProbeKind) -> Option<Probe> {
    let asked = match kind {
        ProbeKind::Check => action.check,
        ProbeKind::Verify => action.verify.or(action.check),
    };
    asked.map(|probe| *probe)
}

pub(super) fn question(
    settings: &Settings,
    index: usize,
    task: &PlannedTask,
    kind: ProbeKind,
    probe: Probe,
    sources: Vec<(TaskId, Step)>,
) -> Question {
    let (run, name) = (&settings.run, kind.name());
    Question {
        task: index,
        kind,
        probe,
        outputs: None,
        explains: false,
        sources,
        mark: format!("{run}/{}/{name}", task.key),
        log: settings.state_dir.join(format!("logs/{run}/{}.{name}.log", task.key)),
        timeout_ms: task.policy.check_timeout_ms,
        grace: Duration::from_millis(task.policy.grace_ms),
    }
}

fn not_begun(task: usize, attempt: AttemptId, message: String) -> Event {
    Event::AttemptEnded {
        task,
        attempt,
        end: failed(FailureKind::Spawn, message),
        duration_ms: 0,
        tail: String::new(),
        log_bytes: 0,
        outputs: BTreeMap::new(),
        diagnosis: Diagnosis::default(),
    }
}

/// Logs may hold what others must not read.
pub(super) fn make_folder(path: &Path) -> Result<(), ExecError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| ExecError::Logs { path: path.to_owned(), source })
}
