//! The counters of an analysis, rule by rule.

use super::{LIMITS, Limits, MINUTE, finding, letter, live, run};
use proptest::prelude::*;
use std::num::NonZeroU32;
use std::time::Duration;
use taskmaster_delivery::analysis::run::{MetricSpec, Phase, Policy, Retention, Run, RunSpec, SpecFault};
use taskmaster_delivery::time::Time;

const SECOND: Duration = Duration::from_secs(1);

/// One rule for each row: limits, outcomes, measurements taken, and where the run is then under the rules
/// of Argo Rollouts and under ours (`r` is running).
#[test]
fn rules_of_one_metric() {
    let counted = |count| Limits { count, ..LIMITS };
    let rows: &[(&str, Limits, &str, usize, &str)] = &[
        ("interval without count never ends", LIMITS, "SSSSSSSSSSSS", 12, "rr"),
        ("count reached is successful", counted(3), "SSSS", 3, "SS"),
        ("errors do not count", counted(2), "SEESS", 4, "SS"),
        ("one failure is too many by default", counted(5), "SF", 2, "FF"),
        ("as many failures as the limit are allowed", Limits { failure: 2, ..counted(5) }, "FSFSS", 5, "SS"),
        ("one more fails", Limits { failure: 2, ..counted(5) }, "FSFFS", 4, "FF"),
        (
            "limit -1 switches failures off",
            Limits { failure: -1, successes: 2, ..counted(6) },
            "FFFFSS",
            6,
            "SS",
        ),
        ("one inconclusive is too many by default", counted(5), "SI", 2, "II"),
        ("as many inconclusive as the limit", Limits { inconclusive: 1, ..counted(3) }, "ISS", 3, "SS"),
        ("four errors in a row are allowed", counted(1), "EEEES", 5, "SS"),
        ("five are not", counted(1), "EEEEE", 5, "EE"),
        ("another outcome ends a row of errors", counted(2), "EEEESEEEES", 10, "SS"),
        ("successes in a row end early", Limits { successes: 2, failure: 3, ..counted(9) }, "SFSSS", 4, "SS"),
        ("an error ends a row of successes", Limits { successes: 2, failure: 3, ..LIMITS }, "SESS", 4, "SS"),
        (
            "an inconclusive one ends it too",
            Limits { successes: 2, failure: 3, inconclusive: 2, ..LIMITS },
            "SISS",
            4,
            "SS",
        ),
        (
            "count without successes in a row, both limits",
            Limits { successes: 3, failure: 1, ..counted(4) },
            "SSFS",
            4,
            "II",
        ),
        (
            "count without successes in a row, that limit alone",
            Limits { successes: 3, failure: -1, ..counted(4) },
            "SSFS",
            4,
            "FF",
        ),
        (
            "too many failures stand before enough successes",
            Limits { successes: 1, failure: 0, ..counted(4) },
            "F",
            1,
            "FF",
        ),
        (
            "AR#4479: nothing but allowed failures and errors",
            Limits { failure: 3, ..counted(3) },
            "FEFF",
            4,
            "SI",
        ),
        ("no data is not healthy", Limits { inconclusive: 2, ..counted(2) }, "II", 2, "SI"),
    ];
    for (rule, limits, outcomes, taken, phases) in rows {
        for (policy, phase) in [Policy::Argo, Policy::Own].into_iter().zip(phases.chars()) {
            let mut run = run(vec![limits.metric("m")], policy);
            assert_eq!(live(&mut run, outcomes), *taken, "{rule} ({policy:?})");
            assert_eq!(letter(run.phase()), phase, "{rule} ({policy:?})");
        }
    }
}

#[test]
fn without_count_and_interval_one_measurement_is_taken() {
    let mut run = run(vec![MetricSpec { name: "m".to_owned(), ..MetricSpec::default() }], Policy::Argo);
    assert_eq!(live(&mut run, "SS"), 1);
    assert_eq!(run.phase(), Phase::Successful);
}

/// If several limits are exceeded the later rule overrides. One measurement exceeds one limit at a time,
/// so a limit that was passed before the run began stands in: a row of errors that is not over yet.
#[test]
fn errors_stand_before_inconclusive_before_failed() {
    let exceeded = |failed: u32, inconclusive: u32, errors: u32| {
        let mut json = serde_json::to_value(run(vec![LIMITS.metric("m")], Policy::Argo)).unwrap();
        let counts = &mut json["metrics"][0]["state"]["counts"];
        counts["failed"] = failed.into();
        counts["inconclusive"] = inconclusive.into();
        counts["consecutive_error"] = errors.into();
        let mut run: Run = serde_json::from_value(json).unwrap();
        run.due(Time(0));
        run.measured(0, Time(0), finding(if errors > 0 { 'E' } else { 'S' })).unwrap();
        letter(run.phase())
    };
    let rows = [
        ((1, 0, 0), 'F'),
        ((1, 1, 0), 'I'),
        ((0, 1, 4), 'E'),
        ((1, 0, 4), 'E'),
        ((1, 1, 4), 'E'),
        ((0, 0, 0), 'r'),
    ];
    for ((failed, inconclusive, errors), phase) in rows {
        assert_eq!(exceeded(failed, inconclusive, errors), phase, "{failed} {inconclusive} {errors}");
    }
}

/// The outcome of the measurement before, and when the next one is due.
#[test]
fn the_next_measurement_hangs_on_the_last() {
    let every = |interval| MetricSpec {
        name: "m".to_owned(),
        interval,
        failure_limit: Some(9),
        inconclusive_limit: 9,
        ..MetricSpec::default()
    };
    let rows = [
        ("an interval after a success", Some(MINUTE), 'S', Some(60_700)),
        ("an interval after a failure", Some(MINUTE), 'F', Some(60_700)),
        ("ten seconds after an error, not an interval", Some(MINUTE), 'E', Some(10_700)),
        ("ten seconds also where the interval is shorter", Some(SECOND), 'E', Some(10_700)),
        ("an error without interval comes again", None, 'E', Some(10_700)),
        ("nothing after the only measurement", None, 'S', None),
    ];
    for (rule, interval, outcome, next) in rows {
        let mut run = run(vec![every(interval)], Policy::Own);
        assert_eq!(run.due(Time(0)), [0], "{rule}: the first is at once");
        assert_eq!(run.due(Time(500)), [0; 0], "{rule}: it is being measured");
        run.measured(0, Time(700), finding(outcome)).unwrap();
        assert_eq!(run.next_time(), next.map(Time), "{rule}: counted from its end");
        if let Some(next) = next {
            assert_eq!(run.due(Time(next - 1)), [0; 0], "{rule}: not before");
            assert_eq!(run.due(Time(next)), [0], "{rule}: then");
        }
    }
}

#[test]
fn the_initial_delay_counts_from_the_start_of_the_run() {
    let delayed = MetricSpec { initial_delay: Some(MINUTE), ..LIMITS.metric("delayed") };
    let mut run = run(vec![LIMITS.metric("at once"), delayed], Policy::Own);
    assert_eq!(run.next_time(), None, "it has not begun");
    assert_eq!(run.due(Time(1_000)), [0]);
    assert_eq!(run.next_time(), Some(Time(61_000)));
    assert_eq!(run.due(Time(60_999)), [0; 0]);
    assert_eq!(run.due(Time(61_000)), [1]);
    assert_eq!(run.asked(), [0, 1]);
}

/// The ends of two metrics, and of the run.
#[test]
fn the_worst_metric_decides() {
    let rows = [
        ("SS", 'S'),
        ("SF", 'F'),
        ("SI", 'I'),
        ("SE", 'E'),
        ("FI", 'F'),
        ("FE", 'F'),
        ("IE", 'E'),
        ("IF", 'F'),
    ];
    for (outcomes, phase) in rows {
        let once =
            |name| MetricSpec { consecutive_error_limit: 0, ..Limits { count: 1, ..LIMITS }.metric(name) };
        for flipped in [false, true] {
            let mut run = run(vec![once("a"), once("b")], Policy::Argo);
            assert_eq!(run.due(Time(0)), [0, 1]);
            let mut answers: Vec<(usize, char)> = outcomes.chars().enumerate().collect();
            if flipped {
                answers.reverse();
            }
            for (index, outcome) in answers {
                // After a failure nothing can be worse: the run has ended and takes no more.
                let is_over = run.phase() == Phase::Failed;
                assert_eq!(run.measured(index, Time(0), finding(outcome)).is_err(), is_over, "{outcomes}");
            }
            assert_eq!(letter(run.phase()), phase, "{outcomes} flipped: {flipped}");
        }
    }
}

/// How one metric's end touches another that could go on: the first outcome of `first`, the phases of
/// both metrics and of the run.
#[test]
fn one_bad_end_ends_the_others() {
    let rows = [('F', "FSF"), ('I', "ISI"), ('E', "ESE"), ('S', "Srr")];
    for (outcome, phases) in rows {
        let first =
            MetricSpec { consecutive_error_limit: 0, ..Limits { count: 1, ..LIMITS }.metric("first") };
        let mut run = run(vec![first, LIMITS.metric("endless")], Policy::Argo);
        run.due(Time(0));
        run.measured(1, Time(0), finding('S')).unwrap();
        run.measured(0, Time(0), finding(outcome)).unwrap();
        let mut seen: String = run.metrics().map(|(_, state, _)| letter(state.phase)).collect();
        seen.push(letter(run.phase()));
        assert_eq!(seen, phases);
        assert_eq!(run.due(Time(120_000)).is_empty(), outcome != 'S', "{outcome}: nothing more is measured");
    }
}

/// A bad end that is not the worst waits for what was begun, and that counts.
#[test]
fn what_was_begun_may_turn_out_worse() {
    let mut run = run(vec![LIMITS.metric("a"), LIMITS.metric("b"), LIMITS.metric("c")], Policy::Own);
    run.due(Time(0));
    run.measured(0, Time(0), finding('I')).unwrap();
    assert_eq!((run.phase(), run.next_time()), (Phase::Running, None));
    run.measured(1, Time(1), finding('F')).unwrap();
    assert_eq!((run.phase(), run.ended_at()), (Phase::Failed, Some(Time(1))));
    assert!(run.measured(2, Time(2), finding('S')).is_err(), "failed does not wait for the third");
}

#[test]
fn a_dry_run_decides_nothing() {
    let rows = [
        ("by name", vec!["^b-rate$"]),
        ("by wildcard", vec![".*"]),
        ("found anywhere in the name", vec!["b-"]),
        ("not named", vec![]),
    ];
    for (rule, dry_run) in rows {
        let spec = RunSpec {
            metrics: vec![Limits { count: 2, ..LIMITS }.metric("a-rate"), LIMITS.metric("b-rate")],
            dry_run: dry_run.iter().map(|&pattern| pattern.to_owned()).collect(),
            policy: Policy::Argo,
            ..RunSpec::default()
        };
        let mut run = Run::new(spec).unwrap();
        run.due(Time(0));
        run.measured(0, Time(0), finding('S')).unwrap();
        run.measured(1, Time(0), finding('F')).unwrap();
        let (_, dry, is_dry_run) = run.metrics().nth(1).unwrap();
        assert_eq!(dry.phase, Phase::Failed, "{rule}: it is assessed all the same");
        assert_eq!(is_dry_run, !dry_run.is_empty(), "{rule}");
        if is_dry_run {
            assert_eq!(run.phase(), Phase::Running, "{rule}");
            run.due(Time(60_000));
            run.measured(0, Time(60_000), finding('S')).unwrap();
            assert_eq!(run.phase(), Phase::Successful, "{rule}");
        } else {
            assert_eq!(run.phase(), Phase::Failed, "{rule}");
        }
    }
}

#[test]
fn a_run_of_dry_metrics_alone_is_successful() {
    for policy in [Policy::Argo, Policy::Own] {
        let spec = RunSpec {
            metrics: vec![LIMITS.metric("a")],
            dry_run: vec!["a".to_owned()],
            policy,
            ..RunSpec::default()
        };
        let mut run = Run::new(spec).unwrap();
        live(&mut run, "F");
        assert_eq!(run.phase(), Phase::Successful);
    }
}

/// Terminated after these outcomes: under the rules of Argo Rollouts, and under ours.
#[test]
fn termination() {
    let lax = Limits { failure: 9, inconclusive: 9, ..LIMITS };
    let rows = [
        ("no measurement", "", "SI"),
        ("a healthy one", "S", "SS"),
        ("allowed failures alone (AR#4479)", "FF", "SI"),
        ("errors alone (AR#4479)", "EE", "SI"),
        ("a success among failures", "FSF", "SS"),
    ];
    for (rule, outcomes, phases) in rows {
        for (policy, phase) in [Policy::Argo, Policy::Own].into_iter().zip(phases.chars()) {
            let mut run = run(vec![lax.metric("m")], policy);
            live(&mut run, outcomes);
            run.terminate(Time(999_000));
            assert_eq!(letter(run.phase()), phase, "{rule} ({policy:?})");
            assert_eq!(run.ended_at(), Some(Time(999_000)), "{rule}");
            assert_eq!(run.due(Time(9_999_000)), [0; 0], "{rule}");
        }
    }
    let mut asked = run(vec![lax.metric("m")], Policy::Argo);
    asked.due(Time(0));
    asked.terminate(Time(1));
    assert_eq!(asked.phase(), Phase::Successful, "what is being measured is dropped");
    assert!(asked.measured(0, Time(2), finding('F')).is_err());
}

/// AR#4792: a limit of failures in a row, beside or instead of that of all failures.
#[test]
fn failures_in_a_row() {
    let rows = [
        ("scattered failures pass", None, 1, "FSFSFS", 6, 'S'),
        ("more in a row fail", None, 1, "FSFFSS", 4, 'F'),
        ("an inconclusive one ends the row", None, 1, "FIFSSS", 6, 'S'),
        ("an error does not", None, 1, "FEFSSS", 3, 'F'),
        ("the other limit still holds", Some(2), 1, "FSFSFS", 5, 'F'),
    ];
    for (rule, failure_limit, in_a_row, outcomes, taken, phase) in rows {
        let metric = MetricSpec {
            failure_limit,
            consecutive_failure_limit: Some(in_a_row),
            ..Limits { count: 6, inconclusive: 1, ..LIMITS }.metric("m")
        };
        let mut run = run(vec![metric], Policy::Own);
        assert_eq!(live(&mut run, outcomes), taken, "{rule}");
        assert_eq!(letter(run.phase()), phase, "{rule}");
    }
}

#[test]
fn only_the_last_measurements_are_kept() {
    let rows = [(vec![], 10), (vec![("m", 3)], 3), (vec![("m", 3), (".*", 4)], 4), (vec![("^m$", 0)], 10)];
    for (rules, kept) in rows {
        let retention = |(metric, limit): (&str, u32)| Retention { metric: metric.to_owned(), limit };
        let spec = RunSpec {
            metrics: vec![Limits { failure: 1, ..LIMITS }.metric("m")],
            retention: rules.into_iter().map(retention).collect(),
            ..RunSpec::default()
        };
        let mut run = Run::new(spec).unwrap();
        live(&mut run, "FSSSSSSSSSSSSS");
        let (_, state, _) = run.metrics().next().unwrap();
        assert_eq!(state.measurements.len(), kept);
        assert_eq!(state.measurements.last().unwrap().finished_at, Time(13 * 60_000), "the newest stay");
        assert_eq!((state.counts.failed, state.counts.count), (1, 14), "counters know them all");
    }
}

#[test]
fn specs_that_make_no_sense() {
    let of = |metric: MetricSpec| RunSpec { metrics: vec![metric], ..RunSpec::default() };
    let patterns = |dry: &str| RunSpec { dry_run: vec![dry.to_owned()], ..of(LIMITS.metric("m")) };
    let one_of = |limits: Limits| of(limits.metric("m"));
    let m = || "m".to_owned();
    let small = |count, needed, limits| SpecFault::CountTooSmall { metric: m(), count, needed, limits };
    let both = "failure limit and consecutive success limit";
    let rows = [
        (RunSpec::default(), SpecFault::NoMetrics),
        (
            RunSpec { metrics: vec![LIMITS.metric("m"), LIMITS.metric("m")], ..RunSpec::default() },
            SpecFault::DuplicateName(m()),
        ),
        (one_of(Limits { failure: -1, ..LIMITS }), SpecFault::NoLimit(m())),
        (one_of(Limits { count: 3, failure: 2, successes: 2, ..LIMITS }), small(3, 4, both)),
        (one_of(Limits { count: 3, failure: -1, successes: 4, ..LIMITS }), small(3, 4, both)),
        (
            one_of(Limits { count: 1, failure: i64::from(u32::MAX), successes: u32::MAX, ..LIMITS }),
            small(1, 2 * u64::from(u32::MAX), both),
        ),
        (one_of(Limits { count: 1, inconclusive: 2, ..LIMITS }), small(1, 2, "inconclusive limit")),
        (
            of(MetricSpec { interval: None, ..Limits { count: 2, ..LIMITS }.metric("m") }),
            SpecFault::NoInterval(m()),
        ),
        (patterns("("), SpecFault::BadPattern("(".to_owned())),
        (patterns("x{9999999}"), SpecFault::BadPattern("x{9999999}".to_owned())),
        (patterns("other"), SpecFault::NoMatch("other".to_owned())),
    ];
    for (spec, fault) in rows {
        assert_eq!(Run::new(spec).unwrap_err(), fault);
    }
    let in_a_row =
        MetricSpec { consecutive_failure_limit: Some(1), failure_limit: None, ..LIMITS.metric("m") };
    assert!(Run::new(of(in_a_row)).is_ok(), "failures in a row are a limit, too");
}

/// Even where nothing that was counted speaks for it, as in a store that was written by somebody else.
#[test]
fn an_end_stays() {
    let mut json = serde_json::to_value(run(vec![LIMITS.metric("m")], Policy::Argo)).unwrap();
    json["metrics"][0]["state"]["phase"] = "failed".into();
    let mut run: Run = serde_json::from_value(json).unwrap();
    run.terminate(Time(0));
    assert_eq!(run.phase(), Phase::Failed);
}

#[test]
fn what_nobody_asked_for_is_refused() {
    let mut run = run(vec![LIMITS.metric("m")], Policy::Own);
    assert!(run.measured(0, Time(0), finding('S')).is_err());
    run.due(Time(0));
    assert!(run.measured(7, Time(0), finding('S')).is_err());
    run.measured(0, Time(0), finding('S')).unwrap();
    let before = run.clone();
    assert!(run.measured(0, Time(0), finding('F')).is_err(), "answered twice");
    assert_eq!(run, before, "and nothing changes");
}

fn limits() -> impl Strategy<Value = MetricSpec> {
    let interval =
        prop_oneof![Just(None), Just(Some(Duration::ZERO)), Just(Some(MINUTE)), Just(Some(Duration::MAX))];
    let failure = prop_oneof![Just(None), (0..4u32).prop_map(Some), Just(Some(u32::MAX))];
    (0..6u32, interval, failure, 0..3u32, 0..3u32, 0..3u32, proptest::option::of(0..3u32)).prop_map(
        |(count, interval, failure_limit, inconclusive, errors, successes, in_a_row)| MetricSpec {
            name: String::new(),
            interval,
            initial_delay: (errors == 1).then_some(MINUTE),
            count: NonZeroU32::new(count),
            failure_limit,
            consecutive_failure_limit: in_a_row,
            inconclusive_limit: inconclusive,
            consecutive_error_limit: errors,
            consecutive_success_limit: NonZeroU32::new(successes),
        },
    )
}

/// Things that happen to a run, in any order and at any time.
#[derive(Clone, Debug)]
enum Happening {
    Due(i64),
    Measured(usize, i64, char),
    Terminated(i64),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let time = prop_oneof![Just(i64::MIN), Just(i64::MAX), -100_000..1_000_000i64];
    let outcome = prop_oneof![Just('S'), Just('F'), Just('I'), Just('E')];
    let one = prop_oneof![
        10 => time.clone().prop_map(Happening::Due),
        20 => (0..4usize, time.clone(), outcome).prop_map(|(i, t, o)| Happening::Measured(i, t, o)),
        1 => time.prop_map(Happening::Terminated),
    ];
    proptest::collection::vec(one, 0..60)
}

fn is_final(before: Phase, after: Phase) -> bool {
    !before.is_terminal() || before == after
}

proptest! {
    /// No order of events and no clock makes it panic; an end stays; and a run that is stored and read
    /// again after every event goes on as the one that was not.
    #[test]
    fn any_order_of_events(
        mut metrics in proptest::collection::vec(limits(), 1..4),
        events in happenings(),
        dry in any::<bool>(),
        is_argo in any::<bool>(),
    ) {
        for (index, metric) in metrics.iter_mut().enumerate() {
            metric.name = format!("m{index}");
        }
        let policy = if is_argo { Policy::Argo } else { Policy::Own };
        let dry_run = if dry { vec!["m0".to_owned()] } else { vec![] };
        let Ok(mut run) = Run::new(RunSpec { metrics, dry_run, policy, ..RunSpec::default() }) else { return Ok(()) };
        let mut stored = run.clone();
        for event in events {
            let before: Vec<Phase> = run.metrics().map(|(_, state, _)| state.phase).collect();
            let phase = run.phase();
            for one in [&mut run, &mut stored] {
                match event {
                    Happening::Due(at) => drop(one.due(Time(at))),
                    Happening::Measured(index, at, outcome) => drop(one.measured(index, Time(at), finding(outcome))),
                    Happening::Terminated(at) => one.terminate(Time(at)),
                }
            }
            prop_assert!(is_final(phase, run.phase()));
            for (before, (_, state, _)) in before.into_iter().zip(run.metrics()) {
                prop_assert!(is_final(before, state.phase));
            }
            prop_assert_eq!(run.phase().is_terminal(), run.ended_at().is_some());
            prop_assert_eq!(run.phase().is_terminal(), run.judgement().is_some());
            stored = serde_json::from_str(&serde_json::to_string(&stored).unwrap()).unwrap();
            prop_assert_eq!(&run, &stored);
        }
    }

    /// Between two measurements that count lie at most as many errors as are allowed.
    #[test]
    fn a_finite_count_ends(metric in limits(), outcomes in proptest::collection::vec("[SFIE]", 40)) {
        let Some(count) = metric.effective_count() else { return Ok(()) };
        let most = usize::try_from((count + 1) * (metric.consecutive_error_limit + 1)).unwrap();
        prop_assert!(most <= outcomes.len());
        let Ok(mut run) = Run::new(RunSpec { metrics: vec![metric], ..RunSpec::default() }) else { return Ok(()) };
        run.due(Time(0));
        let mut taken = 0;
        for outcome in outcomes.concat().chars() {
            let now = run.next_time().unwrap_or(Time(0));
            run.due(now);
            if run.phase().is_terminal() {
                break;
            }
            run.measured(0, now, finding(outcome)).unwrap();
            taken += 1;
        }
        prop_assert!(run.phase().is_terminal() && taken <= most, "{} of {}", taken, most);
    }
}
