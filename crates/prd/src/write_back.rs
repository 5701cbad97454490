//! Writes claims back into the text: exactly the bytes of the marks, nothing else.
//!
//! A change names the mark as it was parsed. When that mark no longer stands there, the text has
//! changed and nothing is written. A mark that already says what is wanted keeps its bytes.

use crate::front_matter;
use crate::marks::{self, Meaning};
use std::collections::HashMap;
use taskmaster_core::document::{Claim, Dialect, Mark};
use taskmaster_core::text::Span;

/// One mark that shall say something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The mark as it was parsed.
    pub mark: Mark,
    /// Index of the source it stands in; all changes of one call are of one source.
    pub source: usize,
    /// What it shall say.
    pub to: Claim,
}

/// Why a text was left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteBackError {
    /// The text is not the one that was parsed.
    #[error("no `[{expected}]` at byte {offset}: the text changed since it was parsed")]
    Changed {
        /// The mark that was parsed.
        expected: char,
        /// Where it stood.
        offset: usize,
    },
    /// Two changes of one mark disagree.
    #[error("two different changes of the mark at byte {offset}")]
    Conflict {
        /// Where it stands.
        offset: usize,
    },
    /// The changes belong to several sources.
    #[error("changes of source {first} and of source {second} in one text")]
    SeveralSources {
        /// Source of the first change.
        first: usize,
        /// Another one.
        second: usize,
    },
    /// The notation has no mark for the claim, or none that would be a box at this place.
    #[error("no mark for {claim:?} is a box here; give it one in the front matter under `marks`")]
    NoMark {
        /// What should be said.
        claim: Claim,
    },
}

/// Those of `changes` for which the notation has a mark; the others would make [`apply`] refuse all of them.
pub fn writable(text: &str, dialect: Dialect, changes: &[Change]) -> Vec<Change> {
    let own = front_matter::read(text, &mut Vec::new()).marks(&mut Vec::new());
    let has_mark = |change: &&Change| {
        // One that does not stand in the text is left for `apply` to name.
        check(text, change.mark).is_err() || written(text, dialect, &own, change).is_ok()
    };
    changes.iter().filter(has_mark).copied().collect()
}

/// Returns `text`, written in `dialect`, with every change made. Changes may come in any order.
///
/// # Errors
/// When a mark does not stand where it was parsed, changes contradict each other, or the notation
/// has no mark for a claim; then nothing is changed.
pub fn apply(text: &str, dialect: Dialect, changes: &[Change]) -> Result<String, WriteBackError> {
    let own = front_matter::read(text, &mut Vec::new()).marks(&mut Vec::new());
    let mut sorted: Vec<&Change> = changes.iter().collect();
    sorted.sort_by_key(|change| change.mark.span);
    let mut out = String::with_capacity(text.len() + changes.len());
    let mut at = 0;
    let mut last: Option<&Change> = None;
    for change in sorted {
        if let Some(last) = last {
            if last.source != change.source {
                return Err(WriteBackError::SeveralSources { first: last.source, second: change.source });
            }
            if last.mark.span == change.mark.span && last.to == change.to {
                continue;
            }
            if change.mark.span.start < last.mark.span.end {
                return Err(WriteBackError::Conflict { offset: change.mark.span.start });
            }
        }
        check(text, change.mark)?;
        out.push_str(&text[at..change.mark.span.start]);
        out.push_str(&written(text, dialect, &own, change)?);
        at = change.mark.span.end;
        last = Some(change);
    }
    out.push_str(&text[at..]);
    Ok(out)
}

/// The mark stands where it was parsed, between brackets.
fn check(text: &str, mark: Mark) -> Result<(), WriteBackError> {
    let Span { start, end } = mark.span;
    let stands = start > 0
        && text.get(start..end).is_some_and(|found| {
            found.trim_end_matches(['\u{fe0e}', '\u{fe0f}']).chars().eq([mark.character])
        })
        && text.as_bytes()[start - 1] == b'['
        && text.as_bytes().get(end) == Some(&b']');
    if stands { Ok(()) } else { Err(WriteBackError::Changed { expected: mark.character, offset: start }) }
}

fn written(
    text: &str,
    dialect: Dialect,
    own: &HashMap<char, Claim>,
    change: &Change,
) -> Result<String, WriteBackError> {
    let says = |c: char| match marks::meaning(c, dialect, own) {
        Meaning::Claim(claim) | Meaning::Ambiguous(claim) => Some(claim),
        Meaning::Unknown => Some(Claim::Pending),
        Meaning::NoBox => None,
    };
    if says(change.mark.character) == Some(change.to) {
        return Ok(change.mark.span.of(text).to_owned());
    }
    let usual: &[char] = match (change.to, dialect) {
        (Claim::Pending, _) => &[' '],
        (Claim::Completed, _) => &['x', 'X'],
        (Claim::InProgress, Dialect::Obsidian) => &['/', '~'],
        (Claim::InProgress, Dialect::Kiro) => &['-', '/'],
        (Claim::InProgress, _) => &['~', '/', '-'],
        (Claim::Cancelled, _) => &['-'],
    };
    let mut authored: Vec<char> = own.keys().copied().collect();
    authored.sort_unstable();
    // Before a parenthesis or bracket only a blank and an x make a box; all else would be a link.
    let link =
        text[change.mark.span.end..].starts_with("](") || text[change.mark.span.end..].starts_with("][");
    let fits = |c: &&char| says(**c) == Some(change.to) && (!link || matches!(**c, ' ' | 'x' | 'X'));
    let mark = usual.iter().chain(&authored).find(fits);
    mark.map(char::to_string).ok_or(WriteBackError::NoMark { claim: change.to })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(text: &str, mark: &str, to: Claim) -> Change {
        let start = text.find(mark).map_or(0, |at| at + 1);
        let character = text[start..].chars().next().unwrap_or(' ');
        Change { mark: Mark { character, span: Span::new(start, start + mark.len() - 2) }, source: 0, to }
    }

    #[test]
    fn only_the_bytes_of_the_mark_change() {
        let text = "\u{feff}# T\r\n- [ ] a\r\n- [x] b\r\n- [✔\u{fe0f}] c\r\n";
        let changes = [
            change(text, "[✔\u{fe0f}]", Claim::Completed),
            change(text, "[ ]", Claim::InProgress),
            change(text, "[x]", Claim::Completed),
        ];
        let out = apply(text, Dialect::Plain, &changes);
        assert_eq!(out.as_deref(), Ok("\u{feff}# T\r\n- [~] a\r\n- [x] b\r\n- [x] c\r\n"));
        assert_eq!(apply(text, Dialect::Plain, &[]).as_deref(), Ok(text));
    }

    #[test]
    fn each_notation_has_its_marks() {
        let text = "- [ ] a\n";
        let to = |dialect, claim| apply(text, dialect, &[change(text, "[ ]", claim)]);
        assert_eq!(to(Dialect::Kiro, Claim::InProgress).as_deref(), Ok("- [-] a\n"));
        assert_eq!(to(Dialect::Obsidian, Claim::InProgress).as_deref(), Ok("- [/] a\n"));
        assert_eq!(to(Dialect::Obsidian, Claim::Cancelled).as_deref(), Ok("- [-] a\n"));
        assert_eq!(
            to(Dialect::Plain, Claim::Cancelled),
            Err(WriteBackError::NoMark { claim: Claim::Cancelled })
        );
        let link = "- [ ](why) a\n";
        let to = |claim| apply(link, Dialect::Plain, &[change(link, "[ ]", claim)]);
        assert_eq!(to(Claim::InProgress), Err(WriteBackError::NoMark { claim: Claim::InProgress }));
        assert_eq!(to(Claim::Completed).as_deref(), Ok("- [x](why) a\n"));
        let own = "---\nmarks: {\"c\": cancelled}\n---\n- [ ] a\n";
        let out = apply(own, Dialect::Plain, &[change(own, "[ ]", Claim::Cancelled)]);
        assert!(out.is_ok_and(|out| out.ends_with("- [c] a\n")));
    }

    #[test]
    fn what_no_mark_says_is_left_out() {
        let text = "- [ ](why) a\n- [ ] b\n";
        let place = |at: usize, to| Change {
            mark: Mark { character: ' ', span: Span::new(at, at + 1) },
            source: 0,
            to,
        };
        let second = text.rfind('[').map_or(0, |at| at + 1);
        let changes =
            [place(3, Claim::InProgress), place(second, Claim::InProgress), place(3, Claim::Completed)];
        assert_eq!(writable(text, Dialect::Plain, &changes), changes[1..]);
        let gone = place(0, Claim::InProgress);
        assert_eq!(writable(text, Dialect::Plain, &[gone]), [gone]);
    }

    #[test]
    fn a_changed_text_is_refused() {
        let text = "- [ ] a\n- [x] b\n";
        let wanted = change(text, "[x]", Claim::Pending);
        assert_eq!(
            apply("- [ ] aa\n- [x] b\n", Dialect::Plain, &[wanted]),
            Err(WriteBackError::Changed { expected: 'x', offset: 11 })
        );
        assert!(apply("", Dialect::Plain, &[wanted]).is_err());
        let twice = [wanted, Change { to: Claim::InProgress, ..wanted }];
        assert_eq!(apply(text, Dialect::Plain, &twice), Err(WriteBackError::Conflict { offset: 11 }));
        let sources = [change(text, "[ ]", Claim::Completed), Change { source: 1, ..wanted }];
        assert_eq!(
            apply(text, Dialect::Plain, &sources),
            Err(WriteBackError::SeveralSources { first: 0, second: 1 })
        );
    }
}
