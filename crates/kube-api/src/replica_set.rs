//! ReplicaSets: the versions of a rollout, or of the Deployment behind a canary.

use crate::lenient::{or_default, time};
use crate::phase::one_line;
use crate::rollout::{Condition, Metadata, Unreadable, read};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The label with which Argo Rollouts tells the pods, runs and ReplicaSets of a version.
pub const HASH_LABEL: &str = "rollouts-pod-template-hash";
const REVISION: &str = "rollout.argoproj.io/revision";
const DEPLOYMENT_HASH: &str = "pod-template-hash";
const DEPLOYMENT_REVISION: &str = "deployment.kubernetes.io/revision";

/// A ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplicaSet {
    /// Its revision, its hash and its owner.
    #[serde(deserialize_with = "or_default")]
    pub metadata: Metadata,
    /// Its template.
    #[serde(deserialize_with = "or_default")]
    pub spec: ReplicaSetSpec,
    /// Its pods.
    #[serde(deserialize_with = "or_default")]
    pub status: ReplicaSetStatus,
}

/// `spec` of a ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplicaSetSpec {
    /// Pods that are wanted; 1 where absent.
    pub replicas: Option<i64>,
    /// Template of its pods.
    pub template: Option<Value>,
}

/// `status` of a ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaSetStatus {
    /// Pods that are there.
    #[serde(deserialize_with = "or_default")]
    pub replicas: i64,
    /// Pods that serve.
    #[serde(deserialize_with = "or_default")]
    pub available_replicas: i64,
    /// What holds.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<Condition>,
}

impl ReplicaSet {
    /// Reads the items of a list.
    ///
    /// # Errors
    /// Where one of them is not readable.
    pub fn from_list(list: &Value) -> Result<Vec<Self>, Unreadable> {
        let items = list.get("items").and_then(Value::as_array);
        items.into_iter().flatten().map(|item| read("ReplicaSet", item)).collect()
    }

    /// Its revision: zero without one, none for one that is no number.
    pub(crate) fn revision(&self) -> Option<i64> {
        let annotations = &self.metadata.annotations;
        let text = annotations.get(REVISION).or_else(|| annotations.get(DEPLOYMENT_REVISION));
        text.map_or(Some(0), |text| text.parse().ok())
    }

    /// Its place in the history; none without one.
    pub(crate) fn number(&self) -> Option<u64> {
        self.revision().and_then(|revision| u64::try_from(revision).ok()).filter(|number| *number > 0)
    }

    /// The hash of its template.
    pub(crate) fn hash(&self) -> &str {
        let labels = &self.metadata.labels;
        labels.get(HASH_LABEL).or_else(|| labels.get(DEPLOYMENT_HASH)).map_or("", String::as_str)
    }

    /// It is managed by the object with this identity.
    pub(crate) fn belongs_to(&self, uid: &str) -> bool {
        self.metadata.owner_references.iter().any(|owner| owner.controller && owner.uid == uid)
    }

    pub(crate) fn created_at(&self) -> Option<Timestamp> {
        time(&self.metadata.creation_timestamp)
    }

    /// Its images as people know them: without registry and path; none where it has no containers.
    pub(crate) fn label(&self) -> Option<String> {
        self.spec.template.as_ref().and_then(label)
    }

    /// Why it cannot make pods, where it says so.
    pub(crate) fn failure(&self) -> Option<String> {
        let failed =
            |condition: &&Condition| condition.kind == "ReplicaFailure" && condition.status == "True";
        self.status.conditions.iter().find(failed).map(|condition| one_line(&condition.message))
    }
}

/// The images of a template's containers: `web:2, log:1`.
pub(crate) fn label(template: &Value) -> Option<String> {
    let containers = template.pointer("/spec/containers").and_then(Value::as_array)?;
    let images = containers.iter().filter_map(|container| container.get("image").and_then(Value::as_str));
    let short: Vec<String> = images.map(short_image).collect();
    (!short.is_empty()).then(|| one_line(&short.join(", ")))
}

/// `registry.example/shop/web@sha256:0123456789abcdef…` is `web@sha256:0123456789ab`.
fn short_image(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once("@sha256:") {
        Some((name, digest)) => format!("{name}@sha256:{}", digest.chars().take(12).collect::<String>()),
        None => last.to_owned(),
    }
}
