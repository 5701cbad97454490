//! What must hold of gates: nothing that they guard comes before their yes.

use super::rules::Decision;
use crate::engine::{Answer, Direction, Effect, Notice, Phase, Revision, Routes};
use crate::spec::GateKind;
use std::collections::BTreeSet;

/// What was heard since the rollout began, apart from what the engine remembers.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Gates that said yes; those of a rise since the last one.
    yes: BTreeSet<usize>,
    /// The highest share that was written.
    highest: u32,
    /// A person has passed something: it may have been a gate.
    is_by_hand: bool,
}

impl Heard {
    /// A gate is passed by a yes.
    pub(super) fn look(&mut self, decision: &Decision<'_>) -> Option<(&'static str, String)> {
        if decision.spec.gates.is_empty() {
            return None;
        }
        self.note(decision);
        let state = decision.after.state();
        let is_forward = matches!(state.phase, Phase::Initializing | Phase::Analyzing | Phase::Promoting);
        let is_done = state.phase == Phase::Completed && decision.before.phase == Phase::Promoting;
        let is_guarded = !state.is_full && !self.is_by_hand && decision.before.stable.is_some();
        if !is_guarded || !(is_forward || is_done) {
            return None;
        }
        let found = decision.effects.iter().find_map(|effect| self.effect(decision, effect));
        let at_end = [GateKind::ConfirmRollout, GateKind::PreRollout, GateKind::ConfirmPromotion];
        let lacks = found.or_else(|| at_end.into_iter().find(|kind| is_done && !self.has(decision, *kind)));
        lacks.map(|kind| ("a gate is passed by a yes", format!("{} at {}", kind.name(), state.place)))
    }

    /// A new rollout begins with nothing; what it hears is kept.
    fn note(&mut self, decision: &Decision<'_>) {
        let begins = |effect: &Effect| matches!(effect, Effect::Tell(Notice::Begun { .. }));
        if decision.effects.iter().any(begins) {
            *self = Self::default();
        } else {
            self.is_by_hand |= decision.was_asked;
        }
        let revision = &decision.after.state().revision;
        let of_it = decision.seen.answers.iter().filter(|answered| answered.revision == *revision);
        self.yes
            .extend(of_it.filter(|answered| answered.answer == Answer::Yes).map(|answered| answered.gate));
    }

    /// True where all gates of a kind have said yes.
    fn has(&self, decision: &Decision<'_>, kind: GateKind) -> bool {
        let mut gates = decision.spec.gates.iter().enumerate();
        gates.all(|(index, gate)| gate.kind != kind || self.yes.contains(&index))
    }

    /// The kind of gate without whose yes an effect comes.
    fn effect(&mut self, decision: &Decision<'_>, effect: &Effect) -> Option<GateKind> {
        let (seen, new) = (decision.seen, &decision.after.state().revision);
        let needed: &[GateKind] = match effect {
            Effect::Scale { revision, replicas } if revision == new && *replicas > seen.pods(new).wanted => {
                match seen.routes {
                    Some(_) => &[GateKind::ConfirmRollout],
                    None => &[GateKind::ConfirmRollout, GateKind::PreRollout],
                }
            }
            Effect::Migrate { revision, direction: Direction::Up, attempt }
                if revision == new && !is_at_work(decision, *attempt) =>
            {
                &[GateKind::ConfirmRollout]
            }
            Effect::Route(routes) => return self.route(decision, routes, new),
            _ => return None,
        };
        needed.iter().copied().find(|kind| !self.has(decision, *kind))
    }

    fn route(&mut self, decision: &Decision<'_>, routes: &Routes, new: &Revision) -> Option<GateKind> {
        let old = decision.seen.routes.clone().unwrap_or_default();
        let mut needed = Vec::new();
        if routes.reaches(new) && !old.reaches(new) {
            needed.push(GateKind::ConfirmRollout);
        }
        if routes.reaches_but_preview(new) && !old.reaches_but_preview(new) {
            needed.push(GateKind::PreRollout);
        }
        let weight = routes.weight(new);
        let rises = weight > old.weight(new) && weight > self.highest;
        if rises {
            needed.push(GateKind::ConfirmTrafficIncrease);
            if weight == 100 {
                needed.push(GateKind::ConfirmPromotion);
            }
        }
        let lacks = needed.into_iter().find(|kind| !self.has(decision, *kind));
        if rises {
            self.highest = weight;
            let is_of_rises = |index: &usize| {
                decision
                    .spec
                    .gates
                    .get(*index)
                    .is_some_and(|gate| gate.kind == GateKind::ConfirmTrafficIncrease)
            };
            self.yes.retain(|index| !is_of_rises(index));
        }
        lacks
    }
}

/// True where a change of data is waited for that was begun before: nobody is asked about it again, also
/// where its version was given up and asked for anew meanwhile.
fn is_at_work(decision: &Decision<'_>, attempt: u64) -> bool {
    decision.before.asked.as_ref().is_some_and(|asked| asked.attempt == attempt)
}
