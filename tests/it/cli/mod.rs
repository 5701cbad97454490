//! The command line against real processes, files and a real ledger.

mod ci;
mod cluster;
mod colour;
mod completions;
mod doctor;
mod documents;
mod estimates;
mod exit_codes;
mod formats;
mod guides;
mod init;
mod kube_rollout;
mod kube_verbs;
mod ledger;
mod man;
mod matrix;
mod notices;
mod people;
pub(crate) mod readme;
mod recovery;
mod reference;
mod rollout;
mod rollouts;
mod runs;
mod telemetry;
mod watch;

use taskmaster_testkit::Sandbox;

/// A sandbox with the program under test.
pub(crate) fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_taskmaster"))
}

/// A sandbox with a document and a catalogue for the environment `local`.
pub(crate) fn project(prd: &str, tasks: &str) -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("prd.md", prd).write("tasks/local.yaml", tasks);
    sandbox
}

/// The state of every task by its id, as `tasks list` tells it.
#[track_caller]
pub(crate) fn states(sandbox: &Sandbox) -> Vec<(String, String)> {
    let list = sandbox.run("tasks list -o json").code(0).json();
    let tasks = list["tasks"].as_array().expect("a list of tasks").clone();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    tasks.iter().map(|task| (text(&task["id"]), text(&task["state"]))).collect()
}

/// The state of one task.
#[track_caller]
pub(crate) fn state(sandbox: &Sandbox, id: &str) -> String {
    let all = states(sandbox);
    all.into_iter().find(|(task, _)| task == id).unwrap_or_else(|| panic!("no task {id}")).1
}
