//! The process that owns what must outlive a command: local services, the proxy with its listening
//! sockets, and the local rollouts that it steps. One for each state directory.
//!
//! Two processes belong together. The *guard* does next to nothing: it holds listening sockets and what was
//! given in confidence, and starts the *agent* anew when that dies. The agent does the work, and starts the
//! guard anew when that dies. So a kill of either loses no socket; services are processes of their own and
//! lose nothing at all. Both end when somebody asks for it, or when nothing is owned any more.
//!
//! Invariants:
//! - What is to be is stored before it is done: another agent finds the same state and goes on.
//! - Nobody but the same user (or root) is listened to, and what comes is bounded in size and time.
//! - A secret is in memory alone: the agent's, the guard's (a file without a name), the service's.
//!
//! Absent on purpose: decisions. What a version gets, and when it is taken back, is decided in
//! `crates/delivery`.
//!
//! Reading order: [`files`], [`passing`] and [`guard`] (descriptors that outlive the agent), [`socket`] (how
//! commands speak to it), [`service`] (processes), [`rollout`] (one rollout at work), [`daemon`] (all of
//! them).

pub mod daemon;
pub mod doors;
pub mod files;
pub mod gateway;
pub mod guard;
pub mod held;
pub mod journal;
mod limits;
pub mod log;
pub mod passing;
pub mod picture;
pub mod rollout;
pub mod senses;
pub mod service;
pub mod socket;
