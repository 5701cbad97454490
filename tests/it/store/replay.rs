//! Replaying the events gives what was lived.

use super::support::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use taskmaster::store::Access;
use taskmaster_core::id::{AttemptId, Digest, EnvironmentName, RunId, TaskId, TaskKey};
use taskmaster_core::journal::{Entry, Outcome, ProbeKind, Record, Recorded, TaskChange, Verdict};
use taskmaster_core::state::TaskState;

const TASKS: usize = 4;

/// A record somebody might write, from a few random numbers; whether it fits is the ledger's affair.
fn record((what, task, other, round): (u8, u8, u8, u8)) -> Record {
    let task = usize::from(task) % TASKS;
    let run = format!("run-{}", round % 4);
    let attempt = format!("A{}", other % 12);
    match what % 14 {
        0 => parsed_with("prd", u64::from(round % 5) + 1, TASKS, renames(task, other)),
        1 => {
            let mut plan = plan("prd", u64::from(round % 5) + 1, u64::from(other % 5) + 1, TASKS);
            plan.environment = EnvironmentName::new(["local", "kind"][usize::from(other) % 2]);
            started(&run, plan)
        }
        2..=4 => {
            let mut record = state(&run, task, some_state(other, &attempt), some_state(round / 4, &attempt));
            if let (Record::TaskState { by, .. }, 0) = (&mut record, other % 3) {
                *by = Some("a person".to_owned());
            }
            record
        }
        5 => set(task, some_state(other, &attempt), some_state(round, &attempt), "ann"),
        6 => {
            let mut record = attempt_started(&run, task, &attempt);
            let Record::AttemptStarted { undo, .. } = &mut record else { unreachable!("made so") };
            *undo = other.is_multiple_of(5);
            record
        }
        7 => spawned(&attempt, u32::from(round) + 1),
        8 => {
            let ends = [Outcome::Succeeded, Outcome::Succeeded, Outcome::Interrupted, Outcome::Lost];
            attempt_ended(&attempt, ends[usize::from(round) % 4].clone())
        }
        9 => Record::ProbeEnded {
            run: (other.is_multiple_of(2)).then(|| RunId::new(run)),
            key: key(task),
            id: id(task),
            probe: if round.is_multiple_of(2) { ProbeKind::Check } else { ProbeKind::Verify },
            verdict: if other.is_multiple_of(3) { Verdict::True } else { Verdict::False },
            duration_ms: u64::from(round),
            outputs: BTreeMap::new(),
            diagnosis: Default::default(),
        },
        10 => approved(&run, task, "ann"),
        // Which entry brought the state is filled in when it is lived.
        11 => Record::DriftFound {
            document: document("prd"),
            environment: local(),
            key: key(task),
            id: id(task),
            state_seq: 0,
        },
        12 => Record::DriftGone {
            document: document("prd"),
            environment: local(),
            key: key(task),
            id: id(task),
        },
        _ if other.is_multiple_of(4) => run_ended(&run),
        _ => Record::RetryScheduled {
            run: RunId::new(run),
            key: key(task),
            id: id(task),
            attempt: 2,
            delay_ms: 10,
            reason: "exit code 1".to_owned(),
        },
    }
}

fn renames(task: usize, other: u8) -> Vec<TaskChange> {
    let from = if other.is_multiple_of(2) { id(task) } else { "before".into() };
    vec![TaskChange::Renamed { from, id: id(task) }]
}

fn some_state(number: u8, attempt: &str) -> TaskState {
    match number % 8 {
        0 => TaskState::Pending,
        1 => TaskState::Ready,
        2 => TaskState::Completed,
        3 => waiting(),
        4 => TaskState::Cancelled,
        5 => TaskState::Running { attempt: AttemptId::from(attempt), number: 1 },
        6 => TaskState::Unknown { reason: "its end was lost".to_owned() },
        _ => TaskState::Pending,
    }
}

/// Lives through the records that fit, in commits of different sizes. Always begins with a run, so
/// that most have something to fit to.
fn live(steps: &[(u8, u8, u8, u8)]) -> (Scene, Vec<Entry>) {
    let mut scene = Scene::new();
    let mut entries = scene.commit(vec![parsed("prd", 1, TASKS), started("run-0", plan("prd", 1, 1, TASKS))]);
    for chunk in steps.chunks(3) {
        let mut records: Vec<_> = chunk.iter().map(|step| record(*step)).collect();
        let recorded = scene.ledger.recorded(&document("prd"), &local()).unwrap();
        for record in &mut records {
            if let Record::DriftFound { key, state_seq, .. } = record {
                *state_seq = recorded.get(key).map_or(0, |known| known.state_seq);
            }
        }
        match scene.try_commit(records.clone()) {
            Ok(committed) => entries.extend(committed),
            // What does not fit as a whole may fit in part.
            Err(_) => entries
                .extend(records.into_iter().flat_map(|one| scene.try_commit(vec![one]).unwrap_or_default())),
        }
    }
    (scene, entries)
}

/// What is recorded, found again from the entries alone and in another way than the ledger does it:
/// by looking back from the end for each task.
fn looked_back(entries: &[Entry], environment: &EnvironmentName) -> HashMap<TaskKey, Recorded> {
    (0..TASKS)
        .map(key)
        .filter_map(|key| Some((key.clone(), look_back(entries, environment, &key)?)))
        .collect()
}

fn look_back(entries: &[Entry], environment: &EnvironmentName, task: &TaskKey) -> Option<Recorded> {
    let runs: Vec<&RunId> = entries
        .iter()
        .filter_map(|entry| match &entry.record {
            Record::RunStarted { run, plan, .. } if plan.environment == *environment => Some(run),
            _ => None,
        })
        .collect();
    let attempts: Vec<(&AttemptId, bool)> = entries
        .iter()
        .filter_map(|entry| match &entry.record {
            Record::AttemptStarted { attempt, run, key, undo, .. } if key == task && runs.contains(&run) => {
                Some((attempt, *undo))
            }
            _ => None,
        })
        .collect();
    let ends = |id: &AttemptId| {
        entries.iter().enumerate().find_map(|(place, entry)| match &entry.record {
            Record::AttemptEnded { attempt, end, duration_ms, .. } if attempt == id => {
                Some((place, *end == Outcome::Succeeded, *duration_ms))
            }
            _ => None,
        })
    };
    // States in the order of recording: each with digest and person; a likeness puts back to pending.
    let mut states: Vec<(usize, TaskState, Option<Digest>, Option<String>)> = Vec::new();
    let mut drifted = false;
    for (place, entry) in entries.iter().enumerate() {
        match &entry.record {
            Record::TaskState { environment: of, key, to, digest, by, .. }
                if key == task && of == environment =>
            {
                states.push((place, to.clone(), digest.clone(), by.clone()));
                drifted &= matches!(
                    to,
                    TaskState::Ready
                        | TaskState::Waiting { .. }
                        | TaskState::Running { .. }
                        | TaskState::Unknown { .. }
                );
            }
            Record::DriftFound { environment: of, key, .. } if key == task && of == environment => {
                drifted = true;
            }
            Record::DriftGone { environment: of, key, .. } if key == task && of == environment => {
                drifted = false;
            }
            Record::DocumentParsed { changes, .. } if !states.is_empty() => {
                let lost = changes.iter().any(|change| {
                    matches!(change, TaskChange::Renamed { from, id: to } if from != to && key_of(to) == *task)
                });
                states.extend(lost.then_some((place, TaskState::Pending, None, None)));
                drifted &= !lost;
            }
            _ => {}
        }
    }
    let open_attempt = attempts.iter().rev().find(|(id, _)| ends(id).is_none()).map(|(id, _)| (*id).clone());
    let Some((place, state, ..)) = states.last().cloned() else {
        return open_attempt.map(|id| Recorded { open_attempt: Some(id), ..Recorded::default() });
    };
    // The first of the last states that are alike, or the first person among them, speaks for all.
    let alike: Vec<_> = states.iter().rev().take_while(|(_, other, ..)| *other == state).collect();
    let speaker = alike.iter().rev().find(|(.., by)| by.is_some()).unwrap_or(&alike[0]);
    let first_state = states[0].0;
    let last_duration_ms = attempts
        .iter()
        .filter(|(_, undo)| !undo)
        .filter_map(|(id, _)| ends(id))
        .filter(|(place, succeeded, _)| *succeeded && *place > first_state)
        .max()
        .map(|(.., duration)| duration);
    let (digest, by, state_seq) = (speaker.2.clone(), speaker.3.clone(), entries[place].seq);
    Some(Recorded { state, digest, open_attempt, last_duration_ms, by, drifted, state_seq })
}

/// The key of the task with this address.
fn key_of(id: &TaskId) -> TaskKey {
    TaskKey::new(id.as_str().replace('t', "KEY"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rebuild_gives_the_rows_that_were_lived(steps in prop::collection::vec(any::<(u8, u8, u8, u8)>(), 0..120)) {
        let (mut scene, entries) = live(&steps);
        let lived = dump(&scene.raw());
        prop_assert_eq!(scene.second(Access::ReadOnly).entries_since(0).unwrap(), entries);
        prop_assert!(scene.ledger.audit().unwrap().holds());
        for environment in [local(), EnvironmentName::from("kind")] {
            let recorded = scene.ledger.recorded(&document("prd"), &environment).unwrap();
            let expected = looked_back(&scene.ledger.entries_since(0).unwrap(), &environment);
            prop_assert_eq!(recorded, expected);
        }
        scene.ledger.rebuild().unwrap();
        prop_assert_eq!(&dump(&scene.raw()), &lived);
        // Also from rows that are all wrong.
        scene.raw().execute_batch(
            "PRAGMA foreign_keys = OFF; DELETE FROM task_states; UPDATE attempts SET ended_seq = NULL, pid = 1;
             DELETE FROM probes; UPDATE documents SET revision = 9; DELETE FROM runs;",
        ).unwrap();
        scene.ledger.rebuild().unwrap();
        prop_assert_eq!(&dump(&scene.raw()), &lived);
    }
}

#[test]
fn the_property_above_meets_every_kind_of_record() {
    // A fixed sequence long enough that each kind fits at least once: the property is not about nothing.
    let mut number = 1_u32;
    let mut next = || {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (number >> 24) as u8
    };
    let steps: Vec<_> = (0..1500).map(|_| (next(), next(), next(), next())).collect();
    let (scene, entries) = live(&steps);
    let kinds: std::collections::BTreeSet<String> = entries
        .iter()
        .map(|entry| serde_json::to_value(&entry.record).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds.len(), 12, "{kinds:?}");
    let lived = dump(&scene.raw());
    // All drift may be over in the end.
    let empty: Vec<_> = lived.iter().filter(|(table, rows)| rows.is_empty() && **table != "drifts").collect();
    assert!(empty.is_empty(), "no rows in {empty:?}");
    assert!(scene.ledger.audit().unwrap().holds());
}
