//! `taskmaster run`

use crate::app::bell::Bell;
use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::notices::{self, Ended};
use crate::app::plan::{self, Request};
use crate::app::plan_view;
use crate::app::run::{self, RunOptions, RunResult};
use crate::app::telemetry;
use crate::app::watch::Watch;
use crate::app::way_on::way_on;
use crate::cli::args::{Format, RunArgs};
use crate::cli::ci;
use crate::cli::context::Context;
use crate::cli::progress::{Progress, Style, duration};
use jiff::Timestamp;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use taskmaster_core::resolve::Anew;
use taskmaster_core::scheduler::RunEnd;
use taskmaster_core::text::count;

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
        // Who watches for changes does not wait for a person meanwhile.
        end_when_waiting: args.work.no_wait || args.watch,
        live_output: std::io::stderr().is_terminal(),
        write_back: args.write_back,
        options: given(args),
        ..RunOptions::default()
    };
    if args.watch {
        return watch(context, request, &options);
    }
    once(context, &request, &options, None)
}

/// One run. A watch learns which files it is made from, and needs no run where nothing is to be done.
fn once(
    context: &Context,
    request: &Request,
    options: &RunOptions,
    watch: Option<&mut Watch>,
) -> Result<Exit, AppError> {
    let mut progress = progress(context);
    let clock = crate::clock::Steady::start();
    let began = clock.now();
    let session = run::begin(&context.workspace, request, &mut progress)?;
    progress.at(session.prepared().place.clone());
    let is_watch = watch.is_some();
    watch.into_iter().for_each(|watch| watch.learn(session.prepared()));
    context.findings(&session.prepared().reading.findings);
    context.findings(&session.prepared().binding_findings);
    context.findings(&session.prepared().catalogue_findings);
    if is_watch && session.prepared().plan.tasks.is_empty() {
        context.say("nothing to do");
        return Ok(Exit::Ok);
    }
    let result = session.execute(options, &mut progress)?;
    warn(&result);
    if !context.quiet {
        summary(&result, "pending", clock.now().duration_since(began).as_millis());
    }
    ci::run_summary(&context.workspace, &request.read, &result);
    notify(context, "run", &result, began);
    Ok(result.end.into())
}

/// Runs, and runs again what is new or changed whenever a file is written to, until a signal ends it. The exit code is
/// that of the last run.
fn watch(context: &Context, mut request: Request, options: &RunOptions) -> Result<Exit, AppError> {
    let bell = Bell::default();
    bell.hear_signals()
        .map_err(|source| AppError::Io { path: PathBuf::from("the system's signals"), source })?;
    let mut watch = Watch::new(&context.workspace, &request.read)?;
    loop {
        watch.begin();
        let end = match once(context, &request, options, Some(&mut watch)) {
            Err(fault) if fault.is_of_what_is_written() => context.fault(&fault),
            ended => ended?,
        };
        if bell.is_stopped() {
            return Ok(end);
        }
        context
            .say(&format!("watching {} for changes; Ctrl-C ends it", count(watch.files(), "file", "files")));
        if !watch.wait(&bell) {
            return Ok(end);
        }
        (request.work_only, request.anew) = (true, Anew::Nothing);
    }
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

/// Tells those who want to know that it ended, and sends its trace. That it could not be is told here, and changes
/// nothing.
pub(crate) fn notify(context: &Context, command: &'static str, result: &RunResult, began: Timestamp) {
    let ended = Ended { command, result, began, ended: crate::clock::now() };
    let mut err = std::io::stderr().lock();
    let told = notices::tell(&context.workspace, &ended);
    for fault in told.into_iter().chain(telemetry::export(&context.workspace, result)) {
        let line = crate::report::clean_lines(&fault).join(" ");
        let _ = writeln!(err, "warning: {}", ci::harmless(&line));
    }
}

/// What came of it and what can be done next, on standard error. What is pending after it is called `pending`.
pub(crate) fn summary(result: &RunResult, pending: &str, took_ms: i128) {
    let word = |state| if state == "pending" { pending } else { state };
    let counts: Vec<String> =
        result.counts.iter().map(|(state, count)| format!("{count} {}", word(state.as_str()))).collect();
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
