//! Keeps a log within its bound while somebody else writes it.
//!
//! A child appends to its log directly, so nobody can hold a write back; and to stop the work
//! because it talks much would be worse than a gap in its log. Past the bound the middle of the log
//! is taken out: its blocks are given back to the file system while the child goes on writing at
//! the end (a hole is punched; offsets stay as they are). The first quarter of the bound stays,
//! because causes stand there, and the last half, because results do. When the attempt has ended,
//! the log is rewritten without the hole, with one line in its place that says how much is missing.
//!
//! The bound is looked after every [`WATCH`]: in between, a child can write what the disk takes in
//! that time. Where a file system cannot punch holes, [`Bound::hold`] fails, and the attempt with it.

use super::show::read_at;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// Shortest and longest time between two looks at a growing log.
pub const WATCH: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));

/// Bound of a log where nothing else is configured: 64 MiB.
pub const DEFAULT_LOG_LIMIT: u64 = 64 << 20;

/// Holes are punched in whole blocks.
const BLOCK: u64 = 4096;

/// The smallest bound that leaves room for a head and a tail of whole blocks.
const MIN_LIMIT: u64 = 8 * BLOCK;

/// The bound of one log and what was taken out of it.
#[derive(Debug)]
pub struct Bound {
    limit: u64,
    /// From here …
    head: u64,
    /// … to here nothing is kept.
    tail: u64,
}

impl Bound {
    /// A bound in bytes; at least 32 KiB.
    pub fn new(limit: u64) -> Self {
        let head = limit.max(MIN_LIMIT) / 4 / BLOCK * BLOCK;
        Self { limit: limit.max(MIN_LIMIT), head, tail: head }
    }

    /// True once something was taken out.
    pub fn exceeded(&self) -> bool {
        self.tail > self.head
    }

    /// Gives the middle back to the file system where the log, now of `size`, keeps too much.
    ///
    /// # Errors
    /// The file system cannot punch holes, or reports a fault.
    pub fn hold(&mut self, file: &File, size: u64) -> io::Result<()> {
        let kept = size.saturating_sub(self.tail - self.head);
        if kept <= self.limit {
            return Ok(());
        }
        let tail = (size - self.limit / 2) / BLOCK * BLOCK;
        punch(file, self.tail, tail - self.tail)?;
        self.tail = tail;
        Ok(())
    }

    /// Rewrites a log that nobody writes any more without its hole, by a temporary file beside it.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub fn compact(&self, file: &File, path: &Path) -> io::Result<File> {
        let mut out = replacement(path)?;
        let left_out = self.tail - self.head;
        copy(file, 0, Some(self.head), out.as_file_mut())?;
        writeln!(
            out,
            "\n[taskmaster: {left_out} bytes left out here, the log's bound is {} bytes]",
            self.limit
        )?;
        copy(file, self.tail, None, out.as_file_mut())?;
        out.persist(path).map_err(|fault| fault.error)
    }
}

/// A file that can take the place of `path`, readable by its owner alone.
pub(super) fn replacement(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    tempfile::Builder::new().prefix(".log-").tempfile_in(folder)
}

fn copy(from: &File, mut start: u64, end: Option<u64>, to: &mut File) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let most = end.map_or(buffer.len() as u64, |end| (end - start).min(buffer.len() as u64));
        let wanted = usize::try_from(most).unwrap_or(buffer.len());
        let count = read_at(from, &mut buffer[..wanted], start)?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..count])?;
        start += count as u64;
    }
}

#[cfg(target_os = "linux")]
pub(super) fn punch(file: &File, start: u64, length: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    fallocate(file, flags, start, length).map_err(Into::into)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn punch(_: &File, _: u64, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    /// Appends numbered lines of 16 bytes, looking after the bound every `step` lines.
    fn written(limit: u64, lines: u64, step: u64) -> (tempfile::TempDir, String, u64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let mut file = File::options().create(true).append(true).read(true).open(&path).unwrap();
        let mut bound = Bound::new(limit);
        let mut most = 0;
        for line in 0..lines {
            writeln!(file, "line {line:010}").unwrap();
            if line % step == 0 {
                bound.hold(&file, file.metadata().unwrap().len()).unwrap();
                most = most.max(file.metadata().unwrap().blocks() * 512);
            }
        }
        if bound.exceeded() {
            bound.compact(&file, &path).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        (folder, text, most)
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn head_and_tail_stay_and_the_disk_holds_little_more_than_the_bound() {
        let limit = 256 * 1024;
        let (_folder, text, most) = written(limit, 200_000, 100);
        assert!(text.starts_with("line 0000000000\n"), "{}", &text[..40]);
        assert!(text.ends_with("line 0000199999\n"));
        assert!(text.len() as u64 <= limit + 200, "{}", text.len());
        assert!(text.len() as u64 > limit / 2, "{}", text.len());
        assert!(most <= limit + 128 * 1024, "{most} bytes on disk");
        let gap = text.lines().find(|line| line.contains("left out here")).unwrap();
        let left_out: u64 = gap.split(' ').find_map(|word| word.parse().ok()).unwrap();
        let rest = text.len() as u64 - gap.len() as u64 - 2;
        assert_eq!(left_out + rest, 200_000 * 16, "what is there and what is said to be missing are all");
        assert!(!text.contains('\0'));
    }

    #[test]
    fn a_log_within_its_bound_is_untouched() {
        let (_folder, text, _) = written(1 << 20, 1000, 10);
        assert_eq!(text.lines().count(), 1000);
        assert!(!text.contains("left out"));
    }
}
