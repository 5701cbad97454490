//! Which version users are to reach.

use super::decide::Delivery;
use super::phase::Phase;
use super::program::{Setting, setting};
use super::world::{Observation, Revision, Routes, Share};
use crate::mutant::{self, Mutant};
use crate::spec::{Canary, Strategy, Traffic};

impl Delivery {
    /// What the router is to do; nothing where the numbers of pods split the traffic.
    pub(super) fn routes(&self, seen: &Observation) -> Option<Routes> {
        let current = seen.routes.as_ref()?;
        if !self.has_router() {
            return None;
        }
        let state = self.state();
        let stable = state.stable.clone()?;
        if state.revision == stable || state.phase == Phase::Completed {
            return Some(self.routes_at_rest(seen, current, stable));
        }
        let pods = seen.pods(&state.revision);
        let (active, weight) = match state.phase {
            Phase::RollingBack => (stable, self.weight_back(seen, current)),
            Phase::RolledBack => (stable, 0),
            _ => self.forward(seen, current, stable),
        };
        let is_back = matches!(state.phase, Phase::RollingBack | Phase::RolledBack);
        let mut setting = if is_back || pods.available <= 0 { Setting::default() } else { self.setting() };
        if mutant::is(Mutant::RoutesStayAway)
            && current.headers.is_empty()
            && !matches!(self.moves().get(state.place), Some(super::program::Move::Header(_)))
        {
            setting.headers.clear();
        }
        let has_share = weight > 0 || !setting.headers.is_empty() || setting.mirror.is_some();
        let share = has_share.then(|| Share { revision: state.revision.clone(), weight });
        let left = self.left_behind(seen, current);
        if left.is_some() {
            setting = Setting::default();
        }
        let share = left.or(share);
        let preview = match &self.spec().strategy {
            Strategy::BlueGreen(_) => self.preview(self.previewed(seen, current, &active)),
            _ => None,
        };
        Some(Routes { active, share, preview, headers: setting.headers, mirror: setting.mirror })
    }

    /// All users go to the stable version. Where that does not serve, whoever has them goes on.
    fn routes_at_rest(&self, seen: &Observation, current: &Routes, stable: Revision) -> Routes {
        let serves = self.replicas(seen) == 0 || seen.pods(&stable).available > 0;
        let is_known = seen.version(&current.active).is_some();
        let active = if !serves && is_known { current.active.clone() } else { stable };
        let preview = self.preview(Some(active.clone()));
        Routes { active, preview, ..Routes::default() }
    }

    /// True where a router splits the traffic.
    pub(super) fn has_router(&self) -> bool {
        match &self.spec().strategy {
            Strategy::Canary(Canary { traffic, .. }) => *traffic == Traffic::Router,
            Strategy::BlueGreen(_) | Strategy::Ab(_) => true,
            Strategy::Rolling(_) => false,
        }
    }

    /// True where any request may reach the new version.
    pub(super) fn is_exposed(&self, seen: &Observation) -> bool {
        match &seen.routes {
            Some(routes) if self.has_router() => routes.reaches(&self.state().revision),
            _ => seen.pods(&self.state().revision).available > 0,
        }
    }

    fn preview(&self, leads_to: Option<Revision>) -> Option<Revision> {
        leads_to.filter(|_| matches!(self.spec().strategy, Strategy::BlueGreen(_)))
    }

    /// The preview follows the new version once that can answer; before that it stays where it is.
    fn previewed(&self, seen: &Observation, current: &Routes, active: &Revision) -> Option<Revision> {
        let state = self.state();
        let is_back = matches!(state.phase, Phase::RollingBack | Phase::RolledBack);
        let is_there = seen.pods(&state.revision).available >= self.preview_pods(seen)
            || mutant::is(Mutant::PreviewTooEarly);
        match (is_back, is_there && self.setting().is_previewed) {
            (true, _) => Some(active.clone()),
            (_, true) => Some(state.revision.clone()),
            _ => current.preview.clone().or_else(|| Some(active.clone())),
        }
    }

    /// The active version and the new version's share, on the way forward.
    fn forward(&self, seen: &Observation, current: &Routes, stable: Revision) -> (Revision, u32) {
        let state = self.state();
        let pods = seen.pods(&state.revision);
        if let Strategy::BlueGreen(_) = self.spec().strategy {
            let can_stay = pods.available > 0 || seen.pods(&stable).available <= 0;
            let stays = current.active == state.revision && can_stay;
            let may = self.setting().is_active && (stays || pods.available >= self.replicas(seen));
            let next = if may { state.revision.clone() } else { stable };
            // Whoever serves goes on until somebody can take over.
            let relieves = seen.pods(&next).available > 0 || seen.pods(&current.active).available <= 0;
            return (if relieves { next } else { current.active.clone() }, 0);
        }
        let wanted = self.setting().weight;
        let now = current.weight(&state.revision);
        let owed = if pods.available > 0 { self.owed(seen, now) } else { 0 };
        let aim = Load { weight: wanted, needed: self.pods_for_weight(seen) };
        let allowed = allowed(aim, self.load_before(seen), now, pods.available);
        let carries = self.carries_rest(seen, &stable, allowed);
        let weight = if carries { allowed } else { allowed.min(now) };
        (stable, weight.max(owed))
    }

    /// What the place before the one where it stands has set.
    fn load_before(&self, seen: &Observation) -> Load {
        let place = if self.is_promoting() { self.moves().len() } else { self.state().place };
        let Some(before) = place.checked_sub(1) else { return Load { weight: 0, needed: 0 } };
        Load { weight: setting(self.moves(), before).weight, needed: self.pods_at(seen, before) }
    }

    /// True where the stable version has pods for what a share leaves it, rounded down as upstream does.
    fn carries_rest(&self, seen: &Observation, stable: &Revision, weight: u32) -> bool {
        let needed = i64::from(100 - weight.min(100)) * i64::from(self.replicas(seen)) / 100;
        i64::from(seen.pods(stable).available) >= needed
    }

    /// The share of a version that was overtaken: as much as a stable version that gave up pods cannot carry
    /// yet. Nobody else has a share before that is over.
    pub(super) fn left_behind(&self, seen: &Observation, current: &Routes) -> Option<Share> {
        let state = self.state();
        let is_ours = |one: &Revision| *one == state.revision || state.stable.as_ref() == Some(one);
        let share = current.share.as_ref().filter(|share| !is_ours(&share.revision))?;
        let weight = self.owed(seen, share.weight);
        let serves = seen.pods(&share.revision).available > 0;
        (serves && weight > 0).then(|| Share { revision: share.revision.clone(), weight })
    }

    /// The share on the way back: none at once where the stable version has all of its pods, else as much as
    /// that cannot carry yet.
    fn weight_back(&self, seen: &Observation, current: &Routes) -> u32 {
        let now = current.weight(&self.state().revision);
        if mutant::is(Mutant::BackWaits) && seen.pods(&self.state().revision).created > 0 {
            return now;
        }
        if seen.pods(&self.state().revision).available <= 0 || mutant::is(Mutant::BackTooSoon) {
            return 0;
        }
        self.owed(seen, now)
    }

    /// The share that the stable version cannot take over because it gave up pods; never more than now.
    fn owed(&self, seen: &Observation, now: u32) -> u32 {
        let Strategy::Canary(Canary { dynamic_stable_scale: true, .. }) = self.spec().strategy else {
            return 0;
        };
        let Some(stable) = &self.state().stable else { return 0 };
        let carries = percent(seen.pods(stable).available, self.replicas(seen));
        now.min(100 - carries)
    }
}

/// A share, and the pods that it needs.
#[derive(Clone, Copy)]
struct Load {
    weight: u32,
    needed: i32,
}

impl Load {
    /// As much of it as these pods carry.
    fn carried(self, available: i32) -> u32 {
        let needed = i64::from(self.needed.max(1));
        let part = i64::from(self.weight) * i64::from(available).clamp(0, needed) / needed;
        u32::try_from(part).unwrap_or(0)
    }
}

/// The share that a version may have: the one that it is to have once the pods for that are available. A
/// share is never raised before; the one of the place before goes on meanwhile. Less where some pods are
/// gone, in proportion.
fn allowed(aim: Load, before: Load, now: u32, available: i32) -> u32 {
    if mutant::is(Mutant::WeightBeforePods) {
        return aim.weight;
    }
    if available > 0 && available >= aim.needed {
        return aim.weight;
    }
    let before = before.carried(available).min(aim.weight);
    aim.carried(available).max(before).min(now)
}

/// The share of the replicas that are available, in percent, rounded down.
fn percent(available: i32, replicas: i32) -> u32 {
    if available >= replicas {
        return 100;
    }
    let share = i64::from(available.max(0)) * 100 / i64::from(replicas.max(1));
    u32::try_from(share).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_weight_on_what_is_not_there() {
        for (aim, before, now, available, expected) in [
            ((10, 1), (0, 0), 0, 0, 0),
            ((10, 1), (0, 0), 0, 1, 10),
            // Raised only with all pods, and kept until then; lowered in proportion.
            ((50, 3), (25, 2), 25, 2, 25),
            ((75, 4), (50, 2), 50, 2, 50),
            ((75, 4), (50, 2), 50, 1, 25),
            ((75, 4), (50, 2), 20, 1, 20),
            ((50, 4), (50, 4), 50, 2, 25),
            ((50, 4), (50, 4), 50, 0, 0),
            ((20, 4), (50, 2), 50, 2, 20),
            ((100, 5), (75, 4), 75, 4, 75),
            ((100, 5), (75, 4), 75, 5, 100),
        ] {
            let load = |(weight, needed)| Load { weight, needed };
            let found = allowed(load(aim), load(before), now, available);
            assert_eq!(found, expected, "{aim:?} {before:?} {now} {available}");
        }
    }
}
