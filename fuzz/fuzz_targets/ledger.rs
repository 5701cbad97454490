//! Whatever happened is found again in a replay; whatever is done to a ledger is found, and nothing panics.
#![no_main]

extern crate self as taskmaster;

use libfuzzer_sys::fuzz_target;

mod app {
    pub(crate) use crate::ledger;
}
// The files themselves: the package around them would take minutes to build.
#[path = "../checks/ledger.rs"]
mod checks;
#[path = "../../src/crash.rs"]
mod crash;
#[path = "../../src/app/ledger/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the program uses all of it")]
mod ledger;
#[path = "../../src/store/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the program uses all of it")]
mod store;
#[path = "../../tests/it/store/support.rs"]
#[expect(dead_code, reason = "the tests of the ledger use all of it")]
mod support;

fuzz_target!(|bytes: &[u8]| {
    checks::check(bytes);
});
