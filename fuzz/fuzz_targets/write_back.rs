//! Whatever is known of whatever document: its marks change, and nothing else of it.
#![no_main]

use evidence::Evidence;
use libfuzzer_sys::fuzz_target;
use text::{TextFault, texts};

// The files themselves: the package around them would take minutes to build.
#[path = "../checks/write_back.rs"]
mod checks;
#[path = "../../src/app/write_back/evidence.rs"]
#[expect(dead_code, reason = "the program uses all of it")]
mod evidence;
#[path = "../checks/parse.rs"]
#[expect(dead_code, reason = "the target `parse` uses the rest")]
mod parse_checks;
#[path = "../../src/app/write_back/text.rs"]
mod text;

fuzz_target!(|bytes: &[u8]| {
    let input = &String::from_utf8_lossy(bytes);
    checks::check(input);
    // Every mark of every claim takes long; those that begin so ask for it.
    if input.starts_with('m') {
        parse_checks::check_marks(input);
    }
});
