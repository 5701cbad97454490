//! Reads files whole: bounded, and never waiting for somebody who may not write.
//!
//! A path may lead to anything: a pipe that nobody writes to would be waited for, a device may never end, and a
//! file may be larger than memory. So only regular files are read, and no more of them than the caller can use.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// A secret is never this long, in bytes; a wrong path may well lead to something that is.
pub const MAX_SECRET: u64 = 1 << 20;
/// Certificates that a system trusts are about 200 KiB.
pub const MAX_CERTIFICATES: u64 = 8 << 20;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system says no.
    #[error(transparent)]
    System(#[from] io::Error),
    /// A directory, pipe, socket or device.
    #[error("it is no regular file")]
    NotRegular,
    /// More than the caller can use.
    #[error("it has {bytes} bytes, more than the {most} that are read")]
    TooLarge {
        /// How many; of what may be longer, more than `most`.
        bytes: u64,
        /// Most that are read.
        most: u64,
    },
    /// Not a text.
    #[error("it is not UTF-8: line {line}, byte {offset} of the file")]
    NotText {
        /// Line of the first bad byte, from 1.
        line: usize,
        /// Its offset.
        offset: usize,
    },
    /// UTF-8, and yet not a text.
    #[error("it holds a NUL byte, as no text does: line {line}, byte {offset} of the file")]
    Nul {
        /// Line of the first NUL, from 1.
        line: usize,
        /// Its offset.
        offset: usize,
    },
}

impl ReadError {
    /// What a person can do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::System(fault) if fault.kind() == io::ErrorKind::PermissionDenied => {
                Some("let this user read it (`ls -l` shows whose it is)")
            }
            Self::NotText { .. } | Self::Nul { .. } => Some("save it as UTF-8, if it is a text at all"),
            Self::System(_) | Self::NotRegular | Self::TooLarge { .. } => None,
        }
    }
}

/// The bytes of a regular file of at most `most` bytes. The buffer never moves, so that the bytes of a secret are
/// in one place.
pub fn whole(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(ReadError::NotRegular);
    }
    up_to(path, metadata.len(), most)
}

/// The same for what a person named: what a shell hands over by name (`<(…)`) is a pipe that somebody writes to.
pub fn given(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    let is_handed = ["/dev/fd", "/dev/stdin", "/proc"].iter().any(|folder| path.starts_with(folder));
    if is_handed { up_to(path, 0, most) } else { whole(path, most) }
}

/// A text without NUL bytes.
pub fn text(bytes: Vec<u8>) -> Result<String, ReadError> {
    check(&bytes)?;
    String::from_utf8(bytes).map_err(|fault| not_text(fault.as_bytes(), fault.utf8_error()))
}

/// The secret in a file, without its last line break; nothing of it is left in memory but what is returned.
pub fn secret(path: &Path) -> Result<Zeroizing<String>, ReadError> {
    let bytes = Zeroizing::new(whole(path, MAX_SECRET)?);
    check(&bytes)?;
    let text = std::str::from_utf8(&bytes).map_err(|fault| not_text(&bytes, fault))?;
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(Zeroizing::new(text.to_owned()))
}

fn check(bytes: &[u8]) -> Result<(), ReadError> {
    match bytes.iter().position(|byte| *byte == 0) {
        Some(offset) => Err(ReadError::Nul { line: line(bytes, offset), offset }),
        None => Ok(()),
    }
}

fn not_text(bytes: &[u8], fault: std::str::Utf8Error) -> ReadError {
    let offset = fault.valid_up_to();
    ReadError::NotText { line: line(bytes, offset), offset }
}

fn line(bytes: &[u8], offset: usize) -> usize {
    bytes[..offset].iter().filter(|byte| **byte == b'\n').count() + 1
}

fn up_to(path: &Path, size: u64, most: u64) -> Result<Vec<u8>, ReadError> {
    let too_large = |bytes| ReadError::TooLarge { bytes, most };
    if size > most {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &Path, most: u64) -> String {
        whole(path, most).and_then(text).unwrap_or_else(|fault| fault.to_string())
    }

    #[test]
    fn only_regular_files_within_the_bound_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "four").unwrap();
        assert_eq!((said(&path, 4), said(&path, 3)), {
            ("four".to_owned(), "it has 4 bytes, more than the 3 that are read".to_owned())
        });
        assert_eq!(said(dir.path(), 4), "it is no regular file");
        assert_eq!(said(Path::new("/dev/zero"), 4), "it is no regular file");
        assert!(matches!(whole(&dir.path().join("none"), 4), Err(ReadError::System(_))));
        // Its size is told as 0.
        let endless = given(Path::new("/proc/self/mountinfo"), 3).unwrap_err().to_string();
        assert_eq!(endless, "it has 4 bytes, more than the 3 that are read");
    }

    #[test]
    fn a_secret_has_no_last_line_break() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (bytes, expected) in [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a\r", "a\r")]
        {
            std::fs::write(file.path(), bytes).unwrap();
            assert_eq!(secret(file.path()).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn what_is_no_text_says_where() {
        let said = |bytes: &[u8]| text(bytes.to_vec()).unwrap_err().to_string();
        assert_eq!(said(b"ok\n\xff"), "it is not UTF-8: line 2, byte 3 of the file");
        assert_eq!(said(b"\xff\0"), "it holds a NUL byte, as no text does: line 1, byte 1 of the file");
        assert_eq!(said(b"ok\n\n \0"), "it holds a NUL byte, as no text does: line 3, byte 5 of the file");
    }
}
