//! Rollouts of this machine: processes behind a proxy.
//!
//! [`Driver`] is one rollout between its engine and the world. It performs nothing: a look at the world says
//! what is to be kept, what is to be recorded and what is to be done, in this order, and whoever drives it
//! does so. Another process that finds what was kept goes on from there.
//!
//! Reading order: [`kept`] (what is remembered), [`tally`] (what was counted), [`driver`], [`facts`],
//! [`verdicts`] and [`words`] (for people), [`migration`] (changes of data).

pub mod driver;
mod facts;
pub mod kept;
pub mod migration;
pub mod tally;
pub mod verdicts;
pub mod words;

pub use driver::{Driver, Inbox, Next, Seen, Wanted};
pub use kept::{Doors, Kept, KeptVersion};
