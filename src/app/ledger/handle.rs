//! A handle on the ledger: appending, following, proving. Reads are in `reads.rs`.

use super::admit::admit;
use super::encode::{entry, kind, to_json};
use super::error::LedgerError;
use super::project::{PROJECTION, project};
use crate::store::{
    Access, AuditReport, ChainedEvent, Durability, Finding, Head, Snapshot, Store, StoreError,
};
use jiff::Timestamp;
use std::path::Path;
use taskmaster_core::journal::{Entry, Record};

/// Events that are read at a time where all are wanted.
const BATCH: usize = 4096;

/// A handle on the ledger of one state directory. Every process (and thread) opens its own.
#[derive(Debug)]
pub struct Ledger {
    pub(super) store: Store,
    /// Places that this handle appended, as ascending ranges that do not touch.
    own: Vec<(u64, u64)>,
    /// Up to here [`Ledger::external`] has told everything.
    told: u64,
    /// The state of the file at the last look for what others appended, and the last such place.
    looked: Option<(i64, u64)>,
}

/// What a look at a ledger finds.
#[derive(Debug)]
pub enum Looked {
    /// One of an older program: whoever writes next brings it up to date.
    Older {
        /// Its schema.
        schema: u32,
    },
    /// One of this program.
    Here {
        /// Its schema.
        schema: u32,
        /// For reading alone.
        ledger: Box<Ledger>,
        /// Its read models are those of this program. Without that only the chain says anything.
        is_current: bool,
    },
}

impl Ledger {
    /// Opens the ledger in `state_dir`; with [`Access::ReadWrite`] makes it where it is absent.
    /// Read models that an older program filled are made anew from the events.
    pub fn open(state_dir: &Path, access: Access) -> Result<Self, LedgerError> {
        let store = Store::open(state_dir, access)?;
        let told = store.now().head()?.seq;
        let mut ledger = Self { store, own: Vec::new(), told, looked: None };
        if ledger.store.now().projection()? != PROJECTION {
            match access {
                Access::ReadWrite => ledger.rebuild()?,
                // A reader may not write, but somebody must before it can read.
                Access::ReadOnly => drop(Self::open(state_dir, Access::ReadWrite)?),
            }
        }
        Ok(ledger)
    }

    /// Opens the ledger to prove it, also where its end was cut off, so that nothing else may use it.
    pub fn open_to_audit(state_dir: &Path) -> Result<Self, LedgerError> {
        match Self::open(state_dir, Access::ReadOnly) {
            Err(LedgerError::Store(StoreError::Corrupt { .. })) => {
                let store = Store::open_damaged(state_dir)?;
                Ok(Self { store, own: Vec::new(), told: 0, looked: None })
            }
            opened => opened,
        }
    }

    /// Opens the ledger to look at it: no byte and no file changes by it, nothing is migrated or made anew.
    pub fn look(state_dir: &Path) -> Result<Looked, LedgerError> {
        let (schema, store) = Store::look(state_dir)?;
        let Some(store) = store else { return Ok(Looked::Older { schema }) };
        let is_current = store.now().projection()? == PROJECTION;
        let ledger = Box::new(Self { store, own: Vec::new(), told: 0, looked: None });
        Ok(Looked::Here { schema, ledger, is_current })
    }

    /// Appends all records or none, in one transaction. Returns them with their places.
    ///
    /// Each record is checked against the state at that moment: a run, attempt or plan that it names
    /// must be there and going on, and a person's change (an approval; a state without a run) must
    /// fit the state of its task, so that of two that change the same thing one is refused.
    pub fn commit(
        &mut self,
        records: Vec<Record>,
        at: Timestamp,
        durability: Durability,
    ) -> Result<Vec<Entry>, LedgerError> {
        self.commit_with_memos(records, &[], at, durability)
    }

    /// As [`Ledger::commit`], and in the same transaction keeps a text under each key, or nothing any more.
    pub fn commit_with_memos(
        &mut self,
        records: Vec<Record>,
        memos: &[(&str, Option<&str>)],
        at: Timestamp,
        durability: Durability,
    ) -> Result<Vec<Entry>, LedgerError> {
        if records.is_empty() && memos.is_empty() {
            return Ok(Vec::new());
        }
        // The store keeps microseconds: what is returned is what will be read.
        let at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        let entries = self.store.write(durability, |tx| {
            let mut entries = Vec::with_capacity(records.len());
            for record in records {
                let stream = admit(&record, at, tx)?;
                let seq = tx.append(&stream, kind(&record), at, &to_json(&record)?)?;
                let entry = Entry { seq, at, record };
                project(&entry, tx)?;
                entries.push(entry);
            }
            for (key, text) in memos {
                match text {
                    Some(text) => tx.put_memo(key, text, at)?,
                    None => tx.remove_memo(key)?,
                }
            }
            Ok::<_, LedgerError>(entries)
        })?;
        if let [first, .., last] | [first @ last] = entries.as_slice() {
            self.note_own(first.seq, last.seq);
        }
        Ok(entries)
    }

    /// What is kept under keys that begin so, which end with `/`; in the order of the keys.
    pub fn memos(&self, prefix: &str) -> Result<Vec<(String, String)>, LedgerError> {
        Ok(self.store.now().memos(prefix)?)
    }

    fn note_own(&mut self, first: u64, last: u64) {
        match self.own.last_mut() {
            Some((_, end)) if *end + 1 == first => *end = last,
            _ => self.own.push((first, last)),
        }
    }

    /// Makes every read model anew from the events alone.
    pub fn rebuild(&mut self) -> Result<(), LedgerError> {
        self.store.write(Durability::Normal, |tx| {
            tx.clear_read_models()?;
            let mut next = 1;
            loop {
                let events = tx.now().events(next, u64::MAX, BATCH)?;
                let Some(last) = events.last() else { break };
                next = last.seq + 1;
                for event in &events {
                    project(&entry(event)?, tx)?;
                }
            }
            tx.set_projection(PROJECTION)?;
            Ok(())
        })
    }

    /// Walks the chain, and compares the read models with those of a replay of the events.
    pub fn audit(&self) -> Result<AuditReport, LedgerError> {
        self.store.read(|snapshot| {
            let mut report = snapshot.audit()?;
            // Where the chain is broken the events prove nothing about the read models.
            if report.broken.is_none() {
                let replayed = replay(&snapshot)?;
                report.findings.extend(snapshot.compare_read_models(&replayed)?);
            }
            Ok(report)
        })
    }

    /// Gives each event that the chain proves to `visit`, one at a time and in order. Then tells the last
    /// link that holds, and what is wrong with the next one, or with the recorded end of the chain.
    pub fn chain<E: From<StoreError>>(
        &self,
        visit: impl FnMut(&ChainedEvent<'_>) -> Result<(), E>,
    ) -> Result<(Head, Option<Finding>), E> {
        self.store.read(|snapshot| {
            let (head, broken) = snapshot.chain(visit)?;
            let cut_off = match snapshot.head() {
                Err(StoreError::Corrupt { what, .. }) => Some(Finding { seq: None, what }),
                end => end.map(|_| None)?,
            };
            Ok((head, broken.or(cut_off)))
        })
    }

    /// The place and hash of the last event.
    pub fn head(&self) -> Result<Head, LedgerError> {
        Ok(self.store.now().head()?)
    }

    /// A number that differs from the one before whenever another handle wrote in between.
    pub fn version(&self) -> Result<i64, LedgerError> {
        Ok(self.store.data_version()?)
    }

    /// Runs `reads` on one consistent snapshot: what others commit meanwhile is not seen.
    pub fn snapshot<T>(&self, reads: impl FnOnce(&Self) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        self.store.read(|_| reads(self))
    }

    /// Every entry after `seq`.
    pub fn entries_since(&self, seq: u64) -> Result<Vec<Entry>, LedgerError> {
        self.entries_between(seq + 1, u64::MAX)
    }

    /// Entries from `first` to `last`, both included.
    pub(super) fn entries_between(&self, first: u64, last: u64) -> Result<Vec<Entry>, LedgerError> {
        self.store.now().events(first, last, usize::MAX)?.iter().map(entry).collect()
    }

    /// What was appended through other handles since this one was opened, or since the last call.
    /// Nearly free while nothing changed, so it may be polled.
    pub fn external(&mut self) -> Result<Vec<Entry>, LedgerError> {
        let entries = self.external_since(self.told)?;
        self.told = entries.last().map_or(self.told, |entry| entry.seq);
        Ok(entries)
    }

    /// Entries after `seq` that were appended through other handles than this one: what people did
    /// meanwhile. Nearly free while nothing changed, so it may be polled.
    pub fn external_since(&mut self, seq: u64) -> Result<Vec<Entry>, LedgerError> {
        let version = self.store.data_version()?;
        if self.looked.is_some_and(|(seen, last)| seen == version && last <= seq) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for (first, last) in gaps(&self.own, seq) {
            found.extend(self.entries_between(first, last)?);
        }
        self.looked = Some((version, found.last().map_or(seq, |entry| entry.seq)));
        Ok(found)
    }
}

/// What lies after `seq` and in none of the ascending ranges.
fn gaps(own: &[(u64, u64)], seq: u64) -> Vec<(u64, u64)> {
    let mut gaps = Vec::new();
    let mut next = seq + 1;
    for (first, last) in own {
        if next < *first {
            gaps.push((next, first - 1));
        }
        next = next.max(last + 1);
    }
    gaps.push((next, u64::MAX));
    gaps
}

/// The read models that the events make, in a place of their own.
fn replay(snapshot: &Snapshot<'_>) -> Result<Store, LedgerError> {
    let mut replayed = Store::scratch()?;
    let mut next = 1;
    loop {
        let events = snapshot.events(next, u64::MAX, BATCH)?;
        let Some(last) = events.last() else { return Ok(replayed) };
        next = last.seq + 1;
        replayed.write(Durability::Normal, |tx| {
            events.iter().try_for_each(|event| project(&entry(event)?, tx))
        })?;
    }
}

#[cfg(test)]
mod tests {
    use super::gaps;

    #[test]
    fn gaps_leave_out_what_is_own() {
        let own = [(3, 4), (7, 9)];
        assert_eq!(gaps(&own, 0), [(1, 2), (5, 6), (10, u64::MAX)]);
        assert_eq!(gaps(&own, 3), [(5, 6), (10, u64::MAX)]);
        assert_eq!(gaps(&own, 5), [(6, 6), (10, u64::MAX)]);
        assert_eq!(gaps(&own, 12), [(13, u64::MAX)]);
        assert_eq!(gaps(&[], 0), [(1, u64::MAX)]);
    }
}
