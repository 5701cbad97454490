//! From counters that were read to looks that a sequential test may take in.
//!
//! A test compares units of both versions that came over the same time and by one share. So
//!
//! - a look that spans a change of the share is left out: what failed before it is not to be judged by what came after;
//! - where the proxy counts, a look ends once it has some units: the test takes the share for that of the look's own units, and one of
//!   two units says little about a version that gets one of twenty. When that is does not depend on who failed;
//! - where others count, a look ends once all counters have moved: they are read by their owner one after the other, every few
//!   seconds, and until then only some of them tell of the time that the others have not reached yet.

use std::time::{Duration, Instant};

/// Units of both versions that a look of the proxy's counters has.
const ENOUGH: u64 = 20;
/// After so long it ends with fewer.
const SPARSE: Duration = Duration::from_secs(5);
/// After so long a look ends where both versions have units, though some counters have not moved: nobody uses them.
const LONG: Duration = Duration::from_secs(15);
/// After so long a look ends anyway.
const LONGEST: Duration = Duration::from_secs(60);

/// Who counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The proxy: what it says is whole at any time.
    Proxy,
    /// Somebody who is scraped.
    Others,
}

impl Owner {
    /// Looks that are left out after a change of the share. Where others count, what one of them tells after the look in
    /// which the share changed may still be of the time before.
    fn spoiled(self) -> u8 {
        match self {
            Self::Proxy => 1,
            Self::Others => 2,
        }
    }
}

/// What is added up: counters in an order of their own, which only rise.
#[derive(Clone, Debug)]
pub(super) struct Looks {
    owner: Owner,
    /// Where the look began.
    closed: Vec<u64>,
    closed_units: [u64; 2],
    /// The reading before.
    before: Vec<u64>,
    told: Vec<u64>,
    since: Instant,
    share: Option<u32>,
    spoiled: u8,
}

/// One reading of all counters.
pub(super) struct Read {
    /// What they count.
    pub(super) counts: Vec<u64>,
    /// Units of the new version and of the stable one.
    pub(super) units: [u64; 2],
    /// All counters have moved since the look began.
    pub(super) has_gone_round: bool,
    /// The new version's share of the users.
    pub(super) share: Option<u32>,
}

impl Looks {
    /// Counting begins.
    pub(super) fn begin(owner: Owner, read: &Read, now: Instant) -> Self {
        let told = vec![0; read.counts.len()];
        let (closed, closed_units) = (read.counts.clone(), read.units);
        let before = closed.clone();
        Self { owner, closed, closed_units, before, told, since: now, share: read.share, spoiled: 0 }
    }

    /// Takes in a reading; true where it ends a look.
    pub(super) fn take(&mut self, read: &Read, now: Instant) -> bool {
        let is_other = read.share != self.share;
        if is_other {
            self.close_before();
            (self.share, self.spoiled) = (read.share, self.owner.spoiled());
        }
        self.before.clone_from(&read.counts);
        let age = now.saturating_duration_since(self.since);
        let added =
            read.units.iter().zip(&self.closed_units).map(|(now, closed)| now.saturating_sub(*closed));
        let added: Vec<u64> = added.collect();
        let both = added.iter().all(|added| *added > 0);
        let ends = match self.owner {
            Owner::Proxy => is_other || added.iter().sum::<u64>() >= ENOUGH || age >= SPARSE,
            Owner::Others => (both && (read.has_gone_round || age >= LONG)) || age >= LONGEST,
        };
        if !ends {
            return false;
        }
        if self.spoiled > 0 {
            self.spoiled -= 1;
        } else {
            self.tell(&read.counts);
        }
        self.closed.clone_from(&read.counts);
        self.closed_units = read.units;
        self.since = now;
        true
    }

    /// The proxy's counters were whole at the reading before, and all of that was by the share of then.
    fn close_before(&mut self) {
        if self.owner == Owner::Proxy && self.spoiled == 0 {
            let before = self.before.clone();
            self.tell(&before);
            self.closed = before;
        }
    }

    /// A look counts.
    fn tell(&mut self, until: &[u64]) {
        for ((told, now), closed) in self.told.iter_mut().zip(until).zip(&self.closed) {
            *told = told.saturating_add(now.saturating_sub(*closed));
        }
    }

    /// What the looks that count add up to.
    pub(super) fn told(&self) -> &[u64] {
        &self.told
    }
}

/// Units of single buckets, of those up to each bound.
pub(super) fn singles(up_to: &[u64]) -> Vec<u64> {
    let below = std::iter::once(&0).chain(up_to);
    up_to.iter().zip(below).map(|(up_to, below)| up_to.saturating_sub(*below)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn read(canary: u64, baseline: u64, has_gone_round: bool, share: u32) -> Read {
        Read { counts: vec![canary, baseline], units: [canary, baseline], has_gone_round, share: Some(share) }
    }

    #[test]
    fn a_look_that_spans_a_change_of_the_share_is_left_out() {
        let now = clock::monotonic();
        let mut looks = Looks::begin(Owner::Proxy, &read(100, 1_000, true, 0), now);
        for (canary, baseline, share, told) in [
            (100, 1_050, 0, [0, 50]),
            (103, 1_100, 10, [0, 50]),
            (108, 1_145, 10, [5, 95]),
            (120, 1_170, 50, [5, 95]),
            (145, 1_195, 50, [30, 120]),
        ] {
            assert!(looks.take(&read(canary, baseline, true, share), now));
            assert_eq!(looks.told(), told);
        }
    }

    #[test]
    fn where_the_proxy_counts_a_look_has_some_units() {
        let now = clock::monotonic();
        let at = |seconds| now + Duration::from_secs(seconds);
        let mut looks = Looks::begin(Owner::Proxy, &read(0, 0, true, 5), now);
        assert!(!looks.take(&read(1, 18, true, 5), at(4)));
        assert_eq!(looks.told(), [0, 0]);
        assert!(looks.take(&read(1, 19, true, 5), at(5)));
        assert_eq!(looks.told(), [1, 19]);
        // Users who come seldom.
        assert!(!looks.take(&read(2, 24, true, 5), at(9)));
        assert!(looks.take(&read(2, 25, true, 5), at(10)));
        assert_eq!(looks.told(), [2, 25]);
        // What came before another share counts; what came while it changed does not.
        assert!(!looks.take(&read(4, 30, true, 5), at(11)));
        assert!(looks.take(&read(6, 40, true, 50), at(12)));
        assert_eq!(looks.told(), [4, 30]);
        assert!(!looks.take(&read(9, 43, true, 50), at(13)));
        assert!(looks.take(&read(16, 50, true, 50), at(14)));
        assert_eq!(looks.told(), [14, 40]);
    }

    #[test]
    fn where_others_count_a_look_ends_once_all_have_moved() {
        let now = clock::monotonic();
        let at = |seconds| now + Duration::from_secs(seconds);
        let mut looks = Looks::begin(Owner::Others, &read(0, 0, false, 10), now);
        assert!(!looks.take(&read(5, 0, false, 10), at(1)));
        assert!(!looks.take(&read(5, 20, false, 10), at(2)));
        assert_eq!(looks.told(), [0, 0]);
        assert!(looks.take(&read(5, 45, true, 10), at(3)));
        assert_eq!(looks.told(), [5, 45]);
        // Some never move, and one version may have no users at all.
        assert!(!looks.take(&read(10, 90, false, 10), at(17)));
        assert!(looks.take(&read(10, 91, false, 10), at(18)));
        assert_eq!(looks.told(), [10, 91]);
        assert!(!looks.take(&read(10, 99, true, 10), at(77)));
        assert!(looks.take(&read(10, 99, true, 10), at(78)));
        assert_eq!(looks.told(), [10, 99]);
    }

    #[test]
    fn where_others_count_two_looks_are_left_out_after_a_change() {
        let now = clock::monotonic();
        let mut looks = Looks::begin(Owner::Others, &read(0, 0, true, 10), now);
        for (canary, told) in [(1, [0, 0]), (2, [0, 0]), (3, [1, 1])] {
            assert!(looks.take(&read(canary, canary, true, 50), now));
            assert_eq!(looks.told(), told);
        }
    }
}
