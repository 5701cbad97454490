//! The system's git as a library, against the real git and a real server.

mod access;
mod bounds;
mod checkout;
mod fetch;
mod killed;
mod repository;
mod signed;
mod support;
mod tree;
mod write;

pub(super) use support::files;
