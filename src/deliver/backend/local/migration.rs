//! Changes of data: programs that are run for a rollout.
//!
//! The end of a program that an agent started which is gone cannot be read any more. It is waited for, and
//! then run once more: such commands must bear that.

use crate::process::child::Remains;
use crate::process::launch::{Launch, Stdin, launch};
use crate::process::show;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// What a program that is ended gets between TERM and KILL.
const GRACE: Duration = Duration::from_secs(10);

/// One change of data.
#[derive(Debug)]
pub struct Change {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// Its environment.
    pub env: Vec<(String, Zeroizing<String>)>,
    /// Its mark, the same for the same attempt.
    pub mark: String,
    /// Where its output goes.
    pub log: PathBuf,
    /// Longest time.
    pub timeout: Duration,
}

/// Makes it. The fault is in words.
///
/// # Errors
/// It ended badly, took too long, or could not be started.
pub async fn make(change: Change) -> Result<(), String> {
    let timeout = change.timeout;
    let earlier = Remains::new(&change.mark, &[]);
    if tokio::time::timeout(timeout, earlier.ended()).await.is_err() {
        let _ = earlier.stop(GRACE).await;
        return Err(too_long(timeout));
    }
    let log = open(&change.log).map_err(|fault| format!("{}: {fault}", change.log.display()))?;
    let what = Launch {
        argv: change.argv,
        cwd: change.cwd,
        env: change.env,
        inherits: false,
        stdin: Stdin::Null,
        attempt: change.mark,
        stdout: log,
        stderr: None,
    };
    let mut child = launch(what).map_err(|fault| fault.to_string())?;
    let status = match tokio::time::timeout(timeout, child.wait()).await {
        Ok(status) => status.map_err(|fault| fault.to_string())?,
        Err(_) => {
            let _ = child.stop(GRACE, std::future::pending()).await;
            return Err(too_long(timeout));
        }
    };
    if let Err(fault) = child.sweep(GRACE, std::future::pending()).await {
        tracing::warn!(%fault, "what a change of data left behind");
    }
    if status.success() {
        return Ok(());
    }
    let text = show::tail_of(&change.log, 20, 4096).unwrap_or_default();
    let end = status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"));
    match show::error_line(&text, 200) {
        "" => Err(end),
        line => Err(format!("{end}: {line}")),
    }
}

fn open(log: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    if let Some(folder) = log.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    File::options().append(true).create(true).mode(0o600).open(log)
}

fn too_long(timeout: Duration) -> String {
    format!("it took longer than {}", super::words::duration(timeout))
}
