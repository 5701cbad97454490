//! What follows from the changes for a place that did everything the base asks for.
//!
//! The rules are those of resolving and scheduling, seen from outside: what was done by the action as it is
//! now stays done; what a person did stays done whatever binds it; an action that reads outputs is asked
//! again when they may be others, and a yes when something that it was given to was done again.

use super::model::{Effect, Why};
use super::pairs::{Pair, Pairs};
use super::{Of, Side, binding};
use crate::action::{ActionKind, Part};
use crate::dag::{Dag, GraphError};
use crate::id::TaskId;
use crate::plan::Disposition;

/// The effect for every pair. With `anew`, nothing that was done counts.
pub(super) fn effects(
    base: &Side<'_>,
    head: &Side<'_>,
    pairs: &Pairs,
    anew: bool,
) -> Result<Vec<Effect>, GraphError> {
    let one = |(pair, sides): (usize, &Pair)| {
        let before = sides.base.map(|place| Of::at(base, place));
        match (before, sides.head.map(|place| Of::at(head, place))) {
            (before, Some(now)) => {
                let renamed = pairs.history_only.contains(&pair);
                let counts = before.filter(|_| !renamed && !anew);
                match counts {
                    Some(before) => from(&before, &now),
                    None => afresh(&now, why(before.as_ref(), anew)),
                }
            }
            (Some(before), None) => gone(&before, anew),
            (None, None) => Effect::Nothing,
        }
    };
    let mut effects: Vec<Effect> = pairs.all.iter().enumerate().map(one).collect();
    follow(head, &mut effects)?;
    Ok(effects)
}

fn why(before: Option<&Of<'_>>, anew: bool) -> Why {
    match before {
        None => Why::New,
        Some(_) if anew => Why::Elsewhere,
        Some(before) => Why::Renamed { from: before.task.id.clone() },
    }
}

/// A task about which nothing is known.
fn afresh(now: &Of<'_>, why: Why) -> Effect {
    match &now.planned.disposition {
        Disposition::Execute | Disposition::Recorded { .. } => Effect::Runs { why },
        Disposition::Manual | Disposition::Unknown { .. } => Effect::Waits { why },
        Disposition::Group => Effect::Group,
        Disposition::Claimed => Effect::Claimed,
        Disposition::Skip { reason } => Effect::Skipped { reason: reason.clone() },
        Disposition::Cancelled => Effect::Cancelled,
    }
}

/// A task that was settled as the base asks for.
fn from(before: &Of<'_>, now: &Of<'_>) -> Effect {
    use Disposition::{Cancelled, Claimed, Execute, Group, Manual, Skip};
    let was = &before.planned.disposition;
    match (was, &now.planned.disposition) {
        (Execute, Execute) => again(before, now),
        // What was done is decided by its action, whatever the mark says now.
        (Execute, Claimed) if is_bound(now) => again(before, now),
        (Execute, Claimed) => Effect::Waits { why: because(was) },
        (Manual, Manual) | (Group, Group) | (Claimed, Claimed) | (Cancelled, Cancelled) => Effect::Nothing,
        (Skip { .. }, Skip { .. }) => Effect::Nothing,
        _ => afresh(now, because(was)),
    }
}

fn is_bound(of: &Of<'_>) -> bool {
    of.binding.is_some_and(|binding| binding.action.is_some())
}

fn because(was: &Disposition) -> Why {
    match was {
        Disposition::Skip { reason } => Why::WasLeftOut { reason: reason.clone() },
        Disposition::Cancelled => Why::WasCancelled,
        Disposition::Claimed => Why::WasClaimed,
        Disposition::Manual => Why::WasManual,
        Disposition::Group => Why::WasGroup,
        Disposition::Execute | Disposition::Recorded { .. } | Disposition::Unknown { .. } => Why::WasBound,
    }
}

/// Whether what was done by one action counts for another: how it is checked and taken back does not
/// matter. The parts are those that the digest is made of.
fn again(before: &Of<'_>, now: &Of<'_>) -> Effect {
    let actions = before.binding.zip(now.binding);
    let parts = actions.and_then(|(old, new)| {
        let changed = binding::parts(old.action.as_ref()?, new.action.as_ref()?);
        let counts = |part: &Part| !matches!(part, Part::Check | Part::Undo);
        Some(changed.into_iter().filter(counts).collect())
    });
    let files = binding::files(before, now);
    let is_same = before.planned.digest == now.planned.digest;
    if is_same && files.is_empty() {
        Effect::Nothing
    } else {
        Effect::RunsAgain { parts: if is_same { Vec::new() } else { parts.unwrap_or_default() }, files }
    }
}

fn gone(before: &Of<'_>, anew: bool) -> Effect {
    let undo =
        before.binding.and_then(|binding| binding.action.as_ref()).map(|action| !action.undo.is_empty());
    match before.planned.disposition {
        Disposition::Skip { .. } | Disposition::Cancelled | Disposition::Group => Effect::Forgotten,
        _ if undo == Some(true) && !anew => Effect::Undone,
        Disposition::Claimed => Effect::Forgotten,
        _ => Effect::Stays,
    }
}

/// What may be done again because of what is done before it.
fn follow(head: &Side<'_>, effects: &mut [Effect]) -> Result<(), GraphError> {
    let plan = head.plan;
    let dag = plan.dag()?;
    for &place in dag.order() {
        let planned = &plan.tasks[place];
        if effects[place] != Effect::Nothing || planned.disposition != Disposition::Execute {
            continue;
        }
        let id = |place: usize| plan.tasks[place].id.clone();
        let reads: Vec<TaskId> =
            planned.reads.iter().filter(|read| effects[**read].runs()).map(|read| id(*read)).collect();
        let is_approval = planned.kind == Some(ActionKind::Approval);
        let before = if is_approval { before(&dag, place) } else { Vec::new() };
        let after: Vec<TaskId> = before.into_iter().filter(|task| effects[*task].runs()).map(id).collect();
        if !reads.is_empty() || !after.is_empty() {
            effects[place] = Effect::MayRunAgain { reads, after };
        }
    }
    Ok(())
}

/// All that a task waits for, however far, in document order.
fn before(dag: &Dag, task: usize) -> Vec<usize> {
    let mut seen = vec![false; dag.len()];
    let mut open: Vec<usize> = dag.dependencies(task).collect();
    while let Some(task) = open.pop() {
        if !std::mem::replace(&mut seen[task], true) {
            open.extend(dag.dependencies(task));
        }
    }
    (0..seen.len()).filter(|task| seen[*task]).collect()
}
