//! A service that is released: who comes, what fails, how long it takes.

use rand::{Rng, RngExt};
use rand_distr::{Binomial, Distribution, Poisson};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// How a version behaves once it is warm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Behaviour {
    /// Share of its units that fail, from 0 to 1.
    pub errors: f64,
    /// Median latency in milliseconds.
    pub latency: f64,
    /// Spread of the logarithm of the latency.
    pub spread: f64,
    /// How many times as slow it is at its first request; it warms up over [`Behaviour::warm_up`] seconds.
    pub cold: f64,
    /// Seconds until it is warm.
    pub warm_up: f64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { errors: 0.002, latency: 50.0, spread: 0.4, cold: 1.0, warm_up: 0.0 }
    }
}

impl Behaviour {
    /// Median latency so many seconds after its first request.
    fn latency_at(&self, age: f64) -> f64 {
        let is_warm = self.warm_up <= 0.0 || age >= self.warm_up;
        let left = if is_warm { 0.0 } else { 1.0 - age / self.warm_up };
        self.latency * (1.0 + (self.cold - 1.0) * left)
    }
}

/// Something that hits every version alike.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Incident {
    /// When it begins, in seconds.
    pub from: f64,
    /// When it ends, in seconds.
    pub to: f64,
    /// Share of the units that fail beside all others.
    pub errors: f64,
}

/// Who comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Users {
    /// Requests a second.
    pub rate: f64,
    /// Depth of the daily cycle, from 0 to 1, over [`Users::day`] seconds.
    pub swing: f64,
    /// Seconds of a day.
    pub day: f64,
    /// Requests of a session, which all meet one version and fail together; 1 is no session.
    pub session: u32,
    /// Share of the units that carry what a header route asks for.
    pub marked: f64,
    /// Requests a second that look at a preview.
    pub lookers: f64,
}

impl Default for Users {
    fn default() -> Self {
        Self { rate: 50.0, swing: 0.0, day: 86_400.0, session: 1, marked: 0.1, lookers: 2.0 }
    }
}

impl Users {
    /// Units that come in a stretch of time: sessions, where there are any.
    fn units(&self, at: f64, seconds: f64, random: &mut impl Rng) -> u64 {
        let cycle = 1.0 + self.swing * (TAU * at / self.day.max(1.0)).sin();
        let mean = self.rate * cycle * seconds / f64::from(self.session.max(1));
        if mean <= 0.0 || !mean.is_finite() {
            return 0;
        }
        Poisson::new(mean).map_or(0, |poisson| poisson.sample(random) as u64)
    }
}

/// What one version met, counted from its first request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counters {
    /// Units: sessions where there are any, else requests.
    pub units: u64,
    /// Units that failed.
    pub failures: u64,
    /// Requests.
    pub requests: u64,
    /// Units by latency, one number for each bound and one for what is above the last.
    pub buckets: Vec<u64>,
}

/// One stretch of time of one version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// Units that come to it.
    pub(super) units: u64,
    /// Share of them that fails.
    pub(super) errors: f64,
    /// Median latency.
    pub(super) latency: f64,
    /// Spread of the logarithm of the latency.
    pub(super) spread: f64,
    /// Requests of a unit.
    pub(super) requests: u64,
}

impl Counters {
    /// Counts a stretch.
    pub(super) fn count(&mut self, stretch: Stretch, bounds: &[f64], random: &mut impl Rng) {
        self.units += stretch.units;
        self.requests += stretch.units * stretch.requests;
        self.failures += binomial(stretch.units, stretch.errors, random);
        if bounds.is_empty() {
            return;
        }
        self.buckets.resize(bounds.len() + 1, 0);
        let mut left = stretch.units;
        let mut below = 0.0;
        for (bucket, bound) in bounds.iter().enumerate() {
            let share = log_normal(*bound, stretch.latency, stretch.spread);
            let part = if below < 1.0 { ((share - below) / (1.0 - below)).clamp(0.0, 1.0) } else { 1.0 };
            let count = binomial(left, part, random);
            self.buckets[bucket] += count;
            left -= count;
            below = share;
        }
        self.buckets[bounds.len()] += left;
    }
}

/// Everything about who comes and what they meet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Service {
    /// Who comes.
    pub users: Users,
    /// The version that serves.
    pub stable: Behaviour,
    /// The version that is released.
    pub canary: Behaviour,
    /// What hits both.
    pub incident: Option<Incident>,
}

impl Service {
    /// Units that come, and how many of them go to a version that has this share: the router deals them in
    /// blocks, so that the share is exact but for less than one unit.
    pub(super) fn arrivals(&self, at: f64, seconds: f64, share: f64, random: &mut impl Rng) -> (u64, u64) {
        let units = self.users.units(at, seconds, random);
        let exact = units as f64 * share;
        let rest = exact - exact.floor();
        let dealt = exact.floor() as u64 + u64::from(rest > 0.0 && random.random_bool(rest.min(1.0)));
        (units, dealt.min(units))
    }

    /// Units that look at a preview.
    pub(super) fn lookers(&self, at: f64, seconds: f64, random: &mut impl Rng) -> u64 {
        let users = Users { rate: self.users.lookers, ..self.users.clone() };
        users.units(at, seconds, random)
    }

    /// What so many units meet.
    pub(super) fn stretch(&self, is_canary: bool, units: u64, at: f64, age: f64) -> Stretch {
        let behaviour = if is_canary { self.canary } else { self.stable };
        let incident = self.incident.filter(|incident| (incident.from..incident.to).contains(&at));
        let spared = (1.0 - behaviour.errors) * (1.0 - incident.map_or(0.0, |incident| incident.errors));
        Stretch {
            units,
            errors: (1.0 - spared).clamp(0.0, 1.0),
            latency: behaviour.latency_at(age),
            spread: behaviour.spread,
            requests: u64::from(self.users.session.max(1)),
        }
    }
}

fn binomial(units: u64, share: f64, random: &mut impl Rng) -> u64 {
    if units == 0 || share <= 0.0 {
        return 0;
    }
    if share >= 1.0 {
        return units;
    }
    // Few failures of few units, as most stretches have them, are found without a table.
    if units < 64 {
        return (0..units).map(|_| u64::from(random.random_bool(share))).sum();
    }
    Binomial::new(units, share).map_or(0, |binomial| binomial.sample(random))
}

/// Share of a log-normal latency at or below a bound.
fn log_normal(bound: f64, median: f64, spread: f64) -> f64 {
    if bound <= 0.0 || median <= 0.0 {
        return 0.0;
    }
    let deviation = (bound / median).ln() / spread.max(1e-6);
    0.5 * statrs::function::erf::erfc(-deviation / std::f64::consts::SQRT_2)
}
