//! The command that moves a stuck task on, ready to be pasted.

use super::ledger::Ledger;
use super::workspace::Workspace;
use std::collections::BTreeMap;
use taskmaster_core::id::{EnvironmentName, TaskId};
use taskmaster_core::state::{TaskState, WaitFor};

/// What leads from a shell in the working directory to one document in one environment; empty where
/// both are what a command takes anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Flags of commands about tasks.
    flags: String,
    /// Arguments of the run that is meant.
    run: String,
}

impl Place {
    /// The place of a document, by its path below the project, in an environment, and the variables of
    /// its run.
    pub(super) fn new(
        workspace: &Workspace,
        document: &str,
        environment: &EnvironmentName,
        vars: &BTreeMap<String, String>,
        ledger: Option<&Ledger>,
    ) -> Self {
        let mut place = Self::default();
        if !workspace.is_document(document, ledger) {
            let path = workspace.path_of(document);
            let path = path.to_string_lossy();
            place.flags.push_str(&format!(" --document {}", shell_words::quote(&path)));
            place.run.push_str(&format!(" {}", shell_words::quote(&path)));
        }
        if workspace.environment(None) != *environment {
            let flag = format!(" --env {}", shell_words::quote(environment.as_str()));
            place.flags.push_str(&flag);
            place.run.push_str(&flag);
        }
        for (name, value) in vars {
            place.run.push_str(&format!(" --var {}", shell_words::quote(&format!("{name}={value}"))));
        }
        place
    }

    /// Flags that name document and environment where they are not the usual ones.
    pub fn flags(&self) -> &str {
        &self.flags
    }

    /// The command that runs the same once more.
    pub fn again(&self) -> String {
        format!("taskmaster run{}", self.run)
    }
}

/// The command that moves a task on which cannot go on by itself; none for any other. A yes is for a run
/// that `is_live`: once that has ended the next one asks again.
pub fn way_on(place: &Place, id: &TaskId, state: &TaskState, is_live: bool) -> Option<String> {
    let (command, more) = match state {
        TaskState::Unknown { .. } => ("resolve", " completed|pending"),
        TaskState::Waiting { on: WaitFor::Approval { .. } } if !is_live => return Some(place.again()),
        TaskState::Waiting { on: WaitFor::Approval { .. } } => ("approve", ""),
        TaskState::Waiting { on: WaitFor::Manual } => ("tasks set", " completed"),
        TaskState::Failed { .. } => ("logs", ""),
        _ => return None,
    };
    Some(format!("taskmaster {command} {}{more}{}", shell_words::quote(id.as_str()), place.flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_odd_characters_is_quoted_for_the_shell() {
        let unknown = TaskState::Unknown { reason: String::new() };
        let told = |id: &str, place: &Place| way_on(place, &id.into(), &unknown, false).unwrap();
        let here = Place::default();
        assert_eq!(told("a/b-1.2", &here), "taskmaster resolve a/b-1.2 completed|pending");
        assert_eq!(told("a'; rm", &here), r"taskmaster resolve 'a'\''; rm' completed|pending");
        let there = Place { flags: " --env kind".to_owned(), run: " --env kind --var version=v2".to_owned() };
        assert_eq!(told("a", &there), "taskmaster resolve a completed|pending --env kind");
        let asked = TaskState::Waiting { on: WaitFor::Approval { message: "Now?".into() } };
        for (is_live, command) in
            [(true, "taskmaster approve a --env kind"), (false, "taskmaster run --env kind --var version=v2")]
        {
            assert_eq!(way_on(&there, &"a".into(), &asked, is_live).as_deref(), Some(command));
        }
    }
}
