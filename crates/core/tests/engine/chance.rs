//! Chance that a test case draws and a failure repeats.

/// Chance: bytes that a test case chose, then a generator seeded by them.
pub(crate) struct Chance {
    bytes: std::vec::IntoIter<u8>,
    state: u64,
}

impl Chance {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let seed = bytes.iter().fold(0x9E37_79B9_7F4A_7C15, |seed: u64, byte| {
            (seed ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
        });
        Self { bytes: bytes.into_iter(), state: seed | 1 }
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        if let Some(byte) = self.bytes.next() {
            return usize::from(byte) % n;
        }
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % n as u64).unwrap()
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }
}
