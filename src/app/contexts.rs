//! Refuses to act on clusters that look like production, unless somebody said so.
//!
//! Seen are the commands of kubectl, helm, argocd and rollouts. What a script, terraform or a program of
//! its own talks to cannot be seen, nor a context that only the output of another task tells.

use super::error::AppError;
use super::plan::Prepared;
use crate::process::ask::{Question, ask};
use crate::process::launch::search_path;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use taskmaster_core::action::{Action, Step};
use taskmaster_core::id::TaskId;
use taskmaster_core::plan::{Disposition, PlannedTask};
use taskmaster_core::production::{by_labels, clusters};
use taskmaster_core::tool::Place;

/// Longest time of one question.
const WITHIN: Duration = Duration::from_secs(5);

/// What acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acts {
    /// The tasks that a run would execute.
    Run,
    /// The undo of every task of the plan.
    Undo,
}

/// Whether the cluster itself is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// For its labels, once a context.
    Cluster,
    /// Names alone decide.
    Nobody,
}

/// A context that looks like production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name.
    pub context: String,
    /// Why it looks so.
    pub why: String,
    /// Who would act on it.
    pub tasks: Vec<TaskId>,
}

impl Finding {
    /// One line.
    pub fn message(&self) -> String {
        let others = self.tasks.len().saturating_sub(3);
        let mut tasks: Vec<String> = self.tasks.iter().take(3).map(ToString::to_string).collect();
        if others > 0 {
            tasks.push(format!("{others} more"));
        }
        format!(
            "the context `{}` looks like production: {} (it is for {})",
            self.context,
            self.why,
            tasks.join(", ")
        )
    }
}

/// Refuses where a context that would be acted on looks like production.
pub fn refuse(prepared: &Prepared, acts: Acts) -> Result<(), AppError> {
    let found = find(prepared, acts, Ask::Cluster);
    let Some(first) = found.first() else { return Ok(()) };
    let flags: Vec<String> =
        found.iter().map(|finding| format!("--allow-context {}", finding.context)).collect();
    let mut message = found.iter().map(Finding::message).collect::<Vec<_>>().join("\n");
    message.push_str("; nothing was run");
    let help = format!(
        "if it is meant, add {}, or allow_contexts = [\"{}\"] to taskmaster.toml",
        flags.join(" "),
        first.context
    );
    Err(AppError::usage(message, help))
}

/// The contexts that look like production.
pub fn find(prepared: &Prepared, acts: Acts, ask: Ask) -> Vec<Finding> {
    let mut found: BTreeMap<String, Finding> = BTreeMap::new();
    let root = prepared.binder.project_root();
    for (place, tasks) in places(prepared, acts) {
        let kubectl = Kubectl { place: &place, root };
        let Some(context) = place.context.clone().or_else(|| kubectl.current_context()) else { continue };
        let rules = &prepared.production;
        if rules.allows(&context) {
            continue;
        }
        let labels = || (ask == Ask::Cluster).then(|| kubectl.labels(&context)).flatten();
        let Some(why) = rules.by_name(&context).or_else(labels) else { continue };
        let finding = found.entry(context.clone()).or_insert(Finding { context, why, tasks: Vec::new() });
        finding.tasks.extend(tasks);
    }
    found.into_values().collect()
}

fn places(prepared: &Prepared, acts: Acts) -> BTreeMap<Place, Vec<TaskId>> {
    let mut places: BTreeMap<Place, Vec<TaskId>> = BTreeMap::new();
    for task in prepared.plan.tasks.iter().filter(|task| acts == Acts::Undo || may_run(task)) {
        let binding = prepared.bound.bindings.get(&task.id);
        let Some(action) = binding.and_then(|binding| binding.action.as_ref()) else { continue };
        for place in clusters(steps(action, acts)) {
            places.entry(place).or_default().push(task.id.clone());
        }
    }
    places
}

/// What was done before runs again where what it reads turns out to be other than then.
fn may_run(task: &PlannedTask) -> bool {
    match task.disposition {
        Disposition::Execute => true,
        Disposition::Recorded { .. } => !task.reads.is_empty(),
        _ => false,
    }
}

fn steps(action: &Action, acts: Acts) -> &[Step] {
    match acts {
        Acts::Run => &action.run,
        Acts::Undo => &action.undo,
    }
}

/// kubectl as the actions of a place would run it.
struct Kubectl<'p> {
    place: &'p Place,
    root: &'p str,
}

impl Kubectl<'_> {
    fn current_context(&self) -> Option<String> {
        let name = self.ask(&["config", "current-context"])?;
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    }

    fn labels(&self, context: &str) -> Option<String> {
        let context = format!("--context={context}");
        let asked =
            ["get", "namespace", "kube-system", "default", "--output=json", "--request-timeout=5s", &context];
        by_labels(&serde_json::from_str(&self.ask(&asked)?).ok()?)
    }

    /// What kubectl prints; none where it fails or takes too long.
    fn ask(&self, arguments: &[&str]) -> Option<String> {
        let search = std::env::var_os("PATH")?;
        let root = Path::new(self.root);
        let kubeconfig = self.place.kubeconfig.as_ref().map(|path| format!("--kubeconfig={path}"));
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).chain(kubeconfig);
        let variable = self.place.variable.as_deref().map(|paths| ("KUBECONFIG", paths));
        let answer = ask(&Question {
            program: &search_path("kubectl", &search, root).ok()?,
            arguments: &arguments.collect::<Vec<_>>(),
            cwd: root,
            env: variable.as_slice(),
            both: false,
            within: WITHIN,
            most: 1 << 20,
        });
        answer.ok()?.filter(|answer| answer.status.success()).map(|answer| answer.text)
    }
}
