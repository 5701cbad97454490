//! The state directory: whose it is, who may read it, what it lies on and what room there is.

use super::mounts::{Mount, Nature};
use crate::report::view::{Area, FindingView};
use rustix::fs::Access;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Room below which it is told: a run of some hundred tasks writes some megabytes.
const SCARCE_BYTES: u64 = 1 << 30;
/// Room below which a run may not end well.
const LEAST_BYTES: u64 = 64 << 20;
/// Files that can still be made, below which it is told: each attempt has a log.
const SCARCE_FILES: u64 = 10_000;

/// What the system says of a state directory.
#[derive(Clone, Debug)]
struct Facts {
    /// The directory.
    path: PathBuf,
    /// It, or the nearest one above it that is there.
    there: PathBuf,
    /// What is in its place is no directory.
    is_other: bool,
    /// Whose it is.
    owner: u32,
    /// Who we are.
    me: u32,
    /// Its permissions.
    mode: u32,
    /// It can be written to.
    writable: bool,
    mount: Option<Mount>,
    /// Bytes and files that there is room for.
    room: Option<(u64, u64)>,
}

/// Looks at a state directory. Makes nothing.
pub(super) fn look(state_dir: &Path) -> Vec<FindingView> {
    match facts(state_dir) {
        Ok(facts) => judge(&facts),
        Err(fault) => {
            let found = format!("cannot be looked at: {fault}");
            let help = "give another one: --state-dir DIR";
            vec![FindingView::problem(Area::State, &state_dir.display().to_string(), found, help)]
        }
    }
}

fn facts(state_dir: &Path) -> std::io::Result<Facts> {
    let path = std::path::absolute(state_dir)?;
    let there = path.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("/"));
    let there = std::fs::canonicalize(there)?;
    let metadata = std::fs::metadata(&there)?;
    let mountinfo = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let room = rustix::fs::statvfs(&there).ok();
    // File systems that make them as they need them tell of none at all.
    let files = |room: &rustix::fs::StatVfs| if room.f_files == 0 { u64::MAX } else { room.f_favail };
    Ok(Facts {
        is_other: !metadata.is_dir(),
        owner: metadata.uid(),
        me: rustix::process::geteuid().as_raw(),
        mode: metadata.mode() & 0o7777,
        writable: rustix::fs::access(&there, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        mount: Mount::of(&mountinfo, &there),
        room: room.map(|room| (room.f_bavail.saturating_mul(room.f_frsize), files(&room))),
        path,
        there,
    })
}

fn judge(facts: &Facts) -> Vec<FindingView> {
    let mut all = vec![directory(facts)];
    if facts.is_other {
        return all;
    }
    if facts.is_there() {
        all.push(permissions(facts));
    }
    all.extend(facts.mount.as_ref().map(file_system));
    all.extend(facts.room.map(|(bytes, files)| room(bytes, files)));
    all
}

impl Facts {
    fn is_there(&self) -> bool {
        self.path.exists()
    }
}

fn directory(facts: &Facts) -> FindingView {
    let path = facts.path.display();
    let there = facts.there.display();
    let subject = "directory";
    if facts.is_other {
        let found = format!("{there} is no directory");
        return FindingView::problem(Area::State, subject, found, "move it away, or give --state-dir DIR");
    }
    if !facts.writable {
        let found = format!("{there} cannot be written to by user {}", facts.me);
        let help = "give it to who runs taskmaster (chown), or another one: --state-dir DIR";
        return FindingView::problem(Area::State, subject, found, help);
    }
    match facts.is_there() {
        true => FindingView::ok(Area::State, subject, format!("{path} can be written to")),
        false => FindingView::ok(Area::State, subject, format!("{path} is made by the first run")),
    }
}

/// Outputs of tasks and logs lie in it.
fn permissions(facts: &Facts) -> FindingView {
    let (subject, mode) = ("permissions", facts.mode);
    let path = shell_words::quote(&facts.path.to_string_lossy()).into_owned();
    if facts.owner != facts.me {
        let found = format!("it belongs to user {}, and this is user {}", facts.owner, facts.me);
        let help = "run as its owner: files that another user makes there lock the owner out";
        return FindingView::warning(Area::State, subject, found, help);
    }
    let who = match (mode & 0o022, mode & 0o077) {
        (0, 0) => return FindingView::ok(Area::State, subject, format!("{mode:03o}, its owner's alone")),
        (0, _) => "others may read outputs and logs in it",
        _ => "others may write to it",
    };
    FindingView::warning(Area::State, subject, format!("{mode:03o}: {who}"), format!("chmod 700 {path}"))
}

fn file_system(mount: &Mount) -> FindingView {
    let (subject, kind) = ("file system", &mount.kind);
    if mount.read_only {
        let help = "give a state directory elsewhere: --state-dir DIR";
        return FindingView::problem(Area::State, subject, format!("{kind}, mounted read-only"), help);
    }
    match mount.nature() {
        Nature::Local => FindingView::ok(Area::State, subject, kind.as_str()),
        Nature::Shared => {
            let found = format!("{kind}, which other machines or programs share: locks may not hold on it");
            let help = "give a state directory on a disk of this machine: --state-dir DIR";
            FindingView::warning(Area::State, subject, found, help)
        }
        Nature::Fleeting => {
            let found = format!("{kind}, in memory: the ledger is gone after a restart");
            let help =
                "give a state directory on a disk: --state-dir DIR (checks decide anew without a ledger)";
            FindingView::warning(Area::State, subject, found, help)
        }
    }
}

fn room(bytes: u64, files: u64) -> FindingView {
    let subject = "room";
    let found = format!("{} free", size(bytes));
    let help = "free some room, or give a state directory elsewhere: --state-dir DIR";
    if bytes < LEAST_BYTES {
        FindingView::problem(Area::State, subject, found, help)
    } else if bytes < SCARCE_BYTES {
        FindingView::warning(Area::State, subject, found, help)
    } else if files < SCARCE_FILES {
        let found = format!("{found}, but only for {files} more files");
        FindingView::warning(Area::State, subject, found, help)
    } else {
        FindingView::ok(Area::State, subject, found)
    }
}

/// `512 MiB`, `3.2 GiB`
fn size(bytes: u64) -> String {
    match bytes {
        ..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{}.{} GiB", bytes >> 30, ((bytes % (1 << 30)) * 10) >> 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::view::Health;

    /// A directory that is there and as it should be.
    fn sound() -> Facts {
        Facts {
            path: PathBuf::from("/"),
            there: PathBuf::from("/"),
            is_other: false,
            owner: 1000,
            me: 1000,
            mode: 0o700,
            writable: true,
            mount: Some(Mount { kind: "ext4".to_owned(), read_only: false }),
            room: Some((50 << 30, 1 << 20)),
        }
    }

    fn mount(kind: &str, read_only: bool) -> Option<Mount> {
        Some(Mount { kind: kind.to_owned(), read_only })
    }

    #[test]
    fn each_fault_is_told_and_no_other() {
        let all_ok = judge(&sound());
        assert_eq!(all_ok.len(), 4);
        assert!(all_ok.iter().all(|finding| finding.health == Health::Ok), "{all_ok:?}");
        let cases = [
            (Facts { writable: false, ..sound() }, "directory", Health::Problem),
            (Facts { is_other: true, ..sound() }, "directory", Health::Problem),
            (Facts { owner: 0, ..sound() }, "permissions", Health::Warning),
            (Facts { mode: 0o750, ..sound() }, "permissions", Health::Warning),
            (Facts { mode: 0o770, ..sound() }, "permissions", Health::Warning),
            (Facts { mount: mount("nfs4", false), ..sound() }, "file system", Health::Warning),
            (Facts { mount: mount("tmpfs", false), ..sound() }, "file system", Health::Warning),
            (Facts { mount: mount("ext4", true), ..sound() }, "file system", Health::Problem),
            (Facts { room: Some((63 << 20, 1 << 20)), ..sound() }, "room", Health::Problem),
            (Facts { room: Some((64 << 20, 1 << 20)), ..sound() }, "room", Health::Warning),
            (Facts { room: Some((1 << 30, 9_999)), ..sound() }, "room", Health::Warning),
        ];
        for (facts, subject, health) in cases {
            let found = judge(&facts);
            let bad: Vec<_> = found.iter().filter(|finding| finding.health != Health::Ok).collect();
            let [only] = bad.as_slice() else { panic!("{facts:?}: {bad:?}") };
            assert_eq!((only.subject.as_str(), only.health), (subject, health), "{facts:?}");
            assert!(only.help.as_ref().is_some_and(|help| !help.is_empty()));
        }
    }

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in
            [(0, "0 MiB"), (1023 << 20, "1023 MiB"), (1 << 30, "1.0 GiB"), (7 << 29, "3.5 GiB")]
        {
            assert_eq!(size(bytes), text);
        }
    }
}
