//! Front matter: the YAML or TOML before the text.
//!
//! A fault in it is a warning, and the Markdown below is read all the same. A block that is no
//! mapping but holds a box is Markdown between two thematic breaks, so that no work is lost in it.

use crate::marks::stray_box;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use taskmaster_core::diagnostic::{Diagnostic, did_you_mean};
use taskmaster_core::document::{Claim, Dialect, Ordering};
use taskmaster_core::text::Span;

/// More than any real front matter; keeps YAML's aliases from multiplying.
const MAX_BYTES: usize = 64 * 1024;

/// What stands before the text.
#[derive(Debug, Default)]
pub(crate) struct FrontMatter {
    /// The mapping, keys as written.
    pub(crate) values: Map<String, Value>,
    /// Its bytes with both fences; empty where there is none.
    pub(crate) span: Span,
    /// Where the Markdown begins.
    pub(crate) body: usize,
    keys: HashMap<String, Span>,
}

/// Reads the front matter of `text`.
pub(crate) fn read(text: &str, found: &mut Vec<Diagnostic>) -> FrontMatter {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let none = FrontMatter { body: start, ..FrontMatter::default() };
    let Some(fence) =
        ["---", "+++"].into_iter().find(|fence| first_line(&text[start..]).trim_end() == *fence)
    else {
        return none;
    };
    let opening = Span::new(start, start + 3);
    let Some((inner, end)) = enclosed(text, start, fence) else {
        if fence == "+++" || first_line(after_line(&text[start..])).contains(':') {
            found.push(
                Diagnostic::warning(
                    "front-matter",
                    opening,
                    format!("front matter without a closing `{fence}`"),
                )
                .help(format!("close it with a line `{fence}`, or put an empty line before the text")),
            );
        }
        return none;
    };
    let block = &text[inner.start..inner.end];
    let values = if block.len() > MAX_BYTES {
        Err(format!("front matter of {} bytes; at most {MAX_BYTES} are read", block.len()))
    } else if fence == "---" {
        yaml(block)
    } else {
        toml_table(block)
    };
    let span = Span::new(start, end);
    match values {
        Ok(values) => FrontMatter { keys: key_spans(text, inner), values, span, body: end },
        Err(fault) => {
            found.push(
                Diagnostic::warning(
                    "front-matter",
                    opening,
                    format!("front matter that cannot be read: {fault}"),
                )
                .help("it must be a mapping of keys to values; without it the text is still read"),
            );
            let has_boxes = block.lines().any(|line| stray_box(line).is_some());
            if has_boxes { none } else { FrontMatter { span, body: end, ..FrontMatter::default() } }
        }
    }
}

fn first_line(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default()
}

fn after_line(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, rest)| rest)
}

/// The bytes between the fences, and where the line of the closing one ends.
fn enclosed(text: &str, start: usize, fence: &str) -> Option<(Span, usize)> {
    let inner = start + first_line(&text[start..]).len() + 1;
    let mut at = inner;
    while at < text.len() {
        let line = first_line(&text[at..]);
        let end = (at + line.len() + 1).min(text.len());
        if line.trim_end() == fence || (fence == "---" && line.trim_end() == "...") {
            return Some((Span::new(inner, at), end));
        }
        at = end;
    }
    None
}

fn yaml(block: &str) -> Result<Map<String, Value>, String> {
    if block.trim().is_empty() {
        return Ok(Map::new());
    }
    let value: serde_yaml::Value = serde_yaml::from_str(block).map_err(|fault| fault.to_string())?;
    match from_yaml(value) {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => Err("it is no mapping".to_owned()),
    }
}

/// Depth is bounded by the YAML reader's own recursion limit.
fn from_yaml(value: serde_yaml::Value) -> Value {
    match value {
        serde_yaml::Value::Null => Value::Null,
        serde_yaml::Value::Bool(flag) => Value::Bool(flag),
        serde_yaml::Value::Number(number) => {
            serde_json::to_value(&number).unwrap_or_else(|_| Value::String(number.to_string()))
        }
        serde_yaml::Value::String(text) => Value::String(text),
        serde_yaml::Value::Sequence(items) => Value::Array(items.into_iter().map(from_yaml).collect()),
        serde_yaml::Value::Mapping(map) => Value::Object(
            map.into_iter().map(|(key, value)| (as_text(&from_yaml(key)), from_yaml(value))).collect(),
        ),
        serde_yaml::Value::Tagged(tagged) => from_yaml(tagged.value),
    }
}

fn toml_table(block: &str) -> Result<Map<String, Value>, String> {
    let table: toml::Table = toml::from_str(block).map_err(|fault| fault.message().to_owned())?;
    Ok(table.into_iter().map(|(key, value)| (key, from_toml(value))).collect())
}

/// Depth is bounded by the TOML reader's own recursion limit.
fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)
            .map_or_else(|| Value::String(number.to_string()), Value::Number),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(items) => Value::Array(items.into_iter().map(from_toml).collect()),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key, from_toml(value))).collect())
        }
    }
}

/// The first line of each key at the outermost level, for places of findings.
fn key_spans(text: &str, inner: Span) -> HashMap<String, Span> {
    let mut keys = HashMap::new();
    let mut at = inner.start;
    for line in text[inner.start..inner.end].split('\n') {
        if let Some(split) = line.find([':', '=']).filter(|_| !line.starts_with([' ', '\t', '#', '-'])) {
            let key = line[..split].trim().trim_matches(['"', '\'']).to_lowercase();
            keys.entry(key).or_insert(Span::new(at, at + line.trim_end().len()));
        }
        at += line.len() + 1;
    }
    keys
}

/// A scalar as its text; lists joined by commas.
pub(crate) fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(as_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

impl FrontMatter {
    /// The value of `key`, letter case ignored.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key).or_else(|| {
            self.values.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
        })
    }

    /// The value of `key` as text, if it is there and says something.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.get(key).map(as_text).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The value of `key` as a list; a text is split at its commas.
    pub(crate) fn list(&self, key: &str) -> Vec<String> {
        let items: Vec<String> = match self.get(key) {
            Some(Value::Array(items)) => items.iter().map(as_text).collect(),
            Some(other) => as_text(other).split(',').map(str::to_owned).collect(),
            None => Vec::new(),
        };
        items.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    }

    /// Where `key` stands.
    pub(crate) fn key_span(&self, key: &str) -> Option<Span> {
        self.keys.get(key).copied()
    }

    /// Owners and authors.
    pub(crate) fn owners(&self) -> Vec<String> {
        let mut owners = Vec::new();
        for name in ["owner", "owners", "author", "authors", "assignee"].iter().flat_map(|key| self.list(key))
        {
            if !owners.contains(&name) {
                owners.push(name);
            }
        }
        owners
    }

    /// Dates as written.
    pub(crate) fn dates(&self) -> BTreeMap<String, String> {
        self.values
            .iter()
            .filter(|(key, _)| {
                let key = key.to_lowercase();
                key == "date" || key.starts_with("created") || key.starts_with("updated")
            })
            .map(|(key, value)| (key.clone(), as_text(value)))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    /// `dialect:`, or a warning when it is none of ours.
    pub(crate) fn dialect(&self, found: &mut Vec<Diagnostic>) -> Option<Dialect> {
        self.choice("dialect", "unknown-dialect", DIALECTS, found)
    }

    /// `ordering:`, or a warning when it is none of ours.
    pub(crate) fn ordering(&self, found: &mut Vec<Diagnostic>) -> Option<Ordering> {
        self.choice("ordering", "unknown-ordering", ORDERINGS, found)
    }

    /// `marks:`, what the author's own marks mean.
    pub(crate) fn marks(&self, found: &mut Vec<Diagnostic>) -> HashMap<char, Claim> {
        let mut marks = HashMap::new();
        let Some(map) = self.get("marks") else { return marks };
        for (key, value) in map.as_object().into_iter().flatten() {
            let mut chars = key.chars();
            let claim = claim(&as_text(value));
            if let (Some(mark), None, Some(claim)) = (chars.next(), chars.next(), claim) {
                marks.insert(mark, claim);
                continue;
            }
            let message = format!("`marks` cannot say that `{key}` is `{}`", as_text(value));
            found.push(
                Diagnostic::warning("unknown-mark-meaning", self.key_span("marks"), message)
                    .help("write one character, and pending, in_progress, completed or cancelled: `marks: {\"-\": cancelled}`"),
            );
        }
        marks
    }

    fn choice<T: Copy>(
        &self,
        key: &str,
        code: &'static str,
        names: &[(&'static str, T)],
        found: &mut Vec<Diagnostic>,
    ) -> Option<T> {
        let wanted = self.text(key)?;
        let hit = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(&wanted.replace('_', "-")));
        if hit.is_none() {
            let known = names.iter().map(|(name, _)| *name);
            let help = match did_you_mean(&wanted, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("one of: {}", known.collect::<Vec<_>>().join(", ")),
            };
            let message = format!("`{wanted}` is no {key}");
            found.push(Diagnostic::warning(code, self.key_span(key), message).help(help));
        }
        hit.map(|(_, value)| *value)
    }
}

/// Dialects by the name that the front matter and the flag use.
const DIALECTS: &[(&str, Dialect)] = &[
    ("plain", Dialect::Plain),
    ("spec-kit", Dialect::SpecKit),
    ("kiro", Dialect::Kiro),
    ("task-master", Dialect::TaskMaster),
    ("obsidian", Dialect::Obsidian),
    ("backlog", Dialect::Backlog),
    ("openspec", Dialect::OpenSpec),
    ("bmad", Dialect::Bmad),
];

const ORDERINGS: &[(&str, Ordering)] =
    &[("sequential", Ordering::Sequential), ("phases", Ordering::Phases), ("explicit", Ordering::Explicit)];

fn claim(name: &str) -> Option<Claim> {
    match name.trim().to_lowercase().replace('-', "_").as_str() {
        "pending" => Some(Claim::Pending),
        "in_progress" => Some(Claim::InProgress),
        "completed" => Some(Claim::Completed),
        "cancelled" => Some(Claim::Cancelled),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(found: &[Diagnostic]) -> Vec<&str> {
        found.iter().map(|d| d.code).collect()
    }

    #[test]
    fn yaml_after_a_byte_order_mark() {
        let text = "\u{feff}---\r\nid: X-1\r\nowners: [a, b]\r\nmarks: {\"-\": cancelled}\r\n---\r\n# T\r\n";
        let mut found = Vec::new();
        let front = read(text, &mut found);
        assert_eq!(front.text("id").as_deref(), Some("X-1"));
        assert_eq!(front.owners(), ["a", "b"]);
        assert_eq!(front.marks(&mut found).get(&'-'), Some(&Claim::Cancelled));
        assert_eq!(&text[front.body..], "# T\r\n");
        assert_eq!(front.key_span("id").map(|span| span.of(text)), Some("id: X-1"));
        assert_eq!(codes(&found), [""; 0]);
    }

    #[test]
    fn toml_with_a_date() {
        let text = "+++\ntitle = \"T\"\ndate = 2024-01-31\nordering = \"explizit\"\n+++\n";
        let mut found = Vec::new();
        let front = read(text, &mut found);
        assert_eq!(front.dates().get("date").map(String::as_str), Some("2024-01-31"));
        assert_eq!(front.ordering(&mut found), None);
        assert_eq!(codes(&found), ["unknown-ordering"]);
        assert_eq!(found[0].help.as_deref(), Some("did you mean `explicit`?"));
    }

    #[test]
    fn a_rule_at_the_start_is_no_front_matter_when_boxes_follow() {
        let text = "---\n- [ ] a\n- [ b\n---\nrest\n";
        let mut found = Vec::new();
        let front = read(text, &mut found);
        assert_eq!(front.body, 0);
        assert_eq!(codes(&found), ["front-matter"]);
    }

    #[test]
    fn aliases_that_multiply_are_refused() {
        let mut text = String::from("---\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..12 {
            let items = vec![format!("*a{}", i - 1); 10].join(", ");
            text.push_str(&format!("a{i}: &a{i} [{items}]\n"));
        }
        text.push_str("---\n- [ ] work\n");
        let mut found = Vec::new();
        let front = read(&text, &mut found);
        assert!(front.values.is_empty());
        assert_eq!(codes(&found), ["front-matter"]);
        assert_eq!(&text[front.body..], "- [ ] work\n");
    }
}
