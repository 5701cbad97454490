//! Arguments of `taskmaster env` and `taskmaster promote-env`.

use super::{DocumentArgs, key_value};
use clap::{Args, Subcommand};

/// `taskmaster env …`
#[derive(Debug, Subcommand)]
pub enum EnvCommand {
    /// Environments, and which of them are locked
    List,
    /// Let nothing run in an environment until it is unlocked
    Lock(EnvLockArgs),
    /// Let things run in it again
    Unlock(EnvUnlockArgs),
}

/// `taskmaster env lock`
#[derive(Clone, Debug, Args)]
pub struct EnvLockArgs {
    /// The environment
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Why, for those whom it stops
    #[arg(short, long)]
    pub message: Option<String>,
    /// It ends by itself: a duration such as 2h or 3d, a date, or a time with zone (UTC otherwise)
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

/// `taskmaster env unlock`
#[derive(Clone, Debug, Args)]
pub struct EnvUnlockArgs {
    /// The environment
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// `taskmaster promote-env`
#[derive(Clone, Debug, Args)]
pub struct PromoteEnvArgs {
    /// Environment in which tasks were proved
    #[arg(value_name = "FROM")]
    pub from: String,
    /// Environment in which they are run
    #[arg(value_name = "TO")]
    pub to: String,
    /// The document.
    #[command(flatten)]
    pub document: DocumentArgs,
    /// Run what is proved in FROM and not done in TO; without a terminal it wants --yes too
    #[arg(long)]
    pub run: bool,
    /// Run it, and do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Exit with 30 when something would run
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// A variable for the catalogue in TO
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = key_value)]
    pub vars: Vec<(String, String)>,
    /// Let actions written in the document run
    #[arg(long)]
    pub allow_inline: bool,
    /// Act on this Kubernetes context though it looks like production (repeatable; `*` is any text)
    #[arg(long, value_name = "NAME")]
    pub allow_context: Vec<String>,
    /// Attempts and checks at work at the same time [default: the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// After a failure, go on with what does not depend on it
    #[arg(short, long)]
    pub keep_going: bool,
    /// End with 21 instead of waiting for a person
    #[arg(long)]
    pub no_wait: bool,
}
