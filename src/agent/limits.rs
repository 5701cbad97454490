//! Open files: as many as the system allows for the proxy, as usual for the services.

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use std::sync::OnceLock;

/// As many as the most clients of the proxy need, twice over.
const ENOUGH: u64 = 65_536;

/// As it was when the agent began: programs that use `select` rely on it.
static USUAL: OnceLock<Rlimit> = OnceLock::new();

/// Raises the soft limit of open files as far as is of use and allowed.
pub(super) fn raise() {
    let usual = getrlimit(Resource::Nofile);
    let raised = usual.maximum.map_or(ENOUGH, |maximum| maximum.min(ENOUGH));
    let is_enough = usual.current.is_none_or(|current| current >= raised);
    let limit = Rlimit { current: Some(raised), maximum: usual.maximum };
    if is_enough || USUAL.set(usual).is_err() {
        return;
    }
    if let Err(fault) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%fault, "the limit of open files stays as it was");
    }
}

/// Gives a process that was just started the limit that it would have had.
pub(super) fn give_usual(pid: u32) {
    let Some(usual) = USUAL.get() else { return };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // One that has ended already needs none.
    let _ = pid.map(|pid| prlimit(Some(pid), Resource::Nofile, *usual));
}
