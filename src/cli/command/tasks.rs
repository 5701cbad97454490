//! `taskmaster tasks …`, `approve` and `resolve`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::tasks::{self, Filter};
use crate::cli::args::{ApproveArgs, ListArgs, ResolveArgs, SetArgs, TasksCommand};
use crate::cli::context::Context;
use serde_json::json;

/// Lists, shows and sets tasks.
pub(crate) fn run(context: &Context, command: TasksCommand) -> Result<Exit, AppError> {
    let workspace = &context.workspace;
    match command {
        TasksCommand::List(args) => {
            context.show(&tasks::list(workspace, &super::view_request(&args.view), &filter(args))?)?;
        }
        TasksCommand::Next(args) => {
            context.show(&tasks::next(workspace, &super::view_request(&args.view), &filter(args))?)?;
        }
        TasksCommand::Show(args) => {
            context.show(&tasks::show(workspace, &super::view_request(&args.view), &args.task)?)?;
        }
        TasksCommand::Set(args) => set(context, args)?,
    }
    Ok(Exit::Ok)
}

fn filter(args: ListArgs) -> Filter {
    Filter { status: args.status, phase: args.phase, priority: args.priority, tag: args.tag, text: args.text }
}

fn set(context: &Context, args: SetArgs) -> Result<(), AppError> {
    let to = tasks::settable(&args.status, args.message.as_deref())?;
    let request = super::view_request(&args.task.view);
    let (id, from) = tasks::set(&context.workspace, &request, &args.task.task, to, args.message)?;
    let value = json!({ "schema_version": 1, "id": id, "from": from.name(), "to": args.status });
    context.answer(&value, &format!("{id}: {} -> {}", from.name(), args.status))
}

/// `taskmaster approve`
pub(crate) fn approve(context: &Context, args: ApproveArgs) -> Result<Exit, AppError> {
    let request = super::view_request(&args.task.view);
    let id = tasks::approve(&context.workspace, &request, &args.task.task, args.message)?;
    context
        .answer(&json!({ "schema_version": 1, "id": id, "approved": true }), &format!("{id}: approved"))?;
    Ok(Exit::Ok)
}

/// `taskmaster resolve`
pub(crate) fn resolve(context: &Context, args: ResolveArgs) -> Result<Exit, AppError> {
    let to = tasks::settable(&args.status, args.message.as_deref())?;
    let request = super::view_request(&args.task.view);
    let id = tasks::resolve(&context.workspace, &request, &args.task.task, to, args.message)?;
    let value = json!({ "schema_version": 1, "id": id, "from": "unknown", "to": args.status });
    context.answer(&value, &format!("{id}: unknown -> {}", args.status))?;
    Ok(Exit::Ok)
}
