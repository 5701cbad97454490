//! `taskmaster agent`

use crate::app::agent;
use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::rollouts::local::Local;
use crate::cli::args::{AgentCommand, AgentLogsArgs};
use crate::cli::context::{Context, print};
use serde_json::json;

/// Talks to the agent, or becomes it.
pub(crate) fn run(context: &Context, command: AgentCommand) -> Result<Exit, AppError> {
    match command {
        AgentCommand::Status => {
            context.show(&Local::new(&context.workspace)?.agent()?)?;
            Ok(Exit::Ok)
        }
        AgentCommand::Stop(args) => {
            let was_there = Local::new(&context.workspace)?.stop(args.force)?;
            let words =
                if was_there { "the agent and its services have ended" } else { "no agent was at work" };
            context.answer(&json!({ "stopped": was_there }), words)?;
            Ok(Exit::Ok)
        }
        AgentCommand::Logs(args) => logs(context, &args),
        AgentCommand::Guard(args) => {
            let is_well = agent::guard(&context.workspace, args.adopt)?;
            Ok(if is_well { Exit::Ok } else { Exit::Internal })
        }
        AgentCommand::Serve => agent::serve(&context.workspace).map(|()| Exit::Ok),
    }
}

fn logs(context: &Context, args: &AgentLogsArgs) -> Result<Exit, AppError> {
    let local = Local::new(&context.workspace)?;
    let Some(service) = &args.service else {
        let text = agent::log_tail(local.files(), args.lines)?;
        context.answer(&json!({ "log": "agent", "text": text }), &text)?;
        return Ok(Exit::Ok);
    };
    let logs = local.service_logs(service, args.release.as_deref(), args.replica, args.lines)?;
    let shown = logs.iter().map(|(name, text)| json!({ "log": name, "text": text })).collect();
    let text = match logs.as_slice() {
        [(_, text)] => text.clone(),
        several => several.iter().map(|(name, text)| format!("==> {name}\n{text}\n")).collect(),
    };
    if logs.is_empty() {
        return Err(AppError::usage("there is no such log", "see which: taskmaster agent status"));
    }
    match context.format {
        crate::cli::args::Format::Json => context.answer(&serde_json::Value::Array(shown), "")?,
        _ => print(&text)?,
    }
    Ok(Exit::Ok)
}
