//! The document and its catalogue, and what programs they need.

use super::tools::Needs;
use crate::app::error::{AppError, Findings};
use crate::app::ledger::Ledger;
use crate::app::plan::{Binder, Request, Surroundings};
use crate::app::workspace::{Reading, Workspace};
use crate::report::view::{Area, FindingView};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taskmaster_catalogue::Bound;
use taskmaster_core::action::{Action, Binding, Invocation, Probe, Step, When};
use taskmaster_core::diagnostic::{Diagnostic, Severity};
use taskmaster_core::id::TaskId;
use taskmaster_core::text::{LineIndex, count};

/// What document and catalogue tell.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What was found.
    pub(super) findings: Vec<FindingView>,
    /// The document, as it was named.
    pub(super) document: Option<String>,
    /// Programs on PATH.
    pub(super) needs: Needs,
    /// Programs that are given by a path: as written, where they are, and who runs them.
    pub(super) paths: BTreeMap<(String, PathBuf), Vec<TaskId>>,
}

/// Reads the document that is named, configured or, as `ledger` knows, the only one.
pub(super) fn look(workspace: &Workspace, request: &Request, ledger: Option<&Ledger>) -> Told {
    let mut told = Told::default();
    let Some(path) = workspace.known_document(request.read.document.as_deref(), ledger) else {
        let found = "none is named: what programs tasks need is not known";
        let ask = FindingView { help: Some("taskmaster doctor PRD".to_owned()), ..ok("document", found) };
        told.findings.push(ask);
        return told;
    };
    told.document = Some(path.display().to_string());
    let mut request = request.clone();
    request.read.document = Some(path);
    if let Err(fault) = read(workspace, &request, &mut told) {
        let help = fault.help().filter(|help| !help.is_empty());
        let help = help.unwrap_or_else(|| "name a document that is there: taskmaster doctor PRD".to_owned());
        told.findings.push(FindingView::problem(
            Area::Document,
            "document",
            super::with_causes(&fault),
            help,
        ));
    }
    told
}

fn ok(subject: &str, found: impl Into<String>) -> FindingView {
    FindingView::ok(Area::Document, subject, found)
}

fn read(workspace: &Workspace, request: &Request, told: &mut Told) -> Result<(), AppError> {
    let reading = workspace.read(&request.read)?;
    let name = told.document.clone().unwrap_or_default();
    let quoted = shell_words::quote(&name).into_owned();
    if reading.findings.has_errors() {
        let help = format!("taskmaster parse {quoted}");
        told.findings.push(broken("document", &reading.findings, help));
        return Ok(());
    }
    let tasks = count(reading.parsed.document.tasks.len(), "task", "tasks");
    told.findings.push(ok("document", format!("{name}: {tasks}{}", warnings(&reading.findings))));
    let environment = workspace.environment(request.environment.as_deref());
    let bind = |surroundings| bind(workspace, &reading, request, surroundings);
    let here = Surroundings::here(&workspace.project);
    let program = here.program.clone();
    let everywhere = Surroundings { has_tool: |_| true, ..here.clone() };
    match bind(here) {
        Ok((bound, findings)) => {
            told.findings.push(catalogue(&bound, &findings, environment.as_str()));
            gather(&bound, bind(everywhere).ok().map(|(bound, _)| bound).as_ref(), told);
            by_path(&bound, &workspace.project.root, &program, told);
        }
        Err(AppError::Catalogue(findings)) => {
            let help = format!("taskmaster plan {quoted} --env {}", shell_words::quote(environment.as_str()));
            told.findings.push(broken("catalogue", &findings, help));
        }
        Err(other) => return Err(other),
    }
    Ok(())
}

fn bind(
    workspace: &Workspace,
    reading: &Reading,
    request: &Request,
    surroundings: Surroundings,
) -> Result<(Bound, Findings), AppError> {
    let environment = workspace.environment(request.environment.as_deref());
    let (binder, findings) = Binder::load(workspace, reading, &environment, request, surroundings)?;
    let (expanded, findings) = binder.expand(&reading.parsed.document, findings)?;
    binder.bind(expanded.as_ref().unwrap_or(&reading.parsed.document), &Arc::default(), findings)
}

fn catalogue(bound: &Bound, findings: &Findings, environment: &str) -> FindingView {
    let tasks = count(bound.bindings.len(), "task is bound", "tasks are bound");
    let found = format!("{tasks} in the environment {environment}{}", warnings(findings));
    match bound.unbound.len() {
        0 => ok("catalogue", found),
        unbound => {
            let by_hand = count(unbound, "task is bound by nothing", "tasks are bound by nothing");
            let help = "a person has to do them (`taskmaster tasks set`), or an entry in the catalogue";
            FindingView::warning(Area::Document, "catalogue", format!("{found}; {by_hand}"), help)
        }
    }
}

fn warnings(findings: &Findings) -> String {
    let warnings = findings.diagnostics.iter().filter(|d| d.severity == Severity::Warning).count();
    if warnings == 0 { String::new() } else { format!(", {}", count(warnings, "warning", "warnings")) }
}

/// How many errors, and the first with its place.
fn broken(subject: &str, findings: &Findings, help: String) -> FindingView {
    let errors: Vec<&Diagnostic> =
        findings.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
    let first = errors.first().map(|first| {
        let source = findings.sources.get(first.source);
        let line = source.zip(first.span).map(|(source, span)| LineIndex::new(&source.text).line(span.start));
        let name = source.map_or("", |source| source.name.as_str());
        let place = line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"));
        format!(": {place}: {}", first.message)
    });
    let found = format!("{}{}", count(errors.len(), "error", "errors"), first.unwrap_or_default());
    FindingView::problem(Area::Document, subject, found, help)
}

/// Programs of the tasks that run here, and of those that would if every program were there.
fn gather(bound: &Bound, everywhere: Option<&Bound>, told: &mut Told) {
    for binding in bound.bindings.values().filter(|binding| runs(binding)) {
        for tool in &binding.tools {
            told.needs.entry(tool.clone()).or_default().tasks.push(binding.task.clone());
        }
    }
    for required in &bound.requires {
        told.needs.entry(required.tool.clone()).or_default().wanted.push(required.clone());
    }
    let is_left_out = |task: &TaskId| bound.bindings.get(task).is_some_and(|binding| !runs(binding));
    let would_run = everywhere.iter().flat_map(|bound| bound.bindings.values());
    for binding in would_run.filter(|binding| runs(binding) && is_left_out(&binding.task)) {
        for tool in &binding.tools {
            told.needs.entry(tool.clone()).or_default().left_out.push(binding.task.clone());
        }
    }
}

fn runs(binding: &Binding) -> bool {
    binding.when == When::Include
}

fn by_path(bound: &Bound, root: &Path, own: &str, told: &mut Told) {
    for binding in bound.bindings.values().filter(|binding| runs(binding)) {
        for step in binding.action.iter().flat_map(steps) {
            let Invocation::Process(process) = &step.invocation else { continue };
            let Some(program) = process.argv.first().filter(|name| name.contains('/') && *name != own) else {
                continue;
            };
            // What another task has yet to tell is no path.
            if program.contains('<') {
                continue;
            }
            let path = root.join(process.cwd.as_deref().unwrap_or_default()).join(program);
            let tasks = told.paths.entry((program.clone(), path)).or_default();
            if !tasks.contains(&binding.task) {
                tasks.push(binding.task.clone());
            }
        }
    }
}

fn steps(action: &Action) -> Vec<&Step> {
    let probes = action.probes().flat_map(Probe::steps);
    action.run.iter().chain(probes).collect()
}
