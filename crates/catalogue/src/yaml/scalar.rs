//! Scalars and their meaning by the core schema of YAML 1.2.

use serde_json::Value as Json;

/// A scalar as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scalar {
    /// Its text, without quotes and with escapes resolved.
    pub(crate) text: String,
    /// Written without quotes and not as a block: only then it may mean a number or a truth value.
    pub(crate) plain: bool,
}

impl Scalar {
    /// True for `null`, `~` and nothing at all.
    pub(crate) fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// The truth value it means, if it means one.
    pub(crate) fn boolean(&self) -> Option<bool> {
        match self.text.as_str() {
            "true" | "True" | "TRUE" if self.plain => Some(true),
            "false" | "False" | "FALSE" if self.plain => Some(false),
            _ => None,
        }
    }

    /// The whole number it means, if it means one.
    pub(crate) fn integer(&self) -> Option<i64> {
        if !self.plain {
            return None;
        }
        let text = self.text.as_str();
        if let Some(digits) = text.strip_prefix("0x") {
            return digits_of(digits, 16);
        }
        if let Some(digits) = text.strip_prefix("0o") {
            return digits_of(digits, 8);
        }
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        text.strip_prefix('+').unwrap_or(text).parse().ok()
    }

    /// True of a whole number in decimal, however large.
    pub(crate) fn has_only_digits(&self) -> bool {
        let unsigned = self.text.strip_prefix(['+', '-']).unwrap_or(&self.text);
        self.plain && !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit())
    }

    /// The fraction it means, if it means one. Infinities and NaN stay texts: JSON has none.
    pub(crate) fn float(&self) -> Option<f64> {
        let number_like =
            self.text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
        let has_digit = self.text.bytes().any(|b| b.is_ascii_digit());
        if !self.plain || !number_like || !has_digit {
            return None;
        }
        self.text.parse::<f64>().ok().filter(|number| number.is_finite())
    }

    /// The JSON value it means.
    pub(crate) fn json(&self) -> Json {
        if self.is_null() {
            return Json::Null;
        }
        if let Some(truth) = self.boolean() {
            return Json::Bool(truth);
        }
        if let Some(number) = self.integer() {
            return Json::from(number);
        }
        match self.float() {
            Some(number) => Json::from(number),
            None => Json::String(self.text.clone()),
        }
    }

    /// What it is, in words for a message.
    pub(crate) fn describe(&self) -> &'static str {
        match self.json() {
            Json::Null => "nothing",
            Json::Bool(_) => "a truth value",
            Json::Number(_) => "a number",
            _ => "a text",
        }
    }
}

fn digits_of(digits: &str, radix: u32) -> Option<i64> {
    let valid = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    valid.then(|| i64::from_str_radix(digits, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_mean_what_the_core_schema_says() {
        let plain = |text: &str| Scalar { text: text.into(), plain: true }.json();
        assert_eq!(plain("~"), Json::Null);
        assert_eq!(plain(""), Json::Null);
        assert_eq!(plain("True"), json!(true));
        assert_eq!(plain("no"), json!("no"), "not YAML 1.1");
        assert_eq!(plain("007"), json!(7));
        assert_eq!(plain("-12"), json!(-12));
        assert_eq!(plain("0x1F"), json!(31));
        assert_eq!(plain("0o17"), json!(15));
        assert_eq!(plain("1.5e3"), json!(1500.0));
        assert_eq!(plain("1.2.3"), json!("1.2.3"), "a version is a text");
        assert_eq!(plain(".inf"), json!(".inf"));
        assert_eq!(plain("-"), json!("-"));
        assert_eq!(plain("1e999"), json!("1e999"));
        for text in ["5", "1.5", "true", "FALSE", "null", ""] {
            assert_eq!(Scalar { text: text.into(), plain: false }.json(), json!(text), "quoted");
        }
    }
}
