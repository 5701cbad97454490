//! The proxy of one rollout, and the one before it where its settings changed.

use super::service::replica::InFlight;
use crate::deliver::backend::local::tally::Tally;
use crate::deliver::traffic::{Door, Proxy, Settings, Table};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a proxy that is replaced may take to end what it carries.
const REPLACED: Duration = Duration::from_secs(60);

/// The proxies of one rollout. The last one is at work.
#[derive(Default)]
pub struct Gateway {
    proxies: Proxies,
    settings: Option<Settings>,
    doors: Vec<SocketAddr>,
    table: Table,
}

#[derive(Clone, Default)]
struct Proxies(Arc<Mutex<Vec<Proxy>>>);

impl Proxies {
    fn lock(&self) -> MutexGuard<'_, Vec<Proxy>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gateway {
    /// Requests in flight to an address, over all proxies.
    pub fn in_flight(&self) -> InFlight {
        let proxies = self.proxies.clone();
        Arc::new(move |at| proxies.lock().iter().map(|proxy| proxy.in_flight(at)).sum())
    }

    /// Opens it at these doors, unless it is open so already. One that is open otherwise carries what it has
    /// to its end; `ended` gets what it counted.
    ///
    /// # Errors
    /// The system's.
    pub fn open(
        &mut self,
        settings: Settings,
        doors: Vec<(Door, TcpListener)>,
        ended: impl FnOnce(Tally) + Send + 'static,
    ) -> io::Result<()> {
        let at = doors.iter().map(|(_, door)| door.local_addr()).collect::<io::Result<Vec<_>>>()?;
        if self.is_open()
            && self.doors == at
            && self.settings.as_ref().is_some_and(|now| is_same(now, &settings))
        {
            return Ok(());
        }
        let proxy = Proxy::start(settings.clone(), doors, self.table.clone())?;
        let before = std::mem::replace(&mut *self.proxies.lock(), vec![proxy]).pop();
        (self.settings, self.doors) = (Some(settings), at);
        if let Some(proxy) = before {
            ended(Tally::of(&proxy.snapshot()));
            tokio::spawn(proxy.stop(REPLACED));
        }
        Ok(())
    }

    /// True while it takes requests.
    pub fn is_open(&self) -> bool {
        !self.proxies.lock().is_empty()
    }

    /// From now on requests go so. True where that is news.
    pub fn set(&mut self, table: Table) -> bool {
        if self.table == table {
            return false;
        }
        for proxy in self.proxies.lock().iter() {
            proxy.set(table.clone());
        }
        self.table = table;
        true
    }

    /// What was counted by the proxy at work.
    pub fn counted(&self) -> Tally {
        self.proxies.lock().last().map(|proxy| Tally::of(&proxy.snapshot())).unwrap_or_default()
    }

    /// Takes no more requests and ends those in flight, at most so long. Returns what was counted.
    pub async fn close(&mut self, within: Duration) -> Tally {
        let proxies = std::mem::take(&mut *self.proxies.lock());
        let mut counted = Tally::default();
        for proxy in proxies {
            counted = counted.plus(&Tally::of(&proxy.snapshot()));
            proxy.stop(within).await;
        }
        (self.settings, self.doors) = (None, Vec::new());
        counted
    }
}

fn is_same(now: &Settings, new: &Settings) -> bool {
    now.sticky == new.sticky
        && now.bounds_ms == new.bounds_ms
        && now.limits == new.limits
        && now.seed == new.seed
        && now.service == new.service
}
