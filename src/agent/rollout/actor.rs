//! The task of one rollout.

use super::begin::{self, Beginning, Parts, Resumed};
use super::load::BuiltIn;
use super::shared::{Shared, now};
use crate::agent::gateway::Gateway;
use crate::agent::journal::{Happening, Note};
use crate::agent::senses::Senses;
use crate::agent::service::recipe::Recipe;
use crate::agent::service::replica::Event;
use crate::agent::service::supervisor::Supervisor;
use crate::agent::socket::wire::{Fault, FaultCode, ServiceProcess};
use crate::clock;
use crate::deliver::backend::local::tally::Tally;
use crate::deliver::backend::local::{Doors, Driver, Inbox, Next, Seen};
use crate::deliver::traffic::Table;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use taskmaster_delivery::engine::{Answered, Effect, Measured, Migrated, Phase, Revision, Verb};
use tokio::sync::{mpsc, oneshot};

/// Longest time between two looks: while something is under way, and at rest.
const LOOK: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));
/// Looks in a row that follow from each other.
const MOST_LOOKS: u32 = 8;
/// Messages that may wait.
const MOST_WAITING: usize = 256;
/// At least so often what was counted is stored: under way, and at rest.
const COUNTED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// At least so often it is stored that somebody looks, while something is under way.
const LOOKED: Duration = Duration::from_secs(30);

pub(super) type Reply = oneshot::Sender<Result<Value, Fault>>;

/// What a command wants of a rollout.
pub enum Letter {
    /// Bring a version in.
    Start(Box<Beginning>, Reply),
    /// Show it.
    View(Reply),
    /// Ask something of it.
    Ask(Verb, String, Reply),
    /// Bring a version back.
    Undo(Option<u64>, String, Reply),
    /// Its processes.
    Services(oneshot::Sender<Vec<ServiceProcess>>),
    /// End its services.
    End(Ending, Reply),
}

/// How the services of a rollout are ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Who asks.
    pub by: String,
    /// Nothing is remembered of it.
    pub forgets: bool,
    /// Also where that cannot be recorded.
    pub is_forced: bool,
}

/// What came of something that the rollout has asked for.
#[derive(Debug)]
pub(super) enum Came {
    Measured(Measured),
    Answered(Answered),
    Migrated(Migrated),
}

/// A rollout at work.
pub(super) struct Actor {
    pub(super) shared: Shared,
    pub(super) name: String,
    pub(super) driver: Driver,
    pub(super) supervisor: Supervisor,
    pub(super) gateway: Gateway,
    pub(super) senses: Senses,
    pub(super) load: BuiltIn,
    /// What was counted by earlier agents.
    pub(super) base: Tally,
    pub(super) came: mpsc::Sender<Came>,
    /// What is waited for: metrics, questions, a change of data.
    pub(super) measuring: BTreeSet<usize>,
    pub(super) asking: BTreeSet<u64>,
    pub(super) migrating: Option<u64>,
    pub(super) inbox: Inbox,
    /// Replicas that may begin once what is known of them was stored.
    pub(super) unstored: Vec<oneshot::Sender<()>>,
    pub(super) is_replicas_new: bool,
    pub(super) stored_at: Option<Instant>,
    pub(super) fault: Option<String>,
    pub(super) owns: Arc<AtomicBool>,
}

/// Starts the task of a rollout; the answer comes once its doors are open. A new one is nothing yet: the
/// first letter is to be its start.
///
/// # Errors
/// Its doors cannot be opened, or its file has faults.
pub fn spawn(shared: &Shared, found: Result<Resumed, &Beginning>) -> Result<AtWork, Fault> {
    let (send, letters) = mpsc::channel(MOST_WAITING);
    let (came, results) = mpsc::channel(MOST_WAITING);
    let (driver, replicas) = match found {
        Ok(Resumed { driver, replicas }) => (driver, replicas),
        Err(beginning) => {
            let wanted = Doors::of(&beginning.service);
            let doors = begin::open_doors(shared, &beginning.rollout.name, wanted)?;
            begin::hold_doors(shared, &beginning.rollout.name, &doors);
            (begin::fresh(shared, beginning, &doors)?, Vec::new())
        }
    };
    let name = driver.kept().name.clone();
    let Parts { mut supervisor, events, gateway } = Parts::new(&name, shared);
    for version in &driver.kept().versions {
        let rollout = crate::deliver::backend::local::kept::checked(&version.spec);
        let Some(service) = rollout.ok().and_then(|rollout| rollout.service) else { continue };
        let vault = begin::vault(shared, &name, &version.revision, &version.directory);
        let (revision, directory) = (version.revision.clone(), version.directory.clone());
        supervisor.put_recipe(Recipe { service, revision, directory, vault }, true, now());
    }
    supervisor.adopt(replicas);
    let base = driver.kept().tally.clone();
    let vault = begin::vault(shared, &name, &driver.kept().wanted, &driver.kept().directory);
    let senses = Senses::new(driver.rollout(), &driver.kept().directory, &vault, &base.snapshot());
    let mut actor = Actor {
        shared: shared.clone(),
        name,
        driver,
        supervisor,
        gateway,
        senses,
        load: BuiltIn::default(),
        base,
        came,
        measuring: BTreeSet::new(),
        asking: BTreeSet::new(),
        migrating: None,
        inbox: Inbox::default(),
        unstored: Vec::new(),
        is_replicas_new: false,
        stored_at: None,
        fault: None,
        owns: Arc::new(AtomicBool::new(true)),
    };
    actor.open();
    let owns = Arc::clone(&actor.owns);
    tokio::spawn(actor.live(letters, events, results));
    Ok(AtWork { letters: send, owns })
}

/// A rollout at work, from outside.
#[derive(Clone)]
pub struct AtWork {
    /// How it is asked.
    pub letters: mpsc::Sender<Letter>,
    /// It has processes, or is to have some.
    pub owns: Arc<AtomicBool>,
}

impl Actor {
    async fn live(
        mut self,
        mut letters: mpsc::Receiver<Letter>,
        mut events: mpsc::Receiver<Event>,
        mut results: mpsc::Receiver<Came>,
    ) {
        loop {
            self.owns.store(!self.driver.kept().is_stopped || !self.supervisor.is_empty(), Ordering::Relaxed);
            let pause = if self.driver.is_under_way() { LOOK.0 } else { LOOK.1 };
            tokio::select! {
                letter = letters.recv() => match letter {
                    None => return,
                    Some(Letter::End(how, done)) => {
                        let result = self.end(&how, &mut events).await;
                        let has_ended = result.is_ok();
                        let _ = done.send(result);
                        if has_ended {
                            return self.senses.end().await;
                        }
                    }
                    Some(letter) => self.read(letter).await,
                },
                Some(event) = events.recv() => self.apply(event),
                Some(came) = results.recv() => self.hear(came),
                () = tokio::time::sleep(pause) => {}
            }
            while let Ok(event) = events.try_recv() {
                self.apply(event);
            }
            while let Ok(came) = results.try_recv() {
                self.hear(came);
            }
            self.look().await;
        }
    }

    pub(super) fn apply(&mut self, event: Event) {
        let change = self.supervisor.apply(event, now());
        self.is_replicas_new = true;
        self.unstored.extend(change.stored);
        self.inbox.pods.extend(change.words);
    }

    /// What is known of processes is otherwise, and is to be stored.
    pub(super) fn note_replicas(&mut self) {
        self.is_replicas_new = true;
    }

    fn hear(&mut self, came: Came) {
        match came {
            Came::Measured(measured) => {
                self.measuring.remove(&measured.metric);
                self.senses.note(measured.metric, &measured.reading);
                self.inbox.measured.push(measured);
            }
            Came::Answered(answered) => {
                self.asking.remove(&answered.question);
                self.inbox.answers.push(answered);
            }
            Came::Migrated(migrated) => {
                self.migrating = None;
                self.inbox.migration = Some(migrated);
            }
        }
    }

    /// What is seen of the world.
    pub(super) fn seen(&self) -> Seen {
        let mut revisions = self.supervisor.revisions();
        revisions.extend(self.driver.kept().versions.iter().map(|version| version.revision.clone()));
        let pods = revisions.into_iter().map(|revision| {
            let pods = self.supervisor.pods(&revision);
            (revision, pods)
        });
        let counted = self.base.plus(&self.gateway.counted());
        Seen { pods: pods.collect(), counted, load: self.load.end() }
    }

    /// Looks, stores, performs; again as long as one follows from the other.
    pub(super) async fn look(&mut self) {
        if self.driver.kept().is_stopped {
            return self.store_replicas().await;
        }
        if !self.gateway.is_open() {
            self.open();
        }
        self.inbox.notices.extend(self.senses.news());
        for _ in 0..MOST_LOOKS {
            let seen = self.seen();
            let inbox = std::mem::take(&mut self.inbox);
            let next = self.driver.look(&seen, inbox.clone(), now());
            let effects = next.effects.clone();
            if !self.store(next, &seen.counted).await {
                self.inbox = inbox;
                return self.save_users(&effects);
            }
            let has_more = self.perform(effects, &seen).await;
            self.publish();
            if !has_more {
                break;
            }
        }
        self.keep_load();
    }

    /// The built-in load is there while a rollout is under way that somebody can answer.
    fn keep_load(&mut self) {
        let kept = self.driver.kept();
        let serves = self.supervisor.endpoints().contains_key(&self.driver.routes(&self.seen()).active);
        let is_wanted = self.driver.is_under_way() && serves && !kept.is_stopped;
        let spec = self.driver.rollout().load.clone().filter(|_| is_wanted);
        self.load.keep(spec.as_ref(), kept.doors.main, kept.release);
    }

    /// Stores what is new, then takes it. False where it cannot be stored: nothing is done then.
    pub(super) async fn store(&mut self, next: Next, counted: &Tally) -> bool {
        let Next { mut driver, facts, .. } = next;
        let is_old = |span: Duration| self.stored_at.is_none_or(|at| clock::monotonic() - at >= span);
        let rest = if driver.is_under_way() { COUNTED.0 } else { COUNTED.1 };
        let is_counted_new = *counted != driver.kept().tally && is_old(rest);
        let is_look_old = driver.is_under_way() && is_old(LOOKED);
        let is_new = !facts.is_empty() || driver.differs(&self.driver) || is_counted_new || is_look_old;
        let is_replicas_new = self.is_replicas_new || !self.unstored.is_empty();
        if !is_new && !is_replicas_new {
            self.driver = driver;
            return true;
        }
        if is_new {
            driver.note_counted(counted);
        }
        let of_rollout = is_new.then(|| note(&rollout_key(&self.name), driver.kept()));
        let of_replicas = is_replicas_new.then(|| note(&replicas_key(&self.name), &self.supervisor.known()));
        let notes: Result<Vec<Note>, String> = of_rollout.into_iter().chain(of_replicas).collect();
        let happened =
            facts.into_iter().map(|(release, fact)| Happening { rollout: self.name.clone(), release, fact });
        let kept = match notes {
            Ok(notes) => self.shared.recorder.keep(notes, happened.collect(), clock::now()).await,
            Err(why) => Err(why),
        };
        if let Err(why) = kept {
            if self.fault.as_ref() != Some(&why) {
                tracing::error!(rollout = self.name, why, "nothing can be recorded");
            }
            self.fault = Some(why);
            return false;
        }
        self.fault = None;
        if is_new {
            self.stored_at = Some(clock::monotonic());
        }
        self.driver = driver;
        self.is_replicas_new = false;
        for stored in self.unstored.drain(..) {
            // Who waited for it may not be wanted any more.
            let _ = stored.send(());
        }
        true
    }

    /// Stores what is known of processes alone.
    pub(super) async fn store_replicas(&mut self) {
        if self.is_replicas_new || !self.unstored.is_empty() {
            let next = Next { driver: self.driver.clone(), facts: Vec::new(), effects: Vec::new() };
            let counted = self.driver.kept().tally.clone();
            self.store(next, &counted).await;
        }
    }

    /// Where nothing can be recorded, users are brought away from a bad version all the same: doing that
    /// twice is doing it once.
    fn save_users(&mut self, effects: &[Effect]) {
        let is_back = effects.iter().any(|effect| {
            matches!(effect, Effect::Tell(taskmaster_delivery::engine::Notice::RollingBack { .. }))
        });
        let goes_back = is_back || self.driver.delivery().state().phase == Phase::RollingBack;
        for effect in effects {
            if let Effect::Route(routes) = effect
                && goes_back
            {
                let table = Table { routes: routes.clone(), endpoints: self.supervisor.endpoints() };
                self.gateway.set(table);
            }
        }
    }

    /// Lets users go as it is wanted, to the processes that there are.
    pub(super) fn publish(&mut self) {
        let table =
            Table { routes: self.driver.routes(&self.seen()), endpoints: self.supervisor.endpoints() };
        self.gateway.set(table);
    }

    /// Opens the proxy; where that cannot be done it is tried again at the next look.
    pub(super) fn open(&mut self) {
        if self.driver.kept().is_stopped {
            return;
        }
        self.publish();
        let wanted = self.driver.kept().doors;
        let opened = begin::open_doors(&self.shared, &self.name, wanted).and_then(|doors| {
            begin::hold_doors(&self.shared, &self.name, &doors);
            let settings = begin::settings(self.driver.rollout(), self.driver.kept().seed);
            self.gateway
                .open(settings, doors.listeners)
                .map_err(|fault| Fault::new(FaultCode::Failed, fault.to_string()))
        });
        match opened {
            Ok(()) => self.fault = None,
            Err(fault) => {
                if self.fault.as_ref() != Some(&fault.message) {
                    tracing::error!(rollout = self.name, %fault, "its doors cannot be opened");
                }
                self.fault = Some(fault.message);
            }
        }
    }
}

/// Under which key a rollout is kept.
pub(crate) fn rollout_key(name: &str) -> String {
    format!("rollout/{name}")
}

/// Under which key its processes are kept.
pub(crate) fn replicas_key(name: &str) -> String {
    format!("replicas/{name}")
}

fn note(key: &str, value: &impl serde::Serialize) -> Result<Note, String> {
    let text = serde_json::to_string(value).map_err(|fault| fault.to_string())?;
    Ok(Note { key: key.to_owned(), text: Some(text) })
}

/// A version's name, for messages.
pub(super) fn named(revision: Option<&Revision>) -> Option<String> {
    revision.map(|revision| revision.0.clone())
}
