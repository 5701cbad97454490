//! Labels made by hand, compared by value.

use crate::fixtures::{self, Document};
use serde_json::{Map, Value, json};
use taskmaster_core::document::{Claim, Estimate, Phase, Task};
use taskmaster_core::text::LineIndex;
use taskmaster_prd::Parsed;

#[test]
fn the_project_s_fixtures_are_as_labelled() {
    let mut faults = Vec::new();
    for document in fixtures::own() {
        let label = document.label().unwrap_or_else(|| panic!("{} has no label", document.name));
        compare(&document, &label, &mut faults);
    }
    assert!(faults.is_empty(), "{} differences:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn public_documents_are_as_labelled() {
    let documents = fixtures::outside("corpus");
    let mut faults = Vec::new();
    for document in &documents {
        match document.label() {
            Some(label) => compare(document, &label, &mut faults),
            None => faults.push(format!("{}: no label has its hash", document.name)),
        }
    }
    assert!(faults.is_empty(), "{} differences:\n{}", faults.len(), faults.join("\n"));
}

/// The five documents that the project began with, where they are at hand.
#[test]
fn the_first_documents_hold_what_is_known_of_them() {
    let known: [(&str, usize, usize, usize); 5] = [
        ("000_06cd92f80ce053c6.txt", 12, 58, 0),
        ("001_796c3ca053526f19.txt", 6, 39, 42),
        ("002_dacfe8af75aeb07f.txt", 0, 0, 0),
        ("003_ca4dd986c3407dc1.txt", 7, 24, 0),
        ("004_e214f427f73fb04f.txt", 0, 0, 0),
    ];
    for document in fixtures::outside("seeds") {
        let parsed = document.parse();
        let found = &parsed.document;
        let counts = (found.phases.len(), found.tasks.len(), found.requirements.len());
        let wanted = known.iter().find(|(name, ..)| *name == document.name).map(|(_, p, t, r)| (*p, *t, *r));
        assert_eq!(Some(counts), wanted, "{}", document.name);
        let said = parsed
            .diagnostics
            .iter()
            .any(|d| d.code == "no-tasks" && d.message.starts_with("0 tasks under "));
        assert_eq!(said, counts.1 == 0, "{}", document.name);
        if counts.1 == 58 {
            assert_eq!(found.tasks.iter().filter(|task| task.status == Claim::Completed).count(), 9);
            let weeks = found.phases.iter().filter(|phase| phase.parent.is_none()).count();
            assert_eq!((weeks, found.phases.len() - weeks), (3, 9));
        }
        if counts.1 == 39 {
            let priorities: Vec<Value> = found.phases.iter().map(|phase| json!(phase.priority)).collect();
            assert_eq!(json!(priorities), json!(["critical", "high", "high", "high", "medium", "medium"]));
            let sizes: Vec<usize> = found
                .phases
                .iter()
                .map(|phase| found.tasks.iter().filter(|task| task.phase == phase.id).count())
                .collect();
            assert_eq!(sizes, [6, 8, 9, 3, 7, 6]);
        }
    }
}

fn compare(document: &Document, label: &Value, faults: &mut Vec<String>) {
    let parsed = document.parse();
    let label = label.as_object().unwrap_or_else(|| panic!("{}: a label is an object", document.name));
    for (key, wanted) in label.iter().filter(|(key, _)| *key != "name") {
        let found = value(document, &parsed, key, wanted);
        if found != *wanted {
            faults.push(difference(&format!("{} {key}", document.name), wanted, &found));
        }
    }
}

/// What the parser says about a key of a label, in the label's own shape.
fn value(document: &Document, parsed: &Parsed, key: &str, wanted: &Value) -> Value {
    let found = &parsed.document;
    match key {
        "dialect" => json!(found.metadata.dialect),
        "counts" => counts(parsed, wanted),
        "tasks" => tasks(parsed, wanted),
        "edges" => found.edges.iter().map(|edge| json!([edge.task, edge.dependency, edge.kind])).collect(),
        "diagnostics" => diagnostics(document, parsed),
        "phases" => phases(parsed, wanted),
        "phase_estimates" => {
            let estimates = found.phases.iter().filter_map(|phase| Some((phase, phase.estimate.as_ref()?)));
            Value::Object(
                estimates.map(|(phase, estimate)| (phase.id.to_string(), minutes(estimate))).collect(),
            )
        }
        "requirements" => found.requirements.iter().map(|requirement| json!(requirement.id)).collect(),
        "requirement_phases" => {
            found.requirements.iter().map(|requirement| json!(requirement.phase)).collect()
        }
        "metadata" => picked(&json!(found.metadata), wanted),
        "optional" => found.tasks.iter().filter(|task| task.optional).map(|task| json!(task.id)).collect(),
        "acceptance" => json!(found.tasks.iter().map(|task| task.acceptance.len()).sum::<usize>()),
        "external" => found
            .tasks
            .iter()
            .flat_map(|task| {
                task.external_dependencies.iter().map(move |external| json!([task.id, external]))
            })
            .collect(),
        other => panic!("{}: no test compares the key `{other}`", document.name),
    }
}

fn counts(parsed: &Parsed, wanted: &Value) -> Value {
    let found = &parsed.document;
    let all = json!({
        "phases": found.phases.len(),
        "tasks": found.tasks.len(),
        "requirements": found.requirements.len(),
        "edges": found.edges.len(),
        "diagnostics": parsed.diagnostics.len(),
        "completed": found.tasks.iter().filter(|task| task.status == Claim::Completed).count(),
    });
    picked(&all, wanted)
}

/// The keys of `all` that `wanted` speaks of.
fn picked(all: &Value, wanted: &Value) -> Value {
    let keys = wanted.as_object().into_iter().flat_map(Map::keys);
    Value::Object(keys.map(|key| (key.clone(), all.get(key).cloned().unwrap_or(Value::Null))).collect())
}

fn tasks(parsed: &Parsed, wanted: &Value) -> Value {
    let only_ids = wanted.as_array().is_some_and(|tasks| tasks.iter().all(Value::is_string));
    let labels = wanted.as_array().cloned().unwrap_or_default();
    let tasks = parsed.document.tasks.iter().enumerate();
    tasks.map(|(at, task)| if only_ids { json!(task.id) } else { one_task(task, labels.get(at)) }).collect()
}

fn one_task(task: &Task, label: Option<&Value>) -> Value {
    let actions: Vec<Value> =
        task.inline_actions.iter().map(|action| json!([action.kind, action.language, action.line])).collect();
    let all = json!({
        "id": task.id, "ref": task.ordinal, "status": task.status, "priority": task.priority, "line": task.line,
        "optional": task.optional, "parallel": task.parallel, "tags": task.tags, "requirements": task.requirements,
        "dates": task.dates, "details": task.details, "owner": task.owner, "issue": task.issue, "phase": task.phase,
        "source": task.source, "estimate": task.estimate.as_ref().map(minutes), "acceptance": task.acceptance.len(),
        "external": task.external_dependencies, "inline_actions": actions,
    });
    let Some(label) = label else { return all };
    let mut picked = picked(&all, label);
    for flag in ["optional", "parallel"] {
        if label.get(flag).is_none() && all[flag] == json!(true) {
            picked[flag] = json!(true);
        }
    }
    picked
}

fn minutes(estimate: &Estimate) -> Value {
    json!([estimate.low_minutes, estimate.high_minutes])
}

fn phases(parsed: &Parsed, wanted: &Value) -> Value {
    let found = &parsed.document;
    let label = wanted.as_array().and_then(|phases| phases.first()).cloned().unwrap_or_default();
    let shape = |phase: &Phase| {
        let tasks = || found.tasks.iter().filter(|task| task.phase == phase.id);
        let all = json!({
            "id": phase.id, "number": phase.number, "parent": phase.parent, "priority": phase.priority,
            "line": phase.line, "tasks": tasks().count(),
            "completed": tasks().filter(|task| task.status == Claim::Completed).count(),
        });
        if label.is_object() { picked(&all, &label) } else { json!([phase.id, phase.number, phase.parent]) }
    };
    found.phases.iter().map(shape).collect()
}

fn diagnostics(document: &Document, parsed: &Parsed) -> Value {
    let lines: Vec<LineIndex> = document.sources.iter().map(|(_, text)| LineIndex::new(text)).collect();
    let shown = parsed.diagnostics.iter().map(|diagnostic| {
        let line = diagnostic.span.map(|span| lines[diagnostic.source].line(span.start));
        json!([diagnostic.code, diagnostic.severity, line])
    });
    shown.collect()
}

/// What differs, shortly: of two lists only the members that are not in both.
fn difference(what: &str, wanted: &Value, found: &Value) -> String {
    match (wanted.as_array(), found.as_array()) {
        (Some(wanted), Some(found)) => {
            let missing: Vec<String> =
                wanted.iter().filter(|one| !found.contains(one)).map(|one| format!("  - {one}")).collect();
            let extra: Vec<String> =
                found.iter().filter(|one| !wanted.contains(one)).map(|one| format!("  + {one}")).collect();
            format!("{what}: label -, parser +\n{}\n{}", missing.join("\n"), extra.join("\n"))
        }
        _ => format!("{what}: label {wanted}, parser {found}"),
    }
}
