//! The integration tests, one binary: it links once and its parts share their helpers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, in helpers too")]

mod agent;
mod browser;
mod cli;
mod cookbook;
mod crash;
mod deliver;
mod demo;
mod exec;
mod faults;
mod fuzzed;
mod gitops;
mod report;
mod shown;
mod store;
mod tidy;
