//! What a selection waits for outside itself, and what it waits for inside.

use super::intent::Intent;
use crate::dag::Dag;
use crate::plan::Disposition;
use std::collections::HashMap;

/// An unmet dependency outside the selection, by index.
pub(super) struct Found {
    pub(super) task: usize,
    pub(super) needed_by: usize,
}

/// True where a task settles only when something was done, or its subtasks were.
fn has_work(disposition: &Disposition) -> bool {
    use Disposition::{Execute, Group, Manual, Unknown};
    matches!(disposition, Execute | Group | Manual | Unknown { .. })
}

/// Every unmet dependency that must be added to the selection before it can run, their own unmet
/// dependencies included, in document order.
pub(super) fn unmet(
    dag: &Dag,
    intents: &[Intent<'_>],
    dispositions: &[Disposition],
    chosen: &[bool],
) -> Vec<Found> {
    let mut met = vec![false; intents.len()];
    for &task in dag.order() {
        met[task] = match dispositions[task] {
            Disposition::Group => dag.dependencies(task).all(|dependency| met[dependency]),
            _ => intents[task].is_met(&dispositions[task]),
        };
    }
    let mut needed_by: HashMap<usize, usize> = HashMap::new();
    let mut queue: Vec<usize> =
        (0..intents.len()).rev().filter(|&task| chosen[task] && has_work(&dispositions[task])).collect();
    while let Some(task) = queue.pop() {
        for dependency in dag.dependencies(task) {
            if !chosen[dependency] && !met[dependency] && !needed_by.contains_key(&dependency) {
                needed_by.insert(dependency, task);
                queue.push(dependency);
            }
        }
    }
    let mut found: Vec<Found> =
        needed_by.into_iter().map(|(task, needed_by)| Found { task, needed_by }).collect();
    found.sort_unstable_by_key(|found| found.task);
    found
}

/// The dependencies of each chosen task among the chosen ones, by their places in the plan. What lies
/// between them and settles at once (outside the plan it is met; inside it is left out, claimed or
/// recorded) passes its order on: whoever waits for it waits for the work that came before it too. Of
/// a long row of such tasks each names the one before it and that work, not the whole row. Tasks that
/// wait for the same set share it, so that wide phases in a row stay cheap.
pub(super) fn within(dag: &Dag, chosen: &[bool], settles: &[bool]) -> Vec<Vec<usize>> {
    let mut place = vec![0; chosen.len()];
    let mut next = 0;
    for (task, chosen) in chosen.iter().enumerate() {
        place[task] = next;
        next += usize::from(*chosen);
    }
    let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
    let mut known: HashMap<Vec<usize>, usize> = HashMap::from([(Vec::new(), 0)]);
    let mut set_of = vec![0; chosen.len()];
    let mut planned = vec![Vec::new(); next];
    let passes = |task: usize| !chosen[task] || settles[task];
    let works: Vec<bool> =
        (0..chosen.len()).filter(|&task| chosen[task]).map(|task| !settles[task]).collect();
    for &task in dag.order() {
        let inside = dag.dependencies(task).filter(|&d| chosen[d]);
        let mut before: Vec<usize> = inside.map(|dependency| place[dependency]).collect();
        let passing = dag.dependencies(task).filter(|&d| passes(d));
        let mut through: Vec<usize> = passing.map(|dependency| set_of[dependency]).collect();
        through.sort_unstable();
        through.dedup();
        through.iter().for_each(|&set| before.extend(&sets[set]));
        before.sort_unstable();
        before.dedup();
        if chosen[task] {
            planned[place[task]].clone_from(&before);
        }
        if passes(task) {
            before.retain(|&place| works[place]);
            set_of[task] = *known.entry(before).or_insert_with_key(|set| {
                sets.push(set.clone());
                sets.len() - 1
            });
        }
    }
    planned
}
