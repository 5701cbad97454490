//! What a run would do, as data: rendered and quoted, nothing started, no secret read.

use super::ports::Render;
use super::show;
use taskmaster_core::action::{Action, Invocation, Outputs, Part, Probe, Step};
use taskmaster_core::id::TaskId;

/// One step of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The task.
    pub task: TaskId,
    /// The part of its action.
    pub part: Part,
    /// The step's name.
    pub step: String,
    /// The argv quoted for a shell, or the request.
    pub text: String,
    /// Working directory, relative to the project's root, where it is another.
    pub cwd: Option<String>,
    /// Variables as `NAME=value`, quoted for a shell, secrets by reference.
    pub env: Vec<String>,
    /// What it reads on standard input or sends as body, secrets by reference.
    pub input: Option<String>,
}

/// The steps of the tasks in this order; for a task that cannot be rendered, why.
pub fn lines<'a>(
    tasks: impl IntoIterator<Item = &'a TaskId>,
    render: &mut dyn Render,
) -> Vec<(TaskId, Result<Vec<Line>, String>)> {
    tasks
        .into_iter()
        .map(|task| {
            let lines = render.action(task).map(|action| of_action(task, &action));
            (task.clone(), lines.map_err(|fault| fault.message))
        })
        .collect()
}

/// The steps of one action, in the order in which they would be done; undo last.
pub fn of_action(task: &TaskId, action: &Action) -> Vec<Line> {
    let read = match &action.outputs {
        Some(Outputs::Terraform(step)) => vec![&**step],
        _ => Vec::new(),
    };
    let parts = [
        (Part::Check, asked(action.check.as_deref())),
        (Part::Run, action.run.iter().collect()),
        (Part::Outputs, read),
        (Part::Verify, asked(action.verify.as_deref())),
        (Part::Undo, action.undo.iter().collect()),
    ];
    let lines = parts.iter().flat_map(|(part, steps)| steps.iter().map(|step| line(task, *part, step)));
    lines.collect()
}

fn asked(probe: Option<&Probe>) -> Vec<&Step> {
    probe.map(Probe::steps).unwrap_or_default()
}

fn line(task: &TaskId, part: Part, step: &Step) -> Line {
    let (cwd, env, input) = match &step.invocation {
        Invocation::Process(spec) => {
            (spec.cwd.clone(), show::environment(spec), spec.stdin.as_ref().map(show::value))
        }
        Invocation::Http(spec) => {
            let header = |(name, value): (&String, _)| format!("{name}: {}", show::value(value));
            (None, spec.headers.iter().map(header).collect(), spec.body.as_ref().map(show::value))
        }
        Invocation::Wait { .. } | Invocation::Approval { .. } => (None, Vec::new(), None),
    };
    Line { task: task.clone(), part, step: step.name.clone(), text: show::step(step), cwd, env, input }
}
