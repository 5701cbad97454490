//! Exit codes. Where several hold, the one that hides most wins: 1, then 4x, 1x, 2x, 5x, 3x.

use taskmaster_core::scheduler::RunEnd;

/// Declares the exits: the comment says when, then come the number, the name, and what helps. `docs/exit-codes.md` is written
/// from it by a test, and the last lines of `--help` from [`listed`].
macro_rules! exits {
    ($( $( #[doc = $when:literal] )+ $exit:ident = $code:literal, $name:literal, $help:literal; )*) => {
        /// What a command ends with.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Exit {
            $( $( #[doc = $when] )+ $exit = $code, )*
        }

        impl Exit {
            /// All of them, by their numbers.
            pub const ALL: &[Self] = &[$( Self::$exit ),*];

            /// In a few words.
            pub fn name(self) -> &'static str {
                match self { $( Self::$exit => $name, )* }
            }

            /// When a command ends so.
            pub fn when(self) -> &'static str {
                match self { $( Self::$exit => concat!($( $when ),+).trim_ascii(), )* }
            }

            /// What helps then.
            pub fn help(self) -> &'static str {
                match self { $( Self::$exit => $help, )* }
            }
        }
    };
}

exits! {
    /// What was asked for is done, or is so already.
    Ok = 0, "ok", "Nothing is to be done.";
    /// A fault of this machine or of taskmaster: a full disk, a state directory that cannot be written, an
    /// output that went away. Commands that answer by their exit code (`rollout status --serves`)
    /// say no by it.
    Internal = 1, "internal",
        "The message names the file and the reason. Once that is mended the same command goes on where it \
         was.";
    /// The command line was not understood, or what it names is not there or cannot be read. Nothing was
    /// done.
    Usage = 2, "usage",
        "The message names it, and what is nearest to it; `--help` behind a command tells its options.";
    /// The document has errors; with `--strict` warnings count. A sync refuses such a commit and keeps the
    /// one before in force.
    Parse = 10, "document", "Mend it where the caret points: [diagnostics](notation.md#9-diagnostics).";
    /// Dependencies lead in a circle, in the document or with the `needs` of the catalogue.
    Cycle = 11, "cycle", "Every edge of the circle is shown with its line: take one away.";
    /// Document and catalogue do not fit: a task that is bound twice, a variable without a value, an
    /// environment that no catalogue knows, a secret that would be shown; with `--strict` a task that
    /// nothing binds.
    Binding = 12, "binding", "Mend it where the caret points: [codes](catalogue.md#codes).";
    /// A catalogue, or a rollout file, has errors.
    Schema = 13, "catalogue",
        "Mend it where the caret points: [codes](catalogue.md#codes), [every key](catalogue-reference.md), \
         [rollout files](rollouts.md).";
    /// A task failed and was not, or not any more, tried again. Also a rollout that cannot go on.
    TaskFailed = 20, "a task failed",
        "`taskmaster logs TASK` shows what it printed, `taskmaster report` the cause where one is known. \
         The next `run` goes on there.";
    /// Something waits for a person: a yes, a task that people do, a rollout at a pause. A sync also waits
    /// for its window, and for a locked environment.
    Waiting = 21, "waits for a person",
        "`taskmaster run` asks again, and `approve`, `tasks set` or `rollout promote` answers from another \
         terminal.";
    /// Ctrl-C, SIGTERM or SIGHUP came before all was done. What was at work has ended, or was stopped where
    /// it came twice.
    Interrupted = 22, "interrupted", "The next `run` goes on there; nothing that is finished is repeated.";
    /// A process was lost together with taskmaster, and no check can tell how it ended. Also a `drift` in
    /// which a check could not tell.
    Unknown = 23, "unknown end",
        "Look for yourself, then `taskmaster resolve TASK completed` or `pending`. A check spares the \
         question.";
    /// Something would run (`plan --detailed-exitcode`, `promote-env --detailed-exitcode`), or differs in
    /// meaning (with `plan --against`).
    Changes = 30, "changes pending", "It is an answer, no fault: `taskmaster run` makes it so.";
    /// What was done is no longer so (`drift`, `sync --once --check`).
    Drift = 31, "drift",
        "`taskmaster run`, or `sync --self-heal`, does it again; `drift --history` tells since when.";
    /// The repository of a sync cannot be fetched. What was known stays in force.
    Unreachable = 32, "repository unreachable",
        "Look at the address, the way to it, the credentials and `--ref`; the loop tries again by itself.";
    /// Another run, sync or undoing is at work with this state directory.
    Busy = 40, "another run is at work",
        "The message names its process: wait for its end, or stop it by Ctrl-C.";
    /// The ledger was written by a newer taskmaster. It was not touched.
    NewerSchema = 41, "newer ledger", "Use that one, or a newer one.";
    /// The ledger is damaged, or its chain is broken (`audit`). It was not touched.
    Corrupt = 42, "damaged ledger",
        "Move the ledger away, keep it, and run again: checks decide what is done. `audit` names the \
         first broken link.";
    /// The environment is locked, so nothing runs in it.
    Locked = 43, "the environment is locked",
        "The message says by whom and why; `taskmaster env unlock NAME` ends it.";
    /// Something that a run needs is missing or broken (`doctor`).
    Unfit = 44, "something is missing (doctor)", "Each finding says what to do: [doctor](doctor.md).";
    /// A new version was taken back, or would have been (`rollout`). In a run the task fails instead,
    /// unless it has `expect: rolled_back`.
    RolledBack = 50, "taken back", "`taskmaster rollout status NAME` tells why; the version before serves.";
    /// A rollout was still under way when the time to wait was over.
    UnderWay = 51, "still under way",
        "`taskmaster rollout watch NAME`, or wait again with a longer `--timeout`.";
}

/// All exits in one line, for `--help`.
pub fn listed() -> String {
    let all: Vec<String> = Exit::ALL.iter().map(|exit| format!("{} {}", *exit as u8, exit.name())).collect();
    format!("Exit codes: {}.", all.join(", "))
}

impl Exit {
    /// The exit with this number; one that nobody gives is [`Exit::Internal`].
    pub fn from_code(code: u8) -> Self {
        Self::ALL.iter().copied().find(|exit| *exit as u8 == code).unwrap_or(Self::Internal)
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
        assert!(Exit::ALL.is_sorted_by_key(|exit| *exit as u8));
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
