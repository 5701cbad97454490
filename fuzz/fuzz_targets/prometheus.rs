//! Whatever a server answers is a measurement, or an error that says why not.
#![no_main]

use libfuzzer_sys::fuzz_target;

// The files themselves: the package around them would take minutes to build.
#[path = "../../src/deliver/metrics/answer.rs"]
#[expect(dead_code, reason = "the program uses all of it")]
mod answer;
#[path = "../checks/prometheus.rs"]
mod checks;
#[path = "../../src/deliver/metrics/wire.rs"]
#[expect(dead_code, reason = "the program uses all of it")]
mod wire;

fuzz_target!(|bytes: &[u8]| {
    checks::check(bytes);
});
