#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, in helpers too")]
#[path = "it/gitops/mod.rs"]
mod gitops;
