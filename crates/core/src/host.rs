//! Where an address leads, by its words alone.

use std::net::IpAddr;

/// True where a host, as URLs write it, is this machine: `localhost`, a name below it (RFC 6761), an address of
/// loopback. `[::1]` may have its brackets.
///
/// ```
/// use taskmaster_core::host::is_loopback;
/// assert!(is_loopback("127.8.8.8") && is_loopback("[::1]") && is_loopback("a.localhost"));
/// assert!(!is_loopback("localhost.example.com") && !is_loopback("10.0.0.1") && !is_loopback(""));
/// ```
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
