//! What the kernel says about processes.
//!
//! All of it comes from `/proc`. Where there is none (macOS) nothing is ever found, so that
//! adoption after a crash is absent there, and [`Liveness::Unknown`] says so.

use crate::clock;
use rustix::io::Errno;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;
use std::time::Duration;
use std::{fs, io};

/// How long a look waits for a descriptor.
const PATIENCE: Duration = Duration::from_secs(5);

/// Names the attempt that a process belongs to: `<attempt>`; for probes `<run>/<task>/<check|verify>`.
pub const ATTEMPT_VARIABLE: &str = "TASKMASTER_ATTEMPT";

/// A process that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its process id.
    pub pid: u32,
    /// When it started, in clock ticks since boot: with `pid` it is unique until the next boot.
    pub start_ticks: u64,
    /// Its process group.
    pub group: u32,
    /// Its short name.
    pub name: String,
}

/// Whether a process of long ago still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It does.
    Alive,
    /// It ended, or the machine was booted since.
    Gone,
    /// This system cannot tell.
    Unknown,
}

/// A line of `/proc/PID/stat`, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    state: char,
    group: u32,
    start_ticks: u64,
}

impl Stat {
    /// The name stands in parentheses and may itself hold spaces and parentheses, so the fields
    /// are counted from the last one that closes.
    fn parse(text: &str) -> Option<Self> {
        let open = text.find('(')?;
        let close = text.rfind(')')?;
        let name = text.get(open + 1..close)?.to_owned();
        let mut fields = text.get(close + 1..)?.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let group = fields.nth(1)?.parse().ok()?;
        let start_ticks = fields.nth(16)?.parse().ok()?;
        Some(Self { name, state, group, start_ticks })
    }

    fn read(pid: u32) -> Option<Self> {
        let bytes = patient(|| fs::read(format!("/proc/{pid}/stat"))).ok()?;
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    fn found(self, pid: u32) -> Found {
        Found { pid, start_ticks: self.start_ticks, group: self.group, name: self.name }
    }

    /// A zombie does nothing more; it only waits for its parent to read its end.
    fn runs(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// Who has no descriptor left to look with has seen nothing: what runs would pass for ended. So it is looked
/// again until one is free, for at most [`PATIENCE`].
fn patient<T>(look: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let until = clock::monotonic() + PATIENCE;
    loop {
        let seen = look();
        let errno = seen.as_ref().err().and_then(Errno::from_io_error);
        if !matches!(errno, Some(Errno::MFILE | Errno::NFILE)) || clock::monotonic() >= until {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Identity of this boot of the machine; empty where the system has none.
pub fn boot_id() -> &'static str {
    static BOOT_ID: OnceLock<String> = OnceLock::new();
    BOOT_ID.get_or_init(|| {
        patient(|| fs::read_to_string("/proc/sys/kernel/random/boot_id"))
            .map(|text| text.trim().to_owned())
            .unwrap_or_default()
    })
}

/// Start time of a process in clock ticks since boot (`/proc/PID/stat` field 22).
pub fn start_ticks(pid: u32) -> Option<u64> {
    Stat::read(pid).map(|stat| stat.start_ticks)
}

/// Whether the process that had this id, start time and boot still runs.
pub fn liveness(pid: u32, ticks: u64, boot: &str) -> Liveness {
    if boot_id().is_empty() || boot.is_empty() {
        return Liveness::Unknown;
    }
    if boot != boot_id() {
        return Liveness::Gone;
    }
    match Stat::read(pid) {
        Some(stat) if stat.start_ticks == ticks && stat.runs() => Liveness::Alive,
        _ => Liveness::Gone,
    }
}

/// Running processes of our own user whose environment names this attempt, or something below it
/// (`<attempt>/…`): so the id of a run finds the probes of that run.
///
/// It also finds those that left the attempt's process group. A process that replaced its own
/// environment cannot be found this way.
pub fn find_by_attempt(attempt: &str) -> Vec<Found> {
    let entry = format!("{ATTEMPT_VARIABLE}={attempt}");
    let me = std::process::id();
    let user = rustix::process::geteuid().as_raw();
    let ours = |pid: u32| fs::metadata(format!("/proc/{pid}")).is_ok_and(|meta| meta.uid() == user);
    let marked = |pid: u32| {
        patient(|| fs::read(format!("/proc/{pid}/environ")))
            .is_ok_and(|bytes| bytes.split(|byte| *byte == 0).any(|variable| names(variable, &entry)))
    };
    scan(|pid, _| pid != me && ours(pid) && marked(pid))
}

fn names(variable: &[u8], entry: &str) -> bool {
    let rest = variable.strip_prefix(entry.as_bytes());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// The running process of this id.
pub fn find(pid: u32) -> Option<Found> {
    Stat::read(pid).filter(Stat::runs).map(|stat| stat.found(pid))
}

/// Running members of a process group.
pub fn group_members(group: u32) -> Vec<Found> {
    scan(|_, stat| stat.group == group)
}

/// Running processes that are in the group or carry the attempt's mark.
pub fn members(group: u32, attempt: &str) -> Vec<Found> {
    let mut all = group_members(group);
    for found in find_by_attempt(attempt) {
        if !all.iter().any(|known| known.pid == found.pid) {
            all.push(found);
        }
    }
    all
}

fn scan(wanted: impl Fn(u32, &Stat) -> bool) -> Vec<Found> {
    let Ok(entries) = patient(|| fs::read_dir("/proc")) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| Some((pid, Stat::read(pid)?)))
        .filter(|(pid, stat)| stat.runs() && wanted(*pid, stat))
        .map(|(pid, stat)| Found { pid, start_ticks: stat.start_ticks, group: stat.group, name: stat.name })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let line = "42 (a) b (c)) S 1 77 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 2";
        let stat = Stat::parse(line).unwrap();
        assert_eq!(stat, Stat { name: "a) b (c)".into(), state: 'S', group: 77, start_ticks: 987_654 });
    }

    #[test]
    fn garbage_is_no_process() {
        for text in ["", "42", "42 (x", "42 (x)", "42 (x) S 1", ")("] {
            assert_eq!(Stat::parse(text), None, "{text}");
        }
    }

    /// The other half of the next test: a process of its own, for the limit is the whole process's.
    #[cfg(target_os = "linux")]
    #[test]
    #[ignore = "run by the test below, in a process of its own"]
    fn without_descriptors() {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let maximum = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current: Some(32), maximum }).unwrap();
        let (pid, ticks) = (std::process::id(), start_ticks(std::process::id()).unwrap());
        let all: Vec<fs::File> = std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
        assert!(all.len() > 8);
        let later = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            drop(all);
        });
        assert_eq!(liveness(pid, ticks, boot_id()), Liveness::Alive);
        later.join().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_has_no_descriptor_left_takes_nobody_for_dead() {
        let own = std::env::current_exe().unwrap();
        let child = std::process::Command::new(own)
            .args(["without_descriptors", "--ignored", "--test-threads=1"])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && told.contains("1 passed"), "{told}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn we_are_alive_and_nobody_was_before_boot() {
        let pid = std::process::id();
        let ticks = start_ticks(pid).unwrap();
        assert_eq!(liveness(pid, ticks, boot_id()), Liveness::Alive);
        assert_eq!(liveness(pid, ticks + 1, boot_id()), Liveness::Gone);
        assert_eq!(liveness(pid, ticks, "another boot"), Liveness::Gone);
        assert_eq!(liveness(pid, ticks, ""), Liveness::Unknown);
    }
}
