//! A driver that answers by chance and watches every rule that can be seen from outside.
//!
//! It keeps books of its own: what is at work by the effects it was given, states by folding the
//! records. Nothing here looks into the scheduler but `states` and `counts`, which are compared.

use crate::build::{at, options};
use crate::chance::Chance;
use crate::fold::RunView;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet};
use taskmaster_core::action::FailureKind;
use taskmaster_core::cause::{Cause, Diagnosis};
use taskmaster_core::id::AttemptId;
use taskmaster_core::journal::{Entry, Outcome, ProbeKind, Record, Verdict};
use taskmaster_core::plan::{Disposition, Plan};
use taskmaster_core::scheduler::{Effect, Event, Options, Refused, RunEnd, Scheduler};
use taskmaster_core::state::{TaskState, WaitFor};

/// What the driver does besides answering.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Habits {
    /// Attempts and checks succeed in all but one of so many cases (0: always).
    pub(crate) failures_one_in: usize,
    /// A person approves and sets things, legally or not.
    pub(crate) people: bool,
    /// Somebody may press Ctrl-C.
    pub(crate) ctrl_c: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Job {
    Probe(usize, ProbeKind),
    Attempt(usize, AttemptId),
}

impl Job {
    fn task(&self) -> usize {
        match self {
            Self::Probe(task, _) | Self::Attempt(task, _) => *task,
        }
    }
}

/// What the books say about one task.
#[derive(Clone, Debug, Default)]
struct Book {
    attempts: u32,
    last_number: u32,
    last_check: Option<Verdict>,
    approved: bool,
}

/// One run under watch.
pub(crate) struct Sim {
    pub(crate) plan: Plan,
    pub(crate) options: Options,
    pub(crate) scheduler: Scheduler,
    pub(crate) view: RunView,
    pub(crate) now: Timestamp,
    pub(crate) entries: Vec<Entry>,
    /// Tasks in the order in which they were first checked or run.
    pub(crate) started: Vec<usize>,
    pub(crate) end: Option<RunEnd>,
    pub(crate) effects: Vec<Effect>,
    jobs: Vec<Job>,
    timers: BTreeMap<usize, Timestamp>,
    books: Vec<Book>,
    stopping: bool,
    terminated: bool,
    people_meddled: bool,
}

impl Sim {
    pub(crate) fn new(plan: Plan, options: Options) -> Self {
        let started = Entry {
            seq: 1,
            at: at(0),
            record: Record::RunStarted {
                run: options.run.clone(),
                plan: plan.clone(),
                pid: 1,
                boot_id: "boot".to_owned(),
                options: BTreeMap::new(),
            },
        };
        Self {
            scheduler: Scheduler::new(plan.clone(), options.clone()).unwrap(),
            view: RunView::begin(&started).unwrap(),
            books: vec![Book::default(); plan.tasks.len()],
            entries: vec![started],
            plan,
            options,
            now: at(0),
            started: Vec::new(),
            end: None,
            effects: Vec::new(),
            jobs: Vec::new(),
            timers: BTreeMap::new(),
            stopping: false,
            terminated: false,
            people_meddled: false,
        }
    }

    /// Runs to the end, or until only a person could go on. Answers whether it ended.
    pub(crate) fn run(plan: Plan, options: Options, habits: Habits, chance: &mut Chance) -> Self {
        let mut sim = Self::new(plan, options);
        sim.give(vec![Event::Begin]);
        let bound = 400 * (sim.plan.tasks.len() + 2);
        for _ in 0..bound {
            if sim.end.is_some() {
                break;
            }
            let events = sim.next_events(habits, chance);
            if events.is_empty() {
                sim.must_wait_for_a_person();
                return sim;
            }
            sim.give(events);
        }
        assert!(sim.end.is_some(), "neither ended nor waiting after {bound} ticks: {:?}", sim.view.tasks);
        sim.refuses_everything_now();
        sim.ended_rightly();
        sim
    }

    fn record(&mut self, record: Record) {
        let entry = Entry { seq: self.entries.len() as u64 + 1, at: self.now, record };
        self.view.apply(&entry).expect("every recorded transition is legal");
        self.entries.push(entry);
    }

    /// Gives events and checks everything that can be seen in the answer.
    pub(crate) fn give(&mut self, events: Vec<Event>) -> Vec<(usize, Refused)> {
        for event in &events {
            match event {
                Event::Interrupt => self.stopping = true,
                Event::Terminate => (self.stopping, self.terminated) = (true, true),
                Event::AttemptEnded { end: Outcome::Interrupted, .. } => self.stopping = true,
                _ => {}
            }
        }
        self.close_books(&events);
        let tick = self.scheduler.handle_many(events, self.now);
        self.effects.extend(tick.effects.iter().cloned());
        let (records, rest): (Vec<_>, Vec<_>) =
            tick.effects.into_iter().partition(|effect| matches!(effect, Effect::Record(_)));
        for effect in records {
            if let Effect::Record(record) = effect {
                if let Record::TaskState { key, to: TaskState::Pending, by: Some(_), .. } = &*record {
                    let task = self.plan.tasks.iter().position(|task| task.key == *key).unwrap();
                    self.books[task] = Book { last_number: self.books[task].last_number, ..Book::default() };
                }
                self.record(*record);
            }
        }
        for effect in rest {
            self.perform(effect);
        }
        self.always_true();
        tick.refused
    }

    /// Work that ends is off the books before the scheduler answers.
    fn close_books(&mut self, events: &[Event]) {
        for event in events {
            let job = match event {
                Event::ProbeEnded { task, probe, verdict, .. } => {
                    if *probe == ProbeKind::Check {
                        self.books[*task].last_check = Some(verdict.clone());
                    }
                    Job::Probe(*task, *probe)
                }
                Event::AttemptEnded { task, attempt, .. } => Job::Attempt(*task, attempt.clone()),
                Event::Approved { task } => {
                    let waits = matches!(
                        self.view.tasks[*task].state,
                        TaskState::Waiting { on: WaitFor::Approval { .. } }
                    );
                    self.books[*task].approved |= waits;
                    continue;
                }
                _ => continue,
            };
            self.jobs.retain(|open| *open != job);
        }
    }

    fn perform(&mut self, effect: Effect) {
        assert_eq!(self.end, None, "nothing comes after the finish: {effect:?}");
        match effect {
            Effect::Record(_) => unreachable!("records come first"),
            Effect::Probe { task, probe, .. } => {
                self.may_start(task, probe == ProbeKind::Check && !self.is_verifying(task));
                self.jobs.push(Job::Probe(task, probe));
            }
            Effect::Attempt { task, attempt, number, .. } => {
                self.may_start(task, true);
                self.may_attempt(task, number);
                let planned = self.plan.tasks[task].clone();
                self.record(Record::AttemptStarted {
                    attempt: attempt.clone(),
                    run: self.options.run.clone(),
                    key: planned.key,
                    id: planned.id,
                    number,
                    undo: false,
                    digest: planned.digest,
                    commands: Vec::new(),
                    log: String::new(),
                });
                self.jobs.push(Job::Attempt(task, attempt));
            }
            Effect::Stop { task } => {
                assert!(self.terminated && self.jobs.iter().any(|job| job.task() == task));
            }
            Effect::Timer { task, at } => {
                assert!(
                    at > self.now || self.plan.tasks[task].policy.retry.max_delay_ms == 0 || at == self.now
                );
                self.timers.insert(task, at);
            }
            Effect::Finish(end) => self.end = Some(end),
        }
    }

    fn is_verifying(&self, task: usize) -> bool {
        matches!(self.view.tasks[task].state, TaskState::Verifying { .. })
    }

    /// A start (of anything but the look at an effect) happens only when all dependencies let go, and
    /// when nothing holds the run back.
    fn may_start(&mut self, task: usize, is_start: bool) {
        if !is_start {
            return;
        }
        for &dependency in &self.plan.tasks[task].dependencies {
            let state = &self.view.tasks[dependency].state;
            assert!(state.lets_dependants_go(), "t{task} starts though t{dependency} is {}", state.name());
        }
        assert!(!self.stopping, "t{task} starts after Ctrl-C");
        assert!(self.options.keep_going || !self.anything_failed(), "t{task} starts after a failure");
        if !self.started.contains(&task) {
            self.started.push(task);
        }
    }

    fn anything_failed(&self) -> bool {
        self.view.tasks.iter().zip(&self.plan.tasks).any(|(task, planned)| match task.state {
            TaskState::Failed { .. } => true,
            TaskState::Unknown { .. } => !matches!(planned.disposition, Disposition::Unknown { .. }),
            _ => false,
        })
    }

    fn may_attempt(&mut self, task: usize, number: u32) {
        let planned = &self.plan.tasks[task];
        let book = &mut self.books[task];
        book.attempts += 1;
        assert!(book.attempts <= planned.policy.retry.attempts, "t{task}: attempt beyond the policy");
        assert!(number > book.last_number, "t{task}: attempt numbers grow");
        book.last_number = number;
        let check = book.last_check.take();
        assert_eq!(planned.has_check, check.is_some(), "t{task}: the check is asked before every attempt");
        let owes = planned.owes_outputs && planned.policy.idempotent;
        let leads = |answer| answer == Verdict::False || (owes && answer == Verdict::True);
        assert!(check.is_none_or(leads), "t{task}: only false leads to a run, or outputs that nobody knows");
        assert!(planned.approval.is_none() || book.approved, "t{task}: runs without the approval");
    }

    /// What holds after every tick.
    fn always_true(&self) {
        let states: Vec<&TaskState> = self.view.tasks.iter().map(|task| &task.state).collect();
        assert!(states.iter().copied().eq(self.scheduler.states()), "replay equals live");
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        states.iter().for_each(|state| *counts.entry(state.name().to_owned()).or_default() += 1);
        assert_eq!(counts, self.scheduler.counts());
        assert!(self.jobs.len() <= self.options.jobs.max(1), "too many jobs: {:?}", self.jobs);
        let mut tasks = HashSet::new();
        assert!(self.jobs.iter().all(|job| tasks.insert(job.task())), "one job a task");
        let mut holders: HashMap<&str, usize> = HashMap::new();
        for (task, state) in states.iter().enumerate().filter(|(_, state)| state.is_working()) {
            for lock in HashSet::<&String>::from_iter(&self.plan.tasks[task].policy.locks) {
                let other = holders.insert(lock, task);
                assert_eq!(other, None, "lock {lock} is held twice, by t{task} {}", state.name());
            }
        }
        for (task, state) in states.iter().enumerate() {
            let bad = self.plan.tasks[task].dependencies.iter().any(|&d| states[d].blocks_dependants());
            let open = matches!(state, TaskState::Pending | TaskState::Ready | TaskState::Waiting { .. });
            assert!(!bad || !open, "t{task} is {} though a dependency is bad", state.name());
            if let TaskState::Blocked { by } = state {
                assert!(bad, "t{task} is blocked by nothing");
                let root = self.plan.tasks.iter().position(|task| task.id == *by).unwrap();
                let is_root = matches!(states[root], TaskState::Failed { .. } | TaskState::Unknown { .. });
                assert!(is_root, "t{task} is blocked by {by}, which is {}", states[root].name());
            }
        }
    }

    /// What happens next, by chance. Empty where only a person could do something and does not.
    fn next_events(&mut self, habits: Habits, chance: &mut Chance) -> Vec<Event> {
        let mut events = Vec::new();
        if habits.ctrl_c && chance.one_in(40) {
            events.push(if chance.one_in(2) { Event::Terminate } else { Event::Interrupt });
        }
        if habits.people && chance.one_in(6) {
            events.push(self.meddling(chance));
        }
        let answers = if self.jobs.is_empty() { 0 } else { 1 + chance.below(self.jobs.len()) };
        for _ in 0..answers.min(2) {
            let job = self.jobs[chance.below(self.jobs.len())].clone();
            if !events.iter().any(|event| is_end_of(event, job.task())) {
                events.push(self.answer(&job, habits, chance));
            }
        }
        if events.is_empty() || chance.one_in(4) {
            events.extend(self.next_timer());
        }
        if events.is_empty() && habits.people {
            events.extend(self.help(chance));
        }
        events
    }

    fn next_timer(&mut self) -> Option<Event> {
        let (&task, &at) = self.timers.iter().min_by_key(|(_, at)| **at)?;
        self.timers.remove(&task);
        self.now = self.now.max(at);
        Some(Event::Timer { task })
    }

    fn answer(&mut self, job: &Job, habits: Habits, chance: &mut Chance) -> Event {
        let duration_ms = chance.below(50) as u64;
        self.now =
            at(self.now.as_millisecond() - at(0).as_millisecond() + i64::try_from(duration_ms).unwrap());
        let fails = habits.failures_one_in > 0 && chance.one_in(habits.failures_one_in);
        match job {
            Job::Probe(task, probe) => {
                let verdict = match (fails, chance.below(3)) {
                    (true, _) => Verdict::Error { message: "api is down".to_owned() },
                    (false, 0) => Verdict::True,
                    // A look at an effect mostly finds it; a check mostly does not.
                    (false, 1) if self.is_verifying(*task) => Verdict::True,
                    (false, _) => Verdict::False,
                };
                Event::ProbeEnded {
                    task: *task,
                    probe: *probe,
                    verdict,
                    duration_ms,
                    outputs: BTreeMap::new(),
                    diagnosis: if fails && chance.one_in(4) { hopeless() } else { Diagnosis::default() },
                }
            }
            Job::Attempt(task, attempt) => {
                let end = match (fails, chance.below(8)) {
                    _ if self.terminated && chance.one_in(2) => Outcome::Interrupted,
                    (true, 0) => Outcome::Lost,
                    (true, 1) => failed(FailureKind::Spawn),
                    (true, 2) => failed(FailureKind::Timeout),
                    (true, _) => failed(FailureKind::ExitCode),
                    (false, _) => Outcome::Succeeded,
                };
                attempt_ended(*task, attempt.clone(), end, duration_ms)
            }
        }
    }

    /// A person does something, sensible or not.
    fn meddling(&mut self, chance: &mut Chance) -> Event {
        self.people_meddled = true;
        let task = chance.below(self.plan.tasks.len());
        let to = match chance.below(6) {
            0 => return Event::Approved { task },
            1 => TaskState::Completed,
            2 => TaskState::Skipped { reason: "not today".to_owned() },
            3 => TaskState::Cancelled,
            4 => TaskState::Ready,
            _ => TaskState::Pending,
        };
        Event::Set { task, to }
    }

    /// A person does what the run waits for.
    fn help(&mut self, chance: &mut Chance) -> Option<Event> {
        let waiting: Vec<usize> = (0..self.plan.tasks.len())
            .filter(|&task| matches!(self.view.tasks[task].state, TaskState::Waiting { .. }))
            .collect();
        let task = *waiting.get(chance.below(waiting.len().max(1)))?;
        self.people_meddled = true;
        Some(match self.view.tasks[task].state {
            TaskState::Waiting { on: WaitFor::Approval { .. } } => Event::Approved { task },
            _ => Event::Set { task, to: TaskState::Completed },
        })
    }

    fn must_wait_for_a_person(&self) {
        let waits = |task: &crate::fold::TaskView| match &task.state {
            TaskState::Waiting { on } => matches!(on, WaitFor::Approval { .. } | WaitFor::Manual),
            _ => false,
        };
        assert!(self.view.tasks.iter().any(waits), "it hangs: {:?}", self.view.tasks);
        assert!(!self.options.end_when_waiting, "it should have ended");
    }

    fn refuses_everything_now(&mut self) {
        for event in [Event::Begin, Event::Interrupt, Event::Timer { task: 0 }, Event::Approved { task: 0 }] {
            assert_eq!(self.scheduler.handle(event, self.now), Err(Refused::Over));
        }
        let finishes = self.effects.iter().filter(|effect| matches!(effect, Effect::Finish(_))).count();
        assert_eq!(finishes, 1);
    }

    fn ended_rightly(&self) {
        assert!(self.jobs.is_empty(), "it ended while {:?} were at work", self.jobs);
        let states: Vec<&TaskState> = self.view.tasks.iter().map(|task| &task.state).collect();
        let is = |name: &str| states.iter().any(|state| state.name() == name);
        let wanted = if is("unknown") {
            RunEnd::Unknown
        } else if is("failed") {
            RunEnd::Failed
        } else if states.iter().all(|state| state.lets_dependants_go()) {
            RunEnd::Succeeded
        } else if self.stopping {
            RunEnd::Interrupted
        } else {
            RunEnd::Waiting
        };
        assert_eq!(self.end, Some(wanted));
        for state in &states {
            let on_its_way = matches!(state, TaskState::Waiting { on: WaitFor::Retry { .. } });
            assert!(
                !state.is_working() && **state != TaskState::Ready && !on_its_way,
                "left {}",
                state.name()
            );
        }
        if self.options.keep_going && !self.stopping && !self.people_meddled {
            self.everything_possible_was_done(&states);
        }
    }

    /// With `keep_going` a task is left open only behind a person; all others ended on their own
    /// account, or are blocked because something before them failed.
    fn everything_possible_was_done(&self, states: &[&TaskState]) {
        for (task, state) in states.iter().enumerate() {
            let before = ancestors(&self.plan, task);
            let bad = before
                .iter()
                .any(|&d| matches!(states[d], TaskState::Failed { .. } | TaskState::Unknown { .. }));
            let decided = !matches!(
                self.plan.tasks[task].disposition,
                Disposition::Execute | Disposition::Manual | Disposition::Group
            );
            let waits = before.iter().any(|&d| matches!(states[d], TaskState::Waiting { .. }));
            match state {
                TaskState::Blocked { .. } => assert!(bad, "t{task} is blocked without a failure"),
                TaskState::Pending => assert!(waits, "t{task} was left out"),
                // What the plan decided, or what a decided one lets through, may lie behind a failure.
                _ => assert!(!bad || decided || self.is_freed(task, states), "t{task} ran behind a failure"),
            }
        }
    }

    /// True where every direct dependency lets go, whatever lies further back.
    fn is_freed(&self, task: usize, states: &[&TaskState]) -> bool {
        self.plan.tasks[task].dependencies.iter().all(|&d| states[d].lets_dependants_go())
    }
}

/// All that `task` waits for, found the slow and plain way.
fn ancestors(plan: &Plan, task: usize) -> HashSet<usize> {
    let mut found = HashSet::new();
    let mut open = plan.tasks[task].dependencies.clone();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(&plan.tasks[next].dependencies);
        }
    }
    found
}

fn is_end_of(event: &Event, of: usize) -> bool {
    match event {
        Event::ProbeEnded { task, .. } | Event::AttemptEnded { task, .. } => *task == of,
        _ => false,
    }
}

pub(crate) fn failed(failure: FailureKind) -> Outcome {
    Outcome::Failed { failure, exit_code: Some(2), signal: None, message: "boom".to_owned() }
}

pub(crate) fn attempt_ended(task: usize, attempt: AttemptId, end: Outcome, duration_ms: u64) -> Event {
    Event::AttemptEnded {
        task,
        attempt,
        end,
        duration_ms,
        tail: String::new(),
        log_bytes: 0,
        outputs: BTreeMap::new(),
        diagnosis: Diagnosis::default(),
    }
}

/// What cannot be helped by another try.
pub(crate) fn hopeless() -> Diagnosis {
    let cause = Cause {
        name: "forbidden".to_owned(),
        hint: "ask for the right".to_owned(),
        retryable: false,
        because: "the same user gets the same answer".to_owned(),
    };
    Diagnosis { cause: Some(cause), ..Diagnosis::default() }
}

/// Runs a plan in which everything succeeds at once and nobody is needed.
pub(crate) fn run_smoothly(plan: Plan, jobs: usize) -> Sim {
    Sim::run(plan, options(jobs), Habits::default(), &mut Chance::new(vec![1]))
}
