//! Seeds in blocks on all cores.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// Threads: those that were asked for, or as many as there are cores.
pub(crate) fn count(asked: Option<NonZeroUsize>) -> usize {
    let cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
    asked.map_or_else(cores, NonZeroUsize::get)
}

/// Runs blocks of so many seeds in order, and hands each result over as it comes. Once `take` says false no
/// further block begins.
pub(crate) fn blocks<T: Send>(
    seeds: Range<u64>,
    size: u64,
    threads: usize,
    run: impl Fn(Range<u64>) -> T + Sync,
    take: impl FnMut(T) -> bool + Send,
) {
    let next = AtomicU64::new(seeds.start);
    let goes_on = AtomicBool::new(true);
    let take = Mutex::new(take);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while goes_on.load(Ordering::Relaxed) {
                    let first = next.fetch_add(size, Ordering::Relaxed);
                    if first >= seeds.end {
                        break;
                    }
                    let result = run(first..seeds.end.min(first + size));
                    let Ok(mut take) = take.lock() else { break };
                    if !take(result) {
                        goes_on.store(false, Ordering::Relaxed);
                    }
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_comes_once() {
        for (seeds, threads) in [(0..0, 1), (5..6, 2), (7..5_003, 3), (0..2_000, 2)] {
            let mut found = Vec::new();
            let take = |block: Range<u64>| {
                found.extend(block);
                true
            };
            blocks(seeds.clone(), 1_000, threads, |block| block, take);
            found.sort_unstable();
            assert!(found.into_iter().eq(seeds));
        }
    }

    #[test]
    fn nothing_begins_after_a_no() {
        let mut taken = 0;
        let take = |_| {
            taken += 1;
            false
        };
        blocks(0..100_000, 1_000, 1, |_| (), take);
        assert_eq!(taken, 1);
    }
}
