//! Which document, environment and tasks a command is about.

use super::key_value;
use clap::Args;
use std::path::PathBuf;

/// The document and how it is read.
#[derive(Clone, Debug, Args)]
pub struct DocumentArgs {
    /// A PRD, or a folder of one-task files [default: `document` of taskmaster.toml, else the one parsed]
    #[arg(value_name = "PRD")]
    pub document: Option<PathBuf>,
    /// Read it in this notation instead of the recognised one
    #[arg(long, value_name = "DIALECT")]
    pub dialect: Option<String>,
    /// Which implicit dependencies to draw: sequential, phases, explicit
    #[arg(long, value_name = "ORDERING")]
    pub ordering: Option<String>,
    /// Make warnings errors
    #[arg(long)]
    pub strict: bool,
}

/// The environment and its variables.
#[derive(Clone, Debug, Args)]
pub struct EnvironmentArgs {
    /// Environment [default: taskmaster.toml's, else local]
    #[arg(short, long = "env", value_name = "NAME")]
    pub environment: Option<String>,
    /// Variables and consent.
    #[command(flatten)]
    pub grants: GrantArgs,
}

/// What its actions are given, and may do.
#[derive(Clone, Debug, Args)]
pub struct GrantArgs {
    /// A variable for the catalogue
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = key_value)]
    pub vars: Vec<(String, String)>,
    /// Let actions written in the document run
    #[arg(long)]
    pub allow_inline: bool,
    /// Act on this Kubernetes context though it looks like production (repeatable; `*` is any text)
    #[arg(long, value_name = "NAME")]
    pub allow_context: Vec<String>,
}

/// How tasks are worked through.
#[derive(Clone, Debug, Args)]
pub struct WorkArgs {
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

/// Which tasks.
#[derive(Clone, Debug, Default, Args)]
pub struct SelectionArgs {
    /// Only this phase: number, id or an unambiguous word (repeatable)
    #[arg(long, value_name = "PHASE")]
    pub phase: Vec<String>,
    /// Only this task: id, ordinal such as 1.3, or unambiguous words (repeatable)
    #[arg(long, value_name = "TASK")]
    pub task: Vec<String>,
    /// This task and everything that comes after it
    #[arg(long, value_name = "TASK")]
    pub from: Option<String>,
    /// Add what the selection still depends on
    #[arg(long)]
    pub with_dependencies: bool,
    /// Decide tasks marked done anew
    #[arg(long)]
    pub ignore_marks: bool,
    /// Take cancelled tasks in
    #[arg(long)]
    pub include_cancelled: bool,
    /// Take optional tasks in
    #[arg(long)]
    pub include_optional: bool,
}

/// Which document and environment a question is about.
#[derive(Clone, Debug, Default, Args)]
pub struct ViewArgs {
    /// Document, where several are known
    #[arg(long, value_name = "PRD")]
    pub document: Option<PathBuf>,
    /// Environment [default: taskmaster.toml's, else local]
    #[arg(short, long = "env", value_name = "NAME")]
    pub environment: Option<String>,
}
