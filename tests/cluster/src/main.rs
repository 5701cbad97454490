//! A real Kubernetes for the end-to-end tests, on a machine without Docker and without a registry.
//!
//! Kubernetes and the controllers are built from pinned Go modules, the container runtime comes from
//! Debian packages that are unpacked and not installed. The node lives in namespaces of its own
//! (mounts, network, processes), so that ending its first process ends all of it.
//!
//! Reading order: [`home`] (where things are), [`component`] and [`debian`] (programs), [`archive`]
//! and [`images`] (what runs in pods), [`mirror`] (what is applied), [`pki`], [`node`] (configuration, start, stop), [`host`] (what
//! the machine looks like from outside).

mod archive;
mod component;
mod debian;
mod home;
mod host;
mod images;
mod mirror;
mod node;
mod pki;
mod run;

use anyhow::Result;
use clap::{Parser, Subcommand};
use home::Home;

#[derive(Parser)]
#[command(name = "cluster", about = "A real Kubernetes node for the end-to-end tests")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the programs and pack the images that are missing
    Build {
        /// Only these components
        names: Vec<String>,
    },
    /// Pack the images, and name them
    Images,
    /// Fill the folder of upstream manifests, and name it
    Mirror,
    /// Start the node; does nothing where it runs
    Up,
    /// Stop the node and take away all that it made
    Down,
    /// Run a command inside the node's namespaces; a shell without one
    Shell {
        /// The command
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        argv: Vec<String>,
    },
    /// Print what a node could leave behind: processes, mounts, links, rules, cgroups, sysctls
    Traces,
    /// The node itself, inside of its namespaces
    #[command(hide = true)]
    Node,
}

fn main() -> Result<()> {
    let home = Home::new()?;
    match Cli::parse().command {
        Command::Build { names } => {
            component::build(&home, &names)?;
            if names.is_empty() {
                images::pack(&home)?;
            }
            Ok(())
        }
        Command::Images => {
            images::pack(&home)?.iter().for_each(|image| println!("{}", image.name));
            Ok(())
        }
        Command::Mirror => {
            println!("{}", mirror::fill(&home)?.display());
            Ok(())
        }
        Command::Up => node::up(&home),
        Command::Down => node::down(&home),
        Command::Shell { argv } => node::shell(&home, &argv),
        Command::Traces => {
            print!("{}", host::traces()?);
            Ok(())
        }
        Command::Node => node::inside(&home),
    }
}
