//! `tasks list|show|set|next`, `approve` and `resolve`.

use super::error::AppError;
use super::ledger::Ledger;
use super::plan::Request;
use super::report::{self, Evidence};
use super::views;
use super::workspace::Workspace;
use crate::clock;
use crate::exec::show;
use crate::report::view::{CommandLine, TaskListView, TaskRef, TaskView};
use crate::store::Durability;
use std::collections::{HashMap, HashSet};
use taskmaster_core::diagnostic::did_you_mean;
use taskmaster_core::document::{Document, Priority, Task};
use taskmaster_core::id::{PhaseId, TaskId, TaskKey};
use taskmaster_core::journal::Record;
use taskmaster_core::plan::PlannedTask;
use taskmaster_core::select;
use taskmaster_core::state::{TaskState, WaitFor};

/// Filters of a list. Within one all words are alternatives; all filters that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Outward status, or the name of an exact state.
    pub status: Vec<String>,
    /// Number, id or an unambiguous word.
    pub phase: Vec<String>,
    /// `critical`, `high`, `medium`, `low`.
    pub priority: Vec<String>,
    /// Tags.
    pub tag: Vec<String>,
    /// Text in id or title, whatever the case.
    pub text: Option<String>,
}

/// Words that [`Filter::status`] takes.
const STATUS_WORDS: [&str; 15] = [
    "pending",
    "in_progress",
    "completed",
    "failed",
    "blocked",
    "skipped",
    "cancelled",
    "ready",
    "checking",
    "running",
    "waiting",
    "satisfied",
    "claimed",
    "unknown",
    "verifying",
];
const PRIORITY_WORDS: [&str; 4] = ["critical", "high", "medium", "low"];

impl Filter {
    /// In words, for the head of a list.
    fn words(&self) -> Vec<String> {
        let named = [
            ("status", &self.status),
            ("phase", &self.phase),
            ("priority", &self.priority),
            ("tag", &self.tag),
        ];
        let mut words: Vec<String> = named
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(name, values)| format!("{name} {}", values.join(" or ")))
            .collect();
        words.extend(self.text.iter().map(|text| format!("text {text:?}")));
        words
    }

    /// The tasks that pass, as a test over task and state.
    fn test(&self, document: &Document) -> Result<impl Fn(&Task, &TaskState) -> bool, AppError> {
        known(&self.status, "status", &STATUS_WORDS)?;
        known(&self.priority, "priority", &PRIORITY_WORDS)?;
        let mut phases = HashSet::new();
        for word in &self.phase {
            let phase = select::find_phase(document, word)?;
            phases.extend(select::subtree_of_phase(document, phase).into_iter().map(PhaseId::from));
        }
        let phases = (!self.phase.is_empty()).then_some(phases);
        let (status, priority, tags) = (normal(&self.status), normal(&self.priority), normal(&self.tag));
        let text = self.text.as_ref().map(|text| text.to_lowercase());
        Ok(move |task: &Task, state: &TaskState| {
            let has = |tag: &String| tags.is_empty() || tags.contains(&tag.to_lowercase());
            (status.is_empty() || status.iter().any(|word| is_in(state, word)))
                && (priority.is_empty() || priority.iter().any(|word| *word == priority_word(task.priority)))
                && (tags.is_empty() || task.tags.iter().any(has))
                && phases.as_ref().is_none_or(|phases| phases.contains(&task.phase))
                && text.as_ref().is_none_or(|text| {
                    task.title.to_lowercase().contains(text) || task.id.as_str().to_lowercase().contains(text)
                })
        })
    }
}

fn normal(words: &[String]) -> Vec<String> {
    words.iter().map(|word| word.to_lowercase().replace('-', "_")).collect()
}

fn known(words: &[String], what: &str, all: &[&str]) -> Result<(), AppError> {
    let Some(wrong) = normal(words).into_iter().find(|word| !all.contains(&word.as_str())) else {
        return Ok(());
    };
    let near = did_you_mean(&wrong, all.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    let help = near.unwrap_or_else(|| format!("one of {}", all.join(", ")));
    Err(AppError::usage(format!("no {what} is called `{wrong}`"), help))
}

fn is_in(state: &TaskState, word: &str) -> bool {
    word == state.name() || word == state.status().name()
}

fn priority_word(priority: Priority) -> &'static str {
    match priority {
        Priority::Critical => "critical",
        Priority::High => "high",
        Priority::Medium => "medium",
        Priority::Low => "low",
    }
}

/// `tasks list`.
pub fn list(workspace: &Workspace, request: &Request, filter: &Filter) -> Result<TaskListView, AppError> {
    let evidence = report::gather(workspace, request, None)?;
    let test = filter.test(evidence.prepared.document())?;
    Ok(rows(&evidence, filter.words(), |task, state| test(task, state)))
}

/// `tasks next`: what is open, with everything it waits for done.
pub fn next(workspace: &Workspace, request: &Request, filter: &Filter) -> Result<TaskListView, AppError> {
    let evidence = report::gather(workspace, request, None)?;
    let test = filter.test(evidence.prepared.document())?;
    let plan = &evidence.prepared.plan;
    let states: HashMap<&TaskId, TaskState> =
        plan.tasks.iter().map(|task| (&task.id, evidence.state(&task.key))).collect();
    let open = |id: &TaskId| {
        matches!(states.get(id), Some(TaskState::Pending | TaskState::Ready | TaskState::Waiting { .. }))
    };
    let wanted = |id: &TaskId| evidence.planned(id).is_some_and(PlannedTask::has_work);
    let done = |id: &TaskId| states.get(id).is_some_and(TaskState::lets_dependants_go) || !wanted(id);
    let can_start = |id: &TaskId| {
        let task = evidence.planned(id);
        task.is_some_and(|task| task.dependencies.iter().all(|index| done(&plan.tasks[*index].id)))
    };
    Ok(rows(&evidence, filter.words(), |task, state| {
        test(task, state) && open(&task.id) && wanted(&task.id) && can_start(&task.id)
    }))
}

fn rows(evidence: &Evidence, filters: Vec<String>, pass: impl Fn(&Task, &TaskState) -> bool) -> TaskListView {
    let reading = &evidence.prepared.reading;
    let document = evidence.prepared.document();
    let keys = &evidence.prepared.recording.keys;
    let all = document.tasks.iter().map(|task| (task, views::state(&evidence.states, keys.get(&task.id))));
    TaskListView {
        document: views::document(reading, Some(evidence.prepared.recording.revision)),
        environment: evidence.prepared.environment.clone(),
        filters,
        total: document.tasks.len(),
        tasks: all
            .filter(|(task, state)| pass(task, state))
            .map(|(task, state)| views::row(document, task, state))
            .collect(),
    }
}

impl Evidence {
    fn state(&self, key: &TaskKey) -> TaskState {
        views::state(&self.states, Some(key))
    }

    fn reference(&self, id: &TaskId) -> Option<TaskRef> {
        let task = self.prepared.document().task(id.as_str())?;
        let key = self.prepared.recording.keys.get(id);
        Some(TaskRef {
            id: id.clone(),
            ordinal: task.ordinal.clone(),
            title: task.title.clone(),
            state: views::state(&self.states, key),
        })
    }
}

/// `tasks show`.
pub fn show(workspace: &Workspace, request: &Request, name: &str) -> Result<TaskView, AppError> {
    let evidence = report::gather(workspace, request, None)?;
    let document = evidence.prepared.document();
    let task = &document.tasks[select::find_task(document, name)?];
    let id = task.id.clone();
    let plan = &evidence.prepared.plan;
    let planned = evidence.planned(&id);
    let dependencies = planned.map(|task| task.dependencies.clone()).unwrap_or_default();
    let index = plan.tasks.iter().position(|other| other.id == id);
    let dependants =
        plan.tasks.iter().filter(|other| index.is_some_and(|index| other.dependencies.contains(&index)));
    let binding = evidence.prepared.bound.bindings.get(&id);
    let requirements = report::requirements(document);
    Ok(TaskView {
        generated: clock::now(),
        document: views::document(&evidence.prepared.reading, Some(evidence.prepared.recording.revision)),
        environment: evidence.prepared.environment.clone(),
        task: evidence.task(task),
        phase_title: document.phase(task.phase.as_str()).map(|phase| phase.title.clone()).unwrap_or_default(),
        place: binding.map(|binding| binding.place.clone()),
        details: task.details.clone(),
        acceptance: task.acceptance.clone(),
        dependencies: dependencies
            .iter()
            .filter_map(|index| evidence.reference(&plan.tasks[*index].id))
            .collect(),
        dependants: dependants.filter_map(|task| evidence.reference(&task.id)).collect(),
        requirements: requirements
            .into_iter()
            .filter(|requirement| requirement.tasks.contains(&id))
            .collect(),
        probes: binding.and_then(|binding| binding.action.as_ref()).map(probes).unwrap_or_default(),
    })
}

fn probes(action: &taskmaster_core::action::Action) -> Vec<CommandLine> {
    let named = [("check", &action.check), ("verify", &action.verify)];
    let lines = named.into_iter().filter_map(|(name, probe)| Some((name, probe.as_ref()?)));
    lines
        .map(|(name, probe)| CommandLine { step: name.to_owned(), line: show::step(&probe.decide) })
        .collect()
}

/// A task that a person changes, found in the ledger.
struct Target {
    ledger: Ledger,
    evidence: Evidence,
    id: TaskId,
    key: TaskKey,
    state: TaskState,
}

fn target(workspace: &Workspace, request: &Request, name: &str) -> Result<Target, AppError> {
    let mut ledger = workspace.ledger()?;
    let evidence = report::gather(workspace, request, None)?;
    let mut keys = super::parse::record(&mut ledger, &evidence.prepared.reading)?.keys;
    let document = evidence.prepared.document();
    super::plan::add_keys_of_cells(document, &mut keys);
    let id = document.tasks[select::find_task(document, name)?].id.clone();
    let key = keys.remove(&id);
    let key =
        key.ok_or_else(|| AppError::usage(format!("the ledger has no task `{id}`"), "parse the document"))?;
    let state = views::state(&evidence.states, Some(&key));
    Ok(Target { ledger, evidence, id, key, state })
}

/// The state that `word` names, for `tasks set` and `resolve`.
pub fn settable(word: &str, message: Option<&str>) -> Result<TaskState, AppError> {
    match word {
        "completed" => Ok(TaskState::Completed),
        "pending" => Ok(TaskState::Pending),
        "skipped" => Ok(TaskState::Skipped { reason: message.unwrap_or("set by hand").to_owned() }),
        "cancelled" => Ok(TaskState::Cancelled),
        _ => Err(AppError::usage(
            format!("a task cannot be set to `{word}`"),
            "completed, pending, skipped or cancelled",
        )),
    }
}

/// `tasks set`: a person's word. Returns the task's address and its state before.
pub fn set(
    workspace: &Workspace,
    request: &Request,
    name: &str,
    to: TaskState,
    message: Option<String>,
) -> Result<(TaskId, TaskState), AppError> {
    target(workspace, request, name)?.commit(to, message)
}

/// `resolve`: settles a task whose end is unknown.
pub fn resolve(
    workspace: &Workspace,
    request: &Request,
    name: &str,
    to: TaskState,
    message: Option<String>,
) -> Result<TaskId, AppError> {
    let target = target(workspace, request, name)?;
    if !matches!(target.state, TaskState::Unknown { .. }) {
        let help = "`taskmaster tasks set` changes tasks in other states";
        return Err(AppError::usage(format!("{} is {}, not unknown", target.id, target.state.name()), help));
    }
    Ok(target.commit(to, message)?.0)
}

impl Target {
    /// Appends the change; refused where the state moved meanwhile.
    fn commit(mut self, to: TaskState, message: Option<String>) -> Result<(TaskId, TaskState), AppError> {
        let record = Record::TaskState {
            run: None,
            document: self.evidence.prepared.reading.id.clone(),
            environment: self.evidence.prepared.environment.clone(),
            digest: self.evidence.planned(&self.id).and_then(|task| task.digest.clone()),
            key: self.key,
            id: self.id.clone(),
            from: self.state.clone(),
            to,
            by: Some(person()),
            message,
        };
        self.ledger.commit(vec![record], clock::now(), Durability::Normal)?;
        Ok((self.id, self.state))
    }
}

/// `approve`: a person's yes to a task that waits for it.
pub fn approve(
    workspace: &Workspace,
    request: &Request,
    name: &str,
    message: Option<String>,
) -> Result<TaskId, AppError> {
    let mut target = target(workspace, request, name)?;
    let waits = matches!(&target.state, TaskState::Waiting { on: WaitFor::Approval { .. } });
    let Some(run) = target.evidence.live.clone().filter(|_| waits) else {
        let place = &target.evidence.prepared.place;
        if waits {
            let message = format!("no run is at work that asks for {}", target.id);
            return Err(AppError::usage(message, format!("`{}` asks again", place.again())));
        }
        let help = format!("`taskmaster tasks list --status waiting{}` shows what waits", place.flags());
        let message = format!("{} is {}, it does not wait for an approval", target.id, target.state.name());
        return Err(AppError::usage(message, help));
    };
    let record = Record::ApprovalGiven { run, key: target.key, id: target.id.clone(), by: person(), message };
    target.ledger.commit(vec![record], clock::now(), Durability::Normal)?;
    Ok(target.id)
}

/// Who is at the keyboard, as the system tells: a variable alone would be anybody's word.
pub(in crate::app) fn person() -> String {
    let uid = rustix::process::getuid();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let own = user_name(&users, uid.as_raw()).map_or_else(|| format!("user {}", uid.as_raw()), str::to_owned);
    match std::env::var("SUDO_USER") {
        Ok(before) if uid.is_root() && before != own => format!("{before} (as {own})"),
        _ => own,
    }
}

/// `name:password:uid:…`, one a line.
fn user_name(users: &str, uid: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::user_name;

    #[test]
    fn users_by_their_numbers() {
        let users = "root:x:0:0:root:/root:/bin/bash\n\nbroken\nada:x:1000:1000::/home/ada:/bin/sh\n";
        assert_eq!(user_name(users, 1000), Some("ada"));
        assert_eq!(user_name(users, 0), Some("root"));
        assert_eq!(user_name(users, 7), None);
    }
}
