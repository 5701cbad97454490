//! Moments at which tests end this process as a power cut would: just before and just after each thing that is
//! made to last. The feature `crashpoints` brings them in; no release has it, and there they are nothing.
//!
//! `TASKMASTER_CRASH_LOG=FILE` notes each moment in a file, a line each. `TASKMASTER_CRASH_AT=N` ends the process
//! by SIGKILL at its N-th moment, from 1.

/// What one transaction records, for the name of its moments.
#[derive(Debug, Default)]
pub struct Kinds {
    #[cfg(feature = "crashpoints")]
    kinds: Vec<String>,
}

impl Kinds {
    /// One more thing is recorded.
    pub fn note(&mut self, _kind: &str) {
        #[cfg(feature = "crashpoints")]
        if self.kinds.iter().all(|known| known != _kind) {
            self.kinds.push(_kind.to_owned());
        }
    }

    /// Makes it last.
    pub fn around<T>(self, work: impl FnOnce() -> T) -> T {
        #[cfg(feature = "crashpoints")]
        return around(&format!("commit {}", self.kinds.join("+")), work);
        #[cfg(not(feature = "crashpoints"))]
        work()
    }
}

/// Does something that lasts, under a name for its two moments.
pub fn around<T>(_what: &str, work: impl FnOnce() -> T) -> T {
    #[cfg(feature = "crashpoints")]
    moment::pass("before", _what);
    let done = work();
    #[cfg(feature = "crashpoints")]
    moment::pass("after", _what);
    done
}

#[cfg(feature = "crashpoints")]
mod moment {
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{LazyLock, Mutex, PoisonError};

    static PASSED: AtomicU64 = AtomicU64::new(0);
    static AT: LazyLock<Option<u64>> =
        LazyLock::new(|| std::env::var("TASKMASTER_CRASH_AT").ok()?.parse().ok());
    static LOG: LazyLock<Option<Mutex<std::fs::File>>> = LazyLock::new(|| {
        let path = std::env::var_os("TASKMASTER_CRASH_LOG")?;
        OpenOptions::new().create(true).append(true).open(path).ok().map(Mutex::new)
    });

    pub(super) fn pass(when: &str, what: &str) {
        let number = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(log) = &*LOG {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = writeln!(log, "{number} {when} {what}");
        }
        if *AT == Some(number) {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            // The other threads may still be at work for a moment; this one is not.
            loop {
                std::thread::park();
            }
        }
    }
}
