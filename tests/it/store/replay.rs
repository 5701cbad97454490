//! Replaying the events gives what was lived.

use super::lives::{TASKS, live};
use super::support::*;
use proptest::prelude::*;
use std::collections::HashMap;
use taskmaster::store::Access;
use taskmaster_core::id::{AttemptId, Digest, EnvironmentName, RunId, TaskId, TaskKey};
use taskmaster_core::journal::{Entry, Outcome, Record, Recorded, TaskChange};
use taskmaster_core::state::TaskState;

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
    let known = Recorded {
        state,
        digest,
        open_attempt,
        last_duration_ms,
        by,
        drifted,
        state_seq,
        ..Recorded::default()
    };
    Some(known)
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

/// The inputs of the fuzz target: what is done is the first word of the name, and whether it is found the second.
#[test]
fn whatever_is_done_to_a_ledger_is_found() {
    for (name, input) in taskmaster_testkit::fuzz_inputs("ledger") {
        let (done, is_found) = super::lives::check(&input);
        let said = format!("{done}-{}-", if is_found { "found" } else { "whole" });
        assert!(name.starts_with("kept-") || name.starts_with(&said), "{name}: {said}");
    }
}
