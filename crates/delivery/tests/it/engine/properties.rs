//! What holds for whatever is seen.

use super::world::revision;
use proptest::prelude::*;
use taskmaster_delivery::engine::{
    Answer, Answered, Delivery, Direction, Effect, Measured, Migrated, Observation, Pods, Reading, Routes,
    Share, State, Verb, Version,
};
use taskmaster_delivery::sim::any as any_rollout;
use taskmaster_delivery::stats::{Arm, Look};
use taskmaster_delivery::time::Time;

fn number() -> impl Strategy<Value = i32> {
    prop_oneof![0..12_i32, Just(i32::MAX), Just(i32::MIN), any::<i32>()]
}

fn pods() -> impl Strategy<Value = Pods> {
    (number(), number(), number(), number()).prop_map(|(wanted, created, available, terminating)| Pods {
        wanted,
        created,
        available,
        terminating,
    })
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["v1", "v2", "v3", ""]).prop_map(str::to_owned)
}

fn version() -> impl Strategy<Value = Version> {
    (name(), any::<u64>(), pods()).prop_map(|(name, number, pods)| Version {
        revision: revision(&name),
        number,
        pods,
    })
}

fn routes() -> impl Strategy<Value = Routes> {
    let share = (name(), any::<u32>()).prop_map(|(name, weight)| Share { revision: revision(&name), weight });
    (name(), prop::option::of(share), prop::option::of(name())).prop_map(|(active, share, preview)| Routes {
        active: revision(&active),
        share,
        preview: preview.map(|name| revision(&name)),
        ..Routes::default()
    })
}

fn reading() -> impl Strategy<Value = Reading> {
    let arm = || (any::<u64>(), any::<u64>()).prop_map(|(units, failures)| Arm { units, failures });
    prop_oneof![
        (arm(), arm()).prop_map(|(canary, baseline)| Reading::Counts(Look { canary, baseline })),
        (prop::collection::vec(any::<u64>(), 0..15), prop::collection::vec(any::<u64>(), 0..15))
            .prop_map(|(canary, baseline)| Reading::Buckets { canary, baseline }),
        (any::<f64>(), any::<f64>()).prop_map(|(canary, baseline)| Reading::Means { canary, baseline }),
        Just(Reading::Nothing { message: "no".to_owned() }),
    ]
}

fn measured() -> impl Strategy<Value = Measured> {
    (0..4_usize, name(), reading()).prop_map(|(metric, name, reading)| Measured {
        metric,
        revision: revision(&name),
        reading,
    })
}

fn migration() -> impl Strategy<Value = Migrated> {
    let end = prop_oneof![Just(None), Just(Some(Ok(()))), Just(Some(Err("no".to_owned())))];
    (name(), any::<bool>(), 0..4_u64, end).prop_map(|(name, is_up, attempt, end)| Migrated {
        revision: revision(&name),
        direction: if is_up { Direction::Up } else { Direction::Down },
        attempt,
        end,
    })
}

fn answered() -> impl Strategy<Value = Answered> {
    let why = || "no".to_owned();
    let answer = prop_oneof![
        Just(Answer::Yes),
        Just(Answer::No { why: why() }),
        Just(Answer::Nothing { why: "ü".repeat(600) })
    ];
    (0..9_usize, name(), 0..9_u64, answer).prop_map(|(gate, name, question, answer)| Answered {
        gate,
        revision: revision(&name),
        question,
        answer,
    })
}

fn observation() -> impl Strategy<Value = Observation> {
    let versions = prop::collection::vec(version(), 0..4);
    let some = (
        prop::option::of(routes()),
        prop::collection::vec(measured(), 0..3),
        prop::option::of(migration()),
        prop::collection::vec(answered(), 0..5),
    );
    (name(), prop::option::of(number()), versions, some).prop_map(
        |(wanted, replicas, versions, (routes, measured, migration, answers))| Observation {
            wanted: revision(&wanted),
            replicas,
            versions,
            routes,
            measured,
            migration,
            answers,
        },
    )
}

fn verb() -> impl Strategy<Value = Option<Verb>> {
    let all = [Verb::Promote, Verb::PromoteFull, Verb::Pause, Verb::Resume, Verb::Abort, Verb::Retry];
    prop::option::of(prop::sample::select(all.to_vec()))
}

proptest! {
    /// Nothing panics, no version gets a number of pods under none, and no share is more than the whole.
    #[test]
    fn whatever_is_seen(
        seed in 0_u64..1_000,
        is_new in any::<bool>(),
        looks in prop::collection::vec((observation(), verb(), any::<i64>()), 1..12),
    ) {
        let (_, spec, _) = any_rollout(seed);
        let state = if is_new { State::new(Time(0)) } else { State::serving(revision("v1"), Time(0)) };
        let mut delivery = Delivery::new(spec, state);
        for (seen, verb, now) in looks {
            if let Some(verb) = verb {
                let _ = delivery.ask(verb, Time(now));
            }
            for effect in delivery.handle(&seen, Time(now)) {
                match effect {
                    Effect::Scale { revision, replicas } => {
                        prop_assert!(replicas >= 0, "{revision}: {replicas}");
                    }
                    Effect::Route(routes) => {
                        let share = routes.share.as_ref();
                        prop_assert!(share.is_none_or(|share| share.weight <= 100 && share.revision != routes.active));
                        if let Some(share) = share {
                            prop_assert!(seen.pods(&share.revision).available > 0, "{share:?}");
                        }
                    }
                    _ => {}
                }
            }
            let stored = serde_json::to_string(delivery.state()).unwrap();
            let state: State = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(&state, delivery.state());
        }
    }
}
