//! Figures against numbers that were calculated by hand.

use super::*;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const HOUR_MS: u64 = 3_600_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// A deployment of document `a` from one hour to another.
fn run(from: i64, to: i64, result: RunResult) -> Run {
    Run {
        document: "a".into(),
        commit: None,
        started: at(from * HOUR),
        ended: Some(at(to * HOUR)),
        result,
        did: Did::Deployed,
    }
}

/// The same with a commit that was made at this hour.
fn of_commit(id: &str, made: i64, run: Run) -> Run {
    Run { commit: Some(Commit { id: id.to_owned(), time: Some(at(made * HOUR)) }), ..run }
}

/// Of the last ten days, up to hour 240.
fn ten_days(runs: &[Run]) -> Figures {
    figures(runs, Window { from: at(0), to: at(10 * DAY) })
}

#[test]
fn of_nothing_nothing_is_known() {
    assert_eq!(ten_days(&[]), Figures::default());
    let idle = Run { did: Did::Nothing, ..run(1, 2, RunResult::Succeeded) };
    assert_eq!(ten_days(&[idle]), Figures::default(), "a run that executed nothing is no deployment");
    let removal = Run { did: Did::Removed, ..run(1, 2, RunResult::Succeeded) };
    assert_eq!(ten_days(&[removal]), Figures::default());
    let before = run(-5, -4, RunResult::Failed);
    assert_eq!(ten_days(&[before]), Figures::default());
}

#[test]
fn every_end_is_counted_once_and_what_runs_has_none() {
    let results = [
        RunResult::Succeeded,
        RunResult::Failed,
        RunResult::RolledBack,
        RunResult::Waiting,
        RunResult::Interrupted,
        RunResult::Unknown,
        RunResult::Succeeded,
        RunResult::Succeeded,
    ];
    let mut runs: Vec<Run> = (1..).zip(results).map(|(hour, result)| run(hour, hour, result)).collect();
    runs.push(Run { ended: None, ..run(20, 20, RunResult::Running) });
    let figures = ten_days(&runs);
    assert_eq!((figures.deployments, figures.succeeded, figures.running), (9, 3, 1));
    assert_eq!((figures.failed, figures.rolled_back, figures.waiting), (1, 1, 1));
    assert_eq!((figures.interrupted, figures.unknown), (1, 1));
    // Two of the eight that ended; three good ends in ten days.
    assert_eq!(figures.change_failure_rate, Some(0.25));
    assert_eq!(figures.per_day, Some(0.3));
}

#[test]
fn a_rate_is_known_once_something_ended() {
    let running = Run { ended: None, ..run(1, 1, RunResult::Running) };
    let figures = ten_days(std::slice::from_ref(&running));
    assert_eq!((figures.deployments, figures.change_failure_rate), (1, None));
    assert_eq!(figures.per_day, Some(0.0), "one deployment is known, and none ended well");
    assert_eq!(ten_days(&[run(1, 2, RunResult::Succeeded)]).change_failure_rate, Some(0.0));
}

#[test]
fn of_less_than_a_day_no_frequency_is_told() {
    let runs = [run(1, 2, RunResult::Succeeded)];
    let of = |seconds| figures(&runs, Window { from: at(0), to: at(seconds) }).per_day;
    assert_eq!((of(DAY - 1), of(DAY), of(2 * DAY)), (None, Some(1.0), Some(0.5)));
}

#[test]
fn a_lead_time_ends_with_the_first_good_run_of_the_commit() {
    let runs = [
        of_commit("old", -30, run(-20, -19, RunResult::Succeeded)),
        // It was there before: executed again, nothing is brought.
        of_commit("old", -30, run(1, 2, RunResult::Succeeded)),
        // Fails first; brought by the second: from hour 3 to hour 9.
        of_commit("one", 3, run(4, 5, RunResult::Failed)),
        of_commit("one", 3, run(8, 9, RunResult::Succeeded)),
        of_commit("one", 3, run(10, 11, RunResult::Succeeded)),
        // From hour 8 to hour 20.
        of_commit("two", 8, run(19, 20, RunResult::Succeeded)),
        // From hour 20 to hour 22.
        of_commit("three", 20, run(21, 22, RunResult::Succeeded)),
        run(30, 31, RunResult::Succeeded),
        // Made after the run of it ended: another clock.
        of_commit("late", 50, run(40, 41, RunResult::Succeeded)),
    ];
    let hours: Vec<_> = lead_times(&runs).into_iter().map(|ms| ms.map(|ms| ms / HOUR_MS)).collect();
    assert_eq!(hours, [Some(11), None, None, Some(6), None, Some(12), Some(2), None, None]);
    // Of 2, 6 and 12: the middle one, and 6 + 0.8 × (12 − 6) = 10.8.
    let lead_time = ten_days(&runs).lead_time.unwrap();
    assert_eq!((lead_time.count, lead_time.median_ms), (3, 6 * HOUR_MS));
    assert_eq!(lead_time.p90_ms, 10 * HOUR_MS + 48 * 60_000);
}

#[test]
fn a_commit_that_changed_nothing_in_the_world_is_no_deployment_but_is_there() {
    let runs = [
        Run { did: Did::Nothing, ..of_commit("docs", 1, run(2, 3, RunResult::Succeeded)) },
        of_commit("docs", 1, run(100, 101, RunResult::Succeeded)),
    ];
    assert_eq!(ten_days(&runs).lead_time, None);
}

#[test]
fn two_documents_bring_the_same_commit_each() {
    let other = Run { document: "b".into(), ..of_commit("one", 1, run(4, 5, RunResult::Succeeded)) };
    let lead_time = ten_days(&[of_commit("one", 1, run(2, 3, RunResult::Succeeded)), other]).lead_time;
    assert_eq!(lead_time.unwrap().count, 2);
}

#[test]
fn failures_in_a_row_are_one_until_the_next_good_end() {
    let other = Run { document: "b".into(), ..run(3, 4, RunResult::Succeeded) };
    let removal = Run { did: Did::Removed, ..run(4, 5, RunResult::Succeeded) };
    let found_in_order = Run { did: Did::Nothing, ..run(20, 21, RunResult::Succeeded) };
    let runs = [
        run(0, 1, RunResult::Failed),
        run(2, 2, RunResult::RolledBack),
        other,
        removal,
        run(5, 6, RunResult::Interrupted),
        // From hour 1 to hour 7.
        run(6, 7, RunResult::Succeeded),
        // From hour 11 to hour 21, by a run that executed nothing.
        run(10, 11, RunResult::Failed),
        found_in_order,
        run(30, 31, RunResult::Failed),
    ];
    let figures = ten_days(&runs);
    let restore = figures.time_to_restore.unwrap();
    assert_eq!((restore.count, restore.median_ms), (2, 8 * HOUR_MS));
    assert_eq!(restore.p90_ms, 9 * HOUR_MS + 36 * 60_000);
    assert_eq!(figures.not_restored, 1);
}

#[test]
fn a_failure_that_executed_nothing_is_no_failed_change() {
    let checks = Run { did: Did::Nothing, ..run(1, 2, RunResult::Failed) };
    let figures = ten_days(&[checks, run(3, 4, RunResult::Succeeded)]);
    assert_eq!((figures.failed, figures.time_to_restore), (0, None));
}

#[test]
fn quantiles_lie_between_their_neighbours() {
    let of = |times: &[u64]| Spread::of(times.to_vec()).map(|spread| (spread.median_ms, spread.p90_ms));
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[7]), Some((7, 7)));
    assert_eq!(of(&[20, 10]), Some((15, 19)));
    assert_eq!(of(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]), Some((6, 10)));
    assert_eq!(of(&[u64::MAX, 0]), Some((u64::MAX / 2, u64::MAX / 10 * 9 + 4)));
}

#[test]
fn results_by_exit_code() {
    let rows = [
        (None, RunResult::Unknown),
        (Some(0), RunResult::Succeeded),
        (Some(1), RunResult::Failed),
        (Some(20), RunResult::Failed),
        (Some(21), RunResult::Waiting),
        (Some(22), RunResult::Interrupted),
        (Some(23), RunResult::Unknown),
        (Some(50), RunResult::RolledBack),
        (Some(137), RunResult::Unknown),
        (Some(-1), RunResult::Failed),
    ];
    for (code, result) in rows {
        assert_eq!(RunResult::of(code, false), result, "{code:?}");
    }
    assert_eq!(RunResult::of(None, true), RunResult::Running);
}

#[test]
fn what_a_run_did_follows_from_its_attempts() {
    assert_eq!(Did::of([]), Did::Nothing);
    assert_eq!(Did::of([true, true]), Did::Removed);
    assert_eq!(Did::of([true, false]), Did::Deployed, "a sync that removes something too");
}

#[test]
fn a_commit_is_what_the_options_say() {
    let options = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let time: Timestamp = "2026-11-01T08:00:00Z".parse().unwrap();
    assert_eq!(Commit::of(&options(&[("jobs", "2")])), None);
    assert_eq!(Commit::of(&options(&[("commit", ""), ("commit_time", "2026-11-01T08:00:00Z")])), None);
    let known = Commit::of(&options(&[("commit", "c0ffee"), ("commit_time", "2026-11-01T10:00:00+02:00")]));
    assert_eq!(known, Some(Commit { id: "c0ffee".to_owned(), time: Some(time) }));
    let odd = Commit::of(&options(&[("commit", "c0ffee"), ("commit_time", "yesterday")]));
    assert_eq!(odd, Some(Commit { id: "c0ffee".to_owned(), time: None }));
}

#[test]
fn a_task_came_to_what_its_last_state_says() {
    let attempt = crate::id::AttemptId::new("A");
    let failed = TaskState::Failed { reason: String::new() };
    let running = TaskState::Running { attempt, number: 1 };
    let rows = [
        (Some(&TaskState::Completed), false, TaskResult::Succeeded),
        (Some(&failed), false, TaskResult::Failed),
        (Some(&TaskState::Pending), false, TaskResult::Interrupted),
        (Some(&TaskState::Pending), true, TaskResult::Running),
        (Some(&running), true, TaskResult::Running),
        (Some(&running), false, TaskResult::Unknown),
        (None, true, TaskResult::Running),
        (None, false, TaskResult::Unknown),
    ];
    for (state, at_work, result) in rows {
        assert_eq!(TaskResult::of(state, at_work), result, "{state:?} {at_work}");
    }
}
