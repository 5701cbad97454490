//! The command line: arguments, one file per command, output and exit codes.
//!
//! Data goes to standard output, talk to standard error. A command ends with an
//! [`Exit`](crate::app::exit::Exit); what a person sees of a fault has a code, a place, a caret and
//! a help line.

pub mod args;
mod command;
mod context;
pub mod diagnostics;
mod logging;
mod moment;
mod picture;
mod progress;

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::report::clean_lines;
use args::{Cli, Command, Global, RolloutCommand};
use clap::Parser;
use context::Context;
use std::io::Write;

/// Runs the program.
pub fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(fault) => {
            let _ = fault.print();
            return if fault.use_stderr() { Exit::Usage } else { Exit::Ok }.into();
        }
    };
    logging::start(cli.global.verbose);
    let global = cli.global.clone();
    let answers = answers(&cli.command);
    match place(&global, &cli.command).and_then(|context| run(&context, cli.command)) {
        Ok(exit) => exit.into(),
        Err(fault) => {
            let exit = tell(&global, &fault);
            // What answers by its exit code says "no" by 1: a fault of ours must not.
            if answers { Exit::Usage.into() } else { exit.into() }
        }
    }
}

/// Where the command works.
fn place(global: &Global, command: &Command) -> Result<Context, AppError> {
    let context = Context::new(global)?;
    match command {
        Command::Sync(_) => Ok(context),
        _ => context.at_sync(global.sync.as_deref()),
    }
}

/// True for what answers by its exit code: 0 yes, 1 no, 2 nothing can be said.
fn answers(command: &Command) -> bool {
    match command {
        Command::KubeRollout(_) | Command::KubeApply(_) | Command::PrometheusGate(_) => true,
        Command::Rollout(command) => {
            matches!(&**command, RolloutCommand::Status(status) if status.serves.is_some())
        }
        _ => false,
    }
}

fn run(context: &Context, command: Command) -> Result<Exit, AppError> {
    match command {
        Command::Parse(args) => command::parse::run(context, &args),
        Command::Plan(args) => command::plan::run(context, &args),
        Command::Run(args) => command::run::run(context, &args),
        Command::Report(args) => command::report::run(context, args),
        Command::Tasks(args) => command::tasks::run(context, args),
        Command::Logs(args) => command::logs::run(context, &args),
        Command::Approve(args) => command::tasks::approve(context, args),
        Command::Resolve(args) => command::tasks::resolve(context, args),
        Command::Destroy(args) => command::destroy::run(context, args),
        Command::Drift(args) => command::drift::run(context, &args),
        Command::Sync(args) => command::sync::run(context, *args),
        Command::History(args) => command::history::run(context, &args),
        Command::Audit(args) => command::audit::run(context, &args),
        Command::Env(command) => command::env::run(context, command),
        Command::PromoteEnv(args) => command::promote_env::run(context, &args),
        Command::Rollout(command) => command::rollout::run(context, *command),
        Command::Agent(command) => command::agent::run(context, command),
        Command::KubeApply(args) => command::kube_apply::run(context, &args),
        Command::KubeRollout(args) => command::kube_rollout::run(context, *args),
        Command::PrometheusGate(args) => command::prometheus_gate::run(context, *args),
    }
}

/// Says on standard error why a command ended early.
fn tell(global: &Global, fault: &AppError) -> Exit {
    let err = std::io::stderr();
    let color = context::use_color(global.color, &err);
    if let Some(findings) = fault.findings() {
        diagnostics::print(findings, color, false);
    }
    let (bold, red, end) = if color { ("\u{1b}[1m", "\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "", "") };
    // Names and words of others stand in it.
    let clean = |text: &dyn std::fmt::Display| clean_lines(&text.to_string()).join("\n");
    let mut text = format!("{red}error{end}{bold}: {}{end}\n", clean(fault));
    let mut cause = std::error::Error::source(fault);
    while let Some(source) = cause {
        text.push_str(&format!("  because {}\n", clean(&source)));
        cause = source.source();
    }
    if let Some(help) = fault.help().filter(|help| !help.is_empty()) {
        text.push_str(&format!("{bold}help{end}: {}\n", clean(&help)));
    }
    let _ = write!(&err, "{text}");
    fault.exit()
}
