//! A table that was made ready: what a request needs to find its version.

use super::endpoint::{Endpoint, Endpoints};
use super::matching::Matchers;
use super::meter::Meter;
use super::session;
use super::settings::Table;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use taskmaster_delivery::engine::Revision;

/// A version that may get requests.
pub(super) struct Arm {
    pub(super) revision: Revision,
    /// What a cookie calls it.
    pub(super) digest: u64,
    pub(super) meter: Arc<Meter>,
    endpoints: Vec<Arc<Endpoint>>,
    next: AtomicUsize,
}

impl Arm {
    /// One endpoint after the other; those that refused lately only where there is no other, and none that is
    /// to be `avoided` where there is another.
    pub(super) fn endpoint(&self, now: u32, avoided: Option<&Endpoint>) -> Option<Arc<Endpoint>> {
        let count = self.endpoints.len();
        if count <= 1 {
            return self.endpoints.first().cloned();
        }
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let in_turn = || (0..count).filter_map(|by| self.endpoints.get(first.wrapping_add(by) % count));
        let is_other = |endpoint: &&Arc<Endpoint>| avoided.is_none_or(|one| one.address != endpoint.address);
        in_turn()
            .find(|endpoint| is_other(endpoint) && !endpoint.rests(now))
            .or_else(|| in_turn().find(is_other))
            .cloned()
    }

    pub(super) fn is_there(&self) -> bool {
        !self.endpoints.is_empty()
    }

    pub(super) fn endpoint_count(&self) -> usize {
        self.endpoints.len()
    }
}

/// A table that was made ready.
pub(super) struct Plan {
    pub(super) table: Arc<Table>,
    /// Where users go who are not sent elsewhere.
    pub(super) active: Option<Arc<Arm>>,
    /// Another version that has a part of the users, by weight or by what they send.
    pub(super) share: Option<Arc<Arm>>,
    /// Its weight in percent.
    pub(super) weight: u32,
    /// Another number with every change of what sessions are dealt by.
    pub(super) epoch: u64,
    pub(super) preview: Option<Arc<Arm>>,
    pub(super) matchers: Matchers,
    /// Percent of the requests that are copied for the share's version.
    pub(super) copies: u32,
}

impl Plan {
    pub(super) fn new(
        table: Table,
        endpoints: &mut Endpoints,
        mut meter: impl FnMut(&Revision) -> Arc<Meter>,
    ) -> Self {
        let mut arm = |revision: &Revision| {
            let addresses = table.endpoints.get(revision).map(Vec::as_slice).unwrap_or_default();
            Arc::new(Arm {
                revision: revision.clone(),
                digest: session::digest(revision),
                meter: meter(revision),
                endpoints: addresses.iter().map(|address| endpoints.get(*address)).collect(),
                next: AtomicUsize::new(0),
            })
        };
        let routes = &table.routes;
        let active = (!routes.active.0.is_empty()).then(|| arm(&routes.active));
        let share = routes.share.as_ref().filter(|share| share.revision != routes.active);
        let preview = routes.preview.as_ref().map(|revision| match &active {
            Some(active) if active.revision == *revision => active.clone(),
            _ => arm(revision),
        });
        let weight = share.map_or(0, |share| share.weight.min(100));
        let copies = routes.mirror.as_ref().map_or(0, |mirror| mirror.percentage.min(100));
        let matchers = Matchers::new(&routes.headers);
        let share = share.map(|share| arm(&share.revision));
        Self { active, share, weight, epoch: 0, preview, matchers, copies, table: Arc::new(table) }
    }

    /// The version that has a share.
    pub(super) fn share_name(&self) -> Option<&Revision> {
        self.share.as_ref().map(|arm| &arm.revision)
    }

    /// True where sessions are dealt as by another plan.
    pub(super) fn deals_as(&self, other: &Self) -> bool {
        let active = |plan: &Self| plan.active.as_ref().map(|arm| arm.revision.clone());
        let is_same_share = self.share_name() == other.share_name() && self.weight == other.weight;
        is_same_share && active(self) == active(other)
    }

    /// A version that a request may be given to.
    pub(super) fn arms(&self) -> impl Iterator<Item = &Arc<Arm>> {
        self.active.iter().chain(&self.share).chain(&self.preview)
    }
}
