//! `taskmaster rollout load`

use super::duration;
use crate::deliver::load::Target;
use clap::Args;
use std::time::Duration;

/// `taskmaster rollout load`
#[derive(Clone, Debug, Args)]
pub struct LoadArgs {
    /// Where to: a plain http:// URL
    #[arg(value_name = "URL")]
    pub target: Target,
    /// Requests a second, whether earlier ones were answered or not
    #[arg(long, value_name = "N", default_value_t = 50.0)]
    pub rate: f64,
    /// How long
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub duration: Duration,
    /// Ask for this in place of the URL's path (repeatable: in turn)
    #[arg(long = "path", value_name = "PATH")]
    pub paths: Vec<String>,
    /// Connections at most; as many requests may wait for one
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub connections: u32,
    /// Longest time of one request
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub timeout: Duration,
    /// So many users at a time keep their cookies [default: every request is a new user]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub sessions: Option<u32>,
    /// Requests of one user; then a new one comes
    #[arg(long, value_name = "N", default_value_t = 20, requires = "sessions", value_parser = clap::value_parser!(u64).range(1..))]
    pub session_requests: u64,
    /// The header by which an answer tells its version
    #[arg(long, value_name = "NAME", default_value = "x-app-version")]
    pub version_header: String,
    /// The field by which a JSON answer tells its version, in place of a header
    #[arg(long, value_name = "NAME", conflicts_with = "version_header")]
    pub version_field: Option<String>,
}
