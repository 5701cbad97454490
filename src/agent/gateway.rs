//! The proxy of one rollout, and those before it that its settings have replaced.

use super::doors::Which;
use super::service::replica::InFlight;
use crate::deliver::backend::local::tally::Tally;
use crate::deliver::traffic::{Door, Proxy, Settings, Table, serve_metrics};
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long a proxy that is replaced may take to end what it carries.
const REPLACED: Duration = Duration::from_secs(60);

/// The proxies of one rollout.
#[derive(Default)]
pub struct Gateway {
    proxies: Proxies,
    settings: Option<Settings>,
    doors: Vec<SocketAddr>,
    table: Table,
    /// Serves what the proxy at work has counted.
    metrics: Option<JoinHandle<()>>,
}

#[derive(Clone, Default)]
struct Proxies(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// By their numbers. The last one is at work, the others end what they carry.
    all: BTreeMap<u64, Proxy>,
    /// Proxies so far.
    count: u64,
    /// What those have counted that are gone.
    gone: Tally,
}

impl Proxies {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a proxy in its own time. Until then it counts, and is asked what it has in flight.
    async fn retire(self, number: u64, proxy: Proxy) {
        proxy.clone().stop(REPLACED).await;
        let mut inner = self.lock();
        if inner.all.remove(&number).is_some() {
            inner.gone = inner.gone.plus(&Tally::of(&proxy.snapshot()));
        }
    }
}

impl Inner {
    fn counted(&self) -> Tally {
        self.all.values().fold(self.gone.clone(), |sum, proxy| sum.plus(&Tally::of(&proxy.snapshot())))
    }
}

impl Gateway {
    /// Requests in flight to an address, over all proxies.
    pub fn in_flight(&self) -> InFlight {
        let proxies = self.proxies.clone();
        Arc::new(move |at| proxies.lock().all.values().map(|proxy| proxy.in_flight(at)).sum())
    }

    /// Opens it at these doors, unless it is open so already. One that is open otherwise carries what it has
    /// to its end.
    ///
    /// # Errors
    /// The system's.
    pub fn open(&mut self, settings: Settings, doors: Vec<(Which, TcpListener)>) -> io::Result<()> {
        let at = doors.iter().map(|(_, door)| door.local_addr()).collect::<io::Result<Vec<_>>>()?;
        if self.is_open()
            && self.doors == at
            && self.settings.as_ref().is_some_and(|now| is_same(now, &settings))
        {
            return Ok(());
        }
        let (mut served, mut metrics) = (Vec::new(), None);
        for (which, door) in doors {
            match which {
                Which::Main => served.push((Door::Main, door)),
                Which::Preview => served.push((Door::Preview, door)),
                Which::Metrics => metrics = Some(door),
            }
        }
        let proxy = Proxy::start(settings.clone(), served, self.table.clone())?;
        self.end_metrics();
        self.metrics = metrics.map(|door| serve_metrics(door, proxy.clone())).transpose()?;
        (self.settings, self.doors) = (Some(settings), at);
        let mut inner = self.proxies.lock();
        let before = inner.all.last_key_value().map(|(number, proxy)| (*number, proxy.clone()));
        inner.count += 1;
        let number = inner.count;
        inner.all.insert(number, proxy);
        if let Some((number, proxy)) = before {
            tokio::spawn(self.proxies.clone().retire(number, proxy));
        }
        Ok(())
    }

    fn end_metrics(&mut self) {
        if let Some(task) = self.metrics.take() {
            task.abort();
        }
    }

    /// True while it takes requests.
    pub fn is_open(&self) -> bool {
        !self.proxies.lock().all.is_empty()
    }

    /// From now on requests go so. True where that is news.
    pub fn set(&mut self, table: Table) -> bool {
        if self.table == table {
            return false;
        }
        for proxy in self.proxies.lock().all.values() {
            proxy.set(table.clone());
        }
        self.table = table;
        true
    }

    /// What was counted by all proxies since the first one.
    pub fn counted(&self) -> Tally {
        self.proxies.lock().counted()
    }

    /// Takes no more requests and ends those in flight, at most so long.
    pub async fn close(&mut self, within: Duration) {
        self.end_metrics();
        let all: Vec<Proxy> = self.proxies.lock().all.values().cloned().collect();
        let stops = all.into_iter().map(|proxy| tokio::spawn(proxy.stop(within)));
        for stop in stops.collect::<Vec<_>>() {
            let _ = stop.await;
        }
        let mut inner = self.proxies.lock();
        inner.gone = inner.counted();
        inner.all.clear();
        drop(inner);
        (self.settings, self.doors) = (None, Vec::new());
    }
}

fn is_same(now: &Settings, new: &Settings) -> bool {
    now.sticky == new.sticky
        && now.bounds_ms == new.bounds_ms
        && now.limits == new.limits
        && now.seed == new.seed
        && now.service == new.service
}
