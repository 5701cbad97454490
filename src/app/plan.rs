//! `plan`: document, catalogue and ledger become an immutable plan.

use super::error::{AppError, Findings};
use super::ledger::{Ledger, RunFilter};
use super::parse::{self, Recording};
use super::source::{self, Source};
use super::way_on::Place;
use super::workspace::{ReadOptions, Reading, Workspace};
use crate::config::{PROJECT_FILE, Project};
use crate::store::ExecutorLease;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use taskmaster_catalogue::{Bound, Catalogue, Inputs, OperatingSystem, Outputs};
use taskmaster_core::action::Binding;
use taskmaster_core::document::Document;
use taskmaster_core::id::{Digest, EnvironmentName, TaskId, TaskKey};
use taskmaster_core::journal::Recorded;
use taskmaster_core::plan::Plan;
use taskmaster_core::production::Rules;
use taskmaster_core::resolve::{self, Anew, ResolveOptions};
use taskmaster_core::select::Selection;

/// What a person asks for: which document, where, which part of it, and how.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The document.
    pub read: ReadOptions,
    /// The environment as named.
    pub environment: Option<String>,
    /// Variables of the command line.
    pub vars: BTreeMap<String, String>,
    /// Let actions written in the document run.
    pub allow_inline: bool,
    /// The part that is meant.
    pub selection: Selection,
    /// Marks count for nothing.
    pub ignore_marks: bool,
    /// Cancelled tasks too.
    pub include_cancelled: bool,
    /// Optional tasks too.
    pub include_optional: bool,
    /// Contexts that look like production and may be acted on.
    pub allow_contexts: Vec<String>,
    /// Which tasks that were done before are decided anew.
    pub anew: Anew,
    /// Plan only what has work in it.
    pub work_only: bool,
    /// Take the variables that the newest run was given, too: what looks at a run sees what it saw.
    pub as_last_run: bool,
}

impl Request {
    /// The wishes that decide about tasks.
    pub fn resolve_options(&self) -> ResolveOptions {
        ResolveOptions {
            strict: self.read.strict,
            ignore_marks: self.ignore_marks,
            include_cancelled: self.include_cancelled,
            include_optional: self.include_optional,
            anew: self.anew,
            work_only: self.work_only,
        }
    }
}

/// Marks a variable among the options of a run.
const VARIABLE: &str = "var.";

/// Variables of the command line as options of a run.
pub fn as_options(vars: &[(String, String)]) -> impl Iterator<Item = (String, String)> {
    vars.iter().map(|(name, value)| (format!("{VARIABLE}{name}"), value.clone()))
}

/// What rendered actions see of the machine.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Absolute path of the project's root.
    pub project_root: String,
    /// Absolute path of the state directory.
    pub state_dir: String,
    /// Absolute path of the running program.
    pub program: String,
    /// True where a program of this name is on PATH.
    pub has_tool: fn(&str) -> bool,
    /// A variable of the environment; none where it is nobody's.
    pub env_vars: Option<fn(&str) -> Option<String>>,
}

impl Surroundings {
    /// This machine.
    pub fn here(project: &Project) -> Self {
        Self {
            project_root: absolute(&project.root),
            state_dir: absolute(&project.state_dir),
            program: own_program(),
            has_tool: on_path,
            env_vars: Some(|name| std::env::var(name).ok()),
        }
    }

    /// No machine in particular, for what is compared: the same wherever it is asked, and a place is
    /// taken to have every tool. Who proposes a catalogue names variables of the environment, so none is read: its
    /// value would be shown.
    pub fn anywhere() -> Self {
        Self {
            project_root: "/project".to_owned(),
            state_dir: "/project/.taskmaster".to_owned(),
            program: "taskmaster".to_owned(),
            has_tool: |_| true,
            env_vars: None,
        }
    }
}

/// A catalogue with everything it needs to bind a document again later.
#[derive(Debug)]
pub struct Binder {
    catalogue: Catalogue,
    sources: Vec<Source>,
    document_path: String,
    environment: EnvironmentName,
    vars: BTreeMap<String, String>,
    surroundings: Surroundings,
    /// The files of the project are read below it; no action sees it.
    files_root: PathBuf,
    allow_inline: bool,
    strict: bool,
}

/// A plan and all that it was made from.
#[derive(Debug)]
pub struct Prepared {
    /// The document.
    pub reading: Reading,
    /// The document with the cells of its matrices, where it has any here.
    expanded: Option<Document>,
    /// Its place in the ledger; the cells have keys, too.
    pub recording: Recording,
    /// The environment.
    pub environment: EnvironmentName,
    /// The catalogue.
    pub binder: Binder,
    /// The bindings, with contents of inputs in their digests.
    pub bound: Bound,
    /// What earlier runs left behind.
    pub recorded: HashMap<TaskKey, Recorded>,
    /// Outputs of earlier runs.
    pub outputs: Arc<Outputs>,
    /// The plan.
    pub plan: Plan,
    /// Warnings about the catalogue.
    pub catalogue_findings: Findings,
    /// Warnings about the document that come from binding it.
    pub binding_findings: Findings,
    /// Which contexts are production, and which of them may be acted on.
    pub production: Rules,
    /// Where commands find document and environment again.
    pub place: Place,
}

impl Binder {
    /// Reads the project's catalogues.
    pub fn load(
        workspace: &Workspace,
        reading: &Reading,
        environment: &EnvironmentName,
        request: &Request,
        surroundings: Surroundings,
    ) -> Result<(Self, Findings), AppError> {
        let project = &workspace.project;
        let sources = source::catalogues(&workspace.working_dir, &project.catalogue_dir())?;
        let texts: Vec<_> = sources
            .iter()
            .map(|source| taskmaster_catalogue::SourceText { name: &source.name, text: &source.text })
            .collect();
        let loaded = taskmaster_catalogue::load(&texts);
        let findings = Findings { sources: sources.clone(), diagnostics: loaded.diagnostics };
        let mut vars = project.settings.vars.clone();
        vars.extend(request.vars.clone());
        let binder = Self {
            catalogue: loaded.catalogue,
            sources,
            document_path: reading.text.path.clone(),
            environment: environment.clone(),
            vars,
            surroundings,
            files_root: PathBuf::from(absolute(&project.root)),
            allow_inline: request.allow_inline,
            strict: request.read.strict,
        };
        Ok((binder, findings.strict(request.read.strict)))
    }

    /// The catalogue.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Absolute path of the project's root.
    pub fn project_root(&self) -> &str {
        &self.surroundings.project_root
    }

    /// The texts that diagnostics of the catalogue point into.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The digest of a bound action, joined with the contents of the files that belong to it.
    pub fn whole_digest(&self, binding: &Binding) -> Result<Digest, AppError> {
        if binding.inputs.is_empty() {
            return Ok(binding.digest.clone());
        }
        Ok(with_contents(&binding.digest, &self.contents(&binding.inputs)?))
    }

    /// The files that match globs, by path below the project's root, glob by glob, and their digests.
    pub fn contents(&self, globs: &[String]) -> Result<Vec<(String, Digest)>, AppError> {
        contents(&self.files_root, globs)
    }

    /// The document with the cells of its matrices, where it has any; faults end it (exit 12 or 13).
    pub fn expand(
        &self,
        document: &Document,
        mut findings: Findings,
    ) -> Result<(Option<Document>, Findings), AppError> {
        let mut expanded =
            self.with_inputs(document, &Arc::default(), |inputs| self.catalogue.expand(inputs));
        findings.diagnostics.append(&mut expanded.diagnostics);
        if findings.has_errors() {
            return Err(AppError::Catalogue(Box::new(findings)));
        }
        Ok((expanded.document, findings))
    }

    /// Binds every task of a document with its cells; faults of the catalogue end it (exit 12 or 13). `findings` are
    /// those of loading it, and warnings are added to them.
    pub fn bind(
        &self,
        document: &Document,
        outputs: &Arc<Outputs>,
        mut findings: Findings,
    ) -> Result<(Bound, Findings), AppError> {
        let mut bound = self.with_inputs(document, outputs, |inputs| self.catalogue.bind(inputs));
        findings.diagnostics.append(&mut bound.diagnostics);
        let findings = findings.strict(self.strict);
        if findings.has_errors() {
            return Err(AppError::Catalogue(Box::new(findings)));
        }
        Ok((bound, findings))
    }

    /// Calls `use_inputs` with every fact that binding depends on.
    pub fn with_inputs<T>(
        &self,
        document: &Document,
        outputs: &Arc<Outputs>,
        use_inputs: impl FnOnce(&Inputs<'_>) -> T,
    ) -> T {
        use_inputs(&Inputs {
            document,
            document_path: &self.document_path,
            environment: &self.environment,
            vars: &self.vars,
            env_vars: self.surroundings.env_vars.as_ref().map(|find| find as _),
            tool_on_path: &self.surroundings.has_tool,
            os: if cfg!(target_os = "macos") { OperatingSystem::Macos } else { OperatingSystem::Linux },
            project_root: &self.surroundings.project_root,
            state_dir: &self.surroundings.state_dir,
            program: &self.surroundings.program,
            outputs,
            allow_inline: self.allow_inline,
        })
    }
}

impl Prepared {
    /// The document, with the cells of its matrices.
    pub fn document(&self) -> &Document {
        self.expanded.as_ref().unwrap_or(&self.reading.parsed.document)
    }

    /// The plan anew, by the executor: the ledger knows more, or another part of the document is meant. What was read
    /// and bound stays as it is, unless that can be another by now.
    pub(super) fn again(
        self,
        workspace: &Workspace,
        request: &Request,
        ledger: &mut Ledger,
    ) -> Result<Self, AppError> {
        let Self { binder, reading, environment, recording, .. } = &self;
        let known = Known::read(Some(ledger), binder, reading, environment, recording)?;
        let belongs_to_files = self.bound.bindings.values().any(|binding| !binding.inputs.is_empty());
        if belongs_to_files || known.outputs != self.outputs || self.is_stale(workspace)? {
            return prepare(workspace, request, Some(ledger), true);
        }
        let document = self.document();
        let (plan, binding_findings) =
            decide(request, reading, document, (environment, recording), &self.bound, &known)?;
        Ok(Self { plan, binding_findings, recorded: known.recorded, ..self })
    }

    /// Whether a file that it was made from is another by now.
    fn is_stale(&self, workspace: &Workspace) -> Result<bool, AppError> {
        let root = &workspace.project.root;
        let text = source::document(root, &workspace.working_dir, &root.join(&self.reading.text.path))?;
        let catalogues = source::catalogues(&workspace.working_dir, &workspace.project.catalogue_dir())?;
        Ok(text.digest != self.reading.text.digest || catalogues != self.binder.sources)
    }

    /// The files that it was made from.
    pub fn files(&self, workspace: &Workspace) -> Vec<PathBuf> {
        let Project { root, .. } = &workspace.project;
        let named = self.reading.text.sources.iter().chain(self.binder.sources());
        let mut files: Vec<PathBuf> = named.map(|source| workspace.working_dir.join(&source.name)).collect();
        files.push(root.join(&self.reading.text.path));
        files.push(root.join(PROJECT_FILE));
        files
    }
}

/// Makes a plan. With a ledger that may be written (`record`), the document is recorded first.
pub fn prepare(
    workspace: &Workspace,
    request: &Request,
    ledger: Option<&mut Ledger>,
    record: bool,
) -> Result<Prepared, AppError> {
    let reading = workspace.read_sound(&request.read)?;
    prepare_read(workspace, request, reading, ledger, record)
}

/// The same of a document that is read already.
pub(super) fn prepare_read(
    workspace: &Workspace,
    request: &Request,
    reading: Reading,
    ledger: Option<&mut Ledger>,
    record: bool,
) -> Result<Prepared, AppError> {
    let environment = workspace.environment(request.environment.as_deref());
    let vars = match &ledger {
        Some(ledger) if request.as_last_run => vars_of_last_run(ledger, &reading, &environment)?,
        _ => BTreeMap::new(),
    };
    let vars = vars.into_iter().chain(request.vars.clone()).collect();
    let request = &Request { vars, ..request.clone() };
    // What cannot be bound at all is not recorded.
    let here = Surroundings::here(&workspace.project);
    let loaded = Binder::load(workspace, &reading, &environment, request, here)?;
    let (recording, ledger) = match ledger {
        Some(ledger) if record => (parse::record(ledger, &reading)?, Some(&*ledger)),
        Some(ledger) => (parse::preview(Some(ledger), &reading)?, Some(&*ledger)),
        None => (parse::preview(None, &reading)?, None),
    };
    let is_executor = record;
    resolved(workspace, request, (reading, environment, recording), loaded, ledger, is_executor)
}

/// Makes a plan of a document whose tasks are known by other means than its text: an earlier revision. By
/// the executor.
pub(super) fn prepare_as(
    workspace: &Workspace,
    request: &Request,
    ledger: &Ledger,
    recording: Recording,
) -> Result<Prepared, AppError> {
    let reading = workspace.read_sound(&request.read)?;
    let environment = workspace.environment(request.environment.as_deref());
    let here = Surroundings::here(&workspace.project);
    let loaded = Binder::load(workspace, &reading, &environment, request, here)?;
    resolved(workspace, request, (reading, environment, recording), loaded, Some(ledger), true)
}

/// Document, catalogue and what the ledger knows become a plan.
fn resolved(
    workspace: &Workspace,
    request: &Request,
    (reading, environment, mut recording): (Reading, EnvironmentName, Recording),
    (binder, catalogue_findings): (Binder, Findings),
    ledger: Option<&Ledger>,
    is_executor: bool,
) -> Result<Prepared, AppError> {
    let (expanded, catalogue_findings) = binder.expand(&reading.parsed.document, catalogue_findings)?;
    let document = expanded.as_ref().unwrap_or(&reading.parsed.document);
    add_keys_of_cells(document, &mut recording.keys);
    let mut known = Known::read(ledger, &binder, &reading, &environment, &recording)?;
    if !is_executor && at_work(workspace)?.is_some() {
        // What runs has not lost its end.
        known.recorded.values_mut().for_each(|recorded| recorded.open_attempt = None);
    }
    let (mut bound, catalogue_findings) = binder.bind(document, &known.outputs, catalogue_findings)?;
    for binding in bound.bindings.values_mut() {
        binding.digest = binder.whole_digest(binding)?;
    }
    let decided = decide(request, &reading, document, (&environment, &recording), &bound, &known)?;
    Ok(Prepared {
        place: Place::new(workspace, &reading.text.path, &environment, &request.vars, ledger),
        plan: decided.0,
        binding_findings: decided.1,
        reading,
        expanded,
        recording,
        environment,
        binder,
        bound,
        recorded: known.recorded,
        outputs: known.outputs,
        catalogue_findings,
        production: rules(workspace, request),
    })
}

/// What the ledger knows of the tasks of a document in an environment.
struct Known {
    recorded: HashMap<TaskKey, Recorded>,
    outputs: Arc<Outputs>,
    /// Number of the next plan.
    number: u64,
}

impl Known {
    fn read(
        ledger: Option<&Ledger>,
        binder: &Binder,
        reading: &Reading,
        environment: &EnvironmentName,
        recording: &Recording,
    ) -> Result<Self, AppError> {
        let mut recorded =
            ledger.map_or_else(|| Ok(HashMap::new()), |l| l.recorded(&reading.id, environment))?;
        let number = ledger.map_or(Ok(1), |l| l.next_plan_number(&reading.id, environment))?;
        let ledger_of_outputs = ledger.filter(|_| binder.catalogue.gives_outputs());
        let outputs = known_outputs(ledger_of_outputs, reading, environment, recording)?;
        for key in outputs.keys().filter_map(|id| recording.keys.get(id)) {
            recorded.entry(key.clone()).or_default().has_outputs = true;
        }
        Ok(Self { recorded, outputs: Arc::new(outputs), number })
    }
}

/// What is to be done, and what is odd about the document beside its catalogue.
fn decide(
    request: &Request,
    reading: &Reading,
    document: &Document,
    (environment, recording): (&EnvironmentName, &Recording),
    bound: &Bound,
    known: &Known,
) -> Result<(Plan, Findings), AppError> {
    let resolved = resolve::resolve(
        &resolve::Inputs {
            document,
            document_id: &reading.id,
            revision: recording.revision,
            environment,
            number: known.number,
            bindings: &bound.bindings,
            keys: &recording.keys,
            recorded: &known.recorded,
        },
        &request.selection,
        &request.resolve_options(),
    )?;
    let mut diagnostics = bound.document_diagnostics.clone();
    diagnostics.extend(resolved.diagnostics);
    let findings = Findings { sources: reading.text.sources.clone(), diagnostics };
    Ok((resolved.plan, findings.strict(request.read.strict)))
}

/// Cells are known by the key of their task and their name: no revision of the document holds them.
pub(super) fn add_keys_of_cells(document: &Document, keys: &mut BTreeMap<TaskId, TaskKey>) {
    for cell in document.tasks.iter().filter(|task| !task.matrix.is_empty()) {
        let Some(parent) = &cell.parent else { continue };
        let name = cell.id.as_str().strip_prefix(parent.as_str()).unwrap_or_default().trim_start_matches('/');
        if let Some(key) = keys.get(parent).map(|key| key.of_cell(name)) {
            keys.insert(cell.id.clone(), key);
        }
    }
}

/// The variables that the newest run of a document in an environment was given.
fn vars_of_last_run(
    ledger: &Ledger,
    reading: &Reading,
    environment: &EnvironmentName,
) -> Result<BTreeMap<String, String>, AppError> {
    let filter = RunFilter {
        document: Some(reading.id.clone()),
        environment: Some(environment.clone()),
        limit: Some(1),
        ..RunFilter::default()
    };
    let newest = ledger.runs(&filter)?.pop();
    let options = newest.map(|run| run.options).unwrap_or_default();
    let named = |(name, value): (String, String)| Some((name.strip_prefix(VARIABLE)?.to_owned(), value));
    Ok(options.into_iter().filter_map(named).collect())
}

fn rules(workspace: &Workspace, request: &Request) -> Rules {
    let settings = &workspace.project.settings;
    Rules {
        allowed: [request.allow_contexts.clone(), settings.allow_contexts.clone()].concat(),
        production: settings.production_contexts.clone(),
    }
}

/// The process that executes something of this project right now.
pub fn at_work(workspace: &Workspace) -> Result<Option<u32>, AppError> {
    let holder = ExecutorLease::current(&workspace.project.state_dir)?;
    Ok(holder.map(|holder| holder.pid).filter(|pid| *pid != std::process::id()))
}

/// Outputs of earlier runs by the address that their task has now.
pub fn known_outputs(
    ledger: Option<&Ledger>,
    reading: &Reading,
    environment: &EnvironmentName,
    recording: &Recording,
) -> Result<Outputs, AppError> {
    let Some(ledger) = ledger else { return Ok(Outputs::new()) };
    let mut by_key = ledger.outputs(&reading.id, environment)?;
    let take = |(id, key): (&TaskId, &TaskKey)| Some((id.clone(), by_key.remove(key)?));
    Ok(recording.keys.iter().filter_map(take).collect())
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

/// The running program, for actions that are commands of its own. One that was replaced meanwhile
/// is found where it was.
fn own_program() -> String {
    let path = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("taskmaster"));
    let shown = path.to_string_lossy().into_owned();
    shown.strip_suffix(" (deleted)").map(str::to_owned).unwrap_or(shown)
}

/// True where a program of this name is on PATH and may be executed.
pub fn on_path(name: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else { return false };
    std::env::split_paths(&path).any(|dir| is_executable(&dir.join(name)))
}

fn is_executable(path: &Path) -> bool {
    let metadata = std::fs::metadata(path);
    metadata
        .is_ok_and(|m| m.is_file() && std::os::unix::fs::PermissionsExt::mode(&m.permissions()) & 0o111 != 0)
}

/// The digest of an action joined with the contents of the files that belong to it.
fn with_contents(digest: &Digest, contents: &[(String, Digest)]) -> Digest {
    let mut all = digest.as_str().as_bytes().to_vec();
    for (name, digest) in contents {
        all.extend_from_slice(name.as_bytes());
        all.push(0);
        all.extend_from_slice(digest.as_str().as_bytes());
    }
    Digest::of(&all)
}

fn contents(root: &Path, globs: &[String]) -> Result<Vec<(String, Digest)>, AppError> {
    let mut found = Vec::new();
    for pattern in globs {
        for path in expand(root, pattern)? {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            let digest = digest_of(&path).map_err(|source| AppError::Io { path: path.clone(), source })?;
            found.push((name, digest));
        }
    }
    Ok(found)
}

/// The digest of a file, which may be larger than memory.
fn digest_of(path: &Path) -> std::io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path)?)?;
    Ok(Digest::new(hasher.finalize().to_hex().as_str()))
}

/// Files below `root` that match, sorted.
pub(super) fn expand(root: &Path, pattern: &str) -> Result<Vec<std::path::PathBuf>, AppError> {
    let whole = format!("{}/{pattern}", glob::Pattern::escape(&root.to_string_lossy()));
    let fault =
        |e: glob::PatternError| AppError::usage(format!("`{pattern}` is not a pattern of files"), e.msg);
    let paths = glob::glob(&whole).map_err(fault)?;
    paths
        .filter(|path| path.as_ref().map_or(true, |path| path.is_file()))
        .map(|path| path.map_err(|e| AppError::Io { path: e.path().to_owned(), source: e.into() }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn workspace(root: &Path) -> Workspace {
        let given = Settings { state_dir: Some(root.join("state")), ..Settings::default() };
        let project = Project::find(root, given, &|_| None).unwrap();
        Workspace { project, working_dir: root.to_owned(), known_as: None }
    }

    fn digest(prepared: &Prepared) -> Option<String> {
        prepared.plan.tasks.first()?.digest.as_ref().map(|digest| digest.as_str().to_owned())
    }

    /// What is read again is what has changed, and nothing else.
    #[test]
    fn a_plan_is_made_again_of_what_was_read_unless_a_file_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let write = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
        std::fs::create_dir(root.join("tasks")).unwrap();
        write("prd.md", "# A\n\n- [ ] T001 One\n");
        write("tasks/a.yaml", "tasks: {T001: {run: {exec: [\"true\"]}}}\n");
        let workspace = workspace(root);
        let read = ReadOptions { document: Some(root.join("prd.md")), ..ReadOptions::default() };
        let request = Request { read, ..Request::default() };
        let mut ledger = workspace.ledger().unwrap();
        let prepared = prepare(&workspace, &request, Some(&mut ledger), true).unwrap();
        let bindings =
            |prepared: &Prepared| std::ptr::from_ref(&prepared.bound.bindings[&TaskId::new("T001")]);
        let (bound, was) = (bindings(&prepared), digest(&prepared));
        let prepared = prepared.again(&workspace, &request, &mut ledger).unwrap();
        assert_eq!((bindings(&prepared), digest(&prepared)), (bound, was.clone()), "nothing was bound again");
        write("tasks/a.yaml", "tasks: {T001: {run: {exec: [\"false\"]}}}\n");
        let prepared = prepared.again(&workspace, &request, &mut ledger).unwrap();
        assert_ne!(digest(&prepared), was);
        write("prd.md", "# A\n\n- [ ] T001 One\n- [ ] T002 Two\n");
        let prepared = prepared.again(&workspace, &request, &mut ledger).unwrap();
        assert_eq!(prepared.plan.tasks.len(), 2);
    }
}
