//! `taskmaster report`

use crate::app::deployments::{self, Wanted};
use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::plan::Request;
use crate::app::report;
use crate::app::telemetry;
use crate::app::workspace::ReadOptions;
use crate::cli::args::{Format, ReportArgs};
use crate::cli::context::{Context, print};
use crate::cli::moment::{self, Side};
use crate::clock;
use crate::report::{Render, TextOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Reports what the ledger proves.
pub(crate) fn run(context: &Context, args: ReportArgs) -> Result<Exit, AppError> {
    if let Some(since) = &args.since {
        return deployments(context, &args, since);
    }
    let request = Request {
        read: ReadOptions { document: args.document, ..ReadOptions::default() },
        environment: args.environment,
        ..Request::default()
    };
    let evidence = report::gather(&context.workspace, &request, args.run.as_deref())?;
    let target = args.to.as_deref().map(|path| context.workspace.working_dir.join(path));
    if let Some(path) = &target {
        spare(&evidence.prepared.files(&context.workspace), path)?;
    }
    if context.format == Format::Otlp {
        let trace = telemetry::of_report(&context.workspace, &evidence)?.otlp();
        return hand_over(target.as_deref(), &trace).map(|()| Exit::Ok);
    }
    let view = report::view(&evidence);
    let file = |format| match format {
        Format::Html => Some(view.html()),
        Format::Junit => Some(view.junit()),
        Format::Mermaid => Some(view.mermaid()),
        Format::Csv => Some(view.csv()),
        Format::Json | Format::Markdown | Format::Text | Format::Otlp => None,
    };
    show(context, &view, file, target.as_deref())
}

/// Reports what was deployed in a time.
fn deployments(context: &Context, args: &ReportArgs, since: &str) -> Result<Exit, AppError> {
    let since = moment::parse(since, "--since", Side::Past, clock::now())?;
    let wanted = Wanted { document: args.document.clone(), environment: args.environment.clone() };
    let view = deployments::view(&context.workspace, &wanted, since)?;
    let target = args.to.as_deref().map(|path| context.workspace.working_dir.join(path));
    if let (Some(path), Some(document)) = (&target, &args.document) {
        spare(&[context.workspace.working_dir.join(document)], path)?;
    }
    let file = |format| (format == Format::Html).then(|| view.html());
    show(context, &view, file, target.as_deref())
}

/// To standard output or a file, in the wanted format. `file` makes those that not every view has.
fn show(
    context: &Context,
    view: &impl Render,
    file: impl FnOnce(Format) -> Option<String>,
    target: Option<&Path>,
) -> Result<Exit, AppError> {
    match (file(context.format), target) {
        (Some(text), target) => hand_over(target, &text)?,
        (None, None) => context.show(view)?,
        (None, Some(path)) => {
            let text = match context.format {
                Format::Json => crate::report::json::pretty(&view.json()).unwrap_or_default(),
                Format::Markdown => view.markdown(),
                Format::Text => view.text(TextOptions { width: 100, colour: false }),
                Format::Html | Format::Junit | Format::Mermaid | Format::Csv | Format::Otlp => {
                    return context.can_show().map(|()| Exit::Ok);
                }
            };
            write(path, &text)?;
        }
    }
    Ok(Exit::Ok)
}

/// To standard output or a file.
fn hand_over(target: Option<&Path>, text: &str) -> Result<(), AppError> {
    match target {
        None => print(text),
        Some(path) => write(path, text),
    }
}

/// Refuses to write over what the report is made from.
fn spare(files: &[PathBuf], path: &Path) -> Result<(), AppError> {
    // Links and other ways to write a path lead to the same file; what does not exist is nobody's.
    let Ok(target) = std::fs::canonicalize(path) else { return Ok(()) };
    if !files.iter().any(|file| std::fs::canonicalize(file).is_ok_and(|file| file == target)) {
        return Ok(());
    }
    let message = format!("{} is what the report is made from, and would be lost", path.display());
    Err(AppError::usage(message, "give --to another file"))
}

fn write(path: &Path, text: &str) -> Result<(), AppError> {
    let fault = |source| AppError::Io { path: path.to_owned(), source };
    super::replace(path, |file| file.write_all(text.as_bytes()).map_err(fault))
}
