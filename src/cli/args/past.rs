//! Arguments of what looks back: `report`, `history` and `audit`.

use super::ViewArgs;
use clap::Args;
use std::path::PathBuf;

/// `taskmaster report`
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// The document [default: `document` of taskmaster.toml, else the one parsed]
    #[arg(value_name = "PRD")]
    pub document: Option<PathBuf>,
    /// Environment [default: taskmaster.toml's, else local]
    #[arg(short, long = "env", value_name = "NAME")]
    pub environment: Option<String>,
    /// This run instead of the last one (an id or the end of one)
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// Deployments since then instead, of all environments and documents that are not ruled out:
    /// a duration such as 7d, a date, or a time with zone (UTC otherwise)
    #[arg(long, value_name = "TIME", conflicts_with = "run")]
    pub since: Option<String>,
    /// Write to FILE instead of standard output
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

/// `taskmaster history`
#[derive(Clone, Debug, Args)]
pub struct HistoryArgs {
    /// Only runs that touched this task
    #[arg(long)]
    pub task: Option<String>,
    /// The newest N
    #[arg(short = 'n', long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
    /// The ledger's view.
    #[command(flatten)]
    pub view: ViewArgs,
}

/// `taskmaster audit`
#[derive(Clone, Debug, Args)]
pub struct AuditArgs {
    /// Print only the head of the chain, to keep elsewhere
    #[arg(long)]
    pub head: bool,
    /// Print the events as in-toto statements, a line of JSON each, and one about the head
    #[arg(long, conflicts_with = "head")]
    pub export: bool,
    /// Only from this event on: its place, or a time (7d, 2026-11-01, 2026-11-01T08:00Z)
    #[arg(long, value_name = "SEQ|TIME", requires = "export")]
    pub since: Option<String>,
    /// Write to FILE instead of standard output
    #[arg(long, value_name = "FILE", requires = "export")]
    pub to: Option<PathBuf>,
}
