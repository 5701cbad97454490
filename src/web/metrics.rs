//! Metrics of syncs for Prometheus, made from the ledger when they are asked for.

use super::webhook::Verdict;
use crate::report::view::{SyncHealth, SyncStatusView, SyncView};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

/// The format of [`text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All states of [`SyncHealth`].
const HEALTHS: [SyncHealth; 5] = [
    SyncHealth::Healthy,
    SyncHealth::Progressing,
    SyncHealth::Degraded,
    SyncHealth::Paused,
    SyncHealth::Unknown,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSync {
    sync: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WithHealth {
    sync: String,
    health: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WithResult {
    sync: String,
    result: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfHook {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Facts {
    sync: String,
    repository: String,
    git_ref: String,
    environment: String,
    document: String,
    commit: String,
}

/// Webhooks so far.
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    counted: Family<OfHook, Counter>,
}

impl Hooks {
    /// Counts one.
    pub fn count(&self, verdict: Verdict) {
        self.counted.get_or_create(&OfHook { result: verdict.name() }).inc();
    }
}

type Whole = Family<OfSync, Gauge>;
type Exact = Family<OfSync, Gauge<f64, AtomicU64>>;

/// The metrics as OpenMetrics text.
pub fn text(view: &SyncStatusView, hooks: &Hooks) -> String {
    let mut registry = Registry::with_prefix("taskmaster");
    let facts: Family<Facts, Gauge> = Family::default();
    registry.register("sync_facts", "What a sync follows, and the commit in force; always 1", facts.clone());
    let health: Family<WithHealth, Gauge> = Family::default();
    registry.register("sync_health", "1 for the health that a sync has", health.clone());
    let results: Family<WithResult, Counter> = Family::default();
    registry.register("syncs", "Syncs by what came of them", results.clone());
    let mut whole = |name: &str, help: &str| {
        let family = Whole::default();
        registry.register(name, help, family.clone());
        family
    };
    let drifted = whole("sync_drifted_tasks", "Tasks that drifted, as far as was looked");
    let left = whole("sync_left_tasks", "Tasks that are gone from the document and not undone");
    let waiting = whole("sync_waiting_tasks", "Tasks that wait for a person");
    let failures = whole("sync_failures_in_a_row", "Failed syncs since the last one that did not fail");
    let mut exact = |name: &str, help: &str| {
        let family = Exact::default();
        registry.register_with_unit(name, help, Unit::Seconds, family.clone());
        family
    };
    let last = exact("sync_last_timestamp", "When the last sync ended");
    let success = exact("sync_last_success_timestamp", "When the place stood at the newest commit last");
    let next = exact("sync_next_timestamp", "When the next sync is due");
    let commit = exact("sync_commit_timestamp", "When the commit in force was made");
    let took = exact("sync_last_duration", "How long the last sync took");
    registry.register("webhooks", "Webhooks by what was made of them", hooks.counted.clone());
    for sync in &view.syncs {
        let of = OfSync { sync: sync.name.clone() };
        facts.get_or_create(&facts_of(sync)).set(1);
        for one in HEALTHS {
            let label = WithHealth { sync: sync.name.clone(), health: one.name() };
            health.get_or_create(&label).set(i64::from(one == sync.health));
        }
        for (result, count) in &sync.syncs {
            let label = WithResult { sync: sync.name.clone(), result: result.clone() };
            results.get_or_create(&label).inc_by(*count);
        }
        drifted.get_or_create(&of).set(signed(sync.drifted));
        left.get_or_create(&of).set(signed(sync.left.len() as u64));
        waiting.get_or_create(&of).set(signed(sync.waiting.len() as u64));
        failures.get_or_create(&of).set(i64::from(sync.failures));
        let times = [
            (&last, sync.last),
            (&success, sync.last_success),
            (&next, sync.next.filter(|_| sync.process.is_some() && sync.paused.is_none())),
            (&commit, sync.commit.as_ref().and_then(|commit| commit.time)),
        ];
        for (family, at) in times {
            if let Some(at) = at {
                family.get_or_create(&of).set(at.as_microsecond() as f64 / 1e6);
            }
        }
        took.get_or_create(&of).set(sync.duration_ms as f64 / 1e3);
    }
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = encode(&mut out, &registry);
    out
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn facts_of(sync: &SyncView) -> Facts {
    Facts {
        sync: sync.name.clone(),
        repository: sync.repository.clone(),
        git_ref: sync.git_ref.clone(),
        environment: sync.environment.to_string(),
        document: sync.path.clone().unwrap_or_default(),
        commit: sync.commit.as_ref().map(|commit| commit.id.clone()).unwrap_or_default(),
    }
}
