//! The phases of a rollout, and the one function that changes them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a rollout is; the drawing is `docs/state-machines.md#a-rollout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The new version gets what it needs before users reach it: a migration, pods.
    Initializing,
    /// It is watched: a step's weight, pause or analysis.
    Analyzing,
    /// It takes over: pods and traffic follow.
    Promoting,
    /// It is the stable version.
    Completed,
    /// The stable version takes back pods and traffic.
    RollingBack,
    /// The stable version has all of the traffic again.
    RolledBack,
}

/// What changes a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// What users are to reach is there.
    Ready,
    /// All steps are done.
    Passed,
    /// The new version has all pods and all traffic.
    TookOver,
    /// It is not good enough, took too long, or somebody gave it up.
    GivenUp,
    /// The stable version has all pods and all traffic.
    TookBack,
    /// Another version is asked for, or the same once more.
    Begun,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Initializing,
        Self::Analyzing,
        Self::Promoting,
        Self::Completed,
        Self::RollingBack,
        Self::RolledBack,
    ];

    /// The phase after a signal; `None` where the signal means nothing here.
    pub fn after(self, signal: Signal) -> Option<Self> {
        match (self, signal) {
            (_, Signal::Begun) => Some(Self::Initializing),
            (Self::Initializing, Signal::Ready) => Some(Self::Analyzing),
            (Self::Initializing | Self::Analyzing, Signal::Passed) => Some(Self::Promoting),
            (Self::Promoting, Signal::TookOver) => Some(Self::Completed),
            (Self::Initializing | Self::Analyzing | Self::Promoting, Signal::GivenUp) => {
                Some(Self::RollingBack)
            }
            (Self::RollingBack, Signal::TookBack) => Some(Self::RolledBack),
            _ => None,
        }
    }

    /// True where nothing changes any more by itself.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::RolledBack)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Analyzing => "analyzing",
            Self::Promoting => "promoting",
            Self::Completed => "completed",
            Self::RollingBack => "rolling back",
            Self::RolledBack => "rolled back",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Drawn by hand from the design's picture; columns are ready, passed, took over, given up, took back, begun.
    const TABLE: [(Phase, [Option<Phase>; 6]); 6] = {
        use Phase::{
            Analyzing as A, Completed as C, Initializing as I, Promoting as P, RolledBack as D,
            RollingBack as B,
        };
        [
            (I, [Some(A), Some(P), None, Some(B), None, Some(I)]),
            (A, [None, Some(P), None, Some(B), None, Some(I)]),
            (P, [None, None, Some(C), Some(B), None, Some(I)]),
            (C, [None, None, None, None, None, Some(I)]),
            (B, [None, None, None, None, Some(D), Some(I)]),
            (D, [None, None, None, None, None, Some(I)]),
        ]
    };

    #[test]
    fn the_whole_table() {
        use Signal::{Begun, GivenUp, Passed, Ready, TookBack, TookOver};
        for (phase, row) in TABLE {
            let found = [Ready, Passed, TookOver, GivenUp, TookBack, Begun].map(|signal| phase.after(signal));
            assert_eq!(found, row, "{phase}");
        }
        assert_eq!(TABLE.map(|(phase, _)| phase), Phase::ALL);
    }

    /// The drawing holds exactly the edges of the function; `begun`, which leads from everywhere, is drawn once.
    #[test]
    fn the_drawing_in_the_documentation_is_the_function() {
        let signals = [
            (Signal::Ready, "ready"),
            (Signal::Passed, "passed"),
            (Signal::TookOver, "took over"),
            (Signal::GivenUp, "given up"),
            (Signal::TookBack, "took back"),
        ];
        let name = |phase: Phase| phase.name().replace(' ', "_");
        let mut wanted = Vec::new();
        for (signal, word) in signals {
            let ends = Phase::ALL.into_iter().filter_map(|from| Some((from, from.after(signal)?)));
            wanted.extend(ends.map(|(from, to)| format!("{} --> {}: {word}", name(from), name(to))));
        }
        wanted.sort();
        assert_eq!(crate::drawing::edges("A rollout"), wanted);
    }
}
