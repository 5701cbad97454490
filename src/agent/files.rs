//! Where the agent's files are: all of them in the state directory.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Longest path that the address of a Unix socket takes on every system, with room for a suffix.
const LONGEST_SOCKET_PATH: usize = 96;

/// The agent's files in one state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    dir: PathBuf,
}

impl Files {
    /// Those of a state directory.
    ///
    /// # Errors
    /// The path cannot be made absolute.
    pub fn of(state_dir: &Path) -> io::Result<Self> {
        Ok(Self { dir: std::path::absolute(state_dir)? })
    }

    /// The state directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Who holds its lock is guard or agent here.
    pub fn lock(&self) -> PathBuf {
        self.dir.join("agent.lock")
    }

    /// Where commands speak to the agent.
    pub fn socket(&self) -> PathBuf {
        self.dir.join("agent.sock")
    }

    /// What guard and agent say.
    pub fn log(&self) -> PathBuf {
        self.dir.join("agent.log")
    }

    /// Logs of a rollout's services.
    pub fn service_logs(&self, rollout: &str) -> PathBuf {
        self.dir.join("services").join(rollout)
    }

    /// The log of a replica.
    pub fn service_log(&self, rollout: &str, version: &str, number: u32) -> PathBuf {
        self.service_logs(rollout).join(format!("{}-{number}.log", file_name(version)))
    }

    /// Makes a folder and those above it, for the owner alone.
    ///
    /// # Errors
    /// The system's.
    pub fn make(dir: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)
    }

    /// Opens a file for its owner alone, to append to it.
    ///
    /// # Errors
    /// The system's.
    pub fn append(path: &Path) -> io::Result<File> {
        File::options().read(true).append(true).create(true).mode(0o600).open(path)
    }
}

/// A path that fits the address of a Unix socket: its own, or one by way of the open directory.
///
/// The address holds about a hundred bytes, and a state directory may lie deeper. The kernel follows
/// `/proc/self/fd/N` into a directory that this process has open, however long its path is.
#[derive(Debug)]
pub struct SocketPath {
    path: PathBuf,
    /// Open as long as the path is used.
    _dir: Option<File>,
}

impl SocketPath {
    /// The short path of `name` in `dir`.
    ///
    /// # Errors
    /// The directory cannot be opened.
    pub fn new(dir: &Path, name: &str) -> io::Result<Self> {
        let path = dir.join(name);
        if path.as_os_str().len() <= LONGEST_SOCKET_PATH || !cfg!(target_os = "linux") {
            return Ok(Self { path, _dir: None });
        }
        let open = File::open(dir)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd())).join(name);
        Ok(Self { path, _dir: Some(open) })
    }

    /// It.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A version's name as a part of a file's. Two that read alike there share a log.
pub fn file_name(version: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    version.chars().map(plain).take(100).collect::<String>().trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_stay_in_their_folder() {
        assert_eq!(file_name("v1.2-rc_3"), "v1.2-rc_3");
        assert_eq!(file_name("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(file_name("web:1"), "web_1");
    }
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn a_socket_deep_in_the_tree_is_reached() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a".repeat(120)).join("b".repeat(120));
        Files::make(&deep).unwrap();
        assert!(UnixListener::bind(deep.join("agent.sock")).is_err(), "it is too long for an address");
        let short = SocketPath::new(&deep, "agent.sock").unwrap();
        let _listener = UnixListener::bind(short.path()).unwrap();
        assert!(deep.join("agent.sock").exists());
        UnixStream::connect(SocketPath::new(&deep, "agent.sock").unwrap().path()).unwrap();
    }
}
