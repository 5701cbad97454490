//! The scheduler's own state, its one way to change it, and what follows from a change.

use super::counts::Counts;
use super::locks::Locks;
use super::queue::ReadyQueue;
use super::{Effect, Event, Options};
use crate::dag::{Dag, GraphError};
use crate::id::{AttemptId, Digest};
use crate::journal::{ProbeKind, Record};
use crate::plan::{Disposition, Plan, PlannedTask};
use crate::state::{TaskEvent, TaskState};
use jiff::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Why an event was not taken. Nothing changed: the run goes on as if it had not been sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The plan has no task of this index.
    #[error("the plan has no task {task}")]
    NoSuchTask {
        /// The index.
        task: usize,
    },
    /// Not in this state.
    #[error("task {task} is {state}: {reason}")]
    NotNow {
        /// The index.
        task: usize,
        /// Name of the state it is in.
        state: &'static str,
        /// What was expected.
        reason: String,
    },
    /// [`Event::Begin`] came twice, or something else came before it.
    #[error("the run has {}", if *.begun { "begun already" } else { "not begun" })]
    Begin {
        /// Whether it had begun.
        begun: bool,
    },
    /// The run is over.
    #[error("the run is over")]
    Over,
}

/// What several events at once led to.
#[derive(Debug, Default, PartialEq)]
pub struct Tick {
    /// Records first, then everything else, [`Effect::Finish`] last.
    pub effects: Vec<Effect>,
    /// Events that were not taken, by their place in the list.
    pub refused: Vec<(usize, Refused)>,
}

/// What of a task is at work right now and takes up a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Probe(ProbeKind),
    Attempt(AttemptId),
}

/// The look at an attempt's effect: asked until true. The look that begins at the deadline is the last one.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    pub(super) deadline: Timestamp,
    /// When to ask again; none while a probe is at work or queued.
    pub(super) ask_at: Option<Timestamp>,
    /// The look at work began at the deadline or after it.
    pub(super) last: bool,
    /// The attempt's end was lost: the answer decides as in recovery, and is asked for once.
    pub(super) lost: bool,
}

/// What the scheduler remembers about a task besides its state.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// Dependencies that do not let go on.
    pub(super) unmet: usize,
    /// Dependencies that are failed, blocked or unknown.
    bad: usize,
    /// The failed or unknown task behind a blocked one.
    root: usize,
    /// Number of the current try, from 1, and of the first since it was last begun afresh.
    pub(super) number: u32,
    pub(super) first: u32,
    /// Something was asked or begun under the current number.
    pub(super) tried: bool,
    /// An attempt was begun since it was last begun afresh.
    pub(super) ran: bool,
    pub(super) approved: bool,
    pub(super) work: Option<Work>,
    /// Its stop was asked for.
    pub(super) stopped: bool,
    pub(super) proof: Option<Proof>,
    pub(super) retry_at: Option<Timestamp>,
    /// Which entry of a queue stands for it.
    pub(super) ticket: u64,
    /// Its failure holds the run back.
    failure: bool,
    /// Digest of its action with the outputs that are known by now.
    pub(super) digest: Option<Digest>,
    /// It was done before, and stays so unless what it reads turns out to be other than then.
    pub(super) recall: bool,
}

/// What a task needs when its turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    Person,
    Execution,
}

/// Where a run is, together with [`Stopping`]: `docs/state-machines.md#a-run` draws both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    NotBegun,
    Going,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stopping {
    No,
    Gently,
    Hard,
}

/// A change that dependants must hear of.
#[derive(Clone, Copy, Debug)]
struct Ripple {
    task: usize,
    went: bool,
    goes: bool,
    was_bad: bool,
    is_bad: bool,
}

/// Owns the states of one run.
#[derive(Debug)]
pub struct Scheduler {
    pub(super) plan: Arc<Plan>,
    pub(super) options: Options,
    dag: Arc<Dag>,
    pub(super) states: Vec<TaskState>,
    pub(super) slots: Vec<Slot>,
    pub(super) counts: Counts,
    pub(super) failures: usize,
    pub(super) at_work: usize,
    pub(super) life: Life,
    pub(super) stopping: Stopping,
    ripples: VecDeque<Ripple>,
    /// Tasks that ended something while a dependency does not let go on any more.
    overtaken: Vec<usize>,
    pub(super) ready: ReadyQueue,
    pub(super) locks: Locks,
    /// Tasks that got their locks while they waited for them.
    pub(super) served: VecDeque<(usize, u64)>,
    /// Tasks that need a person, to be asked when nothing stops the run.
    pub(super) asks: VecDeque<(usize, u64)>,
    /// Tasks whose check was false in this tick.
    pub(super) checked: Vec<usize>,
    /// Tasks whose effect is to be looked at as soon as there is room.
    pub(super) due_probes: VecDeque<usize>,
    /// Tasks that were put back and may go on if the run is held back no longer.
    pub(super) put_back: Vec<usize>,
    pub(super) records: Vec<Effect>,
    pub(super) actions: Vec<Effect>,
}

impl Scheduler {
    /// A scheduler for `plan`, every task pending. Fails on a plan that is no DAG.
    pub fn new(plan: impl Into<Arc<Plan>>, options: Options) -> Result<Self, GraphError> {
        let plan = plan.into();
        let dag = plan.dag()?;
        let lengths = dag.lengths_to_end(&plan.durations_ms());
        let urgency = plan.tasks.iter().zip(lengths).map(|(task, length)| (length, task.priority)).collect();
        let slot = |task: usize| Slot {
            unmet: dag.dependencies(task).count(),
            bad: 0,
            root: task,
            number: 1,
            first: 1,
            tried: false,
            ran: false,
            approved: false,
            work: None,
            stopped: false,
            proof: None,
            retry_at: None,
            ticket: 0,
            failure: false,
            digest: plan.tasks[task].digest.clone(),
            recall: false,
        };
        Ok(Self {
            slots: (0..plan.tasks.len()).map(slot).collect(),
            states: vec![TaskState::Pending; plan.tasks.len()],
            counts: Counts::all_pending(plan.tasks.len()),
            ready: ReadyQueue::new(urgency),
            locks: Locks::new(plan.tasks.iter().map(|task| task.policy.locks.as_slice())),
            dag: Arc::new(dag),
            plan,
            options,
            failures: 0,
            at_work: 0,
            life: Life::NotBegun,
            stopping: Stopping::No,
            ripples: VecDeque::new(),
            overtaken: Vec::new(),
            served: VecDeque::new(),
            asks: VecDeque::new(),
            checked: Vec::new(),
            due_probes: VecDeque::new(),
            put_back: Vec::new(),
            records: Vec::new(),
            actions: Vec::new(),
        })
    }

    /// Takes one event.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Result<Vec<Effect>, Refused> {
        let mut tick = self.handle_many([event], now);
        match tick.refused.pop() {
            Some((_, refused)) => Err(refused),
            None => Ok(tick.effects),
        }
    }

    /// Takes events that came together, then decides once: their records share one commit. One that
    /// is refused does not keep the others from being taken.
    pub fn handle_many(&mut self, events: impl IntoIterator<Item = Event>, now: Timestamp) -> Tick {
        let mut refused = Vec::new();
        let mut taken = false;
        for (place, event) in events.into_iter().enumerate() {
            match self.take(event, now) {
                Ok(()) => {
                    taken = true;
                    self.settle();
                }
                Err(reason) => refused.push((place, reason)),
            }
        }
        if taken && self.life == Life::Going {
            self.dispatch(now);
            self.finish_if_done();
        }
        let mut effects = std::mem::take(&mut self.records);
        effects.append(&mut self.actions);
        Tick { effects, refused }
    }

    /// The state of every task, by index into the plan.
    pub fn states(&self) -> &[TaskState] {
        &self.states
    }

    /// How many tasks are in each state, by [`TaskState::name`]; states without tasks are absent.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.by_name()
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Its settings.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// True after [`Effect::Finish`].
    pub fn is_over(&self) -> bool {
        self.life == Life::Over
    }

    pub(super) fn task(&self, task: usize) -> &PlannedTask {
        &self.plan.tasks[task]
    }

    /// True where nothing new may start.
    pub(super) fn held_back(&self) -> bool {
        self.stopping > Stopping::No || (!self.options.keep_going && self.failures > 0)
    }

    pub(super) fn need(&self, task: usize) -> Need {
        let planned = self.task(task);
        match planned.disposition {
            Disposition::Group => Need::Nothing,
            Disposition::Execute => Need::Execution,
            Disposition::Manual => Need::Person,
            // Set back to pending by a person: what is bound decides.
            _ if planned.kind.is_some() => Need::Execution,
            _ => Need::Person,
        }
    }

    /// The one place where a task changes its state: counts, records, locks and ripples follow.
    pub(super) fn step(&mut self, task: usize, event: &TaskEvent) {
        self.step_by(task, event, None);
    }

    pub(super) fn step_by(&mut self, task: usize, event: &TaskEvent, by: Option<&str>) {
        let to =
            self.states[task].next(event).expect("the scheduler sends only events that the state foresees");
        let from = std::mem::replace(&mut self.states[task], to.clone());
        self.counts.moved(&from, &to);
        let slot = &mut self.slots[task];
        slot.ticket += 1;
        if !to.is_working() {
            slot.proof = None;
        }
        slot.retry_at = None;
        let fails =
            self.life == Life::Going && matches!(to, TaskState::Failed { .. } | TaskState::Unknown { .. });
        self.failures = self.failures + usize::from(fails) - usize::from(slot.failure);
        slot.failure = fails;
        if !to.is_working() && to != TaskState::Ready {
            for next in self.locks.release(task) {
                self.served.push_back((next, self.slots[next].ticket));
            }
        }
        let ripple = Ripple {
            task,
            went: from.lets_dependants_go(),
            goes: to.lets_dependants_go(),
            was_bad: from.blocks_dependants(),
            is_bad: to.blocks_dependants(),
        };
        if ripple.went != ripple.goes || ripple.was_bad || ripple.is_bad {
            self.ripples.push_back(ripple);
        }
        // A person took back a dependency while it was at work.
        if from.is_working() && self.slots[task].unmet > 0 {
            self.overtaken.push(task);
        }
        self.record_step(task, from, to, by);
    }

    fn record_step(&mut self, task: usize, from: TaskState, to: TaskState, by: Option<&str>) {
        let planned = &self.plan.tasks[task];
        self.records.push(Effect::Record(Box::new(Record::TaskState {
            run: Some(self.options.run.clone()),
            document: self.plan.document.clone(),
            environment: self.plan.environment.clone(),
            key: planned.key.clone(),
            id: planned.id.clone(),
            from,
            to,
            digest: self.slots[task].digest.clone(),
            by: by.map(ToOwned::to_owned),
            message: None,
        })));
    }

    /// Tells dependants what changed until nothing follows any more. A worklist, not recursion:
    /// a failure may block a hundred thousand tasks in a row.
    pub(super) fn settle(&mut self) {
        let dag = Arc::clone(&self.dag);
        loop {
            while let Some(task) = self.overtaken.pop() {
                self.reconsider(task);
            }
            let Some(ripple) = self.ripples.pop_front() else { break };
            for dependant in dag.dependants(ripple.task) {
                let slot = &mut self.slots[dependant];
                slot.unmet = slot.unmet + usize::from(ripple.went) - usize::from(ripple.goes);
                slot.bad = slot.bad + usize::from(ripple.is_bad) - usize::from(ripple.was_bad);
                self.reconsider(dependant);
                // What the dependant is blocked by may be right again, or not in its way any more.
                if ripple.was_bad && matches!(self.states[dependant], TaskState::Blocked { .. }) {
                    self.block(dependant);
                }
            }
        }
    }

    /// Moves a task to where its dependencies put it.
    pub(super) fn reconsider(&mut self, task: usize) {
        if let (TaskState::Ready | TaskState::Waiting { .. }, 1..) =
            (&self.states[task], self.slots[task].unmet)
        {
            self.step(task, &TaskEvent::PutBack);
        }
        if matches!(self.states[task], TaskState::Blocked { .. }) && self.slots[task].bad == 0 {
            self.step(task, &TaskEvent::Unblocked);
        }
        if self.states[task] == TaskState::Pending && self.recalled(task) {
            return;
        }
        match self.states[task] {
            TaskState::Pending if self.slots[task].bad > 0 => self.block(task),
            TaskState::Pending if self.slots[task].unmet == 0 => {
                self.step(task, &TaskEvent::DependenciesMet);
                self.arrive(task);
            }
            _ => {}
        }
    }

    /// Takes a task as done before, once what it reads has ended and made no difference, and a yes once
    /// nothing that it was given to was done again. Where that cannot end well in this run, nothing says
    /// that it made one.
    fn recalled(&mut self, task: usize) -> bool {
        let slot = &self.slots[task];
        if !slot.recall || (slot.unmet > 0 && slot.bad == 0) {
            return false;
        }
        let planned = &self.plan.tasks[task];
        let Disposition::Recorded { state } = &planned.disposition else { return false };
        let state = state.clone();
        let fails = slot.bad > 0;
        let unchanged =
            slot.digest == planned.digest && (fails || !self.is_approval(task) || !self.ran_before(task));
        self.slots[task].recall = false;
        if unchanged {
            self.step(task, &TaskEvent::Recalled { state });
        }
        unchanged
    }

    /// True where something that the task waits for, however far, was attempted in this run.
    fn ran_before(&self, task: usize) -> bool {
        let mut seen = vec![false; self.slots.len()];
        let mut open: Vec<usize> = self.dag.dependencies(task).collect();
        while let Some(before) = open.pop() {
            if self.slots[before].ran {
                return true;
            }
            if !std::mem::replace(&mut seen[before], true) {
                open.extend(self.dag.dependencies(before));
            }
        }
        false
    }

    /// Blocks a task by the task at the root of a bad dependency; of the first one, unless the root
    /// that is named already holds it back too.
    fn block(&mut self, task: usize) {
        let mut roots: Vec<usize> = self.dag.dependencies(task).filter_map(|d| self.root(d)).collect();
        roots.sort_unstable();
        let is_blocked = matches!(self.states[task], TaskState::Blocked { .. });
        if is_blocked && roots.contains(&self.slots[task].root) {
            return;
        }
        // None where the roots changed again, and the ripple of that is still under way.
        if let Some(&root) = roots.first() {
            self.slots[task].root = root;
            self.step(task, &TaskEvent::DependencyFailed { by: self.plan.tasks[root].id.clone() });
        }
    }

    /// The failed or unknown task that makes a dependency hold its dependants back.
    fn root(&self, dependency: usize) -> Option<usize> {
        let root = match self.states[dependency] {
            TaskState::Blocked { .. } => self.slots[dependency].root,
            _ => dependency,
        };
        matches!(self.states[root], TaskState::Failed { .. } | TaskState::Unknown { .. }).then_some(root)
    }
}
