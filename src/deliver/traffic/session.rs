//! Cookies by which users keep their version.
//!
//! A cookie is the session's number, its epoch, the version's digest and a keyed digest of all three, in
//! hexadecimal. So nobody makes up sessions, which are the units that tests count, and no name of a version is told.

use super::matching::cookies;
use super::settings::Sticky;
use hyper::HeaderMap;
use hyper::header::HeaderValue;
use taskmaster_delivery::engine::Revision;

const CONTEXT: &str = "taskmaster proxy 2026-11-22 sessions";

/// Writes and reads cookies.
#[derive(Debug)]
pub(super) struct Sessions {
    cookie: String,
    max_age_seconds: u64,
    key: [u8; 32],
}

/// A session that a request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// Its number.
    pub(super) id: u64,
    /// The weights that it was dealt by: others have another number.
    pub(super) epoch: u64,
    /// Its version's digest.
    pub(super) version: u64,
}

/// The digest of a version's name.
pub(super) fn digest(revision: &Revision) -> u64 {
    first(blake3::hash(revision.0.as_bytes()).as_bytes())
}

/// The first eight bytes of a digest, as a number.
pub(super) fn first(bytes: &[u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *bytes;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

impl Sessions {
    pub(super) fn new(sticky: &Sticky, seed: u64) -> Self {
        Self {
            cookie: sticky.cookie.clone(),
            max_age_seconds: sticky.max_age.as_secs(),
            key: blake3::derive_key(CONTEXT, &seed.to_le_bytes()),
        }
    }

    /// The session of a request, where its cookie is one that this proxy wrote.
    pub(super) fn read(&self, headers: &HeaderMap) -> Option<Session> {
        cookies(headers, &self.cookie).find_map(|text| self.parse(text))
    }

    /// The line that sets the cookie.
    pub(super) fn line(&self, session: Session) -> Option<HeaderValue> {
        let Session { id, epoch, version } = session;
        let (name, tag, age) = (&self.cookie, self.tag(session), self.max_age_seconds);
        let line = format!(
            "{name}={id:016x}{epoch:016x}{version:016x}{tag:016x}; Max-Age={age}; Path=/; HttpOnly; SameSite=Lax"
        );
        HeaderValue::from_str(&line).ok()
    }

    fn parse(&self, text: &str) -> Option<Session> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let part = |from: usize| u64::from_str_radix(text.get(from..from + 16)?, 16).ok();
        let session = Session { id: part(0)?, epoch: part(16)?, version: part(32)? };
        (part(48)? == self.tag(session)).then_some(session)
    }

    fn tag(&self, session: Session) -> u64 {
        let Session { id, epoch, version } = session;
        let bytes = [id, epoch, version].map(u64::to_le_bytes).concat();
        first(blake3::keyed_hash(&self.key, &bytes).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn sessions(seed: u64) -> Sessions {
        Sessions::new(&Sticky { cookie: "tm".into(), max_age: Duration::from_hours(1) }, seed)
    }

    fn sent(cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("cookie", HeaderValue::from_str(cookie).unwrap());
        headers
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let session = Session { id: 0x00ab, epoch: 7, version: digest(&Revision("v2".into())) };
        let line = sessions(1).line(session).unwrap();
        let line = line.to_str().unwrap();
        assert!(line.starts_with("tm=00000000000000ab"), "{line}");
        assert!(line.ends_with("; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax"), "{line}");
        let pair = line.split(';').next().unwrap();
        assert_eq!(sessions(1).read(&sent(&format!("a=b; {pair}; c=d"))), Some(session));
        // Another key, a changed digit, other lengths and no hexadecimal.
        assert_eq!(sessions(2).read(&sent(pair)), None);
        assert_eq!(sessions(1).read(&sent(&pair.replacen("00ab", "00ac", 1))), None);
        assert_eq!(sessions(1).read(&sent(&pair.replacen("0007", "0008", 1))), None);
        assert_eq!(sessions(1).read(&sent(&format!("{pair}0"))), None);
        assert_eq!(sessions(1).read(&sent("tm=")), None);
        assert_eq!(sessions(1).read(&sent(&format!("tm=+{}", "0".repeat(63)))), None);
        assert_eq!(sessions(1).read(&HeaderMap::new()), None);
    }
}
