//! Views as JSON: `schema_version`, `view`, the facts, and what follows from them.

use super::SCHEMA_VERSION;
use serde::Serialize;
use taskmaster_core::text::turns_text;

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

/// JSON on several lines, in which all that a terminal obeys or that turns text around is escaped: nothing is lost for a
/// program, and a person sees it.
pub fn pretty(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(escaped)
}

/// The same on one line.
pub fn line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(escaped)
}

/// Outside of strings JSON has none of these characters.
fn escaped(json: String) -> String {
    let is_bad = |c: char| (c.is_control() && c != '\n') || turns_text(c);
    if !json.contains(is_bad) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        match is_bad(c) {
            true => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_means_the_same() {
        let text = "a\u{9b}31m\u{7f}\u{202e}b\n\"\\ \u{1b}\u{200f}ü";
        let json = pretty(&[text]).unwrap();
        assert_eq!(json, "[\n  \"a\\u009b31m\\u007f\\u202eb\\n\\\"\\\\ \\u001b\\u200fü\"\n]");
        assert_eq!(serde_json::from_str::<[String; 1]>(&json).unwrap(), [text]);
        assert_eq!(line(&text).unwrap().lines().count(), 1);
    }
}
