//! Prometheus as a source, and what is measured by it.

mod client;
mod gate;
mod hostile;
mod measure;
mod server;
mod tls;
