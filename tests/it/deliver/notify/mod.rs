//! Gates and notices, against receivers that are slow, wrong or hostile.

mod gates;
mod golden;
mod notices;
pub(crate) mod receiver;
