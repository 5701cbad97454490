//! The failed checks of a canary of Flagger.

use super::{MINUTE, finding};
use proptest::prelude::*;
use std::time::Duration;
use taskmaster_delivery::analysis::flagger::{Checks, DEFAULT_INTERVAL, SHORTEST_INTERVAL, Tick};
use taskmaster_delivery::time::Time;

/// `A` advance, `H` halt, `R` roll back.
fn ticks(checks: &mut Checks, letters: &str) -> String {
    let one = |letter: char| match checks.tick(checks.next_time().unwrap_or(Time(0)), &[finding(letter)]) {
        Tick::Advance => 'A',
        Tick::Halt => 'H',
        Tick::RollBack => 'R',
    };
    letters.chars().map(one).collect()
}

#[test]
fn rules() {
    let rows = [
        ("healthy checks advance", 2, "SSS", "AAA"),
        ("a failed one halts", 2, "FSS", "HAA"),
        ("the rollback comes at the tick after the budget", 2, "FFSS", "HHRR"),
        ("whatever that tick would have found", 1, "FS", "HR"),
        ("a success gives nothing back", 3, "FSFSFSS", "HAHAHRR"),
        ("no data fails", 1, "IS", "HR"),
        ("an error fails", 1, "ES", "HR"),
        ("a budget of nothing is one", 0, "SFS", "AHR"),
    ];
    for (rule, threshold, letters, expected) in rows {
        assert_eq!(ticks(&mut Checks::new(threshold, MINUTE), letters), expected, "{rule}");
    }
}

#[test]
fn several_failures_in_a_tick_are_one() {
    let mut checks = Checks::new(2, MINUTE);
    assert_eq!(checks.tick(Time(0), &[finding('F'), finding('S'), finding('E')]), Tick::Halt);
    assert_eq!(checks.failed_checks(), 1);
    assert_eq!(checks.tick(Time(0), &[]), Tick::Advance, "no checks, nothing fails");
}

#[test]
fn intervals() {
    assert_eq!(DEFAULT_INTERVAL, MINUTE);
    for (interval, expected) in [(MINUTE, MINUTE), (Duration::from_secs(1), SHORTEST_INTERVAL)] {
        let mut checks = Checks::new(1, interval);
        assert_eq!(checks.next_time(), None, "the first tick is at once");
        checks.tick(Time(5), &[]);
        assert_eq!(checks.next_time(), Some(Time(5) + expected));
    }
}

proptest! {
    /// From the onset of a fault the rollback takes `threshold` ticks more than failed before, and the
    /// metrics are asked exactly at the ticks that do not roll back. Stored and read it goes on.
    #[test]
    fn rollback_time(threshold in 0..20u32, before in "[SF]{0,10}") {
        let mut checks = Checks::new(threshold, MINUTE);
        ticks(&mut checks, &before);
        let failed = u32::try_from(before.matches('F').count()).unwrap();
        let left = threshold.max(1).saturating_sub(failed);
        let mut halts = 0;
        loop {
            checks = serde_json::from_str(&serde_json::to_string(&checks).unwrap()).unwrap();
            let asks = checks.needs_findings();
            let seen = ticks(&mut checks, "F");
            prop_assert_eq!(asks, seen == "H");
            if seen == "R" { break }
            halts += 1;
        }
        prop_assert_eq!(halts, left);
    }
}
