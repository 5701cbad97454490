//! What work answers with: values for later tasks, and whether an output matches.

use super::secret::Vault;
use crate::process::redact::Redactor;
use std::collections::BTreeMap;
use taskmaster_core::action::{OutputMatch, Outputs};
use taskmaster_core::id::TaskId;
use taskmaster_core::journal::OutputValue;
use zeroize::Zeroizing;

/// Stored outputs are values, not data: together at most 256 KiB of JSON.
const MAX_STORED: usize = 256 * 1024;

/// Outputs of an action.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) plain: BTreeMap<String, serde_json::Value>,
    pub(super) sensitive: BTreeMap<String, Zeroizing<String>>,
}

impl Values {
    /// Reads outputs from a standard output or body. The fault is one line for people, and holds
    /// nothing of the text.
    pub(super) fn read(kind: &Outputs, bytes: &[u8]) -> Result<Self, String> {
        let values = match kind {
            Outputs::Json => json(bytes)?,
            Outputs::Lines => lines(bytes)?,
            Outputs::Terraform(_) => terraform(bytes)?,
        };
        let size: usize = values.plain.iter().map(|(name, value)| name.len() + value.to_string().len()).sum();
        if size > MAX_STORED {
            return Err(format!("its outputs take {size} bytes, more than the {MAX_STORED} that are kept"));
        }
        Ok(values)
    }

    /// Finds its sensitive values in texts.
    pub(super) fn redactor(&self, task: &TaskId) -> Option<Redactor> {
        let named = |(name, value): (&String, &Zeroizing<String>)| {
            (format!("output:{task}.{name}"), value.to_string())
        };
        let named: Vec<_> = self.sensitive.iter().map(named).collect();
        Redactor::new(named.iter().map(|(name, value)| (name.clone(), value.as_str())))
    }

    /// What is recorded. Sensitive values go to the vault, for this run.
    pub(super) fn hand_over(self, task: &TaskId, vault: &Vault) -> BTreeMap<String, OutputValue> {
        let mut outputs: BTreeMap<_, _> =
            self.plain.into_iter().map(|(name, value)| (name, OutputValue::Plain(value))).collect();
        for (name, value) in self.sensitive {
            vault.put(task, &name, value);
            outputs.insert(name, OutputValue::Sensitive);
        }
        outputs
    }

    /// Values that hold a secret of the attempt become sensitive themselves: they are handed on
    /// in this run and never stored.
    pub(super) fn hide(&mut self, redactor: &Redactor) {
        let hidden: Vec<String> = self
            .plain
            .iter()
            .filter(|(_, value)| {
                let shown = text_of(value);
                redactor.text(&shown) != *shown || redactor.text(&value.to_string()) != value.to_string()
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in hidden {
            if let Some(value) = self.plain.remove(&name) {
                self.sensitive.insert(name, text_of(&value));
            }
        }
    }
}

fn json(bytes: &[u8]) -> Result<Values, String> {
    let plain = serde_json::from_slice(bytes)
        .map_err(|fault| format!("its standard output is no JSON object: {}", place(&fault)))?;
    Ok(Values { plain, ..Values::default() })
}

/// `serde_json`'s own words may quote the text, which may be secret.
fn place(fault: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let kind = match fault.classify() {
        Category::Eof => "it ends too early",
        Category::Data => "another type was found",
        Category::Io | Category::Syntax => "syntax",
    };
    format!("{kind} at line {} column {}", fault.line(), fault.column())
}

fn lines(bytes: &[u8]) -> Result<Values, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "its standard output is not UTF-8".to_owned())?;
    let mut values = Values::default();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let pair = line.split_once('=').filter(|(name, _)| is_name(name.trim()));
        let Some((name, value)) = pair else {
            return Err(format!("line {} of its standard output is not `name=value`", number + 1));
        };
        values.plain.insert(name.trim().to_owned(), value.into());
    }
    Ok(values)
}

fn is_name(name: &str) -> bool {
    let start = name.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_');
    start && name.chars().all(|next| next.is_alphanumeric() || matches!(next, '_' | '-' | '.'))
}

fn terraform(bytes: &[u8]) -> Result<Values, String> {
    #[derive(serde::Deserialize)]
    struct Output {
        #[serde(default)]
        sensitive: bool,
        value: serde_json::Value,
    }
    let outputs: BTreeMap<String, Output> = serde_json::from_slice(bytes)
        .map_err(|fault| format!("this is no `terraform output -json`: {}", place(&fault)))?;
    let mut values = Values::default();
    for (name, output) in outputs {
        if output.sensitive {
            values.sensitive.insert(name, text_of(&output.value));
        } else {
            values.plain.insert(name, output.value);
        }
    }
    Ok(values)
}

/// A string as it is, everything else as JSON.
fn text_of(value: &serde_json::Value) -> Zeroizing<String> {
    Zeroizing::new(match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

/// Whether a text is one JSON value.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text.trim_end()).is_ok()
}

/// Why a text does not match, in one line that holds nothing of it; none where it does.
pub(super) fn mismatch(expected: &OutputMatch, text: &str) -> Option<String> {
    let text = text.trim_end();
    let found = match &expected.pointer {
        None => None,
        Some(pointer) => match serde_json::from_str::<serde_json::Value>(text) {
            Err(fault) => return Some(format!("the output is no JSON: {}", place(&fault))),
            Ok(value) => match value.pointer(pointer) {
                None => return Some(format!("the output has nothing at `{pointer}`")),
                Some(found) => Some(found.clone()),
            },
        },
    };
    let place = expected.pointer.as_ref().map_or_else(String::new, |pointer| format!(" at `{pointer}`"));
    if let Some(wanted) = &expected.equals {
        let equal = match &found {
            Some(found) => found == wanted,
            // The whole text is JSON where the expected value is more than a text.
            None => *text_of(wanted) == text || serde_json::from_str(text).ok().as_ref() == Some(wanted),
        };
        if !equal {
            return Some(format!("the output{place} is not {wanted}"));
        }
    }
    if let Some(part) = &expected.contains {
        let whole = found.as_ref().map_or_else(|| Zeroizing::new(text.to_owned()), text_of);
        if !whole.contains(part.as_str()) {
            return Some(format!("the output{place} does not contain {part:?}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matches(
        pointer: Option<&str>,
        equals: Option<serde_json::Value>,
        contains: Option<&str>,
        text: &str,
    ) -> bool {
        let expected =
            OutputMatch { pointer: pointer.map(Into::into), equals, contains: contains.map(Into::into) };
        mismatch(&expected, text).is_none()
    }

    #[test]
    fn matches_are_by_value() {
        let text = "{\"status\": {\"phase\": \"Ready\", \"n\": 3, \"all\": [true]}}\n";
        assert!(matches(Some("/status/phase"), Some(json!("Ready")), None, text));
        assert!(matches(Some("/status/n"), Some(json!(3)), None, text));
        assert!(!matches(Some("/status/n"), Some(json!("3")), None, text));
        assert!(matches(Some("/status/all/0"), Some(json!(true)), None, text));
        assert!(matches(Some("/status/phase"), None, Some("ead"), text));
        assert!(!matches(Some("/status/phase"), Some(json!("Ready")), Some("x"), text));
        assert!(!matches(Some("/nothing"), None, None, text));
        assert!(!matches(Some("/a"), None, None, "no json"));
        assert!(matches(None, Some(json!("done")), None, "done\n"));
        assert!(matches(None, Some(json!([])), None, "[ ]\n"));
        assert!(matches(None, None, Some("b c"), "a b c"));
    }

    #[test]
    fn outputs_in_all_their_notations() {
        let values = Values::read(&Outputs::Json, br#"{"a": 1, "b": {"c": "x"}}"#).unwrap();
        assert_eq!(values.plain["b"], json!({"c": "x"}));
        let values = Values::read(&Outputs::Lines, b"url=http://x?a=b\n\n empty =\n").unwrap();
        assert_eq!(
            values.plain,
            BTreeMap::from([("url".to_owned(), json!("http://x?a=b")), ("empty".to_owned(), json!("")),])
        );
        let step = taskmaster_core::action::Step {
            name: "output".into(),
            invocation: taskmaster_core::action::Invocation::Wait { duration_ms: 0 },
        };
        let text = br#"{"ip": {"sensitive": false, "type": "string", "value": "10.0.0.1"},
                        "password": {"sensitive": true, "value": "hunter22"}, "n": {"value": [1]}}"#;
        let values = Values::read(&Outputs::Terraform(Box::new(step)), text).unwrap();
        assert_eq!(values.plain.keys().collect::<Vec<_>>(), ["ip", "n"]);
        assert_eq!(values.sensitive["password"].as_str(), "hunter22");
    }

    #[test]
    fn faults_quote_nothing() {
        for (kind, text) in [
            (Outputs::Json, "[\"hunter22\"]"),
            (Outputs::Json, "\"hunter22\""),
            (Outputs::Json, "hunter22"),
            (Outputs::Lines, "hunter22"),
            (Outputs::Lines, "1=hunter22"),
            (Outputs::Lines, "a b=hunter22"),
        ] {
            let fault = Values::read(&kind, text.as_bytes()).unwrap_err();
            assert!(!fault.contains("hunter22"), "{fault}");
        }
        assert!(Values::read(&Outputs::Lines, b"a=\xff").is_err());
        let large = json!({ "a": "x".repeat(MAX_STORED) }).to_string();
        assert!(Values::read(&Outputs::Json, large.as_bytes()).unwrap_err().contains("bytes"));
    }

    #[test]
    fn a_value_that_holds_a_secret_is_one() {
        let redactor = Redactor::new([("env:S".to_owned(), "hunter22")]).unwrap();
        let mut values =
            Values::read(&Outputs::Json, br#"{"dsn": "pg://u:hunter22@h", "deep": ["hunter22"], "n": 1}"#)
                .unwrap();
        values.hide(&redactor);
        assert_eq!(values.plain.keys().collect::<Vec<_>>(), ["n"]);
        assert_eq!(values.sensitive["dsn"].as_str(), "pg://u:hunter22@h");
        assert_eq!(values.sensitive["deep"].as_str(), "[\"hunter22\"]");
    }
}
