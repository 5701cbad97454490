//! What performs delivery: real sockets on the loopback, real servers that mean no good.

mod load;
mod metrics;
pub(crate) mod notify;
mod traffic;
mod traffic_answers;
mod traffic_faults;
mod traffic_http;
mod traffic_limits;
mod traffic_world;
