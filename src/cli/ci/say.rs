//! What is printed for the server, on standard error.

use super::github::{self, Budget};
use super::gitlab;
use super::host::{Host, host};
use crate::app::error::{AppError, Findings};
use crate::app::views;
use crate::report::view::DiagnosticView;
use jiff::Timestamp;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use taskmaster_core::diagnostic::Severity;

/// What was annotated already: a finding can be part of a view and stand beside it.
static TOLD: Mutex<(Budget, BTreeSet<String>)> = Mutex::new((Budget::new(), BTreeSet::new()));

/// Text in which nothing is a command to the server.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    match host() {
        Host::GitHub => github::harmless(text),
        Host::GitLab | Host::Nobody => Cow::Borrowed(text),
    }
}

/// The same of JSON, whose value stays what it is.
pub(crate) fn harmless_json(text: &str) -> Cow<'_, str> {
    match host() {
        Host::GitHub => github::harmless_json(text),
        Host::GitLab | Host::Nobody => Cow::Borrowed(text),
    }
}

/// Annotations of findings; notes only where nothing hides them. Paths are relative to `working_dir`.
pub(crate) fn findings(findings: &Findings, working_dir: &Path, quiet: bool) {
    if host() == Host::GitHub {
        let shown: Vec<DiagnosticView> = views::diagnostics(findings);
        let shown = shown.iter().filter(|finding| !quiet || finding.severity == Severity::Error);
        shown.for_each(|finding| annotate(finding, working_dir));
    }
}

/// The same of findings that a view holds already.
pub(crate) fn views(findings: &[DiagnosticView], working_dir: &Path) {
    findings.iter().for_each(|finding| annotate(finding, working_dir));
}

/// An annotation of what ended a command.
pub(crate) fn fault(fault: &AppError, working_dir: &Path) {
    match fault.findings() {
        Some(found) => findings(found, working_dir, false),
        None => annotate(&about(fault), working_dir),
    }
}

fn about(fault: &AppError) -> DiagnosticView {
    let mut message = fault.to_string();
    let mut cause = std::error::Error::source(fault);
    while let Some(source) = cause {
        message.push_str(&format!("\nbecause {source}"));
        cause = source.source();
    }
    DiagnosticView {
        code: "taskmaster".to_owned(),
        severity: Severity::Error,
        message,
        path: None,
        line: None,
        column: None,
        help: fault.help(),
    }
}

fn annotate(finding: &DiagnosticView, working_dir: &Path) {
    if host() != Host::GitHub {
        return;
    }
    let workspace = std::env::var_os("GITHUB_WORKSPACE");
    let place = |path: &String| in_repository(path, working_dir, workspace.as_deref().map(Path::new));
    let finding = DiagnosticView { path: finding.path.as_ref().map(place), ..finding.clone() };
    let words = github::annotation(&finding);
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let (budget, known) = &mut *told;
    if known.insert(words.clone()) && budget.take(finding.severity) {
        line(&words);
    }
}

/// The path as the repository has it, which is how GitHub finds the file.
fn in_repository(path: &str, working_dir: &Path, workspace: Option<&Path>) -> String {
    let whole = working_dir.join(path);
    let real = std::fs::canonicalize(&whole).unwrap_or(whole);
    let root = workspace.map(|root| std::fs::canonicalize(root).unwrap_or(root.to_owned()));
    let inside = root.and_then(|root| Some(real.strip_prefix(root).ok()?.to_string_lossy().into_owned()));
    inside.unwrap_or_else(|| path.to_owned())
}

/// Begins lines that fold; false where nothing folds.
pub(crate) fn fold(name: &str, title: &str, at: Timestamp) -> bool {
    match host() {
        Host::GitHub => line(&github::group(title)),
        Host::GitLab => line(&gitlab::start(name, at.as_second(), title)),
        Host::Nobody => return false,
    }
    true
}

/// Ends them.
pub(crate) fn unfold(name: &str, at: Timestamp) {
    match host() {
        Host::GitHub => line(github::END_GROUP),
        Host::GitLab => line(&gitlab::end(name, at.as_second())),
        Host::Nobody => {}
    }
}

fn line(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_that_of_the_repository() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("work/apps/shop");
        std::fs::create_dir_all(&project).unwrap();
        std::fs::write(project.join("prd.md"), "").unwrap();
        let root = dir.path().join("work");
        let place = |path: &str, root: Option<&Path>| in_repository(path, &project, root);
        assert_eq!(place("prd.md", Some(&root)), "apps/shop/prd.md");
        assert_eq!(place("../shop/prd.md", Some(&root)), "apps/shop/prd.md");
        assert_eq!(place("prd.md", None), "prd.md");
        assert_eq!(place("/etc/hostname", Some(&root)), "/etc/hostname", "elsewhere it stays as it is");
    }
}
