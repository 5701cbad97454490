//! `audit --export`: the chain as in-toto statements, a line each, for a reader outside who recomputes it.
//!
//! `docs/audit.md` is the contract. Equal ledgers give equal bytes: no clock is read. One event is held
//! in memory at a time.

use super::ledger::{Ledger, LedgerError};
use crate::store::{ChainedEvent, Finding, Head, StoreError};
use jiff::Timestamp;
use serde::Serialize;
use std::io::Write;

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const EVENT: &str = "https://taskmaster.dev/attestation/ledger-event/v1";
const HEAD: &str = "https://taskmaster.dev/attestation/ledger-head/v1";

/// The first event that is exported. Those before it are proved all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The one at this place.
    Place(u64),
    /// The first that was recorded at this time or later, and all after it.
    Time(Timestamp),
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The file or stream.
    #[error("the export cannot be written")]
    Write(#[from] std::io::Error),
}

impl From<StoreError> for ExportError {
    fn from(error: StoreError) -> Self {
        Self::Ledger(error.into())
    }
}

/// An in-toto Statement, version 1.
#[derive(Serialize)]
struct Statement<'a, P> {
    #[serde(rename = "_type")]
    kind: &'a str,
    subject: [Subject<'a>; 1],
    #[serde(rename = "predicateType")]
    predicate_type: &'a str,
    predicate: P,
}

#[derive(Serialize)]
struct Subject<'a> {
    name: &'a str,
    digest: &'a Digests,
}

/// Digests of the frame of an event.
#[derive(Clone, Serialize)]
struct Digests {
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    taskmaster_ledger_v1: String,
}

#[derive(Serialize)]
struct EventPredicate<'a> {
    seq: u64,
    at: Option<Timestamp>,
    at_us: i64,
    stream: &'a str,
    kind: &'a str,
    json: &'a str,
    previous: String,
    hash: &'a str,
}

#[derive(Serialize)]
struct HeadPredicate<'a> {
    seq: u64,
    hash: &'a str,
    events: u64,
    exported: u64,
    holds: bool,
    broken: Option<BrokenLink<'a>>,
}

#[derive(Serialize)]
struct BrokenLink<'a> {
    seq: Option<u64>,
    what: &'a str,
}

/// Writes a statement about each event from `since` on as far as the chain holds, and one about its head.
/// True where the chain holds.
pub fn export(ledger: &Ledger, since: Since, out: &mut dyn Write) -> Result<bool, ExportError> {
    let mut is_in = false;
    let mut exported = 0;
    let mut last = None;
    let (head, broken) = ledger.chain(|event| {
        is_in |= match since {
            Since::Place(seq) => event.seq >= seq,
            Since::Time(time) => event.at_us >= time.as_microsecond(),
        };
        let digests = Digests::of(event);
        if is_in {
            line(out, &event_statement(event, &digests, &format!("ledger/event/{}", event.seq)))?;
            exported += 1;
        }
        last = Some(digests);
        Ok::<_, ExportError>(())
    })?;
    let digests = last.unwrap_or_else(|| Digests { sha256: None, taskmaster_ledger_v1: hex(head.hash) });
    line(out, &head_statement(&head, broken.as_ref(), &digests, exported))?;
    out.flush()?;
    Ok(broken.is_none())
}

fn event_statement<'a>(
    event: &ChainedEvent<'a>,
    digests: &'a Digests,
    name: &'a str,
) -> Statement<'a, EventPredicate<'a>> {
    let predicate = EventPredicate {
        seq: event.seq,
        at: Timestamp::from_microsecond(event.at_us).ok(),
        at_us: event.at_us,
        stream: event.stream,
        kind: event.kind,
        json: event.json,
        previous: hex(event.previous),
        hash: &digests.taskmaster_ledger_v1,
    };
    let subject = [Subject { name, digest: digests }];
    Statement { kind: STATEMENT, subject, predicate_type: EVENT, predicate }
}

fn head_statement<'a>(
    head: &Head,
    broken: Option<&'a Finding>,
    digests: &'a Digests,
    exported: u64,
) -> Statement<'a, HeadPredicate<'a>> {
    let predicate = HeadPredicate {
        seq: head.seq,
        hash: &digests.taskmaster_ledger_v1,
        events: head.seq,
        exported,
        holds: broken.is_none(),
        broken: broken.map(|found| BrokenLink { seq: found.seq, what: &found.what }),
    };
    let subject = [Subject { name: "ledger/head", digest: digests }];
    Statement { kind: STATEMENT, subject, predicate_type: HEAD, predicate }
}

impl Digests {
    fn of(event: &ChainedEvent<'_>) -> Self {
        let sha256 = ring::digest::digest(&ring::digest::SHA256, &event.frame());
        let sha256 = sha256.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { sha256: Some(sha256), taskmaster_ledger_v1: hex(event.hash) }
    }
}

fn hex(hash: [u8; 32]) -> String {
    blake3::Hash::from_bytes(hash).to_hex().to_string()
}

fn line(out: &mut dyn Write, statement: &impl Serialize) -> Result<(), ExportError> {
    let mut line = serde_json::to_vec(statement).map_err(std::io::Error::from)?;
    line.push(b'\n');
    Ok(out.write_all(&line)?)
}
