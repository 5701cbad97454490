//! What taskmaster says about its own inside, on standard error, for those who ask.

use super::ci;
use std::io::{IsTerminal, Write};
use tracing_subscriber::EnvFilter;

/// Starts logging: warnings always, `-v` info, `-vv` debug; `RUST_LOG` refines.
pub(crate) fn start(verbose: u8) {
    let level =
        ["warn", "taskmaster=info,warn", "taskmaster=debug,info", "trace"][usize::from(verbose.min(3))];
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    log.with_ansi(std::io::stderr().is_terminal()).with_writer(|| Talk).init();
}

/// Standard error, where an event comes in one piece and is no command to a CI server.
struct Talk;

impl Write for Talk {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        std::io::stderr().write_all(ci::harmless(&text).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}
