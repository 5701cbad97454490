//! Settings of a policy as a catalogue writes them.

use super::model::BindingChange;
use crate::action::{Expectation, FailureKind, OrphanPolicy, Policy, RetryPolicy};

/// Every setting by its key. A field that is missing here does not compile.
fn settings(policy: &Policy) -> [(&'static str, String); 15] {
    let Policy {
        retry: RetryPolicy { attempts, base_delay_ms, max_delay_ms, jitter, on },
        timeout_ms,
        check_timeout_ms,
        verify_timeout_ms,
        verify_interval_ms,
        grace_ms,
        locks,
        idempotent,
        irreversible,
        orphan,
        expect,
    } = policy;
    [
        ("irreversible", irreversible.to_string()),
        ("timeout", timeout_ms.map_or("none".to_owned(), duration)),
        ("retry.attempts", attempts.to_string()),
        ("retry.base_delay", duration(*base_delay_ms)),
        ("retry.max_delay", duration(*max_delay_ms)),
        ("retry.jitter", jitter.to_string()),
        ("retry.on", list(on.iter().map(|kind| failure(*kind)))),
        ("locks", list(locks.iter().map(String::as_str))),
        ("check_timeout", duration(*check_timeout_ms)),
        ("verify_timeout", duration(*verify_timeout_ms)),
        ("verify_interval", duration(*verify_interval_ms)),
        ("grace", duration(*grace_ms)),
        ("idempotent", idempotent.to_string()),
        ("orphan", orphan_word(*orphan).to_owned()),
        ("expect", expectation(*expect).to_owned()),
    ]
}

pub(super) fn changes(before: &Policy, now: &Policy) -> Vec<BindingChange> {
    let both = settings(before).into_iter().zip(settings(now));
    both.filter(|((_, from), (_, to))| from != to)
        .map(|((name, from), (_, to))| BindingChange::Policy { name, from, to })
        .collect()
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn failure(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::ExitCode => "exit_code",
        FailureKind::Signal => "signal",
        FailureKind::Timeout => "timeout",
        FailureKind::Spawn => "spawn",
        FailureKind::CheckError => "check_error",
        FailureKind::NotVerified => "not_verified",
        FailureKind::Http => "http",
        FailureKind::Outputs => "outputs",
    }
}

fn orphan_word(orphan: OrphanPolicy) -> &'static str {
    match orphan {
        OrphanPolicy::Wait => "wait",
        OrphanPolicy::Stop => "stop",
    }
}

fn expectation(expect: Expectation) -> &'static str {
    match expect {
        Expectation::Success => "success",
        Expectation::Failure => "failure",
        Expectation::RolledBack => "rolled_back",
    }
}

/// `250ms`, `30s`, `1h30m`, exactly.
pub(super) fn duration(ms: u64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let mut rest = ms;
    let mut text = String::new();
    for (length, unit) in units {
        let whole = rest / length;
        rest %= length;
        if whole > 0 {
            text.push_str(&format!("{whole}{unit}"));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}
