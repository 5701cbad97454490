//! `taskmaster sync …`

use super::{EnvironmentArgs, WorkArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// Shortest time between two looks: a server of Git is not to be asked without a pause.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

fn interval(text: &str) -> Result<Duration, String> {
    let interval = super::duration(text)?;
    if interval < SHORTEST_INTERVAL { Err("the shortest is 1s".to_owned()) } else { Ok(interval) }
}

/// `taskmaster sync`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SyncArgs {
    /// Asking about syncs and steering them.
    #[command(subcommand)]
    pub command: Option<SyncCommand>,
    /// The sync itself.
    #[command(flatten)]
    pub begin: BeginArgs,
}

/// Asking about syncs and steering them.
#[derive(Debug, Subcommand)]
pub enum SyncCommand {
    /// How syncs stand: commit, health, last and next
    Status(SyncNameArgs),
    /// Let nothing begin until it is resumed
    Pause(PauseArgs),
    /// Let it go on
    Resume(SyncNameArgs),
    /// Ask the process that loops for a sync now
    Now(SyncNameArgs),
}

/// A sync that is known.
#[derive(Clone, Debug, Args)]
pub struct SyncNameArgs {
    /// Its name [default: the only one]
    pub name: Option<String>,
}

/// `taskmaster sync pause`
#[derive(Clone, Debug, Args)]
pub struct PauseArgs {
    /// Its name [default: the only one]
    pub name: Option<String>,
    /// Why
    #[arg(short, long)]
    pub message: Option<String>,
}

/// What a sync is told.
#[derive(Clone, Debug, Args)]
pub struct BeginArgs {
    /// Repository: https://…, http://…, ssh://…, user@host:path, or an absolute path
    #[arg(long, value_name = "URL")]
    pub repo: Option<String>,
    /// Branch, tag or commit
    #[arg(long = "ref", value_name = "REF", default_value = "main")]
    pub git_ref: String,
    /// The document in the repository [default: `document` of its taskmaster.toml]
    #[arg(long, value_name = "PRD")]
    pub path: Option<PathBuf>,
    /// Folder of the project in the repository [default: its root]
    #[arg(long, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Name of the sync [default: that of the repository]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// One sync, not a loop
    #[arg(long)]
    pub once: bool,
    /// Take back what is no longer in the document, where an undo is defined
    #[arg(long)]
    pub prune: bool,
    /// Ask the checks of what was done, and do again what drifted
    #[arg(long)]
    pub self_heal: bool,
    /// Ask the checks of what was done, and only tell what drifted
    #[arg(long)]
    pub check: bool,
    /// The environment.
    #[command(flatten)]
    pub environment: EnvironmentArgs,
    /// How it is done.
    #[command(flatten)]
    pub work: WorkArgs,
    /// Do what is marked done and was never done here: for documents whose marks another place writes
    #[arg(long)]
    pub ignore_marks: bool,
    /// Make warnings errors
    #[arg(long)]
    pub strict: bool,
    /// Write the marks of the document back: what is proved, and what no longer is
    #[arg(long)]
    pub write_back: bool,
    /// Push marks to this branch, made anew from the commit, instead of the one that is followed
    #[arg(long, value_name = "BRANCH", requires = "write_back")]
    pub write_back_branch: Option<String>,
    /// Who commits of marks are by
    #[arg(
        long,
        value_name = "NAME <ADDRESS>",
        requires = "write_back",
        default_value = "taskmaster <taskmaster@localhost>"
    )]
    pub author: String,
    /// Access and signatures.
    #[command(flatten)]
    pub access: AccessArgs,
    /// The loop.
    #[command(flatten)]
    pub pace: PaceArgs,
}

/// By what right is fetched, and whose commits count.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessArgs {
    /// A token for HTTP, by reference: env:NAME, file:PATH or exec:COMMAND
    #[arg(long, value_name = "REFERENCE")]
    pub token: Option<String>,
    /// User of the token, where the server wants one
    #[arg(long, value_name = "USER", requires = "token")]
    pub token_user: Option<String>,
    /// A private key for ssh
    #[arg(long, value_name = "FILE")]
    pub ssh_key: Option<PathBuf>,
    /// Hosts that are trusted over ssh [default: the user's]
    #[arg(long, value_name = "FILE", requires = "ssh_key")]
    pub known_hosts: Option<PathBuf>,
    /// Longest time that one fetch or push may take
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = super::duration)]
    pub git_timeout: Duration,
    /// Take only commits that one of these signed by ssh: a file of allowed signers
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
    /// Take only commits that a key of this GnuPG folder signed
    #[arg(long, value_name = "DIR")]
    pub gnupg_home: Option<PathBuf>,
}

/// When the loop looks, and when it may change something.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Loop")]
pub struct PaceArgs {
    /// Time between two looks, a tenth more or less
    #[arg(long, value_name = "TIME", default_value = "3m", value_parser = interval, conflicts_with = "once")]
    pub interval: Duration,
    /// Longest delay after failures, which begins at 10s and doubles
    #[arg(
        long,
        value_name = "TIME",
        default_value = "15m",
        value_parser = super::duration,
        conflicts_with = "once"
    )]
    pub longest_delay: Duration,
    /// Change something only then: `[allow|deny] CRON for LENGTH [in ZONE]` (repeatable)
    #[arg(long, value_name = "WINDOW")]
    pub window: Vec<String>,
    /// Serve webhooks, /metrics, /status and /healthz on this address
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "once")]
    pub listen: Option<String>,
    /// Secret of the webhooks, by reference: env:NAME, file:PATH or exec:COMMAND
    #[arg(long, value_name = "REFERENCE", requires = "listen")]
    pub webhook_secret: Option<String>,
}
