//! Gates and notices over HTTP: who is asked during a rollout, and who is told.
//!
//! Invariants:
//! - A receiver is a stranger: its answers are bounded in size and time, its redirects are not followed.
//! - An address is a secret like a key: neither is in a log, a fault, a state or a `Debug`.
//! - A notice never blocks a rollout and never fails one: [`Notifier::tell`] neither waits nor fails.
//!
//! Absent on purpose: what hangs on an answer, and how often a gate is asked. That is the engine's.

mod event;
mod format;
mod gate;
mod http;
mod notifier;
mod once;
mod queue;
mod retry;
mod secret;
mod sign;

pub use event::Event;
pub use format::body;
pub use gate::{GateCall, Question, ask};
pub use notifier::{Hook, HookState, Notifier};
pub use once::{Traces, export, send};
pub use retry::Limits;
pub use secret::{Secret, SecretFault};
pub use sign::{SIGNATURE, TIMESTAMP, signature};
pub use taskmaster_delivery::engine::Answer;
