//! End-to-end scenarios of taskmaster on a real Kubernetes.
//!
//! They run one after the other on one cluster, inside of its network (`make e2e` sees to that), each
//! told as given, when, then. A scenario that fails ends the suite: what follows builds on it. Nothing
//! is tried a second time.

mod charts;
#[cfg(test)]
mod dockerfiles;
mod git_server;
mod gitops;
mod guides;
mod infra;
mod platform;
mod refusals;
mod releases;
mod run;
mod scenario;
mod traffic;
mod waits;
mod watch;
mod world;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use world::World;

#[derive(Parser)]
#[command(name = "e2e", about = "End-to-end scenarios on a real Kubernetes")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the scenarios whose names contain one of the words; all of them without one
    Run {
        /// The project: PRD, catalogues, manifests
        #[arg(long, default_value = ".")]
        project: PathBuf,
        /// Words
        words: Vec<String>,
    },
    /// Serve bare Git repositories over HTTP
    GitServer {
        /// Where it listens
        address: SocketAddr,
        /// The folder of the repositories
        root: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::GitServer { address, root } => git_server::serve(address, root),
        Command::Run { project, words } => {
            World::new(&project).and_then(|mut world| suite(&mut world, &words))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("error: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

fn suite(world: &mut World, words: &[String]) -> Result<()> {
    let began = Instant::now();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let mut count = 0;
    for (name, scenario) in scenario::ALL.iter().filter(|(name, _)| wanted(name)) {
        println!("scenario {name}");
        let begun = Instant::now();
        if let Err(fault) = scenario(world) {
            println!("  FAILED after {:.1} s: {fault:#}", begun.elapsed().as_secs_f64());
            bail!("the scenario {name} failed");
        }
        println!("  holds ({:.1} s)", begun.elapsed().as_secs_f64());
        count += 1;
    }
    if count == 0 {
        bail!("no scenario is called so");
    }
    println!("{count} scenarios hold, {:.1} min", began.elapsed().as_secs_f64() / 60.0);
    let (requests, failed) = world.requests;
    println!("figure requests while something changed: {requests}, failed: {failed}");
    world.figures.iter().for_each(|(name, value)| println!("figure {name}: {value}"));
    Ok(())
}
