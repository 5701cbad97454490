//! A signal that ends this process, put off while something has to be put back first.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Sender, channel};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// While it lives, SIGINT, SIGTERM and SIGHUP are noted and end nothing. After it they end this process as they
/// usually do, with 128 and their number. A process has one at a time.
#[derive(Debug)]
pub struct PutOff {
    state: Arc<AtomicU8>,
}

/// Signals are noted, and none has come.
const HOLDS: u8 = 0;
/// Signals are noted, and one has come.
const ASKED: u8 = 1;
/// Signals end this process.
const OVER: u8 = 2;

impl PutOff {
    /// Puts them off.
    ///
    /// # Errors
    /// The system gives no thread or no handler.
    pub fn begin() -> io::Result<Self> {
        let put_off = Self { state: Arc::new(AtomicU8::new(HOLDS)) };
        let state = Arc::clone(&put_off.state);
        let (begun, has_begun) = channel();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || note(&begun, &state))?;
        has_begun.recv().map_err(io::Error::other)??;
        Ok(put_off)
    }

    /// True once a signal has come.
    pub fn was_asked(&self) -> bool {
        self.state.load(Ordering::SeqCst) == ASKED
    }

    /// Ends it; true where a signal has come. One that comes after this ends the process: none is lost.
    pub fn end(self) -> bool {
        self.state.swap(OVER, Ordering::SeqCst) == ASKED
    }
}

impl Drop for PutOff {
    fn drop(&mut self) {
        self.state.store(OVER, Ordering::SeqCst);
    }
}

fn note(begun: &Sender<io::Result<()>>, state: &AtomicU8) {
    let heard = tokio::runtime::Builder::new_current_thread().enable_io().build().and_then(|runtime| {
        let _inside = runtime.enter();
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        Ok((interrupt?, terminate?, hangup?)).map(|signals| (runtime, signals))
    });
    let (runtime, (mut interrupt, mut terminate, mut hangup)) = match heard {
        Ok(heard) => heard,
        Err(fault) => return drop(begun.send(Err(fault))),
    };
    let _ = begun.send(Ok(()));
    runtime.block_on(async {
        loop {
            let number = tokio::select! {
                () = came(&mut interrupt) => 2,
                () = came(&mut terminate) => 15,
                () = came(&mut hangup) => 1,
            };
            if state.compare_exchange(HOLDS, ASKED, Ordering::SeqCst, Ordering::SeqCst) == Err(OVER) {
                std::process::exit(128 + number);
            }
        }
    });
}

async fn came(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}
