//! Sends requests when their turn has come.

use super::client::{Client, Lost};
use super::plan::{Plan, PlanFault};
use super::report::LoadReport;
use super::session::{Ticket, Users};
use super::tally::Tally;
use crate::clock;
use hyper::Uri;
use hyper::header::HeaderValue;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// After so many requests in a row that were late, others get their turn.
const IN_A_ROW: u64 = 64;

/// Load that is under way.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    ending: watch::Sender<bool>,
    done: watch::Receiver<bool>,
    sending: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    plan: Plan,
    client: Client,
    paths: Vec<Uri>,
    users: Mutex<Option<Users>>,
    tally: Mutex<Tally>,
    /// Requests that are under way, those among them that wait for a connection.
    open: AtomicUsize,
    start: Instant,
    end: Mutex<Option<Instant>>,
}

impl Load {
    /// Begins; within a runtime. It ends when its duration is over, when it is stopped, or with this
    /// value.
    ///
    /// # Errors
    /// A plan that cannot be.
    pub fn start(plan: Plan) -> Result<Self, PlanFault> {
        let shared = Arc::new(Shared::new(plan)?);
        let (ending, ends) = watch::channel(false);
        let (tells, done) = watch::channel(false);
        let sending = tokio::spawn(send(Arc::clone(&shared), ends, tells));
        Ok(Self { shared, ending, done, sending })
    }

    /// What came back until now.
    pub fn snapshot(&self) -> LoadReport {
        self.shared.report()
    }

    /// True once the last answer is there.
    pub fn is_over(&self) -> bool {
        *self.done.borrow()
    }

    /// Waits until the duration is over and the last answer is there; for ever where there is none.
    pub async fn ended(&self) {
        // Where it cannot tell any more it has ended as well.
        let _ = self.done.clone().wait_for(|done| *done).await;
    }

    /// Sends nothing more and waits for what is under way, which takes no longer than a request may.
    pub async fn stop(self) -> LoadReport {
        self.ending.send_replace(true);
        self.ended().await;
        self.shared.report()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

impl Shared {
    fn new(plan: Plan) -> Result<Self, PlanFault> {
        if let Some(fault) = plan.fault() {
            return Err(fault);
        }
        let read = |path: &String| path.parse::<Uri>().map_err(|_| PlanFault::Path(path.clone()));
        let paths = if plan.paths.is_empty() { vec![plan.target.path.clone()] } else { plan.paths.clone() };
        let paths: Vec<Uri> = paths.iter().map(read).collect::<Result<_, _>>()?;
        let client = Client::new(plan.target.clone(), plan.version.clone(), plan.connections);
        Ok(Self {
            client: client.ok_or(PlanFault::Url)?,
            paths,
            users: Mutex::new(plan.sessions.map(Users::new)),
            tally: Mutex::new(Tally::default()),
            open: AtomicUsize::new(0),
            start: clock::monotonic(),
            end: Mutex::new(None),
            plan,
        })
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn users(&self) -> MutexGuard<'_, Option<Users>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self) -> LoadReport {
        let end = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = end.unwrap_or_else(clock::monotonic).saturating_duration_since(self.start);
        LoadReport::new(self.plan.target.authority(), self.plan.rate, elapsed, &self.tally())
    }

    /// When a request's turn is, after the start; nothing where the load is over by then, or the world.
    #[expect(clippy::cast_precision_loss, reason = "numbers of requests stay far below 2^53")]
    fn turn(&self, number: u64) -> Option<Duration> {
        let turn = Duration::try_from_secs_f64(number as f64 / self.plan.rate).ok()?;
        let is_time = self.start.checked_add(turn)?.checked_add(self.plan.timeout).is_some();
        (is_time && self.plan.duration.is_none_or(|duration| turn < duration)).then_some(turn)
    }

    fn path(&self, number: u64) -> &Uri {
        let count = self.paths.len() as u64;
        &self.paths[usize::try_from(number % count).unwrap_or(0)]
    }
}

/// Sends until the end, and waits for what is under way.
async fn send(shared: Arc<Shared>, mut ends: watch::Receiver<bool>, done: watch::Sender<bool>) {
    let mut requests = JoinSet::new();
    for number in 0.. {
        let Some(turn) = shared.turn(number) else { break };
        let at = shared.start + turn;
        if at > clock::monotonic() {
            tokio::select! {
                () = tokio::time::sleep_until(at.into()) => {}
                _ = ends.wait_for(|ending| *ending) => break,
            }
        } else if *ends.borrow() {
            break;
        } else if number % IN_A_ROW == 0 {
            tokio::task::yield_now().await;
        }
        begin(&shared, &mut requests, number, turn);
        while requests.try_join_next().is_some() {}
    }
    while requests.join_next().await.is_some() {}
    *shared.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(clock::monotonic());
    done.send_replace(true);
}

/// Begins a request, unless too many wait already.
fn begin(shared: &Arc<Shared>, requests: &mut JoinSet<()>, number: u64, turn: Duration) {
    if shared.open.load(Ordering::Relaxed) >= shared.plan.connections.saturating_mul(2) {
        return shared.tally().missed(turn);
    }
    shared.open.fetch_add(1, Ordering::Relaxed);
    let user = shared.users().as_mut().and_then(|users| users.next(number));
    let (ticket, cookie) = user.unzip();
    requests.spawn(ask(Arc::clone(shared), number, turn, ticket, cookie.flatten()));
}

async fn ask(
    shared: Arc<Shared>,
    number: u64,
    turn: Duration,
    ticket: Option<Ticket>,
    cookie: Option<HeaderValue>,
) {
    let at = shared.start + turn;
    let answer = shared.client.get(shared.path(number), cookie);
    let end = match tokio::time::timeout_at((at + shared.plan.timeout).into(), answer).await {
        Ok(end) => end,
        Err(_) => Err(Lost::Timeout),
    };
    let latency = clock::monotonic().saturating_duration_since(at);
    if let (Ok(answer), Some(ticket), Some(users)) = (&end, ticket, shared.users().as_mut()) {
        users.keep(ticket, &answer.headers);
    }
    shared.tally().note(turn, end.as_ref().map_err(|lost| *lost), latency);
    shared.open.fetch_sub(1, Ordering::Relaxed);
}
