//! Gates: who is asked before something goes on, and what is withheld until the yes.
//!
//! Guards stand at *doors*: at the border before a move, or before the promotion after the last one. The new version comes
//! to a place, and what that place sets is withheld until the gates of its door have said yes, one after the
//! other. A yes counts for the door at which it was asked for; an answer that comes late counts for nothing.
//!
//! Nothing guards a first version, a full promotion and the way back.

use super::decide::Delivery;
use super::phase::Phase;
use super::program::{Move, Setting, setting};
use super::world::{Effect, Notice, Observation, Revision};
use crate::mutant::{self, Mutant};
use crate::spec::{GateKind, Rollout, Scale, Strategy};
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The order in which the gates of one door are asked.
const ORDER: [GateKind; 4] = [
    GateKind::ConfirmRollout,
    GateKind::PreRollout,
    GateKind::ConfirmPromotion,
    GateKind::ConfirmTrafficIncrease,
];
/// Most questions to a gate on whose answer nothing hangs.
const TRIES: u32 = 3;
/// Most letters of a reason that are kept.
const WORDS: usize = 500;

/// What a gate said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes.
    Yes,
    /// No, or not yet.
    No {
        /// Why.
        why: String,
    },
    /// There was no answer: that is neither.
    Nothing {
        /// Why.
        why: String,
    },
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Place of the gate in the specification.
    pub gate: usize,
    /// The version that the question was about.
    pub revision: Revision,
    /// Its number among all questions: an answer to another one does not count.
    pub question: u64,
    /// What came.
    pub answer: Answer,
}

/// What is told of a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It is waited for.
    Waits,
    /// Yes.
    Yes,
    /// No, or not yet.
    No(String),
    /// It does not answer.
    Nothing(String),
    /// A person has passed it.
    ByHand,
}

/// What is remembered of the gates of a rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gates {
    /// Those of the door at hand that said yes, or that a person has passed.
    pub passed: BTreeSet<usize>,
    /// Those that were asked, by their place in the specification.
    pub asked: BTreeMap<usize, Asking>,
    /// Questions so far, over all rollouts.
    pub questions: u64,
    /// It was completed, and who wants to know that is asked.
    pub is_concluded: bool,
}

/// What is known of a gate that was asked; `docs/state-machines.md#a-guard-at-a-door` draws where a guard may be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asking {
    /// The number of the last question.
    pub question: u64,
    /// Its answer is waited for.
    pub is_open: bool,
    /// It was asked at the door at hand.
    pub is_here: bool,
    /// When the last answer came, of those that count here.
    pub answered: Option<Time>,
    /// The last answer.
    pub last: Option<Answer>,
    /// Noes so far.
    pub noes: u32,
    /// Questions so far.
    pub asks: u32,
}

impl Gates {
    /// Another rollout begins.
    pub(super) fn anew(&mut self) {
        *self = Self { questions: self.questions, ..Self::default() };
    }

    /// It was completed.
    pub(super) fn conclude(&mut self) {
        self.anew();
        self.is_concluded = true;
    }

    /// What gates have counted is forgiven.
    pub(super) fn forgive(&mut self) {
        self.asked.values_mut().for_each(|asking| asking.noes = 0);
    }
}

/// What changes at the border before a move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Door {
    /// It is the first one.
    is_entry: bool,
    /// From here on requests may reach the new version: those of a preview left out.
    reaches: bool,
    /// The share of the users rises.
    rises: bool,
    /// It is about to get all users.
    takes_all: bool,
}

impl Door {
    fn has(self, kind: GateKind) -> bool {
        match kind {
            GateKind::ConfirmRollout => self.is_entry,
            GateKind::PreRollout => self.reaches,
            GateKind::ConfirmPromotion => self.takes_all,
            GateKind::ConfirmTrafficIncrease => self.rises,
            GateKind::Rollout | GateKind::PostRollout | GateKind::Rollback => false,
        }
    }
}

/// The door before each move, and the one before the promotion; none where nothing is guarded.
pub(super) fn doors(spec: &Rollout, moves: &[Move]) -> Vec<Door> {
    if !spec.gates.iter().any(|gate| gate.kind.is_guard()) {
        return Vec::new();
    }
    let mut doors = Vec::with_capacity(moves.len() + 1);
    let (mut set, mut was_reached) = (Setting::default(), false);
    let is_blue_green = matches!(spec.strategy, Strategy::BlueGreen(_));
    for place in 0..=moves.len() {
        let (users, was_full) = (users(&set, spec), set.is_full);
        match moves.get(place) {
            Some(at) => set.take(at),
            None if matches!(spec.strategy, Strategy::Canary(_) | Strategy::Ab(_)) => set.weight = 100,
            None => {}
        }
        let more = self::users(&set, spec);
        let is_reached = if is_blue_green { place > 0 } else { reaches(&set, spec) };
        let takes_all = if is_blue_green { set.is_full && !was_full } else { more == 100 && users < 100 };
        doors.push(Door {
            is_entry: place == 0,
            reaches: is_reached && !was_reached,
            rises: more > users,
            takes_all,
        });
        was_reached |= is_reached;
    }
    doors
}

/// The share of the users, in percent.
fn users(set: &Setting, spec: &Rollout) -> u32 {
    let has_all = match &spec.strategy {
        Strategy::Canary(_) | Strategy::Ab(_) => return set.weight,
        Strategy::BlueGreen(_) => set.is_active,
        Strategy::Rolling(_) => set.replaces,
    };
    if has_all { 100 } else { 0 }
}

/// True where requests may reach the new version: it has pods, and something leads to them.
fn reaches(set: &Setting, spec: &Rollout) -> bool {
    let has_pods = matches!(set.scale, Some(Scale::Replicas(1..) | Scale::Weight(1..)));
    let is_led = !set.headers.is_empty() || set.mirror.is_some();
    users(set, spec) > 0 || (has_pods && is_led)
}

impl Delivery {
    /// True where guards are asked at all.
    fn is_guarded(&self) -> bool {
        let is_on_its_way = matches!(self.state().phase, Phase::Initializing | Phase::Analyzing);
        let is_free = self.is_first() || self.state().is_full || mutant::is(Mutant::GateUnasked);
        is_on_its_way && !is_free
    }

    /// The gate whose yes is waited for: it was asked, or is about to be.
    fn gate_at_door(&self) -> Option<usize> {
        if !self.is_guarded() {
            return None;
        }
        let door = self.doors().get(self.state().place)?;
        let passed = &self.state().gates.passed;
        let gates = || self.spec().gates.iter().enumerate();
        let closed = |kind: GateKind| {
            gates().find(|(index, gate)| gate.kind == kind && !passed.contains(index)).map(|(index, _)| index)
        };
        ORDER.into_iter().filter(|kind| door.has(*kind)).find_map(closed)
    }

    /// True where nothing withholds what its place sets.
    pub(crate) fn is_open(&self) -> bool {
        self.gate_at_door().is_none()
    }

    /// The gate, by its place in the specification, that is waited for and that a person would pass by
    /// promoting.
    pub fn gate_at_hand(&self) -> Option<usize> {
        let gate = self.gate_at_door()?;
        self.state().gates.asked.get(&gate).filter(|asking| asking.is_here).map(|_| gate)
    }

    fn is_forward(&self) -> bool {
        matches!(self.state().phase, Phase::Initializing | Phase::Analyzing | Phase::Promoting)
    }

    /// True while not even the first thing may be done for the new version.
    pub(super) fn is_unconfirmed(&self) -> bool {
        let kind = self.gate_at_door().and_then(|gate| self.spec().gates.get(gate)).map(|gate| gate.kind);
        kind == Some(GateKind::ConfirmRollout)
    }

    /// What its place sets: while a door is closed, what was set before it. Nothing leads to a version that
    /// nobody is to reach yet, also where it has pods of an earlier try.
    pub(super) fn set_so_far(&self) -> Setting {
        let place = self.state().place;
        let until = if self.is_open() { Some(place) } else { place.checked_sub(1) };
        let mut set = until.map(|until| setting(self.moves(), until)).unwrap_or_default();
        if self.is_unreached() {
            (set.headers, set.mirror) = (Vec::new(), None);
        }
        set
    }

    /// True while no request is to reach it, for the gate before the first ones is at hand or yet to come.
    pub(crate) fn is_unreached(&self) -> bool {
        let has_gate = self.spec().gates.iter().any(|gate| gate.kind == GateKind::PreRollout);
        let from = self.state().place + usize::from(self.is_open());
        has_gate && self.is_guarded() && self.doors().iter().skip(from).any(|door| door.reaches)
    }

    /// True at the door behind which the first requests reach it: its pods are made ready for them.
    fn is_before_users(&self) -> bool {
        self.doors().get(self.state().place).is_some_and(|door| door.reaches)
    }

    /// The place whose pods it has: while a door is closed those of the place before, but for the first
    /// requests of a router.
    pub(super) fn place_of_pods(&self) -> usize {
        let place = self.state().place;
        let is_ready = self.is_open() || (self.has_router() && self.is_before_users());
        if is_ready { place } else { place.saturating_sub(1) }
    }

    /// True while no pod may be there because pods are users.
    pub(super) fn is_withheld_at_start(&self) -> bool {
        self.state().place == 0 && !self.is_open()
    }

    /// The gate that is to be asked or waited for now. One before the first requests is asked once there
    /// are pods to look at, and no other before what was there is in order.
    pub(super) fn guard(&self, seen: &Observation) -> Option<usize> {
        let gate = self.gate_at_door()?;
        let kind = self.spec().gates.get(gate)?.kind;
        let is_crowded = || {
            let routes = seen.routes.as_ref();
            routes.is_some_and(|routes| self.left_behind(seen, routes).is_some())
        };
        let is_time = match kind {
            GateKind::ConfirmRollout => true,
            _ if self.lacks_data() || is_crowded() => false,
            _ => !self.is_before_users() || !self.has_router() || self.has_pods_for_door(seen),
        };
        is_time.then_some(gate)
    }

    fn has_pods_for_door(&self, seen: &Observation) -> bool {
        seen.pods(&self.state().revision).available >= self.pods_for_weight(seen)
    }

    /// It leaves a door: what was said there counts no more.
    pub(super) fn leave_door(&mut self) {
        let guards: Vec<usize> = self.gates_of(GateKind::is_guard);
        let gates = &mut self.state_mut().gates;
        gates.passed.clear();
        for gate in guards {
            if let Some(asking) = gates.asked.get_mut(&gate) {
                (asking.is_open, asking.is_here, asking.answered, asking.noes) = (false, false, None, 0);
            }
        }
    }

    fn gates_of(&self, is_it: impl Fn(GateKind) -> bool) -> Vec<usize> {
        let gates = self.spec().gates.iter().enumerate();
        gates.filter(|(_, gate)| is_it(gate.kind)).map(|(index, _)| index).collect()
    }

    /// Questions that are to be asked now, or whose answers are waited for.
    pub(super) fn asking(&mut self, seen: &Observation) -> Vec<Effect> {
        let mut due = Vec::new();
        if self.is_forward() && !self.is_first() && !self.state().is_full {
            due.extend(self.guard(seen).filter(|_| self.state().held.is_none()));
            due.extend(self.gates_of(|kind| kind == GateKind::Rollback));
            if self.is_exposed(seen) {
                due.extend(self.gates_of(|kind| kind == GateKind::Rollout));
            }
        }
        if self.state().phase == Phase::Completed && self.state().gates.is_concluded {
            let is_told = |asking: &Asking| {
                let has_answer = matches!(asking.last, Some(Answer::Yes | Answer::No { .. }));
                has_answer || (asking.asks >= TRIES && !asking.is_open)
            };
            let asked = &self.state().gates.asked;
            let after = self.gates_of(|kind| kind == GateKind::PostRollout);
            due.extend(after.into_iter().filter(|gate| !asked.get(gate).is_some_and(is_told)));
        }
        due.into_iter().filter_map(|gate| self.question(gate)).collect()
    }

    /// The question to a gate: the one that is open, or a new one once it is time.
    fn question(&mut self, gate: usize) -> Option<Effect> {
        let spec = self.spec().gates.get(gate)?;
        let (interval, name, is_guard) = (spec.interval, spec.name.clone(), spec.kind.is_guard());
        let (now, revision) = (self.now(), self.state().revision.clone());
        let gates = &mut self.state_mut().gates;
        let asking = gates.asked.entry(gate).or_default();
        if !asking.is_open {
            if asking.answered.is_some_and(|at| now - at < interval) {
                return None;
            }
            gates.questions += 1;
            let is_new = !std::mem::replace(&mut asking.is_here, true);
            (asking.question, asking.is_open) = (gates.questions, true);
            asking.asks = asking.asks.saturating_add(1);
            if is_new && is_guard {
                self.tell(Notice::Gate { gate, name, said: Said::Waits });
            }
        }
        let question = self.state().gates.asked.get(&gate)?.question;
        Some(Effect::Ask { gate, revision, question })
    }

    /// Takes in what gates have said.
    pub(super) fn hear_gates(&mut self, seen: &Observation) {
        for answered in &seen.answers {
            if answered.revision != self.state().revision {
                continue;
            }
            let now = self.now();
            let asking = self.state_mut().gates.asked.get_mut(&answered.gate);
            let Some(asking) = asking.filter(|asking| asking.is_open && asking.question == answered.question)
            else {
                continue;
            };
            let answer = answered.answer.clone().clipped();
            (asking.is_open, asking.answered) = (false, Some(now));
            asking.noes = asking.noes.saturating_add(u32::from(matches!(answer, Answer::No { .. })));
            let (noes, before) = (asking.noes, asking.last.replace(answer.clone()));
            self.follow(answered.gate, &answer, before.as_ref(), noes);
        }
    }

    /// What follows from an answer.
    fn follow(&mut self, gate: usize, answer: &Answer, before: Option<&Answer>, noes: u32) {
        let Some(spec) = self.spec().gates.get(gate) else { return };
        let (kind, name, threshold) = (spec.kind, spec.name.clone(), spec.threshold);
        let is_usual = match kind {
            GateKind::Rollback => matches!(answer, Answer::No { .. }),
            GateKind::Rollout => *answer == Answer::Yes,
            _ => false,
        };
        let kind_of = |answer: &Answer| std::mem::discriminant(answer);
        let is_other = before.map(kind_of) != Some(kind_of(answer));
        if is_other && !(is_usual && before.is_none()) {
            self.tell(Notice::Gate { gate, name: name.clone(), said: answer.said() });
        }
        if !self.is_forward() {
            return;
        }
        match (kind, answer) {
            (GateKind::Rollback, Answer::Yes) => self.give_up(format!("the gate `{name}` asks for it")),
            (GateKind::Rollout | GateKind::PreRollout, Answer::No { why })
                if threshold.is_some_and(|most| noes >= most) =>
            {
                self.give_up(format!("the gate `{name}` said no {noes} times: {why}"));
            }
            (kind, Answer::Yes) if kind.is_guard() => self.pass_gate(gate),
            _ => {}
        }
    }

    /// A gate is passed. With the last one of a door its move begins.
    fn pass_gate(&mut self, gate: usize) {
        self.state_mut().gates.passed.insert(gate);
        if self.is_open() {
            self.enter();
        }
    }

    /// A person passes a gate.
    pub(super) fn pass_by_hand(&mut self, gate: usize) {
        if let Some(asking) = self.state_mut().gates.asked.get_mut(&gate) {
            asking.is_open = false;
        }
        let name = self.spec().gates.get(gate).map(|gate| gate.name.clone()).unwrap_or_default();
        self.tell(Notice::Gate { gate, name, said: Said::ByHand });
        self.pass_gate(gate);
    }
}

impl Answer {
    fn said(&self) -> Said {
        match self {
            Self::Yes => Said::Yes,
            Self::No { why } => Said::No(why.clone()),
            Self::Nothing { why } => Said::Nothing(why.clone()),
        }
    }

    /// It with no more words than are kept.
    fn clipped(self) -> Self {
        let clip = |why: String| match why.char_indices().nth(WORDS) {
            Some((at, _)) => format!("{}…", &why[..at]),
            None => why,
        };
        match self {
            Self::Yes => Self::Yes,
            Self::No { why } => Self::No { why: clip(why) },
            Self::Nothing { why } => Self::Nothing { why: clip(why) },
        }
    }
}
