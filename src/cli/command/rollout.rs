//! `taskmaster rollout simulate` and `rehearse`: what touches nothing real. The verbs are in [`super::rollouts`].

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::rollout::{self, rehearse, simulate};
use crate::cli::args::{RehearseArgs, RolloutCommand, SimulateArgs};
use crate::cli::context::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

pub(crate) fn run(context: &Context, command: RolloutCommand) -> Result<Exit, AppError> {
    match command {
        RolloutCommand::Simulate(args) => simulate(context, args),
        RolloutCommand::Rehearse(args) => rehearse(context, &args),
        RolloutCommand::Load(args) => super::load::run(context, args),
        verb => super::rollouts::run(context, verb),
    }
}

/// Replays a recording; 50 where the new version would have been taken back.
fn rehearse(context: &Context, args: &RehearseArgs) -> Result<Exit, AppError> {
    let spec = rollout::read(&context.workspace, &args.file)?;
    let recording = rehearse::recording(&context.workspace, &args.from)?;
    let view = rehearse::replay(&spec, &recording, Some(Duration::from_secs(args.person)));
    context.show(&view)?;
    Ok(if view.is_rolled_back { Exit::RolledBack } else { Exit::Ok })
}

/// Simulates a rollout; a rule that did not hold, or a run that did not end, is a fault of the engine.
fn simulate(context: &Context, args: SimulateArgs) -> Result<Exit, AppError> {
    let spec = rollout::read(&context.workspace, &args.file)?;
    let options = simulate::Options {
        scenarios: args.scenario,
        seeds: args.seeds.max(1),
        first: args.seed,
        rate: args.rate,
        base_errors: args.base_errors.map(|percent| percent / 100.0),
        look: args.look,
        person: args.person,
        metrics: args.metrics.into_iter().collect(),
    };
    let bar = progress(context, simulate::total(&options));
    let told = |done: u64| bar.set_position(done);
    let jobs = context.workspace.project.jobs();
    let view = simulate::simulate(&spec, &options, jobs, &told)
        .map_err(|fault| AppError::usage(fault.to_string(), fault.help()))?;
    bar.finish_and_clear();
    context.show(&view)?;
    let is_sound = view.scenarios.iter().all(|row| row.broken.is_none() && row.stuck == 0);
    Ok(if is_sound { Exit::Ok } else { Exit::Internal })
}

fn progress(context: &Context, total: u64) -> ProgressBar {
    if context.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} runs, {eta} left");
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
