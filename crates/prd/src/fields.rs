//! Fields of an item: what may be written about it, and the forms `Key: value` and `key:: value`.

use crate::blocks::Inline;
use crate::scan::{offset_in, squeeze, strip_word};
use crate::words;
use std::collections::BTreeMap;
use taskmaster_core::document::{Estimate, Priority};
use taskmaster_core::text::Span;

/// A piece of text and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// As written.
    pub(crate) text: String,
    /// Its bytes in the source.
    pub(crate) span: Span,
}

/// Forms of an explicit id, the one that counts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum IdForm {
    /// `{#id}`
    Attribute,
    /// `[id:: x]`
    Dataview,
    /// `🆔 x`
    Emoji,
    /// `<!-- id: x -->`
    Comment,
    /// `T001`, `TASK-1`
    Token,
    /// `1.1`
    Dotted,
    /// ` ^x`
    Block,
}

/// `Requires: …`: dependencies, or a detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prerequisite {
    /// The value.
    pub(crate) value: Written,
    /// The field as a detail.
    pub(crate) detail: String,
    /// How many details of the task stand before it.
    pub(crate) place: usize,
}

/// Everything an item says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields {
    /// Text without what became a field.
    pub(crate) title: String,
    /// The id in the form that counts first.
    pub(crate) id: Option<(IdForm, Written)>,
    /// `TXXX`.
    pub(crate) placeholder: Option<Span>,
    /// Values of dependency fields.
    pub(crate) dependencies: Vec<Written>,
    /// Values of `requires` and `needs`, which may be prose.
    pub(crate) prerequisites: Vec<Prerequisite>,
    /// `[P]`.
    pub(crate) parallel: bool,
    /// Values of `parallel with`.
    pub(crate) parallel_with: Vec<Written>,
    /// References to requirements.
    pub(crate) requirements: Vec<String>,
    /// Its priority.
    pub(crate) priority: Option<Priority>,
    /// Priorities that are not understood.
    pub(crate) bad_priorities: Vec<Written>,
    /// Working time.
    pub(crate) estimate: Option<Estimate>,
    /// Tags without `#`.
    pub(crate) tags: Vec<String>,
    /// Who does it.
    pub(crate) owner: Option<String>,
    /// `#12`.
    pub(crate) issue: Option<String>,
    /// Dates by name.
    pub(crate) dates: BTreeMap<String, String>,
    /// All of the title is struck through.
    pub(crate) struck: bool,
}

/// What kind of field a key names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Dependencies.
    Depends,
    /// Dependencies, where the value names tasks.
    Requires,
    /// Tasks at whose side it may run.
    ParallelWith,
    /// Requirements.
    Requirements,
    /// Requirements, after the word Requirements.
    Validates,
    /// Priority.
    Priority,
    /// Working time.
    Estimate,
    /// Tags.
    Tags,
    /// Owner.
    Owner,
    /// An explicit id.
    Id,
    /// A date, by its name in [`Fields::dates`].
    Date(&'static str),
}

/// Keys before a colon; longer ones before their own beginnings.
const KEYS: &[(&str, Key)] = &[
    ("depends on", Key::Depends),
    ("depends", Key::Depends),
    ("dependencies", Key::Depends),
    ("dependency", Key::Depends),
    ("blocked by", Key::Depends),
    ("requires", Key::Requires),
    ("needs", Key::Requires),
    ("after", Key::Depends),
    ("depende de", Key::Depends),
    ("dependencias", Key::Depends),
    ("abhängig von", Key::Depends),
    ("abhängigkeiten", Key::Depends),
    ("依赖于", Key::Depends),
    ("依赖", Key::Depends),
    ("의존성", Key::Depends),
    ("의존", Key::Depends),
    ("parallel with", Key::ParallelWith),
    ("requirements", Key::Requirements),
    ("requirement", Key::Requirements),
    ("satisfies", Key::Requirements),
    ("acs", Key::Requirements),
    ("ac", Key::Requirements),
    ("validates", Key::Validates),
    ("priority", Key::Priority),
    ("prioridad", Key::Priority),
    ("priorität", Key::Priority),
    ("优先级", Key::Priority),
    ("우선순위", Key::Priority),
    ("estimate", Key::Estimate),
    ("tags", Key::Tags),
    ("labels", Key::Tags),
    ("owner", Key::Owner),
    ("assignee", Key::Owner),
];

/// Keys that inside parentheses need no colon.
const PHRASES: &[&str] = &["depends on", "depende de", "abhängig von", "依赖于", "依赖", "의존"];

/// Keys before `::`, in lower case.
const DATAVIEW: &[(&str, Key)] = &[
    ("id", Key::Id),
    ("dependson", Key::Depends),
    ("depends", Key::Depends),
    ("blockedby", Key::Depends),
    ("priority", Key::Priority),
    ("estimate", Key::Estimate),
    ("tags", Key::Tags),
    ("owner", Key::Owner),
    ("assignee", Key::Owner),
    ("due", Key::Date("due")),
    ("scheduled", Key::Date("scheduled")),
    ("start", Key::Date("start")),
    ("created", Key::Date("created")),
    ("completion", Key::Date("done")),
    ("done", Key::Date("done")),
    ("cancelled", Key::Date("cancelled")),
    ("repeat", Key::Date("recurrence")),
    ("recurrence", Key::Date("recurrence")),
    ("oncompletion", Key::Date("on_completion")),
];

/// Longest key before `::`, in bytes, so that nested brackets are not searched again and again.
const LONGEST_DATAVIEW_KEY: usize = 16;

fn is_emphasis(c: char) -> bool {
    matches!(c, '*' | '_') || c.is_whitespace()
}

/// Reads all of `text` as `Key: value`, italics and bold around dropped.
pub(crate) fn whole(text: &str) -> Option<(Key, &str)> {
    let inner = text.trim_matches(is_emphasis);
    if let Some(field) = dataview(inner) {
        return Some(field);
    }
    if let Some(inside) = inner.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        return phrase(inside);
    }
    let (key, rest) = key(inner)?;
    let value = rest.trim_start_matches(is_emphasis).strip_prefix([':', '：'])?;
    checked(key, value.trim_matches(is_emphasis))
}

/// Reads what stands between parentheses as a field: a colon, or for some keys a space.
pub(crate) fn phrase(inside: &str) -> Option<(Key, &str)> {
    let inside = inside.trim();
    if let Some(field) = dataview(inside) {
        return Some(field);
    }
    if let Some(rest) = PHRASES.iter().find_map(|phrase| strip_word(inside, phrase)) {
        let value = rest.trim_start();
        let value = value
            .strip_prefix([':', '：'])
            .or_else(|| rest.starts_with(char::is_whitespace).then_some(value));
        return value.map(|value| (Key::Depends, value.trim()));
    }
    let (key, rest) = key(inside)?;
    let value = rest.trim_start().strip_prefix([':', '：'])?;
    checked(key, value.trim())
}

/// `key:: value`, with or without its brackets.
pub(crate) fn dataview(text: &str) -> Option<(Key, &str)> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let head = &inner.as_bytes()[..inner.len().min(LONGEST_DATAVIEW_KEY + 2)];
    let colons = head.windows(2).position(|pair| pair == b"::")?;
    let (name, value) = (&inner[..colons], &inner[colons + 2..]);
    let name: String = name.trim().to_lowercase().replace(['-', '_'], "");
    let (_, key) = DATAVIEW.iter().find(|(known, _)| *known == name)?;
    Some((*key, value.trim()))
}

/// True where `text` begins with a key and what may follow one.
pub(crate) fn begins(text: &str) -> bool {
    key(text).is_some_and(|(_, rest)| rest.trim_start_matches(is_emphasis).starts_with([':', '：']))
}

fn key(text: &str) -> Option<(Key, &str)> {
    KEYS.iter().find_map(|(word, key)| {
        let rest = strip_word(text, word)?;
        let whole = !rest.chars().next().is_some_and(char::is_alphanumeric);
        whole.then_some((*key, rest))
    })
}

/// Some keys are ordinary words, and count only with a value that fits.
fn checked(key: Key, value: &str) -> Option<(Key, &str)> {
    match key {
        Key::Validates => {
            let rest = strip_word(value, "requirements").or_else(|| strip_word(value, "requirement"))?;
            Some((Key::Requirements, rest.trim_start_matches([':', ' '])))
        }
        Key::Estimate => words::estimate(value).map(|_| (key, value)),
        _ => Some((key, value)),
    }
}

/// Without the emphasis, quotes and backticks around it.
pub(crate) fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| is_emphasis(c) || matches!(c, '`' | '"' | '\'' | '“' | '”'))
}

impl Fields {
    /// Takes a field in. `value` is a slice of the text of `inline`.
    pub(crate) fn take(&mut self, key: Key, value: &str, inline: &Inline) {
        let at = offset_in(&inline.text, value);
        let written = || Written { text: value.to_owned(), span: inline.span(at..at + value.len()) };
        match key {
            Key::Depends => self.dependencies.push(written()),
            Key::Requires => self.prerequisites.push(Prerequisite {
                value: written(),
                detail: format!("{}: {}", prerequisite_key(&inline.text[..at]), squeeze(value)),
                place: 0,
            }),
            Key::ParallelWith => self.parallel_with.push(written()),
            Key::Requirements | Key::Validates => self.requirements.extend(references(value)),
            Key::Priority => match words::priority(value) {
                Some(priority) => self.priority = self.priority.or(Some(priority)),
                None => self.bad_priorities.push(written()),
            },
            Key::Estimate => self.estimate = self.estimate.take().or_else(|| words::estimate(value)),
            Key::Tags => value.split([',', ';', ' ']).for_each(|tag| self.tag(tag)),
            Key::Owner => self.owner(value.trim_start_matches('@')),
            Key::Id => self.id(IdForm::Dataview, written()),
            Key::Date(name) => {
                self.dates.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            }
        }
    }

    /// Takes in a field that stands below the task, behind `details` of its details.
    pub(crate) fn take_below(&mut self, key: Key, value: &str, inline: &Inline, details: usize) {
        let before = self.prerequisites.len();
        self.take(key, value, inline);
        self.prerequisites[before..].iter_mut().for_each(|new| new.place = details);
    }

    /// Notes an id, if none of an earlier form is known.
    pub(crate) fn id(&mut self, form: IdForm, id: Written) {
        if !id.text.is_empty() && self.id.as_ref().is_none_or(|(known, _)| form < *known) {
            self.id = Some((form, id));
        }
    }

    /// Notes a tag; `#task` is Obsidian's mark of a task and says nothing more.
    pub(crate) fn tag(&mut self, tag: &str) {
        let tag = bare(tag).trim_start_matches('#');
        if !tag.is_empty() && tag != "task" && !self.tags.iter().any(|known| known == tag) {
            self.tags.push(tag.to_owned());
        }
    }

    /// Notes an owner; several are joined.
    pub(crate) fn owner(&mut self, name: &str) {
        let name = bare(name);
        match &mut self.owner {
            _ if name.is_empty() => {}
            Some(known) if known.split(", ").any(|one| one == name) => {}
            Some(known) => {
                known.push_str(", ");
                known.push_str(name);
            }
            none => *none = Some(name.to_owned()),
        }
    }
}

/// The key as it is written before its value.
fn prerequisite_key(before: &str) -> &str {
    let key = before.trim_end_matches(|c: char| !c.is_alphabetic());
    key.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default()
}

/// References to requirements: split at commas, and at spaces where every word is a number or id.
pub(crate) fn references(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    for piece in value.split([',', ';', '，', '、']) {
        let piece = bare(piece);
        let words = || piece.split_whitespace().filter(|word| !matches!(*word, "and" | "&" | "+"));
        let all_ids = words().all(|word| word.contains(|c: char| c.is_ascii_digit()));
        if all_ids {
            found.extend(words().map(|word| bare(word).to_owned()));
        } else {
            found.push(piece.to_owned());
        }
    }
    found.retain(|reference| !reference.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_fields() {
        assert_eq!(whole("Depends on: T001, T002"), Some((Key::Depends, "T001, T002")));
        assert_eq!(whole("**Depends on**: T001"), Some((Key::Depends, "T001")));
        assert_eq!(whole("_Requirements: 4.1, 4.2_"), Some((Key::Requirements, "4.1, 4.2")));
        assert_eq!(whole("**Validates: Requirements 1.6, 4.1**"), Some((Key::Requirements, "1.6, 4.1")));
        assert_eq!(whole("Validates: the input"), None);
        assert_eq!(whole("依赖：T001"), Some((Key::Depends, "T001")));
        assert_eq!(whole("(after: T1)"), Some((Key::Depends, "T1")));
        assert_eq!(whole("priority:: high"), Some((Key::Priority, "high")));
        assert_eq!(whole("Estimate: soon"), None);
        assert_eq!(whole("After that, stop"), None);
        assert_eq!(whole("Action: x"), None);
    }

    #[test]
    fn phrases_in_parentheses() {
        assert_eq!(phrase("depends on T012, T013"), Some((Key::Depends, "T012, T013")));
        assert_eq!(phrase("after IPv6 fix"), None);
        assert_eq!(phrase("after: T1"), Some((Key::Depends, "T1")));
        assert_eq!(phrase("AC: 1, 2"), Some((Key::Requirements, "1, 2")));
        assert_eq!(phrase("dependsOn:: a,b"), Some((Key::Depends, "a,b")));
        assert_eq!(phrase("see below"), None);
    }

    #[test]
    fn references_are_split_where_they_are_ids() {
        assert_eq!(references("1.6, 4.1 and 4.2"), ["1.6", "4.1", "4.2"]);
        assert_eq!(references("FR-001; the login page"), ["FR-001", "the login page"]);
        assert_eq!(references(" , "), [""; 0]);
    }
}
