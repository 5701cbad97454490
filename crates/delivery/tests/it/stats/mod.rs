//! Statistics against enumeration, literature, other programs and simulation.

mod classical;
mod exact;
mod power;
mod properties;
mod simulation;

use taskmaster_delivery::stats::{Alpha, Arm, Look};

/// A look with canary's units and failures, then the baseline's.
fn look(canary: (u64, u64), baseline: (u64, u64)) -> Look {
    let arm = |(units, failures)| Arm { units, failures };
    Look { canary: arm(canary), baseline: arm(baseline) }
}

fn alpha(value: f64) -> Alpha {
    Alpha::new(value).expect("a rate of a test is one")
}
