//! Whether a notice is sent again, and when.

use super::http::{Fault, Reply};
use std::time::Duration;

/// Bounds of what is done for one notice, and of how many may wait.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Notices that wait for one receiver.
    pub queue: usize,
    /// Longest time of one try.
    pub timeout: Duration,
    /// Tries of one notice.
    pub tries: u32,
    /// About so long is the pause after the first try; each later one is twice as long.
    pub first_pause: Duration,
    /// No pause is longer, but where the receiver asks for it.
    pub longest_pause: Duration,
    /// Older notices help nobody any more.
    pub lifetime: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue: 256,
            timeout: Duration::from_secs(10),
            tries: 8,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            lifetime: Duration::from_secs(15 * 60),
        }
    }
}

/// What a try came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it.
    Sent,
    /// It may do later.
    Again { why: String, after: Option<Duration> },
    /// It will never do.
    Never { why: String },
}

/// True of the statuses after which a notice may do later.
pub(super) fn may_do_later(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// Reads an answer; `again` tells of which statuses another try may do. A body that broke off is no fault: who answers
/// with success has read what was sent.
pub(super) fn outcome(reply: &Result<Reply, Fault>, again: fn(u16) -> bool) -> Outcome {
    let reply = match reply {
        Ok(reply) => reply,
        Err(Fault::NoAnswer(why)) => return Outcome::Again { why: why.clone(), after: None },
        Err(Fault::Unusable(why)) => return Outcome::Never { why: why.clone() },
    };
    match reply.status.as_u16() {
        200..=299 => Outcome::Sent,
        300..=399 => Outcome::Never { why: format!("{}: redirects are not followed", reply.status) },
        status if again(status) => Outcome::Again { why: reply.told(), after: reply.retry_after },
        _ => Outcome::Never { why: reply.told() },
    }
}

/// The pause after a try, counted from 1: at least what the receiver asks for, else exponential, and
/// between half of that and all of it by chance, so that many notices do not come back at once. The
/// chance is a hash of the event and the try.
pub(super) fn pause(limits: &Limits, tried: u32, after: Option<Duration>, id: &str) -> Duration {
    let factor = 2_u32.saturating_pow(tried.saturating_sub(1));
    let whole = limits.first_pause.saturating_mul(factor).min(limits.longest_pause);
    let hash = blake3::hash(format!("{id} {tried}").as_bytes());
    let chance = f64::from(hash.as_bytes()[0]) / 255.0;
    let pause = whole.mul_f64(0.5 + chance / 2.0);
    after.map_or(pause, |after| after.max(pause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;

    fn reply(status: u16) -> Result<Reply, Fault> {
        let status = StatusCode::from_u16(status).unwrap();
        let cut = Some("its body broke off".to_owned());
        let (words, body) = Default::default();
        Ok(Reply { status, retry_after: Some(Duration::from_secs(7)), words, body, cut })
    }

    #[test]
    fn every_status_has_an_outcome() {
        for status in 200..600 {
            let expected = match status {
                200..=299 => "sent",
                408 | 425 | 429 | 500..=599 => "again",
                _ => "never",
            };
            let found = match outcome(&reply(status), may_do_later) {
                Outcome::Sent => "sent",
                Outcome::Again { after, .. } => {
                    assert_eq!(after, Some(Duration::from_secs(7)));
                    "again"
                }
                Outcome::Never { .. } => "never",
            };
            assert_eq!(found, expected, "{status}");
        }
        let outcome = |fault| outcome(&Err(fault), may_do_later);
        assert!(matches!(outcome(Fault::NoAnswer("x".into())), Outcome::Again { .. }));
        assert!(matches!(outcome(Fault::Unusable("x".into())), Outcome::Never { .. }));
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_respect_the_receiver() {
        let limits = Limits::default();
        for tried in 1..=40 {
            let whole = Duration::from_secs(60.min(1_u64 << (tried - 1).min(6)));
            let found = pause(&limits, tried, None, "event");
            assert!(found >= whole / 2 && found <= whole, "{tried}: {found:?}");
            let asked = pause(&limits, tried, Some(Duration::from_secs(90)), "event");
            assert_eq!(asked, Duration::from_secs(90));
        }
        let few = (0..20).map(|id| pause(&limits, 7, None, &id.to_string()));
        let different: std::collections::BTreeSet<_> = few.collect();
        assert!(different.len() > 10, "{different:?}");
    }
}
