//! Durations as people write them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::time::Duration;

/// A duration that was written as `30s`, `2m`, `1h30m`, `500ms`, or as a number of seconds. Never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(pub Duration);

impl Text {
    fn of_seconds(seconds: f64) -> Option<Self> {
        Duration::try_from_secs_f64(seconds).ok().map(Self)
    }
}

impl std::str::FromStr for Text {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let span: jiff::SignedDuration =
            text.trim().parse().map_err(|_| format!("`{text}` is no duration such as `30s` or `2m`"))?;
        Duration::try_from(span).map(Self).map_err(|_| format!("`{text}` is less than nothing"))
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let span = jiff::SignedDuration::try_from(self.0).unwrap_or(jiff::SignedDuration::MAX);
        serializer.serialize_str(&format!("{span:#}"))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Text;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a duration such as `30s` or `2m`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Text, E> {
        Ok(Text(Duration::from_secs(seconds)))
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Text, E> {
        let seconds =
            u64::try_from(seconds).map_err(|_| E::custom(format!("{seconds} s is less than nothing")))?;
        self.visit_u64(seconds)
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Text, E> {
        Text::of_seconds(seconds).ok_or_else(|| E::custom(format!("{seconds} s is no duration")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_seconds() {
        for (text, millis) in [
            ("\"30s\"", 30_000),
            ("\"2m\"", 120_000),
            ("\"1h30m\"", 5_400_000),
            ("\"500ms\"", 500),
            ("90", 90_000),
        ] {
            let read: Text = serde_json::from_str(text).unwrap();
            assert_eq!(read.0.as_millis(), millis, "{text}");
            let written = serde_json::to_string(&read).unwrap();
            assert_eq!(serde_json::from_str::<Text>(&written).unwrap(), read, "{written}");
        }
        for text in ["\"-5s\"", "-5", "\"soon\"", "\"\"", "null", "1e300", "\"5\""] {
            assert!(serde_json::from_str::<Text>(text).is_err(), "{text}");
        }
    }
}
