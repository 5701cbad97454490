//! What the catalogue's `rollout` actions run where the object decides what is patched, or something is
//! waited for.

use super::argo::{self, Done};
use super::kubectl::{Cluster, Kubectl};
use super::{KubeError, wait};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;
use taskmaster_kube_api::Goal;

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
    pub(super) fn resource(self) -> &'static str {
        match self {
            Self::Argo => super::ROLLOUTS,
            Self::AnalysisRun => "analysisruns.argoproj.io",
            Self::Application => "applications.argoproj.io",
            Self::Flagger => super::CANARIES,
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
    /// Says whether the images by container are these; `*` is every container.
    CheckImage(BTreeMap<String, String>),
    /// Changes it.
    Change(argo::Verb),
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

/// Does what is asked for; every change on the way is told to `say` as one line.
///
/// # Errors
/// See [`KubeError`].
pub fn run(request: &Request, say: &mut dyn FnMut(&str)) -> Result<Ending, KubeError> {
    let kubectl = Kubectl::new(&request.cluster);
    match &request.verb {
        Verb::Wait { goal, revision, timeout } => {
            wait::wait(&kubectl, request, *goal, revision.as_deref(), *timeout, say)
        }
        Verb::CheckImage(images) => argo::check_image(&kubectl, &request.name, images),
        Verb::Change(verb) => match argo::perform(&kubectl, &request.name, verb, request.interval, say)? {
            Done::Sent => Ok(Ending::Reached),
            Done::Already(refusal) => {
                say(&format!("nothing to do: {refusal}"));
                Ok(Ending::Reached)
            }
        },
    }
}

/// Clocks differ by so much, and what begins a rollout may be told before somebody waits for it.
const BEFORE: SignedDuration = SignedDuration::from_secs(30);
/// How many events are shown.
const EVENTS: usize = 5;

/// The last events of the object, one a line: those since this work began, else whatever there is.
pub fn events(request: &Request, began: Timestamp) -> Vec<String> {
    let since = began - BEFORE;
    let all = Kubectl::new(&request.cluster).events(request.kind.name(), &request.name);
    let is_new = |at: Option<Timestamp>| at.is_none_or(|at| at >= since);
    let new: Vec<_> = all.iter().filter(|event| is_new(event.at)).collect();
    let told: Vec<_> = if new.is_empty() { all.iter().collect() } else { new };
    told.iter().skip(told.len().saturating_sub(EVENTS)).map(|event| event.line()).collect()
}
