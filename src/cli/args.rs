//! The command line as types. Help texts are the command reference.

mod agent;
mod doctor;
mod env;
mod helper;
mod init;
mod load;
mod past;
mod rollout;
mod run;
mod scope;
mod shell;
mod sync;
mod tasks;

pub use agent::{AgentCommand, AgentGuardArgs, AgentLogsArgs, AgentStopArgs};
pub use doctor::DoctorArgs;
pub use env::{EnvCommand, EnvLockArgs, EnvUnlockArgs, PromoteEnvArgs};
pub use helper::{KubeApplyArgs, KubeRolloutArgs, KubeVerb, PrometheusGateArgs};
pub use init::InitArgs;
pub use load::LoadArgs;
pub use past::{AuditArgs, HistoryArgs, ReportArgs};
pub use rollout::{
    ClusterArgs, NamedArgs, PromoteArgs, RehearseArgs, RemoveArgs, RolloutCommand, SimulateArgs, StartArgs,
    StatusArgs, UndoArgs, VerbArgs, WaitArgs, WatchArgs,
};
pub use run::{DestroyArgs, DriftArgs, ParseArgs, PlanArgs, RunArgs};
pub use scope::{DocumentArgs, EnvironmentArgs, GrantArgs, SelectionArgs, ViewArgs, WorkArgs};
pub use shell::{CompleteArgs, CompletionsArgs, ManArgs, Shell};
pub use sync::{AccessArgs, BeginArgs, PaceArgs, PauseArgs, SyncArgs, SyncCommand, SyncNameArgs};
pub use tasks::{ApproveArgs, ListArgs, LogsArgs, ResolveArgs, SetArgs, TaskArgs, TasksCommand};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// A PRD that executes itself: parse it, plan it, run it, report it.
#[derive(Debug, Parser)]
#[command(name = "taskmaster", version, max_term_width = 100, propagate_version = true)]
#[command(
    after_help = crate::app::exit::listed()
)]
pub struct Cli {
    /// Settings of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Settings of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Format of standard output
    #[arg(short, long, alias = "format", global = true, value_enum, default_value_t = Format::Text)]
    pub output: Format,
    /// Where the ledger and the logs are [default: .taskmaster beside taskmaster.toml or the Git root]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub state_dir: Option<PathBuf>,
    /// Work as if started in DIR
    #[arg(short = 'C', long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub directory: Option<PathBuf>,
    /// Work in the checkout of this sync [default: the only one, where the folder holds no project]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub sync: Option<String>,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, help_heading = "Global options")]
    pub color: Color,
    /// Speak to a CI server: annotations, folding logs, summaries [default: the one that is there]
    #[arg(long, global = true, value_enum, value_name = "SERVER", help_heading = "Global options")]
    pub ci: Option<CiServer>,
    /// Say less: no progress, no notes
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Log what happens inside (-v info, -vv debug; RUST_LOG refines)
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub verbose: u8,
}

/// Format of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs; stable, with `schema_version`.
    Json,
    /// For a comment or a page.
    #[value(alias = "md")]
    Markdown,
    /// One self-contained file.
    Html,
    /// Test results, for a CI server.
    Junit,
    /// A flowchart.
    Mermaid,
    /// A table.
    Csv,
    /// A trace of the run, for OpenTelemetry.
    Otlp,
}

/// Which CI server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CiServer {
    /// The one whose variable is set: GITHUB_ACTIONS or GITLAB_CI.
    Auto,
    /// GitHub Actions.
    Github,
    /// GitLab.
    Gitlab,
    /// None.
    Off,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Those that work in a project.
    #[command(flatten)]
    Project(ProjectCommand),
    /// Look whether everything is here that a run needs; exit 44 where something is not
    Doctor(DoctorArgs),
    /// Begin a project: a document and a catalogue that run at once
    Init(InitArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write all of them
    Man(ManArgs),
    /// Complete a line; what the completion scripts run
    #[command(hide = true)]
    Complete(CompleteArgs),
}

/// The commands that work in a project.
#[derive(Debug, Subcommand)]
pub enum ProjectCommand {
    /// Read a PRD, say what is wrong in it, and remember it
    Parse(ParseArgs),
    /// Show what a run would do; executes nothing unless --check
    Plan(PlanArgs),
    /// Execute the plan
    Run(RunArgs),
    /// Report progress, evidence and failures
    Report(ReportArgs),
    /// List, show and set tasks
    #[command(subcommand)]
    Tasks(TasksCommand),
    /// Show the log of a task's last attempt, or of a check that could not tell
    Logs(LogsArgs),
    /// Say yes to a task that waits for it
    Approve(ApproveArgs),
    /// Settle a task whose end is unknown
    Resolve(ResolveArgs),
    /// Undo what was run, in reverse order
    Destroy(DestroyArgs),
    /// Ask whether what was done is still so; exit 31 where it is not
    Drift(DriftArgs),
    /// Keep this place true to a document in Git
    Sync(Box<SyncArgs>),
    /// Runs of the past
    History(HistoryArgs),
    /// Verify the ledger's chain
    Audit(AuditArgs),
    /// Environments: list, lock and unlock them
    #[command(subcommand)]
    Env(EnvCommand),
    /// Run in one environment what is proved in another
    PromoteEnv(Box<PromoteEnvArgs>),
    /// Rollouts: canary, blue-green, A/B, rolling
    #[command(subcommand)]
    Rollout(Box<RolloutCommand>),
    /// The process that owns local services, their proxy and their rollouts
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Apply manifests by kubectl without taking fields from controllers; what `kubectl: apply` runs
    #[command(hide = true)]
    KubeApply(KubeApplyArgs),
    /// Drive a rollout of a cluster by kubectl; what `rollout` actions of a catalogue run
    #[command(hide = true)]
    KubeRollout(Box<KubeRolloutArgs>),
    /// Wait for an answer of Prometheus; what `prometheus` actions of a catalogue run
    #[command(hide = true)]
    PrometheusGate(Box<PrometheusGateArgs>),
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed =
        text.parse::<jiff::SignedDuration>().map_err(|_| "want a duration such as 30s".to_owned())?;
    Duration::try_from(parsed).map_err(|_| "a time cannot be negative".to_owned())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("want NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
