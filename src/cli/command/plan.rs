//! `taskmaster plan`

use crate::app::against::compare;
use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::plan_view;
use crate::cli::args::PlanArgs;
use crate::cli::ci;
use crate::cli::context::Context;

/// Shows what a run would do, or what a change means.
pub(crate) fn run(context: &Context, args: &PlanArgs) -> Result<Exit, AppError> {
    let request = super::request(&args.document, &args.environment, &args.selection)?;
    if let Some(against) = &args.against {
        let view = compare::make(&context.workspace, &request, against)?;
        context.show(&view)?;
        return Ok(if args.detailed_exitcode && view.differs { Exit::Changes } else { Exit::Ok });
    }
    let (prepared, view) =
        plan_view::make(&context.workspace, &request, args.check, args.commands, args.jobs.map(usize::from))?;
    context.findings(&prepared.catalogue_findings);
    context.show(&view)?;
    ci::views(&view.warnings, &context.workspace.working_dir);
    ci::plan_summary(&view);
    let changes = args.detailed_exitcode && plan_view::has_changes(&view);
    Ok(if changes { Exit::Changes } else { Exit::Ok })
}
