//! `taskmaster rollout …`

use super::{LoadArgs, duration, key_value};
use crate::app::rollout::simulate::{self, Meaning};
use crate::app::rollouts::{Named, Until};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// `taskmaster rollout …`
#[derive(Debug, Subcommand)]
pub enum RolloutCommand {
    /// Ask for a version: of a rollout file on this machine, or by images on a cluster
    Start(StartArgs),
    /// Show a rollout; exit 50 where it was taken back
    Status(StatusArgs),
    /// Follow a rollout to its end: traffic, health, steps, time left
    Watch(WatchArgs),
    /// Pass what it stands at: a pause, a doubt, a gate
    Promote(PromoteArgs),
    /// Stop it where it is
    Pause(VerbArgs),
    /// Let it go on
    Resume(VerbArgs),
    /// Give the new version up: the stable one takes all users back
    Abort(VerbArgs),
    /// Begin again what was taken back
    Retry(VerbArgs),
    /// Ask for an earlier version
    Undo(UndoArgs),
    /// List rollouts
    List(ClusterArgs),
    /// What was released, and how it ended
    History(NamedArgs),
    /// End a local service and forget its rollout
    Remove(RemoveArgs),
    /// Try a rollout out in virtual time: detection, exposure, false rollbacks, a picture
    Simulate(SimulateArgs),
    /// Replay recorded Prometheus data: what would have happened, when, and to whom
    Rehearse(RehearseArgs),
    /// Send requests at a steady rate: how fast, how many failed, which version answered
    Load(LoadArgs),
}

/// Where a rollout is. Any of these means a cluster; without them, and with a bare name, it is this machine.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster options (any of them means a cluster)")]
pub struct ClusterArgs {
    /// Namespace of the object
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The kubeconfig
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<String>,
}

/// Which rollout.
#[derive(Clone, Debug, Args)]
pub struct NamedArgs {
    /// Its name; `rollout/NAME` (Argo Rollouts) and `canary/NAME` (Flagger) are on a cluster
    #[arg(value_name = "NAME")]
    pub name: Named,
    /// The cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// `taskmaster rollout status`
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// The rollout.
    #[command(flatten)]
    pub named: NamedArgs,
    /// Answer by the exit code whether it is at rest and serves VERSION: 0 yes, 1 no, 2 nothing can be said
    #[arg(long, value_name = "VERSION")]
    pub serves: Option<String>,
}

/// `taskmaster rollout remove`
#[derive(Clone, Debug, Args)]
pub struct RemoveArgs {
    /// The rollout.
    #[command(flatten)]
    pub named: NamedArgs,
    /// One that is not there is no fault
    #[arg(long)]
    pub if_there: bool,
}

/// Whether to wait for the end.
#[derive(Clone, Debug, Args)]
pub struct WaitArgs {
    /// Wait for the end: 0 completed, 50 taken back, 21 it waits for a person, 51 still under way
    #[arg(short, long)]
    pub wait: bool,
    /// How long to wait at most
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration, requires = "wait")]
    pub timeout: Duration,
}

/// `taskmaster rollout start`
#[derive(Clone, Debug, Args)]
pub struct StartArgs {
    /// A rollout file; with --image the name of an object
    #[arg(value_name = "FILE|NAME")]
    pub target: String,
    /// The version, of a rollout file
    #[arg(value_name = "VERSION", required_unless_present = "image", conflicts_with = "image")]
    pub release: Option<String>,
    /// Refuse a rollout file of another name
    #[arg(long, value_name = "NAME", requires = "release")]
    pub name: Option<String>,
    /// An image for a container, or for all of them (`*`) (repeatable)
    #[arg(long, value_name = "CONTAINER=IMAGE", value_parser = key_value)]
    pub image: Vec<(String, String)>,
    /// The cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// The wait.
    #[command(flatten)]
    pub wait: WaitArgs,
}

/// `taskmaster rollout watch`
#[derive(Clone, Debug, Args)]
pub struct WatchArgs {
    /// The rollout.
    #[command(flatten)]
    pub named: NamedArgs,
    /// What to watch for: over, held (it waits for a person or a gate), `step N` (so many are done), `weight N`
    /// (at least)
    #[arg(long = "for", value_name = "STATE", default_value = "over")]
    pub until: Until,
    /// How long at most [default: as long as it takes]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
}

/// `taskmaster rollout pause|resume|abort|retry`
#[derive(Clone, Debug, Args)]
pub struct VerbArgs {
    /// The rollout.
    #[command(flatten)]
    pub named: NamedArgs,
    /// The wait.
    #[command(flatten)]
    pub wait: WaitArgs,
}

/// `taskmaster rollout promote`
#[derive(Clone, Debug, Args)]
pub struct PromoteArgs {
    /// The rollout.
    #[command(flatten)]
    pub verb: VerbArgs,
    /// To the end, without steps and analysis; also what was taken back
    #[arg(long)]
    pub full: bool,
}

/// `taskmaster rollout undo`
#[derive(Clone, Debug, Args)]
pub struct UndoArgs {
    /// The rollout.
    #[command(flatten)]
    pub verb: VerbArgs,
    /// Number of the version, as `rollout history` shows it [default: the one before]
    #[arg(long, value_name = "N")]
    pub to: Option<u64>,
}

/// `taskmaster rollout rehearse`
#[derive(Clone, Debug, Args)]
pub struct RehearseArgs {
    /// The rollout
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// A recording, or the URL of one answer of `query_range`
    #[arg(long, value_name = "FILE|URL")]
    pub from: String,
    /// Seconds after which a person passes a pause without a time
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub person: u64,
}

/// `taskmaster rollout simulate`
#[derive(Clone, Debug, Args)]
pub struct SimulateArgs {
    /// The rollout
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// healthy, faulty, slow, subtle, incident, clusters, cold, silent, trouble [default: all]
    #[arg(long, value_name = "NAME")]
    pub scenario: Vec<String>,
    /// Runs of each scenario
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub seeds: u64,
    /// The first seed: the same seed gives the same run
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Requests a second
    #[arg(long)]
    pub rate: Option<f64>,
    /// Percent of the stable version's requests that fail
    #[arg(long, value_name = "PERCENT")]
    pub base_errors: Option<f64>,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS")]
    pub look: Option<f64>,
    /// Seconds after which a person passes a pause without a time
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    pub person: f64,
    /// What a counted metric measures, where the guess is wrong: errors, success, errors-percent,
    /// success-percent, up, latency-seconds, latency-milliseconds
    #[arg(long = "metric", value_name = "NAME=MEANING", value_parser = simulate::meaning)]
    pub metrics: Vec<(String, Meaning)>,
}
