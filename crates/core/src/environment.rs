//! Locks of environments, as the records about them tell.

use crate::id::EnvironmentName;
use crate::journal::{Entry, Record};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A lock: nothing is executed in the environment while it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The environment.
    pub environment: EnvironmentName,
    /// Who locked it.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// Why, in their words.
    pub message: Option<String>,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

impl Lock {
    /// True until it ends by itself.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// The lock that holds `now`, after these entries about one environment, oldest first. Entries about
/// something else are passed over.
pub fn current_lock<'a>(entries: impl IntoIterator<Item = &'a Entry>, now: Timestamp) -> Option<Lock> {
    let mut last = None;
    for entry in entries {
        match &entry.record {
            Record::EnvironmentLocked { environment, by, message, until } => {
                last = Some(Lock {
                    environment: environment.clone(),
                    by: by.clone(),
                    since: entry.at,
                    message: message.clone(),
                    until: *until,
                });
            }
            Record::EnvironmentUnlocked { .. } => last = None,
            _ => {}
        }
    }
    last.filter(|lock| lock.holds(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn locked(second: i64, until: Option<i64>) -> Entry {
        let record = Record::EnvironmentLocked {
            environment: "prod".into(),
            by: format!("ann {second}"),
            message: None,
            until: until.map(at),
        };
        Entry { seq: 1, at: at(second), record }
    }

    fn unlocked(second: i64) -> Entry {
        let record = Record::EnvironmentUnlocked { environment: "prod".into(), by: "ann".into() };
        Entry { seq: 1, at: at(second), record }
    }

    fn holder(entries: &[Entry], now: i64) -> Option<String> {
        current_lock(entries, at(now)).map(|lock| lock.by)
    }

    #[test]
    fn the_newest_lock_holds_until_it_is_unlocked_or_its_time_is_over() {
        assert_eq!(holder(&[], 0), None);
        assert_eq!(holder(&[locked(1, None)], 1_000_000).as_deref(), Some("ann 1"));
        assert_eq!(holder(&[locked(1, None), unlocked(2)], 3), None);
        assert_eq!(holder(&[locked(1, None), unlocked(2), locked(3, None)], 3).as_deref(), Some("ann 3"));
        assert_eq!(holder(&[locked(1, Some(10))], 9).as_deref(), Some("ann 1"));
        assert_eq!(holder(&[locked(1, Some(10))], 10), None);
        assert_eq!(holder(&[locked(1, Some(10)), locked(20, None)], 21).as_deref(), Some("ann 20"));
        assert_eq!(holder(&[locked(1, None), locked(2, Some(5))], 6), None, "the older one is replaced");
    }
}
