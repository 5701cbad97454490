//! What a proxy is told: its service, its limits, and which version gets what.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use taskmaster_delivery::engine::{Revision, Routes};

/// What stays as it is while a proxy runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is released; a label of the metrics.
    pub service: String,
    /// Users keep their version by a cookie; without it each request is dealt for itself.
    pub sticky: Option<Sticky>,
    /// Upper bounds of the latency buckets in milliseconds, rising.
    pub bounds_ms: Vec<f64>,
    /// What is too much and too slow.
    pub limits: Limits,
    /// Key of the cookies, and of nothing else: the same one reads the cookies that it wrote before.
    pub seed: u64,
}

/// Users keep their version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sticky {
    /// Name of the cookie.
    pub cookie: String,
    /// How long it lasts.
    pub max_age: Duration,
}

/// Which listener a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Users.
    Main,
    /// Those who look at a version before it has users.
    Preview,
}

/// Which version gets what, whole: replaced at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Who reaches which version.
    pub routes: Routes,
    /// Where the versions listen.
    pub endpoints: BTreeMap<Revision, Vec<SocketAddr>>,
}

/// What is too much and too slow. Times are kept to about a tenth of a second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Clients at once; others wait in the listener's queue.
    pub connections: usize,
    /// Bytes of a head, of a request and of an answer; at least 8192.
    pub head_bytes: usize,
    /// From a request's first byte to the end of its head.
    pub head_time: Duration,
    /// Between two requests of a connection.
    pub idle: Duration,
    /// A client that neither sends the rest of its request nor takes its answer.
    pub stall: Duration,
    /// Until a service accepts a connection.
    pub connect: Duration,
    /// Until the head of an answer.
    pub answer: Duration,
    /// Between two parts of an answer.
    pub silence: Duration,
    /// An upgraded connection on which nothing moves.
    pub tunnel: Duration,
    /// How long an unused connection to a service is kept. Shorter than services keep theirs, so that few
    /// close while a request is on its way.
    pub pooled: Duration,
    /// Copies of requests at once; others are not made.
    pub mirrors: usize,
    /// Longest body of a request that is copied.
    pub mirrored_bytes: usize,
    /// Threads that carry traffic.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            head_bytes: 32 * 1024,
            head_time: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            stall: Duration::from_secs(30),
            connect: Duration::from_secs(2),
            answer: Duration::from_secs(60),
            silence: Duration::from_mins(5),
            tunnel: Duration::from_hours(1),
            pooled: Duration::from_secs(4),
            mirrors: 64,
            mirrored_bytes: 64 * 1024,
            threads: 1,
        }
    }
}
