//! `taskmaster history`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::report;
use crate::cli::args::HistoryArgs;
use crate::cli::context::Context;

/// Lists runs of the past, newest first.
pub(crate) fn run(context: &Context, args: &HistoryArgs) -> Result<Exit, AppError> {
    let request = super::view_request(&args.view);
    context.show(&report::history(&context.workspace, &request, args.task.as_deref(), args.limit)?)?;
    Ok(Exit::Ok)
}
