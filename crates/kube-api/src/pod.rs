//! Pods, as far as they say why a version does not serve.

use crate::lenient::or_default;
use crate::phase::one_line;
use crate::rollout::{Metadata, read};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Its labels.
    #[serde(deserialize_with = "or_default")]
    pub metadata: Metadata,
    /// What it does.
    #[serde(deserialize_with = "or_default")]
    pub status: PodStatus,
}

/// `status` of a pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Failed` …
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// What holds.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<crate::rollout::Condition>,
    /// Its containers.
    #[serde(deserialize_with = "or_default")]
    pub container_statuses: Vec<ContainerStatus>,
    /// Those that go before.
    #[serde(deserialize_with = "or_default")]
    pub init_container_statuses: Vec<ContainerStatus>,
}

/// One container of a pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Times that it began anew.
    #[serde(deserialize_with = "or_default")]
    pub restart_count: u64,
    /// What it does.
    #[serde(deserialize_with = "or_default")]
    pub state: ContainerState,
}

/// `state` of a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// Why it does not run.
    pub waiting: Option<Waiting>,
}

/// Why a container does not run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// As a word: `CrashLoopBackOff`, `ImagePullBackOff`.
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
    /// As a sentence.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
}

/// What the pods of a version tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PodsTold {
    /// Times that containers began anew.
    pub(crate) restarts: u64,
    /// The first thing that is wrong.
    pub(crate) trouble: Option<String>,
}

impl Pod {
    /// Reads the items of a list; one that is not readable is left out.
    pub fn from_list(list: &Value) -> Vec<Self> {
        let items = list.get("items").and_then(Value::as_array);
        items.into_iter().flatten().filter_map(|item| read("Pod", item).ok()).collect()
    }

    fn containers(&self) -> impl Iterator<Item = &ContainerStatus> {
        self.status.init_container_statuses.iter().chain(&self.status.container_statuses)
    }

    fn trouble(&self) -> Option<String> {
        let waits = |container: &ContainerStatus| {
            let waiting = container.state.waiting.as_ref()?;
            // What every pod goes through is no trouble.
            let is_usual = ["", "ContainerCreating", "PodInitializing"].contains(&waiting.reason.as_str());
            let message =
                if waiting.message.is_empty() { String::new() } else { format!(": {}", waiting.message) };
            (!is_usual).then(|| one_line(&format!("{} {}{message}", container.name, waiting.reason)))
        };
        let unscheduled = || {
            let is_it = |condition: &&crate::rollout::Condition| {
                condition.kind == "PodScheduled" && condition.status == "False"
            };
            let found = self.status.conditions.iter().find(is_it)?;
            Some(one_line(&format!("{}: {}", found.reason, found.message)))
        };
        self.containers().find_map(waits).or_else(unscheduled)
    }
}

/// What these pods tell together.
pub(crate) fn told<'p>(pods: impl Iterator<Item = &'p Pod>) -> PodsTold {
    pods.fold(PodsTold::default(), |told, pod| PodsTold {
        restarts: pod.containers().fold(told.restarts, |sum, one| sum.saturating_add(one.restart_count)),
        trouble: told.trouble.or_else(|| pod.trouble()),
    })
}
