//! What must always hold, whatever goes wrong.

use super::{changes, gates};
use crate::engine::{
    Counting, Delivery, Effect, Hold, Move, Observation, Phase, Revision, Routes, State, setting,
};
use crate::replicas::Limits;
use crate::spec::{Judge, Rollout, Strategy};
use crate::time::Time;
use serde::Serialize;
use std::collections::BTreeMap;

/// A rule that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Which one.
    pub rule: &'static str,
    /// When, in milliseconds.
    pub at: i64,
    /// What was seen.
    pub what: String,
}

/// Looks at every decision.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// When a version left service by a promotion.
    left: BTreeMap<Revision, Time>,
    /// When the move at which it stands began, by what was seen of it.
    stood: Option<(usize, Time)>,
    /// How long it was held by a person or a doubt at this move.
    asked: bool,
    /// Since when it goes back, with nothing going wrong any more.
    going_back: Option<Time>,
    /// A decision was never stored: what it began is not known.
    is_lost: bool,
    migrations: changes::Migrations,
    gates: gates::Heard,
}

/// One decision.
pub(super) struct Decision<'a> {
    pub(super) spec: &'a Rollout,
    pub(super) seen: &'a Observation,
    pub(super) before: &'a State,
    pub(super) after: &'a Delivery,
    pub(super) effects: &'a [Effect],
    pub(super) now: Time,
    /// A person has asked for something since the last look.
    pub(super) was_asked: bool,
    /// Nothing goes wrong any more.
    pub(super) is_calm: bool,
}

/// Longest time in which a stable version that has its pods gets its users back.
const BACK_WITHIN_MS: i64 = 120_000;

impl Rules {
    /// The first rule that a decision breaks.
    pub(super) fn look(&mut self, decision: &Decision<'_>) -> Option<Broken> {
        let broken = |(rule, what): (&'static str, String)| Broken { rule, at: decision.now.0, what };
        let found = decision
            .effects
            .iter()
            .find_map(|effect| match effect {
                Effect::Route(routes) => route(decision, routes),
                Effect::Scale { revision, replicas } => scale(decision, revision, *replicas),
                _ => None,
            })
            .or_else(|| verdict(decision))
            .or_else(|| unasked(decision))
            .or_else(|| self.headers(decision))
            .or_else(|| rest(decision))
            .or_else(|| self.pauses(decision))
            .or_else(|| self.retired(decision))
            .or_else(|| self.back(decision))
            .or_else(|| self.gates.look(decision))
            .or_else(|| self.migrations.look(decision))
            .or_else(|| changes::look(decision));
        found.map(broken)
    }

    /// Routes by header are there while the version is.
    fn headers(&mut self, decision: &Decision<'_>) -> Option<(&'static str, String)> {
        let state = decision.after.state();
        let set = setting(decision.after.moves(), state.place).headers;
        let routes = decision.seen.routes.as_ref()?;
        let writes = decision.effects.iter().any(|effect| matches!(effect, Effect::Route(_)));
        let is_forward =
            matches!(state.phase, Phase::Analyzing) && state.revision == decision.before.revision;
        let can =
            decision.seen.pods(&state.revision).available > 0 && state.stable.is_some() && !state.is_full;
        // The share of one that was overtaken goes first.
        let is_free = routes.share.as_ref().is_none_or(|share| share.revision == state.revision)
            && decision.after.is_open()
            && !decision.after.is_unreached();
        let lacks = is_forward && can && is_free && !set.is_empty() && routes.headers != set && !writes;
        lacks.then(|| ("routes by header are there while the version is", format!("{:?}", routes.headers)))
    }

    /// A timed pause takes its time, and a pause without one a person.
    fn pauses(&mut self, decision: &Decision<'_>) -> Option<(&'static str, String)> {
        let (before, after) = (decision.before, decision.after.state());
        self.asked |= decision.was_asked;
        let left = self.stood.filter(|(place, _)| after.place != *place || after.revision != before.revision);
        let is_forward = after.revision == before.revision && after.place > before.place;
        let found =
            left.filter(|_| is_forward && !self.asked && !after.is_full).and_then(|(place, since)| {
                let stood = decision.now - since;
                match decision.after.moves().get(place)? {
                    Move::Pause(Some(span)) if stood < *span => {
                        Some(("a pause takes its time", format!("{stood:?} of {span:?}")))
                    }
                    Move::Pause(None) => {
                        Some(("a pause without a time takes a person", format!("move {place}")))
                    }
                    _ => None,
                }
            });
        if std::mem::take(&mut self.is_lost) {
            self.stood = Some((after.place, decision.now));
            self.asked = true;
            return None;
        }
        let is_other =
            self.stood.is_none_or(|(place, _)| place != after.place) || after.revision != before.revision;
        if is_other || matches!(after.phase, Phase::Completed | Phase::RolledBack) {
            self.stood = Some((after.place, decision.now));
            self.asked = false;
        }
        found
    }

    /// The old version stays for a while after a promotion.
    fn retired(&mut self, decision: &Decision<'_>) -> Option<(&'static str, String)> {
        let (before, after) = (decision.before, decision.after.state());
        if after.stable != before.stable
            && let Some(old) = &before.stable
        {
            self.left.insert(old.clone(), decision.now);
        }
        // In service again, or on its way there, it follows other rules.
        self.left.remove(&after.revision);
        if let Some(stable) = &after.stable {
            self.left.remove(stable);
        }
        let delay = match &decision.spec.strategy {
            Strategy::Canary(canary) if decision.seen.routes.is_some() => canary.scale_down_delay,
            Strategy::BlueGreen(blue_green) => blue_green.scale_down_delay,
            _ => return None,
        };
        decision.effects.iter().find_map(|effect| {
            let Effect::Scale { revision, replicas } = effect else { return None };
            let since = self.left.get(revision)?;
            let is_early = decision.now - *since < delay && *replicas < decision.seen.pods(revision).wanted;
            is_early.then(|| ("the old version stays after a promotion", format!("{revision} to {replicas}")))
        })
    }

    /// Users are back on the stable version soon.
    fn back(&mut self, decision: &Decision<'_>) -> Option<(&'static str, String)> {
        let state = decision.after.state();
        let stable = state.stable.as_ref()?;
        let routes = decision.seen.routes.as_ref()?;
        let can = decision.seen.pods(stable).available >= decision.seen.replicas.unwrap_or(0);
        let must =
            state.phase == Phase::RollingBack && decision.is_calm && can && routes.weight(stable) < 100;
        if !must {
            self.going_back = None;
            return None;
        }
        let since = *self.going_back.get_or_insert(decision.now);
        let took = decision.now.0 - since.0;
        (took > BACK_WITHIN_MS).then(|| ("a way back ends", format!("{took} ms with all pods of {stable}")))
    }

    /// The last decision was never stored.
    pub(super) fn forget(&mut self) {
        self.is_lost = true;
        self.left.clear();
    }
}

/// What is written to the router.
fn route(decision: &Decision<'_>, routes: &Routes) -> Option<(&'static str, String)> {
    let seen = decision.seen;
    let old = seen.routes.as_ref();
    if let Some(share) = &routes.share {
        if share.weight > 100 || share.revision == routes.active {
            return Some(("shares sum to the whole", format!("{share:?} beside {}", routes.active)));
        }
        if let Some(what) = skipped(decision, share.weight, old.map_or(0, |old| old.weight(&share.revision)))
        {
            return Some(("weights rise from step to step", what));
        }
        let is_reached = share.weight > 0 || !routes.headers.is_empty() || routes.mirror.is_some();
        if is_reached && seen.pods(&share.revision).available <= 0 {
            return Some(("no weight on what is not there", format!("{share:?}")));
        }
        let more = old.is_none_or(|old| share.weight > old.weight(&share.revision));
        let state = decision.after.state();
        if more && matches!(state.phase, Phase::RollingBack | Phase::RolledBack) {
            return Some(("the way back gives no weight", format!("{share:?}")));
        }
    }
    let turns = old.is_some_and(|old| old.active != routes.active && old.weight(&routes.active) < 100);
    let replicas = seen.replicas.unwrap_or(decision.spec.replicas);
    let is_back = matches!(decision.after.state().phase, Phase::RollingBack | Phase::RolledBack);
    // Where nobody serves it is all one who is asked.
    let serves = |revision: &Revision| *revision != routes.active && seen.pods(revision).available > 0;
    let is_relieved = old.is_some_and(|old| {
        serves(&old.active)
            || old.share.as_ref().is_some_and(|share| share.weight > 0 && serves(&share.revision))
    });
    if turns && is_relieved && !is_back && seen.pods(&routes.active).available < replicas.min(1) {
        return Some(("no weight on what is not there", format!("{} is active", routes.active)));
    }
    if let Some(preview) = &routes.preview
        && old.is_some_and(|old| old.preview.as_ref() != Some(preview))
        && *preview != routes.active
        && seen.pods(preview).available <= 0
        && replicas > 0
        && !is_back
    {
        return Some(("a preview can be looked at", format!("{preview} has no pod")));
    }
    None
}

/// A weight that the moves do not come to next.
fn skipped(decision: &Decision<'_>, weight: u32, now: u32) -> Option<String> {
    let state = decision.after.state();
    if weight <= now || state.is_full || matches!(state.phase, Phase::RollingBack | Phase::RolledBack) {
        return None;
    }
    let moves = decision.after.moves().iter();
    let between = moves.filter_map(|at| match at {
        Move::Weight(other) if *other > now && *other < weight => Some(*other),
        _ => None,
    });
    // A healer or a fall of pods takes a share that was there already.
    let came = decision.before.place > 0 && decision.before.revision == state.revision;
    let first = between.min().filter(|_| !came)?;
    Some(format!("from {now} to {weight}, past {first}"))
}

/// An analysis is left only when it has something to say.
fn unasked(decision: &Decision<'_>) -> Option<(&'static str, String)> {
    let (before, after) = (decision.before, decision.after.state());
    let is_forward = after.revision == before.revision && after.place > before.place && !after.is_full;
    if !is_forward || decision.was_asked || !matches!(before.phase, Phase::Initializing | Phase::Analyzing) {
        return None;
    }
    let mut left = decision.after.moves().get(before.place..after.place)?.iter();
    let watch = left.find_map(|at| match at {
        Move::Analysis(watch, _) => Some(watch),
        _ => None,
    })?;
    let metric = |index: &usize| decision.spec.analysis.metrics.get(*index);
    let silent = watch.metrics.iter().find(|index| match metric(index).map(|metric| &metric.judge) {
        Some(Judge::Test(test)) => {
            let tested = after.judging.tests.get(index);
            tested.is_none_or(|tested| tested.sample() < test.minimum_sample)
        }
        _ => false,
    });
    let counted = watch
        .metrics
        .iter()
        .any(|index| metric(index).is_some_and(|metric| matches!(metric.judge, Judge::Counted(..))));
    let healthy = |counting: &Counting| {
        counting.run.metrics().all(|(_, state, dry)| dry || state.counts.successful > 0)
    };
    let lacks = counted && !after.judging.heard.as_ref().is_some_and(healthy);
    let name = silent
        .and_then(metric)
        .map(|metric| metric.name.clone())
        .or_else(|| lacks.then(|| "counted".to_owned()))?;
    Some(("an analysis is left when it has spoken", name))
}

/// What is scaled.
fn scale(decision: &Decision<'_>, revision: &Revision, replicas: i32) -> Option<(&'static str, String)> {
    let seen = decision.seen;
    let state = decision.after.state();
    let all = seen.replicas.unwrap_or(decision.spec.replicas);
    if replicas < 0 {
        return Some(("pods are counted from none", format!("{revision} to {replicas}")));
    }
    let is_fewer = replicas < seen.pods(revision).wanted;
    let is_serving = state.stable.as_ref() == Some(revision) && state.phase != Phase::Completed;
    let keeps = match &decision.spec.strategy {
        Strategy::Canary(canary) => seen.routes.is_some() && !canary.dynamic_stable_scale,
        Strategy::BlueGreen(_) | Strategy::Ab(_) => true,
        Strategy::Rolling(_) => false,
    };
    if keeps && is_serving && replicas < all {
        return Some(("the stable version keeps its pods", format!("{revision} to {replicas} of {all}")));
    }
    if let Some(what) = crowds(decision, revision, replicas) {
        return Some(("who is overtaken goes as others can serve", what));
    }
    if let Some(routes) = &seen.routes {
        let needed = i64::from(all) * i64::from(routes.weight(revision));
        // A scale of its own may be too small for its weight: that is what was asked for.
        let is_scaled = decision.after.moves().iter().any(|at| matches!(at, Move::Scale(_)));
        let least = if is_scaled { 1 } else { (needed + 99) / 100 };
        if is_fewer && i64::from(replicas) < least && routes.weight(revision) > 0 {
            let what = format!("{revision} to {replicas} with {} %", routes.weight(revision));
            return Some(("who has users keeps pods for them", what));
        }
    }
    None
}

/// Where pods share the users: pods of a version that is neither go only beyond those that must serve.
fn crowds(decision: &Decision<'_>, revision: &Revision, replicas: i32) -> Option<String> {
    let (seen, state) = (decision.seen, decision.after.state());
    let (surge, unavailable) = match &decision.spec.strategy {
        Strategy::Canary(canary) => (canary.max_surge, canary.max_unavailable),
        Strategy::Rolling(rolling) => (rolling.max_surge, rolling.max_unavailable),
        Strategy::BlueGreen(_) | Strategy::Ab(_) => return None,
    };
    let is_ours = *revision == state.revision || state.stable.as_ref() == Some(revision);
    let lost = (seen.pods(revision).available - replicas.max(0)).max(0);
    if is_ours || seen.routes.is_some() || lost == 0 {
        return None;
    }
    let all = seen.replicas.unwrap_or(decision.spec.replicas);
    let serving: i32 = seen.versions.iter().map(|version| version.pods.available).sum();
    let least = all - Limits::canary(all, surge, unavailable).unavailable;
    (serving - lost < least).then(|| format!("{revision} to {replicas}: {serving} serve, {least} must"))
}

/// Nothing is promoted that was not found good.
fn verdict(decision: &Decision<'_>) -> Option<(&'static str, String)> {
    let (before, after) = (decision.before, decision.after.state());
    let is_done = after.phase == Phase::Completed && before.phase != Phase::Completed;
    let is_new = after.stable.as_ref() == Some(&after.revision) && before.stable.is_some();
    if !(is_done && is_new)
        || before.revision != after.revision
        || after.revision == *before.stable.as_ref()?
    {
        return None;
    }
    if let Some(fault) = &after.judging.fault {
        return Some(("nothing is promoted that failed", fault.clone()));
    }
    match &before.held {
        Some(Hold::Inconclusive(why)) => Some(("nothing is promoted in doubt", why.clone())),
        _ => None,
    }
}

/// What is over stays over until somebody asks for something else.
fn rest(decision: &Decision<'_>) -> Option<(&'static str, String)> {
    let (before, after) = (decision.before, decision.after.state());
    let is_same = decision.seen.wanted == before.revision && !decision.was_asked && !before.is_homeward;
    let woke = before.phase == Phase::RolledBack && after.phase != Phase::RolledBack && is_same;
    woke.then(|| ("what was taken back stays so", format!("{} again", after.revision)))
}
