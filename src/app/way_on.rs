//! The command that moves a stuck task on, ready to be pasted.

use super::workspace::Workspace;
use taskmaster_core::id::{EnvironmentName, TaskId};
use taskmaster_core::state::{TaskState, WaitFor};

/// Flags that lead from a shell in the working directory to one document in one environment; empty
/// where both are what a command takes anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// The place of a document, by its path below the project, in an environment.
    pub(super) fn new(workspace: &Workspace, document: &str, environment: &EnvironmentName) -> Self {
        let mut flags = String::new();
        let mut flag = |name: &str, value: &str| {
            flags.push_str(&format!(" --{name} {}", shell_words::quote(value)));
        };
        if !workspace.is_document(document) {
            flag("document", &workspace.path_of(document).to_string_lossy());
        }
        if workspace.environment(None) != *environment {
            flag("env", environment.as_str());
        }
        Self(flags)
    }
}

/// The command that moves a task on which cannot go on by itself; none for any other.
pub fn way_on(place: &Place, id: &TaskId, state: &TaskState) -> Option<String> {
    let (command, more) = match state {
        TaskState::Unknown { .. } => ("resolve", " completed|pending"),
        TaskState::Waiting { on: WaitFor::Approval { .. } } => ("approve", ""),
        TaskState::Waiting { on: WaitFor::Manual } => ("tasks set", " completed"),
        TaskState::Failed { .. } => ("logs", ""),
        _ => return None,
    };
    Some(format!("taskmaster {command} {}{more}{}", shell_words::quote(id.as_str()), place.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_odd_characters_is_quoted_for_the_shell() {
        let unknown = TaskState::Unknown { reason: String::new() };
        let told = |id: &str, place: &Place| way_on(place, &id.into(), &unknown).unwrap();
        let here = Place::default();
        assert_eq!(told("a/b-1.2", &here), "taskmaster resolve a/b-1.2 completed|pending");
        assert_eq!(told("a'; rm", &here), r"taskmaster resolve 'a'\''; rm' completed|pending");
        let there = Place(" --env kind".to_owned());
        assert_eq!(told("a", &there), "taskmaster resolve a completed|pending --env kind");
    }
}
