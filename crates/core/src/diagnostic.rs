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

/// The nearest of `candidates` to `wanted`, if it is near enough to be worth offering.
pub fn did_you_mean<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
