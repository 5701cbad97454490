//! The check of the fuzz target `prometheus`, over what it began with and what was kept of what it found.

use super::answer;

#[path = "../../../fuzz/checks/prometheus.rs"]
mod checks;

/// What becomes of each is the first word of its name.
#[test]
fn answers_are_measurements_or_errors() {
    for (name, bytes) in taskmaster_testkit::fuzz_inputs("prometheus") {
        let verdict = checks::check(&bytes);
        assert!(name.starts_with("kept-") || name.starts_with(&format!("{verdict}-")), "{name}: {verdict}");
    }
}
