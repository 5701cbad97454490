//! A command line that is not finished, as bash has it.

/// Characters at which bash begins a new word for its own purposes.
const BREAKS: [char; 3] = ['=', ':', '@'];

/// A line in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Words behind the program's name and before the one that is typed.
    pub(super) before: Vec<String>,
    /// The word that is typed, without quotes.
    pub(super) current: String,
    /// The quote that it stands in.
    quote: Option<char>,
}

impl Line {
    /// Words that a shell has made already; the last is typed.
    pub(super) fn of_words(words: &[String]) -> Self {
        let Some((current, before)) = words.split_last() else { return Self::default() };
        Self { before: before.to_vec(), current: current.clone(), quote: None }
    }

    /// Splits a line up to the cursor as a shell would, quotes that are still open included. Nothing is expanded.
    pub(super) fn read(line: &str) -> Self {
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match (quote, c) {
                (None, ' ' | '\t' | '\n') => words.extend(word.take()),
                (None, '\'' | '"') => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                (Some(open), c) if c == open => quote = None,
                (None, '\\') => word.get_or_insert_default().extend(chars.next()),
                (Some('"'), '\\') if chars.peek().is_some_and(|next| "\"\\$`".contains(*next)) => {
                    word.get_or_insert_default().extend(chars.next());
                }
                (_, c) => word.get_or_insert_default().push(c),
            }
        }
        let current = word.unwrap_or_default();
        // The first word is the program; where it is the one that is typed there is nothing to say.
        let before = words.into_iter().skip(1).collect();
        Self { before, current, quote }
    }

    /// What bash puts in place of the part of the word that it takes for the word.
    pub(super) fn insertion(&self, value: &str) -> String {
        if self.quote.is_some() {
            return value.to_owned();
        }
        let kept = self.current.rfind(BREAKS).map_or(0, |at| at + 1);
        let rest = value.get(kept..).filter(|_| value.get(..kept) == self.current.get(..kept));
        let rest = rest.unwrap_or(value);
        // A folder is gone on in: closed by a quote it could not be.
        match rest.strip_suffix('/').filter(|folder| !folder.is_empty()) {
            Some(folder) => format!("{}/", shell_words::quote(folder)),
            None => shell_words::quote(rest).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(line: &str) -> (Vec<String>, String) {
        let line = Line::read(line);
        (line.before, line.current)
    }

    #[test]
    fn lines_are_split_as_a_shell_would() {
        for (line, before, current) in [
            ("taskmaster ", &[][..], ""),
            ("taskmaster pl", &[], "pl"),
            ("taskmaster plan  prd.md --pha", &["plan", "prd.md"], "--pha"),
            ("taskmaster plan 'my plan.md' ", &["plan", "my plan.md"], ""),
            ("taskmaster plan \"my pl", &["plan"], "my pl"),
            ("taskmaster plan my\\ pl", &["plan"], "my pl"),
            ("taskmaster plan \"a\\\"b\" '' x", &["plan", "a\"b", ""], "x"),
            ("taskmaster plan x\\", &["plan"], "x"),
        ] {
            let before: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(read(line), (before, current.to_owned()), "{line}");
        }
    }

    #[test]
    fn what_is_put_in_begins_where_bash_begins_its_word() {
        for (line, value, insertion) in [
            ("t plan --phase=inf", "--phase=infra", "infra"),
            ("t show in", "infra/one", "infra/one"),
            ("t show a:b", "a:b c", "'b c'"),
            ("t show 'a:b", "a:b c", "a:b c"),
            ("t show x", "it's", "'it'\\''s'"),
            ("t parse my", "my folder/", "'my folder'/"),
        ] {
            assert_eq!(Line::read(line).insertion(value), insertion, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_panics_and_whole_words_are_those_of_a_shell(line in "\\PC{0,40}") {
            let read = Line::read(&line);
            let _ = read.insertion("x=é:y");
            if !line.contains(['#', '\\']) && let Ok(words) = shell_words::split(&format!("{line} ")) {
                let ours = Line::read(&format!("{line} "));
                prop_assert_eq!(ours.before, words.into_iter().skip(1).collect::<Vec<_>>());
            }
        }
    }
}
