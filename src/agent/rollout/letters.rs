//! What commands want of a rollout, and how it is answered.

use super::actor::{Actor, Ending, Letter, Reply, replicas_key, rollout_key};
use super::begin::{self, Beginning};
use super::perform::migration_mark;
use super::shared::now;
use crate::agent::journal::{Happening, Note};
use crate::agent::picture::Picture;
use crate::agent::senses::Senses;
use crate::agent::service::replica::Event;
use crate::agent::service::vault::Vault;
use crate::agent::socket::wire::{Fault, FaultCode, ServiceProcess};
use crate::clock;
use crate::deliver::backend::local::{Doors, Next};
use crate::process::child::Remains;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use taskmaster_core::rollout::RolloutFact;
use taskmaster_delivery::engine::{Phase, Refusal, Revision, Verb};
use tokio::sync::mpsc;

/// How long what is in flight may take when a rollout is ended.
const CLOSE: Duration = Duration::from_secs(10);
/// What a change of data gets then between TERM and KILL.
const MIGRATION: Duration = Duration::from_secs(10);

impl Actor {
    pub(super) async fn read(&mut self, letter: Letter) {
        match letter {
            Letter::Start(beginning, reply) => {
                let result = self.start(*beginning).await;
                self.answer(result, reply).await;
            }
            Letter::View(reply) => drop(reply.send(Ok(self.view()))),
            Letter::Ask(verb, by, reply) => {
                let result = self.ask(verb, &by).await;
                self.answer(result, reply).await;
            }
            Letter::Undo(to, by, reply) => {
                let result = match self.driver.undo(to, &by, now()) {
                    Ok(next) => self.change(next).await,
                    Err(refusal) => Err(refused(refusal)),
                };
                self.answer(result, reply).await;
            }
            Letter::Services(reply) => drop(reply.send(self.services())),
            Letter::End(..) => {}
        }
    }

    /// What follows is seen in the answer.
    async fn answer(&mut self, result: Result<(), Fault>, reply: Reply) {
        if result.is_ok() {
            self.look().await;
        }
        let _ = reply.send(result.map(|()| self.view()));
    }

    async fn change(&mut self, next: Next) -> Result<(), Fault> {
        let counted = self.seen().counted;
        if self.store(next, &counted).await {
            return Ok(());
        }
        let why = self.fault.clone().unwrap_or_default();
        Err(Fault::new(FaultCode::Failed, format!("it cannot be recorded: {why}")))
    }

    async fn start(&mut self, beginning: Beginning) -> Result<(), Fault> {
        let wanted = Doors::of(&beginning.service);
        // Who has taken a port that was any is no fault: another one does as well.
        let doors = begin::open_doors(&self.shared, &self.name, wanted.as_before(self.driver.kept().doors))
            .or_else(|_| begin::open_doors(&self.shared, &self.name, wanted))?;
        let next =
            self.driver.want(&beginning.wanted, doors.at).map_err(|why| Fault::new(FaultCode::Usage, why))?;
        // Before it is stored: the next agent is to start it with this environment.
        begin::hold_vault(&self.shared, &self.name, &beginning.wanted.revision, &beginning.vault);
        self.change(next).await?;
        self.try_again(beginning.wanted.by.as_deref().unwrap_or_default()).await?;
        begin::hold_doors(&self.shared, &self.name, &doors);
        let has_users = self.driver.routes(&self.seen()).weight(&beginning.wanted.revision) > 0;
        self.supervisor.put_recipe(beginning.recipe(), has_users, now());
        self.note_replicas();
        self.sense(&beginning.vault);
        self.open();
        self.forget_old();
        Ok(())
    }

    /// Who asks for a version again that was taken back wants it tried again.
    async fn try_again(&mut self, by: &str) -> Result<(), Fault> {
        let state = self.driver.delivery().state();
        if state.phase != Phase::RolledBack || state.revision != self.driver.kept().wanted {
            return Ok(());
        }
        self.ask(Verb::Retry, by).await
    }

    /// What was taken back and begins again gets processes of its own: those that are still there may be of
    /// another build.
    async fn ask(&mut self, verb: Verb, by: &str) -> Result<(), Fault> {
        let was_back = self.driver.delivery().state().phase == Phase::RolledBack;
        let next = self.driver.ask(verb, by, now()).map_err(refused)?;
        self.change(next).await?;
        let state = self.driver.delivery().state();
        if was_back && state.phase != Phase::RolledBack {
            self.supervisor.scale(&state.revision, 0, now());
            self.note_replicas();
        }
        Ok(())
    }

    /// Nobody needs to know how versions are run that nobody can go back to.
    fn forget_old(&mut self) {
        let known: BTreeSet<Revision> =
            self.driver.kept().versions.iter().map(|version| version.revision.clone()).collect();
        self.supervisor.keep_recipes(&known);
        let needed: BTreeSet<String> =
            self.supervisor.recipes().map(|revision| begin::vault_name(&self.name, revision)).collect();
        for name in self.shared.held.names(&format!("vault/{}/", self.name)) {
            if !needed.contains(&name) {
                self.shared.held.release(&name);
            }
        }
    }

    /// Whom it asks and tells may be others now.
    fn sense(&mut self, vault: &Vault) {
        let counted = self.seen().counted.snapshot();
        let senses = Senses::new(self.driver.rollout(), &self.driver.kept().directory, vault, &counted);
        let before = std::mem::replace(&mut self.senses, senses);
        tokio::spawn(before.end());
    }

    fn view(&self) -> Value {
        let (hooks, mute) = self.senses.hooks();
        self.shared.show.show(&Picture {
            driver: &self.driver,
            seen: &self.seen(),
            replicas: &self.supervisor.known(),
            hooks: &hooks,
            mute,
            recent: self.senses.recent(),
            bounds_ms: self.senses.bounds_ms(),
            is_loaded: self.load.is_running(),
            fault: self.fault.as_deref(),
            now: now(),
        })
    }

    fn services(&self) -> Vec<ServiceProcess> {
        let known = self.supervisor.known().into_iter();
        let mut all: Vec<ServiceProcess> = known
            .map(|known| ServiceProcess {
                rollout: self.name.clone(),
                version: known.revision.0.clone(),
                replica: known.number,
                pid: known.process.as_ref().map(|process| process.pid),
                port: known.port,
                state: known.state.words().to_owned(),
                restarts: known.restarts,
                since_ms: known.since_ms,
                why: known.why,
            })
            .collect();
        all.sort_by(|one, other| (&one.version, one.replica).cmp(&(&other.version, other.replica)));
        all
    }

    /// Ends its services in order: no new requests, then the processes.
    pub(super) async fn end(
        &mut self,
        how: &Ending,
        events: &mut mpsc::Receiver<Event>,
    ) -> Result<Value, Fault> {
        if !self.driver.kept().is_stopped {
            let next = self.driver.stop(&how.by, now());
            let stored = self.change(next).await;
            if !how.is_forced {
                stored?;
            }
        }
        self.load.keep(None, self.driver.kept().doors.main, 0);
        self.gateway.close(CLOSE).await;
        self.end_migration().await;
        self.supervisor.end_all(now());
        self.is_replicas_new = true;
        while !self.supervisor.is_empty() {
            self.store_replicas().await;
            if let Some(event) = events.recv().await {
                self.apply(event);
            }
        }
        self.store_replicas().await;
        let prefix = [format!("door/{}/", self.name), format!("vault/{}/", self.name)];
        for name in prefix.iter().flat_map(|prefix| self.shared.held.names(prefix)) {
            self.shared.held.release(&name);
        }
        if how.forgets {
            self.forget(&how.by).await?;
        }
        Ok(Value::Null)
    }

    /// A change of data does not outlive its rollout.
    async fn end_migration(&mut self) {
        let Some(attempt) = self.migrating.take() else { return };
        let remains = Remains::new(&migration_mark(self.driver.kept().seed, attempt), &[]);
        if let Err(fault) = remains.stop(MIGRATION).await {
            tracing::warn!(rollout = self.name, %fault, "a change of data");
        }
    }
}

impl Actor {
    /// Nothing is kept of it any more but how many releases it had.
    async fn forget(&self, by: &str) -> Result<(), Fault> {
        let count = self.driver.kept().release;
        let keys = [rollout_key(&self.name), replicas_key(&self.name)];
        let mut notes: Vec<Note> = keys.into_iter().map(|key| Note { key, text: None }).collect();
        notes.push(Note { key: format!("past/{}", self.name), text: Some(count.to_string()) });
        let fact = RolloutFact::Asked { verb: "remove".to_owned(), by: Some(by.to_owned()) };
        let removed = Happening { rollout: self.name.clone(), release: count, fact };
        let kept = self.shared.recorder.keep(notes, vec![removed], clock::now()).await;
        kept.map_err(|why| Fault::new(FaultCode::Failed, why))?;
        self.shared.note_releases(&self.name, count);
        Ok(())
    }
}

fn refused(refusal: Refusal) -> Fault {
    Fault::new(FaultCode::Refused, refusal.to_string())
}
