//! Notices: events go into a queue for each receiver and out of it one by one, as often as it takes.
//!
//! Who tells never waits and never fails. Receivers know nothing of each other: one that hangs holds up
//! its own notices alone.

use super::event::Event;
use super::format;
use super::http::{Fault, JSON, Post, Reply, post};
use super::queue::{Queue, Waiting};
use super::retry::{Limits, Outcome, may_do_later, outcome, pause};
use super::secret::{Secret, SecretFault};
use crate::clock;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use taskmaster_delivery::spec::{Event as Kind, Format, Notice, Text};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Where PagerDuty takes events, unless another place is named.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// So much of an answer is read: it is for people who look for a fault.
pub(super) const LONGEST_ANSWER: usize = 8 * 1024;

/// A receiver that can be told: nothing of it has to be looked up any more.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// In what form it is told.
    pub format: Format,
    /// Where.
    pub url: Secret,
    /// Of what.
    pub events: BTreeSet<Kind>,
    /// Signs what it is told, or is part of it.
    pub key: Option<Secret>,
}

impl Hook {
    /// Looks up what a notice refers to; files are relative to `folder`.
    ///
    /// # Errors
    /// A reference that leads to nothing.
    pub fn read(
        notice: &Notice,
        folder: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SecretFault> {
        let usual = Text::Literal(PAGERDUTY.to_owned());
        Ok(Self {
            name: notice.name.clone(),
            format: notice.format,
            url: Secret::read(notice.url.as_ref().unwrap_or(&usual), folder, env)?,
            events: notice.events.clone(),
            key: notice.secret.as_ref().map(|key| Secret::read(key, folder, env)).transpose()?,
        })
    }
}

/// How it goes with a receiver.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HookState {
    /// Its name.
    pub name: String,
    /// In what form it is told.
    pub format: Format,
    /// Events that wait, the one at hand among them.
    pub waiting: usize,
    /// Events that it has.
    pub sent: u64,
    /// Events that were given up after trying.
    pub failed: u64,
    /// Events for which there was no room, or no time at the end.
    pub dropped: u64,
    /// Tries of the event at hand that came to nothing.
    pub tries: u32,
    /// What came of the last try: nothing where it was well.
    pub fault: Option<String>,
    /// When the last try ended.
    pub last: Option<Timestamp>,
}

/// Tells receivers.
#[derive(Debug)]
pub struct Notifier {
    lanes: Vec<Arc<Lane>>,
    workers: JoinSet<()>,
    ending: watch::Sender<bool>,
}

/// One receiver.
#[derive(Debug)]
struct Lane {
    hook: Hook,
    limits: Limits,
    inner: Mutex<Inner>,
    wake: tokio::sync::Notify,
}

/// What changes; it is never locked while something is awaited.
#[derive(Debug)]
struct Inner {
    queue: Queue,
    state: HookState,
    is_busy: bool,
}

impl Notifier {
    /// Begins; within a runtime.
    pub fn start(hooks: Vec<Hook>) -> Self {
        Self::with(hooks, Limits::default())
    }

    /// Begins with other bounds; within a runtime.
    pub fn with(hooks: Vec<Hook>, limits: Limits) -> Self {
        let (ending, ends) = watch::channel(false);
        let lanes: Vec<_> = hooks.into_iter().map(|hook| Arc::new(Lane::new(hook, limits))).collect();
        let mut workers = JoinSet::new();
        for lane in &lanes {
            workers.spawn(work(Arc::clone(lane), ends.clone()));
        }
        Self { lanes, workers, ending }
    }

    /// Tells those who want to know of this kind of event. It does not wait. True where nothing was lost
    /// for want of room.
    pub fn tell(&self, event: Event) -> bool {
        // What waits is bounded in size as well.
        let event = event.tidy();
        let wanting = self.lanes.iter().filter(|lane| lane.hook.events.contains(&event.what));
        let fits: Vec<bool> = wanting.map(|lane| lane.take(event.clone())).collect();
        fits.into_iter().all(|fits| fits)
    }

    /// How it goes with each receiver.
    pub fn state(&self) -> Vec<HookState> {
        self.lanes.iter().map(|lane| lane.state()).collect()
    }

    /// Tells what waits, at most so long, and ends. What is left is dropped.
    pub async fn stop(mut self, within: Duration) -> Vec<HookState> {
        self.ending.send_replace(true);
        let all = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(within, all).await.is_err() {
            self.workers.shutdown().await;
        }
        self.lanes.iter().for_each(|lane| lane.close());
        self.state()
    }
}

impl Lane {
    fn new(hook: Hook, limits: Limits) -> Self {
        let state = HookState {
            name: hook.name.clone(),
            format: hook.format,
            waiting: 0,
            sent: 0,
            failed: 0,
            dropped: 0,
            tries: 0,
            fault: None,
            last: None,
        };
        let inner = Inner { queue: Queue::new(limits.queue), state, is_busy: false };
        Self { hook, limits, inner: Mutex::new(inner), wake: tokio::sync::Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, event: Event) -> bool {
        let mut inner = self.lock();
        let fits = inner.queue.push(event, clock::monotonic());
        inner.state.dropped += u64::from(!fits);
        drop(inner);
        self.wake.notify_one();
        fits
    }

    fn state(&self) -> HookState {
        let inner = self.lock();
        HookState { waiting: inner.queue.len() + usize::from(inner.is_busy), ..inner.state.clone() }
    }

    fn next(&self) -> Option<Waiting> {
        let mut inner = self.lock();
        let next = inner.queue.pop();
        inner.is_busy = next.is_some();
        inner.state.tries = 0;
        next
    }

    /// Notes what a try came to; true where the event is done with.
    fn note(&self, outcome: &Outcome, is_last: bool) -> bool {
        let mut inner = self.lock();
        let state = &mut inner.state;
        state.last = Some(clock::now());
        let is_done = match outcome {
            Outcome::Sent => {
                state.sent += 1;
                state.fault = None;
                true
            }
            Outcome::Again { why, .. } | Outcome::Never { why } => {
                let is_done = is_last || matches!(outcome, Outcome::Never { .. });
                state.tries += 1;
                state.failed += u64::from(is_done);
                state.fault = Some(why.clone());
                is_done
            }
        };
        inner.is_busy = !is_done;
        is_done
    }

    /// Gives up what is left.
    fn close(&self) {
        let mut inner = self.lock();
        let mut left = u64::from(std::mem::take(&mut inner.is_busy));
        while inner.queue.pop().is_some() {
            left += 1;
        }
        inner.state.dropped += left;
    }
}

/// Tells one receiver until it ends and nothing waits.
async fn work(lane: Arc<Lane>, mut ends: watch::Receiver<bool>) {
    loop {
        // Read before the queue is: nothing is told any more after the end was.
        let is_ending = *ends.borrow_and_update();
        while let Some(waiting) = lane.next() {
            deliver(&lane, &waiting).await;
        }
        if is_ending {
            return;
        }
        tokio::select! {
            () = lane.wake.notified() => {}
            changed = ends.changed() => if changed.is_err() { return },
        }
    }
}

/// Sends an event until the receiver has it, refuses it, or nobody needs it any more.
async fn deliver(lane: &Lane, waiting: &Waiting) {
    let (hook, limits) = (&lane.hook, &lane.limits);
    let Some(body) = format::body(hook.format, &waiting.event, hook.key.as_ref()) else {
        lane.lock().is_busy = false;
        return;
    };
    let body = zeroize::Zeroizing::new(body.to_string());
    for tried in 1..=limits.tries.max(1) {
        let outcome = outcome(&send(lane, &waiting.event, body.as_bytes()).await, may_do_later);
        let after = match &outcome {
            Outcome::Again { after, .. } => *after,
            Outcome::Sent | Outcome::Never { .. } => None,
        };
        let pause = pause(limits, tried, after, &waiting.event.id);
        let age = clock::monotonic().saturating_duration_since(waiting.since);
        let is_last = tried >= limits.tries || age.saturating_add(pause) > limits.lifetime;
        let is_done = lane.note(&outcome, is_last);
        log(hook, &waiting.event, &outcome, is_done);
        if is_done {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}

async fn send(lane: &Lane, event: &Event, body: &[u8]) -> Result<Reply, Fault> {
    let hook = &lane.hook;
    let headers = [("X-Taskmaster-Delivery", event.id.as_str())];
    let is_signed = format::is_signed(hook.format);
    post(&Post {
        url: &hook.url,
        key: hook.key.as_ref(),
        is_signed,
        headers: if is_signed { &headers } else { &[] },
        secret_headers: &[],
        content_type: JSON,
        body,
        timeout: lane.limits.timeout,
        limit: LONGEST_ANSWER,
    })
    .await
}

/// Says what came of a try, without a word of where it went.
fn log(hook: &Hook, event: &Event, outcome: &Outcome, is_done: bool) {
    let (name, kind, rollout) = (&hook.name, event.what, &event.rollout);
    match outcome {
        Outcome::Sent => tracing::debug!(hook = name, ?kind, rollout, "a notice was sent"),
        Outcome::Again { why, .. } | Outcome::Never { why } if is_done => {
            tracing::warn!(hook = name, ?kind, rollout, why, "a notice was given up");
        }
        Outcome::Again { why, .. } | Outcome::Never { why } => {
            tracing::debug!(hook = name, ?kind, rollout, why, "a notice is sent again");
        }
    }
}
