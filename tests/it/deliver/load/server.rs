//! A server on the loopback that keeps connections and does to each request what a test tells it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What a server does to a request.
pub(super) enum Act {
    /// Answers after so long and goes on.
    Say(Duration, String),
    /// Answers and closes the connection without announcing it.
    Last(String),
    /// Says nothing more on this connection.
    Hang,
}

/// A whole answer.
pub(super) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

/// An answer of a version.
pub(super) fn version(name: &str) -> Act {
    Act::Say(Duration::ZERO, answer("200 OK", &format!("X-App-Version: {name}\r\n"), ""))
}

pub(super) struct Server {
    pub(super) url: String,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// `act` is told the request's head and how many came before it.
    pub(super) fn new(act: impl Fn(&str, usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (act, count) = (Arc::new(act), Arc::clone(&connections));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                let (act, requests) = (Arc::clone(&act), Arc::clone(&requests));
                // The client may hang up at any time.
                std::thread::spawn(move || serve(stream.unwrap(), &*act, &requests));
            }
        });
        Self { url, connections }
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn serve(
    mut stream: TcpStream,
    act: &dyn Fn(&str, usize) -> Act,
    requests: &AtomicUsize,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        match act(&head, requests.fetch_add(1, Ordering::SeqCst)) {
            Act::Say(pause, text) => {
                std::thread::sleep(pause);
                stream.write_all(text.as_bytes())?;
            }
            Act::Last(text) => {
                stream.write_all(text.as_bytes())?;
                return stream.shutdown(std::net::Shutdown::Both);
            }
            Act::Hang => {
                // Until the client goes.
                reader.fill_buf()?;
                return Ok(());
            }
        }
    }
}
