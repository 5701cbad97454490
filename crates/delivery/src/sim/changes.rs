//! What must hold of a change: why a version goes back, what a person brought about, what takes over.

use super::rules::Decision;
use crate::engine::{Applied, Direction, Effect, Hold, Move, Phase, Reading, Revision, State, Verb};
use crate::spec::{Migration, Policy, Strategy};
use std::collections::BTreeMap;

/// A rule that did not hold, and what was seen.
type Found = Option<(&'static str, String)>;

/// True while a version goes forward.
fn is_forward(state: &State) -> bool {
    matches!(state.phase, Phase::Initializing | Phase::Analyzing | Phase::Promoting)
}

/// The first of these rules that a decision breaks.
pub(super) fn look(decision: &Decision<'_>) -> Found {
    gap(decision)
        .or_else(|| home(decision))
        .or_else(|| takes_over(decision))
        .or_else(|| unseen(decision))
        .or_else(|| carried(decision))
}

/// A fault rests on an answer. Flagger and Argo Rollouts count what is missing.
fn gap(decision: &Decision<'_>) -> Found {
    let (before, after) = (decision.before, decision.after.state());
    let is_new = before.judging.fault.is_none() && before.revision == after.revision;
    let fault = after.judging.fault.as_ref().filter(|_| is_new)?;
    let has_answer = decision.seen.measured.iter().any(|measured| {
        measured.revision == after.revision && !matches!(measured.reading, Reading::Nothing { .. })
    });
    let may = has_answer || decision.spec.analysis.policy != Policy::Sequential;
    (!may).then(|| ("a gap is no fault", fault.clone()))
}

/// The stable version that is asked for again is what comes.
fn home(decision: &Decision<'_>) -> Found {
    let state = decision.after.state();
    let stable = state.stable.as_ref()?;
    let goes_on = decision.seen.wanted == *stable
        && state.revision != *stable
        && is_forward(state)
        && state.held != Some(Hold::OneWay);
    goes_on.then(|| ("what is asked for is what comes", format!("{} instead of {stable}", state.revision)))
}

/// Who takes over has all of its pods.
fn takes_over(decision: &Decision<'_>) -> Found {
    let (before, after) = (decision.before, decision.after.state());
    let is_done = after.phase == Phase::Completed && is_forward(before);
    if !is_done || before.revision != after.revision {
        return None;
    }
    let needed = decision.seen.replicas.unwrap_or(decision.spec.replicas);
    let available = decision.seen.pods(&after.revision).available;
    (available < needed).then(|| ("who takes over has its pods", format!("{available} of {needed}")))
}

/// A step that sets a weight is over when the router has it.
fn unseen(decision: &Decision<'_>) -> Found {
    let (before, after) = (decision.before, decision.after.state());
    let is_on = after.revision == before.revision && after.place > before.place && !after.is_full;
    let routes = decision.seen.routes.as_ref().filter(|_| is_on && !decision.was_asked)?;
    let weight = routes.weight(&after.revision);
    let left = decision.after.moves().get(before.place..after.place)?;
    left.iter().find_map(|at| match at {
        Move::Weight(set) if *set != weight => {
            Some(("a weight is left when it is there", format!("{weight} % instead of {set} %")))
        }
        _ => None,
    })
}

/// On the way back users come to the stable version only as its pods can carry them.
fn carried(decision: &Decision<'_>) -> Found {
    let state = decision.after.state();
    let stable = state.stable.as_ref().filter(|_| state.phase == Phase::RollingBack)?;
    let old = decision.seen.routes.as_ref()?.weight(stable);
    let new = decision.effects.iter().find_map(|effect| match effect {
        Effect::Route(routes) => Some(routes.weight(stable)),
        _ => None,
    })?;
    let available = i64::from(decision.seen.pods(stable).available.max(0));
    let all = i64::from(decision.seen.replicas.unwrap_or(decision.spec.replicas));
    let gave_up = matches!(&decision.spec.strategy, Strategy::Canary(canary) if canary.dynamic_stable_scale);
    let has_choice = decision.seen.pods(&state.revision).available > 0;
    let is_too_much = new > old && i64::from(new) * all > 100 * available;
    (gave_up && has_choice && is_too_much)
        .then(|| ("the way back gives users to pods", format!("{new} % for {available} of {all} pods")))
}

/// What a person asks for changes what it says, and what is refused changes nothing.
pub(super) fn asked(verb: Verb, is_ok: bool, before: &State, after: &State) -> Found {
    if !is_ok {
        return (before != after).then(|| ("a refusal changes nothing", format!("{verb:?}")));
    }
    let most = match (verb, &before.held) {
        (Verb::Promote, Some(Hold::Person)) => 0,
        (Verb::Promote | Verb::Resume, _) => 1,
        _ => return None,
    };
    let passed = after.place.saturating_sub(before.place);
    (passed > most).then(|| ("a promotion passes one thing", format!("{passed} moves")))
}

/// Migrations that were seen to be made, and whether they were taken back since.
#[derive(Debug, Default)]
pub(super) struct Migrations {
    is_made: BTreeMap<Revision, bool>,
    newest: u64,
}

impl Migrations {
    /// A migration comes before its version, an older version gets no pod on data that it cannot read, and a
    /// migration that cannot be taken back is not gone back over.
    pub(super) fn look(&mut self, decision: &Decision<'_>) -> Found {
        let Strategy::Rolling(rolling) = &decision.spec.strategy else { return None };
        let migration = rolling.migration.as_ref()?;
        self.note(decision);
        let (before, after) = (decision.before, decision.after.state());
        let is_ours = after.stable.as_ref() != Some(&after.revision) && is_forward(after);
        let made = |revision: &Revision| self.is_made.get(revision) == Some(&true);
        for effect in decision.effects {
            let Effect::Scale { revision, replicas } = effect else { continue };
            if *replicas <= decision.seen.pods(revision).wanted {
                continue;
            }
            if is_ours && *revision == after.revision && !made(revision) {
                return Some(("a migration comes before its version", format!("{effect:?}")));
            }
            if !migration.is_compatible && self.cannot_read(revision, decision) {
                return Some(("a version can read the data", format!("{effect:?}")));
            }
        }
        let goes_back = is_forward(before) && after.phase == Phase::RollingBack;
        let has = |list: &[Applied]| list.iter().any(|one| one.revision == before.revision);
        // A controller that died before its decision was stored, and sees the past, does not know of it yet.
        let is_closed = Migration::is_one_way(migration)
            && before.stable.is_some()
            && made(&before.revision)
            && has(&before.applied)
            && !has(&before.reads);
        (goes_back && is_closed && before.revision == after.revision)
            .then(|| ("a closed way back is not taken", format!("{}", after.revision)))
    }

    /// True where a later version's change is made.
    fn cannot_read(&self, revision: &Revision, decision: &Decision<'_>) -> bool {
        let number = |revision: &Revision| decision.seen.version(revision).map(|version| version.number);
        let own = number(revision);
        let is_later =
            |other: &Revision| matches!((own, number(other)), (Some(own), Some(other)) if other > own);
        self.is_made.iter().any(|(other, is_made)| *is_made && is_later(other))
    }

    /// What is seen may be old. The version that serves at the beginning has its data.
    fn note(&mut self, decision: &Decision<'_>) {
        if self.is_made.is_empty() {
            self.is_made.extend(decision.before.stable.clone().map(|stable| (stable, true)));
        }
        if decision.was_asked {
            // A person may say that the data were brought back by hand.
            let applied = &decision.after.state().applied;
            let is_there = |revision: &Revision| applied.iter().any(|one| one.revision == *revision);
            self.is_made.iter_mut().for_each(|(revision, is_made)| *is_made &= is_there(revision));
        }
        let Some(seen) = &decision.seen.migration else { return };
        if seen.attempt > self.newest && seen.end == Some(Ok(())) {
            self.newest = seen.attempt;
            self.is_made.insert(seen.revision.clone(), seen.direction == Direction::Up);
        }
    }
}
