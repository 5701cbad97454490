//! Exit codes. Where several hold, the one that hides most wins: 1, then 4x, 1x, 2x, 5x, 3x.

use taskmaster_core::scheduler::RunEnd;

/// What a command ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is well.
    Ok = 0,
    /// A fault of taskmaster itself.
    Internal = 1,
    /// The command line was not understood, or what it names does not exist.
    Usage = 2,
    /// The document has errors.
    Parse = 10,
    /// Dependencies form a cycle.
    Cycle = 11,
    /// A task is bound twice, or not at all under `--strict`.
    Binding = 12,
    /// The catalogue has errors.
    Schema = 13,
    /// A task failed.
    TaskFailed = 20,
    /// Something waits for a person.
    Waiting = 21,
    /// Stopped by a signal.
    Interrupted = 22,
    /// The end of an attempt is unknown.
    Unknown = 23,
    /// Changes are pending (`plan --detailed-exitcode`).
    Changes = 30,
    /// What was done is no longer so (`drift`).
    Drift = 31,
    /// The repository of a sync could not be fetched.
    Unreachable = 32,
    /// A new version was taken back, or would have been.
    RolledBack = 50,
    /// A rollout was still under way when the time to wait was over.
    UnderWay = 51,
    /// Another executor holds the state directory.
    Busy = 40,
    /// The ledger is of a newer taskmaster.
    NewerSchema = 41,
    /// The ledger is damaged.
    Corrupt = 42,
    /// The environment is locked.
    Locked = 43,
    /// Something that a run needs is missing or broken (`doctor`).
    Unfit = 44,
}

impl Exit {
    const ALL: [Self; 21] = [
        Self::Ok,
        Self::Internal,
        Self::Usage,
        Self::Parse,
        Self::Cycle,
        Self::Binding,
        Self::Schema,
        Self::TaskFailed,
        Self::Waiting,
        Self::Interrupted,
        Self::Unknown,
        Self::Changes,
        Self::Drift,
        Self::Unreachable,
        Self::Busy,
        Self::NewerSchema,
        Self::Corrupt,
        Self::Locked,
        Self::Unfit,
        Self::RolledBack,
        Self::UnderWay,
    ];

    /// The exit with this number; one that nobody gives is [`Exit::Internal`].
    pub fn from_code(code: u8) -> Self {
        Self::ALL.into_iter().find(|exit| *exit as u8 == code).unwrap_or(Self::Internal)
    }

    fn rank(self) -> u8 {
        match self {
            Self::Internal => 0,
            Self::Busy | Self::NewerSchema | Self::Corrupt | Self::Locked | Self::Unfit => 1,
            Self::Parse | Self::Cycle | Self::Binding | Self::Schema => 2,
            Self::Usage => 3,
            Self::TaskFailed | Self::Waiting | Self::Interrupted | Self::Unknown => 4,
            Self::RolledBack | Self::UnderWay => 5,
            Self::Drift | Self::Unreachable => 6,
            Self::Changes => 7,
            Self::Ok => 8,
        }
    }

    /// The one of both that is reported.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if other.rank() < self.rank() { other } else { self }
    }
}

impl From<RunEnd> for Exit {
    fn from(end: RunEnd) -> Self {
        match end {
            RunEnd::Succeeded => Self::Ok,
            RunEnd::Failed => Self::TaskFailed,
            RunEnd::Waiting => Self::Waiting,
            RunEnd::Interrupted => Self::Interrupted,
            RunEnd::Unknown => Self::Unknown,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_there_and_back() {
        assert!(Exit::ALL.iter().all(|exit| Exit::from_code(*exit as u8) == *exit));
        assert_eq!(Exit::from_code(99), Exit::Internal);
    }

    #[test]
    fn the_graver_one_wins() {
        assert_eq!(Exit::Ok.and(Exit::Changes), Exit::Changes);
        assert_eq!(Exit::TaskFailed.and(Exit::Parse), Exit::Parse);
        assert_eq!(Exit::Corrupt.and(Exit::Schema), Exit::Corrupt);
        assert_eq!(Exit::Locked.and(Exit::TaskFailed), Exit::Locked);
        assert_eq!(Exit::Internal.and(Exit::Corrupt), Exit::Internal);
    }
}
