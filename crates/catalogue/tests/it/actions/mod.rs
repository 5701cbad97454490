//! One table an action: what is written, and exactly what is run, asked and taken back.

mod argocd;
mod exec;
mod helm;
mod http;
mod kubectl;
mod prometheus;
mod rollout;
mod several;
mod terraform;
