//! The loop: syncs one after the other, at their pace, until somebody stops it.

use super::act::Syncer;
use super::standing::{self, Paused, Standing};
use crate::app::error::AppError;
use crate::clock::{self, Steady};
use crate::exec::ports::Observer;
use crate::process::proc;
use crate::store::LeaseError;
use jiff::Timestamp;
use std::time::Duration;
use taskmaster_core::sync::Pace;

/// So often a loop that waits looks at the ledger, for what other processes ask of it.
const LOOK: Duration = Duration::from_millis(250);

/// Who hears what the loop does.
pub trait Listener {
    /// Who looks on while a sync is at work.
    fn observer(&mut self) -> &mut dyn Observer;

    /// A sync ended.
    fn ended(&mut self, standing: &Standing);

    /// Somebody paused it, or let it go on.
    fn paused(&mut self, paused: Option<&Paused>);

    /// A sync could not be done here at all; it is tried again.
    fn fault(&mut self, fault: &AppError);
}

/// Syncs until it is stopped. A fault of this place (a full disk, a busy lease) is told and tried again; one that
/// trying again cannot help ends it.
pub fn repeat(syncer: &mut Syncer, listener: &mut dyn Listener) -> Result<(), AppError> {
    let mut faults = 0_u32;
    let mut seen = standing::nudged(&syncer.ledger()?, syncer.name())?;
    while !syncer.bell().is_stopped() {
        if !wait_while_paused(syncer, listener)? {
            break;
        }
        let next = match syncer.sync(listener.observer()) {
            Ok(standing) => {
                faults = 0;
                listener.ended(&standing);
                next_of(syncer.pace(), syncer.name(), &standing)
            }
            Err(AppError::Interrupted) if syncer.bell().is_stopped() => break,
            // A newer commit came while a person was waited for.
            Err(AppError::Interrupted) => clock::now(),
            Err(fault) if is_passing(&fault) => {
                faults = faults.saturating_add(1);
                listener.fault(&fault);
                syncer.pace().next(syncer.name(), clock::now(), faults)
            }
            Err(fault) => return Err(fault),
        };
        announce(syncer, Some(next))?;
        wait_until(syncer, next, &mut seen)?;
    }
    announce(syncer, None)
}

/// When the sync after this one is due.
fn next_of(pace: &Pace, name: &str, standing: &Standing) -> Timestamp {
    pace.next(name, standing.last.unwrap_or_else(clock::now), standing.failures)
}

/// Somebody else may take away what stands in the way.
fn is_passing(fault: &AppError) -> bool {
    matches!(fault, AppError::Lease(LeaseError::Busy { .. }) | AppError::Io { .. } | AppError::Git(_))
}

/// Writes down who loops and when the next sync is due.
fn announce(syncer: &Syncer, next: Option<Timestamp>) -> Result<(), AppError> {
    let mut standing = syncer.standing()?;
    let pid = std::process::id();
    standing.next = next;
    standing.process = next.and(proc::start_ticks(pid)).map(|start| (pid, start));
    syncer.keep(&standing)
}

/// False where it was stopped meanwhile.
fn wait_while_paused(syncer: &Syncer, listener: &mut dyn Listener) -> Result<bool, AppError> {
    let ledger = syncer.ledger()?;
    let Some(paused) = standing::paused(&ledger, syncer.name())? else { return Ok(true) };
    listener.paused(Some(&paused));
    announce(syncer, Some(Timestamp::MAX))?;
    while standing::paused(&ledger, syncer.name())?.is_some() {
        syncer.bell().wait(LOOK);
        if syncer.bell().is_stopped() {
            return Ok(false);
        }
    }
    listener.paused(None);
    Ok(true)
}

/// Waits for the time, the bell, or a request that stands in the ledger.
fn wait_until(syncer: &Syncer, next: Timestamp, seen: &mut Option<Timestamp>) -> Result<(), AppError> {
    let ledger = syncer.ledger()?;
    let mut version = None;
    // As long as it was meant to be, however the clock jumps meanwhile.
    let clock = Steady::start();
    loop {
        let left = next.duration_since(clock.now());
        if syncer.bell().is_stopped() || left.is_negative() || left.is_zero() {
            return Ok(());
        }
        let left = Duration::try_from(left).unwrap_or(LOOK);
        if syncer.bell().wait(left.min(LOOK)) {
            return Ok(());
        }
        // Nearly free while nobody wrote.
        let now = ledger.version()?;
        if version.replace(now) == Some(now) {
            continue;
        }
        let asked = standing::nudged(&ledger, syncer.name())?;
        if asked != *seen {
            *seen = asked;
            return Ok(());
        }
        if standing::paused(&ledger, syncer.name())?.is_some() {
            return Ok(());
        }
    }
}
