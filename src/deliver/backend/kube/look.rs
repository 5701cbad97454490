//! Which object a name means, and what belongs to it.

use super::argo::replica_sets;
use super::kubectl::{Kubectl, KubectlError};
use super::{CANARIES, KubeError, ROLLOUTS};
use serde_json::Value;
use std::thread;
use taskmaster_kube_api::picture::{self, Around, CanaryAround, Picture, Release};
use taskmaster_kube_api::{
    AnalysisRun, Canary, Event, HASH_LABEL, Pod, ReplicaSet, Rollout, Selector, one_line,
};

/// A kind of object that delivers progressively.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A Rollout of Argo Rollouts.
    Rollout,
    /// A Canary of Flagger.
    Canary,
}

/// An object that delivers progressively.
#[derive(Clone, Debug)]
pub enum Object {
    /// A Rollout of Argo Rollouts.
    Rollout(Box<Rollout>),
    /// A Canary of Flagger.
    Canary(Box<Canary>),
}

/// All of them in a namespace, and what could not be read.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Each with its picture.
    pub objects: Vec<(Object, Picture)>,
    /// In words.
    pub unreadable: Vec<String>,
}

impl Object {
    /// Its kind.
    pub fn sort(&self) -> Sort {
        match self {
            Self::Rollout(_) => Sort::Rollout,
            Self::Canary(_) => Sort::Canary,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.metadata().name
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        &self.metadata().namespace
    }

    fn metadata(&self) -> &taskmaster_kube_api::Metadata {
        match self {
            Self::Rollout(rollout) => &rollout.metadata,
            Self::Canary(canary) => &canary.metadata,
        }
    }
}

/// The object of a name, by its kind where that is known, else by looking which of both is there.
///
/// # Errors
/// See [`KubeError`]: [`KubeError::Nobody`], [`KubeError::Both`] or what kubectl says.
pub fn find(kubectl: &Kubectl, name: &str, sort: Option<Sort>) -> Result<Object, KubeError> {
    let rollout = || kubectl.get(ROLLOUTS, name);
    let canary = || kubectl.get(CANARIES, name);
    match sort {
        Some(Sort::Rollout) => as_rollout(&rollout()?),
        Some(Sort::Canary) => as_canary(&canary()?),
        None => match both(rollout, canary) {
            (Ok(_), Ok(_)) => Err(KubeError::Both { name: name.to_owned() }),
            (Ok(object), Err(error)) if is_none(&error) => as_rollout(&object),
            (Err(error), Ok(object)) if is_none(&error) => as_canary(&object),
            // It cannot be said that the other one is not there.
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => Err(error.into()),
            (Err(one), Err(other)) if one.is_absent() && other.is_absent() => {
                Err(KubeError::Nobody { name: name.to_owned() })
            }
            (Err(one), Err(other)) => Err(if one.is_absent() { other } else { one }.into()),
        },
    }
}

/// There is none of this kind for this user.
fn is_none(error: &KubectlError) -> bool {
    error.is_absent() || error.is_forbidden()
}

fn as_rollout(object: &Value) -> Result<Object, KubeError> {
    Ok(Object::Rollout(Box::new(Rollout::from_json(object)?)))
}

fn as_canary(object: &Value) -> Result<Object, KubeError> {
    Ok(Object::Canary(Box::new(Canary::from_json(object)?)))
}

/// The object as it is now.
///
/// # Errors
/// What kubectl says of the versions; what else belongs to it may be missing.
pub fn picture(kubectl: &Kubectl, object: &Object) -> Result<Picture, KubeError> {
    Ok(match object {
        Object::Rollout(rollout) => picture::rollout(rollout, &around(kubectl, rollout, Runs::Newest)?),
        Object::Canary(canary) => picture::canary(canary, &canary_around(kubectl, canary)?),
    })
}

/// What was released, newest first.
///
/// # Errors
/// As [`picture`](fn@picture).
pub fn history(kubectl: &Kubectl, object: &Object) -> Result<Vec<Release>, KubeError> {
    Ok(match object {
        Object::Rollout(rollout) => picture::rollout_history(rollout, &around(kubectl, rollout, Runs::All)?),
        Object::Canary(canary) => picture::canary_history(canary, &canary_around(kubectl, canary)?),
    })
}

/// The events of a canary.
pub(super) fn events_of(kubectl: &Kubectl, canary: &Canary) -> Vec<Event> {
    kubectl.events("Canary", &canary.metadata.name)
}

/// Which AnalysisRuns are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runs {
    /// Of the newest version.
    Newest,
    /// Of all versions.
    All,
}

fn around(kubectl: &Kubectl, rollout: &Rollout, which: Runs) -> Result<Around, KubeError> {
    let hash = &rollout.status.current_pod_hash;
    let of_hash = format!("{HASH_LABEL}={hash}");
    let selector = if which == Runs::All { HASH_LABEL } else { of_hash.as_str() };
    let runs = || {
        let found = kubectl.list("analysisruns.argoproj.io", selector);
        found.map(|list| AnalysisRun::from_list(&list)).unwrap_or_default()
    };
    let events = || kubectl.events("Rollout", &rollout.metadata.name);
    let (sets, (runs, events)) = both(|| replica_sets(kubectl, rollout), || both(runs, events));
    let sets = sets?;
    let lacks = |set: &ReplicaSet| {
        let is_newest = set.metadata.labels.get(HASH_LABEL) == Some(hash);
        is_newest && set.status.available_replicas < set.spec.replicas.unwrap_or(1)
    };
    let pods = if sets.iter().any(lacks) { pods(kubectl, &of_hash) } else { Vec::new() };
    Ok(Around { sets, runs, events, pods })
}

fn pods(kubectl: &Kubectl, selector: &str) -> Vec<Pod> {
    kubectl.list("pods", selector).map(|list| Pod::from_list(&list)).unwrap_or_default()
}

fn canary_around(kubectl: &Kubectl, canary: &Canary) -> Result<CanaryAround, KubeError> {
    let (around, events) = both(|| workloads(kubectl, canary), || events_of(kubectl, canary));
    let around = CanaryAround { events, ..around? };
    let lacks = around.target.as_ref().filter(|workload| {
        let number = |path: &str| workload.pointer(path).and_then(Value::as_i64).unwrap_or(0);
        number("/status/availableReplicas") < number("/spec/replicas")
    });
    let selector = lacks.map(selector).unwrap_or_default();
    let pods = if selector.is_empty() { Vec::new() } else { pods(kubectl, &selector) };
    Ok(CanaryAround { pods, ..around })
}

/// The workload of a canary with its ReplicaSets, and Flagger's copy of it.
///
/// # Errors
/// What kubectl says; what is not there is left out.
pub(super) fn workloads(kubectl: &Kubectl, canary: &Canary) -> Result<CanaryAround, KubeError> {
    let target = &canary.spec.target_ref;
    let Some(resource) = target.resource() else { return Ok(CanaryAround::default()) };
    let get = |name: String| present(kubectl.get(resource, &name));
    let (workload, primary) = both(|| get(target.name.clone()), || get(format!("{}-primary", target.name)));
    let (workload, primary) = (workload?, primary?);
    let selector = workload.as_ref().map(selector).unwrap_or_default();
    let has_sets = resource == "deployments.apps" && !selector.is_empty();
    let sets = has_sets.then(|| kubectl.list("replicasets.apps", &selector)).transpose()?;
    let sets = sets.map(|list| ReplicaSet::from_list(&list)).transpose()?.unwrap_or_default();
    Ok(CanaryAround { target: workload, primary, sets, ..CanaryAround::default() })
}

/// The selector of a workload's pods.
fn selector(workload: &Value) -> String {
    let written = workload.pointer("/spec/selector").cloned().unwrap_or_default();
    serde_json::from_value::<Selector>(written).map(|selector| selector.text()).unwrap_or_default()
}

/// An object that is not there is none.
fn present(got: Result<Value, KubectlError>) -> Result<Option<Value>, KubectlError> {
    match got {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}

/// All objects of both kinds in a namespace.
///
/// # Errors
/// What kubectl says, where neither kind can be had.
pub fn list(kubectl: &Kubectl) -> Result<Listed, KubeError> {
    let ((rollouts, canaries), (sets, workloads)) = both(
        || both(|| kubectl.all(ROLLOUTS), || kubectl.all(CANARIES)),
        || both(|| kubectl.list("replicasets.apps", HASH_LABEL), || kubectl.all("deployments.apps")),
    );
    let (rollouts, canaries) = match (items(rollouts), items(canaries)) {
        (Err(fault), Err(_)) => return Err(fault.into()),
        (rollouts, canaries) => (rollouts, canaries),
    };
    let mut listed = Listed::default();
    let around = Around {
        sets: sets.ok().and_then(|list| ReplicaSet::from_list(&list).ok()).unwrap_or_default(),
        ..Around::default()
    };
    let workloads = items(workloads).unwrap_or_default();
    take(&mut listed, rollouts, &|object| {
        let rollout = Rollout::from_json(object)?;
        let picture = picture::rollout(&rollout, &around);
        Ok((Object::Rollout(Box::new(rollout)), picture))
    });
    take(&mut listed, canaries, &|object| {
        let canary = Canary::from_json(object)?;
        let workload = |name: &str| named(&workloads, name).cloned();
        let target = canary.spec.target_ref.name.as_str();
        let around = CanaryAround {
            target: workload(target),
            primary: workload(&format!("{target}-primary")),
            ..CanaryAround::default()
        };
        let picture = picture::canary(&canary, &around);
        Ok((Object::Canary(Box::new(canary)), picture))
    });
    Ok(listed)
}

type Read<'r> = &'r dyn Fn(&Value) -> Result<(Object, Picture), KubeError>;

fn take(listed: &mut Listed, items: Result<Vec<Value>, KubectlError>, read: Read<'_>) {
    match items {
        Ok(items) => {
            for item in &items {
                match read(item) {
                    Ok(object) => listed.objects.push(object),
                    Err(fault) => listed.unreadable.push(format!("{}: {fault}", name_of(item))),
                }
            }
        }
        Err(fault) => listed.unreadable.push(one_line(&fault.to_string())),
    }
}

/// The items of a list; a kind that the cluster does not know has none.
fn items(got: Result<Value, KubectlError>) -> Result<Vec<Value>, KubectlError> {
    let list = present(got)?.unwrap_or_default();
    Ok(list.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
}

fn name_of(object: &Value) -> String {
    one_line(object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("an object without a name"))
}

fn named<'v>(objects: &'v [Value], name: &str) -> Option<&'v Value> {
    objects.iter().find(|object| object.pointer("/metadata/name").and_then(Value::as_str) == Some(name))
}

/// Both at the same time: most of a request's time is kubectl's own beginning.
fn both<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B) {
    thread::scope(|scope| {
        let other = scope.spawn(other);
        let one = one();
        match other.join() {
            Ok(other) => (one, other),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
