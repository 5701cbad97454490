//! The use case.

use super::side::Side;
use super::target::Target;
use super::tree::Layout;
use super::view;
use crate::app::error::{AppError, Findings};
use crate::app::plan::Request;
use crate::app::workspace::Workspace;
use crate::git::commit::CommitId;
use crate::report::view::DifferenceView;
use taskmaster_core::difference;

/// Compares document and catalogue with those of a commit. Executes nothing, reads no ledger.
pub fn make(workspace: &Workspace, request: &Request, against: &str) -> Result<DifferenceView, AppError> {
    let target = Target::parse(against)?;
    let layout = Layout::of(workspace, request.read.document.as_deref())?;
    let ends = target.find(layout.repository())?;
    let (base_tree, head_tree) = layout.trees(workspace, &ends)?;
    let head = Side::head(&head_tree, &layout, request);
    let mut head = match &ends.head {
        Some(commit) => head.map_err(|fault| named(fault, commit))?,
        None => head?,
    };
    let base = Side::base(&base_tree, &layout, request, &head).map_err(|fault| broken(fault, &ends.base))?;
    if ends.head.is_none() {
        head.forget_forms(&base, &ends.base, &layout)?;
    }
    let difference = difference::compare(&base.compared(), &head.compared())?;
    Ok(view::view(&base, &head, difference, &ends))
}

/// Files of a commit are named as Git names them, so that nobody looks for the fault in their own.
fn named(fault: AppError, commit: &CommitId) -> AppError {
    let name = |mut findings: Box<Findings>| {
        for source in &mut findings.sources {
            source.name = format!("{}:{}", commit.short(), source.name);
        }
        findings
    };
    match fault {
        AppError::Document(findings) => AppError::Document(name(findings)),
        AppError::Catalogue(findings) => AppError::Catalogue(name(findings)),
        fault => fault,
    }
}

fn broken(fault: AppError, commit: &CommitId) -> AppError {
    AppError::Commit { commit: commit.short().to_owned(), source: Box::new(named(fault, commit)) }
}
