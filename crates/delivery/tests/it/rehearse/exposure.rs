//! Failures that users met, and those that they would have met.

use super::data::{ERRORS, STEPS, errors, rollout};
use super::replay;
use taskmaster_delivery::rehearse::Scaled;
use taskmaster_delivery::stats::Arm;

/// Two failures in each of 80 steps of 15 s; the rollout is taken back after five of them.
const FAULTY: [[f64; 4]; 80] = [[100.0, 2.0, 900.0, 2.0]; 80];

#[test]
fn recorded_failures_before_and_after_the_end() {
    let rehearsal = replay(&rollout(STEPS, ERRORS), &errors("", &FAULTY));
    let [exposure] = rehearsal.exposure.as_slice() else { panic!("{:?}", rehearsal.exposure) };
    assert_eq!(
        (exposure.until, exposure.after),
        (Arm { units: 500, failures: 10 }, Arm { units: 7_500, failures: 150 },)
    );
    assert_eq!(exposure.scaled, None);
    assert!(rehearsal.cannot_show.iter().any(|line| line.contains("weights were not recorded")));
}

/// Recorded at 20 % for the first 600 s and at 40 % for the other 600 s; rehearsed at 10 % for 75 s, then none:
/// of the first ten failures half would have been, and of the other 150 none.
#[test]
fn failures_are_scaled_by_recorded_weights() {
    let weights = r#""weights":[[1763740800,20],[1763741400,"40"]],"#;
    let rehearsal = replay(&rollout(STEPS, ERRORS), &errors(weights, &FAULTY));
    assert_eq!(rehearsal.exposure[0].scaled, Some(Scaled { failures: 5.0, spared: 155.0, unknown: 0 }));
    assert!(!rehearsal.cannot_show.iter().any(|line| line.contains("weights were not recorded")));
}

/// Healthy, rehearsed at 10 % for 120 s, 50 % for 120 s, then all; recorded from 150 s on at 25 %. The first ten
/// failures cannot be scaled. Those of the steps that end after 150 s and up to 240 s, six, count twice, and the
/// other 64 four times: 268 in place of 70.
#[test]
fn a_quicker_rollout_causes_failures() {
    let weights = r#""weights":[[1763740950,25]],"#;
    let rehearsal = replay(&rollout(STEPS, ERRORS), &errors(weights, &[[100.0, 1.0, 900.0, 9.0]; 80]));
    assert_eq!(rehearsal.exposure[0].scaled, Some(Scaled { failures: 268.0, spared: -198.0, unknown: 10 }));
}
