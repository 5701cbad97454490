//! `taskmaster report`

use crate::app::error::AppError;
use crate::app::exit::Exit;
use crate::app::plan::Request;
use crate::app::report;
use crate::app::workspace::ReadOptions;
use crate::cli::args::{Format, ReportArgs};
use crate::cli::context::{Context, print};
use crate::report::{Render, TextOptions};
use std::path::Path;

/// Reports what the ledger proves.
pub(crate) fn run(context: &Context, args: ReportArgs) -> Result<Exit, AppError> {
    let request = Request {
        read: ReadOptions { document: args.document, ..ReadOptions::default() },
        environment: args.environment,
        ..Request::default()
    };
    let evidence = report::gather(&context.workspace, &request, args.run.as_deref())?;
    let view = report::view(&evidence);
    let page = (context.format == Format::Html).then(|| view.html());
    match (page, args.to) {
        (Some(page), Some(path)) => write(context, &path, &page)?,
        (Some(page), None) => print(&page)?,
        (None, None) => context.show(&view)?,
        (None, Some(path)) => {
            let text = match context.format {
                Format::Json => serde_json::to_string_pretty(&view.json()).unwrap_or_default(),
                Format::Markdown => view.markdown(),
                _ => view.text(TextOptions { width: 100, colour: false }),
            };
            write(context, &path, &text)?;
        }
    }
    Ok(Exit::Ok)
}

/// Replaces the file whole, so that a reader never sees half of it.
fn write(context: &Context, path: &Path, text: &str) -> Result<(), AppError> {
    let path = context.workspace.working_dir.join(path);
    let fault = |source| AppError::Io { path: path.clone(), source };
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(fault)?;
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(fault)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(fault)?;
    let readable = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    file.as_file().set_permissions(readable).map_err(fault)?;
    file.persist(&path).map_err(|e| fault(e.error))?;
    Ok(())
}
