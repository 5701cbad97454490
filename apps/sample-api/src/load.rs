//! Puts load on one or several URLs and reports what came back.
//!
//! Requests are numbered; number n goes to the target that the schedule names for n, whichever
//! worker sends it, so a split by weight is exact and not a matter of luck.

pub mod report;
pub mod schedule;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::client::{Client, Reach, Target};
use crate::clock;
use crate::config::{Fraction, Pair, duration};
use report::{Expectations, LoadReport, Tally};
use schedule::{Schedule, ScheduleError};

/// How many requests are sent when neither a number nor a duration is given.
const DEFAULT_REQUESTS: u64 = 100;

/// What load to put on what, and what to expect of it.
#[derive(Debug, Clone, Args)]
pub struct LoadConfig {
    /// URL to put load on; several share it by their weights
    #[arg(long, required_unless_present = "url_file")]
    pub url: Vec<Target>,

    /// Weights of the URLs, in their order, such as 90,10
    #[arg(long, value_delimiter = ',', requires = "url")]
    pub weights: Vec<u32>,

    /// File that holds the URL and is read again before every request: replace it by a rename to
    /// switch all traffic at once
    #[arg(long, conflicts_with = "url")]
    pub url_file: Option<PathBuf>,

    /// Requests to send (default 100, unless a duration is given)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub requests: Option<u64>,

    /// How long to send; whichever of both ends first ends the load
    #[arg(long, value_parser = duration)]
    pub duration: Option<Duration>,

    /// Requests in flight at a time
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: u16,

    /// Requests a second at most
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: Option<u32>,

    /// How long one request may take
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub timeout: Duration,

    /// Also send to other machines
    #[arg(long)]
    pub allow_remote: bool,

    /// Fail when a larger share of the requests failed
    #[arg(long)]
    pub max_error_rate: Option<Fraction>,

    /// Fail when the 95th percentile of the latency is larger
    #[arg(long)]
    pub max_p95_ms: Option<f64>,

    /// Fail unless this version answered (v2), or answered that often (v2=10), and none unnamed did
    #[arg(long, value_name = "VERSION[=COUNT]")]
    pub expect_version: Vec<Pair>,
}

/// Why no load could be put on anything.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The weights do not fit the URLs.
    #[error("the weights do not fit")]
    Schedule(#[from] ScheduleError),
    /// A worker died.
    #[error("a worker died")]
    Worker(#[from] tokio::task::JoinError),
}

/// Sends the load and reports on it.
///
/// # Errors
///
/// When the weights do not fit the URLs. Requests that fail are counted, not errors.
pub async fn run(config: &LoadConfig) -> Result<LoadReport, LoadError> {
    let plan = Arc::new(Plan::new(config)?);
    let mut workers = JoinSet::new();
    for _ in 0..config.concurrency {
        workers.spawn(work(Arc::clone(&plan)));
    }
    let mut tally = Tally::default();
    while let Some(finished) = workers.join_next().await {
        tally.merge(finished?);
    }
    let expectations = Expectations {
        max_error_rate: config.max_error_rate,
        max_p95_ms: config.max_p95_ms,
        versions: config.expect_version.clone(),
    };
    Ok(LoadReport::new(tally, plan.start.elapsed(), &expectations))
}

/// What all workers share.
#[derive(Debug)]
struct Plan {
    source: Source,
    limit: u64,
    start: Instant,
    end: Option<Instant>,
    rate: Option<u32>,
    timeout: Duration,
    reach: Reach,
    next: AtomicU64,
}

#[derive(Debug)]
enum Source {
    Fixed { targets: Vec<Target>, schedule: Schedule },
    File(PathBuf),
}

impl Plan {
    fn new(config: &LoadConfig) -> Result<Self, ScheduleError> {
        let source = match &config.url_file {
            Some(path) => Source::File(path.clone()),
            None => Source::Fixed {
                targets: config.url.clone(),
                schedule: Schedule::new(config.url.len(), &config.weights)?,
            },
        };
        let limit = match (config.requests, config.duration) {
            (Some(requests), _) => requests,
            (None, Some(_)) => u64::MAX,
            (None, None) => DEFAULT_REQUESTS,
        };
        let start = clock::monotonic();
        Ok(Self {
            source,
            limit,
            start,
            end: config.duration.map(|duration| start + duration),
            rate: config.rate,
            timeout: config.timeout,
            reach: if config.allow_remote { Reach::Anywhere } else { Reach::Loopback },
            next: AtomicU64::new(0),
        })
    }

    /// Takes the next request's number and waits for its turn; nothing when the load is over.
    async fn ticket(&self) -> Option<u64> {
        let ordinal = self.next.fetch_add(1, Ordering::Relaxed);
        if ordinal >= self.limit {
            return None;
        }
        let turn = match self.rate {
            Some(rate) => self.start + Duration::from_secs(1).mul_f64(ratio(ordinal, rate)),
            None => clock::monotonic(),
        };
        if self.end.is_some_and(|end| turn >= end) {
            return None;
        }
        sleep_until(turn).await;
        Some(ordinal)
    }

    fn target(&self, ordinal: u64) -> Option<Target> {
        match &self.source {
            Source::Fixed { targets, schedule } => targets.get(schedule.target(ordinal)).cloned(),
            Source::File(path) => read_target(path),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "ordinals stay far below 2^53")]
fn ratio(ordinal: u64, rate: u32) -> f64 {
    ordinal as f64 / f64::from(rate)
}

fn read_target(path: &Path) -> Option<Target> {
    std::fs::read_to_string(path).ok()?.parse().ok()
}

async fn work(plan: Arc<Plan>) -> Tally {
    let mut tally = Tally::default();
    let mut client = Client::new(plan.reach, plan.timeout);
    while let Some(ordinal) = plan.ticket().await {
        let Some(target) = plan.target(ordinal) else {
            tally.unaddressed();
            // A missing file must not turn the load into a busy loop that starves its writer.
            tokio::task::yield_now().await;
            continue;
        };
        let sent = clock::monotonic();
        match client.get(&target).await {
            Ok(answer) => tally.answered(target.authority(), answer, sent.elapsed()),
            Err(error) => tally.unanswered(target.authority(), &error),
        }
    }
    tally
}
