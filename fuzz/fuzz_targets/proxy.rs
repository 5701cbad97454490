//! No bytes of a connection are read otherwise by the proxy than by the server behind it.
#![no_main]

use libfuzzer_sys::fuzz_target;

// The files themselves: the package around them would take minutes to build.
#[path = "../checks/proxy.rs"]
mod checks;
#[path = "../../src/deliver/traffic/framing.rs"]
mod framing;
#[path = "../../src/deliver/traffic/headers.rs"]
#[expect(dead_code, reason = "the program uses all of it")]
mod headers;
#[path = "../../src/deliver/traffic/settings.rs"]
#[expect(dead_code, reason = "the program uses all of it")]
mod settings;
#[path = "../../src/deliver/traffic/watch.rs"]
#[expect(dead_code, reason = "the program uses all of it")]
mod watch;

fuzz_target!(|bytes: &[u8]| {
    checks::check(bytes);
});
