//! The ledger, who executes, and the clock against which it was written.

use crate::app::ledger::{Ledger, LedgerError, Looked};
use crate::clock;
use crate::report::view::{Area, FindingView};
use crate::store::{ExecutorLease, Finding, Head, StoreError};
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use std::time::Duration;

/// So long the chain is proved: `taskmaster audit` proves all of a long one.
const WITHIN: Duration = Duration::from_secs(3);
/// Events between two looks at the clock.
const STRIDE: u64 = 1024;
/// So much later than now an event may be, by clocks that were set a little.
const SLACK: SignedDuration = SignedDuration::from_secs(2);
/// Before this taskmaster was not there: certificates, too, are not valid yet.
const EARLIEST: Timestamp = Timestamp::constant(1_735_689_600, 0);

/// What the looks at a ledger tell.
pub(super) struct Told {
    /// What was found.
    pub(super) findings: Vec<FindingView>,
    /// The ledger, where it may be read.
    pub(super) ledger: Option<Box<Ledger>>,
}

/// What a walk along the chain found.
struct Walk {
    seq: u64,
    newest: Option<Timestamp>,
    is_whole: bool,
    broken: Option<Finding>,
}

/// Looks at the ledger, at who executes, and at the clock.
pub(super) fn look(state_dir: &Path) -> Told {
    let mut told = Told { findings: Vec::new(), ledger: None };
    let mut newest = None;
    match Ledger::look(state_dir) {
        Ok(Looked::Older { schema }) => {
            let found = format!("schema {schema} of an older taskmaster");
            let help = "the next command that writes brings it up to date and keeps a backup beside it";
            told.findings.push(FindingView::warning(Area::Ledger, "ledger", found, help));
        }
        Ok(Looked::Here { schema, ledger, is_current }) => {
            let walk = walk(&ledger).and_then(|first| match first.broken {
                // Somebody may have written meanwhile: what stays broken is.
                Some(_) => walk_again(state_dir),
                None => Ok(first),
            });
            newest = walk.as_ref().ok().and_then(|walk| walk.newest);
            told.findings.push(walk.map_or_else(|fault| unusable(&fault), |walk| chain(schema, &walk)));
            told.ledger = is_current.then_some(ledger);
        }
        Err(LedgerError::Store(StoreError::Absent { .. })) => {
            let found = "there is none yet: nothing was recorded here";
            told.findings.push(FindingView::ok(Area::Ledger, "ledger", found));
        }
        Err(fault) => told.findings.push(unusable(&fault)),
    }
    told.findings.extend(executor(state_dir));
    told.findings.push(clock_finding(clock::now(), newest));
    told
}

fn walk_again(state_dir: &Path) -> Result<Walk, LedgerError> {
    match Ledger::look(state_dir)? {
        Looked::Here { ledger, .. } => walk(&ledger),
        Looked::Older { .. } => Ok(Walk { seq: 0, newest: None, is_whole: false, broken: None }),
    }
}

/// Why a walk ends before the chain does.
enum End {
    Time,
    Fault(LedgerError),
}

impl From<StoreError> for End {
    fn from(fault: StoreError) -> Self {
        Self::Fault(fault.into())
    }
}

fn walk(ledger: &Ledger) -> Result<Walk, LedgerError> {
    let deadline = clock::monotonic() + WITHIN;
    let (mut seq, mut newest) = (0, None);
    let walked = ledger.chain(|event| {
        seq = event.seq;
        newest = Timestamp::from_microsecond(event.at_us).ok();
        let is_late = seq.is_multiple_of(STRIDE) && clock::monotonic() > deadline;
        if is_late { Err(End::Time) } else { Ok(()) }
    });
    match walked {
        Ok((Head { seq, .. }, broken)) => Ok(Walk { seq, newest, is_whole: true, broken }),
        Err(End::Time) => Ok(Walk { seq, newest: None, is_whole: false, broken: None }),
        Err(End::Fault(fault)) => Err(fault),
    }
}

fn chain(schema: u32, walk: &Walk) -> FindingView {
    let (area, subject, seq) = (Area::Ledger, "ledger", walk.seq);
    match &walk.broken {
        Some(broken) => {
            let place = broken.seq.map_or_else(String::new, |seq| format!(" at event {seq}"));
            let found = format!("its chain is broken{place}: {}", broken.what);
            FindingView::problem(area, subject, found, "taskmaster audit")
        }
        None if walk.is_whole => {
            FindingView::ok(area, subject, format!("schema {schema}, its chain of {seq} events holds"))
        }
        None => {
            let found =
                format!("schema {schema}, the first {seq} events hold; `taskmaster audit` proves all");
            FindingView::ok(area, subject, found)
        }
    }
}

fn unusable(fault: &LedgerError) -> FindingView {
    let help = fault.help().unwrap_or_else(|| "look at the file's permissions and at the disk".to_owned());
    FindingView::problem(Area::Ledger, "ledger", super::with_causes(fault), help)
}

fn executor(state_dir: &Path) -> Option<FindingView> {
    let subject = "executor";
    match ExecutorLease::current(state_dir) {
        Ok(None) => None,
        Ok(Some(holder)) => {
            let found = format!("a run is at work: process {}, {}", holder.pid, holder.command);
            Some(FindingView::ok(Area::Ledger, subject, found))
        }
        Err(fault) => {
            let help = "look at the permissions of the state directory";
            Some(FindingView::problem(Area::Ledger, subject, super::with_causes(&fault), help))
        }
    }
}

fn clock_finding(now: Timestamp, newest: Option<Timestamp>) -> FindingView {
    let (area, subject) = (Area::Clock, "time");
    if now < EARLIEST {
        let found = format!("{now:.0}: the clock was never set");
        return FindingView::problem(
            area,
            subject,
            found,
            "set it: certificates are not valid yet at that time",
        );
    }
    match newest.filter(|newest| *newest > now + SLACK) {
        Some(newest) => {
            let found = format!("{now:.0}, but the newest event is of {newest:.0}");
            FindingView::warning(area, subject, found, "set the clock: times in reports would run backwards")
        }
        None => FindingView::ok(area, subject, format!("{now:.0}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::view::Health;

    #[test]
    fn a_clock_that_was_never_set_or_runs_behind_is_told() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-07-04T10:00:00Z");
        for (now, newest, health) in [
            (now, None, Health::Ok),
            (now, Some(at("2026-07-04T09:59:00Z")), Health::Ok),
            (now, Some(at("2026-07-04T10:00:02Z")), Health::Ok),
            (now, Some(at("2026-07-04T10:00:03Z")), Health::Warning),
            (at("1970-01-01T00:01:00Z"), None, Health::Problem),
        ] {
            assert_eq!(clock_finding(now, newest).health, health, "{now} {newest:?}");
        }
    }

    #[test]
    fn a_chain_is_told_as_it_is() {
        let walk = |is_whole, broken: Option<Finding>| Walk { seq: 7, newest: None, is_whole, broken };
        let said = |walk: &Walk| {
            let finding = chain(3, walk);
            (finding.health, finding.found)
        };
        assert_eq!(said(&walk(true, None)), (Health::Ok, "schema 3, its chain of 7 events holds".to_owned()));
        let (health, found) = said(&walk(false, None));
        assert_eq!(health, Health::Ok);
        assert!(found.contains("the first 7 events hold"), "{found}");
        let broken = Finding { seq: Some(4), what: "its hash is another".to_owned() };
        let (health, found) = said(&walk(true, Some(broken)));
        assert_eq!(
            (health, found.as_str()),
            (Health::Problem, "its chain is broken at event 4: its hash is another")
        );
    }
}
