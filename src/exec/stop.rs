//! A person's wish to stop, from signals: gently, hard, at once.
//!
//! Our children lead groups of their own, so a Ctrl-C in the terminal reaches us alone, and they
//! get signals only through us. SIGPIPE needs no handling: Rust programs ignore it, and children
//! get the default back.

use std::io;
use tokio::sync::mpsc;

/// Gives wishes to stop: from a signal handler, or from a test.
#[derive(Clone, Debug)]
pub struct StopSender(mpsc::UnboundedSender<()>);

impl StopSender {
    /// One more Ctrl-C. A run that is over takes no notice.
    pub fn stop(&self) {
        let _ = self.0.send(());
    }
}

/// Where somebody finds the sender of a run that is at work, if one is.
pub type StopSlot = std::sync::Arc<std::sync::Mutex<Option<StopSender>>>;

/// Wishes to stop, one by one: the first means "start nothing new", the second "stop what runs"
/// (TERM, grace, KILL), the third "KILL now".
#[derive(Debug)]
pub struct Stops {
    receiver: mpsc::UnboundedReceiver<()>,
    /// Kept so that the channel never closes.
    _sender: StopSender,
}

impl Stops {
    /// Wishes that come from the sender alone.
    pub fn manual() -> (StopSender, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let sender = StopSender(sender);
        (sender.clone(), Self { receiver, _sender: sender })
    }

    /// Wishes that come from SIGINT, SIGTERM and SIGHUP. A signal that was ignored when we were
    /// started (`nohup`) stays ignored. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// A handler cannot be set.
    pub fn from_signals() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (sender, stops) = Self::manual();
        let ignored = ignored_signals();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let number = kind.as_raw_value();
            if ignored & (1 << (number - 1)) != 0 {
                continue;
            }
            let mut arrivals = signal(kind)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while arrivals.recv().await.is_some() {
                    sender.stop();
                }
            });
        }
        Ok(stops)
    }

    /// One more way to wish.
    pub fn sender(&self) -> StopSender {
        self._sender.clone()
    }

    /// Tells of each wish, for ever.
    pub async fn each(mut self, mut tell: impl FnMut()) {
        loop {
            self.next().await;
            tell();
        }
    }

    /// The next wish.
    pub async fn next(&mut self) {
        if self.receiver.recv().await.is_none() {
            // Cannot be: we hold a sender. Waiting for ever is right all the same.
            std::future::pending::<()>().await;
        }
    }
}

/// The mask of signals that are ignored, from `/proc/self/status`; none elsewhere.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

/// How hard something at work is to be stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hurry {
    /// Not at all.
    #[default]
    None,
    /// TERM, grace, KILL.
    Stop,
    /// KILL.
    Kill,
}

/// Waits until the wish is at least so strong.
pub(super) async fn at_least(wish: &mut tokio::sync::watch::Receiver<Hurry>, hurry: Hurry) {
    if wish.wait_for(|now| *now >= hurry).await.is_err() {
        // Nobody can wish any more.
        std::future::pending::<()>().await;
    }
}
