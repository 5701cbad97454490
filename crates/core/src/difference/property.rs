//! What is said to happen is what resolving does with the memory of a place that did all that the base asks
//! for.

use super::model::{Effect, Why};
use super::tests::{World, compare, plan};
use crate::action::When;
use crate::document::Claim;
use crate::id::{Digest, TaskId, TaskKey};
use crate::journal::Recorded;
use crate::plan::Disposition;
use crate::state::TaskState;
use proptest::prelude::*;
use std::collections::HashMap;

/// Titles that nobody takes for each other.
const TITLES: [&str; 6] = ["alpha", "bravo", "xenon", "quiet", "juniper", "mosk"];

/// What is known of one task on one side.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Bound(u8),
    Marked(u8),
    Manual,
    Unbound,
    LeftOut,
    Optional,
    Cancelled,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => (0..3_u8).prop_map(Kind::Bound),
        2 => (0..3_u8).prop_map(Kind::Marked),
        1 => Just(Kind::Manual),
        1 => Just(Kind::Unbound),
        1 => Just(Kind::LeftOut),
        1 => Just(Kind::Optional),
        1 => Just(Kind::Cancelled),
    ]
}

fn side() -> impl Strategy<Value = World> {
    proptest::collection::vec(proptest::option::weighted(0.8, kind()), TITLES.len()).prop_map(|kinds| {
        let held: Vec<(&str, Kind)> =
            TITLES.into_iter().zip(kinds).filter_map(|(title, kind)| Some((title, kind?))).collect();
        let titles: Vec<&str> = held.iter().map(|(title, _)| *title).collect();
        let mut world = World::new(&format!("a: one {}", titles.join(" ")));
        held.into_iter().for_each(|(title, kind)| set(&mut world, &format!("a/{title}"), kind));
        world
    })
}

fn set(world: &mut World, id: &str, kind: Kind) {
    match kind {
        Kind::Bound(version) | Kind::Marked(version) => world.rewrite(id, &format!("do {id} {version}")),
        Kind::Manual => world.binding(id).action = None,
        Kind::Unbound => drop(world.bindings.remove(id)),
        Kind::LeftOut => {
            world.binding(id).action = None;
            world.binding(id).when = When::Skip { reason: "no cluster".to_owned() };
        }
        Kind::Optional => world.task(id).optional = true,
        Kind::Cancelled => world.task(id).status = Claim::Cancelled,
    }
    if let Kind::Marked(_) = kind {
        world.task(id).status = Claim::Completed;
    }
}

/// What a ledger holds after everything went well.
fn remembered(base: &World) -> HashMap<TaskKey, Recorded> {
    let known = |state, by: Option<&str>, digest: Option<Digest>| Recorded {
        state,
        by: by.map(str::to_owned),
        digest,
        ..Recorded::default()
    };
    let tasks = plan(base, &HashMap::new()).tasks.into_iter();
    let of = |task: crate::plan::PlannedTask| {
        let recorded = match task.disposition {
            Disposition::Execute => known(TaskState::Completed, None, task.digest),
            Disposition::Manual => known(TaskState::Completed, Some("somebody"), None),
            Disposition::Claimed => known(TaskState::Claimed, None, None),
            Disposition::Skip { reason } => known(TaskState::Skipped { reason }, None, None),
            Disposition::Cancelled => known(TaskState::Cancelled, None, None),
            other => panic!("nothing else is made here: {other:?}"),
        };
        (task.key, recorded)
    };
    tasks.map(of).collect()
}

proptest! {
    #[test]
    fn what_is_told_is_what_resolving_does(base in side(), head in side()) {
        let difference = compare(&base, &head);
        let effect = |id: &TaskId| {
            let told = difference.tasks.iter().find(|task| task.head.as_ref() == Some(id));
            told.map_or(Effect::Nothing, |task| task.effect.clone())
        };
        for task in plan(&head, &remembered(&base)).tasks {
            let effect = effect(&task.id);
            let stands = matches!(effect, Effect::Nothing);
            // Whoever did it by hand need not have it done again.
            let by_hand = matches!(effect, Effect::Runs { why: Why::WasManual } | Effect::Claimed);
            let agrees = match &task.disposition {
                Disposition::Recorded { .. } => stands || by_hand,
                Disposition::Execute => matches!(effect, Effect::Runs { .. } | Effect::RunsAgain { .. }),
                Disposition::Manual => matches!(effect, Effect::Waits { .. }),
                Disposition::Claimed => stands || effect == Effect::Claimed,
                Disposition::Skip { .. } => stands || matches!(effect, Effect::Skipped { .. }),
                Disposition::Cancelled => stands || effect == Effect::Cancelled,
                Disposition::Group | Disposition::Unknown { .. } => false,
            };
            prop_assert!(agrees, "{}: {:?} told as {effect:?}", task.id, task.disposition);
        }
    }

    #[test]
    fn a_difference_and_its_reverse_name_the_same_ties(base in side(), head in side()) {
        let (there, back) = (compare(&base, &head), compare(&head, &base));
        prop_assert_eq!(there.is_empty(), back.is_empty());
        prop_assert!(compare(&base, &base).is_empty());
        let held = |world: &World, id: &TaskId| world.document.tasks.iter().any(|task| task.id == *id);
        for tie in there.gained.iter().filter(|tie| held(&base, &tie.task)) {
            prop_assert!(back.lost.contains(tie));
        }
    }
}
