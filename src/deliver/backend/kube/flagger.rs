//! The verbs of a Canary: those that Flagger has.
//!
//! A person's yes is given by Flagger's load tester: its gate is opened, and closed again as soon as
//! Flagger has acted on it, for a gate that stays open lets every later version through unasked.

use super::kubectl::Kubectl;
use super::look::events_of;
use super::send::send;
use super::{CANARIES, KubeError, KubectlError, TRIES};
use crate::clock;
use crate::process::interrupt::PutOff;
use std::collections::BTreeMap;
use std::time::Duration;
use taskmaster_kube_api::picture::{at_hand, rollback};
use taskmaster_kube_api::{
    Canary, CanaryRefusal, GateCall, GateRefusal, GateVerb, Patch, Refusal, Target, Webhook, can_abort,
    gate_call, one_line, set_image, suspend, unsuspend,
};

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Changes images of the workload by container; `*` is every container.
    SetImage(BTreeMap<String, String>),
    /// Opens the gates that it waits at.
    Promote,
    /// Stops it.
    Pause,
    /// Lets it go on.
    Resume,
    /// Opens the gate that takes it back.
    Abort,
}

/// What Flagger may take beyond its looks until it has acted on a gate.
const GRACE: Duration = Duration::from_secs(30);
/// So many looks it may take: a promotion of a blue-green release asks its gate twice, with a round between.
const LOOKS: u32 = 4;
/// How often it is tried to close a gate.
const CLOSINGS: u32 = 3;

/// Does it; what is sent is told to `say`. `pace` is the time between two looks.
///
/// # Errors
/// See [`KubeError`].
pub fn perform(
    kubectl: &Kubectl,
    name: &str,
    verb: &Verb,
    pace: Duration,
    say: &mut dyn FnMut(&str),
) -> Result<(), KubeError> {
    let canary = canary(kubectl, name)?;
    let mut driver = Driver { kubectl, name, pace, say };
    match verb {
        Verb::SetImage(images) => driver.set_image(&canary, images),
        Verb::Pause => driver.patch(suspend(&canary)),
        Verb::Resume => driver.patch(unsuspend(&canary)),
        Verb::Promote => driver.promote(&canary),
        Verb::Abort => driver.abort(&canary),
    }
}

fn canary(kubectl: &Kubectl, name: &str) -> Result<Canary, KubeError> {
    Ok(Canary::from_json(&kubectl.get(CANARIES, name)?)?)
}

struct Driver<'d> {
    kubectl: &'d Kubectl,
    name: &'d str,
    pace: Duration,
    say: &'d mut dyn FnMut(&str),
}

impl Driver<'_> {
    fn patch(&mut self, patch: Result<Patch, CanaryRefusal>) -> Result<(), KubeError> {
        match patch {
            Ok(patch) => Ok(send(self.kubectl, (CANARIES, self.name), &patch, self.say)?),
            Err(refusal) if refusal.is_reached() => Ok(()),
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn set_image(&mut self, canary: &Canary, images: &BTreeMap<String, String>) -> Result<(), KubeError> {
        let workload = &canary.spec.target_ref;
        let Some(resource) = workload.resource() else {
            return Err(Refusal::Workload { kind: one_line(&workload.kind) }.into());
        };
        let target = Target::Workload { resource, name: workload.name.clone() };
        let mut tries = 1;
        loop {
            let object = self.kubectl.get(resource, &workload.name)?;
            let change = match set_image(&target, object.pointer("/spec/template"), images) {
                Ok(change) => change,
                Err(refusal) if refusal.is_reached() => return Ok(()),
                Err(refusal) => return Err(refusal.into()),
            };
            let mut patches = change.patches();
            let sent =
                patches.try_for_each(|patch| send(self.kubectl, (CANARIES, self.name), patch, self.say));
            match sent {
                Err(error) if error.is_conflict() && tries < TRIES => tries += 1,
                sent => return Ok(sent?),
            }
        }
    }

    fn promote(&mut self, canary: &Canary) -> Result<(), KubeError> {
        if canary.spec.suspend {
            return Err(CanaryRefusal::Suspended.into());
        }
        let waiting = at_hand(canary, &events_of(self.kubectl, canary));
        if waiting.is_empty() {
            let phase = one_line(&canary.status.phase);
            return Err(CanaryRefusal::NothingToPromote { phase }.into());
        }
        let gates = gates(canary, &waiting)?;
        let (phase, weight) = (&canary.status.phase, canary.status.canary_weight);
        self.while_open(canary, &gates, &|now| {
            now.status.phase != *phase || (phase == "Progressing" && now.status.canary_weight != weight)
        })
    }

    fn abort(&mut self, canary: &Canary) -> Result<(), KubeError> {
        can_abort(canary)?;
        // The first yes is enough.
        let mut gates = rollback(canary).into_iter().map(|webhook| gates(canary, &[webhook]));
        let first = gates.next().ok_or(CanaryRefusal::NoRollback)?;
        let gates = first.or_else(|fault| gates.find_map(Result::ok).ok_or(fault))?;
        self.while_open(canary, &gates, &|now| now.status.phase == "Failed")
    }

    /// Opens gates, waits until Flagger has acted on them, and closes them whatever came of it: also where a
    /// person does not wait for it any more.
    fn while_open(
        &mut self,
        canary: &Canary,
        gates: &[Gate],
        has_acted: &dyn Fn(&Canary) -> bool,
    ) -> Result<(), KubeError> {
        let put_off = PutOff::begin().map_err(KubeError::Signals)?;
        let mut open = Vec::new();
        let opened = gates.iter().try_for_each(|gate| self.open(gate, &put_off, &mut open));
        let waited = opened.and_then(|()| self.until(canary, gates, &put_off, has_acted));
        let closed = self.close(&open);
        let was_asked = put_off.end();
        // That a gate is open goes before all else.
        closed?;
        match waited {
            waited if was_asked => {
                Err(KubeError::Interrupted { gates: names(gates), has_acted: waited.is_ok() })
            }
            waited => waited,
        }
    }

    /// Opens a gate; one that may be open now is added to `open`.
    fn open<'g>(
        &mut self,
        gate: &'g Gate,
        put_off: &PutOff,
        open: &mut Vec<&'g Gate>,
    ) -> Result<(), KubeError> {
        if put_off.was_asked() {
            return Err(KubeError::Interrupted { gates: gate.open.gate.clone(), has_acted: false });
        }
        let posted = self.post(&gate.open, "opened");
        if !matches!(&posted, Err(why) if why.did_nothing()) {
            open.push(gate);
        }
        posted.map_err(|why| KubeError::Tester { gate: gate.open.gate.clone(), why })
    }

    /// Closes all of them, whatever becomes of one.
    fn close(&mut self, gates: &[&Gate]) -> Result<(), KubeError> {
        let mut still = Vec::new();
        let mut commands = Vec::new();
        let mut fault = None;
        for gate in gates {
            let call = &gate.close;
            if let Err(why) = self.post_again(call, "closed") {
                still.push(call.gate.as_str());
                commands.push(self.kubectl.line(&call.path, &call.body));
                fault = Some(why);
            }
        }
        let gates = still.join(", ");
        fault.map_or(Ok(()), |why| Err(KubeError::StillOpen { gates, why, commands }))
    }

    fn post_again(&mut self, call: &GateCall, done: &str) -> Result<(), KubectlError> {
        for _ in 1..CLOSINGS {
            if self.post(call, done).is_ok() {
                return Ok(());
            }
            std::thread::sleep(self.pace);
        }
        self.post(call, done)
    }

    fn post(&mut self, call: &GateCall, done: &str) -> Result<(), KubectlError> {
        self.kubectl.post(&call.path, &call.body)?;
        (self.say)(&format!("{done} the gate {}", call.gate));
        Ok(())
    }

    fn until(
        &mut self,
        canary: &Canary,
        gates: &[Gate],
        put_off: &PutOff,
        has_acted: &dyn Fn(&Canary) -> bool,
    ) -> Result<(), KubeError> {
        let look = Duration::try_from_secs_f64(canary.interval_seconds()).unwrap_or(GRACE);
        let within = look.saturating_mul(LOOKS).saturating_add(GRACE);
        let begun = clock::monotonic();
        loop {
            match self::canary(self.kubectl, self.name) {
                Ok(now) if has_acted(&now) => return Ok(()),
                _ if put_off.was_asked() => {
                    return Err(KubeError::Interrupted { gates: names(gates), has_acted: false });
                }
                Err(KubeError::Kubectl(error)) if error.is_absent() || !error.is_passing() => {
                    return Err(error.into());
                }
                // A server that does not answer may answer again.
                _ => {}
            }
            if clock::monotonic().duration_since(begun) >= within {
                return Err(KubeError::NotAsked { gates: names(gates), within });
            }
            std::thread::sleep(self.pace);
        }
    }
}

/// How a gate is opened and closed.
struct Gate {
    open: GateCall,
    close: GateCall,
}

fn names(gates: &[Gate]) -> String {
    gates.iter().map(|gate| gate.open.gate.as_str()).collect::<Vec<_>>().join(", ")
}

/// The gates behind these webhooks; those that share one are one.
fn gates(canary: &Canary, webhooks: &[&Webhook]) -> Result<Vec<Gate>, GateRefusal> {
    let mut gates: Vec<Gate> = Vec::new();
    for webhook in webhooks {
        let open = gate_call(canary, webhook, GateVerb::Open)?;
        let close = gate_call(canary, webhook, GateVerb::Close)?;
        if gates.iter().all(|gate| gate.open.path != open.path) {
            gates.push(Gate { open, close });
        }
    }
    Ok(gates)
}
