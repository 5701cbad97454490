//! The whole JSON of each fixture, reviewed once and kept. `UPDATE_GOLDEN=1` writes it anew.

use crate::fixtures;
use serde_json::Value;
use taskmaster_prd::report;

#[test]
fn the_json_of_each_fixture_is_as_reviewed() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut faults = Vec::new();
    for document in fixtures::own().into_iter().filter(|document| document.name.starts_with("notation/")) {
        let texts = document.texts();
        let parsed = document.parse();
        let found = serde_json::to_value(report(&parsed, &texts)).unwrap();
        if update {
            let text = serde_json::to_string_pretty(&found).unwrap();
            std::fs::write(&document.golden, text + "\n").unwrap();
        } else if !document.golden.is_file() {
            faults.push(format!("{}: no golden; UPDATE_GOLDEN=1 writes it, then review it", document.name));
        } else {
            differences(&document.name, &fixtures::json(&document.golden), &found, &mut faults);
        }
    }
    assert!(faults.is_empty(), "{} differences:\n{}", faults.len(), faults.join("\n"));
}

/// Every place where two values differ, by path.
fn differences(path: &str, wanted: &Value, found: &Value, faults: &mut Vec<String>) {
    match (wanted, found) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let none = Value::Null;
                let (a, b) = (a.get(key).unwrap_or(&none), b.get(key).unwrap_or(&none));
                differences(&format!("{path}.{key}"), a, b, faults);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}[{at}]"), a, b, faults);
            }
        }
        _ if wanted == found => {}
        _ => faults.push(format!("{path}: golden {wanted}, parser {found}")),
    }
}
