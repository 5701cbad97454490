//! A port that nobody listens on.
//!
//! It is taken below the range from which the system gives ports to outgoing connections, of which a proxy
//! makes many: between the look and the service's own `bind` nobody else is likely to take it. Who loses it
//! all the same ends, and is started again with another one.

use rand::RngExt;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

const RANGE: Range<u16> = 15_000..32_000;
const TRIES: u32 = 100;

/// A port that is free now.
pub(super) fn free() -> io::Result<u16> {
    let mut random = rand_pcg::Pcg64Mcg::new(seed());
    for _ in 0..TRIES {
        let port = random.random_range(RANGE);
        if is_free(port) {
            return Ok(port);
        }
    }
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Also where another address of this machine is listened on: a service may ask for all of them.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        && TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

/// Another one each time, in every process.
fn seed() -> u128 {
    ulid::Ulid::generate().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_free_and_differ() {
        let ports: std::collections::BTreeSet<u16> = (0..20).map(|_| free().unwrap()).collect();
        assert!(ports.len() > 10, "{ports:?}");
        assert!(ports.iter().all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()));
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(taken.local_addr().unwrap().port()));
    }
}
