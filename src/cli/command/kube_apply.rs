//! `taskmaster kube-apply`: what `kubectl: apply` of a catalogue runs. Hidden, since people have kubectl.

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::kube_apply::{Ending, Request, run as apply};
use crate::cli::args::KubeApplyArgs;
use crate::cli::context::Context;
use std::io::{Read, Write};
use std::process::Output;

/// Ends as kubectl does; a comparison that a controller's field stands against ends with 2, since it is
/// neither so nor can a run make it so.
pub(crate) fn run(context: &Context, args: &KubeApplyArgs) -> Result<Exit, AppError> {
    let reads = args.command.iter().any(|word| word == "--filename=-" || word == "-");
    let stdin = reads.then(read).transpose()?;
    let fault =
        |source| AppError::Io { path: args.command.first().cloned().unwrap_or_default().into(), source };
    match apply(&Request { argv: args.command.clone(), stdin }).map_err(fault)? {
        Ending::Kubectl { output, taken_back } => {
            if let Some(fields) = taken_back {
                context.say(&format!("taken back, since they were changed by hand: {fields}"));
            }
            show(&output);
            Ok(match output.status.code() {
                Some(0) => Exit::Ok,
                Some(1) => Exit::Internal,
                _ => Exit::Usage,
            })
        }
        Ending::Kept { output, fields } => {
            show(&output);
            context.say(&format!("error: fields belong to others: {fields}"));
            Ok(if args.check { Exit::Usage } else { Exit::Internal })
        }
    }
}

fn read() -> Result<Vec<u8>, AppError> {
    let mut text = Vec::new();
    let fault = |source| AppError::Io { path: "standard input".into(), source };
    std::io::stdin().lock().read_to_end(&mut text).map_err(fault)?;
    Ok(text)
}

/// A reader that went away is no reason to end otherwise.
fn show(output: &Output) {
    let _ = std::io::stdout().lock().write_all(&output.stdout);
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(&output.stderr);
    // What we add stands on a line of its own.
    if output.stderr.last().is_some_and(|byte| *byte != b'\n') {
        let _ = err.write_all(b"\n");
    }
}
