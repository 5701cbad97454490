//! Requests of our own, so that a service without users yields samples too.
//!
//! Open loop: requests go out when their turn has come, whether earlier ones were answered or not, and
//! latencies count from that turn. So a service that stalls looks as slow as its users would find it, and
//! does not hide it by being asked less often.
//!
//! Invariants:
//! - Nothing is sent twice. A kept connection that was closed before anything of a request went out is no
//!   second try.
//! - Bounded: connections, requests that wait for one, answers, names of versions, rows of the time line.
//!
//! Absent on purpose: TLS, redirects, HTTP/2. It measures a service, not its own cleverness.

mod client;
mod histogram;
mod plan;
mod report;
mod run;
mod session;
mod tally;

pub use plan::{Plan, PlanFault, Sessions, Target, VersionFrom};
pub use report::{LatencyReport, LoadReport, SecondReport, VersionReport};
pub use run::Load;
