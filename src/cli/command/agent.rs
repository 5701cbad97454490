//! `taskmaster agent`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::rollouts::local;
use crate::cli::args::AgentCommand;
use crate::cli::context::Context;

/// Talks to the agent, or becomes it.
pub(crate) fn run(context: &Context, _command: AgentCommand) -> Result<Exit, AppError> {
    local::backend(&context.workspace).map(|_| Exit::Ok)
}
