//! What becomes of an attempt whose executor died: pure decisions over facts that the driver found.

use crate::action::OrphanPolicy;
use crate::journal::{Outcome, ProbeKind, Verdict};
use crate::plan::PlannedTask;

/// What the driver found out about an attempt without a recorded end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Its process (or one that carries its `TASKMASTER_ATTEMPT`) still runs.
    Alive,
    /// Nothing of it runs any more, and nothing tells how it ended.
    Gone,
    /// How it ended is known after all (a live orphan was waited for).
    Ended(Outcome),
}

/// What is to be done with the attempt; `docs/state-machines.md#a-lost-attempt` draws what leads to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Wait for its end, then decide with [`Found::Ended`] or [`Found::Gone`].
    Wait,
    /// Stop it (TERM, grace, KILL), then decide with [`Found::Gone`].
    Stop,
    /// Ask this, then decide with the verdict.
    Ask(ProbeKind),
    /// The work is done: the task is completed.
    Completed,
    /// The work is not done and may be done again: the task is pending.
    Again,
    /// Nobody can tell: the task is unknown until a person resolves it.
    Unknown {
        /// Why, in one line.
        reason: String,
    },
}

/// Decides one step further about an open attempt of a task. `verdict` is the answer to the question of an
/// earlier [`Decision::Ask`].
pub fn decide(task: &PlannedTask, found: &Found, verdict: Option<&Verdict>) -> Decision {
    let policy = &task.policy;
    match found {
        Found::Alive => match policy.orphan {
            OrphanPolicy::Wait => return Decision::Wait,
            OrphanPolicy::Stop => return Decision::Stop,
        },
        Found::Ended(Outcome::Failed { .. } | Outcome::Interrupted) => return Decision::Again,
        Found::Ended(Outcome::Succeeded | Outcome::Lost) | Found::Gone => {}
    }
    let succeeded = matches!(found, Found::Ended(Outcome::Succeeded));
    let probe = match (task.has_verify, task.has_check) {
        (true, _) => Some(ProbeKind::Verify),
        (false, true) => Some(ProbeKind::Check),
        (false, false) => None,
    };
    match (probe, verdict) {
        (None, _) if succeeded => Decision::Completed,
        (None, _) => unknown("its end was lost, and it has no check"),
        (Some(probe), None) => Decision::Ask(probe),
        (Some(_), Some(Verdict::True)) if !task.owes_outputs => Decision::Completed,
        (Some(_), Some(Verdict::True)) if policy.idempotent => Decision::Again,
        (Some(_), Some(Verdict::True)) => {
            unknown("its outputs were lost with its end, and it must not run twice")
        }
        (Some(_), Some(Verdict::False)) if policy.idempotent => Decision::Again,
        (Some(_), Some(Verdict::False)) => {
            unknown("its end was lost, its check is false, and it must not run twice")
        }
        (Some(_), Some(Verdict::Error { message })) => {
            unknown(&format!("its end was lost, and its check could not tell: {message}"))
        }
    }
}

fn unknown(reason: &str) -> Decision {
    Decision::Unknown { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{FailureKind, Policy};
    use crate::build::planned_task;

    fn failed() -> Outcome {
        let message = "boom".to_owned();
        Outcome::Failed { failure: FailureKind::ExitCode, exit_code: Some(1), signal: None, message }
    }

    /// `W` wait, `S` stop, `v` ask verify, `c` ask check, `C` completed, `A` again, `U` unknown.
    fn letter(decision: &Decision) -> char {
        match decision {
            Decision::Wait => 'W',
            Decision::Stop => 'S',
            Decision::Ask(ProbeKind::Verify) => 'v',
            Decision::Ask(ProbeKind::Check) => 'c',
            Decision::Completed => 'C',
            Decision::Again => 'A',
            Decision::Unknown { .. } => 'U',
        }
    }

    #[test]
    fn every_case_is_as_the_table_says() {
        let error = || Verdict::Error { message: "api is down".to_owned() };
        let verdicts = [None, Some(Verdict::True), Some(Verdict::False), Some(error())];
        // Columns: nothing asked yet, true, false, error; for an idempotent task, then for another.
        let rows = [
            // Without a check or verify there is nothing to ask.
            (Found::Alive, "--", "WWWW WWWW"),
            (Found::Gone, "--", "UUUU UUUU"),
            (Found::Ended(Outcome::Succeeded), "--", "CCCC CCCC"),
            (Found::Ended(failed()), "--", "AAAA AAAA"),
            (Found::Ended(Outcome::Interrupted), "--", "AAAA AAAA"),
            (Found::Ended(Outcome::Lost), "--", "UUUU UUUU"),
            (Found::Gone, "c-", "cCAU cCUU"),
            (Found::Gone, "-v", "vCAU vCUU"),
            (Found::Gone, "cv", "vCAU vCUU"),
            (Found::Ended(Outcome::Succeeded), "cv", "vCAU vCUU"),
            (Found::Ended(Outcome::Lost), "c-", "cCAU cCUU"),
            (Found::Ended(failed()), "cv", "AAAA AAAA"),
            (Found::Alive, "cv", "WWWW WWWW"),
            // Others read outputs that were lost with the end.
            (Found::Gone, "co", "cAAU cUUU"),
            (Found::Gone, "vo", "vAAU vUUU"),
            (Found::Alive, "co", "WWWW WWWW"),
        ];
        for (found, probes, wanted) in rows {
            let mut row = String::new();
            for idempotent in [true, false] {
                let task = PlannedTask {
                    has_check: probes.contains('c'),
                    has_verify: probes.contains('v'),
                    owes_outputs: probes.contains('o'),
                    policy: Policy { idempotent, ..Policy::default() },
                    ..planned_task(0)
                };
                for verdict in &verdicts {
                    row.push(letter(&decide(&task, &found, verdict.as_ref())));
                }
                row.push(' ');
            }
            assert_eq!(row.trim_end(), wanted, "{found:?} with {probes}");
        }
    }

    /// One step for every attempt that can be found, and every answer that can come, as the drawing tells it.
    #[test]
    fn the_drawing_in_the_documentation_is_the_function() {
        let name = |decision: &Decision| match decision {
            Decision::Wait => "waited_for",
            Decision::Stop => "stopped",
            Decision::Ask(_) => "asked",
            Decision::Completed => "completed",
            Decision::Again => "again",
            Decision::Unknown { .. } => "unknown",
        };
        let error = Verdict::Error { message: "away".to_owned() };
        let verdicts = [None, Some(Verdict::True), Some(Verdict::False), Some(error)];
        let ends = [Outcome::Succeeded, failed(), Outcome::Interrupted, Outcome::Lost].map(Found::Ended);
        let mut edges = std::collections::BTreeSet::new();
        for found in [Found::Alive, Found::Gone].iter().chain(&ends) {
            for bits in 0..16 {
                let [has_check, owes_outputs, idempotent, stops] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
                let orphan = if stops { OrphanPolicy::Stop } else { OrphanPolicy::Wait };
                let policy = Policy { idempotent, orphan, ..Policy::default() };
                let task = PlannedTask { has_check, owes_outputs, policy, ..planned_task(0) };
                for verdict in &verdicts {
                    let before = decide(&task, found, None);
                    // An answer comes only where something was asked.
                    if verdict.is_some() && !matches!(before, Decision::Ask(_)) {
                        continue;
                    }
                    let twice = if idempotent { "may run twice" } else { "must not run twice" };
                    let (from, words) = match (found, verdict) {
                        (_, Some(Verdict::True)) if !owes_outputs => ("asked", "true".to_owned()),
                        (_, Some(Verdict::True)) => {
                            ("asked", format!("true but its outputs are lost, {twice}"))
                        }
                        (_, Some(Verdict::False)) => ("asked", format!("false, {twice}")),
                        (_, Some(Verdict::Error { .. })) => ("asked", "error".to_owned()),
                        (Found::Alive, None) if stops => ("alive", "orphan stop".to_owned()),
                        (Found::Alive, None) => ("alive", "orphan wait".to_owned()),
                        (Found::Ended(Outcome::Failed { .. } | Outcome::Interrupted), None) => {
                            ("ended_badly", "always".to_owned())
                        }
                        (Found::Ended(Outcome::Succeeded), None) if has_check => {
                            ("ended_well", "has a check".to_owned())
                        }
                        (Found::Ended(Outcome::Succeeded), None) => ("ended_well", "has none".to_owned()),
                        (Found::Gone | Found::Ended(Outcome::Lost), None) if has_check => {
                            ("gone", "has a check".to_owned())
                        }
                        (Found::Gone | Found::Ended(Outcome::Lost), None) => ("gone", "has none".to_owned()),
                    };
                    let to = name(&decide(&task, found, verdict.as_ref()));
                    edges.insert(format!("{from} --> {to}: {words}"));
                }
            }
        }
        assert_eq!(crate::drawing::edges("A lost attempt"), Vec::from_iter(edges));
    }

    #[test]
    fn a_live_orphan_is_stopped_where_the_policy_says_so() {
        let policy = Policy { orphan: OrphanPolicy::Stop, ..Policy::default() };
        let task = PlannedTask { policy, has_check: true, has_verify: true, ..planned_task(0) };
        assert_eq!(decide(&task, &Found::Alive, None), Decision::Stop);
    }

    #[test]
    fn the_reason_says_what_is_not_known() {
        let error = Verdict::Error { message: "api is down".to_owned() };
        let task = PlannedTask { has_check: true, ..planned_task(0) };
        let decision = decide(&task, &Found::Gone, Some(&error));
        let Decision::Unknown { reason } = decision else { panic!("unknown") };
        assert_eq!(reason, "its end was lost, and its check could not tell: api is down");
    }
}
