//! Notices at the end of a run: webhooks and commands that settings name.
//!
//! Invariants: a notice changes neither exit code nor ledger; each is bounded in time and holds up no other; its
//! address is shown nowhere; nothing of it reaches a shell. Absent on purpose: a queue that outlives the command.

mod body;
mod tell;

pub use body::Ended;
pub use tell::tell;
