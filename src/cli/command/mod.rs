//! One file per command: arguments in, use case, view out.

pub(crate) mod agent;
pub(crate) mod audit;
pub(crate) mod destroy;
pub(crate) mod doctor;
pub(crate) mod drift;
pub(crate) mod env;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod kube_apply;
pub(crate) mod kube_rollout;
pub(crate) mod load;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod parse;
pub(crate) mod plan;
pub(crate) mod prometheus_gate;
pub(crate) mod promote_env;
pub(crate) mod report;
pub(crate) mod rollout;
pub(crate) mod rollouts;
pub(crate) mod run;
pub(crate) mod sync;
pub(crate) mod tasks;

use super::args::{DocumentArgs, EnvironmentArgs, SelectionArgs, ViewArgs};
use crate::app::error::AppError;
use crate::app::plan::Request;
use crate::app::workspace::ReadOptions;
use crate::report::clean_lines;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use taskmaster_core::diagnostic::did_you_mean;
use taskmaster_core::select::Selection;

pub(crate) const DIALECTS: [&str; 8] =
    ["plain", "spec-kit", "kiro", "task-master", "obsidian", "backlog", "openspec", "bmad"];
pub(crate) const ORDERINGS: [&str; 3] = ["sequential", "phases", "explicit"];

/// Reads a word as one of a closed set, whose names are those of its JSON.
fn word<T: DeserializeOwned>(text: Option<&str>, what: &str, all: &[&str]) -> Result<Option<T>, AppError> {
    let Some(text) = text else { return Ok(None) };
    match serde_json::from_value(serde_json::Value::from(text)) {
        Ok(value) => Ok(Some(value)),
        Err(_) => {
            let near = did_you_mean(text, all.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| format!("one of {}", all.join(", ")));
            Err(AppError::usage(format!("no {what} is called `{text}`"), help))
        }
    }
}

fn read_options(args: &DocumentArgs) -> Result<ReadOptions, AppError> {
    Ok(ReadOptions {
        document: args.document.clone(),
        dialect: word(args.dialect.as_deref(), "dialect", &DIALECTS)?,
        ordering: word(args.ordering.as_deref(), "ordering", &ORDERINGS)?,
        strict: args.strict,
        identity: None,
    })
}

fn request(
    document: &DocumentArgs,
    environment: &EnvironmentArgs,
    selection: &SelectionArgs,
) -> Result<Request, AppError> {
    Ok(Request {
        read: read_options(document)?,
        environment: environment.environment.clone(),
        vars: environment.grants.vars.iter().cloned().collect(),
        allow_inline: environment.grants.allow_inline,
        selection: Selection {
            phases: selection.phase.clone(),
            tasks: selection.task.clone(),
            from: selection.from.clone(),
            with_dependencies: selection.with_dependencies,
        },
        ignore_marks: selection.ignore_marks,
        include_cancelled: selection.include_cancelled,
        include_optional: selection.include_optional,
        allow_contexts: environment.grants.allow_context.clone(),
        ..Request::default()
    })
}

/// A request that only looks.
fn view_request(args: &ViewArgs) -> Request {
    Request {
        read: ReadOptions { document: args.document.clone(), ..ReadOptions::default() },
        environment: args.environment.clone(),
        ..Request::default()
    }
}

/// A person's yes; without a terminal nobody is asked.
fn confirmed(question: &str) -> Result<bool, AppError> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Ok(false);
    }
    let mut err = std::io::stderr();
    let _ = write!(err, "{} Only \"yes\" is a yes: ", clean_lines(question).join(" "));
    let _ = err.flush();
    let mut line = String::new();
    let fault = |source| AppError::Io { path: "standard input".into(), source };
    input.lock().read_line(&mut line).map_err(fault)?;
    Ok(line.trim() == "yes")
}

/// Replaces a file whole by what `fill` writes, so that a reader never sees half of it.
fn replace<T>(path: &Path, fill: impl FnOnce(&mut File) -> Result<T, AppError>) -> Result<T, AppError> {
    let fault = |source| AppError::Io { path: path.to_owned(), source };
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(fault)?;
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(fault)?;
    let answer = fill(file.as_file_mut())?;
    let readable = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    file.as_file().set_permissions(readable).map_err(fault)?;
    file.persist(path).map_err(|e| fault(e.error))?;
    Ok(answer)
}

/// The name that JSON gives a value of a closed set.
fn name(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
