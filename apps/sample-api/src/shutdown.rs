//! The life of an instance and its end: starting, ready, draining, stopping.
//!
//! Invariant: the phase only moves forward. A stop first takes the instance out of rotation
//! (readiness answers 503 while it still serves), waits for the drain, and only then closes the
//! listening socket, so that a balancer has time to look elsewhere and no request is refused.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;

/// Where an instance stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Listening, but not yet ready for traffic.
    Starting,
    /// Ready for traffic.
    Ready,
    /// Told to stop: still serving, no longer ready.
    Draining,
    /// No longer listening; requests in flight finish.
    Stopping,
}

impl Phase {
    /// The word for people and probes.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
        }
    }
}

/// The phase of one instance, shared between its routes and its supervisor.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    phase: watch::Sender<Phase>,
}

impl Lifecycle {
    /// A new instance, starting.
    #[must_use]
    pub fn new() -> Self {
        Self { phase: watch::Sender::new(Phase::Starting) }
    }

    /// The phase now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits until the phase is `phase` or a later one.
    pub async fn reached(&self, phase: Phase) {
        // The sender lives as long as `self`, so the channel cannot close while we wait.
        let mut receiver = self.phase.subscribe();
        let _ = receiver.wait_for(|current| *current >= phase).await;
    }

    fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|current| {
            let forward = to > *current;
            if forward {
                *current = to;
            }
            forward
        });
    }

    /// Leads the instance through its life; ends when it must no longer listen.
    pub async fn supervise<S>(self, timing: Timing, stop: S)
    where
        S: Future<Output = ()> + Send,
    {
        tokio::pin!(stop);
        tokio::select! {
            () = &mut stop => {}
            () = sleep(timing.ready_delay) => {
                self.advance(Phase::Ready);
                stop.await;
            }
        }
        self.advance(Phase::Draining);
        sleep(timing.drain).await;
        self.advance(Phase::Stopping);
    }
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}

/// How long the phases last.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// From the start until ready.
    pub ready_delay: Duration,
    /// From the order to stop until the socket closes.
    pub drain: Duration,
}

/// The signals that end the service.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Takes over TERM and INT, from now on.
    ///
    /// # Errors
    ///
    /// When the operating system refuses the handlers.
    pub fn install() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one and gives its number.
    pub async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const TIMING: Timing = Timing { ready_delay: Duration::from_secs(5), drain: Duration::from_secs(3) };

    #[tokio::test(start_paused = true)]
    async fn ready_comes_after_its_delay_and_not_before() {
        let life = Lifecycle::new();
        let start = tokio::time::Instant::now();
        tokio::spawn(life.clone().supervise(TIMING, pending()));
        assert_eq!(life.phase(), Phase::Starting);
        life.reached(Phase::Ready).await;
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_drains_before_it_stops() {
        let life = Lifecycle::new();
        let start = tokio::time::Instant::now();
        let stop = sleep(Duration::from_secs(10));
        tokio::spawn(life.clone().supervise(TIMING, stop));
        life.reached(Phase::Draining).await;
        assert_eq!((life.phase(), start.elapsed()), (Phase::Draining, Duration::from_secs(10)));
        life.reached(Phase::Stopping).await;
        assert_eq!(start.elapsed(), Duration::from_secs(13));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_before_ready_never_becomes_ready() {
        let life = Lifecycle::new();
        let start = tokio::time::Instant::now();
        life.clone().supervise(TIMING, ready(())).await;
        assert_eq!((life.phase(), start.elapsed()), (Phase::Stopping, Duration::from_secs(3)));
    }

    #[test]
    fn the_phase_never_moves_back() {
        let life = Lifecycle::new();
        life.advance(Phase::Draining);
        life.advance(Phase::Ready);
        assert_eq!(life.phase(), Phase::Draining);
    }
}
