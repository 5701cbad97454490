//! Git: is it there, and does it leave the state directory alone?

use super::tools::{Need, Needs};
use crate::process::ask::{Question, ask};
use crate::process::launch::search_path;
use crate::report::view::{Area, FindingView, Health};
use std::path::Path;
use std::time::Duration;

/// Longest time of a question.
const WITHIN: Duration = Duration::from_secs(5);
/// The oldest git that a sync works with.
const WANTED: &str = ">=2.38";

/// Looks at git and at what it says of the state directory.
pub(super) fn look(root: &Path, state_dir: &Path) -> Vec<FindingView> {
    let needs = Needs::from([("git".to_owned(), Need::default())]);
    let mut all: Vec<FindingView> = super::tools::look(&needs, root).into_iter().map(program).collect();
    all.extend(ignored(root, state_dir));
    all
}

/// A program that only some commands need.
fn program(finding: FindingView) -> FindingView {
    let wanted = taskmaster_core::version::Wanted::parse(WANTED);
    let told = finding.tool.as_ref().and_then(|tool| tool.version.as_deref());
    let version = told.and_then(taskmaster_core::version::Found::in_words);
    let help = format!("`sync`, `plan --against` and marks as commits need git {WANTED}");
    let is_old = wanted.ok().zip(version).is_some_and(|(wanted, found)| !wanted.accepts(&found));
    let is_well = finding.health == Health::Ok && !is_old;
    let health = if is_well { Health::Ok } else { Health::Warning };
    FindingView { area: Area::Git, health, help: (!is_well).then_some(help), ..finding }
}

/// Whether a commit would take the state directory in; nothing where the project is in no repository.
fn ignored(root: &Path, state_dir: &Path) -> Option<FindingView> {
    let work_tree = root.ancestors().find(|dir| dir.join(".git").exists())?;
    let state_dir = std::path::absolute(state_dir).ok()?;
    state_dir.strip_prefix(work_tree).ok()?;
    let search = std::env::var_os("PATH")?;
    let file = state_dir.join("ledger.db");
    let answer = ask(&Question {
        program: &search_path("git", &search, root).ok()?,
        arguments: &["check-ignore", "--quiet", "--", &file.to_string_lossy()].map(str::to_owned),
        cwd: work_tree,
        env: &[("GIT_OPTIONAL_LOCKS", "0")],
        both: true,
        within: WITHIN,
        most: 4096,
    });
    let subject = "state directory";
    match answer.ok()??.status.code() {
        Some(0) => Some(FindingView::ok(Area::Git, subject, "ignored")),
        // Its own .gitignore comes with it.
        Some(1) if !state_dir.exists() => None,
        Some(1) => {
            let found = "not ignored: a commit would take the ledger and the logs in";
            let help =
                format!("echo '*' > {}", shell_words::quote(&state_dir.join(".gitignore").to_string_lossy()));
            Some(FindingView::warning(Area::Git, subject, found, help))
        }
        _ => {
            let found = format!("git cannot tell anything about {}", work_tree.display());
            let help = "git status says why";
            Some(FindingView::warning(Area::Git, "repository", found, help))
        }
    }
}
