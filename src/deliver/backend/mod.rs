//! Backends: what brings decisions of the engine about.

pub mod kube;
pub mod local;
