//! `taskmaster plan`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::plan_view;
use crate::cli::args::PlanArgs;
use crate::cli::context::Context;

/// Shows what a run would do.
pub(crate) fn run(context: &Context, args: &PlanArgs) -> Result<Exit, AppError> {
    let request = super::request(&args.document, &args.environment, &args.selection)?;
    let (prepared, view) = plan_view::make(&context.workspace, &request, args.check, args.commands)?;
    context.findings(&prepared.catalogue_findings);
    context.show(&view)?;
    let changes = args.detailed_exitcode && plan_view::has_changes(&view);
    Ok(if changes { Exit::Changes } else { Exit::Ok })
}
