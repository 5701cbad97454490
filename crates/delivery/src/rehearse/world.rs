//! The world of a rehearsal: pods are there at once, and the router does what it is told.

use crate::engine::{
    Answer, Answered, Effect, Measured, Migrated, Observation, Pods, Revision, Routes, Version,
};
use crate::spec::{GateKind, Rollout, Strategy, Traffic};

/// The name of the version that serves.
pub(super) const STABLE: &str = "stable";
/// The name of the version that is brought.
pub(super) const CANARY: &str = "canary";

/// The world.
pub(super) struct World {
    stable: Version,
    canary: Version,
    routes: Option<Routes>,
    migration: Option<Migrated>,
    gates: Vec<GateKind>,
    answers: Vec<Answered>,
    pub(super) measured: Vec<Measured>,
}

impl World {
    pub(super) fn new(spec: &Rollout) -> Self {
        let has_router = match &spec.strategy {
            Strategy::Canary(canary) => canary.traffic == Traffic::Router,
            Strategy::BlueGreen(_) | Strategy::Ab(_) => true,
            Strategy::Rolling(_) => false,
        };
        let version = |name: &str, number, replicas| Version {
            revision: Revision(name.to_owned()),
            number,
            pods: pods(replicas),
        };
        let stable = version(STABLE, 1, spec.replicas);
        let routes = Routes { active: stable.revision.clone(), ..Routes::default() };
        Self {
            stable,
            canary: version(CANARY, 2, 0),
            routes: has_router.then_some(routes),
            migration: None,
            gates: spec.gates.iter().map(|gate| gate.kind).collect(),
            answers: Vec::new(),
            measured: Vec::new(),
        }
    }

    /// What is seen: everything as it is.
    pub(super) fn look(&mut self) -> Observation {
        Observation {
            wanted: self.canary.revision.clone(),
            replicas: None,
            versions: vec![self.stable.clone(), self.canary.clone()],
            routes: self.routes.clone(),
            measured: std::mem::take(&mut self.measured),
            migration: self.migration.clone(),
            answers: std::mem::take(&mut self.answers),
        }
    }

    /// Does what is to be done, but for measurements and notices.
    pub(super) fn perform(&mut self, effect: &Effect) {
        match effect {
            Effect::Scale { revision, replicas } => {
                let versions = [&mut self.stable, &mut self.canary];
                if let Some(version) = versions.into_iter().find(|version| version.revision == *revision) {
                    version.pods = pods(*replicas);
                }
            }
            Effect::Route(routes) => self.routes = Some(routes.clone()),
            Effect::Migrate { revision, direction, attempt } => {
                let (revision, direction, attempt) = (revision.clone(), *direction, *attempt);
                self.migration = Some(Migrated { revision, direction, attempt, end: Some(Ok(())) });
            }
            Effect::Ask { gate, revision, question } => {
                // Every gate lets it go on.
                let is_rollback = self.gates.get(*gate) == Some(&GateKind::Rollback);
                let why = "nothing is wrong".to_owned();
                let answer = if is_rollback { Answer::No { why } } else { Answer::Yes };
                let (gate, revision, question) = (*gate, revision.clone(), *question);
                self.answers.push(Answered { gate, revision, question, answer });
            }
            Effect::Measure { .. } | Effect::Tell(_) => {}
        }
    }

    /// The new version's share of the users, in percent: by the router, else by the pods.
    pub(super) fn weight(&self) -> f64 {
        if let Some(routes) = &self.routes {
            return f64::from(routes.weight(&self.canary.revision));
        }
        let (canary, stable) = (self.canary.pods.available, self.stable.pods.available);
        let all = f64::from(canary) + f64::from(stable);
        if all > 0.0 { 100.0 * f64::from(canary) / all } else { 0.0 }
    }
}

fn pods(count: i32) -> Pods {
    Pods { wanted: count, created: count, available: count, terminating: 0 }
}
