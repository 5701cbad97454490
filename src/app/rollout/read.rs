//! Reads a rollout file: its faults stand at their lines.

use crate::app::error::{AppError, Findings};
use crate::app::source;
use crate::app::workspace::Workspace;
use std::path::Path;
use taskmaster_catalogue::{Places, plain};
use taskmaster_core::diagnostic::{Diagnostic, Severity, did_you_mean};
use taskmaster_delivery::spec::{Fault, Rollout, RolloutSpec, check};

/// A rollout file, checked.
///
/// # Errors
/// It cannot be read, or has faults: all of them where its values have the right types, else the first.
pub fn read(workspace: &Workspace, path: &Path) -> Result<Rollout, AppError> {
    read_with_text(workspace, path).map(|(rollout, _)| rollout)
}

/// A rollout file, checked, and its text.
///
/// # Errors
/// As [`read`].
pub fn read_with_text(workspace: &Workspace, path: &Path) -> Result<(Rollout, String), AppError> {
    let source = source::rollout(&workspace.working_dir, path)?;
    let mut diagnostics = Vec::new();
    match parse(&source.text, &mut diagnostics) {
        Some(rollout) => Ok((rollout, source.text)),
        None => Err(AppError::Rollout(Box::new(Findings { sources: vec![source], diagnostics }))),
    }
}

fn parse(text: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Rollout> {
    let Some((value, places)) = plain(text, diagnostics) else {
        if diagnostics.is_empty() {
            let fault = Diagnostic::error("schema-empty", None, "this rollout is empty");
            diagnostics.push(fault.help("write `name:` and `strategy:`"));
        }
        return None;
    };
    let read: Result<RolloutSpec, _> = serde_path_to_error::deserialize(value);
    let checked = match read {
        Ok(spec) => check(&spec),
        Err(fault) => {
            diagnostics.push(of_type(&fault, &places));
            return None;
        }
    };
    let rollout =
        checked.map_err(|faults| diagnostics.extend(faults.iter().map(|fault| of_check(fault, &places))));
    // What the text itself is wrong in, such as a key that is given twice, leaves a value all the same.
    rollout.ok().filter(|_| diagnostics.iter().all(|found| found.severity != Severity::Error))
}

/// A value of the wrong type, or a key that is not known.
fn of_type(fault: &serde_path_to_error::Error<serde_json::Error>, places: &Places) -> Diagnostic {
    let path = fault.path().to_string();
    let message = fault.inner().to_string();
    let path = if path == "." { "" } else { &path };
    let is_unknown = message.starts_with("unknown field");
    let span = if is_unknown { places.key(path) } else { places.of(path) };
    let code = if is_unknown { "schema-key" } else { "schema-type" };
    let help = suggestion(&message);
    let diagnostic = Diagnostic::error(code, span, message);
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// ``unknown field `setWieght`, expected one of `setWeight`, …`` names what may have been meant.
fn suggestion(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let found = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    did_you_mean(found, known).map(|meant| format!("did you mean `{meant}`?"))
}

fn of_check(fault: &Fault, places: &Places) -> Diagnostic {
    let diagnostic = Diagnostic::error("schema-value", places.of(&fault.path), fault.message.clone());
    match &fault.help {
        Some(help) => diagnostic.help(help.clone()),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(String, String)> {
        let mut diagnostics = Vec::new();
        assert!(parse(text, &mut diagnostics).is_none(), "{text}");
        let shown = |fault: &Diagnostic| {
            let place = fault.span.map(|span| text[span.start..span.end].to_owned()).unwrap_or_default();
            (place, fault.message.clone())
        };
        diagnostics.iter().map(shown).collect()
    }

    #[test]
    fn faults_stand_where_they_are() {
        let steps = "name: web\nstrategy:\n  canary:\n    steps:\n      - setWeight: 50\n      - setWeight: 20\n      - pause: {duration: -5s}\n";
        assert_eq!(faults(steps)[0].0, "-5s");
        let steps = steps.replace("-5s", "5s");
        assert_eq!(faults(&steps), [("20".to_owned(), "20 after 50 does not rise".to_owned())]);
        let typo = "name: web\nstrategy:\n  canary:\n    steps:\n      - setWieght: 50\n";
        let mut diagnostics = Vec::new();
        parse(typo, &mut diagnostics);
        assert_eq!(diagnostics[0].help.as_deref(), Some("did you mean `setWeight`?"));
        assert_eq!(faults(typo)[0].0, "setWieght");
        for text in
            ["", "name: web\n", "- a\n", "name: [\n", "name: web\nstrategy: {canary: {}, rolling: {}}\n"]
        {
            assert!(!faults(text).is_empty(), "{text}");
        }
    }
}
