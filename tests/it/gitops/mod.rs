mod git;
pub(crate) mod origin;
pub(crate) mod server;
mod write_back;
