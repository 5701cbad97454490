//! The service that these tests roll out: this very program, started again as a small HTTP server.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Names the port of a service; where it is absent the test below is none.
pub(super) const PORT: &str = "IT_SERVICE_PORT";
/// Names its version, which every answer says.
pub(super) const VERSION: &str = "IT_SERVICE_VERSION";
/// Percent of its answers that are errors.
pub(super) const ERRORS: &str = "IT_SERVICE_ERRORS";
/// A text that it says at `/token`.
pub(super) const TOKEN: &str = "IT_SERVICE_TOKEN";

static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// A shell line that serves at the port that `port` expands to.
pub(crate) fn serving_at(port: &str) -> String {
    let exe = std::env::current_exe().expect("this program");
    let test = "agent::service::serves_where_it_is_asked_to";
    format!("{PORT}={port} exec '{}' --exact {test} --nocapture", exe.display())
}

/// Started by an agent it serves for ever; as a test it does nothing.
#[test]
fn serves_where_it_is_asked_to() {
    let Ok(port) = std::env::var(PORT) else { return };
    let listener = TcpListener::bind(("127.0.0.1", port.parse::<u16>().unwrap())).unwrap();
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || answer(&stream));
    }
}

fn answer(stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    let errors: u64 = number(ERRORS);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            line.clear();
        }
        let path = first.split(' ').nth(1).unwrap_or("/").to_owned();
        // Spread over all connections, and each the same share.
        let fails = path == "/" && REQUESTS.fetch_add(37, Ordering::Relaxed) % 100 < errors;
        if let Some(millis) = path.strip_prefix("/slow/") {
            std::thread::sleep(Duration::from_millis(millis.parse().unwrap_or(0)));
        }
        let version = std::env::var(VERSION).unwrap_or_default();
        let body = match path.as_str() {
            "/token" => std::env::var(TOKEN).unwrap_or_default(),
            _ => version.clone(),
        };
        let status = if fails { "500 Internal Server Error" } else { "200 OK" };
        // In one piece: the second of two would wait for the other side.
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nX-App-Version: {version}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = stream;
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn number(name: &str) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}
