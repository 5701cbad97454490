//! What holds for every catalogue. The fuzz targets `catalogue` and `template` have this file, too.

use std::collections::BTreeMap;
use taskmaster_catalogue::{Bound, Inputs, OperatingSystem, Outputs, SourceText, load, plain};
use taskmaster_core::action::Bindings;
use taskmaster_core::diagnostic::{Diagnostic, Severity};
use taskmaster_core::document::Document;
use taskmaster_core::id::EnvironmentName;
use taskmaster_core::journal::OutputValue;

/// What aliases can make of a text, in bytes: no more than that is ever held.
const HELD: usize = 32 << 20;
/// What a catalogue is bound to: a task of each way to be found, one below another, one with an action of its own.
const DOCUMENT: &str = "---\nid: prd\n---\n# Shop\n\n## Phase 1: Build\n\n- [ ] Create the cluster {#T1} #infra\n- [ ] Deploy {#T2}\n  - [ ] Look {#T3}\n- [ ] Ask {#T4}\n- [ ] Tell {#T5}\n\n  ```bash run\n  true\n  ```\n";
/// What must not be seen of the template engine's inside.
const RESERVED: [char; 2] = ['\u{fdd0}', '\u{fdd1}'];

/// Reads and binds a catalogue; codes of the faults that were found.
pub(super) fn check(text: &str) -> Vec<&'static str> {
    let sources = [SourceText { name: "tasks/all.yaml", text }];
    let loaded = load(&sources);
    assert_eq!(loaded.diagnostics, load(&sources).diagnostics, "two readings differ");
    are_placed(text, &loaded.diagnostics);
    let mut found = Vec::new();
    if let Some((value, _)) = plain(text, &mut found) {
        assert!(size(&value) <= HELD, "{} bytes became {}", text.len(), size(&value));
    }
    are_placed(text, &found);
    let codes = loaded.diagnostics.iter().map(|found| found.code).collect();
    let mut environments = loaded.catalogue.environments();
    environments.truncate(2);
    environments.push(EnvironmentName::from("local"));
    loaded.catalogue.gives_outputs();
    for environment in environments {
        let bound = bind(&[text], &environment, &Outputs::new());
        // Whoever writes them himself is left alone.
        if !text.to_lowercase().contains("fdd") && !text.contains(RESERVED) {
            is_clean(&bound);
        }
        are_placed(text, &bound.diagnostics);
        are_placed(DOCUMENT, &bound.document_diagnostics);
    }
    codes
}

/// Joins catalogues with the document, with the faults of both; whoever is asked for a variable of the environment
/// answers.
pub(super) fn bind(texts: &[&str], environment: &EnvironmentName, outputs: &Outputs) -> Bound {
    let sources: Vec<SourceText<'_>> =
        texts.iter().map(|text| SourceText { name: "tasks/all.yaml", text }).collect();
    let document: Document = taskmaster_prd::parse(DOCUMENT, &taskmaster_prd::Options::default()).document;
    let loaded = load(&sources);
    let mut bound = loaded.catalogue.bind(&Inputs {
        document: &document,
        document_path: "prd/shop.md",
        environment,
        vars: &BTreeMap::from([("given".to_owned(), "7".to_owned())]),
        env_vars: Some(&|name| (name != "ABSENT").then(|| format!("of {name}"))),
        tool_on_path: &|name| name.len() % 2 == 0,
        os: OperatingSystem::Linux,
        project_root: "/project",
        state_dir: "/project/.taskmaster",
        program: "/bin/taskmaster",
        outputs: &std::sync::Arc::new(outputs.clone()),
        allow_inline: true,
    });
    bound.diagnostics.splice(..0, loaded.diagnostics);
    bound
}

/// Outputs of a task: one that may be seen, and one that may not.
pub(super) fn outputs() -> Outputs {
    let plain = OutputValue::Plain(serde_json::json!(["http://x", 7, null]));
    let of = BTreeMap::from([("seen".to_owned(), plain), ("hidden".to_owned(), OutputValue::Sensitive)]);
    Outputs::from([("T3".into(), of)])
}

/// Every fault has a place inside the text, and each error one at all but where the text as a whole is too much.
pub(super) fn are_placed(text: &str, diagnostics: &[Diagnostic]) {
    for found in diagnostics {
        let is_whole = matches!(found.code, "schema-limit" | "bind-unknown-environment");
        assert!(
            found.span.is_some() || found.severity != Severity::Error || is_whole,
            "{found:?} is nowhere"
        );
        for span in found.span.into_iter().chain(found.labels.iter().map(|label| label.span)) {
            let inside = span.start <= span.end && text.get(span.start..span.end).is_some();
            assert!(inside, "{span:?} is no place in the text: {found:?}");
        }
        assert!(!found.message.is_empty());
    }
}

/// No marker of the template engine is left in anything.
pub(super) fn is_clean(bound: &Bound) {
    assert!(!shown(&bound.bindings).contains(RESERVED), "a marker of a secret is left");
    for found in bound.diagnostics.iter().chain(&bound.document_diagnostics) {
        assert!(!found.message.contains(RESERVED) && !found.help.iter().any(|help| help.contains(RESERVED)));
    }
}

/// Everything that was bound, as text.
pub(super) fn shown(bindings: &Bindings) -> String {
    let actions = bindings.values().filter_map(|binding| binding.action.as_ref());
    actions.map(|action| serde_json::to_string(action).expect("an action is JSON")).collect()
}

/// Bytes of all texts in a value.
fn size(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(items) => items.iter().map(|item| 8 + size(item)).sum(),
        serde_json::Value::Object(map) => map.iter().map(|(key, value)| key.len() + size(value)).sum(),
        _ => 8,
    }
}
