//! `taskmaster rollout load`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::cli::args::LoadArgs;
use crate::cli::context::Context;
use crate::deliver::load::{LatencyReport, Load, LoadReport, Plan, Sessions, VersionFrom};
use crate::exec::driver;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Puts load on a service until its time is over or somebody interrupts it, and tells what came back.
pub(crate) fn run(context: &Context, args: LoadArgs) -> Result<Exit, AppError> {
    let plan = plan(args)?;
    let io = |source| AppError::Io { path: PathBuf::from("runtime"), source };
    let report = driver::runtime().map_err(io)?.block_on(load(plan))?;
    let mut json = serde_json::to_value(&report).unwrap_or_default();
    json["schema_version"] = 1.into();
    json["view"] = "load".into();
    context.answer(&json, &text(&report))?;
    Ok(Exit::Ok)
}

async fn load(plan: Plan) -> Result<LoadReport, AppError> {
    let load = Load::start(plan)
        .map_err(|fault| AppError::usage(fault.to_string(), "see `taskmaster rollout load --help`"))?;
    tokio::select! {
        () = load.ended() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(load.stop().await)
}

fn plan(args: LoadArgs) -> Result<Plan, AppError> {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let version = match args.version_field {
        Some(field) => VersionFrom::Field(field),
        None => VersionFrom::Header(args.version_header.parse().map_err(|_| {
            let message = format!("`{}` is no name of a header", args.version_header);
            AppError::usage(message, "such as x-app-version")
        })?),
    };
    let requests = args.session_requests;
    Ok(Plan {
        paths: args.paths,
        duration: Some(args.duration),
        connections: count(args.connections),
        timeout: args.timeout,
        sessions: args.sessions.map(|at_once| Sessions { at_once: count(at_once), requests }),
        version,
        ..Plan::new(args.target, args.rate)
    })
}

fn text(report: &LoadReport) -> String {
    let LoadReport { target, sent, ok, failed, missed, .. } = report;
    let (seconds, percent) = (report.elapsed_ms / 1e3, report.error_rate * 100.0);
    let mut out =
        format!("{target} for {seconds:.1} s: {sent} sent, {ok} ok, {failed} failed ({percent:.2} %)");
    if *missed > 0 {
        let _ = write!(out, ", {missed} missed: all connections were busy");
    }
    let mut row = |name: &str, values: Vec<String>| {
        if !values.is_empty() {
            let _ = write!(out, "\n{name:<9} {}", values.join(", "));
        }
    };
    row("latency", latencies(&report.latency));
    row("status", report.by_status.iter().map(|(status, count)| format!("{status} × {count}")).collect());
    row("errors", report.errors.iter().map(|(error, count)| format!("{error} × {count}")).collect());
    for (name, of) in &report.versions {
        let mut values = vec![format!("{} answers", of.answers), format!("{} failed", of.failed)];
        values.extend(latencies(&of.latency));
        row(name, values);
    }
    out
}

fn latencies(latency: &LatencyReport) -> Vec<String> {
    let named =
        [("p50", latency.p50_ms), ("p90", latency.p90_ms), ("p99", latency.p99_ms), ("max", latency.max_ms)];
    named.iter().filter_map(|(name, value)| Some(format!("{name} {:.1} ms", (*value)?))).collect()
}
