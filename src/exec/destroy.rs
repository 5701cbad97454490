//! Takes work back: the undo actions of a plan, dependants before what they depend on, one at a
//! time, by the same driver as a run.
//!
//! It ends at the first undo that fails: what that task depends on is still needed by it. A task
//! whose work was taken back is pending again; one whose undo failed keeps the state it had.

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

/// Takes back the work of every task of `plan`, whose `states` are those of the ledger. `by` is
/// who asked for it, for the record.
///
/// # Errors
/// As [`driver::run`]; the plan is no DAG.
pub async fn run<'a>(
    plan: Arc<Plan>,
    states: Vec<TaskState>,
    by: &str,
    ports: Ports<'a>,
    settings: Settings,
    stops: Stops,
) -> Result<RunEnd, ExecError> {
    let internal = |error: GraphError| ExecError::Internal(error.to_string());
    let mut undo = Undo::new(Arc::clone(&plan), settings.run.clone(), states, by).map_err(internal)?;
    // The driver borrows the decider as long as the ports, which are borrowed from our caller.
    let Ports { journal, render, observer } = ports;
    driver::run(plan, &mut undo, Ports { journal, render, observer }, settings, stops, Direction::Undo).await
}

/// Decides the order of a destroy: a plain list, walked once.
#[derive(Debug)]
struct Undo {
    plan: Arc<Plan>,
    run: RunId,
    by: String,
    states: Vec<TaskState>,
    /// Tasks still to be taken back, the next one last.
    left: Vec<usize>,
    current: Option<Current>,
    stopping: bool,
    over: bool,
}

#[derive(Debug)]
struct Current {
    task: usize,
    number: u32,
    /// None between two tries.
    attempt: Option<AttemptId>,
}

impl Undo {
    fn new(plan: Arc<Plan>, run: RunId, mut states: Vec<TaskState>, by: &str) -> Result<Self, GraphError> {
        states.resize(plan.tasks.len(), TaskState::Pending);
        let left = plan.dag()?.order().to_vec();
        Ok(Self { plan, run, by: by.to_owned(), states, left, current: None, stopping: false, over: false })
    }

    fn take(&mut self, event: Event, now: Timestamp, effects: &mut Vec<Effect>) {
        match event {
            Event::Begin => self.next(now, effects),
            Event::AttemptEnded { task, attempt, end, duration_ms, tail, log_bytes, outputs, diagnosis } => {
                let ours =
                    |current: &Current| current.task == task && current.attempt.as_ref() == Some(&attempt);
                if !self.current.as_ref().is_some_and(ours) {
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
                self.ended(&end, &diagnosis, now, effects);
            }
            Event::Timer { task } => {
                let waits = |current: &Current| current.task == task && current.attempt.is_none();
                if self.current.as_ref().is_some_and(waits) {
                    self.launch(now, effects);
                }
            }
            Event::Interrupt => self.interrupt(effects),
            Event::Terminate => {
                self.interrupt(effects);
                if let Some(current) = &self.current {
                    effects.push(Effect::Stop { task: current.task });
                }
            }
            Event::ProbeEnded { .. }
            | Event::Digested { .. }
            | Event::Approved { .. }
            | Event::Set { .. } => {}
        }
    }

    fn interrupt(&mut self, effects: &mut Vec<Effect>) {
        self.stopping = true;
        if self.current.as_ref().is_none_or(|current| current.attempt.is_none()) {
            self.finish(RunEnd::Interrupted, effects);
        }
    }

    fn next(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.current = None;
        if self.stopping && !self.left.is_empty() {
            return self.finish(RunEnd::Interrupted, effects);
        }
        match self.left.pop() {
            None => self.finish(RunEnd::Succeeded, effects),
            Some(task) => {
                self.current = Some(Current { task, number: 0, attempt: None });
                self.launch(now, effects);
            }
        }
    }

    fn launch(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let Some(current) = &mut self.current else { return };
        current.number += 1;
        let planned = &self.plan.tasks[current.task];
        let attempt = retry::attempt_id(&self.run, &planned.key, current.number, now);
        current.attempt = Some(attempt.clone());
        let digest = planned.digest.clone();
        effects.push(Effect::Attempt { task: current.task, attempt, number: current.number, digest });
    }

    fn ended(&mut self, end: &Outcome, diagnosis: &Diagnosis, now: Timestamp, effects: &mut Vec<Effect>) {
        let Some(current) = &mut self.current else { return };
        current.attempt = None;
        let (task, number) = (current.task, current.number);
        match end {
            Outcome::Succeeded => {
                self.taken_back(task, effects);
                self.next(now, effects);
            }
            Outcome::Failed { failure, message, .. } => {
                let planned = &self.plan.tasks[task];
                let next = retry::next(&planned.policy.retry, *failure, number, diagnosis);
                if self.stopping || next != Next::Again {
                    return self.finish(RunEnd::Failed, effects);
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
            Outcome::Interrupted | Outcome::Lost => self.finish(RunEnd::Interrupted, effects),
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

    fn finish(&mut self, end: RunEnd, effects: &mut Vec<Effect>) {
        if !self.over {
            self.over = true;
            effects.push(Effect::Finish(end));
        }
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
