//! How guard and agent speak: small words over a Unix socket, some of them with a file descriptor.
//!
//! A word is four bytes of length and so many of JSON. Its descriptor travels with the first byte.

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// Longest word: names are short.
const LONGEST: usize = 4096;

/// What they say to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Hold this descriptor under this name, in place of what had the name before.
    Hold(String),
    /// Let the descriptor of this name go.
    Release(String),
    /// That was all that is held.
    All,
    /// The agent is at work: its doors are open.
    Ready,
    /// The agent ends on purpose: do not start it again.
    Bye,
}

/// One end of the line between guard and agent. Both block.
#[derive(Debug)]
pub struct Line {
    stream: UnixStream,
}

impl Line {
    /// Over this socket.
    pub fn new(stream: UnixStream) -> Self {
        Self { stream }
    }

    /// Over the socket that this process was given as its standard input.
    ///
    /// # Errors
    /// No file descriptor is left.
    pub fn from_stdin() -> io::Result<Self> {
        let stdin = io::stdin();
        Ok(Self::new(UnixStream::from(stdin.as_fd().try_clone_to_owned()?)))
    }

    /// The same line once more.
    ///
    /// # Errors
    /// No file descriptor is left.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self::new(self.stream.try_clone()?))
    }

    /// Says a word.
    ///
    /// # Errors
    /// The other one is gone.
    pub fn say(&self, word: &Word, with: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let json = serde_json::to_vec(word)?;
        let length = u32::try_from(json.len()).map_err(io::Error::other)?;
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend(json);
        let sent = self.send(&bytes, with)?;
        // A descriptor has gone with the first byte: the rest is bytes alone.
        bytes.get(sent..).map_or(Ok(()), |rest| (&self.stream).write_all(rest))
    }

    fn send(&self, bytes: &[u8], with: Option<BorrowedFd<'_>>) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors: Vec<BorrowedFd<'_>> = with.into_iter().collect();
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&descriptors));
        }
        loop {
            match sendmsg(&self.stream, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                sent => return Ok(sent?),
            }
        }
    }

    /// The next word; none where the other one is gone.
    ///
    /// # Errors
    /// What came is no word.
    pub fn hear(&self) -> io::Result<Option<(Word, Option<OwnedFd>)>> {
        let mut length = [0; 4];
        let (read, descriptor) = self.receive(&mut length)?;
        if read == 0 {
            return Ok(None);
        }
        let mut rest = length;
        if read < rest.len() {
            (&self.stream).read_exact(&mut rest[read..])?;
        }
        let length = usize::try_from(u32::from_le_bytes(rest)).map_err(io::Error::other)?;
        if length > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a word is too long"));
        }
        let mut json = vec![0; length];
        (&self.stream).read_exact(&mut json)?;
        Ok(Some((serde_json::from_slice(&json)?, descriptor)))
    }

    fn receive(&self, bytes: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let read = loop {
            let flags = RecvFlags::CMSG_CLOEXEC;
            match recvmsg(&self.stream, &mut [IoSliceMut::new(bytes)], &mut control, flags) {
                Err(Errno::INTR) => {}
                // A reset is an end like any other.
                Err(Errno::CONNRESET) => return Ok((0, None)),
                received => break received?.bytes,
            }
        };
        let rights = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        Ok((read, rights.flatten().next()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Seek, SeekFrom};

    #[test]
    fn words_and_descriptors_arrive_in_order() {
        let (one, other) = UnixStream::pair().unwrap();
        let (one, other) = (Line::new(one), Line::new(other));
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"held").unwrap();
        one.say(&Word::Hold("a".into()), Some(file.as_fd())).unwrap();
        one.say(&Word::Ready, None).unwrap();
        one.say(&Word::Hold("b".into()), Some(file.as_fd())).unwrap();
        drop((one, file));
        let (word, descriptor) = other.hear().unwrap().unwrap();
        assert_eq!(word, Word::Hold("a".into()));
        let mut found = File::from(descriptor.unwrap());
        found.seek(SeekFrom::Start(0)).unwrap();
        assert_eq!(io::read_to_string(found).unwrap(), "held");
        assert_eq!(other.hear().unwrap().unwrap().0, Word::Ready);
        assert!(other.hear().unwrap().unwrap().1.is_some());
        assert!(other.hear().unwrap().is_none());
    }

    #[test]
    fn garbage_is_an_error_and_no_panic() {
        for bytes in [&b"\xff\xff\xff\xff"[..], b"\x02\0\0\0{]", b"\x05\0\0\0{", b"\x01"] {
            let (mut one, other) = UnixStream::pair().unwrap();
            one.write_all(bytes).unwrap();
            drop(one);
            assert!(Line::new(other).hear().is_err(), "{bytes:?}");
        }
    }
}
