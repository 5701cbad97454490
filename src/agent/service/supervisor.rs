//! All replicas of one rollout.
//!
//! It changes what is known at once and lets tasks bring it about; what they tell comes back by
//! [`Supervisor::apply`]. Nothing is started before [`Event::Launching`] was answered, which happens once the
//! change was stored.

use super::known::{Known, ProcessId, ReplicaState};
use super::recipe::Recipe;
use super::replica::{Event, InFlight, Replica, Wish};
use crate::agent::files::Files;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use taskmaster_delivery::engine::{Pods, Revision};
use taskmaster_delivery::time::Time;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use ulid::Ulid;

/// Most replicas of a rollout on one machine.
pub const MOST_REPLICAS: i32 = 1000;

/// All replicas of one rollout.
pub struct Supervisor {
    rollout: String,
    files: Files,
    slots: BTreeMap<String, Slot>,
    recipes: BTreeMap<Revision, watch::Sender<Arc<Recipe>>>,
    events: mpsc::Sender<Event>,
    in_flight: InFlight,
}

struct Slot {
    known: Known,
    wish: watch::Sender<Wish>,
    task: JoinHandle<()>,
}

/// What an event changed.
#[derive(Debug, Default)]
pub struct Change {
    /// It must be stored before anything else happens.
    pub stored: Option<oneshot::Sender<()>>,
    /// What people may want to know of a version, in words.
    pub words: Option<(Revision, String)>,
}

impl Supervisor {
    /// Without replicas. What becomes of them goes to `events`.
    pub fn new(rollout: &str, files: &Files, events: mpsc::Sender<Event>, in_flight: InFlight) -> Self {
        Self {
            rollout: rollout.to_owned(),
            files: files.clone(),
            slots: BTreeMap::new(),
            recipes: BTreeMap::new(),
            events,
            in_flight,
        }
    }

    /// How a version is run from now on. Replicas that serve users stay as they are, and are run so when they
    /// are started again; others are replaced where it is run otherwise now.
    pub fn put_recipe(&mut self, recipe: Recipe, has_users: bool, now: Time) {
        let (revision, after) = (recipe.revision.clone(), Arc::new(recipe));
        let Some(known) = self.recipes.get(&revision) else {
            self.recipes.insert(revision, watch::Sender::new(after));
            return;
        };
        let before = known.send_replace(Arc::clone(&after));
        if before.service == after.service && before.directory == after.directory {
            return;
        }
        let is_idle = |slot: &&Slot| {
            let serves = has_users && slot.known.state == ReplicaState::Ready;
            slot.known.revision == revision && !serves
        };
        let idle: Vec<String> =
            self.slots.values().filter(is_idle).map(|slot| slot.known.id.clone()).collect();
        idle.iter().for_each(|id| self.let_go(id, now));
    }

    /// Versions that could be run.
    pub fn recipes(&self) -> impl Iterator<Item = &Revision> {
        self.recipes.keys()
    }

    /// Forgets how versions are run that are not among `kept` and have no replica.
    pub fn keep_recipes(&mut self, kept: &BTreeSet<Revision>) {
        let running: BTreeSet<Revision> = self.revisions();
        self.recipes.retain(|revision, _| kept.contains(revision) || running.contains(revision));
    }

    /// Takes up replicas of an earlier agent.
    pub fn adopt(&mut self, replicas: Vec<Known>) {
        for mut known in replicas {
            let serves = matches!(known.state, ReplicaState::Ready | ReplicaState::Unready);
            if serves && !known.process.as_ref().is_some_and(ProcessId::is_alive) {
                // Its port may be somebody else's by now.
                debug_assert!(known.state.leads_to(ReplicaState::Starting));
                known.state = ReplicaState::Starting;
            }
            let wish = if known.state.leaves() { Wish::Leave } else { Wish::Serve };
            self.begin(known, wish, true);
        }
    }

    /// Brings a version to so many replicas. Those that cannot serve go first, then the newest ones.
    pub fn scale(&mut self, revision: &Revision, replicas: i32, now: Time) {
        let wanted = usize::try_from(replicas.clamp(0, MOST_REPLICAS)).unwrap_or(0);
        let staying = |slot: &&Slot| slot.known.revision == *revision && !slot.known.state.leaves();
        let mut there: Vec<(bool, u32, String)> = self
            .slots
            .values()
            .filter(staying)
            .map(|slot| (slot.known.state != ReplicaState::Ready, slot.known.number, slot.known.id.clone()))
            .collect();
        there.sort_unstable();
        for (_, _, id) in there.drain(wanted.min(there.len())..) {
            self.let_go(&id, now);
        }
        let mut numbers: BTreeSet<u32> = there.iter().map(|(_, number, _)| *number).collect();
        for _ in there.len()..wanted {
            let number = (0..).find(|number| !numbers.contains(number)).unwrap_or_default();
            numbers.insert(number);
            self.begin(fresh(revision, number, now), Wish::Serve, false);
        }
    }

    fn begin(&mut self, known: Known, wish: Wish, is_found: bool) {
        let Some(recipes) = self.recipes.get(&known.revision).map(watch::Sender::subscribe) else {
            tracing::warn!(rollout = self.rollout, version = %known.revision, "nothing says how it is run");
            return;
        };
        let recipe = Arc::clone(&recipes.borrow());
        let (wish, wishes) = watch::channel(wish);
        let log = self.files.service_log(&self.rollout, &known.revision.0, known.number);
        let replica = Replica {
            known: known.clone(),
            recipe,
            recipes,
            events: self.events.clone(),
            wish: wishes,
            in_flight: Arc::clone(&self.in_flight),
            log,
            is_found,
        };
        let task = tokio::spawn(replica.live());
        self.slots.insert(known.id.clone(), Slot { known, wish, task });
    }

    fn let_go(&mut self, id: &str, now: Time) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        slot.become_(ReplicaState::Draining, now);
        slot.wish.send_replace(Wish::Leave);
    }

    /// Lets all replicas end in order.
    pub fn end_all(&mut self, now: Time) {
        let ids: Vec<String> = self.slots.keys().cloned().collect();
        ids.iter().for_each(|id| self.let_go(id, now));
    }

    /// True where no replica is left.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Takes note of what became of a replica.
    pub fn apply(&mut self, event: Event, now: Time) -> Change {
        match event {
            Event::Launching { id, port, stored } => {
                if let Some(slot) = self.slots.get_mut(&id) {
                    slot.known.port = port;
                    slot.known.process = None;
                    slot.become_(ReplicaState::Starting, now);
                }
                Change { stored: Some(stored), ..Change::default() }
            }
            Event::Running { id, process } => {
                if let Some(slot) = self.slots.get_mut(&id) {
                    slot.known.process = Some(process);
                }
                Change::default()
            }
            Event::Became { id, state, why } => {
                let Some(slot) = self.slots.get_mut(&id) else { return Change::default() };
                let words = slot.told(state, why.as_deref());
                slot.become_(state, now);
                if state == ReplicaState::Waiting {
                    slot.known.restarts = slot.known.restarts.saturating_add(1);
                    slot.known.process = None;
                }
                // What was wrong last stays known until it serves again.
                if why.is_some() || state == ReplicaState::Ready {
                    slot.known.why = why;
                }
                let words = words.map(|words| (slot.known.revision.clone(), words));
                Change { words, ..Change::default() }
            }
            Event::Gone { id } => {
                self.slots.remove(&id);
                Change::default()
            }
        }
    }

    /// All replicas, by their identity.
    pub fn known(&self) -> Vec<Known> {
        self.slots.values().map(|slot| slot.known.clone()).collect()
    }

    /// Versions that have replicas.
    pub fn revisions(&self) -> BTreeSet<Revision> {
        self.slots.values().map(|slot| slot.known.revision.clone()).collect()
    }

    /// The replicas of a version, counted.
    pub fn pods(&self, revision: &Revision) -> Pods {
        let mut pods = Pods::default();
        for slot in self.slots.values().filter(|slot| slot.known.revision == *revision) {
            if slot.known.state.leaves() {
                pods.terminating += 1;
                continue;
            }
            pods.wanted += 1;
            pods.created += 1;
            if slot.known.state == ReplicaState::Ready {
                pods.available += 1;
            }
        }
        pods
    }

    /// Where each version is reached. One whose replicas all fail their probes is reached all the same: an
    /// answer of theirs is better than none.
    pub fn endpoints(&self) -> BTreeMap<Revision, Vec<SocketAddr>> {
        let mut ready: BTreeMap<Revision, Vec<SocketAddr>> = BTreeMap::new();
        let mut unready: BTreeMap<Revision, Vec<SocketAddr>> = BTreeMap::new();
        for slot in self.slots.values() {
            let known = &slot.known;
            let list = match known.state {
                ReplicaState::Ready => &mut ready,
                ReplicaState::Unready => &mut unready,
                _ => continue,
            };
            list.entry(known.revision.clone()).or_default().push(known.address());
        }
        for (revision, addresses) in unready {
            ready.entry(revision).or_insert(addresses);
        }
        ready
    }
}

impl Drop for Supervisor {
    /// Its tasks end with it; the processes stay.
    fn drop(&mut self) {
        self.slots.values().for_each(|slot| slot.task.abort());
    }
}

impl Slot {
    /// The one place where a replica that is known changes its state. Who is on its way out does not come back.
    fn become_(&mut self, state: ReplicaState, now: Time) {
        let before = self.known.state;
        if before.leaves() && !before.leads_to(state) {
            return;
        }
        debug_assert!(before.leads_to(state), "{} does not lead to {}", before.words(), state.words());
        self.known.state = state;
        self.known.since_ms = now.0;
    }

    /// What people may want to know of it: that it crashes, for the first time and then at each doubling.
    fn told(&self, state: ReplicaState, why: Option<&str>) -> Option<String> {
        if self.known.state.leaves() {
            return None;
        }
        let number = self.known.number;
        let why = why.unwrap_or("nobody knows why");
        match state {
            ReplicaState::Waiting => {
                let crashes = self.known.restarts.saturating_add(1);
                let is_new = crashes.is_power_of_two();
                is_new.then(|| match crashes {
                    1 => format!("replica {number} crashed: {why}"),
                    crashes => format!("replica {number} crashed {crashes} times: {why}"),
                })
            }
            ReplicaState::Unready => Some(format!("replica {number} does not answer any more: {why}")),
            ReplicaState::Ready if self.known.state == ReplicaState::Unready => {
                Some(format!("replica {number} answers again"))
            }
            _ => None,
        }
    }
}

fn fresh(revision: &Revision, number: u32, now: Time) -> Known {
    let at = std::time::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).unwrap_or(0));
    Known {
        id: Ulid::from_datetime(at).to_string(),
        revision: revision.clone(),
        number,
        port: 0,
        process: None,
        state: ReplicaState::Starting,
        since_ms: now.0,
        restarts: 0,
        why: None,
    }
}
