//! What each event means for the task it is about.

use super::engine::{Life, Need, Proof, Refused, Scheduler, Stopping, Work};
use super::{Effect, Event};
use crate::action::{ActionKind, FailureKind};
use crate::cause::Diagnosis;
use crate::journal::{Outcome, Record, Verdict};
use crate::plan::Disposition;
use crate::recovery::{self, Decision, Found};
use crate::retry::{self, Meaning, Next};
use crate::state::{TaskEvent, TaskState, WaitFor};
use jiff::Timestamp;

/// Who a state set by [`Event::Set`] is recorded for. The person's own record, which the ledger
/// took before the event, bears the name.
const A_PERSON: &str = "a person";

impl Scheduler {
    /// Takes one event, or refuses it without having changed anything.
    pub(super) fn take(&mut self, event: Event, now: Timestamp) -> Result<(), Refused> {
        self.admit(&event)?;
        match event {
            Event::Begin => self.begin(),
            Event::ProbeEnded { task, probe, verdict, duration_ms, outputs, diagnosis } => {
                self.expect_work(task, &Work::Probe(probe))?;
                self.records.push(Effect::Record(Box::new(Record::ProbeEnded {
                    run: Some(self.options.run.clone()),
                    key: self.task(task).key.clone(),
                    id: self.task(task).id.clone(),
                    probe,
                    verdict: verdict.clone(),
                    duration_ms,
                    outputs,
                    diagnosis: diagnosis.clone(),
                })));
                self.probe_ended(task, &verdict, &diagnosis, now);
            }
            Event::Digested { task, digest } => self.slots[task].digest = Some(digest),
            Event::AttemptEnded { task, attempt, end, duration_ms, tail, log_bytes, outputs, diagnosis } => {
                self.expect_work(task, &Work::Attempt(attempt.clone()))?;
                let record = Record::AttemptEnded {
                    attempt,
                    end: end.clone(),
                    duration_ms,
                    tail,
                    log_bytes,
                    outputs,
                    diagnosis: diagnosis.clone(),
                };
                self.records.push(Effect::Record(Box::new(record)));
                self.attempt_ended(task, &end, &diagnosis, now);
            }
            Event::Timer { task } => self.timer(task, now),
            Event::Approved { task } => self.approved(task)?,
            Event::Set { task, to } => self.set(task, to)?,
            Event::Interrupt => self.stopping = self.stopping.max(Stopping::Gently),
            Event::Terminate => self.stopping = Stopping::Hard,
        }
        Ok(())
    }

    fn admit(&self, event: &Event) -> Result<(), Refused> {
        match (self.life, event) {
            (Life::Over, _) => return Err(Refused::Over),
            (Life::Going, Event::Begin) => return Err(Refused::Begin { begun: true }),
            (Life::NotBegun, Event::Begin | Event::Interrupt | Event::Terminate) | (Life::Going, _) => {}
            (Life::NotBegun, _) => return Err(Refused::Begin { begun: false }),
        }
        match event {
            Event::Begin | Event::Interrupt | Event::Terminate => Ok(()),
            Event::ProbeEnded { task, .. }
            | Event::AttemptEnded { task, .. }
            | Event::Digested { task, .. }
            | Event::Timer { task }
            | Event::Approved { task }
            | Event::Set { task, .. } => {
                if *task < self.states.len() {
                    Ok(())
                } else {
                    Err(Refused::NoSuchTask { task: *task })
                }
            }
        }
    }

    fn not_now(&self, task: usize, reason: impl Into<String>) -> Refused {
        Refused::NotNow { task, state: self.states[task].name(), reason: reason.into() }
    }

    /// Takes the work that ended off the task, or refuses an end of anything else.
    fn expect_work(&mut self, task: usize, ended: &Work) -> Result<(), Refused> {
        if self.slots[task].work.as_ref() != Some(ended) {
            return Err(self.not_now(task, format!("{ended:?} is not at work")));
        }
        self.slots[task].work = None;
        self.at_work -= 1;
        Ok(())
    }

    fn begin(&mut self) {
        for task in 0..self.states.len() {
            let disposition = &self.plan.tasks[task].disposition;
            let event = match disposition {
                Disposition::Execute | Disposition::Manual | Disposition::Group => continue,
                Disposition::Claimed => TaskEvent::MarkTaken,
                Disposition::Recorded { state: TaskState::Completed | TaskState::Satisfied }
                    if self.reads_what_may_change(task) =>
                {
                    self.slots[task].recall = true;
                    continue;
                }
                Disposition::Recorded { state } if state.lets_dependants_go() => {
                    TaskEvent::Recalled { state: state.clone() }
                }
                // No other end can be relied on: the task is done again.
                Disposition::Recorded { .. } => continue,
                Disposition::Unknown { reason } => TaskEvent::Lost { reason: reason.clone() },
                Disposition::Skip { reason } => {
                    TaskEvent::Recalled { state: TaskState::Skipped { reason: reason.clone() } }
                }
                Disposition::Cancelled => TaskEvent::Recalled { state: TaskState::Cancelled },
            };
            // What the document does not leave out, a person did: it stays the person's.
            let is_wish = matches!(
                disposition,
                Disposition::Recorded { state: TaskState::Skipped { .. } | TaskState::Cancelled }
            );
            self.step_by(task, &event, is_wish.then_some(A_PERSON));
        }
        self.life = Life::Going;
        for task in 0..self.states.len() {
            self.reconsider(task);
        }
    }

    /// True where it was done before, and what comes before it in this run decides whether it stays.
    fn reads_what_may_change(&self, task: usize) -> bool {
        let planned = self.task(task);
        if (self.is_approval(task) || planned.reads_files) && !planned.dependencies.is_empty() {
            return true;
        }
        planned.reads.iter().any(|read| {
            let read = self.task(*read);
            read.has_work()
                || (matches!(read.disposition, Disposition::Recorded { .. }) && !read.reads.is_empty())
        })
    }

    /// A task became ready: done at once, or queued for what it needs.
    pub(super) fn arrive(&mut self, task: usize) {
        let ticket = self.slots[task].ticket;
        match self.need(task) {
            Need::Nothing => self.step(task, &TaskEvent::Done),
            Need::Person => self.asks.push_back((task, ticket)),
            Need::Execution if self.asks_first(task) => self.asks.push_back((task, ticket)),
            Need::Execution if self.is_mere_approval(task) => self.step(task, &TaskEvent::Done),
            Need::Execution => self.ready.push(task, ticket),
        }
    }

    /// True where a person is asked before anything else: with a check, the check comes first, since
    /// nobody need approve what is done already.
    fn asks_first(&self, task: usize) -> bool {
        self.needs_approval(task) && !self.task(task).has_check
    }

    pub(super) fn needs_approval(&self, task: usize) -> bool {
        self.task(task).approval.is_some() && !self.slots[task].approved
    }

    pub(super) fn is_approval(&self, task: usize) -> bool {
        self.task(task).kind == Some(ActionKind::Approval)
    }

    /// True for an `approval` action, whose whole work is the yes.
    fn is_mere_approval(&self, task: usize) -> bool {
        let planned = self.task(task);
        self.is_approval(task) && planned.approval.is_some() && !planned.has_check && !planned.has_verify
    }

    fn probe_ended(&mut self, task: usize, verdict: &Verdict, diagnosis: &Diagnosis, now: Timestamp) {
        if matches!(self.states[task], TaskState::Verifying { .. }) {
            self.proof_answered(task, verdict, diagnosis, now);
        } else {
            self.check_answered(task, verdict, diagnosis, now);
        }
    }

    fn check_answered(&mut self, task: usize, verdict: &Verdict, diagnosis: &Diagnosis, now: Timestamp) {
        match verdict {
            Verdict::True if self.task(task).owes_outputs => self.owes(task),
            Verdict::True if self.slots[task].ran => self.step(task, &TaskEvent::Done),
            Verdict::True => self.step(task, &TaskEvent::CheckTrue),
            // Whether it may go on is decided when all that happened in this tick is known.
            Verdict::False => self.checked.push(task),
            Verdict::Error { message } => {
                let reason = format!("the check could not tell: {message}");
                self.failed(task, (FailureKind::CheckError, reason), diagnosis, now);
            }
        }
    }

    /// It is done, but others read outputs that nobody knows: it runs again, if it may.
    fn owes(&mut self, task: usize) {
        if self.task(task).policy.idempotent {
            return self.checked.push(task);
        }
        let reason = "it is done, but its outputs are not known, and it must not run twice".to_owned();
        self.step(task, &TaskEvent::Failed { reason });
    }

    fn proof_answered(&mut self, task: usize, verdict: &Verdict, diagnosis: &Diagnosis, now: Timestamp) {
        let Some(proof) = self.slots[task].proof.clone() else { return };
        match verdict {
            Verdict::True => self.step(task, &TaskEvent::Done),
            _ if proof.lost => self.lost(task, Some(verdict), now),
            _ if self.stopping == Stopping::Hard => self.put_back(task),
            // An error that stays is none to wait for; a no may become a yes.
            _ if !proof.last && (!is_error(verdict) || diagnosis.hopeless().is_none()) => {
                let at =
                    later(now, self.task(task).policy.verify_interval_ms.max(1)).min(proof.deadline.max(now));
                self.slots[task].proof = Some(Proof { ask_at: Some(at), ..proof });
                self.actions.push(Effect::Timer { task, at });
            }
            Verdict::Error { message } => {
                let reason = format!("it could not be told whether it worked: {message}");
                self.failed(task, (FailureKind::CheckError, reason), diagnosis, now);
            }
            Verdict::False => {
                let reason = "it ended well, but its effect is not there".to_owned();
                self.failed(task, (FailureKind::NotVerified, reason), diagnosis, now);
            }
        }
    }

    fn attempt_ended(&mut self, task: usize, end: &Outcome, diagnosis: &Diagnosis, now: Timestamp) {
        let planned = self.task(task);
        let has_proof = planned.has_verify || planned.has_check;
        match retry::classify(&planned.policy, end) {
            Meaning::Success if !has_proof => self.step(task, &TaskEvent::Done),
            Meaning::Success if self.stopping == Stopping::Hard => self.put_back(task),
            Meaning::Success => self.prove(task, false, now),
            Meaning::Failure { failure, reason } => self.failed(task, (failure, reason), diagnosis, now),
            Meaning::Interrupted => {
                // Nobody but a person stops an attempt: what was meant is the run.
                self.stopping = self.stopping.max(Stopping::Gently);
                self.put_back(task);
            }
            Meaning::Lost if has_proof && self.stopping < Stopping::Hard => self.prove(task, true, now),
            Meaning::Lost => self.lost(task, None, now),
        }
    }

    /// Looks whether the attempt had its effect.
    fn prove(&mut self, task: usize, lost: bool, now: Timestamp) {
        self.step(task, &TaskEvent::VerifyStarted);
        let deadline = later(now, self.task(task).policy.verify_timeout_ms);
        self.slots[task].proof = Some(Proof { deadline, ask_at: None, last: false, lost });
        self.due_probes.push_back(task);
    }

    /// Decides about a lost end as recovery does.
    fn lost(&mut self, task: usize, verdict: Option<&Verdict>, now: Timestamp) {
        let planned = self.task(task);
        let reason = match recovery::decide(planned, &Found::Gone, verdict) {
            Decision::Completed => return self.step(task, &TaskEvent::Done),
            Decision::Again if self.tries(task) < planned.policy.retry.attempts => {
                return self.try_again(task, "its end was lost, and its work is not done".to_owned(), now);
            }
            Decision::Again => {
                let reason = "its end was lost, and its work is not done".to_owned();
                return self.step(task, &TaskEvent::Failed { reason });
            }
            Decision::Unknown { reason } => reason,
            Decision::Wait | Decision::Stop | Decision::Ask(_) => "its end was lost".to_owned(),
        };
        self.step(task, &TaskEvent::Lost { reason });
    }

    /// Tries since the task was last begun afresh, the current one included.
    fn tries(&self, task: usize) -> u32 {
        self.slots[task].number - self.slots[task].first + 1
    }

    fn failed(
        &mut self,
        task: usize,
        (failure, reason): (FailureKind, String),
        diagnosis: &Diagnosis,
        now: Timestamp,
    ) {
        if self.slots[task].stopped {
            // It ended because we stopped it, whatever it says.
            return self.put_back(task);
        }
        match retry::next(&self.task(task).policy.retry, failure, self.tries(task), diagnosis) {
            Next::Again => self.try_again(task, reason, now),
            Next::Hopeless(cause) => {
                let reason = retry::hopeless_reason(&reason, &cause);
                self.step(task, &TaskEvent::Failed { reason });
            }
            Next::Enough => self.step(task, &TaskEvent::Failed { reason }),
        }
    }

    fn try_again(&mut self, task: usize, reason: String, now: Timestamp) {
        let tries = self.tries(task);
        self.next_try(task);
        if self.held_back() {
            return self.put_back(task);
        }
        let planned = self.task(task);
        let delay_ms = retry::delay_ms(&planned.policy.retry, &self.options.run, &planned.key, tries);
        let at = later(now, delay_ms);
        let attempt = self.slots[task].number;
        let record = Record::RetryScheduled {
            run: self.options.run.clone(),
            key: planned.key.clone(),
            id: planned.id.clone(),
            attempt,
            delay_ms,
            reason,
        };
        self.records.push(Effect::Record(Box::new(record)));
        self.step(task, &TaskEvent::RetryScheduled { attempt, until_ms: at.as_millisecond() });
        self.slots[task].retry_at = Some(at);
        self.actions.push(Effect::Timer { task, at });
    }

    fn next_try(&mut self, task: usize) {
        let slot = &mut self.slots[task];
        slot.number += u32::from(slot.tried);
        slot.tried = false;
    }

    pub(super) fn put_back(&mut self, task: usize) {
        self.step(task, &TaskEvent::PutBack);
        self.put_back.push(task);
    }

    /// Starts an attempt in the room that the task has.
    pub(super) fn launch(&mut self, task: usize, now: Timestamp) {
        let number = self.slots[task].number;
        let attempt = retry::attempt_id(&self.options.run, &self.task(task).key, number, now);
        self.step(task, &TaskEvent::AttemptStarted { attempt: attempt.clone(), number });
        self.slots[task].ran = true;
        self.occupy(task, Work::Attempt(attempt.clone()));
        let digest = self.slots[task].digest.clone();
        self.actions.push(Effect::Attempt { task, attempt, number, digest });
    }

    pub(super) fn occupy(&mut self, task: usize, work: Work) {
        self.slots[task].work = Some(work);
        self.slots[task].tried = true;
        self.at_work += 1;
    }

    fn timer(&mut self, task: usize, now: Timestamp) {
        let slot = &mut self.slots[task];
        let ask_at = slot.proof.as_ref().and_then(|proof| proof.ask_at);
        // One that comes too early is asked for again; one that nobody waits for is passed over.
        match slot.retry_at.or(ask_at) {
            None => {}
            Some(at) if now < at => self.actions.push(Effect::Timer { task, at }),
            Some(_) if slot.retry_at.is_some() => {
                self.step(task, &TaskEvent::RetryDue);
                self.arrive(task);
            }
            Some(_) => {
                if let Some(proof) = &mut slot.proof {
                    proof.ask_at = None;
                }
                self.due_probes.push_back(task);
            }
        }
    }

    fn approved(&mut self, task: usize) -> Result<(), Refused> {
        if !matches!(&self.states[task], TaskState::Waiting { on: WaitFor::Approval { .. } }) {
            return Err(self.not_now(task, "it does not wait for an approval"));
        }
        self.slots[task].approved = true;
        self.step(task, &TaskEvent::Approved);
        self.arrive(task);
        Ok(())
    }

    fn set(&mut self, task: usize, to: TaskState) -> Result<(), Refused> {
        let event = TaskEvent::Set { to };
        if let Err(illegal) = self.states[task].next(&event) {
            return Err(self.not_now(task, illegal.to_string()));
        }
        self.step_by(task, &event, Some(A_PERSON));
        if self.states[task] == TaskState::Pending {
            // Begun afresh: all tries are left, and what was approved must be approved again.
            self.next_try(task);
            let slot = &mut self.slots[task];
            slot.first = slot.number;
            slot.ran = false;
            slot.approved = false;
            slot.recall = false;
            self.settle();
            self.reconsider(task);
        }
        Ok(())
    }
}

fn is_error(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Error { .. })
}

/// `now` and so many milliseconds, at the end of time at the latest.
fn later(now: Timestamp, ms: u64) -> Timestamp {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(now.as_millisecond().saturating_add(ms)).unwrap_or(Timestamp::MAX)
}
