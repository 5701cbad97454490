//! PagerDuty's Events API v2: one alert for each rollout, open while somebody is needed.

use crate::deliver::notify::event::{Event, Tone, clip};
use crate::deliver::notify::secret::Secret;
use serde_json::{Map, Value, json};
use taskmaster_delivery::spec::Event as Kind;

/// Longest summary that is taken, and longest key of an alert.
const LONGEST_SUMMARY: usize = 1024;
const LONGEST_KEY: usize = 255;

/// What waits or goes wrong opens the alert, what has taken over closes it; all else is nobody's business
/// at night.
pub(super) fn body(event: &Event, key: Option<&Secret>) -> Option<Value> {
    let severity = match event.what {
        Kind::Begun | Kind::Step | Kind::Gate => return None,
        Kind::Completed => None,
        Kind::Paused => Some("warning"),
        Kind::RollingBack | Kind::RolledBack => Some("error"),
    };
    let mut body = json!({
        "routing_key": key.map(Secret::expose).unwrap_or_default(),
        "event_action": if severity.is_some() { "trigger" } else { "resolve" },
        "dedup_key": dedup_key(event),
    });
    if let Some(severity) = severity {
        body["client"] = json!("taskmaster");
        body["payload"] = payload(event, severity);
    }
    Some(body)
}

fn dedup_key(event: &Event) -> String {
    let namespace = event.namespace.as_deref().unwrap_or("local");
    clip(&format!("taskmaster/{namespace}/{}", event.rollout), LONGEST_KEY - 1).into_owned()
}

fn payload(event: &Event, severity: &str) -> Value {
    let summary = match &event.why {
        Some(why) => format!("{}: {why}", event.headline()),
        None => event.headline(),
    };
    let mut details: Map<String, Value> =
        event.facts().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    details.extend(event.why.iter().map(|why| ("Why".to_owned(), json!(why))));
    json!({
        "summary": clip(&summary, LONGEST_SUMMARY - 1),
        "source": if event.rollout.is_empty() { "taskmaster" } else { &event.rollout },
        "severity": severity,
        "timestamp": event.time(),
        "component": event.rollout,
        "group": event.namespace.as_deref().unwrap_or("local"),
        "class": if event.tone() == Tone::Waiting { "rollout waits" } else { "rollout taken back" },
        "custom_details": details,
    })
}
