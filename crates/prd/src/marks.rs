//! Boxes: where one is written, and what the character in it means.

use crate::scan::{digits, is_zero_width};
use std::collections::HashMap;
use taskmaster_core::document::{Claim, Dialect};
use taskmaster_core::text::Span;

/// What stands at the start of a list item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Nothing like a box.
    None,
    /// Brackets that a reader takes for a box, but that are none.
    Malformed(Span),
    /// A box, if its character is a mark.
    Box(Found),
}

/// A box by its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The character between the brackets.
    pub(crate) character: char,
    /// Its bytes, with a variation selector.
    pub(crate) mark: Span,
    /// Kiro's star for an optional task follows.
    pub(crate) starred: bool,
    /// Where the text after the box begins.
    pub(crate) rest: usize,
}

/// Reads the start of `text[at..end]`, the first line of an item.
pub(crate) fn scan(text: &str, at: usize, end: usize) -> Shape {
    let line = &text[at..end];
    let Some(inside) = line.strip_prefix('[') else { return disguised(line, at) };
    let Some(c) = inside.chars().next() else { return Shape::None };
    if c == ']' {
        return malformed_if(at, 2, ends_box(&inside[1..]));
    }
    let selector = inside[c.len_utf8()..].chars().next().filter(|c| matches!(c, '\u{fe0e}' | '\u{fe0f}'));
    let width = c.len_utf8() + selector.map_or(0, char::len_utf8);
    let Some(after) = inside[width..].strip_prefix(']') else { return spaced(line, at) };
    let mark = Span::new(at + 1, at + 1 + width);
    let found = |starred, rest: &str| {
        Shape::Box(Found { character: c, mark, starred, rest: at + (line.len() - rest.len()) })
    };
    if ends_box(after) {
        return found(false, after);
    }
    if let Some(rest) =
        after.strip_prefix("\\*").or_else(|| after.strip_prefix('*')).filter(|rest| ends_box(rest))
    {
        return found(true, rest);
    }
    let plain = is_plain(c);
    match after.chars().next() {
        Some('(' | '[') if plain => found(false, after),
        Some('(' | '[') => Shape::None,
        Some(':') if !c.is_whitespace() => Shape::None,
        _ => malformed_if(at, width + 2, plain),
    }
}

/// `[  ]`, `[ x]`, `[x ]`: blanks with at most one x.
fn spaced(line: &str, at: usize) -> Shape {
    let Some(close) = line.char_indices().take(8).find(|(_, c)| *c == ']').map(|(i, _)| i) else {
        return Shape::None;
    };
    let inside = line[1..close].trim();
    let link = line[close + 1..].starts_with(['(', '[', ':']);
    malformed_if(at, close + 1, !link && matches!(inside, "" | "x" | "X"))
}

/// A box behind a backslash or emphasis: `\[ \] x`, `**[ ] x**`.
fn disguised(line: &str, at: usize) -> Shape {
    let emphasis = line.bytes().take_while(|b| matches!(b, b'*' | b'_' | b'~')).count();
    let escaped = line.starts_with("\\[");
    let open = if escaped { 1 } else { emphasis };
    if open == 0 || open > 3 {
        return Shape::None;
    }
    let mut inside = line[open..].strip_prefix('[').unwrap_or_default().chars();
    let plain = inside.next().is_some_and(is_plain);
    let rest = inside.as_str();
    let rest = rest.strip_prefix("\\]").or_else(|| rest.strip_prefix(']'));
    let closed = rest.is_some_and(|rest| ends_box(rest) || rest.starts_with(['*', '_', '~']));
    let width = line.len() - rest.map_or(0, str::len);
    malformed_if(at, width, plain && closed)
}

fn malformed_if(at: usize, width: usize, condition: bool) -> Shape {
    if condition { Shape::Malformed(Span::new(at, at + width)) } else { Shape::None }
}

fn ends_box(after: &str) -> bool {
    after.is_empty() || after.starts_with(char::is_whitespace)
}

/// Blank, `x` or `X`: a box wherever one may stand.
fn is_plain(c: char) -> bool {
    c.is_whitespace() || matches!(c, 'x' | 'X')
}

/// What a character between brackets is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A mark that is understood.
    Claim(Claim),
    /// A mark that other tools read differently.
    Ambiguous(Claim),
    /// A character that is no known mark, read as pending.
    Unknown,
    /// A letter or digit: no box at all.
    NoBox,
}

/// What `c` means in `dialect`; `own` are the author's marks of the front matter.
pub(crate) fn meaning(c: char, dialect: Dialect, own: &HashMap<char, Claim>) -> Meaning {
    use Claim::{Cancelled, Completed, InProgress, Pending};
    if let Some(claim) = own.get(&c) {
        return Meaning::Claim(*claim);
    }
    match (c, dialect) {
        ('x' | 'X', _) => Meaning::Claim(Completed),
        ('-', Dialect::Kiro) => Meaning::Claim(InProgress),
        ('-', Dialect::Obsidian) => Meaning::Claim(Cancelled),
        ('-', Dialect::OpenSpec) | ('~', Dialect::Kiro) | ('o' | 'O', Dialect::Obsidian) => {
            Meaning::Claim(Pending)
        }
        ('-' | 'o' | 'O', _) => Meaning::Ambiguous(InProgress),
        ('~' | '/', _) => Meaning::Claim(InProgress),
        ('!' | '>' | '<' | '?' | '*', _) => Meaning::Claim(Pending),
        (blank, _) if blank.is_whitespace() => Meaning::Claim(Pending),
        (_, Dialect::Obsidian) => Meaning::Claim(Pending),
        (letter, _) if letter.is_alphanumeric() => Meaning::NoBox,
        _ => Meaning::Unknown,
    }
}

/// A box where Markdown sees none, in one line of other text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stray {
    /// Its brackets, as bytes of the line.
    pub(crate) span: Span,
    /// Something invisible stands before it.
    pub(crate) zero_width: bool,
}

/// A box at the start of `line`, behind white space, quote signs and list markers, also such
/// markers as Markdown does not take for one.
pub(crate) fn stray_box(line: &str) -> Option<Stray> {
    let mut rest = line;
    let mut zero_width = false;
    for _ in 0..64 {
        let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || is_zero_width(c) || c == '>');
        zero_width |= rest[..rest.len() - trimmed.len()].contains(is_zero_width);
        rest = without_marker(trimmed).unwrap_or(trimmed);
        if rest.len() == trimmed.len() {
            break;
        }
    }
    let mut inside = rest.strip_prefix('[')?.chars();
    let mark = inside.next().filter(|c| is_plain(*c) || matches!(c, '-' | '~' | '/'))?;
    let after =
        inside.as_str().strip_prefix(']').filter(|after| ends_box(after) || after.starts_with('<'))?;
    let start = line.len() - rest.len();
    let span = Span::new(start, line.len() - after.len());
    debug_assert_eq!(span.end - span.start, mark.len_utf8() + 2);
    Some(Stray { span, zero_width })
}

fn without_marker(text: &str) -> Option<&str> {
    let ordered = || digits(text).filter(|(number, _)| number.len() <= 9)?.1.strip_prefix(['.', ')']);
    text.strip_prefix(['-', '*', '+']).or_else(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(line: &str) -> Shape {
        scan(line, 0, line.len())
    }

    fn mark(line: &str) -> Option<(char, bool, &str)> {
        match shape(line) {
            Shape::Box(found) => Some((found.character, found.starred, &line[found.rest..])),
            _ => None,
        }
    }

    #[test]
    fn boxes_of_every_form() {
        assert_eq!(mark("[ ] a"), Some((' ', false, " a")));
        assert_eq!(mark("[x]"), Some(('x', false, "")));
        assert_eq!(mark("[\u{a0}]\ta"), Some(('\u{a0}', false, "\ta")));
        assert_eq!(mark("[ ]* 1.3 b"), Some((' ', true, " 1.3 b")));
        assert_eq!(mark("[x]\\* 7.1"), Some(('x', true, " 7.1")));
        assert_eq!(mark("[ ](done) a"), Some((' ', false, "(done) a")));
        assert_eq!(mark("[x][AS] a"), Some(('x', false, "[AS] a")));
        assert_eq!(mark("[✔\u{fe0f}] a"), Some(('✔', false, " a")));
    }

    #[test]
    fn links_are_no_boxes() {
        for line in [
            "[A](url)",
            "[1](./one)",
            "[a][ref]",
            "[-](x)",
            "[x]: /url",
            "[]( )",
            "[Title] x",
            "[[wiki]]",
            "[",
        ] {
            assert_eq!(shape(line), Shape::None, "{line}");
        }
    }

    #[test]
    fn what_people_take_for_a_box_is_malformed() {
        for line in [
            "[] a",
            "[]",
            "[  ] a",
            "[ x] a",
            "[x ] a",
            "[ ]a",
            "[x]y",
            "[ ]*a*",
            "\\[ \\] a",
            "**[ ] a**",
            "~~[x]~~ a",
        ] {
            assert!(matches!(shape(line), Shape::Malformed(span) if span.end <= line.len()), "{line}");
        }
    }

    #[test]
    fn strays_behind_markers_that_are_none() {
        let found = |line: &'static str| stray_box(line).map(|stray| (stray.span.of(line), stray.zero_width));
        assert_eq!(found("[ ] a"), Some(("[ ]", false)));
        assert_eq!(found("2. [x] a"), Some(("[x]", false)));
        assert_eq!(found("-[ ] a"), Some(("[ ]", false)));
        assert_eq!(found("> > - [~] a"), Some(("[~]", false)));
        assert_eq!(found("\u{200b}\t- [ ] a"), Some(("[ ]", true)));
        assert_eq!(found("a [ ] b"), None);
        assert_eq!(found("[x](url)"), None);
        assert_eq!(found("[P] a"), None);
    }
}
