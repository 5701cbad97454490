//! How many pods each version is to have.

use super::decide::Delivery;
use super::phase::Phase;
use super::world::{Effect, Observation, Pods, Revision, Version};
use crate::mutant::{self, Mutant};
use crate::replicas::{
    AbortDelay, Canary as Plan, Clamp, Counts, Course, Limits, Position, Set, Sets, Stable, Step,
    Traffic as Routing, Weights, basic, drain, routed, split,
};
use crate::spec::{Canary, Scale, Strategy, Traffic};
use crate::time::Time;

impl Delivery {
    /// Pods in full service.
    pub(super) fn replicas(&self, seen: &Observation) -> i32 {
        let asked = seen.replicas.filter(|_| !mutant::is(Mutant::IgnoresAutoscaler));
        asked.unwrap_or(self.spec().replicas).max(0)
    }

    /// What is to be scaled.
    pub(super) fn scaling(&self, seen: &Observation, now: Time) -> Vec<Effect> {
        let state = self.state();
        let counts = self.counts(seen);
        let mut wanted = vec![(state.revision.clone(), counts.canary)];
        if let Some(stable) = state.stable.clone().filter(|stable| *stable != state.revision) {
            wanted.push((stable, counts.stable));
        }
        let of_ours = |revision: &Revision| wanted.iter().any(|(ours, _)| ours == revision);
        let others: Vec<(Revision, i32)> =
            self.of_others(seen, now).into_iter().filter(|(revision, _)| !of_ours(revision)).collect();
        wanted.extend(others);
        wanted.iter_mut().for_each(|(_, count)| *count = (*count).max(0));
        let differs = |(revision, count): &(Revision, i32)| seen.pods(revision).wanted != *count;
        let scale = |(revision, replicas)| Effect::Scale { revision, replicas };
        wanted.into_iter().filter(differs).map(scale).collect()
    }

    /// Pods of versions that are neither.
    fn of_others(&self, seen: &Observation, now: Time) -> Vec<(Revision, i32)> {
        let others = self.others(seen);
        let names = others.iter().map(|version| version.revision.clone());
        if self.waits_for_data() {
            return names.zip(others.iter().map(|version| version.pods.wanted)).collect();
        }
        if let Some(plan) = self.plan_by_pods(self.replicas(seen))
            && !mutant::is(Mutant::OvertakenGoAtOnce)
        {
            return names.zip(drain(&plan, self.position(), &self.sets(seen))).collect();
        }
        names.map(|name| (name.clone(), self.of_retired(&name, seen, now))).collect()
    }

    /// Versions that are neither, the newest first.
    fn others<'s>(&self, seen: &'s Observation) -> Vec<&'s Version> {
        let state = self.state();
        let is_ours =
            |revision: &Revision| *revision == state.revision || state.stable.as_ref() == Some(revision);
        let mut others: Vec<&Version> =
            seen.versions.iter().filter(|version| !is_ours(&version.revision)).collect();
        others.sort_by_key(|version| std::cmp::Reverse(version.number));
        others
    }

    /// True while nobody gets pods but who can read the data as they are: until they are changed, or changed
    /// back, who has pods keeps them.
    fn waits_for_data(&self) -> bool {
        match self.state().phase {
            Phase::RollingBack => self.owes_data(),
            Phase::Completed | Phase::RolledBack => false,
            _ => self.lacks_data() || (self.is_stranded() && !self.setting().replaces),
        }
    }

    /// Pods of a version that is neither: as now while users reach it or its time is not over, else none.
    fn of_retired(&self, revision: &Revision, seen: &Observation, now: Time) -> i32 {
        let is_reached = seen.routes.as_ref().is_some_and(|routes| routes.reaches(revision));
        let stays = match self.state().retiring.get(revision) {
            _ if mutant::is(Mutant::OldGoesAtOnce) => return 0,
            Some(Some(at)) => now < *at,
            Some(None) => true,
            None => false,
        };
        if is_reached || stays { seen.pods(revision).wanted } else { 0 }
    }

    /// Pods of the new version and of the stable one.
    fn counts(&self, seen: &Observation) -> Counts {
        let state = self.state();
        let replicas = self.replicas(seen);
        let now = |revision: &Revision| seen.pods(revision).wanted;
        let Some(stable) = &state.stable else {
            let canary = if self.lacks_data() { now(&state.revision) } else { replicas };
            return Counts { canary, stable: 0 };
        };
        if self.waits_for_data() {
            let is_forward = state.phase != Phase::RollingBack && !self.is_stranded();
            let stable = if is_forward { replicas } else { now(stable) };
            return Counts { canary: now(&state.revision), stable };
        }
        if state.revision == *stable || state.phase == Phase::Completed {
            return Counts { canary: replicas, stable: replicas };
        }
        if self.splits_by_pods() {
            return self.counts_by_pods(seen);
        }
        let new = match state.phase {
            Phase::RollingBack => seen.pods(&state.revision).wanted,
            Phase::RolledBack => self.of_given_up(seen),
            _ if self.is_unconfirmed() => seen.pods(&state.revision).wanted,
            _ => self.pods_for_weight(seen).max(self.pods_for_users(seen)),
        };
        Counts {
            canary: new.min(replicas.max(seen.pods(&state.revision).wanted)),
            stable: self.stable_pods(seen),
        }
    }

    /// Pods that the new version has and its users need, whatever is to come.
    fn pods_for_users(&self, seen: &Observation) -> i32 {
        let revision = &self.state().revision;
        let Some(routes) = seen.routes.as_ref().filter(|routes| routes.reaches(revision)) else { return 0 };
        let has_scale = self.setting().scale.is_some();
        let weight = i32::try_from(routes.weight(revision)).unwrap_or(100);
        let needed = if has_scale { 1 } else { split(self.replicas(seen), weight).canary.max(1) };
        needed.min(seen.pods(revision).wanted)
    }

    /// Pods of the version that was given up: as now until its time is over.
    fn of_given_up(&self, seen: &Observation) -> i32 {
        let state = self.state();
        let is_reached = seen.routes.as_ref().is_some_and(|routes| routes.reaches(&state.revision));
        let stays = !matches!(state.retiring.get(&state.revision), Some(Some(at)) if self.now() >= *at);
        if is_reached || stays { seen.pods(&state.revision).wanted } else { 0 }
    }

    /// Pods that the new version needs before it may have what its place gives it.
    pub(super) fn pods_for_weight(&self, seen: &Observation) -> i32 {
        let replicas = self.replicas(seen);
        match &self.spec().strategy {
            Strategy::BlueGreen(_) => {
                let setting = self.setting();
                if setting.is_full || setting.is_active { replicas } else { self.preview_pods(seen) }
            }
            Strategy::Canary(canary) if !self.is_promoting() => {
                routed(&plan(canary, replicas), self.position(), &self.sets(seen), None).canary
            }
            Strategy::Ab(ab) if !self.is_promoting() => ab.replicas.unwrap_or(replicas).min(replicas),
            _ => replicas,
        }
    }

    /// Pods that the new version has at a place on the way forward.
    pub(super) fn pods_at(&self, seen: &Observation, step: usize) -> i32 {
        let Strategy::Canary(canary) = &self.spec().strategy else { return self.replicas(seen) };
        let position = Position { course: Course::Steps, aborted: false, step };
        routed(&plan(canary, self.replicas(seen)), position, &self.sets(seen), None).canary
    }

    /// Pods of a preview that was not promoted.
    pub(super) fn preview_pods(&self, seen: &Observation) -> i32 {
        let Strategy::BlueGreen(blue_green) = &self.spec().strategy else { return 0 };
        let replicas = self.replicas(seen);
        blue_green.preview_replicas.unwrap_or(replicas).min(replicas)
    }

    /// All of them, unless it gives up pods for the share that it does not carry: for its share as it is to
    /// be and as it is.
    fn stable_pods(&self, seen: &Observation) -> i32 {
        let replicas = self.replicas(seen);
        if mutant::is(Mutant::BackWithoutStable) && self.state().phase == Phase::RollingBack {
            return 0;
        }
        let Strategy::Canary(canary) = &self.spec().strategy else { return replicas };
        let is_forward =
            matches!(self.state().phase, Phase::Initializing | Phase::Analyzing | Phase::Promoting);
        if !canary.dynamic_stable_scale || !is_forward {
            return replicas;
        }
        let now = seen.routes.as_ref().map_or(0, |routes| routes.weight(&self.state().revision));
        let weight = |weight: u32| i32::try_from(weight).unwrap_or(100);
        let weights = Weights { canary: weight(now), stable: 100 - weight(now), outdated: false };
        routed(&plan(canary, replicas), self.position(), &self.sets(seen), Some(weights)).stable
    }

    /// True where pods share the users among versions.
    pub(super) fn splits_by_pods(&self) -> bool {
        self.plan_by_pods(0).is_some()
    }

    /// The plan where pods share the users among versions.
    fn plan_by_pods(&self, replicas: i32) -> Option<Plan> {
        match &self.spec().strategy {
            Strategy::Canary(canary) if canary.traffic == Traffic::Pods => {
                let plan = plan(canary, replicas);
                let steps = vec![Step::SetWeight(0), Step::Pause(None)];
                Some(if self.is_withheld_at_start() { Plan { steps, ..plan } } else { plan })
            }
            Strategy::Rolling(rolling) => {
                let weight = if self.setting().replaces { 100 } else { 0 };
                Some(Plan {
                    replicas,
                    max_surge: rolling.max_surge,
                    max_unavailable: rolling.max_unavailable,
                    steps: vec![Step::SetWeight(weight), Step::Pause(None)],
                    ..Plan::default()
                })
            }
            Strategy::Canary(_) | Strategy::BlueGreen(_) | Strategy::Ab(_) => None,
        }
    }

    fn counts_by_pods(&self, seen: &Observation) -> Counts {
        let replicas = self.replicas(seen);
        let Some(plan) = self.plan_by_pods(replicas) else { return Counts::default() };
        let limits = Limits::canary(replicas, plan.max_surge, plan.max_unavailable);
        let sets = self.sets(seen);
        let mut counts = basic(&plan, self.position(), &sets);
        if self.state().phase == Phase::RollingBack {
            // Pods that do not serve take no room from those that come back.
            counts.canary = counts.canary.min(seen.pods(&self.state().revision).available);
        }
        let terminating =
            seen.versions.iter().map(|version| i64::from(version.pods.terminating)).sum::<i64>();
        let terminating = i32::try_from(terminating).unwrap_or(i32::MAX);
        Clamp { replicas, surge: limits.surge, terminating }.terminating(counts, &sets)
    }

    /// True where pods stand as the share asks for.
    pub(super) fn is_balanced(&self, seen: &Observation) -> bool {
        let settled = |effect: &Effect| !matches!(effect, Effect::Scale { .. });
        let wanted = seen.pods(&self.state().revision).wanted;
        let is_there = seen.pods(&self.state().revision).available >= wanted;
        let is_ours = |revision: &Revision| {
            *revision == self.state().revision || self.state().stable.as_ref() == Some(revision)
        };
        let mut older = seen.versions.iter().filter(|version| !is_ours(&version.revision));
        is_there
            && older.all(|version| version.pods.available <= 0)
            && self.scaling(seen, self.now()).iter().all(settled)
            && self.is_stable_there(seen)
    }

    fn is_stable_there(&self, seen: &Observation) -> bool {
        let pods = self.state().stable.as_ref().map(|stable| seen.pods(stable)).unwrap_or_default();
        pods.created == pods.wanted
    }

    /// Where it stands, in the terms of the maths.
    fn position(&self) -> Position {
        let state = self.state();
        let aborted = matches!(state.phase, Phase::RollingBack | Phase::RolledBack);
        let rolls = matches!(self.spec().strategy, Strategy::Rolling(_));
        let step = match (aborted, rolls) {
            (true, _) | (_, true) => 0,
            _ => self.place_of_pods(),
        };
        Position { course: Course::Steps, aborted, step }
    }

    fn sets(&self, seen: &Observation) -> Sets {
        let state = self.state();
        let set = |revision: &Revision| of(seen.pods(revision));
        Sets {
            canary: Some(set(&state.revision)),
            stable: match &state.stable {
                None => Stable::Absent,
                Some(stable) if *stable == state.revision => Stable::Canary,
                Some(stable) => Stable::Other(set(stable)),
            },
            older: self.others(seen).into_iter().map(|version| of(version.pods)).collect(),
        }
    }
}

fn of(pods: Pods) -> Set {
    Set { wanted: pods.wanted, created: pods.created, available: pods.available }
}

/// A canary in the terms of the maths.
fn plan(canary: &Canary, replicas: i32) -> Plan {
    let routing = Routing {
        min_pods: Some(canary.min_pods),
        dynamic_stable_scale: canary.dynamic_stable_scale,
        abort_delay: AbortDelay::Unsaid,
        ..Routing::default()
    };
    Plan {
        replicas,
        max_surge: canary.max_surge,
        max_unavailable: canary.max_unavailable,
        steps: canary.steps.iter().map(step).collect(),
        traffic: (canary.traffic == Traffic::Router).then_some(routing),
        threshold: None,
    }
}

fn step(step: &crate::spec::Step) -> Step {
    use crate::spec::Step as Written;
    let narrow = |weight: u32| i32::try_from(weight).unwrap_or(100);
    match step {
        Written::SetWeight(weight) => Step::SetWeight(narrow(*weight)),
        Written::Pause(span) => Step::Pause(*span),
        Written::Analysis(_) => Step::Judge,
        Written::SetScale(Scale::Replicas(pods)) => Step::SetCanaryScale(crate::replicas::Scale::Pods(*pods)),
        Written::SetScale(Scale::Weight(weight)) => {
            Step::SetCanaryScale(crate::replicas::Scale::Weight(narrow(*weight)))
        }
        Written::SetScale(Scale::MatchTrafficWeight) => {
            Step::SetCanaryScale(crate::replicas::Scale::MatchTraffic)
        }
        Written::HeaderRoute(_) | Written::Mirror(_) => Step::Route,
    }
}
