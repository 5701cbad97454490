//! `taskmaster destroy`

use crate::app::destroy::Destroy;
use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::plan::Request;
use crate::cli::args::{DestroyArgs, SelectionArgs};
use crate::cli::context::Context;

/// Takes back what was run, in reverse order, after a question.
pub(crate) fn run(context: &Context, args: DestroyArgs) -> Result<Exit, AppError> {
    let selection = SelectionArgs {
        phase: args.phase,
        task: args.task,
        with_dependencies: true,
        ..SelectionArgs::default()
    };
    let request = super::request(&args.document, &args.environment, &selection)?;
    // What a run has made is taken back with the variables that made it.
    let request = Request { as_last_run: true, ..request };
    let mut progress = super::run::progress(context);
    let destroy = Destroy::begin(&context.workspace, &request, &mut progress)?;
    if destroy.is_empty() {
        context.say("nothing to take back");
        return Ok(Exit::Ok);
    }
    if args.dry_run || !args.yes {
        context.show(&destroy.view()?)?;
    }
    if args.dry_run {
        return Ok(Exit::Ok);
    }
    if !args.yes && !super::confirmed("Take all of this back?")? {
        return Err(AppError::usage("nothing was taken back", "say yes at the question, or give --yes"));
    }
    let clock = crate::clock::Steady::start();
    let began = clock.now();
    let result = destroy.execute(Default::default(), &mut progress)?;
    if !context.quiet {
        // A task whose work was taken back is pending again.
        super::run::summary(&result, "undone", clock.now().duration_since(began).as_millis());
    }
    super::run::notify(context, "destroy", &result, began);
    Ok(result.end.into())
}
