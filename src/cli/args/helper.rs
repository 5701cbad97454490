//! Arguments of the hidden commands that actions of a catalogue run.

use super::{duration, key_value};
use crate::deliver::backend::kube::drive::Kind;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;
use taskmaster_kube_api::Goal;

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
