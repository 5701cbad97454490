//! New identities: ULIDs that sort by the time they were made at.

use jiff::Timestamp;
use std::time::SystemTime;
use taskmaster_core::id::{AttemptId, RunId, TaskKey};
use ulid::Generator;

/// Makes identities. Those of one generator ascend, also within a millisecond and when the clock
/// goes back; those of two generators differ by 80 random bits.
#[derive(Debug)]
pub struct IdGenerator {
    generator: Generator,
}

impl Default for IdGenerator {
    fn default() -> Self {
        Self::new()
    }
}

impl IdGenerator {
    /// A generator that has made nothing yet.
    pub const fn new() -> Self {
        Self { generator: Generator::new() }
    }

    /// Identity of a task that was never seen before.
    pub fn task_key(&mut self, now: Timestamp) -> TaskKey {
        TaskKey::new(self.next(now))
    }

    /// Identity of a run.
    pub fn run(&mut self, now: Timestamp) -> RunId {
        RunId::new(self.next(now))
    }

    /// Identity of an attempt.
    pub fn attempt(&mut self, now: Timestamp) -> AttemptId {
        AttemptId::new(self.next(now))
    }

    fn next(&mut self, now: Timestamp) -> String {
        let ulid = match self.generator.generate_from_datetime(SystemTime::from(now)) {
            Ok(ulid) => ulid,
            Err(overflow) => overflow.commit_overflow_increment(),
        };
        ulid.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_within_a_millisecond_and_when_the_clock_goes_back() {
        let mut ids = IdGenerator::new();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let earlier = Timestamp::from_second(1_700_000_000).unwrap();
        let made: Vec<_> = [now, now, earlier, now].into_iter().map(|at| ids.run(at)).collect();
        assert!(made.is_sorted() && made[0] != made[1] && made[1] != made[2], "{made:?}");
    }

    #[test]
    fn two_generators_do_not_make_the_same_id() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        assert_ne!(IdGenerator::new().task_key(now), IdGenerator::new().task_key(now));
    }
}
