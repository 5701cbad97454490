//! A receiver on the loopback that does to each connection what a test tells it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Nothing here takes longer.
pub(super) const LONGEST: Duration = Duration::from_secs(20);

/// What was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) line: String,
    /// Names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    /// As text, and as it came.
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

impl Request {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What a receiver does to a connection.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Answers with these bytes and ends.
    Say(String),
    /// Answers with these bytes and keeps the connection open without a word.
    SayAndHang(String),
    /// Answers with a head and then a byte now and then, for ever.
    Drip(String),
    /// Answers with a head and then bytes as fast as they go, for ever.
    Flood(String),
    /// Says nothing.
    Hang,
    /// Ends before it has said anything.
    Close,
}

/// A whole answer.
pub(crate) fn say(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Say(format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"))
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
}

/// A receiver; its threads end with their connections.
pub(crate) struct Receiver {
    pub(crate) url: String,
    seen: Arc<Seen>,
}

impl Receiver {
    /// `act` is told the request and how many came before it.
    pub(crate) fn new(act: impl Fn(&Request, usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Seen::default());
        let (act, noted) = (Arc::new(act), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                noted.connections.fetch_add(1, Ordering::SeqCst);
                let (act, noted) = (Arc::clone(&act), Arc::clone(&noted));
                std::thread::spawn(move || serve(stream.unwrap(), &*act, &noted));
            }
        });
        Self { url, seen }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Waits until so many requests came.
    pub(super) async fn wait_for(&self, count: usize) {
        let end = Instant::now() + LONGEST;
        while self.requests().len() < count {
            assert!(Instant::now() < end, "{} of {count} requests came", self.requests().len());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn serve(mut stream: TcpStream, act: &dyn Fn(&Request, usize) -> Act, seen: &Seen) {
    let Some(request) = read(&mut stream) else { return };
    let before = {
        let mut requests = seen.requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    // The client may hang up at any time.
    let _ = perform(&mut stream, act(&request, before));
}

fn perform(stream: &mut TcpStream, act: Act) -> std::io::Result<()> {
    match act {
        Act::Say(text) => {
            stream.write_all(text.as_bytes())?;
            stream.shutdown(Shutdown::Write)?;
            until_gone(stream)
        }
        Act::SayAndHang(text) => {
            stream.write_all(text.as_bytes())?;
            until_gone(stream)
        }
        Act::Drip(head) => {
            stream.write_all(head.as_bytes())?;
            loop {
                stream.write_all(b"x")?;
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Act::Flood(head) => {
            stream.write_all(head.as_bytes())?;
            loop {
                stream.write_all(&[b'x'; 64 * 1024])?;
            }
        }
        Act::Hang => until_gone(stream),
        Act::Close => Ok(()),
    }
}

fn until_gone(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(LONGEST))?;
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(LONGEST)).unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let body = &bytes[end + 4..];
            let mut lines = head.lines();
            let line = lines.next()?.to_owned();
            let headers: BTreeMap<_, _> = lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                let text = String::from_utf8_lossy(body).into_owned();
                return Some(Request { line, headers, body: text, bytes: body.to_vec() });
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}
