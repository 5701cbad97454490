//! Listening sockets: where users come, where the preview is, and the proxy's `/metrics`.
//!
//! The guard holds them, so that who connects while no agent is there waits in the socket's queue.

use super::held::Held;
use std::io;
use std::net::{SocketAddr, TcpListener};

/// Connections that may wait in the queue: as many as come while an agent starts.
const QUEUE: i32 = 4096;

/// A door of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Where users come.
    Main,
    /// Where the preview is.
    Preview,
    /// Where the proxy's `/metrics` is.
    Metrics,
}

/// The name under which a door is held.
pub fn name(rollout: &str, which: Which) -> String {
    let door = match which {
        Which::Main => "main",
        Which::Preview => "preview",
        Which::Metrics => "metrics",
    };
    format!("door/{rollout}/{door}")
}

/// The door of a rollout at an address: the one that is held, where it is there, else a new one. It is not
/// held yet.
///
/// # Errors
/// The address is in use, or not one of this machine.
pub fn open(held: &Held, rollout: &str, which: Which, at: SocketAddr) -> io::Result<TcpListener> {
    if let Some(door) = held.get(&name(rollout, which))? {
        let door = TcpListener::from(door);
        if door.local_addr().is_ok_and(|there| is_same(at, there)) {
            return Ok(door);
        }
    }
    let door = TcpListener::bind(at)?;
    rustix::net::listen(&door, QUEUE)?;
    Ok(door)
}

/// True where a door stands where it is wanted; port 0 is any.
fn is_same(wanted: SocketAddr, there: SocketAddr) -> bool {
    wanted == there || (wanted.port() == 0 && wanted.ip() == there.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_port_is_the_one_that_there_is() {
        let at = |text: &str| text.parse().unwrap();
        assert!(is_same(at("127.0.0.1:80"), at("127.0.0.1:80")));
        assert!(is_same(at("127.0.0.1:0"), at("127.0.0.1:80")));
        assert!(!is_same(at("127.0.0.1:81"), at("127.0.0.1:80")));
        assert!(!is_same(at("[::1]:0"), at("127.0.0.1:80")));
    }
}
