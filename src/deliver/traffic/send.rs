//! Gets a request to its service: on a connection that waits, else on a new one.

use super::endpoint::Visit;
use super::plan::Arm;
use super::reply::Why;
use super::shared::count;
use super::upload::Outgoing;
use super::upstream::{Asked, Upstream};
use super::watch::Watch;
use super::worker::Worker;
use hyper::body::Incoming;
use hyper::{Request, Response};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Between two tries to get a descriptor.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(20);

/// What is done for a request before it is given up.
pub(super) struct Effort {
    /// Most endpoints that are asked.
    endpoints: usize,
    /// Most connections that turn out to be closed.
    stale: usize,
    /// Waits for a descriptor.
    waits: usize,
}

impl Effort {
    pub(super) const REQUEST: Self = Self { endpoints: 3, stale: 3, waits: 50 };
    /// A copy is worth no more, and nobody else is closed or asked for it.
    pub(super) const COPY: Self = Self { endpoints: 1, stale: 1, waits: 0 };
}

/// Sends a request. Another endpoint, or another connection, is tried only where nothing was sent.
pub(super) async fn send(
    worker: &Arc<Worker>,
    arm: &Arm,
    visit: &mut Visit,
    mut request: Request<Outgoing>,
    watch: &Watch,
    effort: &Effort,
) -> Result<(Box<Upstream>, Response<Incoming>), Why> {
    let shared = &worker.shared;
    let (mut refusals, mut stale) = (0, 0);
    loop {
        let endpoint = visit.0.clone();
        let waiting = if stale < effort.stale { endpoint.take(worker.thread) } else { None };
        let is_new = waiting.is_none();
        let connected = match waiting {
            Some(upstream) => {
                upstream.rouse(shared.ticks.now());
                Ok(upstream)
            }
            None => connect(worker, visit, effort.waits).await,
        };
        let why = match connected {
            Ok(mut upstream) => match upstream.ask(request, watch).await {
                Asked::Answer(answer) => return Ok((upstream, answer)),
                Asked::Broken => return Err(Why::Broken),
                Asked::Late(why) => return Err(why),
                Asked::NotSent(back) => {
                    request = back;
                    Why::Broken
                }
            },
            Err(why) => why,
        };
        count(&shared.totals.retried);
        if !is_new {
            // Whatever closed this one closed the others.
            endpoint.forget(worker.thread);
            stale += 1;
            continue;
        }
        refusals += 1;
        endpoint.refused(shared.ticks.now());
        let is_other = |visit: &Visit| visit.0.address != endpoint.address;
        let may = why != Why::Exhausted && refusals < effort.endpoints.min(arm.endpoint_count().max(1));
        match shared.choose_again(arm, Some(&endpoint)).filter(|visit| may && is_other(visit)) {
            Some(other) => *visit = other,
            None => return Err(why),
        }
    }
}

/// A new connection. Where the proxy itself has nothing left, others are closed and it waits for a while.
async fn connect(worker: &Arc<Worker>, visit: &Visit, waits: usize) -> Result<Box<Upstream>, Why> {
    for left in (0..=waits).rev() {
        let within = worker.shared.settings.limits.connect;
        match Upstream::connect(visit.0.address, within, &worker.to_service).await {
            Ok(upstream) => return Ok(upstream),
            Err(error) if is_exhausted(&error) => {
                count(&worker.shared.totals.exhausted);
                if left > 0 {
                    worker.relieve();
                    tokio::time::sleep(EXHAUSTED_WAIT).await;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(Why::ConnectTime),
            Err(_) => return Err(Why::Unreachable),
        }
    }
    Err(Why::Exhausted)
}

/// True where the proxy or the system has no descriptor, no memory or no port left.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let ours = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
    error.raw_os_error().is_some_and(|code| ours.iter().any(|errno| errno.raw_os_error() == code))
}
