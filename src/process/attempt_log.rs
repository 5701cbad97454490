//! The log of one attempt: what its processes print, and notes of ours between them.
//!
//! Without secrets at hand the children write to the file themselves. With secrets they write to a
//! file in memory, and what they wrote is moved to the log without the secrets, a moment later: so
//! none ever reaches the disk, whoever follows the log never sees one, and a crash of ours leaves
//! none behind. (The children go on then; what they print afterwards is lost with the memory.)
//! After the attempt's end that memory grows no more: a service that goes on and got a secret must
//! write its own log.

use super::bound::{Bound, WATCH, punch};
use super::memory_file;
use super::redact::{RedactStream, Redactor};
use super::show::{self, Harmless};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Memory is given back in whole blocks, and not for a few lines.
const MEMORY_STEP: u64 = 1 << 20;

/// The log of an attempt that is at work.
#[derive(Debug)]
pub struct AttemptLog {
    /// None in memory.
    path: Option<PathBuf>,
    file: File,
    bound: Bound,
    filtered: Option<Filtered>,
    /// Bytes there were at the last look.
    seen: u64,
    /// Until the next look.
    pause: Duration,
}

/// What children with secrets write to, and how far it was moved.
#[derive(Debug)]
struct Filtered {
    raw: File,
    moved: u64,
    freed: u64,
    /// Colours inside a secret would hide it from the search, and a display would join it again.
    plain: Harmless,
    stream: RedactStream,
}

impl AttemptLog {
    /// Creates the log, readable by its owner alone. Folders on the way must exist.
    ///
    /// # Errors
    /// The file exists already, or cannot be created.
    pub fn create(path: PathBuf, limit: u64, redactor: Option<&Arc<Redactor>>) -> io::Result<Self> {
        let file = File::options().read(true).append(true).create_new(true).mode(0o600).open(&path)?;
        Self::new(Some(path), file, limit, redactor)
    }

    /// A log that exists, of an attempt that outlived its taskmaster.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn reopen(path: &Path, limit: u64) -> io::Result<Self> {
        let file = File::options().read(true).append(true).open(path)?;
        Self::new(Some(path.to_owned()), file, limit, None)
    }

    /// A log that is on no disk: of a probe, whose words matter only if it could not tell.
    ///
    /// # Errors
    /// No memory or file descriptor is left.
    pub fn in_memory(limit: u64, redactor: Option<&Arc<Redactor>>) -> io::Result<Self> {
        Self::new(None, memory_file::appending()?, limit, redactor)
    }

    fn new(
        path: Option<PathBuf>,
        file: File,
        limit: u64,
        redactor: Option<&Arc<Redactor>>,
    ) -> io::Result<Self> {
        let filtered = match redactor {
            None => None,
            Some(redactor) => Some(Filtered {
                raw: memory_file::appending()?,
                moved: 0,
                freed: 0,
                plain: Harmless::default(),
                stream: RedactStream::new(Arc::clone(redactor)),
            }),
        };
        Ok(Self { path, file, bound: Bound::new(limit), filtered, seen: 0, pause: WATCH.0 })
    }

    /// What children write to.
    ///
    /// # Errors
    /// No file descriptor is left.
    pub fn for_child(&self) -> io::Result<File> {
        match &self.filtered {
            Some(filtered) => filtered.raw.try_clone(),
            None => self.file.try_clone(),
        }
    }

    /// Adds words of our own, after all that children wrote until now.
    ///
    /// # Errors
    /// Those of writing.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        match &mut self.filtered {
            None => self.file.write_all(text.as_bytes()),
            Some(filtered) => {
                filtered.drain(&mut self.file)?;
                let mut out = Vec::new();
                filtered.stream.push(text.as_bytes(), &mut out);
                self.file.write_all(&out)
            }
        }
    }

    /// To be called every [`AttemptLog::pause`]: moves what was written, holds the bound. True if
    /// something was written since the last time.
    ///
    /// # Errors
    /// The log cannot be kept within its bound here, or the disk is full.
    pub fn look(&mut self) -> io::Result<bool> {
        if let Some(filtered) = &mut self.filtered {
            filtered.drain(&mut self.file)?;
        }
        let size = self.file.metadata()?.len();
        let grown = size.saturating_sub(self.seen);
        self.seen = size;
        self.bound.hold(&self.file, size)?;
        // Who writes fast is looked after more often.
        self.pause = if grown > MEMORY_STEP { WATCH.0 } else { (self.pause * 2).min(WATCH.1) };
        Ok(grown > 0)
    }

    /// Time until the next look.
    pub fn pause(&self) -> Duration {
        self.pause
    }

    /// Its last line, as harmless text; for live progress.
    ///
    /// # Errors
    /// Those of reading.
    pub fn last_line(&self) -> io::Result<String> {
        let tail = show::tail(&self.file, 3, 1024)?;
        Ok(show::last_line(&tail, 200).to_owned())
    }

    /// Its last lines so far, as harmless text.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub fn text(&mut self, max_lines: usize, max_bytes: usize) -> io::Result<String> {
        if let Some(filtered) = &mut self.filtered {
            filtered.drain(&mut self.file)?;
        }
        show::tail(&self.file, max_lines, max_bytes)
    }

    /// Nobody writes any more: completes the log, and trims it where it passed its bound. Returns
    /// its bytes and its last lines.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub fn finish(mut self, max_lines: usize, max_bytes: usize) -> io::Result<(u64, String)> {
        if let Some(filtered) = &mut self.filtered {
            // A service that was started on purpose may hold it for days, and nobody reads it.
            memory_file::stop_growth(&filtered.raw);
            filtered.drain(&mut self.file)?;
            let mut out = Vec::new();
            let cut = std::mem::take(&mut filtered.plain).finish();
            filtered.stream.push(cut.as_bytes(), &mut out);
            filtered.stream.finish(&mut out);
            self.file.write_all(&out)?;
        }
        let size = self.file.metadata()?.len();
        if size == 0 {
            return Ok((0, String::new()));
        }
        self.bound.hold(&self.file, size)?;
        if let (true, Some(path)) = (self.bound.exceeded(), &self.path) {
            self.file = self.bound.compact(&self.file, path)?;
        }
        let tail = show::tail(&self.file, max_lines, max_bytes)?;
        Ok((self.file.metadata()?.len(), tail))
    }

    /// Where it is; none in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl Filtered {
    fn drain(&mut self, to: &mut File) -> io::Result<()> {
        let size = self.raw.metadata()?.len();
        // A program may truncate its own output (`> /dev/stdout`).
        self.moved = self.moved.min(size);
        let mut buffer = Zeroizing::new(vec![0; 64 * 1024]);
        let mut out = Vec::new();
        while self.moved < size {
            let count = show::read_at(&self.raw, &mut buffer, self.moved)?;
            if count == 0 {
                break;
            }
            self.moved += count as u64;
            let text = Zeroizing::new(self.plain.push(&buffer[..count]));
            self.stream.push(text.as_bytes(), &mut out);
            to.write_all(&out)?;
            out.clear();
        }
        let free_to = self.moved / MEMORY_STEP * MEMORY_STEP;
        if free_to > self.freed {
            // Where that cannot be done the memory is given back at the attempt's end.
            let _ = punch(&self.raw, self.freed, free_to - self.freed);
            self.freed = free_to;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn secrets_never_reach_the_disk_and_notes_keep_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let redactor = Arc::new(Redactor::new([("env:S".to_owned(), "hunter22")]).unwrap());
        let mut log = AttemptLog::create(path.clone(), 1 << 20, Some(&redactor)).unwrap();
        let mut child = log.for_child().unwrap();
        log.note("$ one\n").unwrap();
        child.write_all(b"the word is hunt").unwrap();
        assert!(log.look().unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "$ one\nthe word is ");
        child.write_all(b"er22\n").unwrap();
        log.note("$ two\n").unwrap();
        child.write_all(b"hunt").unwrap();
        let (bytes, tail) = log.finish(10, 1000).unwrap();
        assert_eq!(tail, "$ one\nthe word is <secret env:S>\n$ two\nhunt");
        assert_eq!(bytes, tail.len() as u64);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_goes_on_after_the_end_cannot_fill_the_memory() {
        let folder = tempfile::tempdir().unwrap();
        let redactor = Arc::new(Redactor::new([("env:S".to_owned(), "hunter22")]).unwrap());
        let log = AttemptLog::create(folder.path().join("a.log"), 1 << 20, Some(&redactor)).unwrap();
        let mut service = log.for_child().unwrap();
        service.write_all(b"in time\n").unwrap();
        assert_eq!(log.finish(10, 1000).unwrap().1, "in time");
        assert!(service.write_all(b"too late\n").is_err());
    }

    #[test]
    fn memory_is_given_back_while_a_child_writes() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let redactor = Arc::new(Redactor::new([("env:S".to_owned(), "hunter22")]).unwrap());
        let mut log = AttemptLog::create(folder.path().join("a.log"), 1 << 20, Some(&redactor)).unwrap();
        let mut child = log.for_child().unwrap();
        for _ in 0..32 {
            child.write_all(&vec![b'x'; 1 << 20]).unwrap();
            log.look().unwrap();
        }
        if cfg!(target_os = "linux") {
            assert!(child.metadata().unwrap().blocks() * 512 <= 2 << 20);
        }
        let (bytes, _) = log.finish(10, 1000).unwrap();
        assert!(bytes <= (1 << 20) + 200, "{bytes}");
    }
}
