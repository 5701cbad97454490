//! Versions of a service as processes of this machine.
//!
//! A replica is one process of a version with a port of its own. It is started, found ready, kept running
//! (again and again where it ends by itself), and brought out of service in order: no new requests, those in
//! flight to their end, TERM, KILL. It is a process of its own and outlives the agent; another agent finds it
//! by its id, start time and boot, or by the mark in its environment.
//!
//! Reading order: [`vault`] (secrets), [`recipe`] (what is run), [`known`] (what is remembered), [`port`],
//! [`probe`] (is it ready), [`process`], [`replica`] (one at work), [`supervisor`] (all of a rollout).

pub mod known;
mod port;
mod probe;
mod process;
pub mod recipe;
pub mod replica;
pub mod supervisor;
pub mod vault;
