//! What holds for every template. The fuzz target `template` has this file, too.
//!
//! An input is a line of JSON, the value of a variable, and a template.

use super::catalogue_checks::{are_placed, bind, is_clean, outputs, shown};
use serde_json::{Value, json};
use taskmaster_catalogue::Outputs;
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::id::EnvironmentName;

/// Everything that the templates of this file may write, each a MiB.
const WRITTEN: usize = 16 << 20;

/// Renders a template wherever there may be one; codes of the faults that were found. None where it is left out.
pub(super) fn check(input: &str) -> Option<Vec<&'static str>> {
    let (value, template) = input.split_once('\n').unwrap_or(("", input));
    if grows(template) {
        return None;
    }
    let value: Value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    let text = catalogue(&value, template).to_string();
    let environment = EnvironmentName::from("local");
    let mut codes = Vec::new();
    for known in [Outputs::new(), outputs()] {
        let bound = bind(&[&text], &environment, &known);
        let again = bind(&[&text], &environment, &known);
        assert_eq!(bound.diagnostics, again.diagnostics, "two renderings differ");
        let written = shown(&bound.bindings);
        assert_eq!(written, shown(&again.bindings), "two renderings differ");
        assert!(written.len() <= WRITTEN, "{} bytes became {}", input.len(), written.len());
        are_placed(&text, &bound.diagnostics);
        // Whoever writes these himself is left alone.
        let lower = input.to_lowercase();
        if !lower.contains("fdd") && !input.contains(['\u{fdd0}', '\u{fdd1}']) {
            is_clean(&bound);
        }
        if !input.contains("secret") {
            assert!(!written.contains("<secret>"), "a secret was computed with: {written}");
        }
        let before = codes.len();
        let errors = bound.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        codes.extend(errors.map(|found| found.code));
        assert!(
            codes.len() > before || bound.bindings.len() == 5,
            "{:?} are bound, {:?}",
            bound.bindings.keys(),
            bound.document_diagnostics
        );
    }
    Some(codes)
}

/// The template in each kind of place: an argument, the environment, a body, a condition, a variable.
fn catalogue(value: &Value, template: &str) -> Value {
    let is_expression = !template.contains("{{") && !template.contains("{%");
    json!({
        "vars": {
            "v": {"value": value},
            "token": {"secret": "env:TOKEN"},
            "bearer": "Bearer {{ vars.token }}",
            "t": template,
        },
        "tasks": {
            "T1": {"run": {"exec": ["echo", template, "{{ vars.v }}", "{{ vars.given }}"]}},
            "T2": {"run": {"http": {"url": "http://a/", "headers": {"X": template}}}},
            "T3": {"run": {"exec": {"argv": ["true"], "env": {"E": template}}}, "outputs": "json"},
            "T4": {"when": {"expr": if is_expression { template } else { "true" }}, "run": {"shell": template}},
            "T5": {"run": {"http": {"url": "http://a/", "headers": {"X": "{{ vars.t }}"}, "json": {"k": template}}}},
        },
    })
}

/// Texts that are joined with themselves again and again are not bounded before they are written: the engine counts
/// steps, not bytes. So templates that join a lot are left out here.
fn grows(template: &str) -> bool {
    let joins = template.chars().filter(|c| matches!(c, '~' | '+' | '*')).count();
    let filters = ["replace", "join", "tojson", "pprint", "format", "urlencode"];
    joins + filters.iter().map(|name| template.matches(name).count()).sum::<usize>() > 3
}
