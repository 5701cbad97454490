//! Arguments of what reads a document and acts by it: `parse`, `plan`, `run`, `destroy` and `drift`.

use super::{DocumentArgs, EnvironmentArgs, SelectionArgs, WorkArgs};
use clap::Args;

/// `taskmaster parse`
#[derive(Clone, Debug, Args)]
pub struct ParseArgs {
    /// The document.
    #[command(flatten)]
    pub document: DocumentArgs,
    /// Do not remember it in the ledger
    #[arg(long)]
    pub no_record: bool,
}

/// `taskmaster plan`
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// The document.
    #[command(flatten)]
    pub document: DocumentArgs,
    /// The environment.
    #[command(flatten)]
    pub environment: EnvironmentArgs,
    /// The selection.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// Ask every check (read-only by contract; never one written in the document)
    #[arg(long)]
    pub check: bool,
    /// Show the command lines too
    #[arg(long)]
    pub commands: bool,
    /// Estimate a run with so many attempts at the same time [default: that of a run]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Say what the working tree means other than a commit: git:main, git:main... (where this branch
    /// left it), git:A..B (two commits)
    #[arg(long, value_name = "git:REV", conflicts_with_all = ["check", "commands", "phase", "task", "from", "with_dependencies"])]
    pub against: Option<String>,
    /// Exit with 30 when something would run; with --against, when anything differs in meaning
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// `taskmaster run`
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// The document.
    #[command(flatten)]
    pub document: DocumentArgs,
    /// The environment.
    #[command(flatten)]
    pub environment: EnvironmentArgs,
    /// The selection.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// How it is done.
    #[command(flatten)]
    pub work: WorkArgs,
    /// Print every command line and run nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Set the document's marks to what is recorded, as tasks begin and end
    #[arg(long)]
    pub write_back: bool,
    /// Run again what is new or changed, whenever the document, a catalogue or a file of `inputs` is written to
    #[arg(short, long, conflicts_with = "dry_run")]
    pub watch: bool,
}

/// `taskmaster destroy`
#[derive(Clone, Debug, Args)]
pub struct DestroyArgs {
    /// The document.
    #[command(flatten)]
    pub document: DocumentArgs,
    /// The environment.
    #[command(flatten)]
    pub environment: EnvironmentArgs,
    /// Only this phase (repeatable)
    #[arg(long, value_name = "PHASE")]
    pub phase: Vec<String>,
    /// Only this task (repeatable)
    #[arg(long, value_name = "TASK")]
    pub task: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Print every command line and run nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `taskmaster drift`
#[derive(Clone, Debug, Args)]
pub struct DriftArgs {
    /// The document.
    #[command(flatten)]
    pub document: DocumentArgs,
    /// The environment.
    #[command(flatten)]
    pub environment: EnvironmentArgs,
    /// The selection.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// Show when drift was found in the past and how it ended; asks nothing
    #[arg(long)]
    pub history: bool,
}
