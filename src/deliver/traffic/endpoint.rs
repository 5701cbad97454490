//! Where a version listens, and the connections to it that wait for a request.

use super::upstream::Upstream;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Most connections that wait for a request, per thread.
const POOLED: usize = 512;

/// One address. It lives as long as a table or a request knows it, so that its requests are counted to the
/// end.
pub(super) struct Endpoint {
    pub(super) address: SocketAddr,
    in_flight: AtomicU64,
    /// No table knows it any more: nothing is kept for it.
    is_retired: AtomicBool,
    /// It refused a connection: until this tick others are asked first.
    rests_until: AtomicU32,
    /// By thread. The last one that was used is the first to be used again, so that the others grow old.
    pools: Vec<Mutex<Vec<Box<Upstream>>>>,
}

/// Ticks for which an endpoint that refused a connection is asked last.
const REST: u32 = 10;

impl Endpoint {
    fn new(address: SocketAddr, threads: usize) -> Self {
        Self {
            address,
            in_flight: AtomicU64::new(0),
            is_retired: AtomicBool::new(false),
            rests_until: AtomicU32::new(0),
            pools: (0..threads).map(|_| Mutex::default()).collect(),
        }
    }

    fn pool(&self, thread: usize) -> Option<std::sync::MutexGuard<'_, Vec<Box<Upstream>>>> {
        Some(self.pools.get(thread)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A connection that waits.
    pub(super) fn take(&self, thread: usize) -> Option<Box<Upstream>> {
        self.pool(thread)?.pop()
    }

    /// Keeps a connection for another request.
    pub(super) fn keep(&self, thread: usize, upstream: Box<Upstream>) {
        if self.is_retired.load(Ordering::Relaxed) {
            return;
        }
        if let Some(mut pool) = self.pool(thread)
            && pool.len() < POOLED
        {
            pool.push(upstream);
        }
    }

    /// Closes the connections of a thread that waited too long; true where some are left.
    pub(super) fn close_old(&self, thread: usize, now: u32, most: u32) -> bool {
        let Some(mut pool) = self.pool(thread) else { return false };
        let is_retired = self.is_retired.load(Ordering::Relaxed);
        pool.retain(|upstream| !is_retired && upstream.waited(now) < most.min(upstream.patience()));
        !pool.is_empty()
    }

    /// Forgets the connections of a thread: what it was connected to has gone.
    pub(super) fn forget(&self, thread: usize) {
        if let Some(mut pool) = self.pool(thread) {
            pool.clear();
        }
    }

    pub(super) fn refused(&self, now: u32) {
        self.rests_until.store(now.saturating_add(REST), Ordering::Relaxed);
    }

    pub(super) fn rests(&self, now: u32) -> bool {
        self.rests_until.load(Ordering::Relaxed) > now
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Acquire)
    }
}

/// A request at an endpoint, from when that was chosen to the answer's last byte.
pub(super) struct Visit(pub(super) Arc<Endpoint>);

impl Visit {
    pub(super) fn new(endpoint: Arc<Endpoint>) -> Self {
        endpoint.in_flight.fetch_add(1, Ordering::AcqRel);
        Self(endpoint)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Every endpoint that somebody knows, by address.
#[derive(Default)]
pub(super) struct Endpoints {
    all: HashMap<SocketAddr, Weak<Endpoint>>,
    threads: usize,
}

impl Endpoints {
    pub(super) fn new(threads: usize) -> Self {
        Self { all: HashMap::new(), threads }
    }

    /// The endpoint of an address: the one that somebody knows still, or a new one.
    pub(super) fn get(&mut self, address: SocketAddr) -> Arc<Endpoint> {
        if let Some(known) = self.known(address) {
            known.is_retired.store(false, Ordering::Relaxed);
            return known;
        }
        let endpoint = Arc::new(Endpoint::new(address, self.threads));
        self.all.insert(address, Arc::downgrade(&endpoint));
        endpoint
    }

    pub(super) fn known(&self, address: SocketAddr) -> Option<Arc<Endpoint>> {
        self.all.get(&address).and_then(Weak::upgrade)
    }

    /// Retires all that a table does not have, and forgets those that nobody knows.
    pub(super) fn retain(&mut self, is_there: impl Fn(&SocketAddr) -> bool) {
        self.all.retain(|address, endpoint| {
            let Some(endpoint) = endpoint.upgrade() else { return false };
            if !is_there(address) {
                endpoint.is_retired.store(true, Ordering::Relaxed);
            }
            true
        });
    }

    pub(super) fn all(&self) -> Vec<Arc<Endpoint>> {
        self.all.values().filter_map(Weak::upgrade).collect()
    }
}
