//! The log of guard and agent, within its bound.

use super::files::Files;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Bytes after which the log begins anew. What was there is kept once, as `agent.log.1`.
const LIMIT: u64 = 4 << 20;

/// Opens it to append to it.
///
/// # Errors
/// The system's.
pub fn open(files: &Files) -> io::Result<File> {
    bound(&files.log())?;
    Files::append(&files.log())
}

/// Begins the log anew where it has grown past its bound. Whoever writes it appends, and goes on in the
/// file that is empty now.
///
/// # Errors
/// The system's.
pub fn bound(path: &Path) -> io::Result<()> {
    let size = match fs::metadata(path) {
        Ok(meta) => meta.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if size <= LIMIT {
        return Ok(());
    }
    let mut kept = path.as_os_str().to_owned();
    kept.push(".1");
    // Where there is no room for it, it is lost.
    let _ = fs::copy(path, Path::new(&kept));
    File::options().write(true).open(path)?.set_len(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_full_log_begins_anew_under_those_who_write_it() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::of(folder.path()).unwrap();
        let mut log = open(&files).unwrap();
        log.write_all(&vec![b'x'; 5 << 20]).unwrap();
        bound(&files.log()).unwrap();
        log.write_all(b"next\n").unwrap();
        assert_eq!(fs::read_to_string(files.log()).unwrap(), "next\n");
        assert_eq!(fs::metadata(folder.path().join("agent.log.1")).unwrap().len(), 5 << 20);
    }
}
