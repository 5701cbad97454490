//! Awaits the end of a process without a thread where the system can (pidfd), with one elsewhere.

use std::io;
use std::sync::Arc;

/// Becomes ready when a child can be reaped.
#[derive(Debug)]
pub(super) enum Waiter {
    /// A pidfd in the runtime's poller.
    #[cfg(target_os = "linux")]
    Pidfd(tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>),
    /// A thread that blocks until the end; also taken where a sandbox refuses pidfds.
    Thread(Option<tokio::task::JoinHandle<()>>),
}

impl Waiter {
    /// A waiter for a child of ours that is not reaped yet.
    pub(super) fn new(pid: u32) -> Self {
        #[cfg(target_os = "linux")]
        if let Ok(fd) = pidfd(pid) {
            return Self::Pidfd(fd);
        }
        let _ = pid;
        Self::Thread(None)
    }

    /// Returns once the child has ended. May be dropped and called again.
    pub(super) async fn ended(&mut self, handle: &Arc<duct::Handle>) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Pidfd(fd) => fd.readable().await.map(|_| ()),
            Self::Thread(thread) => {
                let handle = Arc::clone(handle);
                let waiting = thread.get_or_insert_with(|| {
                    tokio::task::spawn_blocking(move || {
                        // The result is read again by the caller's `try_wait`.
                        let _ = handle.wait();
                    })
                });
                let joined = waiting.await.map_err(io::Error::other);
                *thread = None;
                joined
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[expect(
    deprecated,
    reason = "an OwnedFd keeps every promise that the unsafe successor asks for, and unsafe code is forbidden here"
)]
fn pidfd(pid: u32) -> io::Result<tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    let fd = pidfd_open(pid, PidfdFlags::empty())?;
    tokio::io::unix::AsyncFd::with_interest(fd, tokio::io::Interest::READABLE)
}

/// Returns once a process that is no child of ours has ended. `start_ticks` guards against another
/// process that got its id.
pub(super) async fn stranger_ended(pid: u32, start_ticks: u64) {
    #[cfg(target_os = "linux")]
    if let Ok(fd) = pidfd(pid) {
        // Opened first, asked then: if it is still the one we mean, the pidfd is its own.
        if super::proc::start_ticks(pid) == Some(start_ticks) {
            let _ = fd.readable().await;
        }
        return;
    }
    while super::proc::start_ticks(pid) == Some(start_ticks) {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    /// Both ways give the same, also when they are dropped and asked again.
    #[test]
    fn a_child_is_awaited_with_and_without_a_pidfd() {
        for threaded in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let script = "while [ ! -e go ]; do sleep 0.01; done; exit 7";
            let started = duct::cmd("sh", ["-c", script]).unchecked().dir(folder.path()).start().unwrap();
            let handle = Arc::new(started);
            runtime().block_on(async {
                let mut waiter = if threaded { Waiter::Thread(None) } else { Waiter::new(handle.pids()[0]) };
                for _ in 0..3 {
                    let early = tokio::time::timeout(Duration::from_millis(5), waiter.ended(&handle)).await;
                    assert!(early.is_err());
                }
                std::fs::write(folder.path().join("go"), "").unwrap();
                waiter.ended(&handle).await.unwrap();
                let status = handle.try_wait().unwrap().unwrap().status;
                assert_eq!(status.code(), Some(7));
            });
        }
    }
}
