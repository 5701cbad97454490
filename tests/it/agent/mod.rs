//! The agent with real processes: services, the proxy, rollouts, and kills at any moment.

mod client;
mod faults;
mod kills;
mod lasting;
mod rollouts;
mod service;
mod socket;
mod world;
