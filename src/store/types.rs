//! The words of the store's interface.

use super::chain::{self, Link};
use jiff::Timestamp;
use std::fmt;

/// What a handle may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read and append; makes the ledger where it is absent.
    ReadWrite,
    /// Read only; the ledger must exist.
    ReadOnly,
}

/// What a commit outlives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The death of this process (no sync: a loss of power may take the last commits, never part of one).
    Normal,
    /// A loss of power.
    Full,
}

/// The end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Place of the last event; 0 where there is none.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl fmt::Display for Head {
    /// `12 3f5a…`: what `audit --head` prints, to be kept elsewhere.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seq, blake3::Hash::from_bytes(self.hash).to_hex())
    }
}

/// An event as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Place in the chain, from 1.
    pub seq: u64,
    /// When, in whole microseconds.
    pub at: Timestamp,
    /// What it is about.
    pub stream: String,
    /// What kind of event.
    pub kind: String,
    /// Its content.
    pub json: String,
}

/// An event with its place in the chain, as it is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainedEvent<'a> {
    /// Place in the chain, from 1.
    pub seq: u64,
    /// Microseconds since the epoch.
    pub at_us: i64,
    /// What it is about.
    pub stream: &'a str,
    /// What kind of event.
    pub kind: &'a str,
    /// Its content.
    pub json: &'a str,
    /// Hash of the event before; zeros before the first.
    pub previous: [u8; 32],
    /// Its own hash.
    pub hash: [u8; 32],
}

impl ChainedEvent<'_> {
    /// The bytes of which [`ChainedEvent::hash`] is the hash.
    pub fn frame(&self) -> Vec<u8> {
        let (stream, kind, json) = (self.stream.as_bytes(), self.kind.as_bytes(), self.json.as_bytes());
        chain::frame(&self.previous, &Link { seq: self.seq, at_us: self.at_us, stream, kind, json })
    }
}

/// One thing that an audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The event where it shows; none where it is no event's.
    pub seq: Option<u64>,
    /// What is wrong, in one line.
    pub what: String,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReport {
    /// Events that were read.
    pub events: u64,
    /// The end of the chain as far as it holds.
    pub head: Head,
    /// The first broken link of the chain.
    pub broken: Option<Finding>,
    /// Everything else that is not as it should be.
    pub findings: Vec<Finding>,
}

impl AuditReport {
    /// True where nothing was found.
    pub fn holds(&self) -> bool {
        self.broken.is_none() && self.findings.is_empty()
    }
}
