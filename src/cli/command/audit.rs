//! `taskmaster audit`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::cli::args::AuditArgs;
use crate::cli::context::Context;
use serde_json::json;
use std::fmt::Write;

/// Verifies the chain; a broken one ends with 42.
pub(crate) fn run(context: &Context, args: &AuditArgs) -> Result<Exit, AppError> {
    let Some(ledger) = context.workspace.ledger_if_any()? else {
        return Err(AppError::usage("there is no ledger yet", "`taskmaster parse` makes one"));
    };
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
