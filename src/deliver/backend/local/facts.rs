//! What happened between two looks, for the ledger and for people.

use super::kept::Kept;
use super::tally::Tally;
use super::words;
use crate::deliver::metrics::bounds_ms;
use taskmaster_core::id::Digest;
use taskmaster_core::rollout::{
    GateState, HoldBy, LoadEnd, MetricEnd, MetricVerdict, RolloutFact, RolloutPhase, VersionEnd, VersionRole,
};
use taskmaster_delivery::engine::{
    Answer, Answered, Direction, Effect, Hold, Migrated, Notice, Phase, Revision, Said, State,
};
use taskmaster_delivery::spec::{Rollout, Strategy};
use taskmaster_delivery::time::Time;

/// A look and what it saw.
pub(super) struct Look<'a> {
    pub(super) before: &'a State,
    pub(super) rollout: &'a Rollout,
    pub(super) steps: &'a [String],
    pub(super) effects: &'a [Effect],
    pub(super) answers: &'a [Answered],
    pub(super) migration: Option<&'a Migrated>,
    pub(super) pods: &'a [(Revision, String)],
    pub(super) notices: &'a [(String, bool, String)],
    pub(super) verdicts: &'a [MetricEnd],
    pub(super) share: u32,
    pub(super) counted: &'a Tally,
    pub(super) load: Option<&'a LoadEnd>,
}

/// Facts as they come, which also change what is kept for people.
pub(super) struct Facts<'a> {
    kept: &'a mut Kept,
    now: Time,
    found: Vec<(u64, RolloutFact)>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(kept: &'a mut Kept, now: Time) -> Self {
        Self { kept, now, found: Vec::new() }
    }

    pub(super) fn done(self) -> Vec<(u64, RolloutFact)> {
        self.found
    }

    pub(super) fn add(&mut self, fact: RolloutFact) {
        self.kept.story.push((self.now, fact.clone()));
        self.found.push((self.kept.release, fact));
    }

    /// A release that is under way.
    fn is_open(&self) -> bool {
        self.kept.started.is_some() && self.kept.ended.is_none()
    }

    pub(super) fn of_look(&mut self, look: &Look<'_>) {
        for (revision, words) in look.pods {
            self.add(RolloutFact::Pods { version: revision.0.clone(), words: words.clone() });
        }
        for (receiver, is_sent, words) in look.notices {
            let (receiver, words) = (receiver.clone(), words.clone());
            self.add(RolloutFact::Notice { receiver, is_sent: *is_sent, words });
        }
        if let Some(migrated) = look.migration {
            self.of_migration(migrated);
        }
        self.of_answers(look);
        let mut is_over = false;
        for effect in look.effects {
            match effect {
                Effect::Tell(Notice::Begun { .. }) => self.began(look),
                Effect::Tell(Notice::Step { step }) => self.add(RolloutFact::Step { step: *step }),
                Effect::Tell(Notice::Completed { .. } | Notice::RolledBack { .. }) => is_over = true,
                Effect::Tell(Notice::Gate { gate, said, .. }) => self.of_gate(look, *gate, said),
                _ => {}
            }
        }
        if !self.is_open() {
            return;
        }
        let state = self.kept.state.clone();
        if state.phase != look.before.phase && !state.phase.is_over() {
            let why = state.why.clone().filter(|_| state.phase == Phase::RollingBack);
            self.add(RolloutFact::Phase { phase: words::phase(state.phase), why });
        }
        self.of_hold(look.before);
        self.of_verdicts(look.verdicts);
        self.of_share(look.share);
        if is_over {
            self.ended(words::phase(state.phase), state.why, look);
        }
    }

    /// A release begins; one that was under way was overtaken.
    fn began(&mut self, look: &Look<'_>) {
        if self.is_open() {
            self.ended(RolloutPhase::Unknown, None, look);
        }
        let kept = &mut *self.kept;
        kept.release += 1;
        kept.releases.push((kept.release, kept.state.revision.clone()));
        (kept.started, kept.ended) = (Some(self.now), None);
        kept.at_start = look.counted.clone();
        (kept.weights, kept.story) = (Vec::new(), Vec::new());
        kept.verdicts.clear();
        let stable = kept.state.stable.as_ref().map(|stable| stable.0.clone());
        let fact = RolloutFact::Started {
            version: kept.state.revision.0.clone(),
            stable,
            strategy: words::strategy(&look.rollout.strategy),
            steps: look.steps.to_vec(),
            metrics: look.verdicts.iter().map(|end| end.metric.clone()).collect(),
            file: kept.file.clone(),
            digest: kept.digest.clone().map(Digest::new),
            by: kept.by.clone(),
        };
        self.add(fact);
        if look.before.phase == Phase::Initializing {
            // The phase does not change then.
            self.add(RolloutFact::Phase { phase: RolloutPhase::Initializing, why: None });
        }
    }

    fn ended(&mut self, phase: RolloutPhase, why: Option<String>, look: &Look<'_>) {
        self.kept.ended = Some(self.now);
        let versions = self.version_ends(look);
        let why = why.filter(|_| phase == RolloutPhase::RolledBack);
        let metrics = look.verdicts.to_vec();
        self.add(RolloutFact::Ended { phase, why, metrics, versions, load: look.load.cloned() });
    }

    fn version_ends(&self, look: &Look<'_>) -> Vec<VersionEnd> {
        let bounds = bounds_ms(&look.rollout.analysis);
        let (state, before) = (&self.kept.state, look.before);
        let role = |revision: &Revision| {
            if before.stable.as_ref() == Some(revision)
                || (before.stable.is_none() && state.revision == *revision)
            {
                VersionRole::Stable
            } else if before.revision != *revision {
                VersionRole::Old
            } else if matches!(look.rollout.strategy, Strategy::BlueGreen(_)) {
                VersionRole::Preview
            } else {
                VersionRole::Canary
            }
        };
        let of = |revision: &Revision| {
            let counted = look.counted.since(&self.kept.at_start, revision);
            VersionEnd {
                version: revision.0.clone(),
                role: role(revision),
                requests: counted.requests,
                failures: counted.failures,
                p50_ms: counted.percentile(&bounds, 50.0),
                p99_ms: counted.percentile(&bounds, 99.0),
            }
        };
        let is_told = |end: &VersionEnd| end.requests > 0 || end.role != VersionRole::Old;
        self.kept.versions.iter().map(|version| of(&version.revision)).filter(is_told).collect()
    }

    pub(super) fn of_hold(&mut self, before: &State) {
        match (&before.held, &self.kept.state.held) {
            (old, Some(new)) if old.as_ref() != Some(new) => {
                let by = match new {
                    Hold::Person => HoldBy::Person,
                    Hold::Inconclusive(_) => HoldBy::Doubt,
                    Hold::OneWay => HoldBy::OneWay,
                };
                let words = new.words();
                self.add(RolloutFact::Held { by, words });
            }
            (Some(_), None) => self.add(RolloutFact::Released),
            _ => {}
        }
    }

    fn of_share(&mut self, share: u32) {
        if self.kept.weights.last().map(|(_, weight)| *weight) == Some(share) {
            return;
        }
        self.kept.weights.push((self.now, share));
        let version = self.kept.state.revision.0.clone();
        self.add(RolloutFact::Weight { version, weight: share });
    }

    fn of_verdicts(&mut self, verdicts: &[MetricEnd]) {
        for end in verdicts {
            let said = self.kept.verdicts.insert(end.metric.clone(), end.verdict);
            let is_said = !matches!(end.verdict, MetricVerdict::Pending | MetricVerdict::Measuring);
            let is_news = is_said && said != Some(end.verdict);
            if is_news {
                self.add(RolloutFact::Verdict { end: end.clone() });
            }
        }
    }

    fn of_migration(&mut self, migrated: &Migrated) {
        let way = match migrated.direction {
            Direction::Up => "made",
            Direction::Down => "taken back",
        };
        let words = match &migrated.end {
            None => return,
            Some(Ok(())) => way.to_owned(),
            Some(Err(why)) => format!("could not be {way}: {why}"),
        };
        self.add(RolloutFact::Migration { version: migrated.revision.0.clone(), words });
    }

    fn of_gate(&mut self, look: &Look<'_>, gate: usize, said: &Said) {
        let (state, words) = match said {
            Said::Waits => (GateState::Asked, None),
            Said::Yes => (GateState::Yes, None),
            Said::No(why) => (GateState::No, Some(why.clone())),
            Said::Nothing(why) => (GateState::Silent, Some(why.clone())),
            Said::ByHand => (GateState::Passed, None),
        };
        self.gate(look, gate, state, words);
    }

    /// Answers of gates that are no guards are told here: the engine tells of them by what it does.
    fn of_answers(&mut self, look: &Look<'_>) {
        for answered in look.answers {
            let Some(gate) = look.rollout.gates.get(answered.gate).filter(|gate| !gate.kind.is_guard())
            else {
                continue;
            };
            let (state, words) = match &answered.answer {
                Answer::Yes => (GateState::Yes, None),
                Answer::No { why } => (GateState::No, Some(why.clone())),
                Answer::Nothing { why } => (GateState::Silent, Some(why.clone())),
            };
            let last = self.kept.story.iter().rev().find_map(|(_, fact)| match fact {
                RolloutFact::Gate { gate: name, state, .. } if *name == gate.name => Some(*state),
                _ => None,
            });
            if last != Some(state) {
                self.gate(look, answered.gate, state, words);
            }
        }
    }

    fn gate(&mut self, look: &Look<'_>, gate: usize, state: GateState, words: Option<String>) {
        let Some(spec) = look.rollout.gates.get(gate) else { return };
        let guards = spec.kind.name().to_owned();
        self.add(RolloutFact::Gate { gate: spec.name.clone(), guards, state, words });
    }
}
