//! A run that is told step by step: what happens, and all that the scheduler answers.

use crate::build::{Edit, at, options, plan};
use crate::sim::{Sim, attempt_ended, failed, hopeless};
use std::collections::BTreeMap;
use taskmaster_core::action::FailureKind;
use taskmaster_core::cause::Diagnosis;
use taskmaster_core::id::AttemptId;
use taskmaster_core::journal::{Outcome, ProbeKind, Record, Verdict};
use taskmaster_core::plan::PlannedTask;
use taskmaster_core::scheduler::{Effect, Event, Options, Refused};
use taskmaster_core::state::TaskState;

/// A run that is told step by step.
pub(crate) struct Script {
    pub(crate) sim: Sim,
    pub(crate) seen: usize,
}

impl Script {
    pub(crate) fn new(options: Options, edits: &[Edit<'_>]) -> Self {
        Self { sim: Sim::new(plan(edits), options), seen: 0 }
    }

    /// Begins a run with two jobs.
    pub(crate) fn begin(edits: &[Edit<'_>]) -> Self {
        let mut script = Self::new(options(2), edits);
        script.give(vec![Event::Begin]);
        script
    }

    pub(crate) fn keep_going(edits: &[Edit<'_>]) -> Self {
        let mut script = Self::new(Options { keep_going: true, ..options(1) }, edits);
        script.give(vec![Event::Begin]);
        script
    }

    pub(crate) fn give(&mut self, events: Vec<Event>) -> Vec<(usize, Refused)> {
        self.seen = self.sim.effects.len();
        self.sim.give(events)
    }

    pub(crate) fn check(&mut self, task: usize, verdict: Verdict) {
        self.probe(task, ProbeKind::Check, verdict);
    }

    pub(crate) fn probe(&mut self, task: usize, probe: ProbeKind, verdict: Verdict) {
        let refused = self.give(vec![Event::ProbeEnded {
            task,
            probe,
            verdict,
            duration_ms: 1,
            outputs: BTreeMap::default(),
            diagnosis: Diagnosis::default(),
        }]);
        assert_eq!(refused, []);
    }

    /// An answer with a cause that another try does not help.
    pub(crate) fn hopeless_probe(&mut self, task: usize, probe: ProbeKind, verdict: Verdict) {
        let (duration_ms, outputs) = (1, BTreeMap::default());
        let answer = Event::ProbeEnded { task, probe, verdict, duration_ms, outputs, diagnosis: hopeless() };
        assert_eq!(self.give(vec![answer]), []);
    }

    /// An end with a cause that another try does not help.
    pub(crate) fn hopeless_end(&mut self, task: usize, end: Outcome) {
        let mut ended = attempt_ended(task, self.attempt(task), end, 1);
        if let Event::AttemptEnded { diagnosis, .. } = &mut ended {
            *diagnosis = hopeless();
        }
        assert_eq!(self.give(vec![ended]), []);
    }

    pub(crate) fn end(&mut self, task: usize, end: Outcome) {
        let attempt = self.attempt(task);
        assert_eq!(self.give(vec![attempt_ended(task, attempt, end, 1)]), []);
    }

    /// Time goes on while something is at work.
    pub(crate) fn later(&mut self, ms: i64) {
        self.sim.now = at(ms);
    }

    pub(crate) fn timer(&mut self, task: usize, ms: i64) {
        self.sim.now = at(ms);
        assert_eq!(self.give(vec![Event::Timer { task }]), []);
    }

    pub(crate) fn set(&mut self, task: usize, to: TaskState) {
        assert_eq!(self.give(vec![Event::Set { task, to }]), []);
    }

    /// What the last events led to, records of states and answers left out.
    pub(crate) fn answer(&self) -> Vec<String> {
        let told = |effect: &Effect| match effect {
            Effect::Record(record) => match &**record {
                Record::RetryScheduled { id, attempt, delay_ms, .. } => {
                    Some(format!("retry {id} #{attempt} after {delay_ms}"))
                }
                _ => None,
            },
            Effect::Probe { task, probe, last } => {
                Some(format!("{probe:?} t{task}{}", if *last { " for the last time" } else { "" }))
            }
            Effect::Attempt { task, number, .. } => Some(format!("Attempt t{task} #{number}")),
            Effect::Stop { task } => Some(format!("Stop t{task}")),
            Effect::Timer { task, at } => {
                Some(format!("Timer t{task} {}", at.as_millisecond() - crate::build::at(0).as_millisecond()))
            }
            Effect::Finish(end) => Some(format!("Finish {end:?}")),
        };
        self.sim.effects[self.seen..].iter().filter_map(told).collect()
    }

    pub(crate) fn state(&self, task: usize) -> &TaskState {
        &self.sim.scheduler.states()[task]
    }

    /// The attempt at work for a task.
    pub(crate) fn attempt(&self, task: usize) -> AttemptId {
        match self.state(task) {
            TaskState::Running { attempt, .. } => attempt.clone(),
            other => panic!("t{task} is {}", other.name()),
        }
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.sim.scheduler.states().iter().map(TaskState::name).collect()
    }
}

pub(crate) fn with_check(task: &mut PlannedTask) {
    task.has_check = true;
}

pub(crate) fn after(dependencies: &'static [usize]) -> impl Fn(&mut PlannedTask) {
    |task| task.dependencies = dependencies.to_vec()
}

pub(crate) fn any(_: &mut PlannedTask) {}

pub(crate) fn retrying(task: &mut PlannedTask) {
    task.policy.retry.attempts = 3;
    task.policy.retry.jitter = false;
}

pub(crate) fn error() -> Verdict {
    Verdict::Error { message: "api is down".to_owned() }
}

pub(crate) fn boom() -> Outcome {
    failed(FailureKind::ExitCode)
}
