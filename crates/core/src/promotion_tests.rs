//! Pairs of standings row by row, and what holds what back.

use super::*;
use crate::action::ActionKind;
use crate::build::planned_task;
use crate::id::Digest;

fn failed() -> Standing {
    Standing::Failed { reason: "exit code 1".to_owned() }
}

fn left_out() -> Standing {
    Standing::LeftOut { reason: "needs a cluster".to_owned() }
}

fn bound(standing: Standing) -> Side {
    Side { standing, has_action: true }
}

fn manual(standing: Standing) -> Side {
    Side { standing, has_action: false }
}

/// The verdict about one task, as JSON has it, without what stands beside it.
fn name(from: Side, to: Side) -> String {
    let value = serde_json::to_value(alone(&Pair { from, to })).unwrap();
    let part = |name: &str| value.get(name).map(|value| format!(" {value}")).unwrap_or_default();
    format!("{}{}{}", value["promotion"].as_str().unwrap(), part("first"), part("holds"))
}

#[test]
fn what_is_bound_in_both_runs_where_it_is_proved_and_not_done() {
    use Standing::{Changed, Claimed, Done, Drifted, Open};
    let unknown = || Standing::Unknown { reason: "killed".to_owned() };
    let rows = [
        (Done, Open, "run"),
        (Done, failed(), "run"),
        (Done, Changed, "run"),
        (Done, Done, "same"),
        (Done, Claimed, "same"),
        (Done, Drifted, "run"),
        (Drifted, Open, "not_proved"),
        (Drifted, Done, "ahead"),
        (Claimed, Claimed, "same"),
        (Claimed, Open, "not_proved"),
        (Changed, Open, "not_proved"),
        (Open, Open, "not_proved"),
        (failed(), failed(), "not_proved"),
        (unknown(), Open, "not_proved"),
        (Changed, Done, "ahead"),
        (Open, Done, "ahead"),
        (failed(), Claimed, "ahead"),
        (Done, unknown(), "person"),
        (Done, left_out(), "only_in true false"),
        (left_out(), left_out(), "same"),
        (left_out(), Open, "only_in false true"),
        (left_out(), Done, "only_in false false"),
        (Open, Standing::Group, "completes"),
        (Standing::Group, Open, "only_in false true"),
    ];
    for (from, to, expected) in rows {
        assert_eq!(name(bound(from.clone()), bound(to.clone())), expected, "{from:?} {to:?}");
    }
}

#[test]
fn a_person_proves_no_action_and_an_action_no_person() {
    use Standing::{Done, Open};
    assert_eq!(name(manual(Done), manual(Open)), "person");
    assert_eq!(name(manual(Done), manual(Done)), "same");
    assert_eq!(name(manual(Open), manual(Open)), "person");
    assert_eq!(name(bound(Done), manual(Open)), "only_in true true");
    assert_eq!(name(manual(Done), bound(Open)), "only_in false true");
    assert_eq!(name(manual(Done), bound(Done)), "same");
}

fn chain(pairs: &[(Standing, Standing)], dependencies: &[&[usize]]) -> Vec<Promotion> {
    let pair = |(from, to): &(Standing, Standing)| Pair { from: bound(from.clone()), to: bound(to.clone()) };
    let pairs: Vec<Pair> = pairs.iter().map(pair).collect();
    compare(&pairs, &Dag::new(dependencies).unwrap())
}

#[test]
fn what_depends_on_a_task_that_is_held_back_is_held_back_through_those_that_are_done() {
    use Standing::{Changed, Done, Open};
    let found = chain(
        &[(Changed, Open), (Done, Done), (Done, Open), (Done, Open), (Done, Open)],
        &[&[], &[0], &[1], &[2], &[]],
    );
    assert!(matches!(found[0], Promotion::NotProved { .. }));
    assert_eq!(found[1], Promotion::Same);
    assert_eq!(found[2], Promotion::HeldBack { by: 0 });
    assert_eq!(found[3], Promotion::HeldBack { by: 0 }, "the reason is named, not the next in the row");
    assert!(matches!(found[4], Promotion::Run { .. }));
}

#[test]
fn what_is_left_out_holds_nothing_back_and_passes_on_what_does() {
    use Standing::{Done, Open};
    let found = chain(&[(Done, left_out()), (Done, Open)], &[&[], &[0]]);
    assert!(matches!(found[1], Promotion::Run { .. }));
    let found = chain(&[(left_out(), Open), (Done, Open)], &[&[], &[0]]);
    assert_eq!(found[1], Promotion::HeldBack { by: 0 }, "what was never executed is not done there either");
    let found = chain(&[(Open, Open), (Done, left_out()), (Done, Open)], &[&[], &[0], &[1]]);
    assert_eq!(found[2], Promotion::HeldBack { by: 0 });
}

#[test]
fn dependencies_may_stand_later_in_the_document() {
    use Standing::{Done, Open};
    let found = chain(&[(Done, Open), (failed(), Open)], &[&[1], &[]]);
    assert_eq!(found[0], Promotion::HeldBack { by: 1 });
}

#[test]
fn a_group_follows_its_subtasks() {
    use Standing::{Done, Group, Open};
    let group = |subtask: (Standing, Standing)| chain(&[subtask, (Group, Group)], &[&[], &[0]]).remove(1);
    assert_eq!(group((Done, Open)), Promotion::Completes);
    assert_eq!(group((Done, Done)), Promotion::Same);
    assert_eq!(group((Open, Open)), Promotion::HeldBack { by: 0 });
    assert_eq!(group((Open, Done)), Promotion::Same);
}

fn planned(disposition: Disposition) -> PlannedTask {
    let is_executed = disposition == Disposition::Execute;
    PlannedTask {
        kind: is_executed.then_some(ActionKind::Shell),
        digest: is_executed.then(|| Digest::of(b"today")),
        disposition,
        has_check: true,
        ..planned_task(0)
    }
}

fn recorded(state: TaskState, action: Option<&str>, by: Option<&str>) -> Recorded {
    let digest = action.map(|action| Digest::of(action.as_bytes()));
    Recorded { state, digest, by: by.map(str::to_owned), ..Recorded::default() }
}

#[test]
fn a_task_stands_by_what_is_recorded_of_the_action_as_it_is_today() {
    use TaskState::{Completed, Pending, Satisfied};
    let rows = [
        (recorded(Completed, Some("today"), None), Standing::Done),
        (recorded(Satisfied, Some("today"), None), Standing::Done),
        (recorded(Completed, Some("before"), None), Standing::Changed),
        (recorded(Completed, None, None), Standing::Changed),
        (recorded(Completed, None, Some("ann")), Standing::Done),
        (recorded(Completed, Some("before"), Some("ann")), Standing::Changed),
        (recorded(TaskState::Claimed, Some("today"), None), Standing::Claimed),
        (recorded(Pending, Some("today"), None), Standing::Open),
        (recorded(TaskState::Skipped { reason: String::new() }, None, None), Standing::Open),
        (recorded(TaskState::Failed { reason: "exit code 1".to_owned() }, Some("today"), None), failed()),
    ];
    let drifted = Recorded { drifted: true, ..recorded(Completed, Some("today"), None) };
    let changed_too = Recorded { drifted: true, ..recorded(Completed, Some("before"), None) };
    let rows = rows.into_iter().chain([(drifted, Standing::Drifted), (changed_too, Standing::Changed)]);
    for (known, expected) in rows {
        let side = Side::of(&planned(Disposition::Execute), Some(&known));
        assert_eq!((side.standing, side.has_action), (expected, true), "{known:?}");
    }
    assert_eq!(Side::of(&planned(Disposition::Execute), None).standing, Standing::Open);
}

#[test]
fn what_the_plan_decided_already_stands_so() {
    let standing = |disposition| Side::of(&planned(disposition), None).standing;
    let state = |state| standing(Disposition::Recorded { state });
    assert_eq!(state(TaskState::Completed), Standing::Done);
    assert_eq!(state(TaskState::Skipped { reason: "needs a cluster".to_owned() }), left_out());
    assert!(matches!(state(TaskState::Cancelled), Standing::LeftOut { .. }));
    assert_eq!(standing(Disposition::Skip { reason: "needs a cluster".to_owned() }), left_out());
    assert!(matches!(standing(Disposition::Cancelled), Standing::LeftOut { .. }));
    assert_eq!(standing(Disposition::Claimed), Standing::Claimed);
    assert_eq!(standing(Disposition::Group), Standing::Group);
    assert_eq!(standing(Disposition::Manual), Standing::Open);
    // A manual task whose record a person made stays open for the one of another document.
    let side = Side::of(&planned(Disposition::Manual), Some(&recorded(TaskState::Completed, None, None)));
    assert_eq!(side.standing, Standing::Open);
}
