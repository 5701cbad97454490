//! Experiments with the delivery engine in virtual time.
//!
//! Every run follows from its seed, on every machine. Reading order: [`cores`] (seeds on all cores),
//! [`torture`] and [`trace`] (rollouts under every trouble), [`mutants`] (faults on purpose), [`users`]
//! (scenarios and strategies), [`aa`] (false rollbacks), [`power`] (detection times). What the last two
//! found is kept in `docs/experiments`.

mod aa;
mod blocks;
mod code;
mod cores;
mod mutants;
mod power;
mod torture;
mod trace;
mod users;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "simulate", about = "Experiments with the delivery engine in virtual time")]
struct Cli {
    /// Threads; all cores unless given
    #[arg(long, global = true)]
    threads: Option<NonZeroUsize>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Rollouts of every kind under every trouble, by seed
    Torture {
        /// How many
        #[arg(long, default_value_t = 10_000)]
        seeds: u64,
        /// The first one
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// Print every decision
        #[arg(long)]
        trace: bool,
        /// With this fault in the engine
        #[arg(long)]
        mutant: Option<String>,
    },
    /// The first seed that finds each fault on purpose
    Mutants {
        /// How many are tried for each
        #[arg(long, default_value_t = 100_000)]
        seeds: u64,
    },
    /// How often a good version is taken back; goes on where it was stopped
    AaTable {
        /// Rollouts of each scenario; of other engines' rules at most 2,000
        #[arg(long, default_value_t = 100_000)]
        rollouts: u64,
        /// Seconds between two looks
        #[arg(long, default_value_t = 5.0)]
        look: f64,
        /// Where the table goes
        #[arg(long, default_value = "docs/experiments")]
        out: PathBuf,
        /// Where finished blocks are kept
        #[arg(long, default_value = "target/simulate/blocks.jsonl")]
        blocks: PathBuf,
    },
    /// How soon a bad version is taken back
    Power {
        /// Only where the time goes
        #[arg(long)]
        parts: bool,
        /// Rollouts of each cell
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
        /// Where the table goes
        #[arg(long, default_value = "docs/experiments")]
        out: PathBuf,
    },
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let threads = cores::count(cli.threads);
    let is_good = match cli.command {
        Command::Torture { seeds, first, trace, mutant } => {
            let mutant = mutant.as_deref().map(mutants::named).transpose()?;
            torture::survive(&torture::Torture { seeds, first, mutant, has_trace: trace, threads })
        }
        Command::Mutants { seeds } => mutants::find(seeds, threads),
        Command::AaTable { rollouts, look, out, blocks } => {
            aa::table(&aa::Table { rollouts, look, out, blocks, threads })?
        }
        Command::Power { seeds, parts: true, .. } => {
            print!("{}", power::parts(seeds, threads)?);
            true
        }
        Command::Power { seeds, out, .. } => power::table(seeds, &out, threads)?,
    };
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
