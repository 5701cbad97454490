//! The service from outside: real sockets, real processes, real signals.
//!
//! The client here is written over std alone, so that the service is not judged by its own client.

mod http;
mod instance;
mod load;
mod probe;
mod process;
mod service;
