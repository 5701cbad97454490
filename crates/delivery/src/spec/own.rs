//! What the proxy of a local service answers where a counted metric asks it: numbers of its own counters.

use super::duration;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use std::time::Duration;

/// The words that are known, for those who wrote another one.
const WORDS: &str = "errors, success, errors-percent, success-percent, latency-seconds, latency-milliseconds, \
                     pNN-seconds, pNN-milliseconds, requests-per-second";
/// The longest time that can be asked for.
const LONGEST: Duration = Duration::from_secs(3_600);

/// A question such as `errors` or `p99-milliseconds[1m]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OwnQuery {
    /// What is asked.
    pub of: OwnNumber,
    /// Over so long; since the metric was last measured unless given.
    pub window: Option<Duration>,
}

/// A number that follows of the proxy's counters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OwnNumber {
    /// The share of requests that failed, from 0 to this.
    Errors(f64),
    /// The share of requests that succeeded, from 0 to this.
    Success(f64),
    /// A quantile of the latency, in parts of a second: 1 or 1,000.
    Latency {
        /// From 0 to 1.
        quantile: f64,
        /// What a second is.
        second: f64,
    },
    /// Requests a second.
    Rate,
}

/// Words that ask for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOwnQuery {
    /// Nothing is called so.
    #[error("`{0}` is nothing that the proxy counts; there are {WORDS}")]
    Number(String),
    /// A time that is none.
    #[error("{0}")]
    Window(String),
}

impl FromStr for OwnQuery {
    type Err = BadOwnQuery;

    fn from_str(text: &str) -> Result<Self, BadOwnQuery> {
        let text = text.trim();
        let (word, window) = match text.split_once('[') {
            None => (text, None),
            Some((word, rest)) => {
                let span = rest.strip_suffix(']').unwrap_or(rest);
                let window: duration::Text = span.parse().map_err(BadOwnQuery::Window)?;
                if window.0.is_zero() || window.0 > LONGEST {
                    return Err(BadOwnQuery::Window(format!("`{span}` is not between nothing and an hour")));
                }
                (word.trim(), Some(window.0))
            }
        };
        let of = number(word).ok_or_else(|| BadOwnQuery::Number(word.chars().take(40).collect()))?;
        Ok(Self { of, window })
    }
}

fn number(word: &str) -> Option<OwnNumber> {
    Some(match word {
        "errors" => OwnNumber::Errors(1.0),
        "success" => OwnNumber::Success(1.0),
        "errors-percent" => OwnNumber::Errors(100.0),
        "success-percent" => OwnNumber::Success(100.0),
        "requests-per-second" => OwnNumber::Rate,
        _ => {
            let (of, unit) = word.split_once('-')?;
            let second = match unit {
                "seconds" => 1.0,
                "milliseconds" => 1_000.0,
                _ => return None,
            };
            let percent: f64 = if of == "latency" { 95.0 } else { of.strip_prefix('p')?.parse().ok()? };
            let quantile = (0.0..=100.0).contains(&percent).then_some(percent / 100.0)?;
            OwnNumber::Latency { quantile, second }
        }
    })
}

impl Display for OwnQuery {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.of {
            OwnNumber::Errors(_) => f.write_str("the share of requests that failed"),
            OwnNumber::Success(_) => f.write_str("the share of requests that succeeded"),
            OwnNumber::Latency { quantile, .. } => {
                write!(f, "the {} % quantile of the latency", quantile * 100.0)
            }
            OwnNumber::Rate => f.write_str("requests a second"),
        }?;
        match self.window {
            Some(window) => write!(f, " over {} s", window.as_secs_f64()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_windows() {
        let read = |text: &str| text.parse::<OwnQuery>();
        assert_eq!(read("errors").unwrap(), OwnQuery { of: OwnNumber::Errors(1.0), window: None });
        let minute = Some(Duration::from_secs(60));
        assert_eq!(
            read(" success-percent[1m] ").unwrap(),
            OwnQuery { of: OwnNumber::Success(100.0), window: minute }
        );
        let latency = |text: &str| read(text).map(|query| query.of);
        assert_eq!(latency("latency-seconds"), Ok(OwnNumber::Latency { quantile: 0.95, second: 1.0 }));
        assert_eq!(latency("p50-milliseconds"), Ok(OwnNumber::Latency { quantile: 0.5, second: 1_000.0 }));
        assert_eq!(latency("p99.9-seconds"), Ok(OwnNumber::Latency { quantile: 99.9 / 100.0, second: 1.0 }));
        for wrong in [
            "",
            "error",
            "p-seconds",
            "p101-seconds",
            "pNaN-seconds",
            "p50-minutes",
            "errors[",
            "errors[]",
            "errors[0s]",
            "errors[2h]",
            "errors[-1s]",
            "rate(http_requests_total[1m])",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read("rate(x)").unwrap_err().to_string().contains("there are errors, success"));
    }
}
