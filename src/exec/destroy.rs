//! Takes work back: the undo actions of a plan, each task after all that depend on it, as many at a
//! time as there are jobs, by the same driver as a run.
//!
//! After an undo that fails nothing more begins: what that task depends on is still needed by it.
//! A task whose work was taken back is pending again; one whose undo failed keeps the state it had.

use super::driver::{self, Direction};
use super::ports::{Decide, ExecError, Ports, Settings};
use super::stop::Stops;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use taskmaster_core::cause::Diagnosis;
use taskmaster_core::dag::GraphError;
use taskmaster_core::id::{AttemptId, RunId};
use taskmaster_core::journal::{Outcome, Record};
use taskmaster_core::plan::Plan;
use taskmaster_core::retry::{self, Next};
use taskmaster_core::scheduler::{Effect, Event, RunEnd, Tick};
use taskmaster_core::state::TaskState;

/// Takes back the work of every task of `plan`, whose `states` are those of the ledger, at most `jobs`
/// at a time. `by` is who asked for it, for the record.
///
/// # Errors
/// As [`driver::run`]; the plan is no DAG.
pub async fn run<'a>(
    plan: Arc<Plan>,
    states: Vec<TaskState>,
    by: &str,
    jobs: usize,
    ports: Ports<'a>,
    settings: Settings,
    stops: Stops,
) -> Result<RunEnd, ExecError> {
    let internal = |error: GraphError| ExecError::Internal(error.to_string());
    let mut undo = Undo::new(Arc::clone(&plan), settings.run.clone(), states, by, jobs).map_err(internal)?;
    // The driver borrows the decider as long as the ports, which are borrowed from our caller.
    let Ports { journal, render, observer } = ports;
    driver::run(plan, &mut undo, Ports { journal, render, observer }, settings, stops, Direction::Undo).await
}

/// Decides the order of a destroy.
#[derive(Debug)]
struct Undo {
    plan: Arc<Plan>,
    run: RunId,
    by: String,
    jobs: usize,
    states: Vec<TaskState>,
    /// Tasks not begun, in the order of a run, each with the number of dependants that are still there.
    left: Vec<(usize, usize)>,
    open: BTreeMap<usize, Try>,
    /// How it will end once nothing is open any more.
    ending: Option<RunEnd>,
    over: bool,
}

/// A task that is being taken back.
#[derive(Debug, Default)]
struct Try {
    number: u32,
    /// None between two tries.
    attempt: Option<AttemptId>,
}

impl Undo {
    fn new(
        plan: Arc<Plan>,
        run: RunId,
        mut states: Vec<TaskState>,
        by: &str,
        jobs: usize,
    ) -> Result<Self, GraphError> {
        states.resize(plan.tasks.len(), TaskState::Pending);
        let dag = plan.dag()?;
        let left = dag.order().iter().map(|&task| (task, dag.dependants(task).count())).collect();
        let (open, by, jobs) = (BTreeMap::new(), by.to_owned(), jobs.max(1));
        Ok(Self { plan, run, by, jobs, states, left, open, ending: None, over: false })
    }

    fn take(&mut self, event: Event, now: Timestamp, effects: &mut Vec<Effect>) {
        match event {
            Event::Begin => self.go_on(now, effects),
            Event::AttemptEnded { task, attempt, end, duration_ms, tail, log_bytes, outputs, diagnosis } => {
                if self.open.get(&task).is_none_or(|open| open.attempt.as_ref() != Some(&attempt)) {
                    return;
                }
                let record = Record::AttemptEnded {
                    attempt,
                    end: end.clone(),
                    duration_ms,
                    tail,
                    log_bytes,
                    outputs,
                    diagnosis: diagnosis.clone(),
                };
                effects.push(Effect::Record(Box::new(record)));
                self.ended(task, &end, &diagnosis, now, effects);
                self.go_on(now, effects);
            }
            Event::Timer { task } => {
                if self.open.get(&task).is_some_and(|open| open.attempt.is_none()) {
                    self.launch(task, now, effects);
                }
            }
            Event::Interrupt => self.interrupt(now, effects),
            Event::Terminate => {
                effects.extend(self.open.keys().map(|&task| Effect::Stop { task }));
                self.interrupt(now, effects);
            }
            Event::ProbeEnded { .. }
            | Event::Digested { .. }
            | Event::Approved { .. }
            | Event::Set { .. } => {}
        }
    }

    fn interrupt(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.end_by(RunEnd::Interrupted);
        self.go_on(now, effects);
    }

    /// Nothing more begins, and what waits for another try is given up. A failure outweighs an interrupt.
    fn end_by(&mut self, end: RunEnd) {
        if self.ending.is_none() || end == RunEnd::Failed {
            self.ending = Some(end);
        }
        self.open.retain(|_, open| open.attempt.is_some());
    }

    /// Begins what may begin, and ends where nothing is open.
    fn go_on(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        while let Some(task) = self.next() {
            self.left.retain(|(left, _)| *left != task);
            self.open.insert(task, Try::default());
            self.launch(task, now, effects);
        }
        if self.open.is_empty() && !self.over {
            self.over = true;
            effects.push(Effect::Finish(self.ending.unwrap_or(RunEnd::Succeeded)));
        }
    }

    /// The last task on which nothing hangs any more and whose locks are free.
    fn next(&self) -> Option<usize> {
        if self.ending.is_some() || self.open.len() >= self.jobs {
            return None;
        }
        let locks = |task: usize| self.plan.tasks[task].policy.locks.iter();
        let is_held = |lock: &_| self.open.keys().any(|&open| locks(open).any(|held| held == lock));
        let may = |&&(task, dependants): &&(usize, usize)| dependants == 0 && !locks(task).any(is_held);
        self.left.iter().rev().find(may).map(|(task, _)| *task)
    }

    fn launch(&mut self, task: usize, now: Timestamp, effects: &mut Vec<Effect>) {
        let Some(open) = self.open.get_mut(&task) else { return };
        open.number += 1;
        let planned = &self.plan.tasks[task];
        let attempt = retry::attempt_id(&self.run, &planned.key, open.number, now);
        open.attempt = Some(attempt.clone());
        let digest = planned.digest.clone();
        effects.push(Effect::Attempt { task, attempt, number: open.number, digest });
    }

    fn ended(
        &mut self,
        task: usize,
        end: &Outcome,
        diagnosis: &Diagnosis,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let Some(open) = self.open.get_mut(&task) else { return };
        let number = open.number;
        open.attempt = None;
        match end {
            Outcome::Succeeded => {
                self.open.remove(&task);
                for (left, dependants) in &mut self.left {
                    *dependants -= usize::from(self.plan.tasks[task].dependencies.contains(left));
                }
                self.taken_back(task, effects);
            }
            Outcome::Failed { failure, message, .. } => {
                let planned = &self.plan.tasks[task];
                let next = retry::next(&planned.policy.retry, *failure, number, diagnosis);
                if self.ending.is_some() || next != Next::Again {
                    return self.end_by(RunEnd::Failed);
                }
                let delay_ms = retry::delay_ms(&planned.policy.retry, &self.run, &planned.key, number);
                effects.push(Effect::Record(Box::new(Record::RetryScheduled {
                    run: self.run.clone(),
                    key: planned.key.clone(),
                    id: planned.id.clone(),
                    attempt: number + 1,
                    delay_ms,
                    reason: message.clone(),
                })));
                let delay = jiff::SignedDuration::from_millis(i64::try_from(delay_ms).unwrap_or(i64::MAX));
                let at = now.checked_add(delay).unwrap_or(Timestamp::MAX);
                effects.push(Effect::Timer { task, at });
            }
            Outcome::Interrupted | Outcome::Lost => self.end_by(RunEnd::Interrupted),
        }
    }

    /// Records that the task is to be done again, where it was anything that can go back to that.
    fn taken_back(&mut self, task: usize, effects: &mut Vec<Effect>) {
        let from = std::mem::take(&mut self.states[task]);
        if !from.can_become(&TaskState::Pending) {
            return;
        }
        let planned = &self.plan.tasks[task];
        effects.push(Effect::Record(Box::new(Record::TaskState {
            run: Some(self.run.clone()),
            document: self.plan.document.clone(),
            environment: self.plan.environment.clone(),
            key: planned.key.clone(),
            id: planned.id.clone(),
            from,
            to: TaskState::Pending,
            digest: None,
            by: Some(self.by.clone()),
            message: Some("its work was taken back".to_owned()),
        })));
    }
}

impl Decide for Undo {
    fn decide(&mut self, events: Vec<Event>, now: Timestamp) -> Tick {
        let mut effects = Vec::new();
        for event in events {
            if !self.over {
                self.take(event, now, &mut effects);
            }
        }
        Tick { effects, refused: Vec::new() }
    }

    fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for state in &self.states {
            *counts.entry(state.name().to_owned()).or_default() += 1;
        }
        counts
    }

    fn state(&self, task: usize) -> Option<&TaskState> {
        self.states.get(task)
    }
}
