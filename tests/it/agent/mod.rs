//! The agent with real processes: services, the proxy, rollouts, and kills at any moment.

mod client;
mod faults;
mod gates;
mod kills;
mod lasting;
mod migration;
mod notices;
mod outside;
mod rollouts;
pub(crate) mod service;
mod sessions;
mod socket;
mod world;
