//! Contents of files, streamed out of `git cat-file --batch`.

use super::command::Command;
use super::error::{GitError, Said};

/// Takes contents in the order in which they were asked for.
pub(super) trait Receiver {
    /// A content of so many bytes begins.
    fn begin(&mut self, size: u64) -> Result<(), GitError>;
    /// More of it.
    fn piece(&mut self, bytes: &[u8]) -> Result<(), GitError>;
    /// That was all of it.
    fn end(&mut self) -> Result<(), GitError>;
}

/// Arguments that print what is asked for on standard input.
pub(super) const BATCH: [&str; 2] = ["cat-file", "--batch"];

/// Asks `command` (see [`BATCH`]) for the contents of `objects`, which are ids.
pub(super) fn read<'o>(
    command: Command<'_>,
    objects: impl Iterator<Item = &'o str>,
    receiver: &mut dyn Receiver,
) -> Result<(), GitError> {
    let mut input = String::new();
    objects.for_each(|object| {
        input.push_str(object);
        input.push('\n');
    });
    let mut reader = Reader { receiver, state: State::Header(Vec::new()) };
    command.input(input.as_bytes()).pieces(&mut |piece| reader.push(piece))
}

enum State {
    /// `<id> blob <size>`, as far as it came.
    Header(Vec<u8>),
    /// So many bytes are to come.
    Content(u64),
    /// The line break behind a content.
    Break,
}

struct Reader<'r> {
    receiver: &'r mut dyn Receiver,
    state: State,
}

impl Reader<'_> {
    fn push(&mut self, mut piece: &[u8]) -> Result<(), GitError> {
        while let Some(first) = piece.first() {
            match &mut self.state {
                State::Header(line) if *first != b'\n' => {
                    line.push(*first);
                    piece = &piece[1..];
                }
                State::Header(line) => {
                    let size = size(line)?;
                    self.receiver.begin(size)?;
                    self.state = State::Content(size);
                    piece = &piece[1..];
                    self.end_if_whole()?;
                }
                State::Content(left) => {
                    let count = piece.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    self.receiver.piece(&piece[..count])?;
                    *left -= count as u64;
                    piece = &piece[count..];
                    self.end_if_whole()?;
                }
                State::Break => {
                    self.state = State::Header(Vec::new());
                    piece = &piece[1..];
                }
            }
        }
        Ok(())
    }

    fn end_if_whole(&mut self) -> Result<(), GitError> {
        if matches!(self.state, State::Content(0)) {
            self.receiver.end()?;
            self.state = State::Break;
        }
        Ok(())
    }
}

fn size(line: &[u8]) -> Result<u64, GitError> {
    let text = String::from_utf8_lossy(line);
    let mut words = text.split(' ').skip(1);
    match (words.next(), words.next().and_then(|size| size.parse().ok())) {
        (Some("blob"), Some(size)) => Ok(size),
        _ => Err(GitError::Corrupt { said: Said::new(line, None) }),
    }
}
