//! What a cluster or its controllers refuse, in the words of the command line.

use crate::app::rollouts::error::RolloutError;
use crate::app::rollouts::model::Ask;
use crate::deliver::backend::kube::look::{Object, Sort};
use crate::deliver::backend::kube::{CANARIES, KubeError, KubectlError, ROLLOUTS, is_name};
use taskmaster_kube_api::{CanaryRefusal, Refusal};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verb {
    /// A version.
    Start,
    /// How it is.
    Look,
    /// A verb.
    Ask(Ask),
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Look => "status",
            Self::Ask(ask) => ask.word(),
        }
    }
}

/// A fault as the command line tells it. `place` begins with a blank, or is nothing.
pub(super) fn told(fault: &KubeError, name: &str, place: &str, verb: Verb) -> RolloutError {
    let why = fault.to_string();
    let help = help(fault).unwrap_or_default();
    match fault {
        KubeError::Nobody { .. } => RolloutError::no_such(name, place, help),
        KubeError::Kubectl(error) => by_kubectl(error, (name, place), verb, why, help),
        KubeError::Both { .. } | KubeError::Refused(_) | KubeError::Canary(_) | KubeError::Gate(_) => {
            RolloutError::Refused { verb: verb.word(), why, help }
        }
        KubeError::Interrupted { .. } => RolloutError::Interrupted { why },
        KubeError::NotObserved { .. }
        | KubeError::Signals(_)
        | KubeError::NotAsked { .. }
        | KubeError::Tester { .. }
        | KubeError::StillOpen { .. }
        | KubeError::Unreadable(_) => RolloutError::Failed { why, help },
    }
}

fn by_kubectl(
    error: &KubectlError,
    (name, place): (&str, &str),
    verb: Verb,
    why: String,
    help: String,
) -> RolloutError {
    // What else belongs to a rollout may be missing as well.
    if error.is_absent() && (error.is_about(ROLLOUTS) || error.is_about(CANARIES)) {
        return RolloutError::no_such(name, place, help);
    }
    if matches!(error, KubectlError::Name { .. }) {
        return RolloutError::Refused { verb: verb.word(), why, help };
    }
    if error.is_unanswered() {
        return RolloutError::Unreachable { what: "the cluster".to_owned(), why, help };
    }
    if error.is_trouble() {
        return RolloutError::Troubled { why, help };
    }
    RolloutError::Failed { why, help }
}

/// What a person can do about it, by the verbs that they have here.
fn help(fault: &KubeError) -> Option<String> {
    let text = match fault {
        KubeError::Refused(refusal) => match refusal {
            Refusal::NothingToPromote { .. } => "`watch` shows what it waits for",
            Refusal::NothingToAbort => "`undo` goes back to an earlier version",
            Refusal::Aborted => "`retry` starts it again, `promote --full` goes to the end at once",
            Refusal::NoRevision { .. } | Refusal::NoEarlierRevision => {
                "`history` shows the revisions; `spec.revisionHistoryLimit` says how many are kept"
            }
            _ => return refusal.hint().map(str::to_owned),
        },
        KubeError::Canary(refusal) => match refusal {
            CanaryRefusal::Suspended => "`resume` lets it go on",
            CanaryRefusal::NothingToPromote { .. } => "it goes on by itself; `watch` shows it",
            CanaryRefusal::NothingToAbort { .. } | CanaryRefusal::NotBegun | CanaryRefusal::Promoting => {
                "`start` it with the image of the version before"
            }
            CanaryRefusal::NoRollback => {
                "add one that asks Flagger's load tester (`/rollback/check`), or `start` the version before"
            }
            CanaryRefusal::AlreadySuspended | CanaryRefusal::NotSuspended => return None,
        },
        other => return other.hint(),
    };
    Some(text.to_owned())
}

/// A verb that Flagger has not.
pub(super) fn not_of_flagger(ask: Ask, object: &Object) -> RolloutError {
    let (verb, help) = match ask {
        Ask::Promote { .. } => (
            "promote --full",
            "`spec.skipAnalysis: true` promotes unseen, and every later version too until it is taken back"
                .to_owned(),
        ),
        Ask::Undo { .. } => (
            "undo",
            "`start` an earlier image, which `history` shows: Flagger tries it as any other version"
                .to_owned(),
        ),
        other => {
            (other.word(), format!("Flagger tries what is new: {} makes a new revision", restart(object)))
        }
    };
    debug_assert_eq!(object.sort(), Sort::Canary);
    RolloutError::Unsupported { verb, what: format!("canary/{} of Flagger", object.name()), help }
}

/// The command that restarts the workload of a canary, where its name is one that can be pasted.
fn restart(object: &Object) -> String {
    let target = match object {
        Object::Canary(canary) => Some(&canary.spec.target_ref),
        Object::Rollout(_) => None,
    };
    match target.filter(|target| target.resource().is_some() && is_name(&target.name)) {
        Some(target) => {
            format!("`kubectl rollout restart {}/{}`", target.kind.to_lowercase(), target.name)
        }
        None => "a restart of its workload".to_owned(),
    }
}
