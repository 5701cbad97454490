//! Child processes: how they are started, watched, stopped and found again.
//!
//! Invariants:
//! - A command line is an argv; nothing here ever makes a shell line of it.
//! - Every child leads a process group and carries `TASKMASTER_ATTEMPT=<id>`, so that the whole
//!   group can be signalled and a later taskmaster can find what an earlier one left behind.
//! - Output goes to a file that the child holds itself, never through a pipe to us: a child
//!   outlives our death unharmed.
//! - A child costs no thread: its end is awaited on a pidfd.
//! - A secret's value never reaches a disk: see [`attempt_log`], [`redact`] and [`core_dump`].
//!
//! Absent on purpose: policy. When something is started, how often and what its end means is
//! decided elsewhere.
//!
//! Reading order: [`launch`] (start one), [`child`] (wait, stop, sweep), [`proc`] (what the kernel
//! says), [`attempt_log`], [`bound`], [`redact`] and [`show`] (what it printed). Beside them: [`ask`], a
//! question to a program, which ends with who asks and so may come through a pipe.

pub mod ask;
pub mod attempt_log;
pub mod bound;
pub mod child;
pub mod core_dump;
pub mod interrupt;
pub mod launch;
pub mod memory_file;
pub mod proc;
pub mod redact;
pub mod show;
mod waiter;
