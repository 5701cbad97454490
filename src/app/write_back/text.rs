//! Texts in, texts out.

use super::Evidence;
use std::collections::BTreeMap;
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::document::Document;
use taskmaster_prd::write_back::{Change, WriteBackError, apply, writable};
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
    let before = parsed.document;
    let all = marks_of(&before, &evidence.of(&before));
    let mut changes: Vec<Change> = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        changes.extend(writable(source.text, before.metadata.dialect, &of_source(&all, index)));
    }
    let new = write(sources, &before, &changes)?;
    let after = read(sources, &new, options);
    // A mark may say something else where it stands: an open one before struck words is one that is not wanted.
    let count = changes.len();
    changes.retain(|change| is_read_as_meant(change, &before, &after));
    if changes.len() == count {
        return if is_alike(&before, &after) { Ok(new) } else { Err(TextFault::Misread) };
    }
    let new = write(sources, &before, &changes)?;
    if is_alike(&before, &read(sources, &new, options)) { Ok(new) } else { Err(TextFault::Misread) }
}

fn of_source(changes: &[Change], index: usize) -> Vec<Change> {
    changes.iter().filter(|change| change.source == index).copied().collect()
}

/// Those texts in which the changes change something.
fn write(
    sources: &[SourceText<'_>],
    document: &Document,
    changes: &[Change],
) -> Result<BTreeMap<usize, String>, WriteBackError> {
    let mut new = BTreeMap::new();
    for (index, source) in sources.iter().enumerate() {
        let text = apply(source.text, document.metadata.dialect, &of_source(changes, index))?;
        if text != source.text {
            new.insert(index, text);
        }
    }
    Ok(new)
}

/// The document with those texts that are new.
fn read(sources: &[SourceText<'_>], new: &BTreeMap<usize, String>, options: &Options) -> Document {
    let named = sources.iter().enumerate().map(|(index, source)| {
        let text = new.get(&index).map_or(source.text, String::as_str);
        SourceText { name: source.name, text }
    });
    parse_many(&named.collect::<Vec<_>>(), options).document
}

fn is_read_as_meant(change: &Change, before: &Document, after: &Document) -> bool {
    let mut tasks = before.tasks.iter().zip(&after.tasks);
    tasks.any(|(old, new)| {
        old.mark == Some(change.mark) && old.source == change.source && new.status == change.to
    })
}

/// The same tasks, by the same addresses, in the same order.
fn is_alike(before: &Document, after: &Document) -> bool {
    let tasks = |document: &Document| -> Vec<_> {
        let tasks = document.tasks.iter();
        tasks.map(|task| (task.id.clone(), task.title.clone(), task.parent.clone())).collect()
    };
    after.metadata.dialect == before.metadata.dialect && tasks(after) == tasks(before)
}
