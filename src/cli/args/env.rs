//! Arguments of `taskmaster env` and `taskmaster promote-env`.

use super::{DocumentArgs, GrantArgs, WorkArgs};
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
    /// Variables and consent.
    #[command(flatten)]
    pub grants: GrantArgs,
    /// How it is done.
    #[command(flatten)]
    pub work: WorkArgs,
}
