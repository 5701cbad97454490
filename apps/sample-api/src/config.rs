//! Settings of the service: flags first, then environment, then defaults.

use std::convert::Infallible;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use thiserror::Error;

/// How one instance of the service behaves.
#[derive(Debug, Clone, Args)]
pub struct ServeConfig {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// Port to listen on; 0 takes any free port and prints it
    #[arg(long, env = "PORT", default_value_t = 8080)]
    pub port: u16,

    /// File that receives the port once it is bound, and is removed at the end
    #[arg(long)]
    pub port_file: Option<PathBuf>,

    /// Version that this instance claims to be
    #[arg(long, env = "APP_VERSION", default_value = env!("CARGO_PKG_VERSION"))]
    pub version: Label,

    /// Revision of the rollout that this instance belongs to
    #[arg(long, env = "APP_REVISION")]
    pub revision: Option<Label>,

    /// Colour of the environment, such as blue or green
    #[arg(long, visible_alias = "color", env = "APP_COLOUR")]
    pub colour: Option<Label>,

    /// Share of application requests, 0 to 1, that are answered with status 500
    #[arg(long, env = "ERROR_RATE", default_value = "0")]
    pub error_rate: Fraction,

    /// Seed of the injected errors: equal seeds fail the same requests
    #[arg(long, env = "ERROR_SEED")]
    pub seed: Option<u64>,

    /// Milliseconds added to every application request
    #[arg(long, env = "LATENCY_MS", default_value_t = 0,
          value_parser = clap::value_parser!(u64).range(..=60_000))]
    pub latency_ms: u64,

    /// Milliseconds from the start until the service reports itself ready
    #[arg(long, env = "READY_DELAY_MS", default_value_t = 0)]
    pub ready_delay_ms: u64,

    /// Milliseconds between "no longer ready" and "no longer listening" during a stop
    #[arg(long, env = "DRAIN_MS", default_value_t = 1_000)]
    pub drain_ms: u64,

    /// Milliseconds that requests in flight are given to finish after the drain
    #[arg(long, env = "STOP_TIMEOUT_MS", default_value_t = 10_000)]
    pub stop_timeout_ms: u64,
}

/// A share between 0 and 1, both included.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Fraction(f64);

impl Fraction {
    /// Nothing at all.
    pub const ZERO: Self = Self(0.0);

    /// The share as a number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// Why a text is no [`Fraction`].
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FractionError {
    /// The text is not a number.
    #[error("not a number")]
    NotANumber,
    /// The number lies outside 0 to 1.
    #[error("must be from 0 to 1")]
    OutOfRange,
}

impl FromStr for Fraction {
    type Err = FractionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value: f64 = text.parse().map_err(|_| FractionError::NotANumber)?;
        if value.is_nan() {
            return Err(FractionError::NotANumber);
        }
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(FractionError::OutOfRange) }
    }
}

/// A short name that is safe in a header, a label and a page: visible ASCII, at most 64 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no [`Label`].
#[derive(Debug, Error, PartialEq, Eq)]
#[error("must be 1 to 64 visible ASCII characters")]
pub struct LabelError;

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let visible = text.chars().all(|c| c.is_ascii_graphic());
        if text.is_empty() || text.len() > 64 || !visible {
            return Err(LabelError);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Why a text is no duration.
#[derive(Debug, Error)]
pub enum DurationError {
    /// The text does not read as a duration.
    #[error("not a duration such as 500ms, 10s or 1m")]
    Unreadable(#[from] jiff::Error),
    /// The duration lies before zero.
    #[error("must not be negative")]
    Negative(#[from] std::num::TryFromIntError),
}

/// Reads `500ms`, `10s`, `1m 30s`.
///
/// # Errors
///
/// A text that is no duration, and a negative one.
pub fn duration(text: &str) -> Result<Duration, DurationError> {
    let signed: SignedDuration = text.parse()?;
    let seconds = u64::try_from(signed.as_secs())?;
    let nanoseconds = u32::try_from(signed.subsec_nanos())?;
    Ok(Duration::new(seconds, nanoseconds))
}

/// A `name=value` pair of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// What stands before the first `=`.
    pub name: String,
    /// What stands after it; absent where there is no `=`.
    pub value: Option<String>,
}

impl FromStr for Pair {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once('=') {
            Some((name, value)) => Self { name: name.to_owned(), value: Some(value.to_owned()) },
            None => Self { name: text.to_owned(), value: None },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_takes_its_borders_and_nothing_beyond_them() {
        for (text, expected) in [("0", 0.0), ("1", 1.0), ("0.25", 0.25)] {
            assert_eq!(text.parse::<Fraction>().expect(text).get(), expected);
        }
        for text in ["-0.01", "1.01", "inf", "-inf"] {
            assert_eq!(text.parse::<Fraction>(), Err(FractionError::OutOfRange), "{text}");
        }
        for text in ["", "half", "nan", "NaN"] {
            assert_eq!(text.parse::<Fraction>(), Err(FractionError::NotANumber), "{text}");
        }
    }

    #[test]
    fn a_label_is_visible_short_and_not_empty() {
        assert_eq!("v2.0-rc+1".parse::<Label>().expect("visible").as_str(), "v2.0-rc+1");
        for text in ["", "two words", "line\nbreak", "naïve", &"x".repeat(65)] {
            assert_eq!(text.parse::<Label>(), Err(LabelError), "{text:?}");
        }
    }

    #[test]
    fn durations_read_as_people_write_them() {
        let rows = [("500ms", 500), ("10s", 10_000), ("1m", 60_000), ("1m 30s", 90_000)];
        for (text, milliseconds) in rows {
            assert_eq!(duration(text).expect(text), Duration::from_millis(milliseconds));
        }
        assert!(duration("-1s").is_err(), "negative");
        assert!(duration("10").is_err(), "no unit");
        assert!(duration("soon").is_err(), "no number");
    }

    #[test]
    fn a_pair_splits_at_the_first_equals_sign() {
        let pair: Pair = "url=a=b".parse().expect("infallible");
        assert_eq!((pair.name.as_str(), pair.value.as_deref()), ("url", Some("a=b")));
        let bare: Pair = "v2".parse().expect("infallible");
        assert_eq!((bare.name.as_str(), bare.value), ("v2", None));
    }
}
