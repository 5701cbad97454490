//! How long tasks and runs are likely to take, from what was measured.
//!
//! A task takes as long as the median of its last successes: one that was slow once does not count much. A run is
//! played through as the scheduler would do it. Nothing is made up: what was never measured has no estimate, and a
//! run with such tasks has only a bound from below.

use crate::dag::Dag;
use crate::document::Priority;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// So many of a task's last successes count.
pub const LAST: usize = 5;

/// What a run has to do for one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing, or nothing that takes time of the machine.
    Nothing,
    /// Something that was never measured.
    Unknown,
    /// Something that takes about so long, in milliseconds.
    Known(u64),
}

/// How long a run is likely to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEstimate {
    /// In milliseconds; none where something was never measured.
    pub duration_ms: Option<u64>,
    /// It takes so long at the least: the longest chain, and all work shared among the jobs.
    pub at_least_ms: u64,
    /// Tasks that have work.
    pub tasks: usize,
    /// Those of them that were measured.
    pub measured: usize,
}

/// The median: of an even number the mean of the middle two, rounded down; none of nothing.
pub fn median(durations_ms: &[u64]) -> Option<u64> {
    let mut sorted = durations_ms.to_vec();
    sorted.sort_unstable();
    let upper = *sorted.get(sorted.len() / 2)?;
    match sorted.len() % 2 {
        1 => Some(upper),
        _ => Some(sorted[sorted.len() / 2 - 1].midpoint(upper)),
    }
}

/// The estimate of a run with so many jobs; none where there is no work. `urgency` is what the scheduler
/// orders ready tasks by: the length to the end, then the priority.
pub fn of_run(dag: &Dag, work: &[Work], urgency: &[(u64, Priority)], jobs: usize) -> Option<RunEstimate> {
    let tasks = work.iter().filter(|work| **work != Work::Nothing).count();
    let measured = work.iter().filter(|work| matches!(work, Work::Known(_))).count();
    let durations: Vec<u64> = work.iter().map(|work| work.known_ms()).collect();
    let jobs = jobs.max(1);
    let all = durations.iter().fold(0, |sum: u64, ms| sum.saturating_add(*ms));
    let shared = all.div_ceil(jobs as u64);
    let at_least_ms = dag.critical_path(&durations).duration_ms.max(shared);
    let duration_ms = (measured == tasks).then(|| played(dag, work, urgency, jobs));
    (tasks > 0).then_some(RunEstimate { duration_ms, at_least_ms, tasks, measured })
}

impl Work {
    fn known_ms(self) -> u64 {
        match self {
            Self::Known(ms) => ms,
            Self::Nothing | Self::Unknown => 0,
        }
    }
}

/// When the last task ends, if a free job always takes the most urgent task that is ready.
fn played(dag: &Dag, work: &[Work], urgency: &[(u64, Priority)], jobs: usize) -> u64 {
    let mut missing: Vec<usize> = (0..dag.len()).map(|task| dag.dependencies(task).count()).collect();
    // What has no work holds no job and ends at once.
    let (mut ended, mut ready): (Vec<usize>, BinaryHeap<_>) = Default::default();
    let mut at_work: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let entry = |task: usize| (urgency[task].0, Reverse(urgency[task].1), Reverse(task));
    let mut now = 0_u64;
    let mut open: Vec<usize> = (0..dag.len()).filter(|task| missing[*task] == 0).collect();
    loop {
        for task in open.drain(..) {
            match work[task] {
                Work::Nothing => ended.push(task),
                Work::Unknown | Work::Known(_) => ready.push(entry(task)),
            }
        }
        if let Some(task) = ended.pop() {
            for next in dag.dependants(task) {
                missing[next] -= 1;
                open.extend((missing[next] == 0).then_some(next));
            }
        } else if let Some((.., Reverse(task))) = (at_work.len() < jobs).then(|| ready.pop()).flatten() {
            at_work.push(Reverse((now.saturating_add(work[task].known_ms()), task)));
        } else if let Some(Reverse((end, task))) = at_work.pop() {
            now = end;
            ended.push(task);
        } else {
            return now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Work::{Known, Nothing, Unknown};
    use proptest::prelude::*;

    /// `dependencies[task]` are the tasks that it waits for.
    fn run(dependencies: &[&[usize]], work: &[Work], jobs: usize) -> Option<RunEstimate> {
        let dag = Dag::new(dependencies).unwrap();
        let durations: Vec<u64> = work.iter().map(|work| work.known_ms()).collect();
        let lengths = dag.lengths_to_end(&durations);
        let urgency: Vec<_> = lengths.into_iter().map(|length| (length, Priority::Medium)).collect();
        of_run(&dag, work, &urgency, jobs)
    }

    fn took(dependencies: &[&[usize]], work: &[Work], jobs: usize) -> u64 {
        run(dependencies, work, jobs).unwrap().duration_ms.unwrap()
    }

    #[test]
    fn the_median_is_the_middle() {
        let rows: [(&[u64], Option<u64>); 6] = [
            (&[], None),
            (&[7], Some(7)),
            (&[9, 1], Some(5)),
            (&[100, 1, 3], Some(3)),
            (&[4, 1, 100, 3], Some(3)),
            (&[u64::MAX, u64::MAX], Some(u64::MAX)),
        ];
        for (durations, expected) in rows {
            assert_eq!(median(durations), expected, "{durations:?}");
        }
    }

    /// Each worked out by hand.
    #[test]
    fn a_run_is_played_through() {
        let alone: &[&[usize]] = &[&[], &[], &[], &[]];
        let even = [Known(10); 4];
        assert_eq!([1, 2, 3, 4, 9].map(|jobs| took(alone, &even, jobs)), [40, 20, 20, 10, 10]);
        // The longest goes first: 30 beside 20, 10.
        assert_eq!(took(alone, &[Known(10), Known(20), Known(30), Nothing], 2), 30);
        let chain: &[&[usize]] = &[&[], &[0], &[1]];
        assert_eq!([1, 2].map(|jobs| took(chain, &[Known(5), Known(6), Known(7)], jobs)), [18, 18]);
        // A diamond: 5, then 20 beside 10, then 1.
        let diamond: &[&[usize]] = &[&[], &[0], &[0], &[1, 2]];
        let work = [Known(5), Known(20), Known(10), Known(1)];
        assert_eq!([1, 2].map(|jobs| took(diamond, &work, jobs)), [36, 26]);
        // What has no work takes no job and lets others go at once.
        assert_eq!(took(diamond, &[Nothing, Known(20), Known(10), Nothing], 1), 30);
        assert_eq!(took(&[&[], &[0], &[]], &[Nothing, Known(9), Known(9)], 2), 9);
    }

    #[test]
    fn what_was_never_measured_is_not_made_up() {
        assert_eq!(run(&[&[], &[]], &[Nothing, Nothing], 2), None);
        assert_eq!(run(&[], &[], 2), None);
        let unknown = run(&[&[], &[]], &[Unknown, Unknown], 2).unwrap();
        assert_eq!(
            (unknown.duration_ms, unknown.at_least_ms, unknown.measured, unknown.tasks),
            (None, 0, 0, 2)
        );
        let partly = run(&[&[], &[0], &[], &[]], &[Known(5), Known(6), Unknown, Known(30)], 2).unwrap();
        assert_eq!((partly.duration_ms, partly.at_least_ms, partly.measured, partly.tasks), (None, 30, 3, 4));
        let shared = run(&[&[], &[], &[]], &[Known(10), Known(10), Known(11)], 1).unwrap();
        assert_eq!((shared.duration_ms, shared.at_least_ms), (Some(31), 31));
    }

    proptest! {
        /// Graham's bounds of list scheduling, whatever the graph.
        #[test]
        fn no_run_is_better_than_can_be_nor_worse_than_greed(
            (durations, waits) in (1_usize..30).prop_flat_map(|count| (
                prop::collection::vec(0_u64..50, count),
                prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), count),
            )),
            jobs in 1_usize..6,
        ) {
            let before = |(task, waits): (usize, &Vec<prop::sample::Index>)| -> Vec<usize> {
                waits.iter().filter(|_| task > 0).map(|index| index.index(task)).collect()
            };
            let dependencies: Vec<Vec<usize>> = waits.iter().enumerate().map(before).collect();
            let work: Vec<Work> = durations.iter().map(|ms| if *ms == 0 { Nothing } else { Known(*ms) }).collect();
            let lists: Vec<&[usize]> = dependencies.iter().map(Vec::as_slice).collect();
            let sum: u64 = durations.iter().sum();
            let mut ends = vec![0_u64; durations.len()];
            for task in 0..durations.len() {
                let begins = dependencies[task].iter().map(|on| ends[*on]).max().unwrap_or(0);
                ends[task] = begins + durations[task];
            }
            let chain = ends.into_iter().max().unwrap_or(0);
            let Some(found) = run(&lists, &work, jobs) else {
                prop_assert_eq!(sum, 0);
                return Ok(());
            };
            let took = found.duration_ms.unwrap();
            let jobs = jobs as u64;
            prop_assert_eq!(found.at_least_ms, chain.max(sum.div_ceil(jobs)));
            prop_assert!(found.at_least_ms <= took && took <= sum.div_ceil(jobs) + chain);
            prop_assert!(jobs > 1 || took == sum);
            prop_assert_eq!(run(&lists, &work, 99).unwrap().duration_ms, Some(chain));
        }
    }
}
