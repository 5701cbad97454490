//! Deals requests in randomly permuted blocks: exact over a block, random within.
//!
//! A block is 100 cards, of which `weight` are the share's. Drawing from it without putting back is the same
//! as shuffling it first: the chance of a share's card is those left of all left.

use super::session::first;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use ring::rand::{SecureRandom, SystemRandom};
use std::io;

/// What is made of a seed: nothing of it tells the seed, or anything else that is made of it.
const DEALING: &str = "taskmaster proxy 2026-11-22 dealing";
const NUMBERS: &str = "taskmaster proxy 2026-11-22 numbers";
const EPOCHS: &str = "taskmaster proxy 2026-11-22 epochs";

/// Where chance comes from: another one at every start.
pub(super) type Seed = [u8; 32];

/// A seed of the system.
pub(super) fn seed() -> io::Result<Seed> {
    let mut seed = Seed::default();
    SystemRandom::new()
        .fill(&mut seed)
        .map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(seed)
}

/// The first epoch.
pub(super) fn epoch(seed: &Seed) -> u64 {
    first(&blake3::derive_key(EPOCHS, seed))
}

/// Requests in a block.
const BLOCK: u32 = 100;

/// Deals requests, copies and session numbers.
#[derive(Debug)]
pub(super) struct Dealer {
    random: Pcg64Mcg,
    share: Block,
    copies: Block,
    numbers: Numbers,
}

/// Numbers of sessions. Users see them, so each is a keyed digest of its place: none of them tells the next one.
#[derive(Debug)]
struct Numbers {
    key: [u8; 32],
    next: u64,
}

/// What is left of a block.
#[derive(Debug, Default)]
struct Block {
    weight: u32,
    left: u32,
    of_share: u32,
}

impl Dealer {
    pub(super) fn new(seed: &Seed) -> Self {
        let mut dealing = [0; 16];
        dealing.copy_from_slice(&blake3::derive_key(DEALING, seed)[..16]);
        Self {
            random: Pcg64Mcg::from_seed(dealing),
            share: Block::default(),
            copies: Block::default(),
            numbers: Numbers { key: blake3::derive_key(NUMBERS, seed), next: 0 },
        }
    }

    /// A new block begins with another weight; with the same one the old block goes on.
    pub(super) fn set(&mut self, weight: u32, copies: u32, is_new_share: bool) {
        self.share.set(weight, is_new_share);
        self.copies.set(copies, is_new_share);
    }

    /// True where the next request is the share's.
    pub(super) fn share(&mut self) -> bool {
        self.share.draw(&mut self.random)
    }

    /// True where the next request is copied.
    pub(super) fn copy(&mut self) -> bool {
        self.copies.draw(&mut self.random)
    }

    /// The number of a new session.
    pub(super) fn session(&mut self) -> u64 {
        let number = blake3::keyed_hash(&self.numbers.key, &self.numbers.next.to_le_bytes());
        self.numbers.next += 1;
        first(number.as_bytes())
    }
}

impl Block {
    fn set(&mut self, weight: u32, is_new: bool) {
        let weight = weight.min(BLOCK);
        if weight != self.weight || is_new {
            *self = Self { weight, left: 0, of_share: 0 };
        }
    }

    fn draw(&mut self, random: &mut Pcg64Mcg) -> bool {
        match self.weight {
            0 => return false,
            BLOCK => return true,
            _ => {}
        }
        if self.left == 0 {
            (self.left, self.of_share) = (BLOCK, self.weight);
        }
        let is_share = random.random_range(0..self.left) < self.of_share;
        self.left -= 1;
        self.of_share -= u32::from(is_share);
        is_share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_exact_and_no_two_are_alike() {
        for weight in [1, 10, 33, 50, 99] {
            let mut dealer = Dealer::new(&[7; 32]);
            dealer.set(weight, 0, true);
            let mut seen = std::collections::BTreeSet::new();
            for _ in 0..50 {
                let block: Vec<bool> = (0..100).map(|_| dealer.share()).collect();
                assert_eq!(block.iter().filter(|is_share| **is_share).count(), weight as usize);
                seen.insert(block);
            }
            assert!(seen.len() > 20, "{weight}: {} different blocks of 50", seen.len());
        }
    }

    #[test]
    fn every_place_of_a_block_is_as_likely() {
        let mut dealer = Dealer::new(&[11; 32]);
        dealer.set(20, 0, true);
        let mut at = [0_u32; 100];
        for _ in 0..20_000 {
            for place in &mut at {
                *place += u32::from(dealer.share());
            }
        }
        // 4,000 are expected; five standard deviations are 283.
        assert!(at.iter().all(|count| count.abs_diff(4_000) < 283), "{at:?}");
    }

    #[test]
    fn every_start_deals_otherwise_and_numbers_are_all_different() {
        let all = |seed: &Seed| {
            let mut dealer = Dealer::new(seed);
            dealer.set(50, 0, true);
            let dealt: Vec<bool> = (0..100).map(|_| dealer.share()).collect();
            let numbers: std::collections::BTreeSet<u64> = (0..1_000).map(|_| dealer.session()).collect();
            (dealt, numbers, epoch(seed))
        };
        let (one, other) = (all(&seed().unwrap()), all(&seed().unwrap()));
        assert!(one.0 != other.0 && one.1.is_disjoint(&other.1) && one.2 != other.2);
        assert_eq!((one.1.len(), all(&[1; 32]) == all(&[1; 32])), (1_000, true));
    }

    #[test]
    fn the_ends_need_no_chance_and_a_new_weight_begins_a_block() {
        let mut dealer = Dealer::new(&[3; 32]);
        dealer.set(0, 100, true);
        assert!((0..200).all(|_| !dealer.share() && dealer.copy()));
        dealer.set(50, 0, false);
        for _ in 0..30 {
            dealer.share();
        }
        dealer.set(10, 0, false);
        assert_eq!((0..100).filter(|_| dealer.share()).count(), 10);
        for _ in 0..30 {
            dealer.share();
        }
        // The same weight again: the block goes on.
        dealer.set(10, 0, false);
        let rest = (0..70).filter(|_| dealer.share()).count();
        assert!(rest <= 10);
        dealer.set(10, 0, true);
        assert_eq!((0..100).filter(|_| dealer.share()).count(), 10);
    }
}
