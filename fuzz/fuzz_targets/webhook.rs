//! No head and no body makes the judge of webhooks panic, believe without the secret, or wake twice.
#![no_main]

use libfuzzer_sys::fuzz_target;

// The files themselves: the package around them would take minutes to build with sanitizers.
#[path = "../checks/webhook.rs"]
mod checks;
#[path = "../../src/web/signature.rs"]
mod signature;
#[path = "../../src/web/webhook.rs"]
#[expect(dead_code, reason = "the program uses all of it")]
mod webhook;

fuzz_target!(|input: &[u8]| {
    checks::check(input);
});
