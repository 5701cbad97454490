//! Time limits without a timer for each request.
//!
//! Whoever waits says for what ([`Watch::wait`]), which is a store. Every tenth of a second one task of the
//! thread looks at all watches, marks those that waited too long and wakes them; what a mark means is told by
//! the one that waits. A timer for each request would cost more than the request's parsing.

use super::settings::Limits;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

/// Time between two looks.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// Ticks that connections without a request have while there are too many, and those that had their last.
const HARD_PRESSED: u32 = 10;

/// Ticks since the proxy started, as of the last look.
#[derive(Clone, Debug, Default)]
pub(super) struct Ticks(Arc<AtomicU32>);

impl Ticks {
    pub(super) fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, since_start: Duration) {
        let ticks = since_start.as_millis() / TICK.as_millis();
        self.0.store(u32::try_from(ticks).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

/// Ticks that a time takes, at least one.
pub(super) fn ticks(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u32::MAX).max(1)
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Waiting {
    /// The first byte of a new connection.
    Fresh,
    /// The rest of a request's head.
    Head,
    /// The next request.
    Idle,
    /// The requests of a multiplexed connection, which have watches of their own.
    Streams,
    /// The client sends its request's body.
    Upload,
    /// The service begins its answer.
    Answer,
    /// The service goes on with its answer.
    Body,
    /// The client takes what the service sent.
    Client,
    /// Either side of an upgraded connection sends.
    Tunnel,
    /// The client closes a connection on which it had the last answer.
    Farewell,
    /// The client of a multiplexed connection hears that it ends.
    Leaving,
}

const ALL: [Waiting; 11] = [
    Waiting::Fresh,
    Waiting::Head,
    Waiting::Idle,
    Waiting::Streams,
    Waiting::Upload,
    Waiting::Answer,
    Waiting::Body,
    Waiting::Client,
    Waiting::Tunnel,
    Waiting::Farewell,
    Waiting::Leaving,
];

/// How long each of them may take, in ticks.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    head: u32,
    idle: u32,
    stall: u32,
    answer: u32,
    silence: u32,
    tunnel: u32,
}

impl Patience {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            head: ticks(limits.head_time),
            idle: ticks(limits.idle),
            stall: ticks(limits.stall),
            answer: ticks(limits.answer),
            silence: ticks(limits.silence),
            tunnel: ticks(limits.tunnel),
        }
    }

    fn with(&self, waiting: Waiting, is_hard_pressed: bool) -> u32 {
        let least = |limit: u32| if is_hard_pressed { limit.min(HARD_PRESSED) } else { limit };
        match waiting {
            Waiting::Fresh | Waiting::Head => least(self.head),
            Waiting::Idle => least(self.idle),
            Waiting::Streams => u32::MAX,
            Waiting::Upload | Waiting::Client => self.stall,
            Waiting::Answer => self.answer,
            Waiting::Body => self.silence,
            Waiting::Tunnel => self.tunnel,
            Waiting::Farewell | Waiting::Leaving => HARD_PRESSED,
        }
    }
}

/// One that waits: a connection, or a request of a multiplexed one.
#[derive(Debug)]
pub(super) struct Watch {
    ticks: Ticks,
    waiting: AtomicU8,
    since: AtomicU32,
    /// Since when the client takes nothing, plus one; 0 while it does.
    blocked: AtomicU32,
    is_over: AtomicBool,
    /// The last bytes of the client are a part of a request's head.
    has_begun: AtomicBool,
    waker: Mutex<Option<Waker>>,
    /// The connection of a request; open requests on it are counted.
    parent: Option<Arc<Watch>>,
    streams: AtomicU32,
}

impl Watch {
    pub(super) fn new(ticks: Ticks, waiting: Waiting, parent: Option<Arc<Self>>) -> Self {
        let since = AtomicU32::new(ticks.now());
        let waiting = AtomicU8::new(waiting as u8);
        let (blocked, streams) = (AtomicU32::new(0), AtomicU32::new(0));
        let (is_over, has_begun, waker) = (AtomicBool::new(false), AtomicBool::new(false), Mutex::new(None));
        Self { ticks, waiting, since, blocked, is_over, has_begun, waker, parent, streams }
    }

    pub(super) fn waiting(&self) -> Waiting {
        let at = usize::from(self.waiting.load(Ordering::Relaxed));
        ALL.get(at).copied().unwrap_or(Waiting::Idle)
    }

    /// Something else is waited for: a mark for what was waited for before is none any more.
    pub(super) fn wait(&self, waiting: Waiting) {
        self.waiting.store(waiting as u8, Ordering::Relaxed);
        self.moved();
    }

    /// The next request is waited for. A part of its head may be there already.
    pub(super) fn rest(&self) {
        let has_begun = self.has_begun.load(Ordering::Relaxed);
        self.wait(if has_begun { Waiting::Head } else { Waiting::Idle });
    }

    /// The client sent a part of a head, or the end of it.
    pub(super) fn head(&self, has_begun: bool) {
        self.has_begun.store(has_begun, Ordering::Relaxed);
    }

    /// The client sent something. A head has one limit for the whole of it.
    pub(super) fn received(&self) {
        match self.waiting() {
            Waiting::Head | Waiting::Streams | Waiting::Farewell | Waiting::Leaving => {}
            Waiting::Fresh | Waiting::Idle => self.wait(Waiting::Head),
            _ => self.moved(),
        }
    }

    /// The client took something.
    pub(super) fn sent(&self) {
        self.blocked.store(0, Ordering::Relaxed);
        // The end of an answer may be on its way when the next request is waited for already.
        if matches!(self.waiting(), Waiting::Client | Waiting::Idle) {
            self.moved();
        }
    }

    /// What is waited for goes on.
    pub(super) fn moved(&self) {
        self.since.store(self.ticks.now(), Ordering::Relaxed);
        self.pardon();
    }

    /// The client takes nothing.
    pub(super) fn blocked(&self) {
        let now = self.ticks.now().saturating_add(1);
        let _ = self.blocked.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Takes the mark away: who waited deals with it.
    pub(super) fn pardon(&self) {
        self.is_over.store(false, Ordering::Relaxed);
    }

    /// Wakes the caller's task when the time is over.
    pub(super) fn register(&self, context: &Context<'_>) {
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        match waker.as_mut() {
            Some(known) => known.clone_from(context.waker()),
            None => *waker = Some(context.waker().clone()),
        }
    }

    pub(super) fn wake(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// A request of a multiplexed connection begins.
    pub(super) fn stream_began(&self) {
        self.streams.fetch_add(1, Ordering::Relaxed);
        self.wait(Waiting::Streams);
    }

    /// A request of a multiplexed connection ended.
    pub(super) fn stream_ended(&self) {
        if self.streams.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.wait(Waiting::Idle);
        }
    }

    /// Marks and wakes it where it waited too long.
    pub(super) fn check(&self, patience: &Patience, is_hard_pressed: bool) {
        let now = self.ticks.now();
        let waiting = self.waiting();
        let is_late = |since: u32, limit: u32| now.saturating_sub(since) >= limit;
        let blocked = self.blocked.load(Ordering::Relaxed);
        let is_blocked = blocked > 0 && is_late(blocked - 1, patience.stall);
        if is_blocked && waiting != Waiting::Tunnel {
            self.wait(Waiting::Client);
        } else if !is_late(self.since.load(Ordering::Relaxed), patience.with(waiting, is_hard_pressed)) {
            return;
        }
        self.end();
        // Nobody asks for an answer that its client does not take: only the connection's end ends it.
        if let (Waiting::Client, Some(parent)) = (self.waiting(), &self.parent) {
            parent.wait(Waiting::Client);
            parent.end();
        }
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.wake();
    }
}

/// All that wait on a thread.
#[derive(Debug, Default)]
pub(super) struct Watches(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    all: Vec<Option<Arc<Watch>>>,
    free: Vec<usize>,
}

impl Watches {
    fn places(&self) -> std::sync::MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks after one from now on; gives its place.
    pub(super) fn add(&self, watch: Arc<Watch>) -> usize {
        let mut places = self.places();
        if let Some(place) = places.free.pop()
            && let Some(free) = places.all.get_mut(place)
        {
            *free = Some(watch);
            return place;
        }
        places.all.push(Some(watch));
        places.all.len() - 1
    }

    pub(super) fn remove(&self, place: usize) {
        let mut places = self.places();
        if places.all.get_mut(place).and_then(Option::take).is_some() {
            places.free.push(place);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let places = self.places();
        places.all.len() == places.free.len()
    }

    pub(super) fn check(&self, patience: &Patience, is_hard_pressed: bool) {
        for watch in self.places().all.iter().flatten() {
            watch.check(patience, is_hard_pressed);
        }
    }

    pub(super) fn wake_all(&self) {
        for watch in self.places().all.iter().flatten() {
            watch.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience() -> Patience {
        Patience::new(&Limits {
            head_time: Duration::from_secs(1),
            stall: Duration::from_secs(2),
            ..Limits::default()
        })
    }

    fn at(ticks: &Ticks, tick: u32) {
        ticks.set(TICK * tick);
    }

    #[test]
    fn a_head_has_one_limit_however_often_a_byte_comes() {
        let ticks = Ticks::default();
        let watch = Watch::new(ticks.clone(), Waiting::Idle, None);
        for tick in 0..10 {
            at(&ticks, tick);
            watch.received();
            watch.check(&patience(), false);
            assert!(!watch.is_over(), "at {tick}");
        }
        at(&ticks, 10);
        watch.received();
        watch.check(&patience(), false);
        assert!(watch.is_over());
    }

    #[test]
    fn a_body_may_take_long_as_long_as_it_moves() {
        let ticks = Ticks::default();
        let watch = Watch::new(ticks.clone(), Waiting::Fresh, None);
        watch.wait(Waiting::Upload);
        for tick in (0..200).step_by(19) {
            at(&ticks, tick);
            watch.check(&patience(), false);
            assert!(!watch.is_over());
            watch.received();
        }
        at(&ticks, 230);
        watch.check(&patience(), false);
        assert!(watch.is_over());
    }

    #[test]
    fn who_takes_nothing_is_cut_with_its_connection() {
        let ticks = Ticks::default();
        let parent = Arc::new(Watch::new(ticks.clone(), Waiting::Fresh, None));
        parent.stream_began();
        let watch = Watch::new(ticks.clone(), Waiting::Answer, Some(parent.clone()));
        watch.wait(Waiting::Client);
        at(&ticks, 20);
        parent.check(&patience(), true);
        assert!(!parent.is_over(), "open requests have limits of their own");
        watch.check(&patience(), false);
        assert!(watch.is_over() && parent.is_over());

        let blocked = Watch::new(ticks.clone(), Waiting::Body, None);
        blocked.blocked();
        at(&ticks, 39);
        blocked.blocked();
        blocked.check(&patience(), false);
        assert!(!blocked.is_over());
        at(&ticks, 40);
        blocked.check(&patience(), false);
        assert!(blocked.is_over() && blocked.waiting() == Waiting::Client);
    }

    #[test]
    fn too_many_connections_have_less_time_without_a_request() {
        let ticks = Ticks::default();
        let idle = Watch::new(ticks.clone(), Waiting::Idle, None);
        let busy = Watch::new(ticks.clone(), Waiting::Answer, None);
        at(&ticks, 10);
        for watch in [&idle, &busy] {
            watch.check(&patience(), true);
        }
        assert!(idle.is_over() && !busy.is_over());
    }

    #[test]
    fn a_mark_is_for_what_was_waited_for() {
        let ticks = Ticks::default();
        let watch = Watch::new(ticks.clone(), Waiting::Upload, None);
        at(&ticks, 20);
        watch.check(&patience(), false);
        assert!(watch.is_over());
        watch.wait(Waiting::Answer);
        assert!(!watch.is_over());
        watch.wait(Waiting::Upload);
        at(&ticks, 40);
        watch.check(&patience(), false);
        assert!(watch.is_over());
        watch.received();
        assert!(!watch.is_over());
    }

    #[test]
    fn a_head_that_came_early_has_the_time_of_a_head() {
        let ticks = Ticks::default();
        let watch = Watch::new(ticks, Waiting::Answer, None);
        watch.head(true);
        watch.rest();
        assert_eq!(watch.waiting(), Waiting::Head);
        watch.head(false);
        watch.rest();
        assert_eq!(watch.waiting(), Waiting::Idle);
    }

    #[test]
    fn places_are_used_again() {
        let watches = Watches::default();
        let one = || Arc::new(Watch::new(Ticks::default(), Waiting::Fresh, None));
        let (first, second) = (watches.add(one()), watches.add(one()));
        watches.remove(first);
        watches.remove(first);
        assert_eq!(watches.add(one()), first);
        watches.remove(first);
        assert!(!watches.is_empty());
        watches.remove(second);
        assert!(watches.is_empty());
    }
}
