//! Numbers of many runs.

use std::time::Duration;

/// The value that a share of all is not above: the nearest rank.
pub(crate) fn quantile(values: &[Duration], share: f64) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// `12.3 s`.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// How busy the machine was in the last minute, beside how many processors it has.
pub(crate) fn machine() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{processors} processors, load of the last minute {}",
        load.split(' ').next().unwrap_or("unknown")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_ranks() {
        let values: Vec<_> = [4, 1, 3, 2].map(Duration::from_secs).into();
        let at = |share| quantile(&values, share).as_secs();
        assert_eq!([at(0.0), at(0.25), at(0.5), at(0.51), at(0.99), at(1.0)], [1, 1, 2, 3, 4, 4]);
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }
}
