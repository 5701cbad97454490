//! `taskmaster doctor`

use crate::app::doctor::{self, Terminal};
use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::cli::args::{DoctorArgs, Global, SelectionArgs};
use crate::cli::context::{Context, live_width};
use crate::report::view::Health;
use std::io::IsTerminal;

/// Looks whether everything is here that a run needs; 44 where something is not. It works where no other command
/// does: settings that cannot be read are among what it finds.
pub(crate) fn run(global: &Global, args: &DoctorArgs) -> Result<Exit, AppError> {
    let (context, fault) = Context::for_doctor(global)?;
    let context = match &global.sync {
        Some(name) => context.at_sync(Some(name))?,
        None => context,
    };
    context.can_show()?;
    let request = super::request(&args.document, &args.environment, &SelectionArgs::default())?;
    let view = doctor::look(&context.workspace, &request, fault.as_ref(), &terminal(&context));
    context.show(&view)?;
    Ok(if view.health() == Health::Problem { Exit::Unfit } else { Exit::Ok })
}

fn terminal(context: &Context) -> Terminal {
    let out = std::io::stdout();
    let locale = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    Terminal {
        is_there: out.is_terminal(),
        columns: live_width(),
        colour: context.color(&out),
        locale: ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(locale),
    }
}
