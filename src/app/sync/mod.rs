//! `sync`: a document and its catalogue in Git, and the world kept true to them.
//!
//! One sync fetches, judges the commit, plans what is to be done, does it, and says what came of it. What stands
//! between two syncs is one memo ([`standing`]); what changed is an event of the ledger.
//!
//! Invariants:
//! - Nothing is checked out that was not judged; nothing is judged by running it.
//! - The tree of a sync is only touched under its lock and the executor lease.
//! - Where a commit is refused the one before stays in force, and the sync says so until that changes.
//!
//! Reading order: [`options`], [`standing`], [`judge`], [`act`] (one sync), `prune`, [`repeat`] (the loop),
//! `watch` (while it waits for a person), [`write_back`], [`status`].

pub mod act;
pub mod judge;
pub mod options;
mod prune;
pub mod repeat;
pub mod standing;
pub mod status;
mod watch;
pub mod write_back;
