//! Decides whether a task can be done here.

use crate::api::{Inputs, OperatingSystem};
use crate::model::{Condition, WhenSpec};
use crate::template::Engine;
use taskmaster_core::action::When;
use taskmaster_core::diagnostic::Diagnostic;

/// The first condition that does not hold gives the reason.
pub(crate) fn decide(
    spec: &WhenSpec,
    engine: &Engine<'_>,
    inputs: &Inputs<'_>,
) -> Result<When, Vec<Diagnostic>> {
    for condition in &spec.0 {
        if let Some(unmet) = unmet(condition, engine, inputs)? {
            let reason = condition.reason.as_ref().map_or(unmet, |reason| reason.text.clone());
            return Ok(When::Skip { reason });
        }
    }
    Ok(When::Include)
}

/// Why a condition does not hold, in default words.
fn unmet(
    condition: &Condition,
    engine: &Engine<'_>,
    inputs: &Inputs<'_>,
) -> Result<Option<String>, Vec<Diagnostic>> {
    if let Some(never) = condition.never.as_ref().filter(|never| never.text != "false") {
        return Ok(Some(never.text.clone()));
    }
    let list = |names: Vec<&str>| names.join(", ");
    let env = inputs.environment.as_str();
    if !condition.env.is_empty() && !condition.env.iter().any(|name| name.text == env) {
        let names = condition.env.iter().map(|name| name.text.as_str()).collect();
        return Ok(Some(format!("only in {}", list(names))));
    }
    if !condition.os.is_empty() && !condition.os.iter().any(|os| os.is(inputs.os)) {
        let here = match inputs.os {
            OperatingSystem::Linux => "Linux",
            OperatingSystem::Macos => "macOS",
        };
        return Ok(Some(format!("not on {here}")));
    }
    if let Some(tool) = condition.tool.iter().find(|tool| !(inputs.tool_on_path)(&tool.text)) {
        return Ok(Some(format!("{} is not on PATH", tool.text)));
    }
    match &condition.expr {
        Some(expression) => match engine.decide(expression) {
            Ok(true) => Ok(None),
            Ok(false) => Ok(Some(format!("`{}` is not true here", expression.text))),
            Err(fault) => Err(vec![*fault]),
        },
        None => Ok(None),
    }
}
