//! No text makes the parser panic, contradict itself, or take more than its share of time.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/parse.rs"]
#[expect(dead_code, reason = "the target `write_back` uses the rest")]
mod checks;

fuzz_target!(|bytes: &[u8]| {
    let text = &String::from_utf8_lossy(bytes);
    checks::check(text);
    // Dear, so of a few only; which ones is theirs to tell, so that a fault shows again.
    if text.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)) % 64 == 0 {
        checks::check_cost(text);
    }
});
