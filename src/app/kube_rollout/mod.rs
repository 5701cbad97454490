//! Drives one rollout of a cluster by kubectl: what the catalogue's `rollout` actions run where the
//! object decides what is patched, or something is waited for.
//!
//! It reads the object, asks `taskmaster-kube-api` for the patches, and sends them. Everything is
//! asked anew from the cluster, so it may be ended at any time and started again.
//!
//! Bounds: a request takes at most `kubectl::REQUEST_TIMEOUT`, a wait its timeout, a controller has
//! `OBSERVED_WITHIN` to see the last change, a changed template is tried `TRIES` times.

mod kubectl;
mod watch;

use jiff::{SignedDuration, Timestamp};
use kubectl::Kubectl;
pub use kubectl::{Cluster, KubectlError};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use taskmaster_kube_api::{
    Change, Goal, Patch, Refusal, ReplicaSet, Rollout, Subresource, Target, Unreadable, abort, pause,
    promote, promote_full, resume, retry, set_image, undo,
};

/// How long the controller has to see the last change before a verb looks at its status.
const OBSERVED_WITHIN: Duration = Duration::from_secs(30);
/// How often a template is changed anew that somebody else changed meanwhile.
const TRIES: usize = 5;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Rollout of Argo Rollouts.
    Argo,
    /// An AnalysisRun of Argo Rollouts.
    AnalysisRun,
    /// An Application of Argo CD.
    Application,
    /// A Canary of Flagger.
    Flagger,
}

impl Kind {
    /// By its word on the command line.
    pub fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "argo" => Ok(Self::Argo),
            "analysis-run" => Ok(Self::AnalysisRun),
            "application" => Ok(Self::Application),
            "flagger" => Ok(Self::Flagger),
            _ => Err("want argo, analysis-run, application or flagger".to_owned()),
        }
    }

    /// As kubectl names it, with its group.
    fn resource(self) -> &'static str {
        match self {
            Self::Argo => "rollouts.argoproj.io",
            Self::AnalysisRun => "analysisruns.argoproj.io",
            Self::Application => "applications.argoproj.io",
            Self::Flagger => "canaries.flagger.app",
        }
    }

    /// As objects and events name it.
    fn name(self) -> &'static str {
        match self {
            Self::Argo => "Rollout",
            Self::AnalysisRun => "AnalysisRun",
            Self::Application => "Application",
            Self::Flagger => "Canary",
        }
    }
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Waits for a state; looks once where `timeout` is zero.
    Wait {
        /// The state of a rollout.
        goal: Goal,
        /// The commit of an application.
        revision: Option<String>,
        /// How long.
        timeout: Duration,
    },
    /// Changes images by container.
    SetImage {
        /// Image by container; `*` is every container.
        images: BTreeMap<String, String>,
        /// Only say whether they are so.
        check: bool,
    },
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

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which kind of object.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub cluster: Cluster,
    /// What is done.
    pub verb: Verb,
    /// Time between two looks.
    pub interval: Duration,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As wanted.
    Reached,
    /// Not, or not in time.
    NotSo {
        /// Why.
        why: String,
    },
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum KubeError {
    /// kubectl failed.
    #[error(transparent)]
    Kubectl(#[from] KubectlError),
    /// The object is something else.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The verb does not fit the object's state.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The controller does not react.
    #[error("the controller has not seen the last change of the rollout within {within:?}: {state}")]
    NotObserved {
        /// How long it had.
        within: Duration,
        /// The state that is too old.
        state: String,
    },
}

impl KubeError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Kubectl(error) => error.hint(),
            Self::Refused(refusal) => refusal.hint(),
            Self::NotObserved { .. } => Some("look whether the controller of Argo Rollouts runs"),
            Self::Unreadable(_) => Some("look at the version of the custom resource"),
        }
    }
}

/// Does what is asked for; every change on the way is told to `say` as one line.
///
/// # Errors
/// See [`KubeError`].
pub fn run(request: &Request, say: &mut dyn FnMut(&str)) -> Result<Ending, KubeError> {
    let kubectl = Kubectl::new(&request.cluster);
    let driver = Driver { kubectl: &kubectl, request };
    match &request.verb {
        Verb::Wait { goal, revision, timeout } => {
            watch::wait(&kubectl, request, *goal, revision.as_deref(), *timeout, say)
        }
        Verb::SetImage { images, check: true } => driver.check_image(images),
        Verb::SetImage { images, check: false } => driver.set_image(images, say),
        Verb::Undo { to } => {
            let rollout = driver.rollout()?;
            let sets = driver.replica_sets(&rollout)?;
            driver.apply(undo(&rollout, &sets, *to), say)
        }
        Verb::Pause => driver.apply(pause(&driver.rollout()?), say),
        Verb::Resume => driver.apply(resume(&driver.rollout()?), say),
        Verb::Retry => driver.apply(retry(&driver.rollout()?), say),
        Verb::Promote => driver.apply(promote(&driver.observed(say)?), say),
        Verb::PromoteFull => driver.apply(promote_full(&driver.observed(say)?), say),
        Verb::Abort => driver.apply(abort(&driver.observed(say)?), say),
    }
}

/// Clocks differ by so much, and what begins a rollout may be told before somebody waits for it.
const BEFORE: SignedDuration = SignedDuration::from_secs(30);

/// The last events of the object since this work began, one a line; nothing where they cannot be had.
pub fn events(request: &Request, began: Timestamp) -> Vec<String> {
    Kubectl::new(&request.cluster).events(request.kind.name(), &request.name, began - BEFORE)
}

struct Driver<'d> {
    kubectl: &'d Kubectl,
    request: &'d Request,
}

impl Driver<'_> {
    fn rollout(&self) -> Result<Rollout, KubeError> {
        let object = self.kubectl.get(self.request.kind.resource(), &self.request.name)?;
        Ok(Rollout::from_json(&object)?)
    }

    /// The rollout once its controller has seen the last change and the last verb: an older status
    /// would say of a rollout that was just changed that it rests, and of a pause that was just
    /// passed that there is none.
    fn observed(&self, say: &mut dyn FnMut(&str)) -> Result<Rollout, KubeError> {
        let deadline = crate::clock::monotonic() + OBSERVED_WITHIN;
        let mut told = String::new();
        loop {
            let rollout = self.rollout()?;
            let state = taskmaster_kube_api::status(&rollout);
            if state.is_observed && !state.is_reacting {
                return Ok(rollout);
            }
            if crate::clock::monotonic() >= deadline {
                return Err(KubeError::NotObserved { within: OBSERVED_WITHIN, state: state.line() });
            }
            watch::tell(&mut told, state.line(), say);
            std::thread::sleep(self.request.interval.min(OBSERVED_WITHIN));
        }
    }

    /// Sends a change. One that is not needed any more is no fault.
    fn apply(&self, change: Result<Change, Refusal>, say: &mut dyn FnMut(&str)) -> Result<Ending, KubeError> {
        let change = match change {
            Ok(change) => change,
            Err(refusal) if refusal.is_reached() => {
                say(&format!("nothing to do: {refusal}"));
                return Ok(Ending::Reached);
            }
            Err(refusal) => return Err(refusal.into()),
        };
        let mut next = change.spec;
        if let Some(status) = &change.status {
            match self.send(status, say) {
                // The object was there a moment ago: it is its status that has no address.
                Err(error) if error.is_not_found() => next = change.unified,
                sent => sent?,
            }
        }
        if let Some(patch) = &next {
            self.send(patch, say)?;
        }
        Ok(Ending::Reached)
    }

    fn send(&self, patch: &Patch, say: &mut dyn FnMut(&str)) -> Result<(), KubectlError> {
        let (resource, name) = match &patch.target {
            Target::Rollout => (self.request.kind.resource(), self.request.name.as_str()),
            Target::Workload { resource, name } => (*resource, name.as_str()),
        };
        self.kubectl.patch(resource, name, patch)?;
        let part = if patch.subresource == Subresource::Status { " status" } else { "" };
        say(&format!("patched {resource}/{name}{part}: {}", patch.body));
        Ok(())
    }

    fn image_change(&self, images: &BTreeMap<String, String>) -> Result<Result<Change, Refusal>, KubeError> {
        let rollout = self.rollout()?;
        let target = match rollout.image_target() {
            Ok(target) => target,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let template: Option<Value> = match &target {
            Target::Rollout => rollout.spec.template,
            Target::Workload { resource, name } => {
                self.kubectl.get(resource, name)?.pointer("/spec/template").cloned()
            }
        };
        Ok(set_image(&target, template.as_ref(), images))
    }

    fn check_image(&self, images: &BTreeMap<String, String>) -> Result<Ending, KubeError> {
        match self.image_change(images) {
            Ok(Ok(_)) => Ok(Ending::NotSo { why: "the images are others".to_owned() }),
            Ok(Err(refusal)) if refusal.is_reached() => Ok(Ending::Reached),
            Ok(Err(refusal)) => Err(refusal.into()),
            Err(KubeError::Kubectl(error)) if error.is_absent() => {
                Ok(Ending::NotSo { why: error.to_string() })
            }
            Err(error) => Err(error),
        }
    }

    fn set_image(
        &self,
        images: &BTreeMap<String, String>,
        say: &mut dyn FnMut(&str),
    ) -> Result<Ending, KubeError> {
        let mut tries = 1;
        loop {
            match self.apply(self.image_change(images)?, say) {
                Err(KubeError::Kubectl(error)) if error.is_conflict() && tries < TRIES => tries += 1,
                ended => return ended,
            }
        }
    }

    fn replica_sets(&self, rollout: &Rollout) -> Result<Vec<ReplicaSet>, KubeError> {
        let labels = &rollout.spec.selector.match_labels;
        let selector: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let list = self.kubectl.list("replicasets.apps", &selector.join(","))?;
        Ok(ReplicaSet::from_list(&list)?)
    }
}
