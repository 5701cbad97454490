//! The checks of the fuzz targets, over what they began with and what was kept of what they found (docs/fuzz.md).
//!
//! Those of heads and of answers stand beside what they check, in `src/deliver`; those of the ledger and of webhooks
//! beside their other tests.

use taskmaster::app::write_back::{Evidence, TextFault, texts};
use taskmaster_testkit::fuzz_inputs;

#[path = "../../fuzz/checks/catalogue.rs"]
mod catalogue_checks;
#[path = "../../fuzz/checks/parse.rs"]
mod parse_checks;
#[path = "../../fuzz/checks/template.rs"]
mod template_checks;
#[path = "../../fuzz/checks/write_back.rs"]
mod write_back_checks;

/// Inputs as texts, with their names.
fn inputs(target: &str) -> impl Iterator<Item = (String, String)> {
    let text = |(name, bytes): (String, Vec<u8>)| (name, String::from_utf8_lossy(&bytes).into_owned());
    fuzz_inputs(target).into_iter().map(text)
}

#[test]
fn documents_are_read() {
    for (name, text) in inputs("parse") {
        parse_checks::check(&text);
        if !name.starts_with("kept-") {
            parse_checks::check_marks(&text);
            parse_checks::check_cost(&text);
        }
    }
}

#[test]
fn marks_are_written_back() {
    let all: Vec<String> = inputs("write_back").map(|(_, input)| write_back_checks::check(&input)).collect();
    let written = |mark| all.iter().any(|marks| marks.contains(mark));
    assert!([' ', 'x', '~', '/'].into_iter().all(written), "each mark is written once: {all:?}");
}

#[test]
fn catalogues_are_read() {
    for (name, text) in inputs("catalogue") {
        let codes = catalogue_checks::check(&text);
        assert_eq!(
            name.starts_with("fault"),
            !name.starts_with("kept-") && !codes.is_empty(),
            "{name}: {codes:?}"
        );
    }
}

#[test]
fn templates_are_rendered() {
    for (name, input) in inputs("template") {
        let codes = template_checks::check(&input).expect("it is none of those that are left out");
        assert_eq!(
            name.starts_with("fault"),
            !name.starts_with("kept-") && !codes.is_empty(),
            "{name}: {codes:?}"
        );
    }
}
