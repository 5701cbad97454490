//! Asks a URL again and again until it answers as expected, or a deadline passes.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;
use tokio::time::{Instant, sleep};

use crate::client::{Answer, Client, Reach, Target};
use crate::clock;
use crate::config::duration;

/// The longest that one attempt may take; the deadline may cut it shorter.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(5);

/// What to ask and what to expect.
#[derive(Debug, Clone, Args)]
pub struct ProbeConfig {
    /// URL to ask
    #[arg(long)]
    pub url: Target,

    /// Status that counts as healthy
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(100..=599))]
    pub expect_status: u16,

    /// Field of the JSON answer and its value, such as version=v2; dots lead into objects
    #[arg(long, value_name = "FIELD=VALUE")]
    pub json_field: Vec<FieldCheck>,

    /// Text that the answer must contain
    #[arg(long, value_name = "TEXT")]
    pub contains: Vec<String>,

    /// How many expected answers in a row are wanted
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub consecutive: u32,

    /// How long to keep asking
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub timeout: Duration,

    /// Pause between two attempts
    #[arg(long, default_value = "100ms", value_parser = duration)]
    pub interval: Duration,
}

/// A field of a JSON answer and the value it must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldCheck {
    path: Vec<String>,
    expected: String,
}

/// Why a text is no [`FieldCheck`].
#[derive(Debug, Error, PartialEq, Eq)]
#[error("must be FIELD=VALUE")]
pub struct FieldCheckError;

impl FromStr for FieldCheck {
    type Err = FieldCheckError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, expected) = text.split_once('=').ok_or(FieldCheckError)?;
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(FieldCheckError);
        }
        Ok(Self { path, expected: expected.to_owned() })
    }
}

impl FieldCheck {
    fn fault(&self, document: &Value) -> Option<String> {
        let name = self.path.join(".");
        let found = self.path.iter().try_fold(document, |value, key| value.get(key));
        let actual = match found {
            None => return Some(format!("field {name} is missing")),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        (actual != self.expected).then(|| format!("field {name} is {actual}, expected {}", self.expected))
    }
}

/// What a probe found.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct ProbeReport {
    /// Whether the expected answers came before the deadline.
    pub ok: bool,
    /// How many requests were sent.
    pub attempts: u64,
    /// From the first request to the verdict.
    pub elapsed_ms: u64,
    /// Why the last attempt was not what was expected; absent when it was.
    pub fault: Option<String>,
}

/// Asks until the answer is right or the deadline passes.
pub async fn run(config: &ProbeConfig) -> ProbeReport {
    let start = clock::monotonic();
    let deadline = start + config.timeout;
    let mut attempts = 0;
    let mut in_a_row = 0;
    loop {
        attempts += 1;
        let fault = attempt(config, deadline).await;
        in_a_row = if fault.is_none() { in_a_row + 1 } else { 0 };
        let ok = in_a_row >= config.consecutive;
        if ok || clock::monotonic() + config.interval >= deadline {
            let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            let fault = if ok { None } else { fault.or_else(|| Some(too_few(in_a_row, config))) };
            return ProbeReport { ok, attempts, elapsed_ms, fault };
        }
        sleep(config.interval).await;
    }
}

fn too_few(in_a_row: u32, config: &ProbeConfig) -> String {
    format!("{in_a_row} expected answers in a row, wanted {}", config.consecutive)
}

async fn attempt(config: &ProbeConfig, deadline: Instant) -> Option<String> {
    let left = deadline.saturating_duration_since(clock::monotonic());
    // A new connection every time: a probe asks whether newcomers are served.
    let mut client = Client::new(Reach::Anywhere, left.min(ATTEMPT_LIMIT));
    match client.get(&config.url).await {
        Ok(answer) => fault_of(config, &answer),
        Err(error) => Some(error.to_string()),
    }
}

fn fault_of(config: &ProbeConfig, answer: &Answer) -> Option<String> {
    let status = answer.status.as_u16();
    if status != config.expect_status {
        return Some(format!("status {status}, expected {}", config.expect_status));
    }
    if !config.json_field.is_empty() {
        let Ok(document) = serde_json::from_slice::<Value>(&answer.body) else {
            return Some("the answer is not JSON".to_owned());
        };
        let fault = config.json_field.iter().find_map(|field| field.fault(&document));
        if fault.is_some() {
            return fault;
        }
    }
    let text = String::from_utf8_lossy(&answer.body);
    let missing = config.contains.iter().find(|wanted| !text.contains(wanted.as_str()));
    missing.map(|wanted| format!("the answer does not contain {wanted:?}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(check: &str, document: &Value) -> Option<String> {
        check.parse::<FieldCheck>().expect(check).fault(document)
    }

    #[test]
    fn fields_are_compared_by_their_text() {
        let document = json!({"version": "v2", "ready": true, "load": {"p95": 12.5}});
        assert_eq!(fault("version=v2", &document), None);
        assert_eq!(fault("ready=true", &document), None);
        assert_eq!(fault("load.p95=12.5", &document), None);
        let wrong = fault("version=v1", &document).expect("a fault");
        assert_eq!(wrong, "field version is v2, expected v1");
        let missing = fault("load.p50=1", &document).expect("a fault");
        assert_eq!(missing, "field load.p50 is missing");
    }

    #[test]
    fn a_check_without_field_or_value_is_refused() {
        for text in ["version", "=v2", "a..b=1", ""] {
            assert_eq!(text.parse::<FieldCheck>(), Err(FieldCheckError), "{text:?}");
        }
    }
}
