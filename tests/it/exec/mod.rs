//! The driver and child processes: real processes in temporary folders, a ledger in memory.

mod child;
mod destroy;
mod dry_run;
mod http;
mod logs;
mod recovery;
mod run;
mod secrets;
mod stopping;
mod world;
