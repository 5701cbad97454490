//! What wakes a loop that waits, and stops one that works: signals, webhooks, other processes.

use crate::exec::stop::{StopSlot, Stops};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Rung by others; clones are the same bell.
#[derive(Clone, Debug, Default)]
pub struct Bell {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    rung: Mutex<bool>,
    changed: Condvar,
    stop: Arc<AtomicBool>,
    run: StopSlot,
}

impl Bell {
    /// Asks for the next turn now.
    pub fn ring(&self) {
        *self.shared.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.changed.notify_all();
    }

    /// Asks for the end: of git at once, of a run as a Ctrl-C does (the run hears signals by itself).
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.ring();
    }

    /// Lets SIGINT, SIGTERM and SIGHUP ask for the end from now on.
    ///
    /// # Errors
    /// The system gives no thread or no handler.
    pub fn hear_signals(&self) -> std::io::Result<()> {
        let bell = self.clone();
        let runtime = crate::exec::driver::runtime()?;
        let stops = {
            let _inside = runtime.enter();
            Stops::from_signals()?
        };
        let listen = move || runtime.block_on(async move { stops.each(|| bell.stop()).await });
        std::thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
        Ok(())
    }

    /// True once somebody asked for the end.
    pub fn is_stopped(&self) -> bool {
        self.shared.stop.load(Ordering::SeqCst)
    }

    /// The flag of [`Bell::is_stopped`], for those who poll it.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.shared.stop)
    }

    /// Where a run leaves what stops it.
    pub fn run_slot(&self) -> StopSlot {
        Arc::clone(&self.shared.run)
    }

    /// Waits until it is rung, at most so long. True where it was; then it is silent again.
    pub fn wait(&self, at_most: Duration) -> bool {
        let rung = self.shared.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.shared.changed.wait_timeout_while(rung, at_most, |rung| !*rung);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *rung, false)
    }
}
