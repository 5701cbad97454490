//! The command line as types. Help texts are the command reference.

mod agent;
mod env;
mod load;
mod rollout;
mod sync;

pub use agent::{AgentCommand, AgentGuardArgs, AgentLogsArgs, AgentStopArgs};
pub use env::{EnvCommand, EnvLockArgs, EnvUnlockArgs, PromoteEnvArgs};
pub use load::LoadArgs;
pub use rollout::{
    ClusterArgs, NamedArgs, PromoteArgs, RehearseArgs, RemoveArgs, RolloutCommand, SimulateArgs, StartArgs,
    StatusArgs, UndoArgs, VerbArgs, WaitArgs, WatchArgs,
};
pub use sync::{AccessArgs, BeginArgs, PaceArgs, PauseArgs, SyncArgs, SyncCommand, SyncNameArgs};

use crate::deliver::backend::kube::drive::Kind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;
use taskmaster_kube_api::Goal;

/// A PRD that executes itself: parse it, plan it, run it, report it.
#[derive(Debug, Parser)]
#[command(name = "taskmaster", version, max_term_width = 100, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 ok, 1 internal, 2 usage, 10 document, 11 cycle, 12 binding, 13 catalogue, \
20 a task failed, 21 waits for a person, 22 interrupted, 23 unknown end, 30 changes pending, 31 drift, \
32 repository unreachable, \
40 another run is at work, 41 newer ledger, 42 damaged ledger, 43 the environment is locked, 50 taken back, 51 still under way."
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

/// The environment and its variables.
#[derive(Clone, Debug, Args)]
pub struct EnvironmentArgs {
    /// Environment [default: taskmaster.toml's, else local]
    #[arg(short, long = "env", value_name = "NAME")]
    pub environment: Option<String>,
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
    /// Say what the working tree means other than a commit: git:main, git:main... (where this branch
    /// left it), git:A..B (two commits)
    #[arg(long, value_name = "git:REV", conflicts_with_all = ["check", "commands", "phase", "task", "from", "with_dependencies"])]
    pub against: Option<String>,
    /// Exit with 30 when something would run; with --against, when anything differs in meaning
    #[arg(long)]
    pub detailed_exitcode: bool,
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
    /// Attempts and checks at work at the same time [default: the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// After a failure, go on with what does not depend on it
    #[arg(short, long)]
    pub keep_going: bool,
    /// Print every command line and run nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// End with 21 instead of waiting for a person
    #[arg(long)]
    pub no_wait: bool,
    /// Set the document's marks to what is recorded, as tasks begin and end
    #[arg(long)]
    pub write_back: bool,
}

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
    /// pending, in_progress, completed, failed, blocked, skipped, cancelled (repeatable)
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

/// `taskmaster kube-apply`
#[derive(Clone, Debug, Args)]
pub struct KubeApplyArgs {
    /// Only compare: end with 2 where a controller's field differs
    #[arg(long)]
    pub check: bool,
    /// kubectl and its arguments
    #[arg(last = true, required = true)]
    pub command: Vec<String>,
}

/// `taskmaster kube-rollout`
#[derive(Clone, Debug, Args)]
pub struct KubeRolloutArgs {
    /// argo, analysis-run, application or flagger
    #[arg(value_parser = Kind::from_word)]
    pub kind: Kind,
    /// What is done
    #[arg(value_enum)]
    pub verb: KubeVerb,
    /// Name of the object
    pub name: String,
    /// Its namespace
    #[arg(long)]
    pub namespace: Option<String>,
    /// Context of the kubeconfig
    #[arg(long)]
    pub context: Option<String>,
    /// Path of the kubeconfig
    #[arg(long)]
    pub kubeconfig: Option<String>,
    /// An image for a container, or for all of them (`*`)
    #[arg(long, value_name = "CONTAINER=IMAGE", value_parser = key_value)]
    pub image: Vec<(String, String)>,
    /// Only say whether the images are so
    #[arg(long)]
    pub check: bool,
    /// Revision to go back to
    #[arg(long)]
    pub to_revision: Option<i64>,
    /// healthy, paused, promotable, degraded, `step N` or `weight N`
    #[arg(long = "for")]
    pub goal: Option<Goal>,
    /// Commit that an application must be compared with
    #[arg(long)]
    pub revision: Option<String>,
    /// How long to wait; 0s looks once
    #[arg(long, default_value = "5m", value_parser = duration)]
    pub timeout: Duration,
    /// Time between two looks
    #[arg(long, default_value = "2s", value_parser = duration)]
    pub interval: Duration,
}

/// `taskmaster prometheus-gate`. A token and the values of headers come by variables.
#[derive(Clone, Debug, Args)]
pub struct PrometheusGateArgs {
    /// The server's address, before `/api/v1`
    #[arg(long)]
    pub url: String,
    /// What is asked, in PromQL
    #[arg(long)]
    pub query: String,
    /// Less than this is good
    #[arg(long)]
    pub threshold: Option<f64>,
    /// At least this is good
    #[arg(long)]
    pub min: Option<f64>,
    /// At most this is good
    #[arg(long)]
    pub max: Option<f64>,
    /// Good where this condition holds
    #[arg(long)]
    pub success: Option<String>,
    /// Shut where this condition holds
    #[arg(long)]
    pub failure: Option<String>,
    /// It must have been good for so long
    #[arg(long = "for", value_parser = duration)]
    pub hold: Option<Duration>,
    /// Time between two questions
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub interval: Duration,
    /// How long to wait; 0s asks once
    #[arg(long, default_value = "5m", value_parser = duration)]
    pub timeout: Duration,
    /// Name of a further header
    #[arg(long, value_name = "NAME")]
    pub header: Vec<String>,
    /// Certificates to trust besides the usual ones
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// What is done with a rollout of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KubeVerb {
    /// Wait until it is healthy.
    Status,
    /// Change images.
    SetImage,
    /// Pass one pause or one step.
    Promote,
    /// Go to the end.
    PromoteFull,
    /// Stop it.
    Pause,
    /// Let it go on.
    Resume,
    /// Take the stable version back.
    Abort,
    /// Start an aborted one again.
    Retry,
    /// Go back to an earlier template.
    Undo,
    /// Wait for a state.
    Wait,
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
