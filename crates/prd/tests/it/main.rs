//! The parser against documents: labels made by hand, goldens, an independent scanner of lines,
//! and generated text.

#![expect(clippy::disallowed_methods, reason = "the crate is pure, but its tests read fixtures")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod by_example;
#[path = "../../../../fuzz/checks/parse.rs"]
mod checks;
mod codes;
mod details;
mod fixtures;
mod golden;
mod labels;
mod oracle;
mod properties;
mod scanner;
