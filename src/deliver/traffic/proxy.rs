//! The handle of a running proxy.

use super::deal;
use super::exposition;
use super::meter::Snapshot;
use super::settings::{Door, Settings, Table};
use super::shared::Shared;
use super::worker::{self, Stage, Worker};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// A running proxy. It ends when it is stopped, and when the last handle is dropped.
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    stage: watch::Sender<Stage>,
    threads: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

impl Inner {
    fn come_to(&self, next: Stage) {
        self.stage.send_if_modified(|stage| stage.come_to(next));
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.come_to(Stage::Ended);
    }
}

impl Proxy {
    /// Starts the threads of a proxy: they serve what comes in by the doors.
    ///
    /// # Errors
    /// Where a listener, a thread or its runtime cannot be made, or the system has no random numbers.
    pub fn start(
        settings: Settings,
        doors: Vec<(Door, std::net::TcpListener)>,
        table: Table,
    ) -> io::Result<Self> {
        let count = settings.limits.threads.max(1);
        let shared = Arc::new(Shared::new(settings, table, &deal::seed()?));
        let (stage, _) = watch::channel(Stage::Serving);
        let inner = Inner { shared, stage, threads: std::sync::Mutex::default() };
        let proxy = Self(Arc::new(inner));
        for thread in 0..count {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
            let listeners = listeners(&runtime, &doors)?;
            proxy.carry(thread, runtime, listeners)?;
        }
        // Each thread has handles of its own: with the last of them nobody listens.
        drop(doors);
        Ok(proxy)
    }

    fn carry(&self, thread: usize, runtime: Runtime, doors: Vec<(Door, TcpListener)>) -> io::Result<()> {
        let worker = Arc::new(Worker::new(thread, self.0.shared.clone()));
        let stage = self.0.stage.subscribe();
        let name = format!("proxy-{thread}");
        let carry = move || worker::run(&worker, &runtime, doors, stage);
        let handle = std::thread::Builder::new().name(name).spawn(carry)?;
        self.threads().push(handle);
        Ok(())
    }

    fn threads(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.0.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Replaces the table at once: every request that comes after this returns goes by the new one. Those that
    /// are under way end where they began.
    pub fn set(&self, table: Table) {
        self.0.shared.set(table);
    }

    /// The table by which requests go now.
    pub fn table(&self) -> Arc<Table> {
        self.0.shared.plan().table.clone()
    }

    /// What was counted since the start.
    pub fn snapshot(&self) -> Snapshot {
        self.0.shared.snapshot()
    }

    /// Requests, copies and upgraded connections at an endpoint that have not ended. Where a table without the
    /// endpoint was set before, 0 is final.
    pub fn in_flight(&self, at: SocketAddr) -> u64 {
        self.0.shared.in_flight(at)
    }

    /// What was counted, as text for Prometheus.
    pub fn metrics(&self) -> String {
        exposition::text(&self.0.shared)
    }

    /// Stops: nobody is accepted any more, requests that are under way end, for so long at most. Other handles
    /// tell what was counted still.
    pub async fn stop(self, grace: Duration) {
        let shared = &self.0.shared;
        shared.is_stopping.store(true, Ordering::Release);
        self.0.come_to(Stage::Closing);
        let quiet = async {
            loop {
                let told = shared.quiet.notified();
                if shared.totals.connections.load(Ordering::Acquire) == 0 {
                    return;
                }
                told.await;
            }
        };
        // What is not over by then is cut.
        let _ = tokio::time::timeout(grace, quiet).await;
        self.0.come_to(Stage::Ended);
        let threads = std::mem::take(&mut *self.threads());
        let joined =
            tokio::task::spawn_blocking(move || threads.into_iter().for_each(|one| drop(one.join())));
        let _ = joined.await;
    }
}

fn listeners(
    runtime: &Runtime,
    doors: &[(Door, std::net::TcpListener)],
) -> io::Result<Vec<(Door, TcpListener)>> {
    let _context = runtime.enter();
    let listener = |(door, listener): &(Door, std::net::TcpListener)| {
        let listener = listener.try_clone()?;
        listener.set_nonblocking(true)?;
        Ok((*door, TcpListener::from_std(listener)?))
    };
    doors.iter().map(listener).collect()
}
