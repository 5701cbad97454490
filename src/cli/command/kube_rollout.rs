//! `taskmaster kube-rollout`: what the catalogue's `rollout` actions run. Hidden, since people have
//! the catalogue and kubectl.
//!
//! It ends as a question does: 0 as wanted, 1 not so, 2 nothing can be said.

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::cli::args::{KubeRolloutArgs, KubeVerb};
use crate::cli::context::{Context, print};
use crate::clock;
use crate::deliver::backend::kube::Cluster;
use crate::deliver::backend::kube::argo;
use crate::deliver::backend::kube::drive::{Ending, Kind, Request, Verb, events, run as drive};
use taskmaster_kube_api::Goal;

/// Drives a rollout; lines of progress go to standard output, faults to standard error.
pub(crate) fn run(context: &Context, args: KubeRolloutArgs) -> Result<Exit, AppError> {
    let request = request(args)?;
    let mut say = |line: &str| {
        // A reader that went away is no reason to stop half-way.
        let _ = print(line);
    };
    // A check only asks; what is told of a fault is for attempts.
    let only_asks = match &request.verb {
        Verb::Wait { timeout, .. } => timeout.is_zero(),
        Verb::CheckImage(_) => true,
        Verb::Change(_) => false,
    };
    let began = clock::now();
    let tell_events = || {
        for event in events(&request, began) {
            context.say(&format!("event: {event}"));
        }
    };
    match drive(&request, &mut say) {
        Ok(Ending::Reached) => Ok(Exit::Ok),
        Ok(Ending::NotSo { why }) => {
            context.say(&format!("not so: {why}"));
            if !only_asks {
                tell_events();
                context.say("help: `kubectl describe` shows the whole object; `verb: retry` or `verb: undo` go on from an abort");
            }
            Ok(Exit::Internal)
        }
        Err(fault) => {
            context.say(&format!("error: {fault}"));
            if !only_asks {
                tell_events();
            }
            if let Some(hint) = fault.hint() {
                context.say(&format!("help: {hint}"));
            }
            Ok(Exit::Usage)
        }
    }
}

fn request(args: KubeRolloutArgs) -> Result<Request, AppError> {
    if args.kind != Kind::Argo && !matches!(args.verb, KubeVerb::Status | KubeVerb::Wait) {
        return Err(AppError::usage(
            "only a rollout of kind argo has verbs besides status and wait",
            "use wait",
        ));
    }
    let wait = |goal| Verb::Wait { goal, revision: args.revision.clone(), timeout: args.timeout };
    let verb = match args.verb {
        KubeVerb::Status => wait(Goal::Healthy),
        KubeVerb::Wait => wait(args.goal.unwrap_or(Goal::Healthy)),
        KubeVerb::SetImage => {
            if args.image.is_empty() {
                return Err(AppError::usage("no image is given", "add --image=CONTAINER=IMAGE"));
            }
            let images = args.image.into_iter().collect();
            if args.check { Verb::CheckImage(images) } else { Verb::Change(argo::Verb::SetImage(images)) }
        }
        KubeVerb::Promote => Verb::Change(argo::Verb::Promote),
        KubeVerb::PromoteFull => Verb::Change(argo::Verb::PromoteFull),
        KubeVerb::Pause => Verb::Change(argo::Verb::Pause),
        KubeVerb::Resume => Verb::Change(argo::Verb::Resume),
        KubeVerb::Abort => Verb::Change(argo::Verb::Abort),
        KubeVerb::Retry => Verb::Change(argo::Verb::Retry),
        KubeVerb::Undo => Verb::Change(argo::Verb::Undo { to: args.to_revision }),
    };
    Ok(Request {
        kind: args.kind,
        name: args.name,
        cluster: Cluster { context: args.context, kubeconfig: args.kubeconfig, namespace: args.namespace },
        verb,
        interval: args.interval,
    })
}
