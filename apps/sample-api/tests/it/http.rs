//! One GET over a socket, by hand.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Sends the request and leaves the answer unread.
pub(crate) fn send(address: SocketAddr, method: &str, path: &str) -> io::Result<TcpStream> {
    send_lines(address, &format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"))
}

/// Sends the request without asking the server to close the connection.
pub(crate) fn send_keeping(address: SocketAddr, path: &str) -> io::Result<TcpStream> {
    send_lines(address, &format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"))
}

fn send_lines(address: SocketAddr, lines: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    // An answer that never comes, or a connection that never closes, is a failure and no hang.
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(lines.as_bytes())?;
    Ok(stream)
}

/// Reads an answer up to the end of the connection.
pub(crate) fn read(mut stream: TcpStream) -> io::Result<Answer> {
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Ok(Answer { status: status.parse().expect("a number"), headers, body: body.to_owned() })
}

pub(crate) fn request(address: SocketAddr, method: &str, path: &str) -> io::Result<Answer> {
    read(send(address, method, path)?)
}

#[track_caller]
pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, "GET", path).expect(path)
}

/// Asks again and again until `wanted` holds; the deadline turns a hang into a failure.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::yield_now();
    }
}
