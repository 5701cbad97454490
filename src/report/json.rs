//! Views as JSON: `schema_version`, `view`, the facts, and what follows from them.

use super::SCHEMA_VERSION;
use serde::Serialize;

#[derive(Serialize)]
struct Envelope<'a, Facts, Derived> {
    schema_version: u32,
    view: &'static str,
    #[serde(flatten)]
    facts: &'a Facts,
    summary: &'a Derived,
}

/// The facts of a view under their names, with what follows from them under `summary`.
pub(super) fn value(
    view: &'static str,
    facts: &impl Serialize,
    summary: &impl Serialize,
) -> serde_json::Value {
    serde_json::to_value(Envelope { schema_version: SCHEMA_VERSION, view, facts, summary })
        .expect("views have text keys and no floats that JSON cannot hold")
}
