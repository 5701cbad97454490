//! One rollout between its engine and the world.

use super::facts;
use super::kept::{Doors, FORM, Kept, checked};
use super::tally::Tally;
use super::words;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use taskmaster_core::rollout::{LoadEnd, RolloutFact};
use taskmaster_delivery::engine::{
    Answered, Delivery, Effect, Measured, Migrated, Observation, Pods, Refusal, Revision, Routes, State,
    Verb, Version, undo_target,
};
use taskmaster_delivery::spec::{Canary, Rollout, RolloutSpec, Strategy, Traffic};
use taskmaster_delivery::time::Time;

/// Longest time between two looks of somebody who is there.
const AWAY: Duration = Duration::from_secs(60);

/// A rollout at work. It changes only by [`Driver::take`], once what is new was stored.
#[derive(Clone, Debug)]
pub struct Driver {
    kept: Kept,
    delivery: Delivery,
    /// The last look.
    looked: Option<Time>,
}

/// The world as far as it was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Processes of versions; those that are missing have none.
    pub pods: BTreeMap<Revision, Pods>,
    /// What was counted since the rollout is known.
    pub counted: Tally,
    /// What the built-in load came to so far.
    pub load: Option<LoadEnd>,
}

/// What came in since the last look.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    /// Measurements.
    pub measured: Vec<Measured>,
    /// What gates said.
    pub answers: Vec<Answered>,
    /// Where a change of data is.
    pub migration: Option<Migrated>,
    /// What happened to processes, in words.
    pub pods: Vec<(Revision, String)>,
    /// What became of notices: the receiver, whether it took one, and in words.
    pub notices: Vec<(String, bool, String)>,
}

/// What a look came to: to be stored with its facts, then taken, then performed.
#[derive(Clone, Debug)]
pub struct Next {
    /// The rollout from now on.
    pub driver: Driver,
    /// What happened, with the release that it happened to.
    pub facts: Vec<(u64, RolloutFact)>,
    /// What is to be done.
    pub effects: Vec<Effect>,
}

/// A version that is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The version.
    pub revision: Revision,
    /// The file with it.
    pub spec: RolloutSpec,
    /// Its folder.
    pub directory: PathBuf,
    /// Its path, as the user named it.
    pub file: String,
    /// Digest of its text.
    pub digest: Option<String>,
    /// Who asks.
    pub by: Option<String>,
}

impl Driver {
    /// Goes on from what was kept.
    ///
    /// # Errors
    /// The file in it has faults, in words.
    pub fn resume(kept: Kept) -> Result<Self, String> {
        let delivery = Delivery::new(kept.rollout()?, kept.state.clone());
        let looked = kept.looked;
        Ok(Self { kept, delivery, looked })
    }

    /// A rollout that is not there, with the seed of its cookies and the number of its releases of old.
    ///
    /// # Errors
    /// The file has faults, in words.
    pub fn begin(
        wanted: &Wanted,
        doors: Doors,
        (seed, release): (u64, u64),
        now: Time,
    ) -> Result<Self, String> {
        let rollout = checked(&wanted.spec)?;
        let kept = Kept {
            form: FORM,
            name: rollout.name.clone(),
            file: wanted.file.clone(),
            digest: wanted.digest.clone(),
            spec: wanted.spec.clone(),
            directory: wanted.directory.clone(),
            wanted: Revision::default(),
            by: None,
            release,
            releases: Vec::new(),
            versions: Vec::new(),
            state: State::new(now),
            routes: Routes { active: wanted.revision.clone(), ..Routes::default() },
            doors,
            seed,
            weights: Vec::new(),
            story: Vec::new(),
            looked: None,
            started: None,
            ended: None,
            is_stopped: false,
            tally: Tally::default(),
            at_start: Tally::default(),
            verdicts: BTreeMap::new(),
            migration: None,
        };
        Ok(Self { delivery: Delivery::new(rollout, kept.state.clone()), kept, looked: None })
    }

    /// What is to be stored of it.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Its engine.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// What it is to do.
    pub fn rollout(&self) -> &Rollout {
        self.delivery.spec()
    }

    /// True where something may still change by itself.
    pub fn is_under_way(&self) -> bool {
        !self.delivery.state().phase.is_over() || self.kept.wanted != self.delivery.state().revision
    }

    /// True where a router splits the users, and not the numbers of processes.
    pub fn has_router(&self) -> bool {
        match &self.rollout().strategy {
            Strategy::Canary(Canary { traffic, .. }) => *traffic == Traffic::Router,
            Strategy::BlueGreen(_) | Strategy::Ab(_) => true,
            Strategy::Rolling(_) => false,
        }
    }

    /// Asks for a version. Nothing else happens before the next look.
    ///
    /// # Errors
    /// The file has faults, in words.
    pub fn want(&self, wanted: &Wanted, doors: Doors) -> Result<Next, String> {
        let rollout = checked(&wanted.spec)?;
        let mut driver = self.clone();
        let kept = &mut driver.kept;
        kept.note_version(&wanted.revision, &wanted.spec, &wanted.directory);
        kept.wanted = wanted.revision.clone();
        (kept.file, kept.digest) = (wanted.file.clone(), wanted.digest.clone());
        (kept.spec, kept.directory) = (wanted.spec.clone(), wanted.directory.clone());
        (kept.by, kept.doors, kept.is_stopped) = (wanted.by.clone(), doors, false);
        if kept.state.stable.is_none() {
            // Nobody serves: whoever comes first is meant.
            kept.routes.active = wanted.revision.clone();
        }
        driver.delivery = Delivery::new(rollout, kept.state.clone());
        Ok(Next { driver, facts: Vec::new(), effects: Vec::new() })
    }

    /// Does what a person asks. What follows from it, the next look says.
    ///
    /// # Errors
    /// Where that means nothing now.
    pub fn ask(&self, verb: Verb, by: &str, now: Time) -> Result<Next, Refusal> {
        let mut driver = self.clone();
        let before = driver.kept.state.clone();
        driver.delivery.ask(verb, now)?;
        driver.kept.state = driver.delivery.state().clone();
        let mut facts = facts::Facts::new(&mut driver.kept, now);
        facts.add(RolloutFact::Asked { verb: verb_word(verb).to_owned(), by: Some(by.to_owned()) });
        facts.of_hold(&before);
        let facts = facts.done();
        Ok(Next { driver, facts, effects: Vec::new() })
    }

    /// The version that served before the one that is asked for: the stable one while that is another one.
    fn before(&self) -> Option<Revision> {
        let state = self.delivery.state();
        let mut known = [&state.stable, &state.former].into_iter().flatten();
        let is_it = |one: &&Revision| **one != self.kept.wanted && self.kept.version(one).is_some();
        known.find(is_it).cloned()
    }

    /// Asks for the version of an earlier release by its number; unless given for the one that served before,
    /// or the newest other one.
    ///
    /// # Errors
    /// There is none.
    pub fn undo(&self, to: Option<u64>, by: &str, now: Time) -> Result<Next, Refusal> {
        let target = match to {
            None => match self.before() {
                Some(before) => before,
                None => undo_target(&self.observation(&Seen::default(), Inbox::default()), None)?,
            },
            Some(number) => {
                let mut releases = self.kept.releases.iter();
                let found = releases.find(|(release, _)| *release == number);
                found.map(|(_, revision)| revision.clone()).ok_or(Refusal::NoVersion)?
            }
        };
        let mut driver = self.clone();
        let known = driver.kept.version(&target).ok_or(Refusal::NoVersion)?.clone();
        driver.kept.wanted = target;
        driver.kept.by = Some(by.to_owned());
        driver.kept.is_stopped = false;
        let mut facts = facts::Facts::new(&mut driver.kept, now);
        let number = to.map(|number| format!(" ({number})")).unwrap_or_default();
        let verb = format!("undo to {}{number}", known.revision);
        facts.add(RolloutFact::Asked { verb, by: Some(by.to_owned()) });
        let facts = facts.done();
        Ok(Next { driver, facts, effects: Vec::new() })
    }

    /// Its services are ended by a person.
    pub fn stop(&self, by: &str, now: Time) -> Next {
        let mut driver = self.clone();
        driver.kept.is_stopped = true;
        let mut facts = facts::Facts::new(&mut driver.kept, now);
        facts.add(RolloutFact::Asked { verb: "stop".to_owned(), by: Some(by.to_owned()) });
        let facts = facts.done();
        Next { driver, facts, effects: Vec::new() }
    }

    /// Remembers what was counted so far, and when.
    pub fn note_counted(&mut self, counted: &Tally) {
        self.kept.tally = counted.clone();
        self.kept.looked = self.looked;
    }

    /// True where something but counters is otherwise.
    pub fn differs(&self, other: &Self) -> bool {
        let (tally, looked) = (self.kept.tally.clone(), self.kept.looked);
        Kept { tally, looked, ..other.kept.clone() } != self.kept
    }

    /// Looks at the world.
    pub fn look(&self, seen: &Seen, inbox: Inbox, now: Time) -> Next {
        let mut driver = self.clone();
        let (pods, notices) = (inbox.pods.clone(), inbox.notices.clone());
        let answers = inbox.answers.clone();
        let migration = inbox.migration.clone();
        if migration.is_some() {
            driver.kept.migration.clone_from(&migration);
        }
        let last = driver.looked.replace(now);
        if let Some(gap) = last.map(|last| now - last).filter(|gap| *gap > AWAY) {
            driver.delivery.was_away(gap);
        }
        let observation = driver.observation(seen, inbox);
        let before = driver.kept.state.clone();
        let effects = driver.delivery.handle(&observation, now);
        driver.kept.state = driver.delivery.state().clone();
        for effect in &effects {
            if let Effect::Route(routes) = effect {
                driver.kept.routes = routes.clone();
            }
        }
        let steps = words::steps(driver.delivery.spec(), driver.delivery.moves());
        let ends = super::verdicts::verdicts(&driver.delivery);
        let share = driver.share(seen);
        let mut facts = facts::Facts::new(&mut driver.kept, now);
        let look = facts::Look {
            before: &before,
            rollout: driver.delivery.spec(),
            steps: &steps,
            effects: &effects,
            answers: &answers,
            migration: migration.as_ref(),
            pods: &pods,
            notices: &notices,
            verdicts: &ends,
            share,
            counted: &seen.counted,
            load: seen.load.as_ref(),
        };
        facts.of_look(&look);
        let facts = facts.done();
        driver.kept.forget(|revision| seen.pods.get(revision).is_some_and(has_processes));
        Next { driver, facts, effects }
    }

    /// The new version's share of the users in percent.
    fn share(&self, seen: &Seen) -> u32 {
        let revision = &self.kept.state.revision;
        if self.kept.state.stable.is_none() {
            return 100;
        }
        if self.has_router() {
            return self.kept.routes.weight(revision);
        }
        self.routes_by_pods(seen).weight(revision)
    }

    /// Where users go: as the engine wants it, or in proportion to processes where those split them.
    pub fn routes(&self, seen: &Seen) -> Routes {
        if self.has_router() { self.kept.routes.clone() } else { self.routes_by_pods(seen) }
    }

    fn routes_by_pods(&self, seen: &Seen) -> Routes {
        let state = &self.kept.state;
        let available = |revision: &Revision| seen.pods.get(revision).map_or(0, |pods| pods.available.max(0));
        let stable = state.stable.as_ref().unwrap_or(&state.revision);
        let (old, new) = (available(stable), available(&state.revision));
        if state.revision == *stable || new == 0 {
            // Where neither serves, somebody older may.
            let serving =
                seen.pods.iter().filter(|(_, pods)| pods.available > 0).map(|(revision, _)| revision);
            let active = if old > 0 { Some(stable) } else { serving.max().or(Some(stable)) };
            return Routes { active: active.cloned().unwrap_or_default(), ..Routes::default() };
        }
        if old == 0 {
            return Routes { active: state.revision.clone(), ..Routes::default() };
        }
        let weight = (100 * new + (old + new) / 2) / (old + new);
        let share = taskmaster_delivery::engine::Share {
            revision: state.revision.clone(),
            weight: u32::try_from(weight).unwrap_or(0),
        };
        Routes { active: stable.clone(), share: Some(share), ..Routes::default() }
    }

    fn observation(&self, seen: &Seen, inbox: Inbox) -> Observation {
        let pods = |revision: &Revision| seen.pods.get(revision).copied().unwrap_or_default();
        let known = self.kept.versions.iter();
        let versions = known.map(|version| Version {
            revision: version.revision.clone(),
            number: version.number,
            pods: pods(&version.revision),
        });
        Observation {
            wanted: self.kept.wanted.clone(),
            replicas: None,
            versions: versions.collect(),
            routes: self.has_router().then(|| self.kept.routes.clone()),
            measured: inbox.measured,
            migration: self.kept.migration.clone(),
            answers: inbox.answers,
        }
    }
}

fn has_processes(pods: &Pods) -> bool {
    pods.wanted > 0 || pods.created > 0 || pods.terminating > 0
}

/// A verb as people write it.
pub fn verb_word(verb: Verb) -> &'static str {
    match verb {
        Verb::Promote => "promote",
        Verb::PromoteFull => "promote --full",
        Verb::Pause => "pause",
        Verb::Resume => "resume",
        Verb::Abort => "abort",
        Verb::Retry => "retry",
    }
}
