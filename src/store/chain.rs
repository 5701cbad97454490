//! The hash chain.
//!
//! `hash(n) = BLAKE3-derive-key("taskmaster ledger event v1",
//! hash(n-1) ‖ seq ‖ at ‖ len(stream) ‖ stream ‖ len(kind) ‖ kind ‖ len(json) ‖ json)` with
//! `hash(0)` 32 zero bytes, `seq` and lengths as 8 bytes little-endian, `at` as microseconds since
//! the epoch in 8 bytes little-endian two's complement. Every part has a fixed length or is
//! preceded by it, so that no two different events are framed alike.
//!
//! A chain shows that an event was altered, removed, added or moved after the fact. It cannot show
//! that the whole was written anew: for that the head is kept elsewhere.

const CONTEXT: &str = "taskmaster ledger event v1";

/// The hash before the first event.
pub(super) const ORIGIN: [u8; 32] = [0; 32];

/// What is hashed of an event.
pub(super) struct Link<'a> {
    pub(super) seq: u64,
    pub(super) at_us: i64,
    pub(super) stream: &'a [u8],
    pub(super) kind: &'a [u8],
    pub(super) json: &'a [u8],
}

/// The bytes that are hashed.
pub(super) fn frame(previous: &[u8; 32], link: &Link<'_>) -> Vec<u8> {
    let texts = link.stream.len() + link.kind.len() + link.json.len();
    let mut bytes = Vec::with_capacity(previous.len() + 5 * size_of::<u64>() + texts);
    bytes.extend(previous);
    bytes.extend(link.seq.to_le_bytes());
    bytes.extend(link.at_us.to_le_bytes());
    for part in [link.stream, link.kind, link.json] {
        bytes.extend((part.len() as u64).to_le_bytes());
        bytes.extend(part);
    }
    bytes
}

/// Computes hashes; the key of the context is derived once.
pub(super) struct Hashing {
    fresh: blake3::Hasher,
}

impl Hashing {
    pub(super) fn new() -> Self {
        Self { fresh: blake3::Hasher::new_derive_key(CONTEXT) }
    }

    pub(super) fn link(&self, previous: &[u8; 32], link: &Link<'_>) -> [u8; 32] {
        let mut hasher = self.fresh.clone();
        hasher.update(previous);
        hasher.update(&link.seq.to_le_bytes());
        hasher.update(&link.at_us.to_le_bytes());
        for part in [link.stream, link.kind, link.json] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Link<'static> {
        Link { seq: 7, at_us: -5, stream: b"task/a", kind: b"task.state", json: b"{}" }
    }

    #[test]
    fn the_frame_is_as_documented() {
        let mut bytes = vec![1_u8; 32];
        bytes.extend(7_u64.to_le_bytes());
        bytes.extend((-5_i64).to_le_bytes());
        for part in ["task/a", "task.state", "{}"] {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part.as_bytes());
        }
        assert_eq!(Hashing::new().link(&[1; 32], &base()), blake3::derive_key(CONTEXT, &bytes));
        assert_eq!(frame(&[1; 32], &base()), bytes);
    }

    #[test]
    fn every_part_and_every_border_counts() {
        let hashing = Hashing::new();
        let hash = hashing.link(&ORIGIN, &base());
        let others = [
            hashing.link(&[1; 32], &base()),
            hashing.link(&ORIGIN, &Link { seq: 8, ..base() }),
            hashing.link(&ORIGIN, &Link { at_us: -4, ..base() }),
            hashing.link(&ORIGIN, &Link { stream: b"task/b", ..base() }),
            hashing.link(&ORIGIN, &Link { kind: b"task.stat", json: b"e{}", ..base() }),
            hashing.link(&ORIGIN, &Link { stream: b"task/atask", kind: b".state", ..base() }),
            hashing.link(&ORIGIN, &Link { json: b"{ }", ..base() }),
        ];
        assert!(others.iter().all(|other| *other != hash));
    }
}
