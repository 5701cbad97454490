//! Effects: how what the engine wants is brought about.

use super::actor::{Actor, Came, named};
use super::begin;
use super::shared::now;
use crate::clock;
use crate::deliver::backend::local::migration::{Change, make};
use crate::deliver::backend::local::{Seen, kept};
use crate::deliver::metrics::measure;
use crate::deliver::notify::{self, Event, Question};
use std::time::Duration;
use taskmaster_delivery::engine::{
    Answer, Answered, Direction, Effect, Measured, Migrated, Move, Notice, Revision,
};
use taskmaster_delivery::spec::{GateKind, Migration, Strategy};
use ulid::Ulid;

impl Actor {
    /// Does what is wanted. True where another look may follow at once.
    pub(super) async fn perform(&mut self, effects: Vec<Effect>, seen: &Seen) -> bool {
        let mut has_more = false;
        for effect in effects {
            match effect {
                Effect::Scale { revision, replicas } => {
                    self.supervisor.scale(&revision, replicas, now());
                    self.note_replicas();
                    has_more = true;
                }
                Effect::Route(_) => {
                    self.publish();
                    has_more = true;
                }
                Effect::Measure { metric, revision } => self.measure(metric, revision, seen),
                Effect::Ask { gate, revision, question } => self.ask_gate(gate, revision, question),
                Effect::Migrate { revision, direction, attempt } => {
                    self.migrate(revision, direction, attempt);
                }
                Effect::Tell(notice) => self.tell(&notice, seen),
            }
        }
        has_more
    }

    fn measure(&mut self, metric: usize, revision: Revision, seen: &Seen) {
        let Some(spec) = self.driver.rollout().analysis.metrics.get(metric).cloned() else { return };
        if !self.measuring.insert(metric) {
            return;
        }
        let stable = self.driver.delivery().state().stable.clone();
        let share = self.driver.has_router().then(|| self.driver.kept().routes.weight(&revision));
        let context = self.senses.context(&revision, stable.as_ref(), share, seen.counted.snapshot());
        let came = self.came.clone();
        tokio::spawn(async move {
            let reading = measure(&spec, context).await;
            let _ = came.send(Came::Measured(Measured { metric, revision, reading })).await;
        });
    }

    fn ask_gate(&mut self, gate: usize, revision: Revision, question: u64) {
        if !self.asking.insert(question) {
            return;
        }
        let (call, asked) = (self.senses.gate(gate), self.question(gate, &revision));
        let came = self.came.clone();
        tokio::spawn(async move {
            let answer = match call {
                Ok(call) => notify::ask(&call, &asked).await,
                Err(why) => Answer::Nothing { why },
            };
            let answered = Answered { gate, revision, question, answer };
            let _ = came.send(Came::Answered(answered)).await;
        });
    }

    fn question(&self, gate: usize, revision: &Revision) -> Question {
        let (delivery, kept) = (self.driver.delivery(), self.driver.kept());
        let state = delivery.state();
        let kind = self.driver.rollout().gates.get(gate).map(|gate| gate.kind);
        let next = match delivery.moves().get(state.place) {
            Some(Move::Weight(weight)) => *weight,
            // A switch, and the promotion after the last move.
            _ => 100,
        };
        Question {
            rollout: kept.name.clone(),
            namespace: None,
            revision: revision.0.clone(),
            stable: named(state.stable.as_ref()),
            phase: state.phase,
            step: self.step(),
            weight: self.driver.has_router().then(|| kept.routes.weight(revision)),
            next_weight: match kind {
                Some(GateKind::ConfirmPromotion) => Some(100),
                Some(GateKind::ConfirmTrafficIncrease) => Some(next),
                _ => None,
            },
        }
    }

    /// The step at hand, counted from 1, and how many there are.
    fn step(&self) -> Option<(usize, usize)> {
        let steps = self.driver.delivery().moves().len();
        (steps > 0).then(|| ((self.driver.delivery().state().place + 1).min(steps), steps))
    }

    fn tell(&mut self, notice: &Notice, seen: &Seen) {
        if matches!(notice, Notice::Begun { .. }) {
            self.senses.begin(&seen.counted.snapshot());
        }
        let kept = self.driver.kept();
        let state = self.driver.delivery().state();
        let event = Event {
            // Two of them may be told in the same microsecond.
            id: Ulid::generate().to_string(),
            at: clock::now(),
            what: notice.event(),
            rollout: kept.name.clone(),
            namespace: None,
            revision: state.revision.0.clone(),
            stable: named(state.stable.as_ref()),
            step: self.step(),
            weight: self.driver.has_router().then(|| kept.routes.weight(&state.revision)),
            why: Event::why(notice),
        };
        if !self.senses.notifier().tell(event) {
            tracing::warn!(rollout = self.name, "a receiver of notices is too slow: one was dropped");
        }
    }

    fn migrate(&mut self, revision: Revision, direction: Direction, attempt: u64) {
        let known = self.driver.kept().migration.as_ref();
        let has_ended = known.is_some_and(|known| known.attempt == attempt && known.end.is_some());
        if self.migrating == Some(attempt) || has_ended {
            return;
        }
        self.migrating = Some(attempt);
        let change = self.change_of_data(&revision, direction, attempt);
        let came = self.came.clone();
        tokio::spawn(async move {
            let end = match change {
                Ok(change) => make(change).await,
                Err(why) => Err(why),
            };
            let migrated = Migrated { revision, direction, attempt, end: Some(end) };
            let _ = came.send(Came::Migrated(migrated)).await;
        });
    }

    fn change_of_data(
        &self,
        revision: &Revision,
        direction: Direction,
        attempt: u64,
    ) -> Result<Change, String> {
        let version = self.driver.kept().version(revision).ok_or("its version was forgotten")?;
        let migration = migration(&version.spec)?;
        let argv = match direction {
            Direction::Up => migration.up,
            Direction::Down => migration.down.ok_or("nothing takes it back")?,
        };
        let vault = begin::vault(&self.shared, &self.name, revision, &version.directory);
        let env = vault.environment().map(|(name, value)| (name.clone(), value.clone()));
        Ok(Change {
            argv,
            cwd: version.directory.clone(),
            env: env.collect(),
            mark: migration_mark(self.driver.kept().seed, attempt),
            log: self.shared.files.service_logs(&self.name).join("migration.log"),
            timeout: migration.timeout.max(Duration::from_secs(1)),
        })
    }
}

/// The mark of a change of data. The seed is its rollout's alone, on the whole machine.
pub(super) fn migration_mark(seed: u64, attempt: u64) -> String {
    format!("migration-{seed:x}-{attempt}")
}

fn migration(spec: &taskmaster_delivery::spec::RolloutSpec) -> Result<Migration, String> {
    match kept::checked(spec)?.strategy {
        Strategy::Rolling(rolling) => rolling.migration.ok_or_else(|| "it has no migration".to_owned()),
        _ => Err("it has no migration".to_owned()),
    }
}
