//! Performs what the delivery engine decides: traffic, pods, measurements, notices.
//!
//! Absent on purpose: decisions. When a weight changes and what a measurement means is decided in
//! `crates/delivery`.

pub mod backend;
pub mod load;
pub mod metrics;
pub mod notify;
mod outbound;
pub mod traffic;
