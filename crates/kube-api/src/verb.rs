//! The verbs of a rollout. Each is plain patches; nothing else drives it.
//!
//! Bodies and their order are those of upstream's kubectl plugin, but for a rollout that a person has
//! paused at the pause of a step: see [`Order::SpecFirst`]. Where upstream would send a patch that does
//! nothing, or one that harms a rollout at rest, the verb is refused with the reason.

use crate::patch::{Change, Order, Patch, PatchKind, Target};
use crate::phase::one_line;
use crate::rollout::{PauseCondition, Rollout};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Why a verb is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `spec.paused` is set already.
    #[error("the rollout is paused already")]
    AlreadyPaused,
    /// Nothing stops it.
    #[error("the rollout is not paused")]
    NotPaused,
    /// `status.abort` is set already.
    #[error("the rollout is aborted already")]
    AlreadyAborted,
    /// `status.abort` is not set.
    #[error("the rollout is not aborted")]
    NotAborted,
    /// The newest template is the stable one.
    #[error("the rollout is fully promoted already")]
    AlreadyFullyPromoted,
    /// The current template is that revision.
    #[error("the rollout has the template of revision {revision} already")]
    AlreadyAtRevision {
        /// The revision.
        revision: i64,
    },
    /// Every container has the wanted image.
    #[error("the images are as wanted already")]
    AlreadyThatImage,
    /// No step and no pause to pass.
    #[error("there is nothing to promote: {why}")]
    NothingToPromote {
        /// What it does instead.
        why: &'static str,
    },
    /// Abort of a rollout at rest would only degrade it.
    #[error("there is nothing to abort: the rollout is fully promoted")]
    NothingToAbort,
    /// An aborted rollout takes no step.
    #[error("the rollout is aborted")]
    Aborted,
    /// No container has this name.
    #[error("there is no container named `{container}`; there are {known}")]
    NoContainer {
        /// The name.
        container: String,
        /// The names that there are.
        known: String,
    },
    /// No ReplicaSet holds this revision.
    #[error("there is no revision {wanted} in the history; there are {known}")]
    NoRevision {
        /// The revision.
        wanted: i64,
        /// The revisions that there are.
        known: String,
    },
    /// No ReplicaSet holds an earlier revision.
    #[error("there is no earlier revision in the history")]
    NoEarlierRevision,
    /// A workload by reference whose template cannot be changed.
    #[error("the template comes from a workload of kind `{kind}`, which cannot be changed here")]
    Workload {
        /// Its kind.
        kind: String,
    },
    /// A template without containers, or none at all.
    #[error("the object has no readable template of pods")]
    NoTemplate,
}

impl Refusal {
    /// True where what the verb is for holds already: to do it twice is no fault.
    pub fn is_reached(&self) -> bool {
        matches!(
            self,
            Self::AlreadyPaused
                | Self::NotPaused
                | Self::AlreadyAborted
                | Self::NotAborted
                | Self::AlreadyFullyPromoted
                | Self::AlreadyAtRevision { .. }
                | Self::AlreadyThatImage
        )
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NothingToPromote { .. } => "wait until it is paused first (`verb: wait`, `for: paused`)",
            Self::NothingToAbort => "go back by `verb: undo`, or in Git",
            Self::Aborted => "`verb: retry` starts it again, `verb: promote_full` goes to the end at once",
            Self::NoRevision { .. } | Self::NoEarlierRevision => {
                "`spec.revisionHistoryLimit` says how many are kept"
            }
            _ => return None,
        })
    }
}

/// Stops it where it is.
pub fn pause_patch() -> Patch {
    Patch::spec(json!({ "spec": { "paused": true } }))
}

/// Clears the pauses that were seen and no later one: once the specification goes on, the controller
/// may have passed a pause whose time is over before this is sent.
fn clear_seen(conditions: &[PauseCondition]) -> Patch {
    let tests = conditions.iter().enumerate().flat_map(|(place, condition)| {
        let test = move |member: &str, value: &String| {
            (!value.is_empty()).then(|| {
                json!({ "op": "test", "path": format!("/status/pauseConditions/{place}/{member}"), "value": value })
            })
        };
        [test("reason", &condition.reason), test("startTime", &condition.start_time)].into_iter().flatten()
    });
    let remove = json!({ "op": "remove", "path": "/status/pauseConditions" });
    let operations = tests.chain([remove]).collect();
    Patch { kind: PatchKind::Json, ..Patch::status(Value::Array(operations)) }
}

/// Stops a rollout where it is. The controller's own pauses are not touched.
///
/// # Errors
/// Where it is paused so already.
pub fn pause(rollout: &Rollout) -> Result<Change, Refusal> {
    if rollout.spec.paused {
        return Err(Refusal::AlreadyPaused);
    }
    Ok(Change { spec: Some(pause_patch()), ..Change::default() })
}

/// Lets a paused rollout go on, without ever passing a step: it clears both kinds of pauses. (The
/// controller itself passes a pause step whose condition was cleared.)
///
/// # Errors
/// Where nothing pauses it.
pub fn resume(rollout: &Rollout) -> Result<Change, Refusal> {
    let has_conditions = !rollout.status.pause_conditions.is_empty();
    if !has_conditions && !rollout.spec.paused {
        return Err(Refusal::NotPaused);
    }
    let change = Change {
        status: has_conditions.then(|| Patch::status(json!({ "status": { "pauseConditions": null } }))),
        spec: rollout.spec.paused.then(|| Patch::spec(json!({ "spec": { "paused": false } }))),
        unified: Some(Patch::spec(
            json!({ "spec": { "paused": false }, "status": { "pauseConditions": null } }),
        )),
        order: Order::default(),
    };
    Ok(passing(rollout, change))
}

/// The order of a change that clears pauses, where a person has paused the rollout besides.
fn passing(rollout: &Rollout, change: Change) -> Change {
    if change.spec.is_none() || change.status.is_none() {
        return change;
    }
    let status = Some(clear_seen(&rollout.status.pause_conditions));
    Change { status, order: Order::SpecFirst, ..change }
}

/// Takes the stable version back into full service. The specification stays as it is.
///
/// # Errors
/// Where it is aborted already, or nothing is in flight.
pub fn abort(rollout: &Rollout) -> Result<Change, Refusal> {
    if rollout.status.abort {
        return Err(Refusal::AlreadyAborted);
    }
    if rollout.rests() {
        return Err(Refusal::NothingToAbort);
    }
    let body = json!({ "status": { "abort": true } });
    let unified = Some(Patch::spec(body.clone()));
    Ok(Change { status: Some(Patch::status(body)), unified, ..Change::default() })
}

/// Starts an aborted rollout again, at its first step.
///
/// # Errors
/// Where it is not aborted.
pub fn retry(rollout: &Rollout) -> Result<Change, Refusal> {
    if !rollout.status.abort {
        return Err(Refusal::NotAborted);
    }
    let body = json!({ "status": { "abort": false } });
    let unified = Some(Patch::spec(body.clone()));
    Ok(Change { status: Some(Patch::status(body)), unified, ..Change::default() })
}

/// Passes one pause or one step, never both; unpauses.
///
/// # Errors
/// Where it is aborted, fully promoted already, or where upstream would change nothing.
pub fn promote(rollout: &Rollout) -> Result<Change, Refusal> {
    let status = &rollout.status;
    if status.abort {
        return Err(Refusal::Aborted);
    }
    let has_pauses = !status.pause_conditions.is_empty();
    if rollout.rests() && !rollout.spec.paused && !has_pauses {
        return Err(Refusal::AlreadyFullyPromoted);
    }
    let spec = rollout.spec.paused.then(|| Patch::spec(json!({ "spec": { "paused": false } })));
    let mut unified = json!({ "spec": { "paused": false }, "status": { "pauseConditions": null } });
    let next = next_index(rollout);
    let clears_only = has_pauses && !(status.controller_pause && is_inconclusive(rollout));
    let body = match next {
        Some(next) if has_pauses && status.controller_pause && is_inconclusive(rollout) => Some(json!({
            "status": { "pauseConditions": null, "controllerPause": false, "currentStepIndex": next }
        })),
        _ if clears_only => Some(json!({ "status": { "pauseConditions": null } })),
        Some(next) if !has_pauses => {
            unified["status"]["currentStepIndex"] = next.into();
            Some(json!({ "status": { "pauseConditions": null, "currentStepIndex": next } }))
        }
        _ => None,
    };
    if body.is_none() && spec.is_none() {
        return Err(Refusal::NothingToPromote { why: "the rollout is not paused, and it has no steps" });
    }
    let unified = Some(Patch::spec(unified));
    let change = Change { status: body.map(Patch::status), spec, unified, order: Order::default() };
    Ok(if clears_only { passing(rollout, change) } else { change })
}

/// Goes to the end without steps, pauses and analysis; also takes an abort back.
///
/// # Errors
/// Where the newest template is the stable one and nothing pauses it.
pub fn promote_full(rollout: &Rollout) -> Result<Change, Refusal> {
    let spec = rollout.spec.paused.then(|| Patch::spec(json!({ "spec": { "paused": false } })));
    let status =
        (!rollout.is_fully_promoted()).then(|| Patch::status(json!({ "status": { "promoteFull": true } })));
    if spec.is_none() && status.is_none() {
        return Err(Refusal::AlreadyFullyPromoted);
    }
    let unified = json!({ "spec": { "paused": false }, "status": { "promoteFull": true } });
    Ok(Change { status, spec, unified: Some(Patch::spec(unified)), order: Order::default() })
}

/// The index after the current step, at most the number of steps; an index beyond stays.
fn next_index(rollout: &Rollout) -> Option<i64> {
    let (index, step) = rollout.current_step()?;
    let next = if step.is_some() { index + 1 } else { index };
    i64::try_from(next).ok()
}

fn is_inconclusive(rollout: &Rollout) -> bool {
    let run = rollout.status.canary.current_step_analysis_run_status.as_ref();
    rollout.spec.strategy.canary.is_some() && run.is_some_and(|run| run.status == "Inconclusive")
}

const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Name and image of every container of a template, by its list and its place there.
fn containers(template: &Value) -> impl Iterator<Item = (&'static str, usize, &str, Option<&str>)> {
    LISTS.into_iter().flat_map(move |list| {
        let items = template.pointer(&format!("/spec/{list}")).and_then(Value::as_array);
        items.into_iter().flatten().enumerate().filter_map(move |(place, container)| {
            let name = container.get("name")?.as_str()?;
            Some((list, place, name, container.get("image").and_then(Value::as_str)))
        })
    })
}

/// Images by container, of a template of pods.
pub fn images(template: &Value) -> BTreeMap<String, String> {
    let known = containers(template);
    known.map(|(_, _, name, image)| (name.to_owned(), image.unwrap_or_default().to_owned())).collect()
}

/// Sets images by container; `*` means every container. `template` is that of the object that
/// `target` names. Upstream replaces the whole object; these operations have the same effect, and
/// are refused by the server where the containers were reordered meanwhile.
///
/// # Errors
/// Where a container does not exist, or nothing would change.
pub fn set_image(
    target: &Target,
    template: Option<&Value>,
    wanted: &BTreeMap<String, String>,
) -> Result<Change, Refusal> {
    let template = template.filter(|template| template.is_object()).ok_or(Refusal::NoTemplate)?;
    let known = images(template);
    if let Some(missing) = wanted.keys().find(|name| *name != "*" && !known.contains_key(*name)) {
        let known = known.into_keys().map(|name| one_line(&name)).collect::<Vec<_>>().join(", ");
        return Err(Refusal::NoContainer { container: one_line(missing), known });
    }
    if known.is_empty() {
        return Err(Refusal::NoTemplate);
    }
    let mut operations = Vec::new();
    for (list, place, name, image) in containers(template) {
        let Some(wish) = wanted.get(name).or_else(|| wanted.get("*")) else { continue };
        if image == Some(wish.as_str()) {
            continue;
        }
        let path = format!("/spec/template/spec/{list}/{place}");
        operations.push(json!({ "op": "test", "path": format!("{path}/name"), "value": name }));
        operations.push(json!({ "op": "add", "path": format!("{path}/image"), "value": wish }));
    }
    if operations.is_empty() {
        return Err(Refusal::AlreadyThatImage);
    }
    let patch =
        Patch { target: target.clone(), kind: PatchKind::Json, ..Patch::spec(Value::Array(operations)) };
    Ok(Change { spec: Some(patch), ..Change::default() })
}

impl Rollout {
    /// The object whose template sets the images: the rollout, or the Deployment that it refers to.
    ///
    /// # Errors
    /// Where it refers to another kind of workload.
    pub fn image_target(&self) -> Result<Target, Refusal> {
        match self.template_target()? {
            Target::Workload { resource, .. } if resource != "deployments.apps" => {
                let kind = self.spec.workload_ref.as_ref().map(|workload| one_line(&workload.kind));
                Err(Refusal::Workload { kind: kind.unwrap_or_default() })
            }
            target => Ok(target),
        }
    }

    /// The object that holds the template.
    pub(crate) fn template_target(&self) -> Result<Target, Refusal> {
        let Some(workload) = &self.spec.workload_ref else { return Ok(Target::Rollout) };
        let resource = match workload.kind.as_str() {
            "Deployment" => "deployments.apps",
            "ReplicaSet" => "replicasets.apps",
            _ => return Err(Refusal::Workload { kind: one_line(&workload.kind) }),
        };
        Ok(Target::Workload { resource, name: workload.name.clone() })
    }
}
