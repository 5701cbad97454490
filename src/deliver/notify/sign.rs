//! Signatures, so that a receiver knows who sent a request and that nobody has changed it.
//!
//! The time is part of what is signed: a receiver that refuses old times cannot be made to act twice by
//! somebody who recorded a request.

use super::secret::Secret;
use ring::hmac;
use std::fmt::Write as _;

/// Name of the header that carries the signature.
pub const SIGNATURE: &str = "X-Taskmaster-Signature";

/// Name of the header that carries the time that is signed: seconds since 1970.
pub const TIMESTAMP: &str = "X-Taskmaster-Timestamp";

/// The signature of a body that is sent at a time: `sha256=` and the HMAC-SHA256 of `timestamp.body` in
/// hexadecimal digits.
pub fn signature(key: &Secret, timestamp: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(timestamp.to_string().as_bytes());
    context.update(b".");
    context.update(body);
    let mut text = String::from("sha256=");
    for byte in context.sign().as_ref() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected digits are those of `openssl dgst -sha256 -hmac`.
    #[test]
    fn signatures_are_those_of_another_program() {
        let key = Secret::new("It's a secret to everybody".to_owned());
        let rows = [(1_763_740_800, &b"{\"event\":\"completed\"}"[..], EXPECTED[0]), (0, b"", EXPECTED[1])];
        for (timestamp, body, expected) in rows {
            assert_eq!(signature(&key, timestamp, body), format!("sha256={expected}"));
        }
        let other = Secret::new("another".to_owned());
        assert_ne!(signature(&other, 0, b""), signature(&key, 0, b""));
    }

    const EXPECTED: [&str; 2] = [
        "2cbff7ed8b3afd1c0261e7833caf1807916af205992d9852756a8311c6cea9d7",
        "9b939ca74b00a7efbe00112c7ba73401d975e3cdd4665c6ba9a5834cd438c09f",
    ];
}
