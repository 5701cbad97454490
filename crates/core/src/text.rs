//! Places in a text, and slugs.

use serde::{Deserialize, Serialize};

/// A half-open range of bytes `start..end` in one source text. Both ends lie on character borders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end, "a span runs forward");
        Self { start, end }
    }

    /// The bytes it names.
    pub fn of<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start..self.end]
    }
}

/// Maps byte offsets to lines and columns, both counted from 1, columns in characters.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    /// Reads `text` once; `\n` ends a line (so CRLF does too).
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1));
        Self { starts }
    }

    /// The line that holds byte `offset`, from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// Line and column of byte `offset` in the `text` this index was made from.
    pub fn line_column(&self, text: &str, offset: usize) -> (usize, usize) {
        let line = self.line(offset);
        let start = self.starts[line - 1];
        let end = offset.min(text.len());
        let column = text.get(start..end).map_or(1, |head| head.chars().count() + 1);
        (line, column)
    }
}

/// Longest slug, in characters.
pub const SLUG_MAX_CHARS: usize = 64;

/// Lower case; letters and digits of any script kept; each other run becomes one `-`; trimmed; if
/// longer than [`SLUG_MAX_CHARS`] characters cut at the last `-` among that many. May be empty.
///
/// ```
/// use taskmaster_core::text::slug;
/// assert_eq!(slug("Configure DNS (local hosts file)"), "configure-dns-local-hosts-file");
/// assert_eq!(slug("  🚀 "), "");
/// ```
pub fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut add = |c: char| {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    };
    for c in text.chars() {
        if c.is_ascii() {
            add(c.to_ascii_lowercase());
        } else {
            c.to_lowercase().for_each(&mut add);
        }
    }
    let trimmed = out.trim_end_matches('-');
    let Some((cut, _)) = trimmed.char_indices().nth(SLUG_MAX_CHARS) else {
        return trimmed.to_owned();
    };
    let head = &trimmed[..cut];
    head.rfind('-').map_or(head, |dash| &head[..dash]).to_owned()
}

/// `1 task`, `2 tasks`.
pub fn count(number: usize, singular: &str, plural: &str) -> String {
    format!("{number} {}", if number == 1 { singular } else { plural })
}

/// Marks that make a text read otherwise than it is stored (the "Trojan source"): what reorders it, and what breaks
/// its lines without being a line break.
pub fn turns_text(character: char) -> bool {
    matches!(character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A line in which `https://user:word@host` has become `https://host`.
pub fn without_users(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| matches!(c, '/' | '?' | '#' | '\'') || c.is_whitespace())
            .unwrap_or(after.len());
        rest = match after[..end].rfind('@') {
            Some(user) => &after[user + 1..],
            None => after,
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_keeps_letters_of_any_script() {
        assert_eq!(slug("설정 (Setup) — Étape 1"), "설정-setup-étape-1");
        assert_eq!(slug("--"), "");
    }

    #[test]
    fn a_long_slug_ends_at_a_word() {
        let cut = slug(&"word ".repeat(40));
        assert!(cut.chars().count() <= SLUG_MAX_CHARS && cut.ends_with("word"), "{cut}");
        assert_eq!(slug(&"x".repeat(100)).len(), SLUG_MAX_CHARS);
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        let text = "ab\r\nçd\n";
        let index = LineIndex::new(text);
        assert_eq!(index.line_column(text, 0), (1, 1));
        assert_eq!(index.line_column(text, 6), (2, 2));
        assert_eq!(index.line_column(text, text.len()), (3, 1));
    }

    #[test]
    fn users_in_addresses_are_not_shown() {
        for (line, expected) in [
            (
                "unable to access 'https://me:secret@host/x.git/': no",
                "unable to access 'https://host/x.git/': no",
            ),
            ("https://a@b@host and ssh://git@host:22/x", "https://host and ssh://host:22/x"),
            ("https://host/with@sign", "https://host/with@sign"),
            ("plain", "plain"),
            ("https://", "https://"),
        ] {
            assert_eq!(without_users(line), expected);
        }
    }
}
