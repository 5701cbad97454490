//! The HTML report in a real browser.
//!
//! A small client of the Chrome DevTools protocol drives Debian's headless Chromium over
//! `--remote-debugging-pipe`, so no socket and no library is needed. A missing browser fails these
//! tests with a hint; it never skips them.

mod chromium;
mod devtools;
mod page;
mod report;
mod terminal;
