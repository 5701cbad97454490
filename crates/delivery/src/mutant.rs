//! Faults of other engines, built into ours on purpose: the simulator must find each of them.
//!
//! They exist with the feature `mutants` alone, which no program has: without it nothing of them is compiled.
//! `docs/mutants.md` says where each comes from and which seed finds it.

/// A fault on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// Users are sent to a version before its pods serve.
    WeightBeforePods,
    /// The way back takes the stable version's pods.
    BackWithoutStable,
    /// What was taken back is tried again by itself.
    RetriesItself,
    /// The old version's pods go at once.
    OldGoesAtOnce,
    /// No data is as good as good data.
    NoDataIsHealthy,
    /// What cannot be told is promoted.
    DoubtIsPromoted,
    /// There is no deadline.
    NoDeadline,
    /// A restart forgets since when it waits.
    ForgetsTime,
    /// Another version goes on where the one before stood.
    KeepsPlace,
    /// What an autoscaler wants does not count.
    IgnoresAutoscaler,
    /// Routes by header do not come back after a gap.
    RoutesStayAway,
    /// The preview leads to pods that do not serve.
    PreviewTooEarly,
    /// An analysis is over before it began.
    SkipsAnalysis,
    /// The way back waits for the canary's pods to go, which wait for it.
    BackWaits,
    /// What failed is promoted.
    FaultIsPromoted,
    /// A measurement without an answer is a fault.
    GapIsFault,
    /// A person who lets it go on skips a move as well.
    PromotesTwice,
    /// The stable version is asked for again, and the new one goes on.
    KeepsGoing,
    /// The new version takes over with fewer pods than it needs.
    TakesOverSmall,
    /// A weight that was written is a weight that is there.
    WeightUnseen,
    /// Pods come before their migration.
    SkipsMigration,
    /// The way back leads over a migration that cannot be taken back.
    BackOverMigration,
    /// Users go back to pods that are not there.
    BackTooSoon,
    /// The way back from a version that was completed leaves the data as they are.
    ForgetsDown,
    /// The stable version gets pods while it cannot read the data.
    OldPodsOnNewData,
    /// Pods of a version that was overtaken go before others can serve.
    OvertakenGoAtOnce,
    /// Gates are not asked.
    GateUnasked,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::WeightBeforePods,
        Self::BackWithoutStable,
        Self::RetriesItself,
        Self::OldGoesAtOnce,
        Self::NoDataIsHealthy,
        Self::DoubtIsPromoted,
        Self::NoDeadline,
        Self::ForgetsTime,
        Self::KeepsPlace,
        Self::IgnoresAutoscaler,
        Self::RoutesStayAway,
        Self::PreviewTooEarly,
        Self::SkipsAnalysis,
        Self::BackWaits,
        Self::FaultIsPromoted,
        Self::GapIsFault,
        Self::PromotesTwice,
        Self::KeepsGoing,
        Self::TakesOverSmall,
        Self::WeightUnseen,
        Self::SkipsMigration,
        Self::BackOverMigration,
        Self::BackTooSoon,
        Self::ForgetsDown,
        Self::OldPodsOnNewData,
        Self::OvertakenGoAtOnce,
        Self::GateUnasked,
    ];
}

#[cfg(feature = "mutants")]
mod chosen {
    use super::Mutant;
    use std::cell::Cell;

    thread_local! {
        static CHOSEN: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Runs something with a fault in the engine of this thread.
    pub fn with<T>(mutant: Mutant, run: impl FnOnce() -> T) -> T {
        CHOSEN.set(Some(mutant));
        let value = run();
        CHOSEN.set(None);
        value
    }

    pub(crate) fn is(mutant: Mutant) -> bool {
        CHOSEN.get() == Some(mutant)
    }
}

#[cfg(feature = "mutants")]
pub(crate) use chosen::is;
#[cfg(feature = "mutants")]
pub use chosen::with;

/// Never, in a program.
#[cfg(not(feature = "mutants"))]
pub(crate) const fn is(_: Mutant) -> bool {
    false
}
