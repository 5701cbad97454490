//! Which trace a run is, and which span each of its parts, as W3C's trace context writes them.
//!
//! Every id is a hash of an id of the ledger. So a run that is told twice is the same trace, and what a child was told
//! while the run was at work names the span that is sent when it is over.

use crate::id::{AttemptId, RunId, TaskKey};
use std::fmt;
use std::str::FromStr;

/// The option of a run under which the span around it is remembered.
pub const TRACEPARENT: &str = "traceparent";

/// Identity of a trace; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// Identity of a span in its trace; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

impl TraceId {
    /// Its bytes in the order in which they are written.
    pub fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl SpanId {
    fn of(name: &str) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = blake3::derive_key("taskmaster span", name.as_bytes());
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]).max(1))
    }

    /// Its bytes in the order in which they are written.
    pub fn bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A span as one process tells another of it: `00-TRACE-SPAN-FLAGS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traceparent {
    /// The trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
    /// Somebody keeps it.
    pub is_sampled: bool,
}

/// A text that tells of no span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no traceparent")]
pub struct NoTraceparent;

impl FromStr for Traceparent {
    type Err = NoTraceparent;

    /// As W3C's trace context asks: small letters, no zeros; a later version may say more behind.
    fn from_str(text: &str) -> Result<Self, NoTraceparent> {
        let mut parts = text.split('-');
        let mut next = |length: usize| {
            let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            let part = parts.next().filter(|part| part.len() == length && part.bytes().all(is_hex));
            part.and_then(|part| u128::from_str_radix(part, 16).ok()).ok_or(NoTraceparent)
        };
        let (version, trace, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        let says_more = parts.next().is_some();
        if version == 0xff || (version == 0 && says_more) || trace == 0 || span == 0 {
            return Err(NoTraceparent);
        }
        let span = u64::try_from(span).map_err(|_| NoTraceparent)?;
        Ok(Self { trace: TraceId(trace), span: SpanId(span), is_sampled: flags & 1 == 1 })
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.is_sampled))
    }
}

/// The trace of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    run: RunId,
    around: Option<Traceparent>,
}

impl Trace {
    /// That of a run; `around` is the span that it is a part of, where there is one.
    pub fn new(run: RunId, around: Option<Traceparent>) -> Self {
        Self { run, around }
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Its identity: that of the span around the run, else its own.
    pub fn id(&self) -> TraceId {
        let own = || {
            let hash = blake3::derive_key("taskmaster trace", self.run.as_str().as_bytes());
            let half = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte));
            TraceId(half(&hash[..16]).max(1))
        };
        self.around.map_or_else(own, |around| around.trace)
    }

    /// The span around the run.
    pub fn around(&self) -> Option<SpanId> {
        self.around.map(|around| around.span)
    }

    /// Somebody keeps it: whoever started the run, who may not have said no.
    pub fn is_sampled(&self) -> bool {
        self.around.is_none_or(|around| around.is_sampled)
    }

    /// The span of the run.
    pub fn root(&self) -> SpanId {
        SpanId::of(self.run.as_str())
    }

    /// The span of a task in the run.
    pub fn task(&self, key: &TaskKey) -> SpanId {
        SpanId::of(&format!("{}/{key}", self.run))
    }

    /// The span of an attempt.
    pub fn attempt(attempt: &AttemptId) -> SpanId {
        SpanId::of(attempt.as_str())
    }

    /// The span of anything else about a task, by the entry of the ledger that tells of it.
    pub fn part(&self, key: &TaskKey, what: &str, seq: u64) -> SpanId {
        SpanId::of(&format!("{}/{key}/{what}/{seq}", self.run))
    }

    /// What a child is told, by its mark: an attempt's is its id, a question's `RUN/TASK/QUESTION`. The answers to one
    /// question share a mark, so theirs is the span of the task.
    pub fn told(&self, mark: &str) -> Traceparent {
        let name = mark.rsplit_once('/').map_or(mark, |(task, _)| task);
        Traceparent { trace: self.id(), span: SpanId::of(name), is_sampled: self.is_sampled() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AROUND: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_w3c_allows_is_read_and_written() {
        let around: Traceparent = AROUND.parse().unwrap();
        assert_eq!(around.to_string(), AROUND);
        assert_eq!(around.span.bytes(), [0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
        assert_eq!(around.trace.bytes()[..3], [0x4b, 0xf9, 0x2f]);
        let rows = [
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", Some(false)),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03", Some(true)),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Some(true)),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-else", Some(true)),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-else", None),
            ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", None),
            ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", None),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", None),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", None),
            ("00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", None),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1", None),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", None),
            ("00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", None),
            ("00-4bf92f3577b34da6a3ce929d0e0e47ä-00f067aa0ba902b7-01", None),
            ("", None),
        ];
        for (text, sampled) in rows {
            let read = text.parse::<Traceparent>().ok();
            assert_eq!(read.map(|read| read.is_sampled), sampled, "{text}");
        }
    }

    #[test]
    fn ids_follow_from_the_run_and_from_what_is_around_it() {
        let (run, key) = (RunId::from("01RUN"), TaskKey::from("01KEY"));
        let own = Trace::new(run.clone(), None);
        assert_eq!(own.id(), Trace::new(run.clone(), None).id());
        assert_ne!(own.id(), Trace::new("01RUM".into(), None).id());
        assert!(own.is_sampled() && own.around().is_none());
        let inside = Trace::new(run, AROUND.parse().ok());
        assert_eq!(inside.id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(inside.around().unwrap().to_string(), "00f067aa0ba902b7");
        assert_eq!(inside.root(), own.root());
        let all = [
            own.root(),
            own.task(&key),
            Trace::attempt(&"01TRY".into()),
            own.part(&key, "check", 7),
            own.part(&key, "check", 8),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn a_child_is_told_of_its_attempt_and_a_question_of_its_task() {
        let trace = Trace::new("01RUN".into(), AROUND.replace("-01", "-00").parse().ok());
        let attempt = trace.told("01TRY");
        assert_eq!(attempt.span, Trace::attempt(&"01TRY".into()));
        assert!(!attempt.is_sampled, "who started it keeps nothing");
        assert_eq!(trace.told("01RUN/01KEY/check").span, trace.task(&"01KEY".into()));
        assert_eq!(trace.told("01RUN/01KEY/verify").span, trace.task(&"01KEY".into()));
    }
}
