//! What goes wrong around a rollout.

use serde::{Deserialize, Serialize};

/// What goes wrong. All numbers are probabilities at one occasion, unless they say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Trouble {
    /// Shortest and longest time in seconds until a pod can serve.
    pub start: (f64, f64),
    /// Seconds until a pod that ends is gone.
    pub grace: f64,
    /// No pod of the new version ever serves.
    pub is_never_ready: bool,
    /// A pod of the new version never serves.
    pub bad_pods: f64,
    /// A pod falls over, a second.
    pub crashes: f64,
    /// The controller dies between two effects, and another one goes on.
    pub deaths: f64,
    /// An effect is lost.
    pub lost: f64,
    /// An effect comes twice, the second time later.
    pub repeated: f64,
    /// What is seen is some looks old.
    pub stale: f64,
    /// How many looks at most.
    pub stale_looks: usize,
    /// Seconds until a measurement is answered.
    pub lag: f64,
    /// A measurement has no answer.
    pub gaps: f64,
    /// From this second on none has; never where it is 0.
    pub silence: f64,
    /// An autoscaler changes the number of pods, a look.
    pub autoscaler: f64,
    /// A tool that heals the cluster from Git writes the pods and routes of before, a look.
    pub healer: f64,
    /// Somebody asks for another version, a look.
    pub another: f64,
    /// A person does something, a look.
    pub person: f64,
    /// Longest time of a migration, in seconds.
    pub migration: f64,
    /// A migration fails.
    pub migration_fails: f64,
    /// Longest time for which a gate says no, in seconds.
    pub gates: f64,
    /// A gate that is asked again and again is against the version, at each question.
    pub against: f64,
    /// When all of this ends, in seconds: whatever has to converge may do so then.
    pub until: f64,
}

impl Default for Trouble {
    fn default() -> Self {
        Self {
            start: (1.0, 5.0),
            grace: 2.0,
            is_never_ready: false,
            bad_pods: 0.0,
            crashes: 0.0,
            deaths: 0.0,
            lost: 0.0,
            repeated: 0.0,
            stale: 0.0,
            stale_looks: 3,
            lag: 0.0,
            gaps: 0.0,
            silence: 0.0,
            autoscaler: 0.0,
            healer: 0.0,
            another: 0.0,
            person: 0.0,
            migration: 0.0,
            migration_fails: 0.0,
            gates: 0.0,
            against: 0.0,
            until: f64::MAX,
        }
    }
}

impl Trouble {
    /// True where nothing keeps a decision from being carried out.
    pub(super) fn is_quiet(&self) -> bool {
        self.deaths
            + self.lost
            + self.repeated
            + self.stale
            + self.healer
            + self.another
            + self.person
            + self.autoscaler
            <= 0.0
    }

    /// What is left once it has ended: pods that start in their time.
    pub(super) fn over(&self) -> Self {
        Self {
            start: self.start,
            grace: self.grace,
            is_never_ready: self.is_never_ready,
            lag: self.lag,
            migration: self.migration,
            gates: self.gates,
            ..Self::default()
        }
    }
}
