//! Actions that stand in the document: fenced blocks marked `run`, `check` or `verify`.

use super::shell::{MAX_SCRIPT, script_process};
use super::{Renderer, probe, process};
use crate::decode::Place;
use taskmaster_core::action::{Action, ActionKind, Probe, Step};
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::document::{InlineAction, InlineKind, Task};

/// The program and arguments that read a block of this language; the block follows as the last one.
pub(crate) fn interpreter(language: &str) -> Option<&'static [&'static str]> {
    Some(match language.to_ascii_lowercase().as_str() {
        "sh" | "shell" => &["sh", "-eu", "-c"],
        "bash" => &["bash", "-eu", "-o", "pipefail", "-c"],
        "zsh" => &["zsh", "-eu", "-c"],
        "python" | "python3" | "py" => &["python3", "-c"],
        "javascript" | "js" | "node" => &["node", "-e"],
        "ruby" | "rb" => &["ruby", "-e"],
        "perl" | "pl" => &["perl", "-e"],
        _ => return None,
    })
}

/// Renders the blocks of a task: every `run` block is a step, the first `check` and `verify` count.
/// Faults are about the document, so they carry its places.
pub(crate) fn inline_action(task: &Task, r: &Renderer<'_>) -> Result<Action, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let mut action = Action {
        kind: ActionKind::Inline,
        check: None,
        run: Vec::new(),
        verify: None,
        undo: Vec::new(),
        outputs: None,
    };
    for block in &task.inline_actions {
        let Some(step) = block_step(task, block, r, &mut faults) else {
            continue;
        };
        match block.kind {
            InlineKind::Run => action.run.push(step),
            InlineKind::Check => only(&mut action.check, step, task, block, &mut faults),
            InlineKind::Verify => only(&mut action.verify, step, task, block, &mut faults),
        }
    }
    if action.run.is_empty() && faults.is_empty() {
        let message = format!("the task `{}` has a check in the document, but no `run` block", task.id);
        faults.push(about(task, message).help("add a block marked `run`, or bind the task in a catalogue"));
    }
    if faults.is_empty() { Ok(action) } else { Err(faults) }
}

fn about(task: &Task, message: String) -> Diagnostic {
    Diagnostic::error("bind-inline", task.span, message).in_source(task.source)
}

fn only(
    slot: &mut Option<Box<Probe>>,
    step: Step,
    task: &Task,
    block: &InlineAction,
    faults: &mut Vec<Diagnostic>,
) {
    if slot.is_some() {
        let message = format!("a second block of its kind at line {}", block.line);
        faults.push(about(task, message).help("join the two"));
        return;
    }
    *slot = Some(Box::new(probe(step, vec![1])));
}

fn block_step(
    task: &Task,
    block: &InlineAction,
    r: &Renderer<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Option<Step> {
    let Some(words) = interpreter(&block.language) else {
        let message = format!("no interpreter is known for `{}` (line {})", block.language, block.line);
        faults.push(about(task, message).help("known: sh, bash, zsh, python, javascript, ruby, perl"));
        return None;
    };
    if block.body.len() > MAX_SCRIPT {
        let message = format!("the block at line {} has more than {MAX_SCRIPT} bytes", block.line);
        faults.push(about(task, message).help("put it into a file of its own"));
        return None;
    }
    let place = Place { source: task.source, span: task.span };
    let name = match block.kind {
        InlineKind::Run => "run",
        InlineKind::Check => "check",
        InlineKind::Verify => "verify",
    };
    let mut undeclared = Vec::new();
    let script = script_process(r, words, &block.body, place, |used| undeclared.push(used.to_owned()));
    for used in undeclared {
        let message = format!("no variable is handed over as `{used}` (block at line {})", block.line);
        faults.push(about(task, message).help("give it by `--var`, or bind the task in a catalogue"));
    }
    Some(process(name, script))
}
