//! Commands of scenarios, and waiting.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A command by its words; they hold no spaces.
pub(crate) fn command(words: &str) -> Command {
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).stdin(Stdio::null());
    command
}

/// Its standard output; an end other than success is an error that holds all that it said.
pub(crate) fn check(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    if !output.status.success() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        bail!("{command:?}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// However it ends.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    command.output().with_context(|| format!("{command:?}"))
}

/// `kubectl` by its words.
pub(crate) fn kubectl(words: &str) -> Result<String> {
    check(&mut command(&format!("kubectl {words}")))
}

/// taskmaster in a project.
pub(crate) fn taskmaster(project: &Path, words: &str) -> Command {
    let mut taskmaster = command(&format!("taskmaster {words}"));
    taskmaster.current_dir(project);
    taskmaster
}

/// Looks until it holds; what it said last is in the error.
pub(crate) fn until<T>(what: &str, seconds: u64, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let began = Instant::now();
    loop {
        let seen = look();
        if let Ok(Some(found)) = seen {
            return Ok(found);
        }
        if began.elapsed() > Duration::from_secs(seconds) {
            let why = seen.err().map_or_else(String::new, |fault| format!(": {fault:#}"));
            bail!("{what}: not within {seconds} s{why}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
