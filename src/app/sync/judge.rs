//! Whether a commit may come into force: decided before any of it is checked out for good.

use super::options::{SyncOptions, SyncPlace, project_in};
use crate::app::error::{AppError, Findings};
use crate::app::ledger::Ledger;
use crate::app::plan::{self, Request};
use crate::app::views;
use crate::app::workspace::{ReadOptions, Workspace};
use crate::config::{CATALOGUE, PROJECT_FILE, Project};
use crate::git::commit::CommitId;
use crate::git::error::GitError;
use crate::git::follow::normal;
use crate::git::history::SignatureError;
use crate::git::mirror::Mirror;
use std::path::{Component, Path, PathBuf};
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::plan::Disposition;

/// Most reasons that are told.
const MOST_REASONS: usize = 20;

/// What is said of a commit.
pub enum Judgement {
    /// It may come into force; the path of its document.
    Accepted {
        /// Relative to the project.
        document: PathBuf,
    },
    /// It may not.
    Refused {
        /// Why, each in one line.
        reasons: Vec<String>,
    },
}

/// Judges a commit from an export of the files that are read. An error is a fault of ours, not of the commit.
pub fn judge(
    options: &SyncOptions,
    outer: &Project,
    place: &SyncPlace,
    mirror: &Mirror,
    ledger: &mut Ledger,
    commit: &CommitId,
) -> Result<Judgement, AppError> {
    if let Some(signers) = &options.signers
        && let Err(fault) = mirror.verify(commit, signers)
    {
        return match fault {
            SignatureError::Git(fault) => Err(fault.into()),
            fault => Ok(refused(vec![fault.to_string()])),
        };
    }
    if let Err(fault) = mirror.check_tree(commit) {
        return refused_by_git(fault);
    }
    let export = tempfile::Builder::new()
        .prefix("judge-")
        .tempdir_in(&place.dir)
        .map_err(|source| AppError::Io { path: place.dir.clone(), source })?;
    let bring = |paths: &[&Path]| {
        let paths: Vec<String> = paths.iter().map(|path| literal(&options.project.join(path))).collect();
        mirror.bring(commit, &paths, export.path())
    };
    if let Err(fault) = bring(&[Path::new(PROJECT_FILE)]) {
        return refused_by_git(fault);
    }
    let project = match project_in(export.path(), &options.project, options.jobs, outer) {
        Ok(project) => project,
        Err(fault) => return Ok(refused(told(&fault))),
    };
    let Some(document) = document_of(options, &project) else {
        let why = format!("neither --path nor `document` in its {PROJECT_FILE} names a document");
        return Ok(refused(vec![why]));
    };
    let catalogue = project.settings.catalogue.clone().unwrap_or_else(|| PathBuf::from(CATALOGUE));
    if let Some(out) = [&document, &catalogue].into_iter().find(|path| !stays_below(&options.project, path)) {
        return Ok(refused(vec![format!("{} is not inside of the repository", shown(out))]));
    }
    if let Err(fault) = bring(&[&document, &catalogue]) {
        return refused_by_git(fault);
    }
    judge_export(options, project, document, ledger)
}

/// A pathspec of exactly this path below the repository's top, and of all below it.
fn literal(path: &Path) -> String {
    format!(":(top,literal){}", normal(path).to_string_lossy())
}

/// True where a path of the project, which lies in a folder of the repository, stays in the repository by its words:
/// steps upwards come first, because behind a name they might lead through a link.
fn stays_below(project: &Path, path: &Path) -> bool {
    let steps_up = path.components().take_while(|part| *part == Component::ParentDir).count();
    let mut rest = path.components().skip(steps_up);
    steps_up <= project.components().count()
        && rest.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// A path as a reason tells it.
fn shown(path: &Path) -> String {
    crate::report::clean_lines(&path.to_string_lossy()).join(" ")
}

/// The document: named, else the one that the project names.
fn document_of(options: &SyncOptions, project: &Project) -> Option<PathBuf> {
    let named = options.request.read.document.clone();
    named.or_else(|| project.settings.document.as_ref().map(PathBuf::from))
}

fn judge_export(
    options: &SyncOptions,
    project: Project,
    document: PathBuf,
    ledger: &mut Ledger,
) -> Result<Judgement, AppError> {
    let working_dir = project.root.clone();
    let workspace = Workspace { project, working_dir, known_as: None };
    let request = request(options, &document);
    match plan::prepare(&workspace, &request, Some(ledger), false) {
        Ok(prepared) if options.request.allow_inline => {
            drop(prepared);
            Ok(Judgement::Accepted { document })
        }
        Ok(prepared) => {
            let brought = prepared.plan.tasks.iter().filter(|planned| {
                let task = prepared.document().task(planned.id.as_str());
                planned.disposition == Disposition::Manual
                    && task.is_some_and(|task| !task.inline_actions.is_empty())
            });
            let reasons: Vec<String> = brought
                .map(|task| {
                    format!(
                        "line {}: `{}` has an action written in the document, which runs only with --allow-inline",
                        task.line, task.id
                    )
                })
                .collect();
            if reasons.is_empty() { Ok(Judgement::Accepted { document }) } else { Ok(refused(reasons)) }
        }
        Err(fault) if is_of_the_commit(&fault) => Ok(refused(told(&fault))),
        Err(fault) => Err(fault),
    }
}

/// What is asked of the tree: the whole document, where only what is not done has work.
pub(super) fn request(options: &SyncOptions, document: &Path) -> Request {
    let read = ReadOptions { document: Some(document.to_owned()), ..options.request.read.clone() };
    Request { read, ..options.request.clone() }
}

/// True where somebody who writes to the repository can mend it.
pub(super) fn is_of_the_commit(fault: &AppError) -> bool {
    matches!(
        fault,
        AppError::Document(_)
            | AppError::Catalogue(_)
            | AppError::Resolve(_)
            | AppError::Source(_)
            | AppError::Usage { .. }
            | AppError::Config(_)
    )
}

/// What is wrong, each in one line with its place.
pub(super) fn told(fault: &AppError) -> Vec<String> {
    match fault {
        AppError::Document(findings) | AppError::Catalogue(findings) => errors(findings),
        other => vec![with_help(other.to_string(), other.help().as_deref())],
    }
}

fn with_help(reason: String, help: Option<&str>) -> String {
    let help = help.map(|help| format!(" ({})", help.lines().collect::<Vec<_>>().join(" ")));
    reason + &help.unwrap_or_default()
}

fn errors(findings: &Findings) -> Vec<String> {
    let all = views::diagnostics(findings);
    let errors = all.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors
        .map(|error| {
            let place = match (&error.path, error.line) {
                (Some(path), Some(line)) => format!("{path}:{line}: "),
                (Some(path), None) => format!("{path}: "),
                (None, _) => String::new(),
            };
            with_help(format!("{place}{}", error.message), error.help.as_deref())
        })
        .collect()
}

fn refused(mut reasons: Vec<String>) -> Judgement {
    let more = reasons.len().saturating_sub(MOST_REASONS);
    reasons.truncate(MOST_REASONS);
    if more > 0 {
        reasons.push(format!("and {more} more"));
    }
    Judgement::Refused { reasons }
}

/// What git says about the commit itself refuses it; all else is a fault of the place.
fn refused_by_git(fault: GitError) -> Result<Judgement, AppError> {
    match fault {
        GitError::Unsafe(_) | GitError::TooLarge { .. } | GitError::Malformed { .. } => {
            Ok(refused(vec![fault.to_string()]))
        }
        fault => Err(fault.into()),
    }
}
