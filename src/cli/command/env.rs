//! `taskmaster env …`

use crate::app::environments;
use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::cli::args::{EnvCommand, EnvLockArgs};
use crate::cli::context::Context;
use crate::cli::moment::{self, Side};
use crate::clock;
use crate::report::clean_lines;
use serde_json::json;

/// Lists, locks and unlocks environments.
pub(crate) fn run(context: &Context, command: EnvCommand) -> Result<Exit, AppError> {
    match command {
        EnvCommand::List => context.show(&environments::list(&context.workspace)?)?,
        EnvCommand::Lock(args) => lock(context, args)?,
        EnvCommand::Unlock(args) => {
            environments::unlock(&context.workspace, &args.name)?;
            let value = json!({ "schema_version": 1, "environment": args.name, "locked": false });
            context.answer(&value, &clean(&format!("{}: unlocked", args.name)))?;
        }
    }
    Ok(Exit::Ok)
}

fn lock(context: &Context, args: EnvLockArgs) -> Result<(), AppError> {
    let now = clock::now();
    let until = args.until.as_deref().map(|text| moment::parse(text, "--until", Side::Future, now));
    let until = until.transpose()?;
    if let Some(past) = until.filter(|until| *until <= now) {
        return Err(AppError::usage(format!("--until {past:.0} is over"), "name a time to come"));
    }
    if let Some(doubt) = environments::doubt(&context.workspace, &args.name)? {
        context.say(&clean(&format!("note: {doubt}")));
    }
    let lock = environments::lock(&context.workspace, &args.name, args.message, until)?;
    let until = lock.until.map(|until| format!(" until {until:.0}")).unwrap_or_default();
    let text = format!("{}: locked{until}", lock.environment);
    context.answer(&json!({ "schema_version": 1, "locked": true, "lock": lock }), &clean(&text))
}

/// A name may be anybody's text.
fn clean(text: &str) -> String {
    clean_lines(text).join(" ")
}
