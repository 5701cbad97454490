//! Applies manifests, or compares them, without taking from controllers what they own: what
//! `kubectl: apply` runs where the catalogue does not say who wins.
//!
//! kubectl goes first without force. Where only fields stand in its way that people changed by hand it
//! goes again with `--force-conflicts`; a field of a controller ends it, named with its owner.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use taskmaster_kube_api::{Ruling, list_conflicts, rule};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// kubectl with its arguments, without force.
    pub argv: Vec<String>,
    /// Given on its standard input.
    pub stdin: Option<Vec<u8>>,
}

/// How it ended.
#[derive(Debug)]
pub enum Ending {
    /// As kubectl says.
    Kubectl {
        /// Its end.
        output: Output,
        /// Fields that were changed by hand and are, or would be, taken back.
        taken_back: Option<String>,
    },
    /// Fields belong to others.
    Kept {
        /// kubectl's refusal.
        output: Output,
        /// The fields and their owners.
        fields: String,
    },
}

/// Runs kubectl once or twice.
///
/// # Errors
/// It cannot be started.
pub fn run(request: &Request) -> std::io::Result<Ending> {
    let output = call(request, false)?;
    if output.status.success() {
        return Ok(Ending::Kubectl { output, taken_back: None });
    }
    match rule(&String::from_utf8_lossy(&output.stderr)) {
        Ruling::TakeBack(fields) => {
            let taken_back = Some(list_conflicts(&fields));
            Ok(Ending::Kubectl { output: call(request, true)?, taken_back })
        }
        Ruling::Keep(fields) => Ok(Ending::Kept { output, fields: list_conflicts(&fields) }),
        Ruling::Unreadable | Ruling::NoConflict => Ok(Ending::Kubectl { output, taken_back: None }),
    }
}

/// kubectl shares our process group, so it ends when we are stopped.
fn call(request: &Request, force: bool) -> std::io::Result<Output> {
    let Some((program, arguments)) = request.argv.split_first() else {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "no command is given"));
    };
    let stdin = if request.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = Command::new(program)
        .args(arguments)
        .args(force.then_some("--force-conflicts"))
        .env("LC_ALL", "C")
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let pipe = child.stdin.take();
    std::thread::scope(|scope| {
        if let (Some(mut pipe), Some(text)) = (pipe, &request.stdin) {
            // One that does not read to the end has said why on standard error.
            scope.spawn(move || pipe.write_all(text));
        }
        child.wait_with_output()
    })
}
