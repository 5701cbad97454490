//! `doctor`: is everything here that a run needs? Changes nothing, and everything that it asks has a time limit.
//!
//! Each part gathers facts and judges them by itself, so that a fault of one hides no other. Settings that cannot be
//! read, a document with errors and a ledger of another version are findings, not ends.

mod agent;
mod document;
mod git;
mod ledger;
mod mounts;
mod settings;
mod state;
mod terminal;
mod tools;

use super::plan::Request;
use super::workspace::Workspace;
use crate::clock;
use crate::config::ConfigError;
use crate::report::view::DoctorView;
use std::error::Error;
pub use terminal::Terminal;

/// Looks at everything.
pub fn look(
    workspace: &Workspace,
    request: &Request,
    fault: Option<&ConfigError>,
    terminal: &Terminal,
) -> DoctorView {
    let project = &workspace.project;
    let (root, state_dir) = (&project.root, &project.state_dir);
    let mut findings = settings::look(workspace, fault);
    let ledger = ledger::look(state_dir);
    let mut document = document::look(workspace, request, ledger.ledger.as_deref());
    findings.append(&mut document.findings);
    findings.extend(tools::look(&document.needs, root));
    let by_path = document.paths.iter();
    findings.extend(by_path.filter_map(|((written, path), tasks)| tools::of_path(written, path, tasks)));
    findings.extend(git::look(root, state_dir));
    findings.extend(state::look(state_dir));
    findings.extend(ledger.findings);
    findings.push(agent::look(state_dir));
    findings.extend(terminal::judge(terminal));
    DoctorView {
        generated: clock::now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        root: root.display().to_string(),
        state_dir: state_dir.display().to_string(),
        environment: workspace.environment(request.environment.as_deref()),
        document: document.document,
        findings,
    }
}

/// A fault and what it comes from, in one line.
fn with_causes(fault: &dyn Error) -> String {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(source) = cause {
        text.push_str(&format!(": {source}"));
        cause = source.source();
    }
    text
}
