//! A file that is never on a disk: for input and output that may hold secrets.
//!
//! A child holds it like any file, also after our death; a pipe would need a thread to feed it and
//! would break the child when we die.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// An empty nameless file in memory; an unlinked temporary file where the system has none.
///
/// # Errors
/// The system's, when it is out of file descriptors or memory.
pub fn empty() -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{MemfdFlags, memfd_create};
        if let Ok(fd) = memfd_create("taskmaster", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING) {
            return Ok(File::from(fd));
        }
    }
    tempfile::tempfile()
}

/// Like [`empty`], and every write goes to its end, whoever writes.
///
/// # Errors
/// The system's, when it is out of file descriptors or memory.
pub fn appending() -> io::Result<File> {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let file = empty()?;
    fcntl_setfl(&file, fcntl_getfl(&file)? | OFlags::APPEND)?;
    Ok(file)
}

/// Lets the file grow no more, whoever holds it: a writer gets an error instead. Where the system
/// cannot do that, nothing happens.
pub fn stop_growth(file: &File) {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{SealFlags, fcntl_add_seals};
        // Only what was made by [`empty`] in memory takes seals.
        let _ = fcntl_add_seals(file, SealFlags::GROW);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// A nameless file that holds `bytes`, to be read from its start.
///
/// # Errors
/// The system's, when it is out of file descriptors or memory.
pub fn holding(bytes: &[u8]) -> io::Result<File> {
    let mut file = empty()?;
    file.write_all(bytes)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}
