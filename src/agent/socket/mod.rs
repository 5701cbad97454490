//! How commands speak to the agent: one line of JSON asks, one line of JSON answers.
//!
//! Reading order: [`wire`] (the words), [`client`] (a command's side; starts the agent), [`server`].

pub mod client;
pub mod server;
pub mod wire;
