//! `taskmaster drift`

use crate::app::drift;
use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::cli::args::DriftArgs;
use crate::cli::context::Context;

/// Asks the checks of what was done. Where one cannot tell that outweighs drift, as a failure does.
pub(crate) fn run(context: &Context, args: &DriftArgs) -> Result<Exit, AppError> {
    context.can_show()?;
    let request = super::request(&args.document, &args.environment, &args.selection)?;
    if args.history {
        context.show(&drift::history(&context.workspace, &request)?)?;
        return Ok(Exit::Ok);
    }
    let view = drift::look(&context.workspace, &request)?;
    context.show(&view)?;
    let drifted = view.drifted().next().map(|_| Exit::Drift);
    let unknown = view.errors().next().map(|_| Exit::Unknown);
    Ok(drifted.into_iter().chain(unknown).fold(Exit::Ok, Exit::and))
}
