//! Rollouts of a cluster: Argo Rollouts and Flagger, by kubectl.

mod fault;
mod view;

use super::error::RolloutError;
use super::model::{Ask, Backend, Named, StartRequest};
use crate::app::error::AppError;
use crate::clock;
use crate::deliver::backend::kube::argo::{self, Done};
use crate::deliver::backend::kube::look::{self, Object, Sort};
use crate::deliver::backend::kube::{Cluster, KubeError, Kubectl, flagger};
use crate::report::view::{RolloutHistoryView, RolloutKind, RolloutListView, RolloutRow, RolloutView};
use fault::Verb;
use std::time::Duration;
use taskmaster_kube_api::Refusal;

/// Which cluster, and where in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Context of the kubeconfig.
    pub context: Option<String>,
    /// Path of the kubeconfig.
    pub kubeconfig: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
}

/// A cluster as a backend. Nothing is asked of it yet.
///
/// # Errors
/// None so far: who cannot be reached is told by the first question.
pub fn backend(place: &Place) -> Result<Box<dyn Backend>, AppError> {
    let cluster = Cluster {
        context: place.context.clone(),
        kubeconfig: place.kubeconfig.clone(),
        namespace: place.namespace.clone(),
    };
    Ok(Box::new(Controllers { kubectl: Kubectl::new(&cluster), namespace: place.namespace.clone() }))
}

/// The controllers of a cluster.
struct Controllers {
    kubectl: Kubectl,
    namespace: Option<String>,
}

/// Time between two looks of a verb that waits for a controller.
const PACE: Duration = Duration::from_secs(1);

impl Controllers {
    fn find(&self, name: &Named) -> Result<Object, KubeError> {
        let sort = name.kind.and_then(|kind| match kind {
            RolloutKind::Rollout => Some(Sort::Rollout),
            RolloutKind::Canary => Some(Sort::Canary),
            RolloutKind::Local => None,
        });
        look::find(&self.kubectl, &name.name, sort)
    }

    fn look(&self, name: &Named) -> Result<RolloutView, KubeError> {
        let object = self.find(name)?;
        let picture = look::picture(&self.kubectl, &object)?;
        Ok(view::of(&object, picture, clock::now()))
    }

    /// ` in namespace shop`, or nothing.
    fn place(&self) -> String {
        self.namespace.as_ref().map(|name| format!(" in namespace {name}")).unwrap_or_default()
    }

    fn told(&self, name: &Named, verb: Verb, fault: &KubeError) -> AppError {
        fault::told(fault, &name.name, &self.place(), verb).into()
    }

    /// Performs a verb of a rollout. What holds already is no fault, but for a version that was given up.
    fn on_rollout(&self, object: &Object, verb: &argo::Verb) -> Result<(), KubeError> {
        let done = argo::perform(&self.kubectl, object.name(), verb, PACE, &mut |_| {})?;
        let is_aborted = matches!(object, Object::Rollout(rollout) if rollout.status.abort);
        match done {
            Done::Already(Refusal::AlreadyThatImage) if is_aborted => Err(Refusal::Aborted.into()),
            _ => Ok(()),
        }
    }

    fn on_canary(&self, object: &Object, verb: &flagger::Verb) -> Result<(), KubeError> {
        flagger::perform(&self.kubectl, object.name(), verb, PACE, &mut |_| {})
    }
}

/// The verb of Argo Rollouts.
fn argo_verb(ask: Ask) -> argo::Verb {
    match ask {
        Ask::Promote { full: false } => argo::Verb::Promote,
        Ask::Promote { full: true } => argo::Verb::PromoteFull,
        Ask::Pause => argo::Verb::Pause,
        Ask::Resume => argo::Verb::Resume,
        Ask::Abort => argo::Verb::Abort,
        Ask::Retry => argo::Verb::Retry,
        // No revision is that great.
        Ask::Undo { to } => argo::Verb::Undo { to: to.map(|to| i64::try_from(to).unwrap_or(i64::MAX)) },
    }
}

/// The verb of Flagger, where it has one.
fn flagger_verb(ask: Ask, object: &Object) -> Result<flagger::Verb, RolloutError> {
    Ok(match ask {
        Ask::Promote { full: false } => flagger::Verb::Promote,
        Ask::Pause => flagger::Verb::Pause,
        Ask::Resume => flagger::Verb::Resume,
        Ask::Abort => flagger::Verb::Abort,
        Ask::Promote { full: true } | Ask::Retry | Ask::Undo { .. } => {
            return Err(fault::not_of_flagger(ask, object));
        }
    })
}

impl Backend for Controllers {
    fn start(&self, request: &StartRequest) -> Result<RolloutView, AppError> {
        let StartRequest::Images { name, images } = request else {
            return Err(AppError::usage(
                "a rollout file is for this machine",
                "name the object and its images",
            ));
        };
        let started = self.find(name).and_then(|object| match object.sort() {
            Sort::Rollout => self.on_rollout(&object, &argo::Verb::SetImage(images.clone())),
            Sort::Canary => self.on_canary(&object, &flagger::Verb::SetImage(images.clone())),
        });
        started.and_then(|()| self.look(name)).map_err(|fault| self.told(name, Verb::Start, &fault))
    }

    fn view(&self, name: &Named) -> Result<RolloutView, AppError> {
        self.look(name).map_err(|fault| self.told(name, Verb::Look, &fault))
    }

    fn list(&self) -> Result<RolloutListView, AppError> {
        let nobody = Named { kind: None, name: "list".to_owned() };
        let listed = look::list(&self.kubectl).map_err(|fault| self.told(&nobody, Verb::Look, &fault))?;
        let generated = clock::now();
        let row = |(object, picture)| RolloutRow::of(&view::of(&object, picture, generated));
        let mut rollouts: Vec<RolloutRow> = listed.objects.into_iter().map(row).collect();
        rollouts.sort_by(|one, other| (&one.name, one.kind).cmp(&(&other.name, other.kind)));
        let place = self.namespace.as_ref().map(|name| format!("namespace {name}"));
        let place = place.unwrap_or_else(|| "the namespace of the context".to_owned());
        Ok(RolloutListView { generated, place, rollouts, unreadable: listed.unreadable })
    }

    fn history(&self, name: &Named) -> Result<RolloutHistoryView, AppError> {
        let found = self.find(name).and_then(|object| {
            let releases = look::history(&self.kubectl, &object)?;
            Ok(view::history(&object, releases, clock::now()))
        });
        found.map_err(|fault| self.told(name, Verb::Look, &fault))
    }

    fn ask(&self, name: &Named, ask: Ask) -> Result<RolloutView, AppError> {
        let verb = Verb::Ask(ask);
        let object = self.find(name).map_err(|fault| self.told(name, verb, &fault))?;
        let asked = match object.sort() {
            Sort::Rollout => self.on_rollout(&object, &argo_verb(ask)),
            Sort::Canary => self.on_canary(&object, &flagger_verb(ask, &object)?),
        };
        asked.and_then(|()| self.look(name)).map_err(|fault| self.told(name, verb, &fault))
    }
}
