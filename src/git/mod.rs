//! The system's git, as a small library.
//!
//! What is in a repository is other people's text: refs, names of files, messages, addresses. `git` is
//! started by argv, never through a shell, and nothing of theirs is ever taken for an option. Every
//! command has a bounded output, a deadline and a flag that stops it, and leads a process group, so
//! that its helpers end with it.
//!
//! Invariants:
//! - A token is in the environment of the one command that needs it, and nowhere else: not in an
//!   argv, a configuration or an error.
//! - A user's own repository is only read: its index, its tree and its refs stay as they are.
//! - Whoever is killed at any moment leaves a mirror that the next one repairs by itself.
//!
//! Absent on purpose: policy. Which commit is to be in force, and what happens then, is decided
//! elsewhere.
//!
//! Reading order: [`command`] (how git is started), [`error`], [`commit`], [`repository`] (a working
//! tree of a user), [`remote`], [`mirror`] (a bare repository of ours), [`tree`], [`export`] and [`follow`] (what of a
//! commit is written to a disk), [`checkout`], [`history`] (facts and signatures), [`write`] and [`push`].

mod blobs;
pub mod checkout;
pub mod command;
pub mod commit;
pub mod error;
pub mod export;
pub mod follow;
pub mod history;
mod lock;
pub mod mirror;
pub mod names;
pub mod push;
pub mod remote;
pub mod repository;
mod run;
pub mod tree;
pub mod write;
