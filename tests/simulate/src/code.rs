//! Which code an experiment was made with.

use std::process::Command;

const ENGINE: &str = "crates/delivery/src";

/// The version of the crate and the last commit of its sources.
pub(crate) fn version() -> String {
    let commit = git(&["log", "-1", "--format=%h", "--", ENGINE]);
    let is_clean = git(&["status", "--porcelain", "--", ENGINE]).is_some_and(|text| text.is_empty());
    let commit = commit.unwrap_or_else(|| "unknown".to_owned());
    let changes = if is_clean { "" } else { " with changes" };
    format!("taskmaster-delivery {} at {commit}{changes}", env!("CARGO_PKG_VERSION"))
}

fn git(words: &[&str]) -> Option<String> {
    let output = Command::new("git").args(words).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
