//! The check of the fuzz target `proxy`, over what it began with and what was kept of what it found.

use super::{framing, headers};

#[path = "../../../fuzz/checks/proxy.rs"]
mod checks;

/// What becomes of each is the first word of its name: how many requests are read, or none where one is refused.
#[test]
fn connections_are_read_as_by_others() {
    for (name, bytes) in taskmaster_testkit::fuzz_inputs("proxy") {
        let (requests, why) = checks::check(&bytes);
        let verdict = if why.is_some() { "refused".to_owned() } else { requests.to_string() };
        assert!(
            name.starts_with("kept-") || name.starts_with(&format!("{verdict}-")),
            "{name}: {verdict} {why:?}"
        );
    }
}
