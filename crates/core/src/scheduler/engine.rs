//! The scheduler itself.

use super::{Effect, Event, Options};
use crate::plan::Plan;
use crate::state::TaskState;
use jiff::Timestamp;
use std::collections::BTreeMap;
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

/// Owns the states of one run.
#[derive(Debug)]
pub struct Scheduler {
    plan: Arc<Plan>,
    options: Options,
    states: Vec<TaskState>,
}

impl Scheduler {
    /// A scheduler for `plan`, every task pending. Fails on a plan that is no DAG.
    pub fn new(plan: impl Into<Arc<Plan>>, options: Options) -> Result<Self, crate::dag::GraphError> {
        let plan = plan.into();
        let states = vec![TaskState::Pending; plan.tasks.len()];
        Ok(Self { plan, options, states })
    }

    /// Takes one event.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Result<Vec<Effect>, Refused> {
        let mut tick = self.handle_many([event], now);
        match tick.refused.pop() {
            Some((_, refused)) => Err(refused),
            None => Ok(tick.effects),
        }
    }

    /// Takes events that came together, then decides once: their records share one commit.
    pub fn handle_many(&mut self, events: impl IntoIterator<Item = Event>, now: Timestamp) -> Tick {
        let _ = (events.into_iter().count(), now);
        Tick::default()
    }

    /// The state of every task, by index into the plan.
    pub fn states(&self) -> &[TaskState] {
        &self.states
    }

    /// How many tasks are in each state, by [`TaskState::name`]; states without tasks are absent.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Its settings.
    pub fn options(&self) -> &Options {
        &self.options
    }
}
