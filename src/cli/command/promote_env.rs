//! `taskmaster promote-env`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::plan::{self, Request};
use crate::app::promote_env::{self, Difference, Promoting};
use crate::app::run::RunOptions;
use crate::cli::args::{Format, PromoteEnvArgs};
use crate::cli::context::Context;
use std::io::IsTerminal;

/// Shows what differs between two environments, and runs it in the second where that is wanted.
pub(crate) fn run(context: &Context, args: &PromoteEnvArgs) -> Result<Exit, AppError> {
    let request = request(args)?;
    let is_wanted = args.run || args.yes;
    let shown = promote_env::look(&context.workspace, &args.from, &request)?;
    // Programs that want it run read what happens, an entry a line.
    if !is_wanted || context.format != Format::Json {
        context.show(&shown.view)?;
    }
    if shown.count() == 0 {
        return Ok(Exit::Ok);
    }
    if is_wanted && !args.yes && !std::io::stdin().is_terminal() {
        return Err(AppError::usage("nothing was run: nobody can be asked here", "give --yes too"));
    }
    if !is_wanted && !asked(context, args, &shown)? {
        return Ok(if args.detailed_exitcode { Exit::Changes } else { Exit::Ok });
    }
    execute(context, args, &request, &shown)
}

fn request(args: &PromoteEnvArgs) -> Result<Request, AppError> {
    Ok(Request {
        read: super::read_options(&args.document)?,
        environment: Some(args.to.clone()),
        vars: args.grants.vars.iter().cloned().collect(),
        allow_inline: args.grants.allow_inline,
        allow_contexts: args.grants.allow_context.clone(),
        ..Request::default()
    })
}

/// A person's yes. Who wants an exit code or JSON is no person.
fn asked(context: &Context, args: &PromoteEnvArgs, shown: &Difference) -> Result<bool, AppError> {
    let is_person = context.format == Format::Text
        && !args.detailed_exitcode
        && std::io::stdin().is_terminal()
        && std::io::stderr().is_terminal();
    if !is_person {
        return Ok(false);
    }
    let tasks = taskmaster_core::text::count(shown.count(), "task", "tasks");
    super::confirmed(&format!("Run {tasks} in {}?", shown.view.to))
}

fn execute(
    context: &Context,
    args: &PromoteEnvArgs,
    request: &Request,
    shown: &Difference,
) -> Result<Exit, AppError> {
    let mut progress = super::run::progress(context);
    let clock = crate::clock::Steady::start();
    let began = clock.now();
    let promoting = Promoting::begin(&context.workspace, &args.from, request, &mut progress)?;
    if promoting.difference.chosen != shown.chosen {
        return Err(AppError::usage("what would run changed meanwhile; nothing was run", "look at it again"));
    }
    context.findings(&promoting.prepared().binding_findings);
    context.findings(&promoting.prepared().catalogue_findings);
    let options = RunOptions {
        jobs: args.work.jobs.map(usize::from),
        keep_going: args.work.keep_going,
        end_when_waiting: args.work.no_wait,
        live_output: std::io::stderr().is_terminal(),
        options: plan::as_options(&args.grants.vars).collect(),
        ..RunOptions::default()
    };
    let result = promoting.execute(options, &mut progress)?;
    if !context.quiet {
        super::run::summary(&result, "pending", clock.now().duration_since(began).as_millis());
    }
    super::run::notify(context, "promote-env", &result, began);
    Ok(result.end.into())
}
