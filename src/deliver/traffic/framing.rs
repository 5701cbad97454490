//! Follows where requests of an HTTP/1.1 connection begin and end, and refuses what could be read two ways.
//!
//! The parser behind takes a message with both `Content-Length` and `Transfer-Encoding`, drops one of them and
//! goes on: right by itself, but somebody before this proxy may have kept the other one. So the same bytes are
//! looked at as they come in, and the number of the first request whose length is ambiguous is kept: that one
//! is answered 400, and nothing after it is looked at. Nothing is buffered but the line at hand.

use std::io::BufRead;

/// Longest part of a line that is kept while it is not whole; no line that matters is longer.
const KEPT: usize = 256;
/// Longest line of a chunk's size.
const SIZE_LINE: u16 = 4096;
/// What is said of chunks, and of the trailers after them.
const CHUNK: &str = "a chunk of the body is not well formed";

/// Where in a connection its bytes are.
#[derive(Debug)]
pub(super) struct Framing {
    place: Place,
    /// Heads that ended.
    heads: u64,
    line: Line,
    head: Head,
    fault: Option<(u64, &'static str)>,
}

#[derive(Debug, PartialEq)]
enum Place {
    Head,
    /// Bytes that are left.
    Body(u64),
    Chunk(Chunk),
    /// Lines after the last chunk.
    Trailers,
    /// Nothing is looked at any more.
    Over,
}

#[derive(Debug, PartialEq)]
enum Chunk {
    /// Its size so far, its digits, and the length of the line.
    Size(u64, u8, u16),
    /// What comes after a semicolon.
    Extension(u64, u16),
    SizeEnd(u64),
    Data(u64),
    DataCr,
    DataLf,
}

/// What a head said so far.
#[derive(Debug, Default)]
struct Head {
    has_request_line: bool,
    length: Option<u64>,
    is_chunked: bool,
}

/// A line that is not whole yet.
#[derive(Debug, Default)]
struct Line {
    start: Vec<u8>,
    is_cut: bool,
    /// Its last byte ends it as it should, before the line feed.
    has_cr: bool,
}

impl Line {
    fn push(&mut self, bytes: &[u8]) {
        let room = KEPT - self.start.len();
        self.start.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        self.is_cut |= bytes.len() > room;
        self.has_cr = bytes.last().map_or(self.has_cr, |byte| *byte == b'\r');
    }

    fn is_empty(&self) -> bool {
        self.start.is_empty()
    }

    fn clear(&mut self) {
        self.start.clear();
        (self.is_cut, self.has_cr) = (false, false);
    }
}

impl Framing {
    pub(super) fn new() -> Self {
        let (line, head) = (Line::default(), Head::default());
        Self { place: Place::Head, heads: 0, line, head, fault: None }
    }

    /// The first ambiguous request, counted from 0, and why.
    pub(super) fn fault(&self) -> Option<(u64, &'static str)> {
        self.fault
    }

    /// True where the last bytes are a part of a head, and not all of it.
    pub(super) fn is_in_head(&self) -> bool {
        self.place == Place::Head && (self.head.has_request_line || !self.line.is_empty())
    }

    /// Bytes came in.
    pub(super) fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.place != Place::Over {
            let used = match &mut self.place {
                Place::Head | Place::Trailers => self.lines(bytes),
                Place::Body(left) => {
                    let used = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= used as u64;
                    if *left == 0 {
                        self.place = Place::Head;
                    }
                    used
                }
                Place::Chunk(_) => self.chunk(bytes),
                Place::Over => return,
            };
            bytes = bytes.get(used..).unwrap_or_default();
        }
    }

    fn refuse(&mut self, request: u64, why: &'static str) {
        self.fault = Some((request, why));
        self.place = Place::Over;
    }

    /// One line of a head or of trailers, or a part of it.
    fn lines(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        // Finds the end of the line by the fastest search there is.
        let used = rest.skip_until(b'\n').unwrap_or(bytes.len());
        let line = bytes.get(..used).unwrap_or_default();
        let Some(whole) = line.strip_suffix(b"\n") else {
            self.line.push(line);
            return used;
        };
        if self.line.is_empty() {
            self.end_of_line(whole, false, whole.ends_with(b"\r"));
        } else {
            self.line.push(whole);
            let kept = std::mem::take(&mut self.line);
            self.end_of_line(&kept.start, kept.is_cut, kept.has_cr);
            self.line = kept;
            self.line.clear();
        }
        used
    }

    fn end_of_line(&mut self, line: &[u8], is_cut: bool, has_cr: bool) {
        let line = if is_cut { line } else { line.strip_suffix(b"\r").unwrap_or(line) };
        if self.place == Place::Trailers {
            // Others read on behind a bare line feed.
            if !has_cr {
                self.refuse(self.heads.saturating_sub(1), CHUNK);
            } else if line.is_empty() {
                self.place = Place::Head;
            }
        } else if line.is_empty() {
            self.end_of_head();
        } else if !self.head.has_request_line {
            self.head.has_request_line = true;
        } else if let Err(why) = self.head.field(line, is_cut) {
            self.refuse(self.heads, why);
        }
    }

    fn end_of_head(&mut self) {
        // Empty lines before a request are nothing.
        if !self.head.has_request_line {
            return;
        }
        let head = std::mem::take(&mut self.head);
        self.heads += 1;
        self.place = match head.length {
            _ if head.is_chunked => Place::Chunk(Chunk::Size(0, 0, 0)),
            None | Some(0) => Place::Head,
            Some(length) => Place::Body(length),
        };
    }

    /// A part of a chunked body.
    fn chunk(&mut self, bytes: &[u8]) -> usize {
        let Place::Chunk(chunk) = &mut self.place else { return 0 };
        if let Chunk::Data(left) = chunk {
            let used = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
            *left -= used as u64;
            if *left == 0 {
                *chunk = Chunk::DataCr;
            }
            return used;
        }
        let Some(byte) = bytes.first() else { return 0 };
        match chunk.next(*byte) {
            Some(Chunk::SizeEnd(0)) if *byte == b'\n' => self.place = Place::Trailers,
            Some(next) => self.place = Place::Chunk(next),
            None => self.refuse(self.heads.saturating_sub(1), CHUNK),
        }
        1
    }
}

impl Chunk {
    /// What comes after a byte; nothing where it must not be here. The end of a last chunk's size stays what
    /// it is.
    fn next(&self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Size(size, digits, length), _) if byte.is_ascii_hexdigit() && *digits < 16 => {
                let digit = char::from(byte).to_digit(16)?;
                Some(Self::Size(size.checked_mul(16)? + u64::from(digit), digits + 1, length + 1))
            }
            (Self::Size(size, 1.., length), b';') => Some(Self::Extension(*size, *length)),
            (Self::Size(size, 1.., _) | Self::Extension(size, _), b'\r') => Some(Self::SizeEnd(*size)),
            (Self::Extension(size, length), _) if byte != b'\n' && *length < SIZE_LINE => {
                Some(Self::Extension(*size, length + 1))
            }
            (Self::SizeEnd(0), b'\n') => Some(Self::SizeEnd(0)),
            (Self::SizeEnd(size), b'\n') => Some(Self::Data(*size)),
            (Self::DataCr, b'\r') => Some(Self::DataLf),
            (Self::DataLf, b'\n') => Some(Self::Size(0, 0, 0)),
            _ => None,
        }
    }
}

impl Head {
    /// Reads a field that says how long the body is.
    fn field(&mut self, line: &[u8], is_cut: bool) -> Result<(), &'static str> {
        let name = |name: &str| {
            let start = line.get(..name.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        };
        match line.first() {
            Some(b'c' | b'C') if name("content-length") => {
                self.length(after(line, "content-length".len())?, is_cut)
            }
            Some(b't' | b'T') if name("transfer-encoding") => {
                self.coding(after(line, "transfer-encoding".len())?, is_cut)
            }
            _ => Ok(()),
        }
    }

    fn length(&mut self, value: Option<&[u8]>, is_cut: bool) -> Result<(), &'static str> {
        let Some(value) = value else { return Ok(()) };
        if self.length.is_some() {
            return Err("it has two lengths");
        }
        if self.is_chunked {
            return Err("it has a length and a transfer coding");
        }
        let is_number = !is_cut && !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(value).ok().filter(|_| is_number);
        let length = text.and_then(|text| text.parse().ok());
        self.length = Some(length.ok_or("its length is no number")?);
        Ok(())
    }

    fn coding(&mut self, value: Option<&[u8]>, is_cut: bool) -> Result<(), &'static str> {
        let Some(value) = value else { return Ok(()) };
        if self.length.is_some() {
            return Err("it has a length and a transfer coding");
        }
        if self.is_chunked || is_cut || !value.eq_ignore_ascii_case(b"chunked") {
            return Err("its transfer coding is another one than chunked");
        }
        self.is_chunked = true;
        Ok(())
    }
}

/// The value after a name of so many bytes; nothing where the name is longer.
fn after(line: &[u8], name: usize) -> Result<Option<&[u8]>, &'static str> {
    let rest = line.get(name..).unwrap_or_default();
    match rest.first() {
        Some(b':') => Ok(Some(rest.get(1..).unwrap_or_default().trim_ascii())),
        // Some servers read past blanks before the colon, others take them for a part of the name.
        Some(b' ' | b'\t') | None => Err("a name of a header ends in a blank"),
        Some(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(text: &str) -> Framing {
        let mut framing = Framing::new();
        framing.see(text.as_bytes());
        framing
    }

    #[test]
    fn requests_one_after_the_other() {
        for (text, heads) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1),
            ("\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\nGET / HTTP/1.1\n\n", 2),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n", 2),
            ("POST / HTTP/1.1\r\ncontent-length:0\r\n\r\nGET / HTTP/1.1\r\n\r\n", 2),
            // What stands in a body is no head.
            ("POST / HTTP/1.1\r\nContent-Length: 28\r\n\r\nA / HTTP/1.1\r\nX: 1\r\n\r\nabcdef", 1),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
                2,
            ),
            ("POST / HTTP/1.1\r\nContent-Lengthy: 3\r\nTransfer-Encodings: gzip\r\n\r\n", 1),
        ] {
            let framing = seen(text);
            assert_eq!(
                (framing.heads, framing.fault(), framing.place),
                (heads, None, Place::Head),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_part_of_a_head() {
        for (text, is_part) in [
            ("", false),
            ("G", true),
            ("GET / HTTP/1.1\r\nX: a", true),
            ("GET / HTTP/1.1\r\n\r\n", false),
            ("GET / HTTP/1.1\r\n\r\n\r\n", false),
            ("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n", true),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", false),
        ] {
            assert_eq!(seen(text).is_in_head(), is_part, "{text:?}");
        }
    }

    #[test]
    fn ambiguous_ones() {
        for (field, why) in [
            ("Content-Length: 5\r\nTransfer-Encoding: chunked", "it has a length and a transfer coding"),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5", "it has a length and a transfer coding"),
            ("Content-Length: 5\r\nContent-Length: 5", "it has two lengths"),
            ("Content-Length: 5\r\ncontent-length: 6", "it has two lengths"),
            ("Content-Length: 5, 5", "its length is no number"),
            ("Content-Length: +5", "its length is no number"),
            ("Content-Length: 0x5", "its length is no number"),
            ("Content-Length:", "its length is no number"),
            ("Content-Length: 99999999999999999999", "its length is no number"),
            ("Content-Length : 5", "a name of a header ends in a blank"),
            ("Transfer-Encoding\t: chunked", "a name of a header ends in a blank"),
            ("Transfer-Encoding: gzip, chunked", "its transfer coding is another one than chunked"),
            ("Transfer-Encoding: xchunked", "its transfer coding is another one than chunked"),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                "its transfer coding is another one than chunked",
            ),
            ("Transfer-Encoding: \"chunked\"", "its transfer coding is another one than chunked"),
        ] {
            let framing = seen(&format!("GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\n{field}\r\n\r\n"));
            assert_eq!(framing.fault(), Some((1, why)), "{field}");
        }
    }

    #[test]
    fn chunks_that_others_read_otherwise() {
        for body in [
            "\r\n",
            "g\r\n",
            " 3\r\n",
            "3 \r\n",
            "3\nabc",
            "-3\r\n",
            "3\r\nabcd\r\n",
            "3\r\nabc\n",
            "0x3\r\n",
            "fffffffffffffffff\r\n",
            "3;a\n",
            "0\r\n\n",
            "0\r\nX: a\n\r\n",
        ] {
            let framing = seen(&format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}"));
            assert_eq!(framing.fault(), Some((0, CHUNK)), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn parts_of_any_length_are_the_whole(
            parts in prop::collection::vec(1_usize..40, 1..60),
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            which in 0_usize..4,
        ) {
            let mut text = [
                "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcdePOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n",
                "POST / HTTP/1.1\r\nContent-Length: 5\r\nX: y\r\ncontent-length: 5\r\n\r\n",
                "",
            ][which].as_bytes().to_vec();
            text.extend(bytes);
            let mut whole = Framing::new();
            whole.see(&text);
            let mut cut = Framing::new();
            let mut rest = text.as_slice();
            for part in parts.iter().cycle() {
                let (now, later) = rest.split_at((*part).min(rest.len()));
                cut.see(now);
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!((cut.heads, cut.fault(), cut.place), (whole.heads, whole.fault(), whole.place));
        }
    }
}
