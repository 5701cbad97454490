//! What performs delivery: real sockets on the loopback, real servers that mean no good.

mod metrics;
