//! The state machine of a rollout: what is seen goes in, what is to be done comes out.
//!
//! A [`Delivery`] is what is known of one rollout. [`Delivery::handle`] looks at the world and says what is
//! to be done about it: the same answer as long as nothing changes, so that effects may be lost, repeated
//! or performed after a crash. Its [`State`] is to be stored before its effects are performed.

mod adopt;
mod decide;
mod gates;
mod judge;
mod migrate;
mod phase;
mod pods;
mod program;
mod routes;
mod state;
mod tested;
mod verbs;
mod world;

pub use decide::Delivery;
pub use gates::{Answer, Answered, Asking, Gates, Said};
pub use judge::{Checking, Counting, Found, Judging, Reading};
pub use phase::{Phase, Signal};
pub use program::{Move, Setting, moves, setting};
pub use state::{Applied, Asked, Hold, State};
pub use tested::Tested;
pub use verbs::{Refusal, Verb, undo_target};
pub use world::{
    Direction, Effect, Measured, Migrated, Notice, Observation, Pods, Revision, Routes, Share, Version,
};
