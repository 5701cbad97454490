//! `Application` of Argo CD (argoproj.io/v1alpha1).

use crate::goal::Progress;
use crate::lenient::or_default;
use crate::phase::one_line;
use crate::rollout::{Condition, Metadata, Unreadable, read};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Application {
    /// Its name and annotations.
    #[serde(deserialize_with = "or_default")]
    pub metadata: Metadata,
    /// An operation that is asked for and has not begun.
    pub operation: Option<Value>,
    /// What its controller found.
    #[serde(deserialize_with = "or_default")]
    pub status: ApplicationStatus,
}

/// `status` of an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationStatus {
    /// Compared with Git.
    #[serde(deserialize_with = "or_default")]
    pub sync: SyncStatus,
    /// Health of what is deployed.
    #[serde(deserialize_with = "or_default")]
    pub health: HealthStatus,
    /// The last operation.
    pub operation_state: Option<OperationState>,
    /// When it was last looked at.
    pub reconciled_at: Option<String>,
    /// What stands in the way, by its kind: `ComparisonError`, `SyncError`, warnings that end with `Warning`.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<Condition>,
}

/// `status.sync`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncStatus {
    /// `Synced`, `OutOfSync`, `Unknown`.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// The commit that it was compared with.
    #[serde(deserialize_with = "or_default")]
    pub revision: String,
    /// The same, one a source.
    #[serde(deserialize_with = "or_default")]
    pub revisions: Vec<String>,
}

/// `status.health`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HealthStatus {
    /// `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing`, `Unknown`.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// Why.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
}

/// `status.operationState`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OperationState {
    /// `Running`, `Terminating`, `Succeeded`, `Failed`, `Error`.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// Why.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// When it ended.
    pub finished_at: Option<String>,
}

impl Application {
    /// Reads one.
    ///
    /// # Errors
    /// Where a field is of another type.
    pub fn from_json(object: &Value) -> Result<Self, Unreadable> {
        read("Application", object)
    }
}

/// What an application must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// As Git says.
    pub synced: bool,
    /// Healthy.
    pub healthy: bool,
    /// Compared with exactly this commit, in one of its sources.
    pub revision: Option<String>,
}

impl Default for Wanted {
    /// Synced and healthy, at any commit.
    fn default() -> Self {
        Self { synced: true, healthy: true, revision: None }
    }
}

/// Whether an application is as wanted, with no operation at work and none asked for. What was
/// compared before the last operation ended, or before a refresh that is asked for, decides nothing.
pub fn settled(application: &Application, wanted: &Wanted) -> Progress {
    let status = &application.status;
    if application.metadata.annotations.contains_key("argocd.argoproj.io/refresh") {
        return Progress::not_yet("a refresh is pending");
    }
    if application.operation.as_ref().is_some_and(|operation| !operation.is_null()) {
        return Progress::not_yet("an operation has not begun");
    }
    if let Some(missing) = wrong_revision(&status.sync, wanted) {
        return Progress::not_yet(missing);
    }
    if let Some(operation) = &status.operation_state {
        let told = format!("the operation is {}{}", one_line(&operation.phase), because(&operation.message));
        match operation.phase.as_str() {
            "Running" | "Terminating" => return Progress::not_yet(told),
            // One that failed before what is compared now is history once Git and cluster agree.
            "Failed" | "Error" if status.sync.status != "Synced" => return Progress::failed(told),
            _ if is_older(status.reconciled_at.as_ref(), operation.finished_at.as_ref()) => {
                return Progress::not_yet("not looked at since the last operation");
            }
            _ => {}
        }
    }
    if wanted.synced && status.sync.status != "Synced" {
        let error = status.conditions.iter().find(|condition| condition.kind.ends_with("Error"));
        let why =
            error.map_or_else(String::new, |error| because(&format!("{}: {}", error.kind, error.message)));
        return Progress::not_yet(format!("sync is {}{why}", word(&status.sync.status)));
    }
    if wanted.healthy && status.health.status != "Healthy" {
        let health = word(&status.health.status);
        return Progress::not_yet(format!("health is {health}{}", because(&status.health.message)));
    }
    Progress::Done
}

fn wrong_revision(sync: &SyncStatus, wanted: &Wanted) -> Option<String> {
    let revision = wanted.revision.as_ref()?;
    let is_there = sync.revision == *revision || sync.revisions.contains(revision);
    (!is_there).then(|| format!("compared with {}, not with {revision}", word(&sync.revision)))
}

fn word(text: &str) -> String {
    if text.is_empty() { "unknown".to_owned() } else { one_line(text) }
}

fn because(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({})", one_line(message)) }
}

/// True where both times are known and the first is the earlier one.
fn is_older(one: Option<&String>, other: Option<&String>) -> bool {
    let parse = |text: Option<&String>| text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    matches!((parse(one), parse(other)), (Some(one), Some(other)) if one < other)
}
