//! Fills the free jobs, and sees when nothing is left to do.

use super::engine::{Life, Need, Scheduler, Slot, Stopping, Work};
use super::{Effect, RunEnd};
use crate::journal::ProbeKind;
use crate::state::{TaskEvent, TaskState, WaitFor};
use jiff::Timestamp;

impl Scheduler {
    /// Starts what may start: first looks at what has run, then tasks that got their locks, then
    /// the most urgent ready ones.
    pub(super) fn dispatch(&mut self, now: Timestamp) {
        self.go_on_after_checks(now);
        if self.stopping == Stopping::Hard {
            self.stop_what_runs();
        }
        self.settle();
        if self.stopping == Stopping::Hard {
            return;
        }
        self.look_at_effects(now);
        if self.held_back() {
            return;
        }
        for task in std::mem::take(&mut self.put_back) {
            self.reconsider(task);
        }
        self.settle();
        while let Some((task, ticket)) = self.asks.pop_front() {
            if self.stands(task, ticket) {
                self.ask(task);
            }
        }
        while self.has_room() {
            let Some((task, ticket)) = self.served.pop_front().or_else(|| self.ready.pop()) else { break };
            // Without its locks a task waits in their queue and comes back by `served`.
            if self.stands(task, ticket) && self.locks.acquire(task) {
                self.start(task, now);
            }
        }
    }

    /// Tasks whose check was false go on in the room that the check had.
    fn go_on_after_checks(&mut self, now: Timestamp) {
        for task in std::mem::take(&mut self.checked) {
            if self.held_back() || self.slots[task].unmet > 0 {
                self.put_back(task);
            } else if self.needs_approval(task) {
                self.ask(task);
            } else {
                self.launch(task, now);
            }
        }
    }

    /// Once: a stop is not repeated while its end is awaited.
    fn stop_what_runs(&mut self) {
        for task in 0..self.states.len() {
            match &mut self.slots[task] {
                Slot { work: Some(_), stopped, .. } if !*stopped => {
                    *stopped = true;
                    self.actions.push(Effect::Stop { task });
                }
                Slot { work: None, proof: Some(_), .. } => self.put_back(task),
                _ => {}
            }
        }
    }

    fn has_room(&self) -> bool {
        self.at_work < self.options.jobs.max(1)
    }

    fn stands(&self, task: usize, ticket: u64) -> bool {
        self.slots[task].ticket == ticket && self.states[task] == TaskState::Ready
    }

    fn look_at_effects(&mut self, now: Timestamp) {
        while self.has_room() {
            let Some(task) = self.due_probes.pop_front() else { break };
            let slot = &mut self.slots[task];
            let Some(proof) = slot.proof.as_mut().filter(|proof| proof.ask_at.is_none()) else { continue };
            if slot.work.is_none() {
                proof.last = now >= proof.deadline;
                let last = proof.last;
                let probe = if self.task(task).has_verify { ProbeKind::Verify } else { ProbeKind::Check };
                self.probe(task, probe, last);
            }
        }
    }

    fn probe(&mut self, task: usize, probe: ProbeKind, last: bool) {
        self.occupy(task, Work::Probe(probe));
        self.actions.push(Effect::Probe { task, probe, last });
    }

    fn start(&mut self, task: usize, now: Timestamp) {
        if self.task(task).has_check {
            self.step(task, &TaskEvent::CheckStarted);
            self.probe(task, ProbeKind::Check, false);
        } else {
            self.launch(task, now);
        }
    }

    /// Asks a person for a yes, or for the work itself.
    pub(super) fn ask(&mut self, task: usize) {
        let event = match (&self.task(task).approval, self.need(task)) {
            (Some(message), Need::Execution) => TaskEvent::ApprovalNeeded { message: message.clone() },
            _ => TaskEvent::PersonNeeded,
        };
        self.step(task, &event);
    }

    /// Ends the run once nothing is at work and nothing can go on without a person.
    pub(super) fn finish_if_done(&mut self) {
        let busy = self.at_work > 0 || self.counts.verifying() > 0;
        let can_go_on = self.counts.ready() + self.counts.waiting_for_retry() > 0;
        let waits = self.counts.waiting_for_person() > 0 && !self.options.end_when_waiting;
        if busy || (!self.held_back() && (can_go_on || waits)) {
            return;
        }
        for task in 0..self.states.len() {
            let on_its_way = match &self.states[task] {
                TaskState::Ready => true,
                TaskState::Waiting { on } => matches!(on, WaitFor::Retry { .. }),
                _ => false,
            };
            if on_its_way {
                self.step(task, &TaskEvent::PutBack);
            }
        }
        self.life = Life::Over;
        self.actions.push(Effect::Finish(self.end()));
    }

    /// The gravest of what holds. A person's wish to stop counts only where something is left.
    fn end(&self) -> RunEnd {
        let counts = &self.counts;
        if counts.unknown() > 0 {
            RunEnd::Unknown
        } else if counts.failed() > 0 {
            RunEnd::Failed
        } else if counts.pending() + counts.waiting_for_person() == 0 {
            RunEnd::Succeeded
        } else if self.stopping > Stopping::No {
            RunEnd::Interrupted
        } else {
            RunEnd::Waiting
        }
    }
}
