//! Arguments of what is about tasks: `tasks …`, `logs`, `approve` and `resolve`.

use super::ViewArgs;
use clap::{Args, Subcommand};

/// `taskmaster tasks …`
#[derive(Debug, Subcommand)]
pub enum TasksCommand {
    /// List tasks, filtered
    List(ListArgs),
    /// Show one task with its history
    Show(TaskArgs),
    /// Set a task's status by hand
    Set(SetArgs),
    /// What can be worked on now
    Next(ListArgs),
}

/// Filters of a list; all that are given must hold.
#[derive(Clone, Debug, Default, Args)]
pub struct ListArgs {
    /// pending, in_progress, completed, failed, blocked, skipped, cancelled, or a state such as waiting (repeatable)
    #[arg(long)]
    pub status: Vec<String>,
    /// Number, id or an unambiguous word (repeatable)
    #[arg(long)]
    pub phase: Vec<String>,
    /// critical, high, medium, low (repeatable)
    #[arg(long)]
    pub priority: Vec<String>,
    /// A tag (repeatable)
    #[arg(long)]
    pub tag: Vec<String>,
    /// Text in id or title
    #[arg(long)]
    pub text: Option<String>,
    /// The ledger's view.
    #[command(flatten)]
    pub view: ViewArgs,
}

/// One task.
#[derive(Clone, Debug, Args)]
pub struct TaskArgs {
    /// Id, ordinal such as 1.3, or unambiguous words
    pub task: String,
    /// The ledger's view.
    #[command(flatten)]
    pub view: ViewArgs,
}

/// `taskmaster tasks set`
#[derive(Clone, Debug, Args)]
pub struct SetArgs {
    /// The task.
    #[command(flatten)]
    pub task: TaskArgs,
    /// completed, pending, skipped or cancelled
    pub status: String,
    /// Why
    #[arg(short, long)]
    pub message: Option<String>,
}

/// `taskmaster logs`
#[derive(Clone, Debug, Args)]
pub struct LogsArgs {
    /// The task.
    #[command(flatten)]
    pub task: TaskArgs,
    /// Go on as it grows, until the attempt ends
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines
    #[arg(short = 'n', long, value_name = "LINES")]
    pub lines: Option<usize>,
    /// This attempt's number instead of the last one
    #[arg(long, value_name = "N")]
    pub attempt: Option<u32>,
}

/// `taskmaster approve`
#[derive(Clone, Debug, Args)]
pub struct ApproveArgs {
    /// The task.
    #[command(flatten)]
    pub task: TaskArgs,
    /// Your words, for the ledger
    #[arg(short, long)]
    pub message: Option<String>,
}

/// `taskmaster resolve`
#[derive(Clone, Debug, Args)]
pub struct ResolveArgs {
    /// The task.
    #[command(flatten)]
    pub task: TaskArgs,
    /// completed (it was done) or pending (run it again)
    #[arg(value_parser = ["completed", "pending"])]
    pub status: String,
    /// Why
    #[arg(short, long)]
    pub message: Option<String>,
}
