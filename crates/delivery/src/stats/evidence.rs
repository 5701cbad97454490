//! Evidence in words.

use super::alpha::Alpha;
use super::proportion::{Arm, Proportion};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};

/// What a verdict rests on: counts of both arms, and the greatest evidence so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The new version.
    pub canary: Arm,
    /// The old version, over the same time.
    pub baseline: Arm,
    /// Natural logarithm of the greatest evidence so far.
    pub max_log_e: f64,
    /// The rate at which it is judged.
    pub alpha: Alpha,
}

impl Evidence {
    /// That of a test, judged at a rate.
    pub fn of(test: &Proportion, alpha: Alpha) -> Self {
        let totals = test.totals();
        Self { canary: totals.canary, baseline: totals.baseline, max_log_e: test.max_log_e(), alpha }
    }

    /// It is enough to reject the canary.
    pub fn rejects(&self) -> bool {
        self.alpha.is_reached_by(self.max_log_e)
    }

    /// In words, with the names of a failure and a unit in the plural: `canary 20.1 % errors of 412 requests
    /// against 0.4 % of 3,710; e = 5.2e4 ≥ 1000`.
    pub fn words(&self, failures: &str, units: &str) -> String {
        let canary = arm(self.canary, &format!(" {failures}"), &format!(" {units}"));
        let baseline = arm(self.baseline, "", "");
        let no_units = format!("no {units}");
        let [canary, baseline] = [canary, baseline].map(|arm| arm.unwrap_or_else(|| no_units.clone()));
        format!("canary {canary} against {baseline}; {}", comparison(self.max_log_e, self.alpha))
    }
}

/// In words, with failures of units.
impl Display for Evidence {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words("failures", "units"))
    }
}

/// `0.4 % of 3,710`, with the names behind the numbers; none without units.
fn arm(arm: Arm, failures: &str, units: &str) -> Option<String> {
    let rate = arm.rate()?;
    Some(format!("{}{failures} of {}{units}", Percent(rate), Thousands(arm.units)))
}

/// `e = 5.2e4 ≥ 1000`, with as many digits as it takes to be true as written.
pub(crate) fn comparison(log_e: f64, alpha: Alpha) -> String {
    let (threshold, is_reached) = (1.0 / alpha.get(), alpha.is_reached_by(log_e));
    let limit = if threshold < 1e6 { trimmed(threshold, 0) } else { scientific(alpha.log_threshold(), 1) };
    let shown = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
    let agrees = |text: &String| (shown(text) >= shown(&limit)) == is_reached || !shown(text).is_finite();
    let e = (1..=6).map(|digits| e_value(log_e, digits)).find(agrees);
    let e = e.unwrap_or_else(|| e_value(log_e, 6));
    format!("e = {e} {} {limit}", if is_reached { '≥' } else { '<' })
}

/// An e-value with some digits behind its first: plain from 0.01 to 1000, else scientific.
fn e_value(log_e: f64, digits: usize) -> String {
    if log_e.is_nan() {
        return "unknown".to_owned();
    }
    if log_e == f64::INFINITY {
        return "∞".to_owned();
    }
    if log_e == f64::NEG_INFINITY {
        return "0".to_owned();
    }
    let e = log_e.exp();
    if (0.01..1000.0).contains(&e) { significant(e, digits + 1) } else { scientific(log_e, digits) }
}

/// `5.2e4` of a logarithm, also where the number itself does not fit in an `f64`.
fn scientific(log: f64, digits: usize) -> String {
    let decimal = log / std::f64::consts::LN_10;
    let exponent = decimal.floor();
    if exponent.abs() >= 1e15 {
        return if exponent > 0.0 { "∞".to_owned() } else { "0".to_owned() };
    }
    let mantissa = trimmed(10f64.powf(decimal - exponent), digits);
    if mantissa == "10" { format!("1e{}", exponent + 1.0) } else { format!("{mantissa}e{exponent}") }
}

/// A number above zero with so many digits that count, without zeros at its end.
fn significant(value: f64, digits: usize) -> String {
    let before = value.log10().floor() as i32 + 1;
    let behind = usize::try_from(digits as i32 - before).unwrap_or(0);
    trimmed(value, behind)
}

/// A number with at most so many digits behind the point, without zeros at its end.
fn trimmed(value: f64, behind: usize) -> String {
    let text = format!("{value:.behind$}");
    if behind == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

/// A share from 0 to 1 as `20.1 %`: one digit behind the point from 10 %, else two digits that count. Nothing but
/// none is 0 %, nothing but all is 100 %.
#[derive(Clone, Copy, Debug)]
pub struct Percent(pub f64);

impl Display for Percent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        if percent.is_nan() {
            return f.write_str("unknown");
        }
        if percent.is_infinite() || (percent != 0.0 && percent.abs() < 1e-4) {
            return write!(f, "{percent:.1e} %");
        }
        let text = if percent.abs() >= 10.0 {
            trimmed(percent, 1)
        } else if percent == 0.0 {
            "0".to_owned()
        } else {
            significant(percent, 2)
        };
        if text == "100" && percent < 100.0 { f.write_str("over 99.9 %") } else { write!(f, "{text} %") }
    }
}

/// A count as `3,710`.
#[derive(Clone, Copy, Debug)]
pub struct Thousands(pub u64);

impl Display for Thousands {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_in_words() {
        let arm = |units, failures| Arm { units, failures };
        let evidence = |canary, baseline, e: f64, alpha| Evidence {
            canary,
            baseline,
            max_log_e: e.ln(),
            alpha: Alpha::new(alpha).unwrap(),
        };
        for (evidence, expected) in [
            (
                evidence(arm(412, 83), arm(3_710, 15), 5.2e4, 0.001),
                "canary 20.1 % errors of 412 requests against 0.4 % of 3,710; e = 5.2e4 ≥ 1000",
            ),
            (
                evidence(arm(1_234_567, 1), arm(0, 0), 1.0, 0.05),
                "canary 8.1e-5 % errors of 1,234,567 requests against no requests; e = 1 < 20",
            ),
            (evidence(arm(0, 0), arm(10, 0), 0.0, 1e-9), "canary no requests against 0 % of 10; e = 0 < 1e9"),
            (
                evidence(arm(10_000, 9_999), arm(10, 10), f64::INFINITY, 0.01),
                "canary over 99.9 % errors of 10,000 requests against 100 % of 10; e = ∞ ≥ 100",
            ),
            (
                evidence(arm(1, 0), arm(1, 0), f64::NAN, 0.01),
                "canary 0 % errors of 1 requests against 0 % of 1; e = unknown < 100",
            ),
        ] {
            assert_eq!(evidence.words("errors", "requests"), expected);
        }
        let plain = evidence(arm(10, 1), arm(10, 0), 1.0, 0.05);
        assert_eq!(plain.to_string(), "canary 10 % failures of 10 units against 0 % of 10; e = 1 < 20");
    }

    #[test]
    fn what_is_written_is_true() {
        for (e, alpha, expected) in [
            (999.7, 0.001, "e = 999.7 < 1000"),
            (1000.4, 0.001, "e = 1e3 ≥ 1000"),
            (3_340.0, 0.000_3, "e = 3.34e3 ≥ 3333"),
            (19.99, 0.05, "e = 19.99 < 20"),
            (0.001_23, 0.05, "e = 1.2e-3 < 20"),
            (9.99e7, 0.05, "e = 1e8 ≥ 20"),
        ] {
            assert_eq!(comparison(f64::ln(e), Alpha::new(alpha).unwrap()), expected);
        }
        let huge = comparison(1e6, Alpha::new(0.05).unwrap());
        assert_eq!(huge, "e = 3e434294 ≥ 20");
        assert_eq!(comparison(-1e300, Alpha::new(0.05).unwrap()), "e = 0 < 20");
    }

    #[test]
    fn shares_as_percent() {
        for (share, expected) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.999_99, "over 99.9 %"),
            (0.5, "50 %"),
            (0.201_46, "20.1 %"),
            (0.099_9, "10 %"),
            (0.004_04, "0.4 %"),
            (0.000_456, "0.046 %"),
            (1e-9, "1.0e-7 %"),
            (f64::NAN, "unknown"),
        ] {
            assert_eq!(Percent(share).to_string(), expected, "{share}");
        }
    }

    #[test]
    fn counts_by_thousands() {
        for (count, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (3_710, "3,710"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(Thousands(count).to_string(), expected);
        }
    }
}
