//! `taskmaster run`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::notices::{self, Ended};
use crate::app::plan;
use crate::app::plan_view;
use crate::app::run::{self, RunOptions, RunResult};
use crate::app::way_on::way_on;
use crate::cli::args::{Format, RunArgs};
use crate::cli::ci;
use crate::cli::context::Context;
use crate::cli::progress::{Progress, Style, duration};
use jiff::Timestamp;
use std::io::{IsTerminal, Write};
use taskmaster_core::scheduler::RunEnd;

/// Executes the plan.
pub(crate) fn run(context: &Context, args: &RunArgs) -> Result<Exit, AppError> {
    let request = super::request(&args.document, &args.environment, &args.selection)?;
    let jobs = args.work.jobs.map(usize::from);
    if args.dry_run {
        let (prepared, view) = plan_view::make(&context.workspace, &request, false, true, jobs)?;
        context.findings(&prepared.catalogue_findings);
        context.show(&view)?;
        return Ok(Exit::Ok);
    }
    let options = RunOptions {
        jobs,
        keep_going: args.work.keep_going,
        end_when_waiting: args.work.no_wait,
        live_output: std::io::stderr().is_terminal(),
        write_back: args.write_back,
        options: given(args),
        ..RunOptions::default()
    };
    let mut progress = progress(context);
    let clock = crate::clock::Steady::start();
    let began = clock.now();
    let session = run::begin(&context.workspace, &request, &mut progress)?;
    context.findings(&session.prepared().reading.findings);
    context.findings(&session.prepared().binding_findings);
    context.findings(&session.prepared().catalogue_findings);
    let result = session.execute(&options, &mut progress)?;
    warn(&result);
    if !context.quiet {
        summary(&result, clock.now().duration_since(began).as_millis());
    }
    ci::run_summary(&context.workspace, &request.read, &result);
    notify(context, "run", &result, began);
    Ok(result.end.into())
}

/// The options that a reader of the run's history wants to know.
fn given(args: &RunArgs) -> std::collections::BTreeMap<String, String> {
    let selection = &args.selection;
    let texts = [
        ("phase", selection.phase.join(" ")),
        ("task", selection.task.join(" ")),
        ("from", selection.from.clone().unwrap_or_default()),
        ("jobs", args.work.jobs.map(|jobs| jobs.to_string()).unwrap_or_default()),
    ];
    let flags = [
        ("with-dependencies", selection.with_dependencies),
        ("ignore-marks", selection.ignore_marks),
        ("include-cancelled", selection.include_cancelled),
        ("include-optional", selection.include_optional),
        ("keep-going", args.work.keep_going),
        ("allow-inline", args.environment.grants.allow_inline),
        ("write-back", args.write_back),
    ];
    let flags = flags.into_iter().filter(|(_, given)| *given).map(|(name, _)| (name, "yes".to_owned()));
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let named = texts.chain(flags).map(|(name, text)| (name.to_owned(), text));
    named.chain(plan::as_options(&args.environment.grants.vars)).collect()
}

/// Progress in the style that fits format and terminal.
pub(crate) fn progress(context: &Context) -> Progress {
    let err = std::io::stderr();
    let style = match context.format {
        Format::Json => Style::Ndjson,
        _ if context.quiet => Style::Quiet,
        _ if err.is_terminal() => Style::Live,
        _ => Style::Plain,
    };
    Progress::new(style, context.color(&err))
}

/// Why marks were not written back.
fn warn(result: &RunResult) {
    let mut err = std::io::stderr().lock();
    for warning in result.marks.iter().flat_map(|marks| &marks.warnings) {
        let line = crate::report::clean_lines(warning).join(" ");
        let _ = writeln!(err, "warning: {}", ci::harmless(&line));
    }
}

/// Tells those who want to know that it ended. That somebody could not be told is told here, and changes nothing.
pub(crate) fn notify(context: &Context, command: &'static str, result: &RunResult, began: Timestamp) {
    let ended = Ended { command, result, began, ended: crate::clock::now() };
    let mut err = std::io::stderr().lock();
    for fault in notices::tell(&context.workspace, &ended) {
        let line = crate::report::clean_lines(&fault).join(" ");
        let _ = writeln!(err, "warning: {}", ci::harmless(&line));
    }
}

/// What came of it and what can be done next, on standard error.
pub(crate) fn summary(result: &RunResult, took_ms: i128) {
    let counts: Vec<String> = result.counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let took = duration(u64::try_from(took_ms).unwrap_or_default());
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "{}: {} in {took}", words(result.end), counts.join(", "));
    for (task, state) in result.prepared.plan.tasks.iter().zip(&result.states) {
        if let Some(next) = way_on(&result.prepared.place, &task.id, state, false) {
            let _ = writeln!(err, "  next: {}", ci::harmless(&next));
        }
    }
}

fn words(end: RunEnd) -> &'static str {
    match end {
        RunEnd::Succeeded => "succeeded",
        RunEnd::Failed => "failed",
        RunEnd::Waiting => "waits for a person",
        RunEnd::Interrupted => "interrupted",
        RunEnd::Unknown => "an end is unknown",
    }
}
