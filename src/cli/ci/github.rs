//! Workflow commands of GitHub Actions.
//!
//! Its runner takes a line for a command that begins with `::`, after white space, and one that holds `##[`
//! anywhere (an older form that still works). Standard output and standard error are read alike.

use crate::report::view::DiagnosticView;
use std::borrow::Cow;
use taskmaster_core::diagnostic::Severity;

/// So many annotations of one kind are shown for a step; GitHub drops the others without a word.
const MOST: usize = 10;
/// Bytes of a message. The log has the whole of it.
const LONGEST: usize = 4_000;
/// A character without width: it parts what would be a command. It is no white space, so it is not trimmed away.
const PARTS: char = '\u{200b}';

/// How many annotations of each kind are left for this step.
#[derive(Debug)]
pub(super) struct Budget([usize; 3]);

impl Budget {
    pub(super) const fn new() -> Self {
        Self([MOST; 3])
    }

    /// True where there is room for one more.
    pub(super) fn take(&mut self, severity: Severity) -> bool {
        let left = &mut self.0[severity as usize % 3];
        let has_room = *left > 0;
        *left = left.saturating_sub(1);
        has_room
    }
}

/// `::error file=…,line=…,col=…,title=…::message`
pub(super) fn annotation(finding: &DiagnosticView) -> String {
    let kind = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let place = [
        ("file", finding.path.clone()),
        ("line", finding.line.map(|line| line.to_string())),
        ("col", finding.column.map(|column| column.to_string())),
        ("title", Some(finding.code.clone())),
    ];
    let given = place.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", property(&value?))));
    let given: Vec<String> = given.collect();
    let help = finding.help.as_ref().filter(|help| !help.is_empty());
    let help = help.map_or_else(String::new, |help| format!("\nhelp: {help}"));
    format!("::{kind} {}::{}", given.join(","), data(&format!("{}{help}", finding.message)))
}

/// The beginning of lines that fold.
pub(super) fn group(title: &str) -> String {
    format!("::group::{}", data(title))
}

/// Its end.
pub(super) const END_GROUP: &str = "::endgroup::";

/// A message: what would end it is written as its number.
fn data(text: &str) -> String {
    let clean = crate::report::clean_lines(text).join("\n");
    let end = clean.floor_char_boundary(LONGEST);
    clean[..end].replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property: commas and colons would end it, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Text in which no line is a command.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains("##[") && !text.contains("::") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    // A carriage return ends a line, too.
    for line in text.split_inclusive(['\n', '\r']) {
        let words = line.trim_start();
        if words.starts_with("::") {
            out.push_str(&line[..line.len() - words.len()]);
            out.push(PARTS);
            out.push_str(&words.replace("##[", &format!("##{PARTS}[")));
        } else {
            out.push_str(&line.replace("##[", &format!("##{PARTS}[")));
        }
    }
    Cow::Owned(out)
}

/// JSON that says the same, in which no line is a command: `##[` stands inside of strings only, and no line of JSON
/// begins with a colon.
pub(super) fn harmless_json(text: &str) -> Cow<'_, str> {
    match text.contains("##[") {
        true => Cow::Owned(text.replace("##[", "##\\u005b")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(message: &str) -> DiagnosticView {
        DiagnosticView {
            code: "a-code".to_owned(),
            severity: Severity::Warning,
            message: message.to_owned(),
            path: Some("prd/a,b:c 100%.md".to_owned()),
            line: Some(3),
            column: Some(7),
            help: Some("do\nthis".to_owned()),
        }
    }

    /// What the runner's own reader would make of a line: kind, properties and message.
    fn read(line: &str) -> (String, Vec<(String, String)>, String) {
        let rest = line.strip_prefix("::").expect("a command");
        let (head, message) = rest.split_once("::").expect("a message");
        let (kind, properties) = head.split_once(' ').unwrap_or((head, ""));
        let data = |text: &str| text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
        let value = |text: &str| {
            let text = text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",");
            text.replace("%25", "%")
        };
        let split = |pair: &str| pair.split_once('=').map(|(name, text)| (name.to_owned(), value(text)));
        (kind.to_owned(), properties.split(',').filter_map(split).collect(), data(message))
    }

    #[test]
    fn the_runner_reads_what_was_meant() {
        let line = annotation(&finding("50% of 1:2, or\r\n::error::x"));
        assert!(!line.contains('\n') && !line.contains('\r'));
        let (kind, properties, message) = read(&line);
        assert_eq!(kind, "warning");
        let expected = [("file", "prd/a,b:c 100%.md"), ("line", "3"), ("col", "7"), ("title", "a-code")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(properties, expected);
        assert_eq!(message, "50% of 1:2, or\n::error::x\nhelp: do\nthis");
        assert_eq!(
            annotation(&DiagnosticView { path: None, line: None, column: None, help: None, ..finding("x") }),
            "::warning title=a-code::x"
        );
    }

    #[test]
    fn a_long_message_is_cut() {
        assert!(annotation(&finding(&"ä%".repeat(10_000))).len() < 4 * LONGEST);
    }

    /// By the rules of the runner: white space is trimmed and `::` looked for, then `##[` anywhere.
    fn is_command(text: &str) -> bool {
        let v2 = |line: &str| {
            let line = line.trim_start();
            line.strip_prefix("::").is_some_and(|rest| rest.contains("::"))
        };
        let v1 = |line: &str| line.split_once("##[").is_some_and(|(_, rest)| rest.contains(']'));
        text.split(['\n', '\r']).any(|line| v2(line) || v1(line))
    }

    #[test]
    fn no_line_is_a_command() {
        let rows = [
            "::set-env name=PATH::/tmp",
            "  \t::add-mask::e",
            "a\r::stop-commands::x",
            "\u{a0}\u{3000}::error::x",
            "a\n::error::b\n\n::x::\n",
            "    | ##[set-output name=a]b",
            "##[##[add-mask]a",
            "::##[add-mask]a::",
            "\u{b}::error::x",
        ];
        for text in rows {
            assert!(is_command(text), "{text:?}");
            let shown = harmless(text);
            assert!(!is_command(&shown), "{shown:?}");
            assert_eq!(shown.replace(PARTS, ""), text, "nothing else changes");
        }
        for plain in ["a::b::c", "# x [y]", "", "##", "std::fs::read"] {
            assert_eq!(harmless(plain), plain);
        }
    }

    #[test]
    fn json_says_the_same() {
        let value = serde_json::json!({"title": "a ##[add-mask]b ##[", "##[x]": ["::error::x\n::y::"]});
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let shown = harmless_json(&text);
            assert!(!is_command(&shown), "{shown}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
    }

    #[test]
    fn so_many_annotations_are_made() {
        let mut budget = Budget::new();
        let taken = (0..30).filter(|_| budget.take(Severity::Error)).count();
        assert_eq!((taken, budget.take(Severity::Warning), budget.take(Severity::Error)), (10, true, false));
    }
}
