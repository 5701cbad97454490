//! No template panics, takes more than its share, or lets a secret out.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/catalogue.rs"]
#[expect(dead_code, reason = "the target `catalogue` uses the rest")]
mod catalogue_checks;
#[path = "../checks/template.rs"]
mod checks;

fuzz_target!(|bytes: &[u8]| {
    let input = &String::from_utf8_lossy(bytes);
    checks::check(input);
});
