//! What every command needs: the project, the format, and how to speak.

use super::args::{CiServer, Color, Format, Global};
use super::{ci, diagnostics};
use crate::app::error::{AppError, Findings};
use crate::app::exit::Exit;
use crate::app::sync::status;
use crate::app::workspace::Workspace;
use crate::config::{Ci, ConfigError, Project, Settings};
use crate::report::{Render, TextOptions, clean_lines};
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
        let working_dir = place(global)?;
        let project = Project::find(&working_dir, flags(global), &|name| std::env::var(name).ok())?;
        settle_ci(project.settings.ci);
        Ok(Self::at(global, project, working_dir))
    }

    /// The same for who looks what is wrong: where settings cannot be read, without any, and why.
    pub(crate) fn for_doctor(global: &Global) -> Result<(Self, Option<ConfigError>), AppError> {
        match Self::new(global) {
            Err(AppError::Config(fault)) => {
                let (working_dir, flags) = (place(global)?, flags(global));
                let project = Project::bare(&working_dir, flags);
                settle_ci_without_settings(global);
                Ok((Self::at(global, project, working_dir), Some(fault)))
            }
            context => Ok((context?, None)),
        }
    }

    fn at(global: &Global, project: Project, working_dir: PathBuf) -> Self {
        Self {
            workspace: Workspace { project, working_dir, known_as: None },
            format: global.output,
            quiet: global.quiet,
            color: global.color,
        }
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
        match name_of_file(self.format) {
            Some(name) => {
                let help = format!("`taskmaster report -o {name}` is");
                Err(AppError::usage(format!("this is not made as {name}"), help))
            }
            None => Ok(()),
        }
    }

    /// Prints a view to standard output in the wanted format.
    pub(crate) fn show(&self, view: &impl Render) -> Result<(), AppError> {
        let text = match self.format {
            Format::Json => return print_json(&json(&view.json())),
            Format::Markdown => view.markdown(),
            Format::Text => view.text(self.text_options()),
            Format::Html | Format::Junit | Format::Mermaid | Format::Csv | Format::Otlp => {
                return self.can_show();
            }
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
            Format::Json => print_json(&json(value)),
            _ => print(text),
        }
    }

    /// Says one line on standard error. Names and words of others may stand in it.
    pub(crate) fn say(&self, line: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{}", ci::harmless(&clean_lines(line).join("\n")));
        }
    }

    /// Says why something could not be done, by something that goes on all the same.
    pub(crate) fn fault(&self, fault: &AppError) -> Exit {
        super::say_fault(fault, &self.workspace.working_dir, self.color(&std::io::stderr()))
    }

    /// Shows findings on standard error; notes only where nothing hides them. On a CI server also at their places.
    pub(crate) fn findings(&self, findings: &Findings) {
        ci::findings(findings, &self.workspace.working_dir, self.quiet);
        diagnostics::print(findings, self.color(&std::io::stderr()), error_width(), self.quiet);
    }
}

/// The name of a format that only some views are made in.
fn name_of_file(format: Format) -> Option<&'static str> {
    match format {
        Format::Json | Format::Markdown | Format::Text => None,
        Format::Html => Some("html"),
        Format::Junit => Some("junit"),
        Format::Mermaid => Some("mermaid"),
        Format::Csv => Some("csv"),
        Format::Otlp => Some("otlp"),
    }
}

/// The working directory.
fn place(global: &Global) -> Result<PathBuf, AppError> {
    match &global.directory {
        Some(dir) => working_dir(dir),
        None => std::env::current_dir().map_err(|source| AppError::Io { path: PathBuf::from("."), source }),
    }
}

fn flags(global: &Global) -> Settings {
    Settings { state_dir: global.state_dir.clone(), ci: ci(global), ..Settings::default() }
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

/// The server that the command line names.
fn ci(global: &Global) -> Option<Ci> {
    global.ci.map(|server| match server {
        CiServer::Auto => Ci::Auto,
        CiServer::Github => Ci::Github,
        CiServer::Gitlab => Ci::Gitlab,
        CiServer::Off => Ci::Off,
    })
}

/// Settles who reads what is printed, from what is set.
pub(crate) fn settle_ci(wish: Option<Ci>) {
    ci::settle(ci::Host::find(wish.unwrap_or_default(), &|name| std::env::var(name).ok()));
}

/// Where settings could not be read: flag and variables alone.
pub(crate) fn settle_ci_without_settings(global: &Global) {
    let var = |name: &str| std::env::var(name).ok();
    settle_ci(ci(global).or_else(|| var("TASKMASTER_CI").and_then(|word| word.parse().ok())));
}

/// Writes text and a final line break to standard output. A reader that went away is no fault.
pub(crate) fn print(text: &str) -> Result<(), AppError> {
    write_out(&ci::harmless(text))
}

/// The same of JSON.
pub(crate) fn print_json(text: &str) -> Result<(), AppError> {
    write_out(&ci::harmless_json(text))
}

fn write_out(text: &str) -> Result<(), AppError> {
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
    crate::report::json::pretty(value).unwrap_or_default()
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

/// Columns to which what goes to standard error is wrapped; none where no terminal shows it, as for a file.
pub(crate) fn error_width() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let found = columns.or_else(|| live_width().filter(|_| std::io::stderr().is_terminal()));
    found.map(|width: usize| width.max(40))
}

/// Columns of the terminal; 100 where there is none.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.or_else(live_width).unwrap_or(100)
}
