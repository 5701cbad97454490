//! What a sync serves: webhooks that wake it, `/metrics`, `/status` and `/healthz`.
//!
//! Invariants: a webhook is a nudge, nothing in it is acted on; a body is read where the head
//! may be believed, hashed once as it comes, never held as a whole, and looked into only once its signature holds;
//! connections, heads, bodies and waiting have bounds. Absent on purpose: TLS, which a proxy
//! in front does.
//!
//! Reading order: [`server`], [`webhook`], [`signature`] (pure), [`metrics`].

pub mod metrics;
pub mod server;
pub mod signature;
pub mod webhook;
