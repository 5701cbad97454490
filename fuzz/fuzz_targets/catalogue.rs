//! No text makes the reader of catalogues panic, hold more than it may, or name a place outside of the text.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/catalogue.rs"]
#[expect(dead_code, reason = "the target `template` uses the rest")]
mod checks;

fuzz_target!(|bytes: &[u8]| {
    let text = &String::from_utf8_lossy(bytes);
    checks::check(text);
});
