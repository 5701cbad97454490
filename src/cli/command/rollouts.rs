//! `taskmaster rollout start|status|watch|promote|pause|resume|abort|retry|undo|list|history|remove`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::rollout;
use crate::app::rollouts::cluster::{self, Place};
use crate::app::rollouts::{
    Ask, Backend, Named, RolloutError, StartFile, StartRequest, Until, Waited, local, wait,
};
use crate::cli::args::{
    ClusterArgs, Format, NamedArgs, RemoveArgs, RolloutCommand, StartArgs, StatusArgs, VerbArgs, WaitArgs,
    WatchArgs,
};
use crate::cli::context::Context;
use crate::cli::picture::Picture;
use crate::report::view::{RolloutKind, RolloutPhase, RolloutView, VersionRole};
use serde_json::json;
use std::path::Path;

/// Performs a verb on any kind of rollout.
pub(crate) fn run(context: &Context, command: RolloutCommand) -> Result<Exit, AppError> {
    context.can_show()?;
    match command {
        RolloutCommand::Start(args) => start(context, &args),
        RolloutCommand::Status(args) => status(context, &args),
        RolloutCommand::Watch(args) => watch(context, &args),
        RolloutCommand::Promote(args) => ask(context, &args.verb, Ask::Promote { full: args.full }),
        RolloutCommand::Pause(args) => ask(context, &args, Ask::Pause),
        RolloutCommand::Resume(args) => ask(context, &args, Ask::Resume),
        RolloutCommand::Abort(args) => ask(context, &args, Ask::Abort),
        RolloutCommand::Retry(args) => ask(context, &args, Ask::Retry),
        RolloutCommand::Undo(args) => ask(context, &args.verb, Ask::Undo { to: args.to }),
        RolloutCommand::List(args) => {
            context.show(&backend(context, None, &args)?.list()?)?;
            Ok(Exit::Ok)
        }
        RolloutCommand::History(args) => {
            context.show(&of(context, &args)?.history(&args.name)?)?;
            Ok(Exit::Ok)
        }
        RolloutCommand::Remove(args) => remove(context, &args),
        RolloutCommand::Simulate(_) | RolloutCommand::Rehearse(_) | RolloutCommand::Load(_) => {
            super::rollout::run(context, command)
        }
    }
}

/// The driver of a rollout: a cluster where anything says so, else this machine's agent.
fn backend(
    context: &Context,
    kind: Option<RolloutKind>,
    args: &ClusterArgs,
) -> Result<Box<dyn Backend>, AppError> {
    let is_named = is_cluster(args);
    match kind {
        Some(RolloutKind::Local) if is_named => {
            Err(AppError::usage("a local rollout is in no cluster", "leave out the options of a cluster"))
        }
        Some(RolloutKind::Rollout | RolloutKind::Canary) => cluster::backend(&place(args)),
        _ if is_named => cluster::backend(&place(args)),
        _ => local::backend(&context.workspace),
    }
}

fn place(args: &ClusterArgs) -> Place {
    Place {
        context: args.context.clone(),
        kubeconfig: args.kubeconfig.clone(),
        namespace: args.namespace.clone(),
    }
}

fn of(context: &Context, args: &NamedArgs) -> Result<Box<dyn Backend>, AppError> {
    backend(context, args.name.kind, &args.cluster)
}

fn start(context: &Context, args: &StartArgs) -> Result<Exit, AppError> {
    let (backend, request) = if let Some(version) = &args.release {
        if is_cluster(&args.cluster) {
            return Err(AppError::usage(
                "a rollout file is for this machine",
                "name the object of the cluster and its images: `rollout start NAME --image CONTAINER=IMAGE`",
            ));
        }
        let file = file(context, Path::new(&args.target), version, args.name.as_deref())?;
        (local::backend(&context.workspace)?, StartRequest::File(file))
    } else {
        let name: Named = args.target.parse().map_err(|why| AppError::usage(why, "name the object"))?;
        if name.kind == Some(RolloutKind::Local) {
            return Err(AppError::usage("a local rollout has no images", "give its file and a version"));
        }
        let images = args.image.iter().cloned().collect();
        (cluster::backend(&place(&args.cluster))?, StartRequest::Images { name, images })
    };
    let view = backend.start(&request)?;
    after(context, backend.as_ref(), &view, &args.wait, Waited::exit)
}

fn is_cluster(args: &ClusterArgs) -> bool {
    args.namespace.is_some() || args.context.is_some() || args.kubeconfig.is_some()
}

/// Reads a rollout file: what is wrong in it is told with its place, before anything begins.
fn file(context: &Context, path: &Path, version: &str, name: Option<&str>) -> Result<StartFile, AppError> {
    let (rollout, text) = rollout::read_with_text(&context.workspace, path)?;
    if let Some(name) = name.filter(|name| *name != rollout.name) {
        let found = format!("{} is of the rollout `{}`, not `{name}`", path.display(), rollout.name);
        return Err(AppError::usage(found, "give its own name, or another file"));
    }
    let whole = context.workspace.working_dir.join(path);
    let directory = whole.parent().unwrap_or(&context.workspace.working_dir).to_owned();
    Ok(StartFile { path: path.to_owned(), text, directory, version: version.to_owned() })
}

fn remove(context: &Context, args: &RemoveArgs) -> Result<Exit, AppError> {
    let name = &args.named.name;
    let backend = of(context, &args.named)?;
    // A look starts no agent, which only an end of something is worth.
    if args.if_there
        && let Err(AppError::Delivery(fault @ RolloutError::NoSuch { .. })) = backend.view(name)
    {
        return removed(context, None, &fault.to_string());
    }
    backend.remove(name)?;
    removed(context, Some(&name.name), &format!("{name} is gone"))
}

fn removed(context: &Context, name: Option<&str>, words: &str) -> Result<Exit, AppError> {
    match context.format {
        Format::Json => context.answer(&json!({ "removed": name }), words)?,
        _ => context.say(words),
    }
    Ok(Exit::Ok)
}

/// 50 where it was taken back, 20 where it cannot go on.
fn status(context: &Context, args: &StatusArgs) -> Result<Exit, AppError> {
    let view = of(context, &args.named).and_then(|backend| backend.view(&args.named.name));
    if let Some(version) = &args.serves {
        return serves(context, view, version);
    }
    let view = view?;
    context.show(&view)?;
    Ok(Waited { view, is_reached: true }.exit())
}

/// A question that is answered by the exit code: a rollout that is not there serves nothing.
fn serves(context: &Context, view: Result<RolloutView, AppError>, version: &str) -> Result<Exit, AppError> {
    let why = match view {
        Ok(view) => match unserved(&view, version) {
            None => return Ok(Exit::Ok),
            Some(why) => why,
        },
        Err(AppError::Delivery(fault @ RolloutError::NoSuch { .. })) => fault.to_string(),
        Err(fault) => return Err(fault),
    };
    context.say(&format!("not so: {why}"));
    Ok(Exit::Internal)
}

/// Why a version does not serve at rest, where it does not.
fn unserved(view: &RolloutView, version: &str) -> Option<String> {
    if view.phase != RolloutPhase::Completed {
        return Some(view.line());
    }
    match view.version(VersionRole::Stable) {
        Some(stable) if stable.revision == version => None,
        Some(stable) => Some(format!("{} serves", stable.revision)),
        None => Some("nothing serves".to_owned()),
    }
}

fn ask(context: &Context, args: &VerbArgs, ask: Ask) -> Result<Exit, AppError> {
    let backend = of(context, &args.named)?;
    let view = backend.ask(&args.named.name, ask)?;
    let exit = if ask == Ask::Abort { Waited::exit_of_abort } else { Waited::exit };
    after(context, backend.as_ref(), &view, &args.wait, exit)
}

/// Shows what came of a verb: at once, or at the end.
fn after(
    context: &Context,
    backend: &dyn Backend,
    view: &RolloutView,
    args: &WaitArgs,
    exit: fn(&Waited) -> Exit,
) -> Result<Exit, AppError> {
    if !args.wait {
        context.show(view)?;
        return Ok(Exit::Ok);
    }
    let name = Named { kind: Some(view.kind), name: view.name.clone() };
    let mut picture = Picture::beside(context);
    let waited = wait(backend, &name, Until::Over, Some(args.timeout), &mut |view| picture.show(view));
    picture.clear();
    let waited = waited?;
    context.show(&waited.view)?;
    Ok(exit(&waited))
}

fn watch(context: &Context, args: &WatchArgs) -> Result<Exit, AppError> {
    let backend = of(context, &args.named)?;
    let mut picture = Picture::watch(context);
    let look = &mut |view: &RolloutView| picture.show(view);
    let waited = wait(backend.as_ref(), &args.named.name, args.until, args.timeout, look);
    picture.clear();
    let waited = waited?;
    if !picture.has_answered() {
        context.show(&waited.view)?;
    }
    Ok(waited.exit())
}
