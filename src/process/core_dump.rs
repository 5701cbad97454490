//! No image of this process's memory is left behind: secrets are in it while they are used.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// From now on a crash of this process leaves no core, wherever the system would put one, and nobody but root reads
/// its memory. What it starts is as it would have been.
///
/// A process that is itself part of an attempt must be found by its environment, which could not be read then: it
/// does without a core file only.
pub fn none() {
    #[cfg(target_os = "linux")]
    if std::env::var_os(super::proc::ATTEMPT_VARIABLE).is_none() {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok() {
            return;
        }
    }
    let maximum = getrlimit(Resource::Core).maximum;
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
}
