//! Whether a replica can serve.

use super::recipe::{Place, Recipe};
use crate::process::launch::launch;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use taskmaster_delivery::spec::Probe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest beginning of an answer in which its status must stand.
const LONGEST_STATUS: usize = 1024;

/// Asks once. The fault is in words.
pub(super) async fn once(recipe: &Recipe, place: Place, id: &str) -> Result<(), String> {
    let ready = recipe.ready();
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, place.port));
    let asked = async {
        match &ready.probe {
            Probe::Tcp => connect(at).await.map(|_| ()),
            Probe::Http(path) => http(at, path).await,
            Probe::Command(_) => program(recipe, place, id).await,
        }
    };
    match tokio::time::timeout(ready.timeout, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {} ms", ready.timeout.as_millis())),
    }
}

async fn connect(at: SocketAddr) -> Result<TcpStream, String> {
    TcpStream::connect(at).await.map_err(|error| format!("port {}: {error}", at.port()))
}

/// A request of HTTP/1.1, of whose answer the status alone is read.
async fn http(at: SocketAddr, path: &str) -> Result<(), String> {
    let mut stream = connect(at).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {at}\r\nUser-Agent: taskmaster\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    let said = |error: std::io::Error| format!("{path}: {error}");
    stream.write_all(request.as_bytes()).await.map_err(said)?;
    let mut start = Vec::with_capacity(LONGEST_STATUS);
    while !start.contains(&b'\n') && start.len() < LONGEST_STATUS {
        if stream.read_buf(&mut start).await.map_err(said)? == 0 {
            break;
        }
    }
    match status(&start) {
        Some(200..=399) => Ok(()),
        Some(status) => Err(format!("{path} answers {status}")),
        None => Err(format!("{path}: the answer is no HTTP")),
    }
}

/// `HTTP/1.1 204 No Content` → 204.
fn status(start: &[u8]) -> Option<u16> {
    let line = start.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line.get(..line.len().min(64))?).ok()?;
    let mut words = line.split_ascii_whitespace();
    words.next().filter(|word| word.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}

/// Its mark is not below the replica's: nobody is to take it for the service.
async fn program(recipe: &Recipe, place: Place, id: &str) -> Result<(), String> {
    let Some(what) = recipe.probe(place, &format!("probe-{id}"))? else { return Ok(()) };
    let mut child = launch(what).map_err(|fault| fault.to_string())?;
    let longest = recipe.ready().timeout;
    match tokio::time::timeout(longest.mul_f64(0.9), child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("the probe ended with {status}")),
        Ok(Err(error)) => Err(format!("the probe cannot be waited for: {error}")),
        Err(_) => {
            let _ = child.stop(Duration::ZERO, std::future::pending()).await;
            Err(format!("the probe took longer than {} ms", longest.as_millis()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn statuses_are_read_and_garbage_is_none() {
        assert_eq!(status(b"HTTP/1.1 204 No Content\r\nA: b\r\n"), Some(204));
        assert_eq!(status(b"HTTP/1.0 503\r\n"), Some(503));
        for garbage in
            [&b""[..], b"\n", b"SSH-2.0-x\r\n", b"HTTP/1.1\r\n", b"HTTP/1.1 \xff\r\n", b"HTTP/2 200"]
        {
            assert_eq!(status(garbage), None, "{garbage:?}");
        }
    }
}
