//! Our own form, for programs: stable names, and nothing that is not known.

use crate::deliver::notify::event::Event;
use serde_json::{Value, json};

/// Rises when a name changes or goes.
const SCHEMA_VERSION: u32 = 1;

pub(super) fn body(event: &Event) -> Value {
    let (step, steps) = event.step.unzip();
    json!({
        "schema_version": SCHEMA_VERSION,
        "id": event.id,
        "event": event.what,
        "at": event.time(),
        "rollout": event.rollout,
        "namespace": event.namespace,
        "revision": event.revision,
        "stable": event.stable,
        "step": step,
        "steps": steps,
        "weight_percent": event.weight,
        "why": event.why,
        "text": event.headline(),
    })
}
