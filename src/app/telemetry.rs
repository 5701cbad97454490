//! Traces of runs: made from the ledger, and sent where OpenTelemetry's variables say.
//!
//! Invariants: what is sent of a run is what `report -o otlp` tells of it later; sending changes neither exit code nor
//! ledger, ends in its time or at a signal, and names no address. Absent on purpose: sending while a run is at work, and
//! keeping what could not be sent, as the ledger has it.

use super::error::AppError;
use super::ledger::Ledger;
use super::plan::Prepared;
use super::report::Evidence;
use super::run::RunResult;
use super::workspace::Workspace;
use crate::clock;
use crate::config::telemetry::{Export, Protocol};
use crate::deliver::notify::{self, Secret, Traces};
use crate::exec::driver;
use crate::exec::stop::Stops;
use crate::report::otlp::{self, Encoding};
use crate::report::view::TraceView;
use taskmaster_core::id::RunId;
use taskmaster_core::text::count;

/// The trace of the run that a report shows.
pub fn of_report(workspace: &Workspace, evidence: &Evidence) -> Result<TraceView, AppError> {
    let run = evidence.run.as_ref().map(|run| &run.summary.id);
    let (Some(run), Some(ledger)) = (run, workspace.ledger_if_any()?) else {
        let place = &evidence.prepared.environment;
        return Err(AppError::usage(format!("there is no run in {place} yet"), "`taskmaster run` makes one"));
    };
    view(workspace, &ledger, &evidence.prepared, run, evidence.live.as_ref() == Some(run))
}

fn view(
    workspace: &Workspace,
    ledger: &Ledger,
    prepared: &Prepared,
    run: &RunId,
    is_live: bool,
) -> Result<TraceView, AppError> {
    let title = prepared.reading.parsed.document.metadata.title.as_deref();
    let title = title.filter(|title| !title.trim().is_empty()).unwrap_or(&prepared.reading.text.path);
    Ok(TraceView {
        run: run.clone(),
        title: title.to_owned(),
        is_live,
        resource: workspace.project.telemetry.resource.clone(),
        entries: ledger.run_entries(run)?,
    })
}

/// Sends the trace of a run that ended, where that is wanted. Returns a line for each thing that went wrong.
pub fn export(workspace: &Workspace, result: &RunResult) -> Vec<String> {
    let telemetry = &workspace.project.telemetry;
    let mut told = telemetry.warnings.clone();
    let is_kept = telemetry.around.is_none_or(|around| around.is_sampled);
    if let Some(export) = telemetry.export.as_ref().filter(|_| is_kept)
        && let Err(why) = send(workspace, export, result)
    {
        told.push(format!("the trace was not sent: {why}"));
    }
    told.into_iter().map(|line| format!("telemetry: {line}")).collect()
}

fn send(workspace: &Workspace, export: &Export, result: &RunResult) -> Result<(), String> {
    let said = |fault: AppError| fault.to_string();
    let ledger = workspace.ledger_if_any().map_err(said)?.ok_or("there is no ledger")?;
    let view = view(workspace, &ledger, &result.prepared, &result.run, false).map_err(said)?;
    let encoding = match export.protocol {
        Protocol::Protobuf => Encoding::Protobuf,
        Protocol::Json => Encoding::Json,
    };
    let requests = otlp::requests(&view, encoding);
    let runtime = driver::runtime().map_err(|fault| fault.to_string())?;
    let rejected = runtime.block_on(async {
        let mut stops = Stops::from_signals().map_err(|fault| fault.to_string())?;
        tokio::select! {
            biased;
            sent = deliver(export, encoding, &requests, result.run.as_str()) => sent,
            () = stops.next() => Err("stopped".to_owned()),
        }
    })?;
    match rejected {
        0 => Ok(()),
        some => Err(format!("the receiver did not take {}", count(some, "span", "spans"))),
    }
}

/// Sends one request after the other, all in the time of the export. Returns how many spans were not taken.
async fn deliver(
    export: &Export,
    encoding: Encoding,
    requests: &[Vec<u8>],
    id: &str,
) -> Result<usize, String> {
    let url = Secret::new(export.url.to_string());
    let secret =
        |(name, value): &(String, zeroize::Zeroizing<String>)| (name.clone(), Secret::new(value.to_string()));
    let headers: Vec<(String, Secret)> = export.headers.iter().map(secret).collect();
    let end = clock::monotonic() + export.timeout;
    let mut rejected = 0;
    for body in requests {
        let content_type = encoding.content_type();
        let traces = Traces { url: &url, headers: &headers, content_type, body, id };
        let left = end.saturating_duration_since(clock::monotonic());
        let answer = notify::export(&traces, left).await?;
        rejected += otlp::rejected(&answer, encoding);
    }
    Ok(rejected)
}
