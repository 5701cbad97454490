//! Waits, by looking again and again. Every change is one line.

use super::KubeError;
use super::drive::{Ending, Kind, Request};
use super::kubectl::{Kubectl, KubectlError};
use crate::clock;
use serde_json::Value;
use std::time::Duration;
use taskmaster_kube_api::{
    AnalysisRun, Application, Canary, Goal, Progress, Rollout, Unreadable, Wanted, analysis_ended,
    canary_ended, is_promoted, progress, settled, status,
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
        let (line, found) = match kubectl.get(request.kind.resource(), &request.name) {
            Ok(object) => {
                faults = 0;
                let seen = look(request.kind, &object, goal, revision)?;
                if request.kind == Kind::Flagger { seen_by_flagger(kubectl, &object, seen)? } else { seen }
            }
            Err(error) => missing(error, timeout, &mut faults)?,
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

/// A canary at rest is done when its last change was the one that was promoted.
fn seen_by_flagger(
    kubectl: &Kubectl,
    object: &Value,
    seen: (String, Progress),
) -> Result<(String, Progress), KubeError> {
    let target = Canary::from_json(object)?.spec.target_ref;
    let Some(resource) = target.resource() else { return Ok(seen) };
    if !matches!(seen.1, Progress::Done) {
        return Ok(seen);
    }
    let workload = kubectl.get(resource, &target.name)?;
    let primary = kubectl.get(resource, &format!("{}-primary", target.name))?;
    if is_promoted(&workload, &primary) {
        return Ok(seen);
    }
    let why = format!("Flagger has not seen the last change of {} yet", target.name);
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
