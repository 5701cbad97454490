//! `taskmaster report`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::plan::Request;
use crate::app::report;
use crate::app::workspace::ReadOptions;
use crate::cli::args::{Format, ReportArgs};
use crate::cli::context::{Context, print};
use crate::report::{Render, TextOptions};
use std::path::{Path, PathBuf};

/// Reports what the ledger proves.
pub(crate) fn run(context: &Context, args: ReportArgs) -> Result<Exit, AppError> {
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
    let view = report::view(&evidence);
    let page = (context.format == Format::Html).then(|| view.html());
    match (page, target) {
        (Some(page), Some(path)) => write(&path, &page)?,
        (Some(page), None) => print(&page)?,
        (None, None) => context.show(&view)?,
        (None, Some(path)) => {
            let text = match context.format {
                Format::Json => serde_json::to_string_pretty(&view.json()).unwrap_or_default(),
                Format::Markdown => view.markdown(),
                _ => view.text(TextOptions { width: 100, colour: false }),
            };
            write(&path, &text)?;
        }
    }
    Ok(Exit::Ok)
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

/// Replaces the file whole, so that a reader never sees half of it.
fn write(path: &Path, text: &str) -> Result<(), AppError> {
    let fault = |source| AppError::Io { path: path.to_owned(), source };
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(fault)?;
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(fault)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(fault)?;
    let readable = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    file.as_file().set_permissions(readable).map_err(fault)?;
    file.persist(path).map_err(|e| fault(e.error))?;
    Ok(())
}
