//! A signal that ends this process, put off while something has to be put back first.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// While it lives, SIGINT, SIGTERM and SIGHUP are noted and end nothing. After it they end this process as they
/// usually do, with 128 and their number. A process has one at a time.
#[derive(Debug)]
pub struct PutOff {
    holds: Arc<AtomicBool>,
    was_asked: Arc<AtomicBool>,
}

impl PutOff {
    /// Puts them off.
    ///
    /// # Errors
    /// The system gives no thread or no handler.
    pub fn begin() -> io::Result<Self> {
        let put_off = Self { holds: Arc::new(AtomicBool::new(true)), was_asked: Arc::default() };
        let (holds, was_asked) = (Arc::clone(&put_off.holds), Arc::clone(&put_off.was_asked));
        let (begun, has_begun) = channel();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || note(&begun, &holds, &was_asked))?;
        has_begun.recv().map_err(io::Error::other)??;
        Ok(put_off)
    }

    /// True once a signal has come.
    pub fn was_asked(&self) -> bool {
        self.was_asked.load(Ordering::SeqCst)
    }
}

impl Drop for PutOff {
    fn drop(&mut self) {
        self.holds.store(false, Ordering::SeqCst);
    }
}

fn note(begun: &Sender<io::Result<()>>, holds: &AtomicBool, was_asked: &AtomicBool) {
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
            if !holds.load(Ordering::SeqCst) {
                std::process::exit(128 + number);
            }
            was_asked.store(true, Ordering::SeqCst);
        }
    });
}

async fn came(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        std::future::pending().await
    }
}
