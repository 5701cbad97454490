//! What an executor that died left behind: found, waited for or stopped, and decided about.
//!
//! Called before a run begins, under the executor lease, with the attempts that have no recorded
//! end. A process of an earlier taskmaster is no child of ours, so its exit code cannot be had: the
//! task's verify or check decides, and where there is none, nobody can tell.

use super::check::ask;
use super::ports::{ExecError, Ports, Settings};
use super::stop::Stops;
use crate::clock;
use crate::process::attempt_log::AttemptLog;
use crate::process::bound::WATCH;
use crate::process::child::{Remains, describe};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use taskmaster_core::id::{AttemptId, Digest, DocumentId, EnvironmentName, RunId};
use taskmaster_core::journal::{Outcome, Record, Verdict};
use taskmaster_core::plan::PlannedTask;
use taskmaster_core::recovery::{Decision, Found, decide};
use taskmaster_core::state::TaskState;

/// The last lines of a log that are recorded.
const TAIL: (usize, usize) = (20, 4 * 1024);

/// An attempt without a recorded end.
#[derive(Clone, Debug)]
pub struct Open {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its run, whose executor is gone.
    pub run: RunId,
    /// True for `destroy`.
    pub undo: bool,
    /// When its intent was recorded.
    pub started: Timestamp,
    /// Its log, relative to the state directory.
    pub log: String,
    /// Its processes as far as they were recorded: pid, start ticks, boot id.
    pub processes: Vec<(u32, u64, String)>,
    /// The task, as the new plan or else the old one has it.
    pub task: PlannedTask,
    /// Digest of the action that was attempted.
    pub digest: Option<Digest>,
    /// The document.
    pub document: DocumentId,
    /// The environment.
    pub environment: EnvironmentName,
    /// The task's state in the ledger.
    pub state: TaskState,
}

/// What became of the attempts.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// The decisions, in order; [`Decision::Completed`], [`Decision::Again`] or [`Decision::Unknown`].
    pub decided: Vec<(AttemptId, Decision)>,
    /// A person did not want to wait. The attempts that are not in `decided` are still open.
    pub interrupted: bool,
}

/// Decides about every open attempt and records it, one commit each. `settings.run` is not used:
/// what is recorded belongs to the attempts' own runs.
///
/// # Errors
/// The ledger, or the folder of the logs.
pub async fn recover(
    open: Vec<Open>,
    mut ports: Ports<'_>,
    settings: &Settings,
    mut stops: Stops,
) -> Result<Recovered, ExecError> {
    end_probes(&open).await;
    let mut recovered = Recovered::default();
    for open in open {
        let decision = tokio::select! {
            biased;
            () = stops.next() => None,
            decision = one(&open, &mut ports, settings) => Some(decision?),
        };
        let Some((decision, records)) = decision else {
            recovered.interrupted = true;
            break;
        };
        for entry in ports.journal.commit(records, false)? {
            ports.observer.entry(&entry);
        }
        recovered.decided.push((open.attempt, decision));
    }
    Ok(recovered)
}

/// Checks of a run that is gone answer nobody; they may hold a lock that the next one needs.
async fn end_probes(open: &[Open]) {
    let runs: BTreeSet<&str> = open.iter().map(|open| open.run.as_str()).collect();
    for run in runs {
        end_probes_of(run).await;
    }
}

/// Ends the checks that a dead run left at work. For runs without open attempts, too.
pub async fn end_probes_of(run: &str) {
    if let Err(error) = Remains::new(run, &[]).stop(Duration::from_secs(2)).await {
        tracing::warn!(run, %error, "a check of an earlier run could not be ended");
    }
}

async fn one(
    open: &Open,
    ports: &mut Ports<'_>,
    settings: &Settings,
) -> Result<(Decision, Vec<Record>), ExecError> {
    let remains = Remains::new(open.attempt.as_str(), &open.processes);
    let mut found = if remains.running().await.is_empty() { Found::Gone } else { Found::Alive };
    let mut records = Vec::new();
    let mut verdict = None;
    let decision = loop {
        match decide(&open.task, &found, verdict.as_ref()) {
            Decision::Wait => {
                let who = describe(&remains.running().await);
                ports
                    .observer
                    .note(&open.task.id, &format!("waiting for the end of {who}, left by an earlier run"));
                wait(&remains, &settings.state_dir.join(&open.log), settings.log_limit).await;
                found = Found::Gone;
            }
            Decision::Stop => {
                let who = describe(&remains.running().await);
                ports.observer.note(&open.task.id, &format!("stopping {who}, left by an earlier run"));
                let grace = Duration::from_millis(open.task.policy.grace_ms);
                if let Err(error) = remains.stop(grace).await {
                    break Decision::Unknown { reason: error.to_string() };
                }
                found = Found::Gone;
            }
            Decision::Ask(probe) => {
                let started = clock::monotonic();
                let settings = Settings { run: open.run.clone(), ..settings.clone() };
                let answer = ask(&open.task, probe, ports.render, settings).await?;
                records.push(Record::ProbeEnded {
                    run: Some(open.run.clone()),
                    key: open.task.key.clone(),
                    id: open.task.id.clone(),
                    probe,
                    verdict: answer.clone(),
                    duration_ms: super::steps::elapsed_ms(started),
                    outputs: BTreeMap::new(),
                    diagnosis: Default::default(),
                });
                verdict = Some(answer);
            }
            decided => break decided,
        }
    };
    records.insert(0, lost(open, settings));
    records.extend(state_after(open, &decision, verdict.as_ref()));
    Ok((decision, records))
}

/// Waits for the end of everything that runs, and keeps its log within its bound meanwhile.
async fn wait(remains: &Remains, log: &Path, limit: u64) {
    let mut log = AttemptLog::reopen(log, limit).ok();
    let watching = async {
        loop {
            tokio::time::sleep(WATCH.1).await;
            if let Some(log) = &mut log {
                // There is nobody left to fail for a log that cannot be held.
                let _ = log.look();
            }
        }
    };
    tokio::select! {
        biased;
        () = remains.ended() => {}
        () = watching => {}
    }
}

/// The end that is recorded: lost, with what its log says.
fn lost(open: &Open, settings: &Settings) -> Record {
    let path = settings.state_dir.join(&open.log);
    let log = AttemptLog::reopen(&path, settings.log_limit);
    let (log_bytes, tail) = log.and_then(|log| log.finish(TAIL.0, TAIL.1)).unwrap_or_default();
    let age = clock::now().duration_since(open.started).as_millis();
    Record::AttemptEnded {
        attempt: open.attempt.clone(),
        end: Outcome::Lost,
        duration_ms: u64::try_from(age).unwrap_or_default(),
        tail,
        log_bytes,
        outputs: BTreeMap::new(),
        diagnosis: Default::default(),
    }
}

/// What a lost attempt to do the task means for its state; to undo it, whether the work is there
/// no more.
fn state_after(open: &Open, decision: &Decision, verdict: Option<&Verdict>) -> Option<Record> {
    let to = match (open.undo, decision) {
        (false, Decision::Completed) => TaskState::Completed,
        (false, Decision::Again) => TaskState::Pending,
        (false, Decision::Unknown { reason }) => TaskState::Unknown { reason: reason.clone() },
        (true, _) if verdict == Some(&Verdict::False) => TaskState::Pending,
        _ => return None,
    };
    // A person may have resolved it meanwhile.
    if !open.undo && !open.state.is_working() {
        return None;
    }
    open.state.can_become(&to).then(|| Record::TaskState {
        run: Some(open.run.clone()),
        document: open.document.clone(),
        environment: open.environment.clone(),
        key: open.task.key.clone(),
        id: open.task.id.clone(),
        from: open.state.clone(),
        to,
        digest: open.digest.clone(),
        by: open.undo.then(|| "recovery".to_owned()),
        message: Some("decided in recovery".to_owned()),
    })
}
