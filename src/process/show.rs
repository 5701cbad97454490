//! What a child printed, made fit for people and terminals.
//!
//! Output is whatever bytes a stranger's program chose. Shown raw it could move the cursor, hide
//! lines, set the title or type into the terminal. [`Harmless`] takes that away and keeps the text.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use taskmaster_core::text::turns_text;

/// Turns bytes into text without terminal controls, piece by piece.
///
/// Escape sequences vanish; `\r\n` and a lone `\r` (progress bars) become line breaks; other
/// controls, marks that change the reading direction and bytes that are no UTF-8 become `U+FFFD`.
#[derive(Debug, Default)]
pub struct Harmless {
    /// The start of a character whose rest has not come yet: at most 3 bytes.
    partial: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After a carriage return: a line feed that follows belongs to it.
    Return,
    /// After ESC.
    Escape,
    /// After ESC and one of ` ()*+-./#%`: one more character belongs to it.
    Charset,
    /// Inside `ESC [ … final`.
    Control,
    /// Inside a text meant for the terminal (title, clipboard): up to BEL, ST or the line's end, so
    /// that a sequence which is never closed hides one line and no more.
    Message,
    /// Inside such a text, after ESC.
    MessageEscape,
}

impl Harmless {
    /// The text of the next bytes.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.partial.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.partial);
        let mut out = String::with_capacity(bytes.len());
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.text(text, &mut out);
                    break;
                }
                Err(fault) => {
                    let (valid, after) = rest.split_at(fault.valid_up_to());
                    self.text(&String::from_utf8_lossy(valid), &mut out);
                    let Some(length) = fault.error_len() else {
                        self.partial = after.to_vec();
                        break;
                    };
                    self.character(char::REPLACEMENT_CHARACTER, &mut out);
                    rest = &after[length..];
                }
            }
        }
        out
    }

    /// What is left at the end: a character that was cut off.
    pub fn finish(self) -> &'static str {
        if self.partial.is_empty() { "" } else { "\u{fffd}" }
    }

    fn text(&mut self, text: &str, out: &mut String) {
        for character in text.chars() {
            self.character(character, out);
        }
    }

    fn character(&mut self, character: char, out: &mut String) {
        self.state = match (self.state, character) {
            (State::Escape, '[') | (State::Text | State::Return, '\u{9b}') => State::Control,
            (State::Escape, ']' | 'P' | 'X' | '^' | '_')
            | (State::Text | State::Return, '\u{9d}' | '\u{90}' | '\u{98}' | '\u{9e}' | '\u{9f}') => {
                State::Message
            }
            (State::Escape, ' '..='/') => State::Charset,
            (_, '\u{18}' | '\u{1a}') => State::Text,
            (State::Escape | State::Charset, '\n' | '\r') => plain(State::Text, character, out),
            (State::Escape | State::Charset, _) => State::Text,
            (State::Control, '@'..='~') => State::Text,
            (State::Control, ' '..='?') => State::Control,
            (State::Message, '\u{1b}') => State::MessageEscape,
            (State::MessageEscape, '\\') | (State::Message, '\u{7}' | '\u{9c}') => State::Text,
            (State::Message | State::MessageEscape, '\n' | '\r') => plain(State::Text, character, out),
            (State::Message | State::MessageEscape, _) => State::Message,
            (_, '\u{1b}') => State::Escape,
            (state, _) => plain(state, character, out),
        };
    }
}

fn plain(state: State, character: char, out: &mut String) -> State {
    match character {
        '\n' if state == State::Return => return State::Text,
        '\r' => {
            out.push('\n');
            return State::Return;
        }
        '\n' | '\t' => out.push(character),
        other if other.is_control() || turns_text(other) => out.push(char::REPLACEMENT_CHARACTER),
        other => out.push(other),
    }
    State::Text
}

/// All of a text at once; see [`Harmless`].
pub fn harmless(bytes: &[u8]) -> String {
    let mut filter = Harmless::default();
    let mut text = filter.push(bytes);
    text.push_str(filter.finish());
    text
}

/// One line of a text, for messages: the last that is not empty, at most `max` characters.
pub fn last_line(text: &str, max: usize) -> &str {
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match line.char_indices().nth(max) {
        Some((end, _)) => &line[..end],
        None => line,
    }
}

/// How the lines begin in which programs say what went wrong.
const ERRORS: [&str; 4] = ["Error: ", "error: ", "Error from server", "fatal: "];

/// The line that says what went wrong, else [`last_line`]: programs end with advice. Frames around
/// errors (`│ Error: …`, as Terraform draws them) are left out.
pub fn error_line(text: &str, max: usize) -> &str {
    let lines = text.lines().rev().map(|line| line.trim_start_matches(['│', ' ']));
    let error = lines.into_iter().find(|line| ERRORS.iter().any(|error| line.starts_with(error)));
    last_line(error.unwrap_or(text), max)
}

/// The last lines of a file as harmless text, without the final line break: at most `max_lines`,
/// read from at most its last `max_bytes`. A line that was cut begins with `…`.
///
/// # Errors
/// Those of reading.
pub fn tail(file: &File, max_lines: usize, max_bytes: usize) -> io::Result<String> {
    let size = file.metadata()?.len();
    let start = size.saturating_sub(max_bytes as u64);
    let mut bytes = vec![0; usize::try_from(size - start).unwrap_or(max_bytes)];
    let read = read_at(file, &mut bytes, start)?;
    bytes.truncate(read);
    // A cut may fall inside a character; what is left of it says nothing.
    let inside = if start > 0 { bytes.iter().take_while(|byte| **byte & 0xc0 == 0x80).count() } else { 0 };
    let text = harmless(&bytes[inside..]);
    let mut lines: Vec<&str> = text.lines().rev().take(max_lines).collect();
    let whole = start == 0 || lines.len() < text.lines().count();
    lines.reverse();
    let text = lines.join("\n");
    Ok(if whole { text } else { format!("…{text}") })
}

/// [`tail`] of a file by its path; a file that does not exist has no lines.
///
/// # Errors
/// Those of opening and reading.
pub fn tail_of(path: &Path, max_lines: usize, max_bytes: usize) -> io::Result<String> {
    match File::open(path) {
        Ok(file) => tail(&file, max_lines, max_bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// Reads until the buffer is full or the file ends.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], mut offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset) {
            Ok(0) => break,
            Ok(count) => {
                filled += count;
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads a log while it is written (`logs --follow`), as harmless text.
///
/// It stays with the file that it opened: when a log is trimmed or redacted at its attempt's end,
/// the path gets another file, and everything there was is still read from this one.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    file: Option<File>,
    filter: Harmless,
}

impl Follower {
    /// Reads `path` from its beginning once it exists.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None, filter: Harmless::default() }
    }

    /// What was written since the last call, at most 64 KiB of it; empty when that is nothing.
    ///
    /// # Errors
    /// Those of opening and reading.
    pub fn read(&mut self) -> io::Result<String> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
                Err(error) => return Err(error),
            }
        }
        let Some(file) = &mut self.file else { return Ok(String::new()) };
        skip_hole(file)?;
        let mut bytes = vec![0; 64 * 1024];
        let count = file.read(&mut bytes)?;
        Ok(self.filter.push(&bytes[..count]))
    }
}

/// Goes on behind the middle that was taken out of a log past its bound, which would read as
/// zero bytes.
#[cfg(target_os = "linux")]
fn skip_hole(file: &File) -> io::Result<()> {
    use rustix::fs::{SeekFrom, seek, tell};
    let here = tell(file)?;
    match seek(file, SeekFrom::Data(here)) {
        // Blocks that are not written yet count as no data; the end is no hole to skip.
        Err(rustix::io::Errno::NXIO | rustix::io::Errno::INVAL) => {
            seek(file, SeekFrom::Start(here))?;
            Ok(())
        }
        other => other.map(|_| ()).map_err(Into::into),
    }
}

#[cfg(not(target_os = "linux"))]
fn skip_hole(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    #[test]
    fn controls_vanish_and_text_stays() {
        let cases: &[(&[u8], &str)] = &[
            (b"plain\ttext\n", "plain\ttext\n"),
            (b"\x1b[31;1mred\x1b[0m", "red"),
            (b"\x1b]0;owned\x07title", "title"),
            (b"\x1b]52;c;cm0gLXJm\x1b\\clip", "clip"),
            (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            (b"\x1bP1$r0m\x1b\\dcs", "dcs"),
            (b"never closed \x1b]0;hidden\nnext", "never closed \nnext"),
            (b"\x1b(Bascii", "ascii"),
            (b"\x1bcreset", "reset"),
            (b"10%\r20%\rdone\r\nnext", "10%\n20%\ndone\nnext"),
            (b"a\x08b\x07c\x00", "a\u{fffd}b\u{fffd}c\u{fffd}"),
            (b"bad \xff utf8 \xe2\x82", "bad \u{fffd} utf8 \u{fffd}"),
            ("\u{9b}31mcsi of one character".as_bytes(), "csi of one character"),
            ("evil\u{202e}txt.exe".as_bytes(), "evil\u{fffd}txt.exe"),
            ("grün 🏁".as_bytes(), "grün 🏁"),
            (b"\x1b[2J\x1b[1;1H", ""),
        ];
        for (bytes, expected) in cases {
            assert_eq!(harmless(bytes), *expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_tail_is_cut_at_lines_and_marked_when_a_line_is_cut() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all("one\ntwo\nthree ä\n".as_bytes()).unwrap();
        assert_eq!(tail(&file, 2, 1000).unwrap(), "two\nthree ä");
        assert_eq!(tail(&file, 9, 1000).unwrap(), "one\ntwo\nthree ä");
        assert_eq!(tail(&file, 1, 10).unwrap(), "three ä");
        assert_eq!(tail(&file, 5, 6).unwrap(), "…ee ä");
        // The cut falls between the two bytes of the last letter.
        assert_eq!(tail(&file, 5, 2).unwrap(), "…");
        assert_eq!(last_line("a\n b \n\n", 9), "b");
        assert_eq!(last_line("äöü", 2), "äö");
        let framed =
            "╷\n│ Error: Error acquiring the state lock\n│ \n│ Error message: busy\n│ not recommended.\n╵\n";
        assert_eq!(error_line(framed, 99), "Error: Error acquiring the state lock");
        assert_eq!(error_line("error: one\nerror: two\nusage\n", 99), "error: two");
        assert_eq!(error_line("one\nError message\n", 99), "Error message");
    }

    proptest! {
        #[test]
        fn nothing_a_terminal_obeys_is_left(bytes: Vec<u8>) {
            let text = harmless(&bytes);
            let harmful = |c: &char| c.is_control() && !matches!(c, '\n' | '\t');
            prop_assert_eq!(text.chars().find(harmful), None);
        }

        #[test]
        fn pieces_give_the_same_text(bytes in escapes(), cut: prop::sample::Index) {
            let cut = cut.index(bytes.len() + 1);
            let mut filter = Harmless::default();
            let mut text = filter.push(&bytes[..cut]);
            text.push_str(&filter.push(&bytes[cut..]));
            text.push_str(filter.finish());
            prop_assert_eq!(text, harmless(&bytes));
        }
    }

    /// Bytes that are rich in what matters.
    fn escapes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            &b"\x1b["[..],
            b"\x1b]",
            b"\x1b\\",
            b"\x07",
            b"31m",
            b"a",
            b"\r",
            b"\n",
            b"\xe2",
            b"\x82",
            b"\xac",
            b"\xff",
            b"\x1b(",
            b"\xc2\x9b",
        ]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }
}
