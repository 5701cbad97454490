//! Small scanners over text that the rest of the crate shares. All are linear and none can fail.

/// Characters that take no room, so that a reader does not see what stands behind them.
pub(crate) fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

/// Emoji, pictographs, arrows and the marks that modify them.
pub(crate) fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{200d}' | '\u{20e3}' | '\u{2122}' | '\u{2139}' | '\u{3030}' | '\u{303d}'
        | '\u{3297}' | '\u{3299}' | '\u{fe0e}' | '\u{fe0f}'
        | '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' | '\u{e0020}'..='\u{e007f}')
}

/// `text` without a leading `word`, letter case ignored.
pub(crate) fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    // Nearly every text differs in the first letter.
    if let (Some(first), Some(wanted)) = (text.as_bytes().first(), word.as_bytes().first())
        && first.is_ascii()
        && wanted.is_ascii()
        && !first.eq_ignore_ascii_case(wanted)
    {
        return None;
    }
    let mut rest = text.chars();
    for wanted in word.chars() {
        let found = rest.next()?;
        if found != wanted && !found.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    Some(rest.as_str())
}

/// As [`strip_word`], and the word ends there: no letter or digit follows.
pub(crate) fn strip_whole_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    strip_word(text, word).filter(|rest| !rest.chars().next().is_some_and(char::is_alphanumeric))
}

/// Leading ASCII digits and the rest.
pub(crate) fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    (end > 0).then(|| text.split_at(end))
}

/// Leading `1`, `1.2`, `1.2.3` (a dot counts only between digits) and the rest.
pub(crate) fn dotted_digits(text: &str) -> Option<(&str, &str)> {
    let (_, mut rest) = digits(text)?;
    while let Some((_, after)) = rest.strip_prefix('.').and_then(digits) {
        rest = after;
    }
    Some(text.split_at(text.len() - rest.len()))
}

/// A section number (digits with at least one dot: `1.`, `6.1`, `6.1.`) and what follows it.
pub(crate) fn section_number(text: &str) -> Option<(&str, &str)> {
    let (number, rest) = dotted_digits(text)?;
    let after = rest.strip_prefix('.');
    if after.is_none() && !number.contains('.') {
        return None;
    }
    let after = after.unwrap_or(rest);
    (after.is_empty() || after.starts_with(char::is_whitespace)).then(|| (number, after.trim_start()))
}

/// Without emoji and white space at the front.
pub(crate) fn trim_emoji_start(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_whitespace() || is_emoji(c) || is_zero_width(c))
}

/// Without emoji and white space at either end.
pub(crate) fn trim_emoji(text: &str) -> &str {
    trim_emoji_start(text).trim_end_matches(|c: char| c.is_whitespace() || is_emoji(c) || is_zero_width(c))
}

/// Without the emphasis that encloses all of `text`: `**x**`, `_x_`, `~~x~~`, nested or not.
pub(crate) fn unwrap_emphasis(text: &str) -> &str {
    let mut inner = text.trim();
    while let Some(shorter) =
        ["***", "**", "__", "~~", "*", "_"].iter().find_map(|mark| unwrap_once(inner, mark))
    {
        inner = shorter.trim();
    }
    inner
}

/// `mark…mark` without the two, where `mark` does not occur between them.
pub(crate) fn unwrap_once<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    let inner = text.strip_prefix(mark)?.strip_suffix(mark)?;
    let clean = !inner.is_empty() && !inner.contains(mark) && !inner.starts_with(mark.chars().next()?);
    clean.then_some(inner)
}

/// One space for each run of white space, none at the ends.
pub(crate) fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The place of `part`, a slice of `whole`, inside it.
pub(crate) fn offset_in(whole: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len())
}

/// A date as people write it after 📅: `2024-01-31`, with the rest.
pub(crate) fn iso_date(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes().get(..10)?;
    let fits = bytes.iter().enumerate().all(|(i, b)| match i {
        4 | 7 => *b == b'-',
        _ => b.is_ascii_digit(),
    });
    (fits && !text.as_bytes().get(10).is_some_and(u8::is_ascii_digit)).then(|| text.split_at(10))
}

/// A text from which pieces are cut; what is cut leaves one space.
pub(crate) struct CutOff<'t> {
    text: &'t str,
    cuts: Vec<(usize, usize)>,
    from: usize,
}

impl<'t> CutOff<'t> {
    /// Nothing is cut yet.
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, cuts: Vec::new(), from: 0 }
    }

    /// The next piece from `open` to `close`, both included, behind what was found before.
    pub(crate) fn between(&mut self, open: &str, close: &str) -> Option<(usize, usize)> {
        let start = self.from + self.text[self.from..].find(open)?;
        let inside = start + open.len();
        let end = inside + self.text[inside..].find(close)? + close.len();
        self.from = end;
        Some((start, end))
    }

    /// Cuts a piece out; pieces come in order.
    pub(crate) fn cut(&mut self, start: usize, end: usize) {
        self.cuts.push((start, end));
    }

    /// What is left, white space squeezed where something was cut.
    pub(crate) fn rest(self) -> String {
        if self.cuts.is_empty() {
            return self.text.to_owned();
        }
        let mut cuts = self.cuts;
        cuts.sort_unstable();
        let mut out = String::with_capacity(self.text.len());
        let mut at = 0;
        for (start, end) in cuts {
            out.push_str(&self.text[at..start.max(at)]);
            out.push(' ');
            at = end.max(at);
        }
        out.push_str(&self.text[at..]);
        squeeze(&out)
    }
}

/// The bracket or parenthesis that closes each one that is open, by byte; escapes and code spans
/// are skipped. Positions that close nothing, or are never closed, hold `usize::MAX`.
pub(crate) struct Pairs(Vec<(usize, usize)>);

impl Pairs {
    /// Reads `text` once. `code` are its code spans.
    pub(crate) fn new(text: &str, code: &[(usize, usize)]) -> Self {
        let bytes = text.as_bytes();
        let mut pairs = Vec::new();
        let mut open: Vec<(u8, usize)> = Vec::new();
        let mut spans = code.iter().peekable();
        let mut at = 0;
        while at < bytes.len() {
            if let Some((_, end)) = spans.next_if(|(start, _)| *start <= at) {
                at = at.max(*end);
                continue;
            }
            match bytes[at] {
                b'\\' => at += 1,
                open_byte @ (b'(' | b'[') => open.push((open_byte, at)),
                close @ (b')' | b']') => {
                    let wanted = if close == b')' { b'(' } else { b'[' };
                    if let Some((_, start)) = open.pop_if(|(byte, _)| *byte == wanted) {
                        pairs.push((start, at));
                    }
                }
                _ => {}
            }
            at += 1;
        }
        pairs.sort_unstable();
        Self(pairs)
    }

    /// Where the bracket that opens at `start` closes.
    pub(crate) fn close(&self, start: usize) -> Option<usize> {
        self.0.binary_search_by_key(&start, |pair| pair.0).ok().map(|i| self.0[i].1)
    }
}

/// The code spans of `text`: a run of backticks up to the next run of the same length.
pub(crate) fn code_spans(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|b| *b == b'`') {
        let start = at + found;
        let len = bytes[start..].iter().take_while(|b| **b == b'`').count();
        runs.push((start, len));
        at = start + len;
    }
    let mut next_of_len = std::collections::HashMap::new();
    let mut partner = vec![None; runs.len()];
    for (i, (_, len)) in runs.iter().enumerate().rev() {
        partner[i] = next_of_len.insert(*len, i);
    }
    let mut spans = Vec::new();
    let mut i = 0;
    while i < runs.len() {
        let (start, len) = runs[i];
        let escaped = start > 0 && bytes[start - 1] == b'\\' && len == 1;
        match partner[i].filter(|_| !escaped) {
            Some(end) => {
                spans.push((start, runs[end].0 + runs[end].1));
                i = end + 1;
            }
            None => i += 1,
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emoji_and_what_nobody_sees_go_from_the_ends() {
        assert_eq!(trim_emoji_start(" \u{200b}🚀\u{fe0f} Go 🚀"), "Go 🚀");
        assert_eq!(trim_emoji("\u{200d}Go 🚀\u{200b} "), "Go");
    }

    #[test]
    fn a_section_number_has_a_dot() {
        assert_eq!(section_number("6.1 Phase"), Some(("6.1", "Phase")));
        assert_eq!(section_number("1. Setup"), Some(("1", "Setup")));
        assert_eq!(section_number("6.1. x"), Some(("6.1", "x")));
        assert_eq!(section_number("3 things"), None);
        assert_eq!(section_number("1.x"), None);
    }

    #[test]
    fn code_spans_pair_runs_of_one_length() {
        assert_eq!(code_spans("a `b` ``c ` d`` e"), vec![(2, 5), (6, 15)]);
        assert_eq!(code_spans("one ` only"), vec![]);
        assert_eq!(code_spans("``` a `b`"), vec![(6, 9)]);
    }

    #[test]
    fn pairs_skip_code_and_escapes() {
        let text = "(a `)` \\) b) [c";
        let pairs = Pairs::new(text, &code_spans(text));
        assert_eq!(pairs.close(0), Some(11));
        assert_eq!(pairs.close(13), None);
    }

    #[test]
    fn emphasis_around_all_of_it_goes() {
        assert_eq!(unwrap_emphasis("**a b**"), "a b");
        assert_eq!(unwrap_emphasis("**a** b **c**"), "**a** b **c**");
        assert_eq!(unwrap_emphasis("~~**a**~~"), "a");
        assert_eq!(unwrap_emphasis("***a***"), "a");
        assert_eq!(unwrap_emphasis("**"), "**");
    }
}
