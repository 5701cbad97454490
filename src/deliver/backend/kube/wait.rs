//! Waits, by looking again and again. Every change is one line.

use super::KubeError;
use super::drive::{Ending, Kind, Request};
use super::kubectl::{Kubectl, KubectlError};
use super::look::workloads;
use crate::clock;
use serde_json::Value;
use std::time::Duration;
use taskmaster_kube_api::picture::is_unseen;
use taskmaster_kube_api::{
    AnalysisRun, Application, Canary, Goal, Progress, Rollout, Unreadable, Wanted, analysis_ended,
    canary_ended, one_line, progress, settled, status,
};

/// So many looks in a row may fail before a wait gives up.
const MAX_FAULTS: u32 = 5;

/// Waits until the goal is reached, cannot be reached any more, or the time is over.
pub(super) fn wait(
    kubectl: &Kubectl,
    request: &Request,
    goal: Goal,
    revision: Option<&str>,
    timeout: Duration,
    say: &mut dyn FnMut(&str),
) -> Result<Ending, KubeError> {
    let begun = clock::monotonic();
    let (mut told, mut faults) = (String::new(), 0);
    loop {
        let (line, found) = match observe(kubectl, request, goal, revision) {
            Ok(seen) => {
                faults = 0;
                seen
            }
            Err(KubeError::Kubectl(error)) => missing(error, timeout, &mut faults)?,
            Err(fault) => return Err(fault),
        };
        tell(&mut told, line, say);
        let why = match found {
            Progress::Done => return Ok(Ending::Reached),
            Progress::Failed { why } => return Ok(Ending::NotSo { why }),
            Progress::NotYet { why } => why,
        };
        let Some(left) =
            timeout.checked_sub(clock::monotonic().duration_since(begun)).filter(|left| !left.is_zero())
        else {
            let why = if timeout.is_zero() { why } else { format!("timed out after {timeout:?}: {why}") };
            return Ok(Ending::NotSo { why });
        };
        std::thread::sleep(request.interval.min(left));
    }
}

/// Looks once: a line about it, and whether it is so.
fn observe(
    kubectl: &Kubectl,
    request: &Request,
    goal: Goal,
    revision: Option<&str>,
) -> Result<(String, Progress), KubeError> {
    let object = kubectl.get(request.kind.resource(), &request.name)?;
    let seen = look(request.kind, &object, goal, revision)?;
    if request.kind == Kind::Flagger { seen_by_flagger(kubectl, &object, seen) } else { Ok(seen) }
}

/// A canary at rest tells of the release before until Flagger looks: neither its good end nor its bad one is
/// that of a change that came since.
fn seen_by_flagger(
    kubectl: &Kubectl,
    object: &Value,
    seen: (String, Progress),
) -> Result<(String, Progress), KubeError> {
    let canary = Canary::from_json(object)?;
    let target = &canary.spec.target_ref;
    if matches!(seen.1, Progress::NotYet { .. }) || target.resource().is_none() {
        return Ok(seen);
    }
    let (name, around) = (one_line(&target.name), workloads(kubectl, &canary)?);
    let is_whole = around.target.is_some() && around.primary.is_some();
    let why = if is_unseen(&canary, &around) {
        format!("Flagger has not seen the last change of {name} yet")
    } else if matches!(seen.1, Progress::Done) && !is_whole {
        format!("{name} or {name}-primary is not there")
    } else {
        return Ok(seen);
    };
    Ok((why.clone(), Progress::NotYet { why }))
}

/// An object that is not there may come; a server that does not answer may answer again.
fn missing(
    error: KubectlError,
    timeout: Duration,
    faults: &mut u32,
) -> Result<(String, Progress), KubeError> {
    let why = error.to_string();
    if !error.is_absent() {
        *faults += 1;
        if timeout.is_zero() || *faults >= MAX_FAULTS || !error.is_passing() {
            return Err(error.into());
        }
    }
    Ok((why.clone(), Progress::NotYet { why }))
}

/// Tells a line that is not the last one told.
pub(super) fn tell(told: &mut String, line: String, say: &mut dyn FnMut(&str)) {
    if line != *told {
        say(&line);
        *told = line;
    }
}

fn look(
    kind: Kind,
    object: &Value,
    goal: Goal,
    revision: Option<&str>,
) -> Result<(String, Progress), Unreadable> {
    let found = match kind {
        Kind::Argo => {
            let state = status(&Rollout::from_json(object)?);
            return Ok((state.line(), progress(&state, goal)));
        }
        Kind::AnalysisRun => analysis_ended(&AnalysisRun::from_json(object)?),
        Kind::Flagger => canary_ended(&Canary::from_json(object)?),
        Kind::Application => {
            let wanted = Wanted { revision: revision.map(str::to_owned), ..Wanted::default() };
            settled(&Application::from_json(object)?, &wanted)
        }
    };
    let line = match &found {
        Progress::Done => "done".to_owned(),
        Progress::NotYet { why } | Progress::Failed { why } => why.clone(),
    };
    Ok((line, found))
}
