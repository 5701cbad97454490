//! The agent with real processes: services, the proxy, rollouts, and kills at any moment.

mod client;
mod faults;
mod kills;
mod rollouts;
mod service;
mod socket;
mod world;
