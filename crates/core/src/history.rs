//! What all runs together left behind about each task, by document and environment.
//!
//! Folding every entry of the ledger in order gives what [`crate::resolve`] needs to know. Two rules
//! live here alone: a state that a person set keeps bearing that person's name while later runs only
//! repeat it, and a task that was recognised by likeness keeps its history but not its completion.

use crate::id::{AttemptId, DocumentId, EnvironmentName, RunId, TaskKey};
use crate::journal::{Entry, KnownTask, Outcome, Record, Recorded, TaskChange};
use crate::state::TaskState;
use std::collections::HashMap;

type Place = (DocumentId, EnvironmentName);

#[derive(Clone, Debug)]
struct OpenAttempt {
    place: Place,
    key: TaskKey,
    undo: bool,
}

/// The fold.
#[derive(Clone, Debug, Default)]
pub struct History {
    recorded: HashMap<Place, HashMap<TaskKey, Recorded>>,
    runs: HashMap<RunId, Place>,
    open: HashMap<AttemptId, OpenAttempt>,
}

impl History {
    /// Folds one entry.
    pub fn apply(&mut self, entry: &Entry) {
        match &entry.record {
            Record::RunStarted { run, plan, .. } => {
                self.runs.insert(run.clone(), (plan.document.clone(), plan.environment.clone()));
            }
            Record::TaskState { document, environment, key, to, digest, by, .. } => {
                let place = (document.clone(), environment.clone());
                let known = self.recorded.entry(place).or_default().entry(key.clone()).or_default();
                // The run's own record of a person's wish, or of what a plan recalled of it.
                let repeats = known.state.name() == to.name() && known.by.is_some();
                if !repeats {
                    known.by.clone_from(by);
                }
                if by.is_some() {
                    // A person has said what became of it, its last attempt included.
                    known.open_attempt = None;
                }
                known.state = to.clone();
                known.digest.clone_from(digest);
            }
            Record::AttemptStarted { attempt, run, key, undo, .. } => {
                if let Some(place) = self.runs.get(run).cloned() {
                    self.known(&place, key).open_attempt = Some(attempt.clone());
                    let open = OpenAttempt { place, key: key.clone(), undo: *undo };
                    self.open.insert(attempt.clone(), open);
                }
            }
            Record::AttemptEnded { attempt, end, duration_ms, .. } => {
                if let Some(OpenAttempt { place, key, undo }) = self.open.remove(attempt) {
                    let known = self.known(&place, &key);
                    known.open_attempt = None;
                    if *end == Outcome::Succeeded && !undo {
                        known.last_duration_ms = Some(*duration_ms);
                    }
                }
            }
            Record::RunEnded { run, .. } => {
                self.runs.remove(run);
            }
            Record::DocumentParsed { document, tasks, changes, .. } => {
                self.drop_completion_of_likenesses(document, tasks, changes);
            }
            Record::AttemptSpawned { .. }
            | Record::ProbeEnded { .. }
            | Record::RetryScheduled { .. }
            | Record::ApprovalGiven { .. } => {}
        }
    }

    /// What is known about the tasks of a document in an environment.
    pub fn recorded(
        &self,
        document: &DocumentId,
        environment: &EnvironmentName,
    ) -> HashMap<TaskKey, Recorded> {
        self.recorded.get(&(document.clone(), environment.clone())).cloned().unwrap_or_default()
    }

    fn known(&mut self, place: &Place, key: &TaskKey) -> &mut Recorded {
        self.recorded.entry(place.clone()).or_default().entry(key.clone()).or_default()
    }

    /// A renamed task is another task as far as evidence goes. What is held against it (a failure,
    /// an unknown end) stays.
    fn drop_completion_of_likenesses(
        &mut self,
        document: &DocumentId,
        tasks: &[KnownTask],
        changes: &[TaskChange],
    ) {
        let renamed = changes.iter().filter_map(|change| match change {
            TaskChange::Renamed { from, id } if from != id => Some(id),
            _ => None,
        });
        let by_id: HashMap<_, _> = tasks.iter().map(|task| (&task.id, &task.key)).collect();
        let keys: Vec<_> = renamed.filter_map(|id| by_id.get(id)).collect();
        let here = self.recorded.iter_mut().filter(|((of, _), _)| of == document);
        for (_, recorded) in here {
            for key in &keys {
                if let Some(known) =
                    recorded.get_mut::<TaskKey>(key).filter(|known| known.state.lets_dependants_go())
                {
                    known.state = TaskState::Pending;
                    known.digest = None;
                    known.by = None;
                }
            }
        }
    }
}
