//! The command line: arguments, one file per command, output and exit codes.
//!
//! Data goes to standard output, talk to standard error. A command ends with an
//! [`Exit`](crate::app::exit::Exit); what a person sees of a fault has a code, a place, a caret and
//! a help line.

pub mod args;
mod ci;
mod command;
mod complete;
mod context;
pub mod diagnostics;
mod logging;
mod moment;
mod picture;
mod progress;

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::process::core_dump;
use crate::report::{clean_lines, wrapped};
use args::{Cli, Command, Global, ProjectCommand, RolloutCommand};
use clap::Parser;
use context::Context;
use std::io::Write;
use std::path::Path;

/// Runs the program.
pub fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(fault) => {
            let _ = fault.print();
            return if fault.use_stderr() { Exit::Usage } else { Exit::Ok }.into();
        }
    };
    core_dump::none();
    logging::start(cli.global.verbose);
    let global = cli.global.clone();
    let answers = answers(&cli.command);
    if answers {
        // What it says is read by an attempt that is at work on it.
        ci::settle(ci::Host::Nobody);
    }
    match run(&global, cli.command) {
        Ok(exit) => exit.into(),
        Err(fault) => {
            let exit = tell(&global, &fault);
            // What answers by its exit code says "no" by 1: a fault of ours must not.
            if answers { Exit::Usage.into() } else { exit.into() }
        }
    }
}

/// Where the command works.
fn place(global: &Global, command: &ProjectCommand) -> Result<Context, AppError> {
    let context = Context::new(global)?;
    match command {
        ProjectCommand::Sync(_) => Ok(context),
        _ => context.at_sync(global.sync.as_deref()),
    }
}

/// True for what answers by its exit code: 0 yes, 1 no, 2 nothing can be said.
fn answers(command: &Command) -> bool {
    use ProjectCommand::{KubeApply, KubeRollout, PrometheusGate, Rollout};
    match command {
        Command::Project(KubeRollout(_) | KubeApply(_) | PrometheusGate(_)) => true,
        Command::Project(Rollout(command)) => {
            matches!(&**command, RolloutCommand::Status(status) if status.serves.is_some())
        }
        _ => false,
    }
}

fn run(global: &Global, command: Command) -> Result<Exit, AppError> {
    match command {
        Command::Project(command) => run_in(&place(global, &command)?, command),
        Command::Doctor(args) => command::doctor::run(global, &args),
        Command::Init(args) => command::init::run(&Context::new(global)?, args),
        Command::Completions(args) => {
            context::print(complete::script(args.shell))?;
            Ok(Exit::Ok)
        }
        Command::Complete(args) => {
            complete::answer(args.shell, &args.words);
            Ok(Exit::Ok)
        }
        Command::Man(args) => command::man::run(global, &args),
    }
}

fn run_in(context: &Context, command: ProjectCommand) -> Result<Exit, AppError> {
    use ProjectCommand as Command;
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
    context::settle_ci_without_settings(global);
    let color = context::use_color(global.color, &std::io::stderr());
    say_fault(fault, global.directory.as_deref().unwrap_or(Path::new(".")), color)
}

/// The same where the settings are known. Paths are relative to `place`.
fn say_fault(fault: &AppError, place: &Path, color: bool) -> Exit {
    let err = std::io::stderr();
    ci::fault(fault, place);
    let width = context::error_width();
    if let Some(findings) = fault.findings() {
        diagnostics::print(findings, color, width, false);
    }
    let (bold, red, end) = if color { ("\u{1b}[1m", "\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "", "") };
    // Names and words of others stand in it.
    let clean = |text: &dyn std::fmt::Display, indent| match width {
        Some(width) => wrapped(&text.to_string(), width, indent),
        None => clean_lines(&text.to_string()).join("\n"),
    };
    let mut text = format!("{red}error{end}{bold}: {}{end}\n", clean(fault, 7));
    let mut cause = std::error::Error::source(fault);
    while let Some(source) = cause {
        text.push_str(&format!("  because {}\n", clean(&source, 10)));
        cause = source.source();
    }
    if let Some(help) = fault.help().filter(|help| !help.is_empty()) {
        text.push_str(&format!("{bold}help{end}: {}\n", clean(&help, 6)));
    }
    let _ = write!(&err, "{}", ci::harmless(&text));
    fault.exit()
}
