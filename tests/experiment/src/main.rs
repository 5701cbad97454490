//! Experiments with real processes behind the local proxy.
//!
//! `mttr`: how long users meet a version that is slow. `detection`: how soon a version that fails a
//! fifth of its requests is taken back, and how often a good one is. `kills`: what it costs users that
//! commands and agents are killed at any moment. `switches`: how soon the version that goes meets nobody. `torture`:
//! commands of the task engine, killed at random moments.
//! Each writes a page under docs/experiments. Small counts are for trials: they show that it works, no more.

mod detection;
mod figures;
mod kills;
mod mttr;
mod switches;
mod torture;
mod traffic;
mod world;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use world::Programs;

#[derive(Parser)]
#[command(name = "experiment", about = "Experiments with real processes behind the local proxy")]
struct Cli {
    /// Folder of the programs
    #[arg(long, default_value = "target/release", global = true)]
    programs: PathBuf,
    /// Folder of the pages; nothing is written unless given
    #[arg(long, global = true)]
    out: Option<PathBuf>,
    #[command(subcommand)]
    experiment: Experiment,
}

#[derive(Subcommand)]
enum Experiment {
    /// A version that sleeps 2 s, at a weight of 5 %, under three policies
    Mttr {
        /// Only the sequential tests, for a trial of two minutes
        #[arg(long)]
        ours: bool,
    },
    /// A version that fails 20 % of its requests, at a weight of 10 %, and good ones
    Detection {
        /// Runs of each
        #[arg(long, default_value_t = 20)]
        runs: usize,
    },
    /// Commands and agents that are killed at any moment
    Kills {
        /// Commands
        #[arg(long, default_value_t = 200)]
        commands: usize,
        /// Agents
        #[arg(long, default_value_t = 100)]
        agents: usize,
        /// The moments: the same seed gives the same ones
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Promotions and ways back under load
    Switches {
        /// How often each
        #[arg(long, default_value_t = 100)]
        times: usize,
        /// Requests in all, at the least
        #[arg(long, default_value_t = 50_000)]
        requests: usize,
    },
    /// Runs, syncs and their undoing, killed at random moments
    Torture {
        /// Kills
        #[arg(long, default_value_t = 1000)]
        kills: usize,
        /// The moments: the same seed draws the same ones
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let program = |name: &str| {
        let path = cli.programs.join(name);
        path.canonicalize().with_context(|| format!("{}: build it first", path.display()))
    };
    let programs = Programs { taskmaster: program("taskmaster")?, sample_api: program("sample-api")? };
    let (name, page) = match cli.experiment {
        Experiment::Mttr { ours } => ("mttr", mttr::run(&programs, ours)?),
        Experiment::Detection { runs } => ("detection", detection::run(&programs, runs)?),
        Experiment::Kills { commands, agents, seed } => {
            ("kills", kills::run(&programs, commands, agents, seed)?)
        }
        Experiment::Torture { kills, seed } => ("torture", torture::run(&programs.taskmaster, kills, seed)?),
        Experiment::Switches { times, requests } => ("switches", switches::run(&programs, times, requests)?),
    };
    println!("{page}");
    if let Some(out) = cli.out {
        let path = out.join(format!("{name}.md"));
        std::fs::write(&path, page).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
