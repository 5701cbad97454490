//! The verbs of a Rollout: it is read, `taskmaster-kube-api` says the patches, and they are sent.

use super::drive::Ending;
use super::kubectl::Kubectl;
use super::send::send;
use super::{KubeError, OBSERVED_WITHIN, ROLLOUTS, TRIES};
use crate::clock;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use taskmaster_kube_api::{
    Change, Order, Refusal, ReplicaSet, Rollout, Target, abort, pause, promote, promote_full, resume, retry,
    set_image, status, undo,
};

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Changes images by container; `*` is every container.
    SetImage(BTreeMap<String, String>),
    /// Passes one pause or one step.
    Promote,
    /// Goes to the end.
    PromoteFull,
    /// Stops it.
    Pause,
    /// Lets it go on.
    Resume,
    /// Takes the stable version back.
    Abort,
    /// Starts an aborted one again.
    Retry,
    /// Goes back to an earlier template.
    Undo {
        /// Its revision; the one before unless given.
        to: Option<i64>,
    },
}

/// What came of a verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was sent.
    Sent,
    /// What it is for holds already.
    Already(Refusal),
}

/// Does it; every patch is told to `say` as one line. `pace` is the time between two looks.
///
/// # Errors
/// See [`KubeError`].
pub fn perform(
    kubectl: &Kubectl,
    name: &str,
    verb: &Verb,
    pace: Duration,
    say: &mut dyn FnMut(&str),
) -> Result<Done, KubeError> {
    let mut driver = Driver { kubectl, name, pace, say };
    let change = match verb {
        Verb::SetImage(images) => return driver.set_image(images),
        Verb::Undo { to } => {
            let rollout = rollout(kubectl, name)?;
            undo(&rollout, &replica_sets(kubectl, &rollout)?, *to)
        }
        Verb::Pause => pause(&rollout(kubectl, name)?),
        Verb::Resume => resume(&rollout(kubectl, name)?),
        Verb::Retry => retry(&rollout(kubectl, name)?),
        Verb::Promote => promote(&driver.observed()?),
        Verb::PromoteFull => promote_full(&driver.observed()?),
        Verb::Abort => abort(&driver.observed()?),
    };
    driver.apply(change)
}

/// Whether the images are these.
///
/// # Errors
/// See [`KubeError`].
pub fn check_image(
    kubectl: &Kubectl,
    name: &str,
    images: &BTreeMap<String, String>,
) -> Result<Ending, KubeError> {
    match image_change(kubectl, name, images) {
        Ok(Ok(_)) => Ok(Ending::NotSo { why: "the images are others".to_owned() }),
        Ok(Err(refusal)) if refusal.is_reached() => Ok(Ending::Reached),
        Ok(Err(refusal)) => Err(refusal.into()),
        Err(KubeError::Kubectl(error)) if error.is_absent() => Ok(Ending::NotSo { why: error.to_string() }),
        Err(error) => Err(error),
    }
}

fn rollout(kubectl: &Kubectl, name: &str) -> Result<Rollout, KubeError> {
    Ok(Rollout::from_json(&kubectl.get(ROLLOUTS, name)?)?)
}

/// The ReplicaSets that its selector finds.
pub(super) fn replica_sets(kubectl: &Kubectl, rollout: &Rollout) -> Result<Vec<ReplicaSet>, KubeError> {
    let list = kubectl.list("replicasets.apps", &rollout.spec.selector.text())?;
    Ok(ReplicaSet::from_list(&list)?)
}

fn image_change(
    kubectl: &Kubectl,
    name: &str,
    images: &BTreeMap<String, String>,
) -> Result<Result<Change, Refusal>, KubeError> {
    let rollout = rollout(kubectl, name)?;
    let target = match rollout.image_target() {
        Ok(target) => target,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let template: Option<Value> = match &target {
        Target::Rollout => rollout.spec.template,
        Target::Workload { resource, name } => {
            kubectl.get(resource, name)?.pointer("/spec/template").cloned()
        }
    };
    Ok(set_image(&target, template.as_ref(), images))
}

struct Driver<'d> {
    kubectl: &'d Kubectl,
    name: &'d str,
    pace: Duration,
    say: &'d mut dyn FnMut(&str),
}

impl Driver<'_> {
    /// The rollout once its controller has seen the last change and the last verb: an older status
    /// would say of a rollout that was just changed that it rests, and of a pause that was just
    /// passed that there is none.
    fn observed(&mut self) -> Result<Rollout, KubeError> {
        let deadline = clock::monotonic() + OBSERVED_WITHIN;
        let mut told = String::new();
        loop {
            let rollout = rollout(self.kubectl, self.name)?;
            let state = status(&rollout);
            if state.is_observed && !state.is_reacting {
                return Ok(rollout);
            }
            if clock::monotonic() >= deadline {
                return Err(KubeError::NotObserved { within: OBSERVED_WITHIN, state: state.line() });
            }
            super::wait::tell(&mut told, state.line(), self.say);
            std::thread::sleep(self.pace.min(OBSERVED_WITHIN));
        }
    }

    /// Sends a change. One that is not needed any more is no fault.
    fn apply(&mut self, change: Result<Change, Refusal>) -> Result<Done, KubeError> {
        let change = match change {
            Ok(change) => change,
            Err(refusal) if refusal.is_reached() => return Ok(Done::Already(refusal)),
            Err(refusal) => return Err(refusal.into()),
        };
        match change.order {
            Order::StatusFirst => self.status_first(&change)?,
            Order::SpecFirst => self.spec_first(&change)?,
        }
        Ok(Done::Sent)
    }

    fn status_first(&mut self, change: &Change) -> Result<(), KubeError> {
        let object = (ROLLOUTS, self.name);
        let mut next = &change.spec;
        if let Some(status) = &change.status {
            match send(self.kubectl, object, status, self.say) {
                // The object was there a moment ago: it is its status that has no address.
                Err(error) if error.is_not_found() => next = &change.unified,
                sent => sent?,
            }
        }
        match next {
            Some(patch) => Ok(send(self.kubectl, object, patch, self.say)?),
            None => Ok(()),
        }
    }

    fn spec_first(&mut self, change: &Change) -> Result<(), KubeError> {
        let object = (ROLLOUTS, self.name);
        if let Some(spec) = &change.spec {
            send(self.kubectl, object, spec, self.say)?;
        }
        let Some(status) = &change.status else { return Ok(()) };
        match send(self.kubectl, object, status, self.say) {
            Err(error) if error.is_not_found() => {
                change.unified.iter().try_for_each(|patch| send(self.kubectl, object, patch, self.say))?;
            }
            Err(error) if error.is_conflict() => (self.say)("the controller has gone on by itself"),
            sent => sent?,
        }
        Ok(())
    }

    fn set_image(&mut self, images: &BTreeMap<String, String>) -> Result<Done, KubeError> {
        let mut tries = 1;
        loop {
            let change = image_change(self.kubectl, self.name, images)?;
            match self.apply(change) {
                Err(KubeError::Kubectl(error)) if error.is_conflict() && tries < TRIES => tries += 1,
                ended => return ended,
            }
        }
    }
}
