//! When a rehearsed rollout ends, and how.

use super::data::{
    Adds, BEGAN, ERRORS, STEPS, answer, counter, errors, errors_of, metric, numbers, recording, rollout,
    texts,
};
use super::{replay, took, weights};
use std::time::Duration;
use taskmaster_delivery::rehearse::{Ending, Flaw, Options, Person, Recording, Rehearsal, What, rehearse};
use taskmaster_delivery::spec::{GateKind, RolloutSpec, check};
use taskmaster_delivery::time::Time;

/// Twenty minutes in which both versions fail as often.
const HEALTHY: [Adds; 80] = [[100.0, 1.0, 900.0, 9.0]; 80];

fn why(rehearsal: &Rehearsal) -> &str {
    match &rehearsal.ending {
        Ending::RolledBack { why } | Ending::Unfinished { why } => why,
        Ending::Completed => "completed",
    }
}

#[test]
fn a_healthy_one_completes_when_its_pauses_are_over() {
    let rehearsal = replay(&rollout(STEPS, ERRORS), &errors("", &HEALTHY));
    assert_eq!((&rehearsal.ending, took(&rehearsal)), (&Ending::Completed, Some(240)));
    assert_eq!(weights(&rehearsal), [(0, 10.0), (120, 50.0), (240, 100.0)]);
    assert!(
        rehearsal
            .events
            .iter()
            .any(|event| event.what == What::Completed && event.at == Time((BEGAN + 240) * 1_000))
    );
    assert_eq!(rehearsal.gaps, []);
}

/// In each step 100 units of the canary and 900 of the stable version, of which two each fail: the canary's
/// share of the units is w = 0.1, of the failures 2 of 4. By the formula of the test a step multiplies each ratio θ
/// by θ² / (0.9 + 0.1 θ)⁴:
///
/// | θ | 1.25 | 1.5 | 2 | 3 | 5 | 10 | 20 | 50 |
/// |---|---|---|---|---|---|---|---|---|
/// | factor | 1.4156 | 1.8511 | 2.7321 | 4.3403 | 6.5077 | 7.6734 | 5.6555 | 2.0632 |
/// | to the 4th | 4 | 12 | 56 | 355 | 1794 | 3467 | 1023 | 18 |
///
/// The mean of the fourth powers is 6,729 / 8 = 841, less than 1 / 0.001; the fifth power of that of 10 alone is
/// 26,603, and an eighth of it is more. So it ends with the fifth step, 75 s after the first sample.
#[test]
fn a_faulty_one_is_taken_back_when_a_calculation_by_hand_says_so() {
    let rehearsal = replay(&rollout(STEPS, ERRORS), &errors("", &[[100.0, 2.0, 900.0, 2.0]; 80]));
    assert_eq!(took(&rehearsal), Some(75));
    let words = "errors: canary 2 % errors of 500 requests against 0.22 % of 4,500; e = ";
    assert!(why(&rehearsal).starts_with(words), "{:?}", rehearsal.ending);
    assert!(matches!(rehearsal.ending, Ending::RolledBack { .. }));
    assert_eq!(weights(&rehearsal), [(0, 10.0), (75, 0.0)]);
}

#[test]
fn an_incident_of_both_versions_is_none_of_the_new_one() {
    let mut adds = HEALTHY;
    adds[4..12].fill([100.0, 20.0, 900.0, 180.0]);
    let rehearsal = replay(&rollout(STEPS, ERRORS), &errors("", &adds));
    assert_eq!((&rehearsal.ending, took(&rehearsal)), (&Ending::Completed, Some(240)));
    // The same failures on the new version alone are no incident.
    adds[4..12].fill([100.0, 20.0, 900.0, 9.0]);
    let rehearsal = replay(&rollout(STEPS, ERRORS), &errors("", &adds));
    assert_eq!((took(&rehearsal), weights(&rehearsal).last()), (Some(75), Some(&(75, 0.0))));
}

/// The data of the calculation by hand, in two pods; the first one's process begins anew after the second step.
#[test]
fn a_counter_that_begins_anew_is_survived() {
    let halves = |whole: f64| {
        let begun = [7_000.0, 7_000.0 + whole / 2.0, 7_000.0 + whole];
        let anew: Vec<f64> = (1..=20).map(|step| f64::from(step) * whole / 2.0).collect();
        let first = numbers(r#""pod":"a""#, 0, &[&begun[..], &anew].concat());
        answer(&[first, counter(r#""pod":"b""#, 3.0, &[whole / 2.0; 22])])
    };
    let text = recording("", &[errors_of([halves(100.0), halves(2.0), halves(900.0), halves(2.0)])]);
    let rehearsal = replay(&rollout(STEPS, ERRORS), &text);
    assert_eq!(took(&rehearsal), Some(75));
    assert!(why(&rehearsal).contains("of 500 requests against 0.22 % of 4,500"), "{:?}", rehearsal.ending);
    let resets: Vec<_> =
        rehearsal.gaps.iter().map(|gap| (gap.what, (gap.from - rehearsal.began).as_secs())).collect();
    assert_eq!(resets, [(Flaw::Reset, 30); 4]);
}

/// The pod of the canary comes a minute after the recording begins, and its failures when the first one fails: what
/// they have counted by then was counted in the rollout. With three steps less the calculation by hand is the same.
#[test]
fn a_counter_that_comes_later_began_with_nothing() {
    let late = |add: f64| {
        let values: Vec<f64> = (1..=20).map(|step| f64::from(step) * add).collect();
        answer(&[numbers(r#""pod":"new""#, 60, &values)])
    };
    let old = |add: f64| answer(&[counter(r#""pod":"old""#, 5.0, &[add; 24])]);
    let mut baseline = vec![0.0; 3];
    baseline.extend([2.0; 21]);
    let failures = answer(&[counter(r#""pod":"old""#, 5.0, &baseline)]);
    let text = recording("", &[errors_of([late(100.0), late(2.0), old(900.0), failures])]);
    let rehearsal = replay(&rollout(STEPS, ERRORS), &text);
    // The first look of both arms is that of the fourth step.
    assert_eq!(took(&rehearsal), Some(3 * 15 + 75), "{:?}", rehearsal.ending);
    assert!(why(&rehearsal).contains("canary 2 % errors of 500 requests"), "{:?}", rehearsal.ending);
}

/// A version that takes 0.3 s where the other one takes 0.2 s: above 250 ms are 2 of 100 against 2 of 900, as in the
/// calculation by hand, and above 1 s none, which leaves e = 1. Of the mean of both bounds a thousand is reached
/// when the first one alone has 2,000 − 1: with the fifth step (at least 26,603 / 8 = 3,325; 841 with the fourth).
#[test]
fn a_slow_one_is_taken_back_by_its_buckets() {
    let histogram = |units: f64, slow: f64| {
        let bucket = |le: &str, add: f64| counter(&format!(r#""le":"{le}""#), 50.0, &[add; 40]);
        answer(&[bucket("+Inf", units), bucket("0.25", units - slow), bucket("1", units), bucket("0.1", 0.0)])
    };
    let text = |slow| {
        let answers = [("canaryBuckets", histogram(100.0, slow)), ("baselineBuckets", histogram(900.0, 2.0))];
        recording("", &[metric("slow", &answers)])
    };
    let spec = rollout(STEPS, r#"{"name":"slow","test":{"of":"latency","bounds":[250,1000]}}"#);
    let rehearsal = replay(&spec, &text(2.0));
    assert_eq!(took(&rehearsal), Some(75), "{:?}", rehearsal.ending);
    assert!(
        why(&rehearsal).starts_with("slow: canary 2 % over 250 ms of 500 requests"),
        "{:?}",
        rehearsal.ending
    );
    assert_eq!(replay(&spec, &text(0.0)).ending, Ending::Completed);
}

/// A pod is started again between two samples and has almost as many requests as before, so that its upper buckets
/// rise while its lowest one falls. By hand: after 100 requests up to 250 ms and 3 up to 1 s come 96 and 8 of a new
/// process, which are 104; bucket by bucket they would be 96 and 1. The other version has the same, so nothing is
/// wrong with it.
#[test]
fn a_histogram_begins_anew_as_a_whole() {
    let bucket = |le: &str, values: [f64; 3]| numbers(&format!(r#""le":"{le}""#), 0, &values);
    let all = || {
        answer(&[
            bucket("0.25", [0.0, 100.0, 96.0]),
            bucket("1", [0.0, 103.0, 104.0]),
            bucket("+Inf", [0.0, 103.0, 104.0]),
        ])
    };
    let text = recording("", &[metric("slow", &[("canaryBuckets", all()), ("baselineBuckets", all())])]);
    let spec = rollout(STEPS, r#"{"name":"slow","test":{"of":"latency","bounds":[250,1000]}}"#);
    let rehearsal = replay(&spec, &text);
    let said = rehearsal.events.iter().rev().find_map(|event| match &event.what {
        What::Verdict { words, .. } => Some(words.clone()),
        _ => None,
    });
    assert!(said.as_ref().is_some_and(|said| said.contains("of 207 requests")), "{said:?} {rehearsal:?}");
}

/// Buckets of one bound that were not recorded for a while are waited for: what was not read together is no count.
#[test]
fn buckets_are_read_together() {
    let bucket = |le: &str, add: f64| counter(&format!(r#""le":"{le}""#), 50.0, &[add; 40]);
    let whole = |units: f64| answer(&[bucket("+Inf", units), bucket("0.25", units - 1.0)]);
    // The canary's lower bucket misses all samples from the third to the sixth.
    let lower: Vec<f64> = (0..=40).map(|step| 50.0 + 99.0 * f64::from(step)).collect();
    let lower = [numbers(r#""le":"0.25""#, 0, &lower[..3]), numbers("", 7 * 15, &lower[7..])];
    let begin = lower[0].trim_end_matches("]}");
    let rest = lower[1].split_once(r#""values":["#).unwrap().1;
    let canary = answer(&[bucket("+Inf", 100.0), format!("{begin},{rest}")]);
    let text =
        recording("", &[metric("slow", &[("canaryBuckets", canary), ("baselineBuckets", whole(100.0))])]);
    let spec = rollout(STEPS, r#"{"name":"slow","test":{"of":"latency","bounds":[250]}}"#);
    let rehearsal = replay(&spec, &text);
    assert_eq!(rehearsal.ending, Ending::Completed);
    let said = rehearsal.events.iter().find_map(|event| match &event.what {
        What::Verdict { words, .. } => Some(words.clone()),
        _ => None,
    });
    assert!(
        said.as_ref().unwrap().starts_with("canary 1 % over 250 ms of 1,600 requests against 1 %"),
        "{said:?}"
    );
    assert_eq!(rehearsal.gaps.len(), 1);
}

/// Means of 1 and 0 are bet on once for each sample. Capital of the bets after n samples is (1 + λ)ⁿ: the mean of
/// the eight is 1,027 after thirteen (0.95: 5,887; 0.7: 990; 0.4: 79; 0.2: 11; 0.1: 3.5; 0.05: 1.9; 0.02: 1.3;
/// 0.01: 1.1, in all 6,976 / 8 = 872, which is less) and more than 1,435 after fourteen (0.95 alone: 11,480 / 8).
/// The first sample is one of them, so it ends with the thirteenth step.
#[test]
fn a_mean_is_told_once() {
    let values = |value: f64| answer(&[numbers("", 0, &[value; 60])]);
    let text = recording("", &[metric("load", &[("canary", values(1.0)), ("baseline", values(0.0))])]);
    let spec = rollout(STEPS, r#"{"name":"load","test":{"of":"mean","bounds":[1]}}"#);
    let rehearsal = replay(&spec, &text);
    assert_eq!(took(&rehearsal), Some(13 * 15), "{:?}", rehearsal.ending);
}

const ANALYSIS: &str =
    r#"{"canary":{"steps":[{"setWeight":10},{"pause":{"duration":"WAIT"}},{"analysis":{}}]}}"#;
const RATE: &str = r#"{"name":"rate","threshold":0.05,"query":{"result":"q"}}"#;

fn analysed(wait: &str, metrics: &str, text: &str) -> Rehearsal {
    replay(&rollout(&ANALYSIS.replace("WAIT", wait), metrics), text)
}

#[test]
fn a_gap_holds_where_it_is_longer_than_five_minutes() {
    let before = numbers("", 0, &[0.01]);
    let after = numbers("", 900, &[0.01]);
    let values =
        |series: &str| series.split_once(r#""values":["#).unwrap().1.trim_end_matches("]}").to_owned();
    let series = format!(r#"{{"metric":{{}},"values":[{},{}]}}"#, values(&before), values(&after));
    for (wait, expected) in [
        ("299s", None),
        ("300s", Some("rate has no data")),
        ("899s", Some("rate has no data")),
        ("900s", None),
    ] {
        let text = recording("", &[metric("rate", &[("result", answer(std::slice::from_ref(&series)))])]);
        let rehearsal = analysed(wait, RATE, &text);
        match expected {
            None => assert_eq!(rehearsal.ending, Ending::Completed, "{wait}"),
            Some(words) => {
                assert!(matches!(rehearsal.ending, Ending::Unfinished { .. }), "{wait}");
                assert!(why(&rehearsal).contains(words), "{wait}: {}", why(&rehearsal));
                assert_eq!(took(&rehearsal), None);
                assert!(rehearsal.events.iter().any(|event| matches!(event.what, What::Paused { .. })));
            }
        }
    }
}

#[test]
fn numbers_are_judged_as_they_were_recorded() {
    for (value, expected) in [
        ("0.01", "completed"),
        ("0.05", "rate 0.05 is not < 0.05"),
        ("NaN", "rate is not a number"),
        ("+Inf", "rate +Inf is not < 0.05"),
        ("-Inf", "completed"),
        ("1e308", "is not < 0.05"),
    ] {
        let text = recording("", &[metric("rate", &[("result", answer(&[texts("", 0, &[value; 9])]))])]);
        let rehearsal = analysed("30s", RATE, &text);
        assert!(why(&rehearsal).contains(expected), "{value}: {}", why(&rehearsal));
        let is_doubt = value == "NaN";
        assert_eq!(matches!(rehearsal.ending, Ending::Unfinished { .. }), is_doubt, "{value}");
        assert_eq!(rehearsal.gaps.iter().any(|gap| gap.what == Flaw::NotANumber), is_doubt, "{value}");
    }
}

#[test]
fn conditions_get_the_form_that_they_ask_for() {
    let one = |value: f64| answer(&[numbers("", 0, &[value; 9])]);
    let pair = r#""query":{"canary":"q","baseline":"q"}"#;
    for (metrics, expected) in [
        (r#"{"name":"rate","successCondition":"result[0] < 0.5","query":{"result":"q"}}"#.to_owned(), true),
        (r#"{"name":"rate","successCondition":"result[0] < 0.1","query":{"result":"q"}}"#.to_owned(), false),
        (r#"{"name":"rate","successCondition":"result < 0.5","query":{"result":"q"}}"#.to_owned(), true),
        (format!(r#"{{"name":"rate","successCondition":"canary < baseline * 3.0",{pair}}}"#), true),
        (format!(r#"{{"name":"rate","successCondition":"canary < baseline",{pair}}}"#), false),
    ] {
        let answers = [("result", one(0.2)), ("canary", one(0.2)), ("baseline", one(0.1))];
        let rehearsal = analysed("30s", &metrics, &recording("", &[metric("rate", &answers)]));
        assert_eq!(rehearsal.ending == Ending::Completed, expected, "{metrics}: {:?}", rehearsal.ending);
    }
}

#[test]
fn no_look_sees_what_is_to_come() {
    // Bad from the sample at 60 s on: an analysis at 59 s passes, one at 60 s does not.
    let values = [0.01, 0.01, 0.01, 0.01, 0.9, 0.9, 0.9, 0.9, 0.9];
    let text = answer(&[numbers("", 0, &values)]);
    for (wait, is_good) in [("59s", true), ("60s", false)] {
        // A bare answer is that of the only metric.
        let rehearsal = analysed(wait, RATE, &text);
        assert_eq!(rehearsal.ending == Ending::Completed, is_good, "{wait}: {:?}", rehearsal.ending);
    }
}

/// What other people or programs would say is not part of a recording.
#[test]
fn every_gate_lets_it_go_on() {
    let gates: Vec<String> = GateKind::ALL
        .iter()
        .enumerate()
        .map(|(place, kind)| {
            let kind = serde_json::to_value(kind).unwrap();
            format!(r#"{{"name":"g{place}","kind":{kind},"url":"http://127.0.0.1/gate","interval":"10s"}}"#)
        })
        .collect();
    let text = format!(
        r#"{{"name":"web","replicas":4,"strategy":{STEPS},"analysis":{{"metrics":[{RATE}]}},"gates":[{}]}}"#,
        gates.join(",")
    );
    let spec: RolloutSpec = serde_json::from_str(&text).unwrap();
    let recording = Recording::read(&answer(&[numbers("", 0, &[0.01; 41])])).unwrap();
    let rehearsal = rehearse(&check(&spec).unwrap(), &recording, Options::default());
    assert_eq!(why(&rehearsal), "completed");
}

#[test]
fn a_person_comes_as_the_options_say() {
    let spec = rollout(r#"{"blueGreen":{"autoPromotion":false}}"#, RATE);
    let text = answer(&[numbers("", 0, &[0.01; 41])]);
    let recording = Recording::read(&text).unwrap();
    for (person, took, words) in [
        (Person::After(Duration::ZERO), Some(0), "at once"),
        (Person::After(Duration::from_secs(90)), Some(90), "after 90 s"),
        (Person::Never, None, "nobody came"),
    ] {
        let rehearsal = rehearse(&spec, &recording, Options { person, ..Options::default() });
        assert_eq!(super::took(&rehearsal), took);
        assert!(rehearsal.cannot_show.iter().any(|line| line.contains(words)), "{:?}", rehearsal.cannot_show);
        let is_told = rehearsal.events.iter().any(|event| matches!(event.what, What::Passed { .. }));
        assert_eq!(is_told, took.is_some());
        let expected = if took.is_some() { "completed" } else { "it waits for a person at step 2" };
        assert_eq!(why(&rehearsal), expected);
    }
}

#[test]
fn what_was_not_recorded_is_not_healthy() {
    let spec = rollout(&ANALYSIS.replace("WAIT", "30s"), RATE);
    let text = recording("", &[metric("other", &[("result", answer(&[numbers("", 0, &[0.01; 9])]))])]);
    let recording = Recording::read(&text).unwrap();
    let misfits = recording.fits(&spec).unwrap_err();
    assert_eq!(misfits[0].to_string(), "rate: nothing was recorded of it; there are other");
    let rehearsal = rehearse(&spec, &recording, Options::default());
    assert!(matches!(rehearsal.ending, Ending::Unfinished { .. }), "{:?}", rehearsal.ending);
    assert!(rehearsal.cannot_show.iter().any(|line| line.starts_with("rate: nothing was recorded of it")));
}

/// A threshold reads the result; where only one of the canary was recorded, that.
#[test]
fn a_threshold_reads_what_was_recorded_of_the_canary() {
    let [good, bad] = [0.01, 0.9].map(|value| answer(&[numbers("", 0, &[value; 41])]));
    for (answers, ends_well) in [
        (vec![("canary", &good)], true),
        (vec![("canary", &bad)], false),
        (vec![("canary", &bad), ("result", &good)], true),
    ] {
        let answers: Vec<(&str, String)> =
            answers.into_iter().map(|(role, text)| (role, text.clone())).collect();
        let rehearsal = analysed("30s", RATE, &recording("", &[metric("rate", &answers)]));
        assert_eq!(rehearsal.ending == Ending::Completed, ends_well, "{:?}", rehearsal.ending);
    }
}
