//! Programs that an action needs.

use std::collections::BTreeSet;
use taskmaster_core::action::{Action, Invocation, Outputs, Probe, Step};
use taskmaster_core::tool::{KUBE_APPLY, KUBE_ROLLOUT, PROMETHEUS_GATE};

/// Names of programs that must be on PATH, sorted. A program given by a path is not looked up there.
pub(crate) fn tools(action: &Action) -> Vec<String> {
    let asked = action.probes().flat_map(Probe::steps);
    let read = match &action.outputs {
        Some(Outputs::Terraform(step)) => Some(&**step),
        _ => None,
    };
    let names: BTreeSet<&str> = action.run.iter().chain(asked).chain(read).flat_map(programs).collect();
    names.into_iter().map(str::to_owned).collect()
}

fn programs(step: &Step) -> Vec<&str> {
    let Invocation::Process(process) = &step.invocation else {
        return Vec::new();
    };
    // Our own commands are there, and they need kubectl.
    if process.argv.get(1).is_some_and(|word| word == KUBE_ROLLOUT || word == KUBE_APPLY) {
        return vec!["kubectl"];
    }
    if process.argv.get(1).is_some_and(|word| word == PROMETHEUS_GATE) {
        return Vec::new();
    }
    let program = process.argv.first().map(String::as_str);
    program.into_iter().filter(|name| !name.is_empty() && !name.contains('/')).collect()
}
