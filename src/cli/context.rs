//! What every command needs: the project, the format, and how to speak.

use super::args::{Color, Format, Global};
use super::diagnostics;
use crate::app::error::{AppError, Findings};
use crate::app::sync::status;
use crate::app::workspace::Workspace;
use crate::config::{Project, Settings};
use crate::report::{Render, TextOptions};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// The surroundings of one command.
pub(crate) struct Context {
    /// The project.
    pub(crate) workspace: Workspace,
    /// Format of standard output.
    pub(crate) format: Format,
    /// Say less.
    pub(crate) quiet: bool,
    color: Color,
}

impl Context {
    /// Finds the project and reads its settings.
    pub(crate) fn new(global: &Global) -> Result<Self, AppError> {
        let here = || std::env::current_dir();
        let fault = |path: PathBuf| move |source| AppError::Io { path, source };
        let working_dir = match &global.directory {
            Some(dir) => working_dir(dir)?,
            None => here().map_err(fault(PathBuf::from(".")))?,
        };
        let flags = Settings { state_dir: global.state_dir.clone(), ..Settings::default() };
        let project = Project::find(&working_dir, flags, &|name| std::env::var(name).ok())?;
        Ok(Self {
            workspace: Workspace { project, working_dir, known_as: None },
            format: global.output,
            quiet: global.quiet,
            color: global.color,
        })
    }

    /// The same in the checkout of a sync: of the one that is named, else of the only one where there is no project.
    pub(crate) fn at_sync(mut self, name: Option<&str>) -> Result<Self, AppError> {
        if let Some(workspace) = status::workspace(&self.workspace, name)? {
            self.workspace = workspace;
        }
        Ok(self)
    }

    /// Whether `stream` gets colour.
    pub(crate) fn color(&self, stream: &impl IsTerminal) -> bool {
        use_color(self.color, stream)
    }

    /// Refuses a format in which no view is shown: for what must not begin where its end could not be told.
    pub(crate) fn can_show(&self) -> Result<(), AppError> {
        match self.format {
            Format::Html => {
                Err(AppError::usage("this is not made as html", "`taskmaster report -o html` is"))
            }
            Format::Json | Format::Markdown | Format::Text => Ok(()),
        }
    }

    /// Prints a view to standard output in the wanted format.
    pub(crate) fn show(&self, view: &impl Render) -> Result<(), AppError> {
        let text = match self.format {
            Format::Json => json(&view.json()),
            Format::Markdown => view.markdown(),
            Format::Text => view.text(self.text_options()),
            Format::Html => return self.can_show(),
        };
        print(&text)
    }

    /// How text is laid out on standard output.
    pub(crate) fn text_options(&self) -> TextOptions {
        TextOptions { width: width(), colour: self.color(&std::io::stdout()) }
    }

    /// Prints one line to standard output: JSON where that is wanted, else `text`.
    pub(crate) fn answer(&self, value: &serde_json::Value, text: &str) -> Result<(), AppError> {
        match self.format {
            Format::Json => print(&json(value)),
            _ => print(text),
        }
    }

    /// Says one line on standard error.
    pub(crate) fn say(&self, line: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// Shows findings on standard error; notes only where nothing hides them.
    pub(crate) fn findings(&self, findings: &Findings) {
        diagnostics::print(findings, self.color(&std::io::stderr()), self.quiet);
    }
}

/// The folder that was named.
fn working_dir(dir: &Path) -> Result<PathBuf, AppError> {
    let found = std::fs::canonicalize(dir).and_then(|path| std::fs::read_dir(&path).map(|_| path));
    let help = "give a folder that exists and may be read";
    found.map_err(|fault| AppError::usage(format!("cannot work in {}: {fault}", dir.display()), help))
}

/// Whether `stream` gets colour.
pub(crate) fn use_color(wish: Color, stream: &impl IsTerminal) -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match wish {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => stream.is_terminal() && !unwanted,
    }
}

/// Writes text and a final line break to standard output. A reader that went away is no fault.
pub(crate) fn print(text: &str) -> Result<(), AppError> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| match text.ends_with('\n') {
        true => out.flush(),
        false => out.write_all(b"\n").and_then(|()| out.flush()),
    });
    match written {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(AppError::Io { path: PathBuf::from("standard output"), source: e })
        }
        _ => Ok(()),
    }
}

fn json(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Rows of the terminal; 24 where there is none.
pub(crate) fn height() -> usize {
    let lines = std::env::var("LINES").ok().and_then(|lines| lines.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(_, height)| usize::from(height.0));
    terminal().or(lines).unwrap_or(24)
}

/// Columns of the terminal as it is now; none where there is none.
pub(crate) fn live_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// Columns of the terminal; 100 where there is none.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.or_else(live_width).unwrap_or(100)
}
