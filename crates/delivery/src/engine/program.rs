//! Every strategy as a list of moves: one interpreter for all of them.

use crate::spec::{HeaderRoute, Match, Mirror, Rollout, Scale, Step, Strategy, Watch};
use std::time::Duration;

/// One thing that happens in a rollout.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// The change of data that comes before a version.
    Migrate,
    /// The new version gets this share of the users, in percent.
    Weight(u32),
    /// Waits so long, or until somebody promotes.
    Pause(Option<Duration>),
    /// Waits until some metrics have passed so many times.
    Analysis(Watch, u32),
    /// The new version's pods, apart from its weight.
    Scale(Scale),
    /// Requests go to the new version by what they carry.
    Header(HeaderRoute),
    /// Copies of requests go to the new version.
    Mirror(Mirror),
    /// The preview leads to the new version.
    Preview,
    /// The new version has all of its pods.
    Full,
    /// All users go to the new version at once.
    Switch,
    /// The new version takes the place of the stable one, pod by pod.
    Replace,
}

/// The moves of a rollout, in order.
pub fn moves(rollout: &Rollout) -> Vec<Move> {
    match &rollout.strategy {
        Strategy::Canary(canary) => canary.steps.iter().map(of_step).collect(),
        Strategy::BlueGreen(blue_green) => {
            let pause = match blue_green.auto_promotion {
                Some(after) => (!after.is_zero()).then_some(Move::Pause(Some(after))),
                None => Some(Move::Pause(None)),
            };
            let watch = |watch: &Option<Watch>| watch.clone().map(|watch| Move::Analysis(watch, 1));
            let before = [Some(Move::Preview), watch(&blue_green.pre_promotion), pause];
            let after = [Some(Move::Full), Some(Move::Switch), watch(&blue_green.post_promotion)];
            before.into_iter().chain(after).flatten().collect()
        }
        Strategy::Ab(ab) => {
            let metrics = (0..rollout.analysis.metrics.len()).collect();
            let watch = Watch { metrics, at_least: ab.interval };
            let mut moves = vec![Move::Scale(ab.replicas.map_or(Scale::Weight(100), Scale::Replicas))];
            moves.extend(
                ab.matches.iter().enumerate().map(|(index, matched)| Move::Header(route(index, matched))),
            );
            moves.push(Move::Analysis(watch, ab.iterations));
            moves
        }
        Strategy::Rolling(rolling) => {
            let migrate = rolling.migration.as_ref().map(|_| Move::Migrate);
            let analysis = rolling.analysis.clone().map(|watch| Move::Analysis(watch, 1));
            [migrate, Some(Move::Replace), analysis].into_iter().flatten().collect()
        }
    }
}

/// Any of the matches brings a request to the new version, so each is a route of its own.
fn route(index: usize, matched: &Match) -> HeaderRoute {
    HeaderRoute { name: format!("ab-{index}"), matches: vec![matched.clone()] }
}

fn of_step(step: &Step) -> Move {
    match step {
        Step::SetWeight(weight) => Move::Weight(*weight),
        Step::Pause(span) => Move::Pause(*span),
        Step::Analysis(watch) => Move::Analysis(watch.clone(), 1),
        Step::SetScale(scale) => Move::Scale(*scale),
        Step::HeaderRoute(route) => Move::Header(route.clone()),
        Step::Mirror(mirror) => Move::Mirror(mirror.clone()),
    }
}

/// What the moves up to a place have set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setting {
    /// Percent of the users for the new version.
    pub weight: u32,
    /// Its pods, where they do not follow its weight.
    pub scale: Option<Scale>,
    /// Requests that go to it by what they carry.
    pub headers: Vec<HeaderRoute>,
    /// Copies for it.
    pub mirror: Option<Mirror>,
    /// The preview leads to it.
    pub is_previewed: bool,
    /// It has all of its pods.
    pub is_full: bool,
    /// All users go to it.
    pub is_active: bool,
    /// It takes the place of the stable one, pod by pod.
    pub replaces: bool,
}

/// What the moves before and at `place` have set; past the last one, the whole of it.
pub fn setting(moves: &[Move], place: usize) -> Setting {
    let mut setting = Setting::default();
    for at in moves.iter().take(place.saturating_add(1)) {
        setting.take(at);
    }
    setting
}

impl Setting {
    pub(super) fn take(&mut self, at: &Move) {
        match at {
            Move::Weight(weight) => self.weight = *weight,
            Move::Scale(Scale::MatchTrafficWeight) => self.scale = None,
            Move::Scale(scale) => self.scale = Some(*scale),
            Move::Header(route) => {
                self.headers.retain(|other| other.name != route.name);
                if !route.matches.is_empty() {
                    self.headers.push(route.clone());
                }
            }
            Move::Mirror(mirror) => self.mirror = (mirror.percentage > 0).then(|| mirror.clone()),
            Move::Preview => self.is_previewed = true,
            Move::Full => self.is_full = true,
            Move::Switch => self.is_active = true,
            Move::Replace => self.replaces = true,
            Move::Migrate | Move::Pause(_) | Move::Analysis(..) => {}
        }
    }
}
