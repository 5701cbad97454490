//! Markdown PRDs.
