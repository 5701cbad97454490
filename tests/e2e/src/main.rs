//! End-to-end scenarios of taskmaster on a real Kubernetes.
//!
//! They run one after the other on one cluster, inside of its network (`make e2e` sees to that), each
//! told as given, when, then; those that others do not build on run beside them, in processes of their
//! own. A scenario that fails ends the suite. Nothing is tried a second time.

mod beside;
mod charts;
#[cfg(test)]
mod dockerfiles;
mod gitops;
mod guides;
mod infra;
mod platform;
mod refusals;
mod releases;
mod run;
mod scenario;
mod syncs;
mod traffic;
mod verbs;
mod waits;
mod watch;
mod world;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use taskmaster_git_server::Server;
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
    /// Run the scenarios that need no cluster
    Apart {
        /// The project: PRD, catalogues, manifests
        #[arg(long, default_value = ".")]
        project: PathBuf,
    },
    /// Run the scenarios that have namespaces of their own, beside a suite that is at work
    Guests {
        /// The project: PRD, catalogues, manifests
        #[arg(long, default_value = ".")]
        project: PathBuf,
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
        Command::GitServer { address, root } => git_server(address, &root),
        Command::Run { project, words } => {
            World::new(&project).and_then(|mut world| suite(&mut world, &words))
        }
        Command::Guests { project } => {
            World::guest(&project).and_then(|mut world| all(&mut world, scenario::GUESTS.iter()))
        }
        Command::Apart { project } => {
            World::apart(&project).and_then(|mut world| all(&mut world, scenario::APART.iter()))
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

/// What Argo CD and syncs read, and scenarios push to; until the process ends.
fn git_server(address: SocketAddr, root: &Path) -> Result<()> {
    Server::listen(address, root, std::env::vars_os()).with_context(|| address.to_string())?.stay();
    Ok(())
}

fn suite(world: &mut World, words: &[String]) -> Result<()> {
    if words.is_empty() {
        beside::begin(world)?;
        all(world, scenario::ALL.iter())?;
    } else {
        let wanted = |name: &str| words.iter().any(|word| name.contains(word.as_str()));
        let every = scenario::APART.iter().chain(scenario::GUESTS).chain(scenario::ALL);
        all(world, every.filter(|(name, _)| wanted(name)))?;
    }
    let (requests, failed) = world.requests;
    println!("figure requests while something changed: {requests}, failed: {failed}");
    world.figures.iter().for_each(|(name, value)| println!("figure {name}: {value}"));
    Ok(())
}

/// One after the other, to the first that does not hold.
fn all<'a>(world: &mut World, scenarios: impl Iterator<Item = &'a scenario::Named>) -> Result<()> {
    let began = Instant::now();
    let mut count = 0;
    for (name, scenario) in scenarios {
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
    Ok(())
}
