//! Values that the project knows: ids, phases, environments, rollouts, syncs, runs and documents.

use super::Candidate;
use super::walk::{Given, Source};
use crate::app::known::Known;
use crate::app::workspace::Workspace;
use crate::cli::command::{DIALECTS, ORDERINGS};
use crate::config::{Project, Settings};
use std::path::{Path, PathBuf};

/// Values of this project.
pub(super) struct Values;

/// What an argument is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Tasks,
    Phases,
    Environments,
    Rollouts,
    Syncs,
    Runs,
    Documents,
    Words(&'static [&'static str]),
}

/// By the command and the argument's id.
fn subject(path: &[String], argument: &str) -> Option<Subject> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    Some(match (path.as_slice(), argument) {
        (["promote-env"], "from" | "to") | (["env", ..], "name") | (_, "environment") => {
            Subject::Environments
        }
        (["rollout", "start"], "target") => return None,
        (["rollout", ..], "name") | (["agent", ..], "service") => Subject::Rollouts,
        (["sync", "status" | "pause" | "resume" | "now"], "name") | (_, "sync") => Subject::Syncs,
        (["plan" | "run" | "drift"], "from") | (_, "task") => Subject::Tasks,
        (_, "phase") => Subject::Phases,
        (["report"], "run") => Subject::Runs,
        (["init"], "document") => return None,
        (_, "document") => Subject::Documents,
        (_, "dialect") => Subject::Words(&DIALECTS),
        (_, "ordering") => Subject::Words(&ORDERINGS),
        (_, "priority") => Subject::Words(&["critical", "high", "medium", "low"]),
        _ => return None,
    })
}

impl Source for Values {
    fn values(&self, given: &Given, argument: &str, current: &str) -> Option<Vec<Candidate>> {
        let subject = subject(&given.path, argument)?;
        let all = match subject {
            Subject::Words(words) => words.iter().map(|word| Candidate::new(*word, "")).collect(),
            subject => workspace(given)
                .map(|workspace| known(subject, &workspace, given, current))
                .unwrap_or_default(),
        };
        let fitting = all.into_iter().filter(|candidate| fits(&candidate.value, current, subject));
        Some(fitting.collect())
    }
}

/// A task is meant by its whole id, or by its part behind the phase.
fn fits(value: &str, current: &str, subject: Subject) -> bool {
    let by_part = || value.rsplit_once('/').is_some_and(|(_, part)| part.starts_with(current));
    value.starts_with(current) || (subject == Subject::Tasks && !current.is_empty() && by_part())
}

/// The project that the line is about; none where it cannot be read.
fn workspace(given: &Given) -> Option<Workspace> {
    let here = std::env::current_dir().ok()?;
    let working_dir = given.values.get("directory").map_or(here.clone(), |dir| here.join(dir));
    let working_dir = std::fs::canonicalize(working_dir).ok()?;
    let state_dir = given.values.get("state_dir").map(PathBuf::from);
    let flags = Settings { state_dir, ..Settings::default() };
    let project = Project::find(&working_dir, flags, &|name| std::env::var(name).ok()).ok()?;
    Some(Workspace { project, working_dir, known_as: None })
}

fn known(subject: Subject, workspace: &Workspace, given: &Given, current: &str) -> Vec<Candidate> {
    let known = Known::of(workspace);
    let document = || given.values.get("document").map(Path::new);
    let pairs = match subject {
        Subject::Tasks => known.tasks(document()),
        Subject::Phases => known.phases(document()),
        Subject::Environments => known.environments(),
        Subject::Rollouts => known.rollouts(),
        Subject::Syncs => known.syncs(),
        Subject::Runs => known.runs(),
        Subject::Documents => return documents(workspace, &known, current),
        Subject::Words(_) => Vec::new(),
    };
    pairs.into_iter().map(|(value, about)| Candidate::new(value, about)).collect()
}

/// Those that are known, and what the folder holds that is typed.
fn documents(workspace: &Workspace, known: &Known<'_>, current: &str) -> Vec<Candidate> {
    let mut all: Vec<Candidate> =
        known.documents().into_iter().map(|(path, about)| Candidate::new(path, about)).collect();
    let (folder, _) = current.rsplit_once('/').map_or(("", current), |(folder, name)| (folder, name));
    let lead = if current.contains('/') { format!("{folder}/") } else { String::new() };
    let dir = if current.starts_with('/') && folder.is_empty() { "/" } else { folder };
    let entries = std::fs::read_dir(workspace.working_dir.join(dir)).into_iter().flatten().flatten();
    for entry in entries.take(10_000) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let value = format!("{lead}{name}");
        if name.starts_with('.') || all.iter().any(|candidate| candidate.value == value) {
            continue;
        }
        match entry.path().is_dir() {
            true => all.push(Candidate::new(format!("{value}/"), "")),
            false if name.ends_with(".md") => all.push(Candidate::new(value, "")),
            false => {}
        }
    }
    all.sort_by(|one, two| one.value.cmp(&two.value));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_known_by_their_command() {
        let of = |line: &str, argument: &str| {
            subject(&line.split(' ').map(str::to_owned).collect::<Vec<_>>(), argument)
        };
        assert_eq!(of("tasks show", "task"), Some(Subject::Tasks));
        assert_eq!(of("plan", "from"), Some(Subject::Tasks));
        assert_eq!(of("promote-env", "from"), Some(Subject::Environments));
        assert_eq!(of("env lock", "name"), Some(Subject::Environments));
        assert_eq!(of("rollout promote", "name"), Some(Subject::Rollouts));
        assert_eq!(of("sync", "name"), None, "a name that is given to a new one");
        assert_eq!(of("sync pause", "name"), Some(Subject::Syncs));
        assert_eq!(of("rollout rehearse", "from"), None);
        assert_eq!(of("report", "run"), Some(Subject::Runs));
        assert_eq!(of("init", "document"), None);
    }

    #[test]
    fn a_task_is_found_by_its_part_behind_the_phase_too() {
        assert!(
            fits("infra/install", "inf", Subject::Tasks) && fits("infra/install", "inst", Subject::Tasks)
        );
        assert!(
            !fits("infra/install", "inst", Subject::Phases) && !fits("infra/install", "x", Subject::Tasks)
        );
    }
}
