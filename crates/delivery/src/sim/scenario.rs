//! Under which conditions a rollout is simulated.

use super::faults::Trouble;
use super::meaning::Meaning;
use super::service::{Behaviour, Incident, Service, Users};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Under which conditions a rollout is simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scenario {
    /// Who comes, and what they meet.
    pub service: Service,
    /// What goes wrong.
    pub trouble: Trouble,
    /// Seconds between two looks.
    pub look: f64,
    /// Seconds after which a rollout that has not ended is looked at no more.
    pub horizon: f64,
    /// What counted metrics measure, by name; guessed for others.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, Meaning>,
    /// Seconds after which a person passes a pause without a time; nobody does unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<f64>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            service: Service::default(),
            trouble: Trouble::default(),
            look: 1.0,
            horizon: 4.0 * 3600.0,
            metrics: BTreeMap::new(),
            person: None,
        }
    }
}

impl Scenario {
    /// Names and meanings of those that come along.
    pub const NAMES: [(&'static str, &'static str); 9] = [
        ("healthy", "the new version is as good as the old one"),
        ("faulty", "a fifth of the new version's answers are errors"),
        ("slow", "the new version takes two seconds instead of 50 ms"),
        ("subtle", "the new version fails twice as often as the old one"),
        ("incident", "a good version, and five minutes in which both versions fail more often"),
        ("clusters", "a good version whose errors come by sessions of five requests"),
        ("cold", "a good version that is ten times as slow in its first minute"),
        ("silent", "a good version, and no measurement after a minute"),
        ("trouble", "a good version; the controller dies, effects get lost, looks are stale, others write"),
    ];

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        let mut scenario = Self::default();
        let service = &mut scenario.service;
        match name {
            "healthy" => {}
            "faulty" => service.canary.errors = 0.2,
            "slow" => service.canary.latency = 2_000.0,
            "subtle" => service.canary.errors = 2.0 * service.stable.errors,
            "incident" => service.incident = Some(Incident { from: 120.0, to: 420.0, errors: 0.04 }),
            "clusters" => service.users = Users { session: 5, ..Users::default() },
            "cold" => service.canary = Behaviour { cold: 10.0, warm_up: 60.0, ..Behaviour::default() },
            "silent" => scenario.trouble.silence = 60.0,
            "trouble" => scenario.trouble = Trouble::everything(),
            _ => return None,
        }
        Some(scenario)
    }
}

impl Trouble {
    /// A bit of everything for ten minutes.
    pub fn everything() -> Self {
        Self {
            crashes: 0.0005,
            deaths: 0.02,
            lost: 0.02,
            repeated: 0.02,
            stale: 0.1,
            gaps: 0.05,
            lag: 1.0,
            autoscaler: 0.005,
            healer: 0.005,
            until: 600.0,
            ..Self::default()
        }
    }
}
