//! Whom a rollout asks and tells: metrics, gates and receivers of notices, with their secrets looked up.

use super::service::vault::Vault;
use crate::deliver::metrics::{Context, Meter, Sources, bounds_ms};
use crate::deliver::notify::{GateCall, Hook, HookState, Notifier};
use crate::deliver::traffic::Snapshot;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use taskmaster_delivery::analysis::answer::Answer;
use taskmaster_delivery::analysis::condition::Readings;
use taskmaster_delivery::engine::{Reading, Revision};
use taskmaster_delivery::spec::Rollout;
use taskmaster_delivery::stats::{Arm, Look};

/// Numbers of a metric that are remembered for a picture of it.
const MOST_RECENT: usize = 60;
/// How long notices that wait may take when they are not wanted any more.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Whom a rollout asks and tells.
pub(super) struct Senses {
    sources: Arc<Sources>,
    meter: Arc<Meter>,
    bounds_ms: Arc<[f64]>,
    gates: Vec<Result<GateCall, String>>,
    notifier: Notifier,
    /// Receivers that cannot be told: their name, and why.
    mute: Vec<(String, String)>,
    recent: BTreeMap<usize, Recent>,
    /// Notices that each receiver had, and those that it did not get, at the last look.
    told: BTreeMap<String, (u64, u64)>,
}

/// The last numbers of a metric, oldest first; a gap is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recent {
    /// What they are.
    pub unit: Option<String>,
    /// The new version's.
    pub canary: VecDeque<Option<f64>>,
    /// The stable version's, where it is compared.
    pub baseline: VecDeque<Option<f64>>,
    last: Option<Look>,
}

impl Senses {
    /// Those of a rollout. What cannot be looked up is silent, and says why when it is asked.
    pub(super) fn new(rollout: &Rollout, directory: &Path, vault: &Vault, counted: &Snapshot) -> Self {
        let env = |name: &str| vault.variable(name);
        let gates = rollout.gates.iter();
        let gates =
            gates.map(|gate| GateCall::read(gate, directory, &env).map_err(|fault| fault.to_string()));
        let (mut hooks, mut mute) = (Vec::new(), Vec::new());
        for notice in &rollout.notices {
            match Hook::read(notice, directory, &env) {
                Ok(hook) => hooks.push(hook),
                Err(fault) => mute.push((notice.name.clone(), fault.to_string())),
            }
        }
        Self {
            sources: Arc::new(sources(rollout, directory, vault).unwrap_or_default()),
            meter: Arc::new(Meter::new(Some(counted))),
            bounds_ms: bounds_ms(&rollout.analysis).into(),
            gates: gates.collect(),
            notifier: Notifier::start(hooks),
            mute,
            recent: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    /// What became of notices since the last look: the receiver, whether it took one, and in words.
    pub(super) fn news(&mut self) -> Vec<(String, bool, String)> {
        let mut news = Vec::new();
        for hook in self.notifier.state() {
            let now = (hook.sent, hook.failed + hook.dropped);
            let (sent, failed) = self.told.insert(hook.name.clone(), now).unwrap_or_default();
            if now.0 > sent {
                news.push((hook.name.clone(), true, format!("{} taken", now.0 - sent)));
            }
            if now.1 > failed {
                news.push((hook.name, false, hook.fault.unwrap_or_else(|| "there was no room".to_owned())));
            }
        }
        news
    }

    /// Why somebody whom a rollout needs cannot be asked or told, in words; before it begins.
    pub(super) fn check(rollout: &Rollout, directory: &Path, vault: &Vault) -> Result<(), String> {
        let env = |name: &str| vault.variable(name);
        for gate in &rollout.gates {
            let read = GateCall::read(gate, directory, &env);
            read.map_err(|fault| format!("gate {}: {fault}", gate.name))?;
        }
        for notice in &rollout.notices {
            let read = Hook::read(notice, directory, &env);
            read.map_err(|fault| format!("notice {}: {fault}", notice.name))?;
        }
        sources(rollout, directory, vault).map(drop)
    }

    /// Counting begins anew.
    pub(super) fn begin(&mut self, counted: &Snapshot) {
        self.meter = Arc::new(Meter::new(Some(counted)));
        self.recent.clear();
    }

    /// Everything about a measurement but the metric.
    pub(super) fn context(
        &self,
        canary: &Revision,
        stable: Option<&Revision>,
        share: Option<u32>,
        counted: Snapshot,
    ) -> Context {
        Context {
            sources: Arc::clone(&self.sources),
            meter: Arc::clone(&self.meter),
            canary: canary.clone(),
            stable: stable.cloned(),
            share,
            proxy: Some(Arc::new(counted)),
            bounds_ms: Arc::clone(&self.bounds_ms),
        }
    }

    /// A gate by its place.
    pub(super) fn gate(&self, index: usize) -> Result<GateCall, String> {
        self.gates.get(index).cloned().unwrap_or_else(|| Err("there is no such gate".to_owned()))
    }

    /// Upper bounds of the latencies that are counted.
    pub(super) fn bounds_ms(&self) -> &[f64] {
        &self.bounds_ms
    }

    /// Who is told.
    pub(super) fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// How it goes with receivers.
    pub(super) fn hooks(&self) -> (Vec<HookState>, &[(String, String)]) {
        (self.notifier.state(), &self.mute)
    }

    /// Takes note of a measurement, for pictures.
    pub(super) fn note(&mut self, metric: usize, reading: &Reading) {
        self.recent.entry(metric).or_default().note(reading);
    }

    /// The last numbers of each metric.
    pub(super) fn recent(&self) -> &BTreeMap<usize, Recent> {
        &self.recent
    }

    /// Tells what waits, and ends.
    pub(super) async fn end(self) {
        self.notifier.stop(LAST_WORDS).await;
    }
}

fn sources(rollout: &Rollout, directory: &Path, vault: &Vault) -> Result<Sources, String> {
    let look_up = |text: &_| vault.look_up(text).map_err(|fault| fault.to_string());
    Sources::new(&rollout.sources, directory, look_up).map_err(|faults| {
        let words = faults.iter().map(|(name, fault)| format!("source {name}: {fault}"));
        words.collect::<Vec<_>>().join("; ")
    })
}

impl Recent {
    fn note(&mut self, reading: &Reading) {
        match reading {
            Reading::Counts(look) => {
                self.unit = Some("errors in percent".to_owned());
                let last = self.last.replace(*look);
                let rate = |now: Arm, then: Option<Arm>| rate(now, then.unwrap_or_default());
                let canary = rate(look.canary, last.map(|last| last.canary));
                self.push(canary, Some(rate(look.baseline, last.map(|last| last.baseline))));
            }
            Reading::Means { canary, baseline } => self.push(Some(*canary), Some(Some(*baseline))),
            Reading::Answers(Readings::One(answer)) => self.push(number(answer), None),
            Reading::Answers(Readings::Pair { canary, baseline }) => {
                self.push(number(canary), Some(number(baseline)));
            }
            Reading::Nothing { .. } => self.push(None, None),
            _ => {}
        }
    }

    fn push(&mut self, canary: Option<f64>, baseline: Option<Option<f64>>) {
        push(&mut self.canary, canary);
        if let Some(baseline) = baseline {
            push(&mut self.baseline, baseline);
        }
    }
}

fn push(list: &mut VecDeque<Option<f64>>, number: Option<f64>) {
    list.push_back(number.filter(|number| number.is_finite()));
    if list.len() > MOST_RECENT {
        list.pop_front();
    }
}

/// Failures in percent of what was added.
fn rate(now: Arm, then: Arm) -> Option<f64> {
    let fell = now.units < then.units || now.failures < then.failures;
    let then = if fell { Arm::default() } else { then };
    let units = now.units - then.units;
    (units > 0).then(|| 100.0 * (now.failures - then.failures) as f64 / units as f64)
}

fn number(answer: &Answer) -> Option<f64> {
    answer.values().first().copied()
}
