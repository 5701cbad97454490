//! What is wrong in a text, where, and what helps.

use crate::text::Span;
use serde::Serialize;

/// How much a diagnostic matters. `--strict` turns warnings into errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is lost.
    Note,
    /// Probably not what the author meant.
    Warning,
    /// Cannot be acted on.
    Error,
}

/// A further place that explains the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where, in the same source as the diagnostic.
    pub span: Span,
    /// What is to be seen there.
    pub text: String,
}

/// One finding. `message` is a lower-case fragment without a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable name such as `unknown-dependency`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Index of the source text among those that were read together.
    pub source: usize,
    /// The place; `None` where the whole text is meant.
    pub span: Option<Span>,
    /// Further places.
    pub labels: Vec<Label>,
    /// What the reader can do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A finding about `span` of the first source.
    pub fn new(
        severity: Severity,
        code: &'static str,
        span: impl Into<Option<Span>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            source: 0,
            span: span.into(),
            labels: Vec::new(),
            help: None,
        }
    }

    /// An error about `span`.
    pub fn error(code: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message)
    }

    /// A warning about `span`.
    pub fn warning(code: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message)
    }

    /// A note about `span`.
    pub fn note(code: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, span, message)
    }

    /// Adds what the reader can do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a further place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Says which of several sources it is about.
    #[must_use]
    pub fn in_source(mut self, source: usize) -> Self {
        self.source = source;
        self
    }
}

/// The nearest of `candidates` to `wanted`, if it is near enough to be worth offering: one slip of
/// the fingers first, then the greatest likeness.
pub fn did_you_mean<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            (is_swap(&wanted, &lower), strsim::jaro_winkler(&wanted, &lower), candidate)
        })
        .filter(|(swap, score, _)| *swap || *score >= 0.8)
        .max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))
        .map(|(.., candidate)| candidate)
}

/// True where one word is the other but for one slip: a letter too many, too few, wrong, or two
/// neighbours swapped. Letter case does not count. Words of two letters are too short to be near.
pub fn is_slip(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    slips(&a, &b) == Some(1)
}

/// Likeness by letters in common does not see `evn` in `env`: in short words neighbours are far apart.
fn is_swap(a: &str, b: &str) -> bool {
    a.len() == b.len() && slips(a, b) == Some(1) && strsim::levenshtein(a, b) == 2
}

/// How many slips part two words; none where they are too short, or differ in length by more than one.
fn slips(a: &str, b: &str) -> Option<usize> {
    const SHORTEST: usize = 3;
    let (long, short) = (a.chars().count(), b.chars().count());
    (long.min(short) >= SHORTEST && long.abs_diff(short) <= 1).then(|| strsim::osa_distance(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_swapped_letters_are_one_slip() {
        let known = ["run", "env", "every", "event", "command", "timeout"];
        let near = |wanted| did_you_mean(wanted, known);
        assert_eq!(near("evn"), Some("env"));
        assert_eq!(near("rnu"), Some("run"));
        assert_eq!(near("NRU"), None);
        assert_eq!(near("Rnu"), Some("run"));
        assert_eq!(near("comamnd"), Some("command"));
        assert_eq!(near("tiemout"), Some("timeout"));
    }

    #[test]
    fn short_words_are_not_each_other() {
        assert_eq!(did_you_mean("no", ["on"]), None);
        assert_eq!(did_you_mean("cat", ["dog", "act up"]), None);
        assert_eq!(did_you_mean("", ["a"]), None);
        assert_eq!(did_you_mean("x", ["y"]), None);
    }

    #[test]
    fn a_slip_comes_before_a_longer_likeness() {
        assert_eq!(did_you_mean("Depends-no", ["depends-none", "depends-on"]), Some("depends-on"));
        assert!(is_slip("T001", "t010") && is_slip("Login", "logi") && !is_slip("ab", "ba"));
    }
}
