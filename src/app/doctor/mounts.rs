//! Which file system a path lies on, by the kernel's list of mounts, and what is known of its kind.

use std::path::{Path, PathBuf};

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Its kind: `ext4`, `nfs4`, `fuse.sshfs`.
    pub(super) kind: String,
    /// Nothing can be written to it.
    pub(super) read_only: bool,
}

/// Kinds that other machines serve or share. The locks and the shared memory that SQLite and the lease of the
/// executor need do not hold there, or not between machines.
const SHARED: [&str; 24] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "drvfs",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "prl_fs",
    "smb2",
    "smb3",
    "smbfs",
    "vboxsf",
    "virtiofs",
    "vmhgfs",
    "wekafs",
];

/// What a kind means for a state directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// It is of this machine.
    Local,
    /// Other machines see it, or it is served by a program that may not know about locks.
    Shared,
    /// It is gone after a restart.
    Fleeting,
}

impl Mount {
    /// The one that `path`, absolute and without links, lies on, by the text of `/proc/self/mountinfo`.
    pub(super) fn of(mountinfo: &str, path: &Path) -> Option<Self> {
        let mounts = mountinfo.lines().filter_map(line).filter(|(point, _)| path.starts_with(point));
        // Of two on one point the later hides the earlier.
        mounts.max_by_key(|(point, _)| point.components().count()).map(|(_, mount)| mount)
    }

    /// What its kind means.
    pub(super) fn nature(&self) -> Nature {
        let bare = self.kind.strip_prefix("fuse.").unwrap_or(&self.kind);
        match bare {
            "tmpfs" | "ramfs" => Nature::Fleeting,
            // Served by programs of this machine, which know about locks.
            "fuseblk" | "ntfs-3g" | "fuse-overlayfs" | "lxcfs" => Nature::Local,
            _ if bare != self.kind || SHARED.contains(&bare) => Nature::Shared,
            _ => Nature::Local,
        }
    }
}

/// `36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw,errors=continue`: the point, and what is there.
fn line(line: &str) -> Option<(PathBuf, Mount)> {
    let (head, tail) = line.split_once(" - ")?;
    let mut head = head.split(' ').skip(4);
    let (point, options) = (head.next()?, head.next()?);
    let mut tail = tail.split(' ');
    let (kind, of_all) = (tail.next()?, tail.nth(1).unwrap_or_default());
    let is_read_only = |options: &str| options.split(',').any(|option| option == "ro");
    let read_only = is_read_only(options) || is_read_only(of_all);
    Some((unescaped(point), Mount { kind: kind.to_owned(), read_only }))
}

/// Spaces and the like stand as three octal digits.
fn unescaped(text: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let code = (*first == b'\\').then(|| others.get(..3)).flatten();
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &others[3..];
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
22 21 0:5 / /proc rw - proc proc rw\n\
30 21 0:40 / /home rw,relatime shared:5 - nfs4 server:/home rw,vers=4.2\n\
31 30 0:41 / /home/ann/my\\040disk rw - ext4 /dev/sdb1 rw\n\
32 21 0:42 / /mnt rw - ext4 /dev/sdc1 rw\n\
33 21 0:43 / /mnt ro,relatime - fuse.sshfs host: rw,user_id=0\n\
34 21 0:44 / /tmp rw - tmpfs tmpfs rw\n\
35 21 0:45 / /data rw - xfs /dev/sdd1 ro\n";

    #[test]
    fn the_deepest_and_latest_mount_counts() {
        for (path, kind, read_only) in [
            ("/srv/app/.taskmaster", "ext4", false),
            ("/home/bob/x", "nfs4", false),
            ("/home/ann/my disk/x", "ext4", false),
            ("/home/ann/my", "nfs4", false),
            ("/homes", "ext4", false),
            ("/mnt/x", "fuse.sshfs", true),
            ("/data/x", "xfs", true),
        ] {
            let mount = Mount::of(MOUNTS, Path::new(path)).expect(path);
            assert_eq!((mount.kind.as_str(), mount.read_only), (kind, read_only), "{path}");
        }
        assert_eq!(Mount::of("", Path::new("/x")), None);
        assert_eq!(Mount::of("nonsense - \n - - -\n1 2 3\n", Path::new("/x")), None);
    }

    #[test]
    fn kinds_are_known() {
        for (kind, nature) in [
            ("ext4", Nature::Local),
            ("overlay", Nature::Local),
            ("btrfs", Nature::Local),
            ("fuseblk", Nature::Local),
            ("nfs4", Nature::Shared),
            ("cifs", Nature::Shared),
            ("fuse.sshfs", Nature::Shared),
            ("fuse.whatever", Nature::Shared),
            ("9p", Nature::Shared),
            ("tmpfs", Nature::Fleeting),
        ] {
            assert_eq!(Mount { kind: kind.to_owned(), read_only: false }.nature(), nature, "{kind}");
        }
    }
}
