//! What performs a rollout's effects, against real sockets of this test.

mod load;
mod notify;
