//! What the threads of a proxy share: the plan, the dealing, and what is counted.

use super::deal::{self, Dealer, Seed};
use super::endpoint::{Endpoint, Endpoints, Visit};
use super::meter::{Meter, Snapshot};
use super::plan::{Arm, Plan};
use super::session::{Session, Sessions};
use super::settings::{Door, Settings, Table};
use super::watch::{Patience, Ticks, ticks};
use crate::clock;
use hyper::HeaderMap;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;
use taskmaster_delivery::engine::Revision;
use tokio::sync::Notify;

/// Versions whose counts are kept after no table has them any more.
const REMEMBERED: usize = 100;

/// What the threads of a proxy share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) patience: Patience,
    pub(super) pooled: u32,
    pub(super) ticks: Ticks,
    started: Instant,
    plan: RwLock<Arc<Plan>>,
    dealer: Mutex<Dealer>,
    sessions: Option<Sessions>,
    endpoints: Mutex<Endpoints>,
    meters: Mutex<BTreeMap<Revision, Arc<Meter>>>,
    pub(super) totals: Totals,
    pub(super) is_stopping: AtomicBool,
    /// Told when the last connection ends.
    pub(super) quiet: Notify,
}

/// What belongs to no version.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) connections: AtomicUsize,
    pub(super) accepted: AtomicU64,
    pub(super) without_target: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) exhausted: AtomicU64,
    pub(super) timed_out: AtomicU64,
    pub(super) mirrors_dropped: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Where a request goes.
pub(super) struct Choice {
    pub(super) arm: Arc<Arm>,
    pub(super) visit: Visit,
    /// The session that it belongs to.
    pub(super) session: Option<Session>,
    /// The session begins with it: the client is told its cookie.
    pub(super) is_new_session: bool,
    /// The version that gets a copy.
    pub(super) copy: Option<Arc<Arm>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(settings: Settings, table: Table, seed: &Seed) -> Self {
        let endpoints = Endpoints::new(settings.limits.threads.max(1));
        let mut empty = Plan::new(Table::default(), &mut Endpoints::default(), |_| Arc::new(Meter::new(&[])));
        empty.epoch = deal::epoch(seed);
        let shared = Self {
            patience: Patience::new(&settings.limits),
            pooled: ticks(settings.limits.pooled),
            ticks: Ticks::default(),
            started: clock::monotonic(),
            plan: RwLock::new(Arc::new(empty)),
            dealer: Mutex::new(Dealer::new(seed)),
            sessions: settings.sticky.as_ref().map(|sticky| Sessions::new(sticky, settings.seed)),
            endpoints: Mutex::new(endpoints),
            meters: Mutex::default(),
            totals: Totals::default(),
            is_stopping: AtomicBool::new(false),
            quiet: Notify::new(),
            settings,
        };
        shared.set(table);
        shared
    }

    /// Replaces the table. What is chosen after this returns is chosen by the new one, and what was chosen by
    /// the old one is counted at its endpoint already.
    pub(super) fn set(&self, table: Table) {
        let mut endpoints = lock(&self.endpoints);
        let mut plan = Plan::new(table, &mut endpoints, |revision| self.meter(revision));
        let is_there = |address: &SocketAddr| plan.table.endpoints.values().flatten().any(|a| a == address);
        endpoints.retain(is_there);
        drop(endpoints);
        self.forget_old_versions(&plan);
        let mut current = self.plan.write().unwrap_or_else(PoisonError::into_inner);
        let is_new_share = plan.share_name() != current.share_name();
        lock(&self.dealer).set(plan.weight, plan.copies, is_new_share);
        plan.epoch = current.epoch.wrapping_add(u64::from(!plan.deals_as(&current)));
        lock(&self.meters).values().for_each(|meter| meter.begin(plan.epoch));
        *current = Arc::new(plan);
    }

    pub(super) fn plan(&self) -> Arc<Plan> {
        self.plan.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn meter(&self, revision: &Revision) -> Arc<Meter> {
        let new = || Arc::new(Meter::new(&self.settings.bounds_ms));
        lock(&self.meters).entry(revision.clone()).or_insert_with(new).clone()
    }

    fn forget_old_versions(&self, plan: &Plan) {
        let mut meters = lock(&self.meters);
        if meters.len() > REMEMBERED {
            meters.retain(|revision, meter| {
                Arc::strong_count(meter) > 1 || plan.arms().any(|arm| arm.revision == *revision)
            });
        }
    }

    /// The version and the endpoint of a request.
    pub(super) fn choose(&self, door: Door, headers: &HeaderMap) -> Option<Choice> {
        // Held until the request is counted at its endpoint: see `set`.
        let plan = self.plan.read().unwrap_or_else(PoisonError::into_inner);
        let (arm, session, is_new_session) = match door {
            Door::Preview => (plan.preview.as_ref()?, None, false),
            Door::Main => self.deal(&plan, headers)?,
        };
        let endpoint = arm.endpoint(self.ticks.now(), None)?;
        if is_new_session {
            arm.meter.session();
        }
        let copy = plan.share.as_ref().filter(|share| {
            let is_wanted = plan.copies > 0 && door == Door::Main && share.is_there();
            is_wanted && share.revision != arm.revision && lock(&self.dealer).copy()
        });
        let (arm, copy) = (arm.clone(), copy.cloned());
        Some(Choice { arm, visit: Visit::new(endpoint), session, is_new_session, copy })
    }

    fn deal<'p>(&self, plan: &'p Plan, headers: &HeaderMap) -> Option<(&'p Arc<Arm>, Option<Session>, bool)> {
        let active = plan.active.as_ref()?;
        let share = plan.share.as_ref().filter(|share| share.is_there());
        if let Some(share) = share
            && plan.matchers.any(headers)
        {
            return Some(self.sent(plan, share, headers));
        }
        // A version without weight keeps nobody.
        let weighted = share.filter(|_| plan.weight > 0);
        let Some(sessions) = &self.sessions else {
            let dealt = weighted.filter(|_| lock(&self.dealer).share());
            return Some((dealt.unwrap_or(active), None, false));
        };
        if let Some(session) = sessions.read(headers) {
            let has = |arm: &&Arc<Arm>| arm.digest == session.version;
            if let Some(share) = weighted.filter(has) {
                return Some((share, Some(session), false));
            }
            if has(&active) && (plan.weight < 100 || weighted.is_none()) {
                return Some((active, Some(session), false));
            }
        }
        let mut dealer = lock(&self.dealer);
        let arm = weighted.filter(|_| dealer.share()).unwrap_or(active);
        let session = Session { id: dealer.session(), epoch: plan.epoch, version: arm.digest };
        Some((arm, Some(session), true))
    }

    /// A request that what it carries leads to a version: its user has a session there, so that a test can
    /// count users.
    fn sent<'p>(
        &self,
        plan: &Plan,
        arm: &'p Arc<Arm>,
        headers: &HeaderMap,
    ) -> (&'p Arc<Arm>, Option<Session>, bool) {
        let Some(sessions) = &self.sessions else { return (arm, None, false) };
        match sessions.read(headers).filter(|session| session.version == arm.digest) {
            Some(session) => (arm, Some(session), false),
            None => {
                let id = lock(&self.dealer).session();
                (arm, Some(Session { id, epoch: plan.epoch, version: arm.digest }), true)
            }
        }
    }

    /// An endpoint for a copy, or another one for a request that could not be sent: of the same version, as it is
    /// now.
    pub(super) fn choose_again(&self, arm: &Arm, avoided: Option<&Endpoint>) -> Option<Visit> {
        // Held until the visit is counted: see `set`.
        let plan = self.plan.read().unwrap_or_else(PoisonError::into_inner);
        let current = plan.arms().find(|one| one.revision == arm.revision)?;
        current.endpoint(self.ticks.now(), avoided).map(Visit::new)
    }

    /// The line that tells a client its new session.
    pub(super) fn cookie(&self, session: Session) -> Option<hyper::header::HeaderValue> {
        self.sessions.as_ref()?.line(session)
    }

    pub(super) fn in_flight(&self, address: SocketAddr) -> u64 {
        lock(&self.endpoints).known(address).map_or(0, |endpoint| endpoint.in_flight())
    }

    pub(super) fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        lock(&self.endpoints).all()
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let meters = lock(&self.meters).clone();
        let versions = meters.into_iter().map(|(revision, meter)| (revision, meter.counts())).collect();
        Snapshot { versions, without_target: self.totals.without_target.load(Ordering::Relaxed) }
    }

    /// Takes note of the time.
    pub(super) fn tick(&self) {
        self.ticks.set(clock::monotonic().saturating_duration_since(self.started));
    }

    pub(super) fn is_hard_pressed(&self) -> bool {
        let open = self.totals.connections.load(Ordering::Relaxed);
        open * 10 >= self.settings.limits.connections * 9
    }
}
