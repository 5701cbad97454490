//! Reading of fields as an API server may send them, and of texts that hold times.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// A field that is `null` is as one that is missing.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A time of an object; none where there is none.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Seconds of a text such as `90`, `30s`, `1h30m`, `1.5h`; none for any other.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return Some(number).filter(|number| number.is_finite() && *number >= 0.0);
    }
    let (mut rest, mut sum) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number = rest[..digits].parse::<f64>().ok()?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - digits);
        let (word, next) = rest[digits..].split_at(unit);
        let factor = match word {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        sum += number * factor;
        rest = next;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_as_go_and_argo_write_them() {
        for (text, expected) in [
            ("90", Some(90.0)),
            ("30s", Some(30.0)),
            ("1h30m", Some(5400.0)),
            ("1.5m", Some(90.0)),
            ("1500ms", Some(1.5)),
            ("", None),
            ("m", None),
            ("3", Some(3.0)),
            ("3x", None),
            ("-3", None),
            ("1m2", None),
            ("µ", None),
            ("inf", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
