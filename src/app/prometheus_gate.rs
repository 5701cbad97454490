//! Waits for an answer of Prometheus: what the catalogue's `prometheus` actions run.

use crate::deliver::metrics::gate::{Gate, GateError, Opened, wait};
use crate::deliver::metrics::{BadSettings, Prometheus, Settings};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use taskmaster_core::tool::{PROMETHEUS_HEADER, PROMETHEUS_TOKEN};
use taskmaster_delivery::analysis::condition::{Condition, Variables};
use taskmaster_delivery::analysis::rule::Rule;
use zeroize::Zeroizing;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The server's address, before `/api/v1`.
    pub url: String,
    /// In PromQL.
    pub query: String,
    /// What is good.
    pub good: Good,
    /// It must have been good for so long.
    pub hold: Option<Duration>,
    /// Time between two questions.
    pub interval: Duration,
    /// How long to wait; asks once where zero.
    pub timeout: Duration,
    /// Names of further headers.
    pub headers: Vec<String>,
    /// Certificates to trust besides the usual ones.
    pub ca_file: Option<PathBuf>,
}

/// What is good: one of these ways to say it.
#[derive(Clone, Debug, Default)]
pub struct Good {
    /// Less than this.
    pub threshold: Option<f64>,
    /// At least this.
    pub min: Option<f64>,
    /// At most this.
    pub max: Option<f64>,
    /// Where this condition holds.
    pub success: Option<String>,
    /// Not where this condition holds.
    pub failure: Option<String>,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum GateFault {
    /// What is good is said in no way, or in several.
    #[error("exactly one of a threshold, a range and conditions says what is good")]
    Good,
    /// A condition that cannot be read.
    #[error("the condition cannot be read: {0}")]
    Condition(String),
    /// A header without its variable.
    #[error("the header `{0}` has no value: {PROMETHEUS_HEADER}{1} is not set")]
    Header(String, usize),
    /// The server cannot be asked.
    #[error("the server cannot be asked: {0}")]
    Settings(#[from] BadSettings),
    /// No answer that could be judged.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The system refused.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

/// Waits until the gate is open; every change is told to `say` as one line.
///
/// # Errors
/// See [`GateFault`].
pub fn run(request: &Request, say: &mut dyn FnMut(&str)) -> Result<Opened, GateFault> {
    let gate = Gate {
        query: request.query.clone(),
        rule: rule(&request.good)?,
        hold: request.hold.filter(|hold| !hold.is_zero()),
        interval: request.interval.max(Duration::from_millis(1)),
        timeout: request.timeout,
    };
    let source = Prometheus::new(&settings(request)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(wait(&source, &gate, say))?)
}

fn settings(request: &Request) -> Result<Settings, GateFault> {
    let variable = |name: &str| std::env::var(name).ok().map(Zeroizing::new);
    let mut headers = BTreeMap::new();
    for (at, name) in request.headers.iter().enumerate() {
        let value = variable(&format!("{PROMETHEUS_HEADER}{at}"));
        headers.insert(name.clone(), value.ok_or_else(|| GateFault::Header(name.clone(), at))?);
    }
    Ok(Settings {
        url: Zeroizing::new(request.url.clone()),
        bearer: variable(PROMETHEUS_TOKEN).filter(|token| !token.is_empty()),
        headers,
        ca: request.ca_file.clone(),
        ..Settings::default()
    })
}

fn rule(good: &Good) -> Result<Rule, GateFault> {
    let condition = |text: &Option<String>| {
        let compile = |text: &String| {
            let condition = Condition::compile(text, Variables::default());
            condition.map_err(|fault| GateFault::Condition(fault.to_string()))
        };
        text.as_ref().map(compile).transpose()
    };
    let (success, failure) = (condition(&good.success)?, condition(&good.failure)?);
    match (good.threshold, good.min.or(good.max), success.is_some() || failure.is_some()) {
        (Some(threshold), None, false) => Ok(Rule::Below(threshold)),
        (None, Some(_), false) => Ok(Rule::Within { min: good.min, max: good.max }),
        (None, None, true) => Ok(Rule::Conditions { success, failure }),
        _ => Err(GateFault::Good),
    }
}
