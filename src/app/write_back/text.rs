//! Texts in, texts out.

use super::Evidence;
use std::collections::BTreeMap;
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::document::Document;
use taskmaster_prd::write_back::{WriteBackError, apply, writable};
use taskmaster_prd::{Options, SourceText, marks_of, parse_many};

/// Why texts are left as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// There are errors in the document.
    #[error("it has errors by now: {0}")]
    Unsound(String),
    /// A mark cannot be written.
    #[error(transparent)]
    Mark(#[from] WriteBackError),
    /// With the marks the text would be another document.
    #[error("with other marks it would be read otherwise")]
    Misread,
}

/// The texts of a document whose marks do not say yet what is known, by the index of their source: each with
/// the marks that do. Where there is nothing to change, nothing is given.
///
/// # Errors
/// See [`TextFault`]; then no text is to be changed.
pub fn texts(
    sources: &[SourceText<'_>],
    options: &Options,
    evidence: &Evidence,
) -> Result<BTreeMap<usize, String>, TextFault> {
    let parsed = parse_many(sources, options);
    if let Some(error) = parsed.diagnostics.iter().find(|found| found.severity == Severity::Error) {
        return Err(TextFault::Unsound(error.message.clone()));
    }
    let document = parsed.document;
    let changes = marks_of(&document, &evidence.of(&document));
    let mut new = BTreeMap::new();
    for (index, source) in sources.iter().enumerate() {
        let own: Vec<_> = changes.iter().filter(|change| change.source == index).copied().collect();
        let dialect = document.metadata.dialect;
        let own = writable(source.text, dialect, &own);
        let text = apply(source.text, dialect, &own)?;
        if text != source.text {
            new.insert(index, text);
        }
    }
    if !new.is_empty() && !is_read_alike(sources, &new, options, &document) {
        return Err(TextFault::Misread);
    }
    Ok(new)
}

/// The same tasks, by the same addresses, in the same order.
fn is_read_alike(
    sources: &[SourceText<'_>],
    new: &BTreeMap<usize, String>,
    options: &Options,
    before: &Document,
) -> bool {
    let text = |(index, source): (usize, &SourceText<'_>)| {
        new.get(&index).cloned().unwrap_or_else(|| source.text.to_owned())
    };
    let texts: Vec<String> = sources.iter().enumerate().map(text).collect();
    let named = sources.iter().zip(&texts).map(|(source, text)| SourceText { name: source.name, text });
    let after = parse_many(&named.collect::<Vec<_>>(), options).document;
    let tasks = |document: &Document| -> Vec<_> {
        document.tasks.iter().map(|task| (task.id.clone(), task.title.clone(), task.parent.clone())).collect()
    };
    after.metadata.dialect == before.metadata.dialect && tasks(&after) == tasks(before)
}
