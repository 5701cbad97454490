//! Events of an object, as far as the API server still keeps them: an hour, unless told otherwise.

use crate::lenient::{or_default, time};
use crate::phase::one_line;
use crate::rollout::read;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it happened last; none where nobody says.
    pub at: Option<Timestamp>,
    /// `Normal`, `Warning`.
    pub kind: String,
    /// Why, as a word.
    pub reason: String,
    /// Why, as a sentence.
    pub message: String,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Raw {
    #[serde(rename = "type", deserialize_with = "or_default")]
    kind: String,
    #[serde(deserialize_with = "or_default")]
    reason: String,
    #[serde(deserialize_with = "or_default")]
    message: String,
    #[serde(deserialize_with = "or_default")]
    last_timestamp: String,
    #[serde(deserialize_with = "or_default")]
    event_time: String,
}

impl Event {
    /// Reads the items of a list, oldest first; one that is not readable is left out.
    pub fn from_list(list: &Value) -> Vec<Self> {
        let items = list.get("items").and_then(Value::as_array);
        let mut all: Vec<Self> = items.into_iter().flatten().filter_map(Self::from_json).collect();
        all.sort_by_key(|event| event.at);
        all
    }

    fn from_json(object: &Value) -> Option<Self> {
        let raw: Raw = read("Event", object).ok()?;
        Some(Self {
            at: time(&raw.last_timestamp).or_else(|| time(&raw.event_time)),
            kind: one_line(&raw.kind),
            reason: one_line(&raw.reason),
            message: one_line(&raw.message),
        })
    }

    /// It tells of something that is wrong.
    pub fn is_warning(&self) -> bool {
        self.kind == "Warning"
    }

    /// As one line: `Warning RolloutAborted: why`.
    pub fn line(&self) -> String {
        format!("{} {}: {}", self.kind, self.reason, self.message)
    }
}
