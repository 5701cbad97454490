//! The plain form: a share of the pods, rounded up.

use super::number::{narrow, share_up};
use super::sets::Counts;

/// `canary = ceil(total * percent / 100)`, `stable = total - canary`: 10 pods at 25 % are 3 and 7.
/// A share below zero is none, one above a hundred is all; fewer than no pods are none.
pub fn split(total: i32, percent: i32) -> Counts {
    let total = total.max(0);
    let canary = narrow(share_up(percent.clamp(0, 100), total, 100));
    Counts { canary, stable: total - canary }
}
