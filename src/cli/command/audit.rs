//! `taskmaster audit`

use crate::app::audit::{self, ExportError, Since};
use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::ledger::Ledger;
use crate::cli::args::AuditArgs;
use crate::cli::context::Context;
use crate::cli::moment::{self, Side};
use crate::clock;
use serde_json::json;
use std::fmt::Write;
use std::io::{BufWriter, ErrorKind};
use std::path::{Path, PathBuf};

/// Verifies the chain; a broken one ends with 42.
pub(crate) fn run(context: &Context, args: &AuditArgs) -> Result<Exit, AppError> {
    let Some(ledger) = context.workspace.ledger_to_audit()? else {
        return Err(AppError::usage("there is no ledger yet", "`taskmaster parse` makes one"));
    };
    if args.export {
        return export(context, args, &ledger);
    }
    if args.head {
        let head = ledger.head()?;
        let text = head.to_string();
        context.answer(&json!({ "schema_version": 1, "head": text }), &text)?;
        return Ok(Exit::Ok);
    }
    let audit = ledger.audit()?;
    let finding = |found: &crate::store::Finding| json!({ "seq": found.seq, "what": found.what });
    let value = json!({
        "schema_version": 1,
        "holds": audit.holds(),
        "events": audit.events,
        "head": audit.head.to_string(),
        "broken": audit.broken.as_ref().map(finding),
        "findings": audit.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    let mut text = match &audit.broken {
        None => format!("the chain of {} events holds\nhead {}\n", audit.events, audit.head),
        Some(broken) => {
            let place = broken.seq.map_or_else(String::new, |seq| format!(" at event {seq}"));
            format!("the chain is broken{place}: {}\n", broken.what)
        }
    };
    for found in &audit.findings {
        let _ = writeln!(text, "found: {}", found.what);
    }
    context.answer(&value, &text)?;
    Ok(if audit.holds() { Exit::Ok } else { Exit::Corrupt })
}

/// The chain as statements, to a file or to standard output.
fn export(context: &Context, args: &AuditArgs, ledger: &Ledger) -> Result<Exit, AppError> {
    let since = args.since.as_deref().map_or(Ok(Since::Place(0)), since)?;
    let holds = match &args.to {
        Some(path) => to_file(ledger, since, &context.workspace.working_dir.join(path))?,
        None => to_stdout(ledger, since)?,
    };
    if !holds {
        context.say("the chain is broken: the last statement says where");
    }
    Ok(if holds { Exit::Ok } else { Exit::Corrupt })
}

/// A place in the chain is a plain number.
fn since(text: &str) -> Result<Since, AppError> {
    match text.parse() {
        Ok(place) => Ok(Since::Place(place)),
        Err(_) => Ok(Since::Time(moment::parse(text, "--since", Side::Past, clock::now())?)),
    }
}

fn to_stdout(ledger: &Ledger, since: Since) -> Result<bool, AppError> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    match audit::export(ledger, since, &mut out) {
        // A reader that went away has seen enough.
        Err(ExportError::Write(fault)) if fault.kind() == ErrorKind::BrokenPipe => Ok(true),
        ended => ended.map_err(|fault| told(fault, Path::new("standard output"))),
    }
}

/// The file is replaced whole, so that a reader never sees half of it.
fn to_file(ledger: &Ledger, since: Since, path: &Path) -> Result<bool, AppError> {
    super::replace(path, |file| {
        let mut out = BufWriter::new(file);
        audit::export(ledger, since, &mut out).map_err(|fault| told(fault, path))
    })
}

fn told(fault: ExportError, path: &Path) -> AppError {
    match fault {
        ExportError::Ledger(fault) => fault.into(),
        ExportError::Write(source) => AppError::Io { path: PathBuf::from(path), source },
    }
}
