//! From a fault of the template engine to a diagnostic with a caret.

use crate::decode::Place;
use minijinja::Error;
use std::ops::Range;
use taskmaster_core::diagnostic::did_you_mean;
use taskmaster_core::text::Span;

/// The texts that places point into, by index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(pub(crate) Vec<String>);

impl Sources {
    /// The place in the file of `range` inside of a text that was written at `place`.
    pub(crate) fn locate(&self, place: Place, text: &str, range: Option<Range<usize>>) -> Span {
        self.0.get(place.source).map_or(place.span, |source| locate(source, place.span, text, range))
    }
}

/// Finds `range` of the decoded `text` in the source, where the text was written within `span`.
///
/// Quotes, escapes and indentation make the two differ, so the fragment is looked for: the n-th
/// occurrence in the text is the n-th in the source. Where an escape stands inside of the fragment,
/// its leading name serves; else the whole text is meant.
pub(crate) fn locate(source: &str, span: Span, text: &str, range: Option<Range<usize>>) -> Span {
    let Some(range) = range.filter(|range| !range.is_empty()) else {
        return span;
    };
    let start = expression_start(text, range.start.min(text.len()));
    let Some(fragment) = text.get(start..range.end.min(text.len())) else {
        return span;
    };
    let name_length = fragment.find(|c: char| !is_name(c)).unwrap_or(fragment.len());
    for needle in [fragment, &fragment[..name_length]] {
        let before = text.get(..start).map_or(0, |head| head.matches(needle).count());
        let written = source.get(span.start..span.end).unwrap_or_default();
        if needle.is_empty() {
            continue;
        }
        if let Some((at, found)) = written.match_indices(needle).nth(before) {
            return Span::new(span.start + at, span.start + at + found.len());
        }
    }
    span
}

/// The engine's range begins at the failing part (`.c` of `vars.b.c`); the caret takes all of it.
fn expression_start(text: &str, at: usize) -> usize {
    let continues = text.get(at..).is_some_and(|rest| rest.starts_with(['.', '[']));
    if !continues {
        return at;
    }
    let head = text.get(..at).unwrap_or_default();
    let name = head.chars().rev().take_while(|c| is_name(*c)).map(char::len_utf8).sum::<usize>();
    at - name
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.')
}

/// What the engine says, without the name of the template.
pub(super) fn detail(error: &Error) -> String {
    match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    }
}

/// "did you mean `x`?" or the whole list, as a help line.
pub(crate) fn near<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(found) = did_you_mean(wanted, known.clone()) {
        return Some(format!("did you mean `{found}`?"));
    }
    let list: Vec<&str> = known.into_iter().take(20).collect();
    (!list.is_empty()).then(|| format!("known here: {}", list.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caret<'s>(source: &'s str, written: &str, text: &str, fragment: &str, nth: usize) -> &'s str {
        let start = source.find(written).unwrap();
        let (at, _) = text.match_indices(fragment).nth(nth).unwrap();
        let range = at..at + fragment.len();
        locate(source, Span::new(start, start + written.len()), text, Some(range)).of(source)
    }

    #[test]
    fn a_caret_finds_its_expression_in_the_source() {
        assert_eq!(caret("a: \"x {{ vars.y }}\"", "\"x {{ vars.y }}\"", "x {{ vars.y }}", ".y", 0), "vars.y");
        let folded = "a: >\n  {{ q }} and\n  {{ q }}\n";
        let span = locate(folded, Span::new(3, folded.len()), "{{ q }} and {{ q }}\n", Some(15..16));
        assert_eq!((span.start, span.of(folded)), (24, "q"));
    }

    #[test]
    fn an_escape_inside_of_the_expression_leaves_its_name() {
        let source = r#"a: "{{ outputs[\"t\"].x }}""#;
        let text = r#"{{ outputs["t"].x }}"#;
        assert_eq!(caret(source, &source[3..], text, r#"["t"].x"#, 0), "outputs");
    }

    #[test]
    fn an_unknown_range_means_the_whole_text() {
        assert_eq!(locate("a: b", Span::new(3, 4), "b", None), Span::new(3, 4));
        assert_eq!(locate("a: b", Span::new(3, 4), "b", Some(5..9)), Span::new(3, 4));
        assert_eq!(locate("a: b", Span::new(3, 4), "zz", Some(0..2)), Span::new(3, 4));
    }
}
