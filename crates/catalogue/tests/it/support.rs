//! A document, inputs, and short ways to look at what came out.

use std::collections::BTreeMap;
use taskmaster_catalogue::{
    Bound, Inputs, Loaded, OperatingSystem, Outputs as KnownOutputs, SourceText, load,
};
use taskmaster_core::action::{
    Action, Binding, HttpSpec, Invocation, OutputMatch, Outputs, ProcessSpec, Step, Value,
};
use taskmaster_core::diagnostic::{Diagnostic, Severity};
use taskmaster_core::document::{Claim, Document, Phase, Priority, Task};
use taskmaster_core::id::{EnvironmentName, PhaseId, TaskId};
use taskmaster_core::text::Span;

/// A task with nothing but an id, a title and a phase.
pub(crate) fn task(id: &str, title: &str, phase: &str) -> Task {
    Task {
        id: id.into(),
        ordinal: "1.1".into(),
        title: title.into(),
        phase: phase.into(),
        priority: Priority::High,
        status: Claim::Pending,
        dependencies: Vec::new(),
        external_dependencies: Vec::new(),
        optional: false,
        parallel: false,
        explicit_id: true,
        tags: vec!["infra".into()],
        details: Vec::new(),
        acceptance: Vec::new(),
        requirements: Vec::new(),
        parent: None,
        matrix: BTreeMap::new(),
        estimate: None,
        owner: None,
        issue: None,
        dates: BTreeMap::new(),
        inline_actions: Vec::new(),
        line: 7,
        source: 0,
        span: Span::new(10, 20),
        mark: None,
    }
}

/// A phase.
pub(crate) fn phase(id: &str, number: &str, title: &str) -> Phase {
    Phase {
        id: PhaseId::from(id),
        number: Some(number.into()),
        title: title.into(),
        priority: None,
        parent: None,
        estimate: None,
        line: 3,
        source: 0,
    }
}

/// Two phases and four tasks.
pub(crate) fn document() -> Document {
    Document {
        phases: vec![
            phase("infrastructure-setup", "1", "Infrastructure Setup"),
            phase("delivery", "2", "Delivery"),
        ],
        tasks: vec![
            task("T1", "Create the cluster", "infrastructure-setup"),
            task("T2", "Install Argo CD", "infrastructure-setup"),
            task("T3", "Deploy", "delivery"),
            task("T4", "Verify", "delivery"),
        ],
        ..Document::default()
    }
}

/// Everything that `Inputs` borrows.
pub(crate) struct World {
    pub(crate) document: Document,
    pub(crate) environment: EnvironmentName,
    pub(crate) vars: BTreeMap<String, String>,
    pub(crate) env_vars: BTreeMap<String, String>,
    pub(crate) tools: Vec<String>,
    pub(crate) outputs: KnownOutputs,
    pub(crate) allow_inline: bool,
    pub(crate) project_root: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            document: document(),
            environment: "kind".into(),
            vars: BTreeMap::new(),
            env_vars: BTreeMap::new(),
            tools: Vec::new(),
            outputs: KnownOutputs::new(),
            allow_inline: false,
            project_root: "/project".into(),
        }
    }

    pub(crate) fn in_environment(mut self, name: &str) -> Self {
        self.environment = name.into();
        self
    }

    pub(crate) fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.into(), value.into());
        self
    }

    pub(crate) fn with<R>(&self, f: impl FnOnce(&Inputs<'_>) -> R) -> R {
        f(&Inputs {
            document: &self.document,
            document_path: "prd/platform.md",
            environment: &self.environment,
            vars: &self.vars,
            env_vars: Some(&|name| self.env_vars.get(name).cloned()),
            tool_on_path: &|name| self.tools.iter().any(|tool| tool == name),
            os: OperatingSystem::Linux,
            project_root: &self.project_root,
            state_dir: "/project/.taskmaster",
            program: "/bin/taskmaster",
            outputs: &std::sync::Arc::new(self.outputs.clone()),
            allow_inline: self.allow_inline,
        })
    }

    pub(crate) fn bind(&self, text: &str) -> Bound {
        let loaded = load_one(text);
        assert_eq!(show_all(text, &loaded.diagnostics), "", "the text loads");
        self.with(|inputs| loaded.catalogue.bind(inputs))
    }

    /// The binding of `T1`; fails where there is any fault in the catalogue.
    pub(crate) fn binding(&self, text: &str) -> Binding {
        let mut bound = self.bind(text);
        assert_eq!(show_all(text, &bound.diagnostics), "", "the catalogue binds");
        *bound.bindings.remove("T1").expect("T1 is bound")
    }

    /// Faults of loading and binding, as one text.
    pub(crate) fn faults(&self, text: &str) -> String {
        let loaded = load_one(text);
        let expanded = self.with(|inputs| loaded.catalogue.expand(inputs));
        let document = expanded.document.as_ref().unwrap_or(&self.document);
        let bound = self.with(|inputs| loaded.catalogue.bind(&Inputs { document, ..*inputs }));
        show_all(text, &[loaded.diagnostics, expanded.diagnostics, bound.diagnostics].concat())
    }
}

pub(crate) fn load_one(text: &str) -> Loaded {
    load(&[SourceText { name: "tasks/test.yaml", text }])
}

/// `error[code] line:column `fragment` message; help`, one a line.
pub(crate) fn show_all(text: &str, diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|found| show(text, found)).collect::<Vec<_>>().join("\n")
}

fn show(text: &str, found: &Diagnostic) -> String {
    let severity = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let place = found.span.map_or("-".to_owned(), |span| {
        let lines = taskmaster_core::text::LineIndex::new(text);
        let (line, column) = lines.line_column(text, span.start);
        format!("{line}:{column} `{}`", span.of(text).replace('\n', "⏎"))
    });
    let help = found.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
    format!("{severity}[{}] {place} {}{help}", found.code, found.message)
}

/// A catalogue that binds `T1` to one action, written as the body of `run:`.
pub(crate) fn running(action: &str) -> String {
    let indented: String = action.trim_matches('\n').lines().map(|line| format!("      {line}\n")).collect();
    format!("tasks:\n  T1:\n    run:\n{indented}")
}

/// The action bound to `T1`.
pub(crate) fn action(text: &str) -> Action {
    World::new().binding(text).action.expect("T1 has an action")
}

/// An action as text: one line a step with everything in it, then how the check is read.
pub(crate) fn describe(action: &Action) -> String {
    let mut lines: Vec<String> = action.run.iter().map(|step| format!("run    {}", line(step))).collect();
    for (name, probe) in [("check ", &action.check), ("verify", &action.verify)] {
        let Some(probe) = probe else { continue };
        lines.extend(probe.prepare.iter().map(|step| format!("before {}", line(step))));
        let output: Vec<String> = probe.output.iter().map(condition).collect();
        let words = if probe.false_words.is_empty() { "" } else { " or by its words" };
        let codes = format!("true {:?} false {:?}{words}", probe.true_codes, probe.false_codes);
        lines.push(format!("{name} {} | {codes}{}", line(&probe.decide), output.concat()));
        lines.extend(probe.also.iter().map(|also| format!("and    {}", line(&also.decide))));
    }
    lines.extend(action.undo.iter().map(|step| format!("undo   {}", line(step))));
    match &action.outputs {
        Some(Outputs::Terraform(step)) => lines.push(format!("output {}", line(step))),
        Some(other) => lines.push(format!("output {other:?}")),
        None => {}
    }
    lines.join("\n")
}

fn condition(found: &OutputMatch) -> String {
    let pointer = found.pointer.as_ref().map_or("text".to_owned(), |pointer| format!("`{pointer}`"));
    let equals = found.equals.as_ref().map_or(String::new(), |value| format!(" = {value}"));
    let contains = found.contains.as_ref().map_or(String::new(), |text| format!(" has {text:?}"));
    format!(" | {pointer}{equals}{contains}")
}

pub(crate) fn line(step: &Step) -> String {
    let what = match &step.invocation {
        Invocation::Process(process) => words(process),
        Invocation::Http(http) => request(http),
        Invocation::Wait { duration_ms } => format!("{duration_ms} ms"),
        Invocation::Approval { message } => message.clone(),
    };
    format!("{}: {what}", step.name)
}

fn value(value: &Value) -> String {
    match value {
        Value::Plain(text) => text.replace('\n', "⏎"),
        Value::Secret(reference) => format!("<{reference:?}>"),
        Value::Joined(parts) => parts.iter().map(self::value).collect(),
    }
}

fn request(http: &HttpSpec) -> String {
    let mut text = format!("{} {} {:?}", http.method, http.url, http.status);
    text.extend(http.headers.iter().map(|(name, header)| format!(" {name}: {}", value(header))));
    text.extend(http.body.iter().map(|body| format!(" body {}", value(body))));
    text.extend(http.expect.iter().map(condition));
    text.extend(http.ca_file.iter().map(|file| format!(" ca {file}")));
    text
}

fn words(process: &ProcessSpec) -> String {
    let is_special = |c: char| c.is_whitespace() || matches!(c, '\'' | '"');
    let quoted = |word: &str| {
        if word.is_empty() || word.contains(is_special) { format!("{word:?}") } else { word.to_owned() }
    };
    let mut text = process.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    // Variables that every script and every terraform has are tested once, elsewhere.
    let common = ["TM_TASK", "TM_ENVIRONMENT", "TM_PROJECT", "TM_STATE_DIR", "TF_IN_AUTOMATION", "LC_ALL"];
    let own = process.env.iter().filter(|(name, _)| !common.contains(&name.as_str()));
    text.extend(own.map(|(name, variable)| format!(" {name}={}", value(variable))));
    text.extend(process.cwd.iter().map(|cwd| format!(" in {cwd}")));
    text.extend(process.stdin.iter().map(|stdin| format!(" < {}", value(stdin))));
    text.extend(process.capture.then_some(" > captured"));
    text
}

/// Compares what one action renders to with the lines that are expected.
#[track_caller]
pub(crate) fn renders(action_text: &str, expected: &str) {
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    assert_eq!(
        describe(&action(&running(action_text))).lines().collect::<Vec<_>>(),
        expected,
        "{action_text}"
    );
}

pub(crate) fn process(step: &Step) -> &ProcessSpec {
    match &step.invocation {
        Invocation::Process(process) => process,
        other => panic!("not a process: {other:?}"),
    }
}

pub(crate) fn http(step: &Step) -> &HttpSpec {
    match &step.invocation {
        Invocation::Http(http) => http,
        other => panic!("not a request: {other:?}"),
    }
}

pub(crate) fn plain(text: &str) -> Value {
    Value::Plain(text.to_owned())
}

pub(crate) fn id(text: &str) -> TaskId {
    TaskId::from(text)
}
