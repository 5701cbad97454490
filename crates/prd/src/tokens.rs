//! Words with a form of their own at the start of an item: ids, dotted numbers, tags, priorities.

use crate::fields::IdForm;
use crate::scan::dotted_digits;
use crate::words;
use std::collections::{HashMap, HashSet};
use taskmaster_core::document::Priority;

/// When a dotted number after the box is an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dotted {
    /// `1.` and `1.1` are (Kiro, OpenSpec).
    Always,
    /// Only with two or more components.
    Several,
    /// Never.
    Never,
}

/// Which words at the start of an item are ids in one text.
#[derive(Clone, Debug)]
pub(crate) struct IdRules {
    /// For numbers.
    pub(crate) dotted: Dotted,
    /// Prefixes that the text gives several numbers.
    series: HashSet<String>,
}

/// Prefixes that say what they number: one of them is enough.
const KINDS: &[&str] =
    &["T", "TASK", "STORY", "EPIC", "FEAT", "BUG", "ISSUE", "US", "FR", "NFR", "REQ", "AC"];

/// Names of standards, which carry a number as part of the name, however many a text has of them.
const STANDARDS: &[&str] = &[
    "AES", "ANSI", "ASCII", "DIN", "ECMA", "FIPS", "HTTP", "IEC", "IEEE", "IPV", "ISO", "LATIN", "NIST",
    "OAUTH", "PKCS", "RFC", "RSA", "SHA", "SOC", "SSL", "TLS", "UCS", "USB", "UTC", "UTF", "WCAG", "X",
];

impl IdRules {
    /// Learns the series from the beginnings of items.
    pub(crate) fn new<'t>(dotted: Dotted, items: impl Iterator<Item = &'t str>) -> Self {
        let mut first: HashMap<&str, &str> = HashMap::new();
        let mut series = HashSet::new();
        for text in items {
            let text = text.trim_start().trim_start_matches("[P]").trim_start();
            let Some((id, Some(IdForm::Token), _)) =
                id_token(text.trim_start_matches(['*', '_', '~']), Dotted::Never)
            else {
                continue;
            };
            if *first.entry(prefix(id)).or_insert(id) != id {
                series.insert(prefix(id).to_owned());
            }
        }
        Self { dotted, series }
    }

    /// An id at the start of `text`, as [`id_token`]: a word with a number is one only where the
    /// text shows that it numbers things, since `UTF-8` and `GPT-4` are written in the same way.
    pub(crate) fn id<'t>(&self, text: &'t str) -> Option<(&'t str, Option<IdForm>, &'t str)> {
        id_token(text, self.dotted)
            .filter(|(id, form, after)| *form != Some(IdForm::Token) || self.numbers_things(id, after))
    }

    fn numbers_things(&self, id: &str, after: &str) -> bool {
        let prefix = prefix(id);
        let name = prefix.trim_end_matches(|c: char| c.is_ascii_digit());
        !id.contains('-')
            || KINDS.contains(&name)
            || (!STANDARDS.contains(&name) && (self.series.contains(prefix) || is_set_off(after)))
    }
}

/// True where all of `text` is an id by its form alone: `T001`, `TASK-12`.
pub(crate) fn names_a_kind(text: &str) -> bool {
    let rules = IdRules { dotted: Dotted::Never, series: HashSet::new() };
    matches!(rules.id(text), Some((_, Some(IdForm::Token), "")))
}

/// `PROJ` of `PROJ-12`; all of `T001`.
fn prefix(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}

/// True where a colon or a dash parts the id from the title.
fn is_set_off(after: &str) -> bool {
    let after = after.trim_start_matches(['*', '_', '~']);
    after.starts_with(':') || [": ", "- ", "– ", "— "].iter().any(|mark| after.trim_start().starts_with(mark))
}

/// An id at the start of `text`: the token, its form (none for a placeholder) and what follows.
pub(crate) fn id_token(text: &str, dotted: Dotted) -> Option<(&str, Option<IdForm>, &str)> {
    let end = text.bytes().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'-').count();
    let (token, mut rest) = text.split_at(end);
    let numbered = token.strip_prefix('T').filter(|n| n.len() >= 3);
    let mut id = token;
    if numbered.is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
        && rest.starts_with(|c: char| c.is_ascii_lowercase())
    {
        (id, rest) = text.split_at(end + 1);
    }
    if !ends_token(rest) {
        return dotted_id(text, dotted);
    }
    if numbered.is_some_and(|n| n.bytes().all(|b| b == b'X')) {
        return Some((id, None, rest));
    }
    let is_id = numbered.is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())) || is_grouped(token);
    if is_id { Some((id, Some(IdForm::Token), rest)) } else { dotted_id(text, dotted) }
}

/// `TASK-001`, `T-S012-P01-002`: groups of capitals and digits, ending in digits.
fn is_grouped(token: &str) -> bool {
    token.contains('-')
        && token.starts_with(|c: char| c.is_ascii_uppercase())
        && token.ends_with(|c: char| c.is_ascii_digit())
        && token.split('-').all(|group| !group.is_empty())
}

fn ends_token(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || matches!(c, ':' | '*' | '_' | '~'))
}

fn dotted_id(text: &str, dotted: Dotted) -> Option<(&str, Option<IdForm>, &str)> {
    let (number, rest) = dotted_number(text)?;
    let counts = match dotted {
        Dotted::Always => true,
        Dotted::Several => number.contains('.'),
        Dotted::Never => false,
    };
    counts.then_some((number, Some(IdForm::Dotted), rest))
}

/// `1.`, `1.1`, `1.1.` followed by white space, without the final dot.
pub(crate) fn dotted_number(text: &str) -> Option<(&str, &str)> {
    let (number, rest) = dotted_digits(text)?;
    let after = rest.strip_prefix('.');
    let rest = after.or_else(|| number.contains('.').then_some(rest))?;
    (rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == '*')).then_some((number, rest))
}

/// `P0` to `P4`.
pub(crate) fn priority_level(text: &str) -> Option<Priority> {
    let level = text.strip_prefix('P')?;
    matches!(level, "0" | "1" | "2" | "3" | "4").then(|| words::priority(text)).flatten()
}

/// `US1`, `US1,US2`, `AS`, `P`: capitals and digits.
pub(crate) fn is_tag_list(text: &str) -> bool {
    text.split(',').map(str::trim).all(|tag| {
        tag.starts_with(|c: char| c.is_ascii_uppercase())
            && tag.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
    })
}

pub(crate) fn tag_follows(after: &str) -> bool {
    after[1..].split_once(']').is_some_and(|(inside, _)| inside.len() < 64 && is_tag_list(inside))
}
