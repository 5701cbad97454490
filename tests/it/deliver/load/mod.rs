//! Load on services that are well, slow, wrong or gone.

mod command;
mod server;
mod steady;
