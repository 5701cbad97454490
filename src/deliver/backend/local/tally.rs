//! What was counted of versions, over all proxies that a rollout ever had.
//!
//! A proxy counts from its own start. What one counted that is gone is kept and added, so that counters never
//! fall and a test that compares two readings never sees a beginning that is none.

use crate::deliver::traffic::{Counts, Snapshot};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use taskmaster_delivery::engine::Revision;

/// What was counted, by version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// By version.
    pub versions: BTreeMap<Revision, Counted>,
    /// Requests for which no version was there.
    pub without_target: u64,
}

/// What was counted of one version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counted {
    /// Requests.
    pub requests: u64,
    /// Those that failed.
    pub failures: u64,
    /// Sessions.
    pub sessions: u64,
    /// Those with a failure.
    pub failed_sessions: u64,
    /// Requests by status.
    pub codes: BTreeMap<u16, u64>,
    /// Requests by latency: one number for each bound, one for what is above.
    pub buckets: Vec<u64>,
    /// The sum of latencies in milliseconds.
    pub sum_ms: f64,
    /// Copies.
    pub mirrored: u64,
    /// Copies that failed.
    pub mirrored_failures: u64,
}

impl Tally {
    /// What a proxy has counted.
    pub fn of(snapshot: &Snapshot) -> Self {
        let versions = snapshot.versions.iter();
        Self {
            versions: versions.map(|(revision, counts)| (revision.clone(), counted(counts))).collect(),
            without_target: snapshot.without_target,
        }
    }

    /// This and what was counted since.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        for (revision, counted) in &other.versions {
            sum.versions.entry(revision.clone()).or_default().add(counted);
        }
        sum.without_target += other.without_target;
        sum
    }

    /// It as a proxy tells it.
    pub fn snapshot(&self) -> Snapshot {
        let versions = self.versions.iter();
        Snapshot {
            versions: versions.map(|(revision, counted)| (revision.clone(), counts(counted))).collect(),
            without_target: self.without_target,
        }
    }

    /// A version since an earlier time.
    pub fn since(&self, earlier: &Self, revision: &Revision) -> Counted {
        let now = self.versions.get(revision).cloned().unwrap_or_default();
        earlier.versions.get(revision).map_or_else(|| now.clone(), |then| now.minus(then))
    }

    /// Forgets versions that are not among `kept`.
    pub fn retain(&mut self, kept: impl Fn(&Revision) -> bool) {
        self.versions.retain(|revision, _| kept(revision));
    }
}

impl Counted {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.sessions += other.sessions;
        self.failed_sessions += other.failed_sessions;
        self.sum_ms += other.sum_ms;
        self.mirrored += other.mirrored;
        self.mirrored_failures += other.mirrored_failures;
        for (code, count) in &other.codes {
            *self.codes.entry(*code).or_default() += count;
        }
        if self.buckets.len() == other.buckets.len() {
            self.buckets.iter_mut().zip(&other.buckets).for_each(|(sum, count)| *sum += count);
        } else {
            // Other bounds: what was counted by the old ones cannot be compared.
            self.buckets.clone_from(&other.buckets);
        }
    }

    fn minus(&self, then: &Self) -> Self {
        let codes = self.codes.iter().map(|(code, count)| {
            (*code, count.saturating_sub(then.codes.get(code).copied().unwrap_or_default()))
        });
        let is_alike = self.buckets.len() == then.buckets.len();
        let buckets = self.buckets.iter().zip(&then.buckets);
        Self {
            requests: self.requests.saturating_sub(then.requests),
            failures: self.failures.saturating_sub(then.failures),
            sessions: self.sessions.saturating_sub(then.sessions),
            failed_sessions: self.failed_sessions.saturating_sub(then.failed_sessions),
            codes: codes.filter(|(_, count)| *count > 0).collect(),
            buckets: if is_alike {
                buckets.map(|(now, then)| now.saturating_sub(*then)).collect()
            } else {
                self.buckets.clone()
            },
            sum_ms: (self.sum_ms - then.sum_ms).max(0.0),
            mirrored: self.mirrored.saturating_sub(then.mirrored),
            mirrored_failures: self.mirrored_failures.saturating_sub(then.mirrored_failures),
        }
    }

    /// The latency that so many of a hundred requests did not pass, in milliseconds: taken as even inside a
    /// bucket. None where nothing was counted; what is above the last bound counts as that.
    pub fn percentile(&self, bounds_ms: &[f64], percent: f64) -> Option<f64> {
        let total: u64 = self.buckets.iter().sum();
        if total == 0 || self.buckets.len() != bounds_ms.len() + 1 {
            return None;
        }
        let wanted = total as f64 * percent / 100.0;
        let (mut below, mut lower) = (0.0, 0.0);
        for (bound, count) in bounds_ms.iter().zip(&self.buckets) {
            let count = *count as f64;
            if below + count >= wanted && count > 0.0 {
                return Some(lower + (bound - lower) * ((wanted - below) / count).clamp(0.0, 1.0));
            }
            (below, lower) = (below + count, *bound);
        }
        bounds_ms.last().copied()
    }
}

fn counted(counts: &Counts) -> Counted {
    Counted {
        requests: counts.requests,
        failures: counts.failures,
        sessions: counts.sessions,
        failed_sessions: counts.failed_sessions,
        codes: counts.codes.clone(),
        buckets: counts.buckets.clone(),
        sum_ms: counts.sum_ms,
        mirrored: counts.mirrored,
        mirrored_failures: counts.mirrored_failures,
    }
}

fn counts(counted: &Counted) -> Counts {
    Counts {
        requests: counted.requests,
        failures: counted.failures,
        sessions: counted.sessions,
        failed_sessions: counted.failed_sessions,
        codes: counted.codes.clone(),
        buckets: counted.buckets.clone(),
        sum_ms: counted.sum_ms,
        mirrored: counted.mirrored,
        mirrored_failures: counted.mirrored_failures,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(requests: u64, buckets: &[u64]) -> Tally {
        let counted = Counted { requests, buckets: buckets.to_vec(), ..Counted::default() };
        Tally { versions: BTreeMap::from([(Revision("v1".into()), counted)]), without_target: 1 }
    }

    #[test]
    fn counters_of_proxies_that_are_gone_are_added() {
        let sum = one(5, &[1, 4]).plus(&one(2, &[2, 0]));
        assert_eq!(sum, Tally { without_target: 2, ..one(7, &[3, 4]) });
        assert_eq!(sum.since(&one(5, &[1, 4]), &Revision("v1".into())).requests, 2);
        let other_bounds = one(5, &[1, 4]).plus(&one(2, &[2]));
        assert_eq!(other_bounds.versions[&Revision("v1".into())].buckets, [2]);
    }

    #[test]
    fn percentiles_lie_inside_their_bucket() {
        let counted = Counted { buckets: vec![0, 50, 49, 1], ..Counted::default() };
        let bounds = [10.0, 20.0, 40.0];
        assert_eq!(counted.percentile(&bounds, 50.0), Some(20.0));
        assert_eq!(counted.percentile(&bounds, 25.0), Some(15.0));
        assert_eq!(counted.percentile(&bounds, 100.0), Some(40.0));
        assert_eq!(Counted::default().percentile(&bounds, 50.0), None);
    }
}
