//! What is counted per version.

use super::session::Session;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use taskmaster_delivery::engine::Revision;

/// What was counted since the proxy started.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// By version.
    pub versions: BTreeMap<Revision, Counts>,
    /// Requests for which no version was there; they were answered 503 and belong to none.
    pub without_target: u64,
}

/// What was counted of one version. Copies are apart: what users got is in the first fields alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Requests that ended or whose answer began.
    pub requests: u64,
    /// Of them those answered with a 5xx, not at all, or not to the end.
    pub failures: u64,
    /// Sessions that were dealt to the version; 0 without a sticky cookie.
    pub sessions: u64,
    /// Of them those with a failure while the weights that they were dealt by were in force.
    pub failed_sessions: u64,
    /// Requests by status of the answer. 499 stands for clients that went away before it.
    pub codes: BTreeMap<u16, u64>,
    /// Requests by time from the end of the request's head to the head of the answer: one number for each bound
    /// (up to and including it, above the one before), and one for all above the last.
    pub buckets: Vec<u64>,
    /// The sum of these times in milliseconds.
    pub sum_ms: f64,
    /// Copies that were sent to it.
    pub mirrored: u64,
    /// Of them those answered with a 5xx or not at all.
    pub mirrored_failures: u64,
}

/// The lowest and highest status that is counted for itself.
const CODES: std::ops::Range<u16> = 100..600;
/// Failed sessions that are remembered; twice as many at most.
const REMEMBERED: usize = 65_536;

/// Counts one version.
#[derive(Debug)]
pub(super) struct Meter {
    bounds_ms: Vec<f64>,
    requests: AtomicU64,
    failures: AtomicU64,
    sessions: AtomicU64,
    failed_sessions: AtomicU64,
    codes: Vec<AtomicU64>,
    buckets: Vec<AtomicU64>,
    sum_us: AtomicU64,
    mirrored: AtomicU64,
    mirrored_failures: AtomicU64,
    failed: Mutex<Failed>,
}

/// Numbers of failed sessions of one epoch, of late ones at least.
#[derive(Debug, Default)]
struct Failed {
    epoch: u64,
    /// Sessions, and failed ones, of the epochs before.
    before: [u64; 2],
    young: HashSet<u64>,
    old: HashSet<u64>,
}

fn add(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Meter {
    pub(super) fn new(bounds_ms: &[f64]) -> Self {
        let zeros = |count: usize| (0..count).map(|_| AtomicU64::new(0)).collect();
        Self {
            bounds_ms: bounds_ms.to_vec(),
            requests: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            sessions: AtomicU64::new(0),
            failed_sessions: AtomicU64::new(0),
            codes: zeros(CODES.len()),
            buckets: zeros(bounds_ms.len() + 1),
            sum_us: AtomicU64::new(0),
            mirrored: AtomicU64::new(0),
            mirrored_failures: AtomicU64::new(0),
            failed: Mutex::default(),
        }
    }

    /// A request was answered, or given up. A failure is told by [`Meter::fail`].
    pub(super) fn count(&self, code: u16, took: Duration) {
        add(&self.requests, 1);
        if let Some(counter) = code.checked_sub(CODES.start).and_then(|at| self.codes.get(usize::from(at))) {
            add(counter, 1);
        }
        let took_ms = took.as_secs_f64() * 1_000.0;
        let bucket = self.bounds_ms.partition_point(|bound| *bound < took_ms);
        if let Some(counter) = self.buckets.get(bucket) {
            add(counter, 1);
        }
        add(&self.sum_us, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// These weights are in force: sessions that were dealt by others fail no more.
    pub(super) fn begin(&self, epoch: u64) {
        let mut failed = self.failed();
        if failed.epoch != epoch {
            let before = [get(&self.sessions), get(&self.failed_sessions)];
            *failed = Failed { epoch, before, ..Failed::default() };
        }
    }

    fn failed(&self) -> MutexGuard<'_, Failed> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request failed; its session with it, once, where the weights are those that it was dealt by.
    pub(super) fn fail(&self, session: Option<Session>) {
        self.failures.fetch_add(1, Ordering::Release);
        let Some(session) = session else { return };
        let mut failed = self.failed();
        let [dealt, counted] = failed.before;
        // Of very many failed ones the first are forgotten: there are never more than were dealt.
        let are_all = get(&self.failed_sessions) - counted >= get(&self.sessions) - dealt;
        if failed.epoch != session.epoch
            || are_all
            || failed.old.contains(&session.id)
            || !failed.young.insert(session.id)
        {
            return;
        }
        if failed.young.len() >= REMEMBERED {
            failed.old = std::mem::take(&mut failed.young);
        }
        self.failed_sessions.fetch_add(1, Ordering::Release);
    }

    pub(super) fn session(&self) {
        add(&self.sessions, 1);
    }

    pub(super) fn mirror(&self) {
        add(&self.mirrored, 1);
    }

    pub(super) fn mirror_failed(&self) {
        add(&self.mirrored_failures, 1);
    }

    /// Failures are read first: there are never more of them than requests.
    pub(super) fn counts(&self) -> Counts {
        let failures = self.failures.load(Ordering::Acquire);
        let failed_sessions = self.failed_sessions.load(Ordering::Acquire);
        let codes = CODES.zip(&self.codes).map(|(code, counter)| (code, get(counter)));
        Counts {
            requests: get(&self.requests),
            failures,
            sessions: get(&self.sessions),
            failed_sessions,
            codes: codes.filter(|(_, count)| *count > 0).collect(),
            buckets: self.buckets.iter().map(get).collect(),
            sum_ms: get(&self.sum_us) as f64 / 1_000.0,
            mirrored: get(&self.mirrored),
            mirrored_failures: get(&self.mirrored_failures),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fall_into_the_first_bound_that_holds_them() {
        let meter = Meter::new(&[5.0, 10.0]);
        for (code, took_us) in [(200, 0), (200, 5_000), (404, 5_001), (200, 10_000), (999, 10_001)] {
            meter.count(code, Duration::from_micros(took_us));
        }
        let counts = meter.counts();
        assert_eq!(counts.buckets, [2, 2, 1]);
        assert_eq!(counts.codes, BTreeMap::from([(200, 3), (404, 1)]));
        assert_eq!((counts.requests, counts.failures), (5, 0));
        assert!((counts.sum_ms - 30.002).abs() < 1e-9);
    }

    fn of(epoch: u64, id: u64) -> Option<Session> {
        Some(Session { id, epoch, version: 0 })
    }

    #[test]
    fn a_session_fails_once() {
        let meter = Meter::new(&[]);
        meter.begin(3);
        (0..REMEMBERED * 2).for_each(|_| meter.session());
        for session in [of(3, 1), of(3, 1), of(3, 2), None] {
            meter.fail(session);
        }
        let counts = meter.counts();
        assert_eq!((counts.failures, counts.failed_sessions), (4, 2));
        for session in 10..(REMEMBERED as u64 + 10) {
            meter.fail(of(3, session));
        }
        meter.fail(of(3, 1));
        assert_eq!(meter.counts().failed_sessions, REMEMBERED as u64 + 2);
    }

    #[test]
    fn a_session_of_other_weights_fails_no_more() {
        let meter = Meter::new(&[]);
        meter.begin(3);
        (0..2).for_each(|_| meter.session());
        meter.fail(of(2, 1));
        meter.fail(of(3, 2));
        meter.begin(3);
        meter.begin(4);
        meter.fail(of(3, 3));
        meter.session();
        meter.fail(of(4, 2));
        // One was dealt by these weights.
        meter.fail(of(4, 3));
        assert_eq!((meter.counts().failures, meter.counts().failed_sessions), (5, 2));
    }
}
