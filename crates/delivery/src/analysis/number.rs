//! Numbers that JSON has no form for: written as Prometheus writes them.

use serde::{Deserialize, Deserializer, Serializer};

/// A number for people and for JSON: the shortest form that reads back as the same number.
pub(super) fn show(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else if size >= 1e15 || (size > 0.0 && size < 1e-6) {
        format!("{value:e}")
    } else {
        format!("{value}")
    }
}

/// A finite number as a number, else as text.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() { serializer.serialize_f64(*value) } else { serializer.serialize_str(&show(*value)) }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(f64),
    Text(String),
}

/// Reads what [`serialize`] writes, and numbers in quotes, as Prometheus sends them.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match Written::deserialize(deserializer)? {
        Written::Number(value) => Ok(value),
        Written::Text(text) => {
            text.parse().map_err(|_| serde::de::Error::custom(format!("not a number: {text:.40}")))
        }
    }
}
