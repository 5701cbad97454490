//! Recordings that are not as they should be.

use super::data::{
    BEGAN, ERRORS, STEPS, answer, counter, errors, metric, numbers, recording, rollout, texts,
};
use proptest::prelude::*;
use taskmaster_delivery::rehearse::{Flaw, Options, Recording, rehearse};

fn result(text: &str) -> String {
    recording("", &[metric("rate", &[("result", text.to_owned())])])
}

fn series(values: &str) -> String {
    result(&answer(&[format!(r#"{{"metric":{{"job":"web"}},"values":[{values}]}}"#)]))
}

#[test]
fn each_fault_names_metric_series_and_time() {
    let counted = |role: &str, one: String| recording("", &[metric("slow", &[(role, answer(&[one]))])]);
    for (text, expected) in [
        (series(r#"[10,"1"],[25,"one"]"#), r#"rate result {job="web"}: at 25: `one` is no number"#),
        (series(r#"[10,"1"],[9,"1"]"#), r#"rate result {job="web"}: at 9: time goes back"#),
        (series(r#"[10,"1"],[10,"1"]"#), r#"rate result {job="web"}: at 10: there is a second sample"#),
        (series(r#"[-5,"1"]"#), r#"rate result {job="web"}: the time -5 is not in seconds since 1970"#),
        (series(r#"[1763740800000,"1"]"#), r#"{job="web"}: the time 1763740800000 is not in seconds"#),
        (
            result(&answer(&[numbers(r#""pod":"a""#, 0, &[1.0]), numbers(r#""pod":"b""#, 0, &[1.0])])),
            r#"rate result: 2 series where one is wanted: {pod="a"} and {pod="b"}"#,
        ),
        (
            result(r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#),
            "rate result: the answer is an error: parse error",
        ),
        (
            result(r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#),
            "rate result: `vector` is no answer of `query_range`",
        ),
        (result(r#"{"status":"success"}"#), "rate result: the answer has no data"),
        (
            counted("canaryBuckets", counter(r#""pod":"a""#, 0.0, &[1.0])),
            r#"slow canaryBuckets {pod="a"}: has no label `le`"#,
        ),
        (
            counted("canaryBuckets", counter(r#""le":"fast""#, 0.0, &[1.0])),
            r#"slow canaryBuckets {le="fast"}: `fast` is no bound of a bucket"#,
        ),
        (result(&answer(&[])), "there are no samples"),
        (errors(r#""start":4,"#, &[[1.0; 4]]), "start: 1970-01-01T00:00:04Z is not near the samples"),
        (errors(r#""start":1e300,"#, &[[1.0; 4]]), "start: 1"),
        (errors(r#""step":0,"#, &[[1.0; 4]]), "step: 0 is no number of seconds"),
        (errors(r#""weights":[[1,101]],"#, &[[1.0; 4]]), "weights: at 1: 101 is no percentage"),
        (errors(r#""weights":[[1,"NaN"]],"#, &[[1.0; 4]]), "weights: at 1: NaN is no percentage"),
        (errors(r#""steps":15,"#, &[[1.0; 4]]), "unknown field `steps`"),
        (recording("", &[metric("rate", &[("canery", answer(&[]))])]), "unknown variant `canery`"),
        (recording("", &[metric("a", &[]), metric("a", &[])]), "a second `a`"),
        (series(r#"[10,"1","2"]"#), "invalid length 3"),
        (series(r#"[10]"#), "invalid length 1"),
        (series("[10,[]]"), "invalid type: sequence, expected a number, or one in quotes"),
        ("{".to_owned(), "EOF while parsing"),
        (String::new(), "EOF while parsing"),
        ("[".repeat(100_000), "EOF while parsing"),
    ] {
        let fault = Recording::read(&text).unwrap_err().to_string();
        assert!(fault.contains(expected), "{expected}\n{fault}");
    }
}

#[test]
fn what_can_be_survived_is_a_gap() {
    let gaps = |text: &str| -> Vec<(Flaw, i64, i64)> {
        let recording = Recording::read(text).unwrap();
        let seconds = |time: taskmaster_delivery::time::Time| time.0 / 1_000 - BEGAN;
        recording.gaps().iter().map(|gap| (gap.what, seconds(gap.from), seconds(gap.until))).collect()
    };
    let gauge = |values: &[&str]| result(&answer(&[texts("", 0, values)]));
    assert_eq!(
        gaps(&gauge(&["1", "NaN", "NaN", "2", "NaN"])),
        [(Flaw::NotANumber, 15, 30), (Flaw::NotANumber, 60, 60)]
    );
    assert_eq!(gaps(&gauge(&["+Inf", "-1", "1e300"])), []);
    let count = |values: &[&str]| {
        recording("", &[metric("errors", &[("canaryTotal", answer(&[texts("", 0, values)]))])])
    };
    assert_eq!(
        gaps(&count(&["1", "-1", "+Inf", "1e300", "5", "NaN", "4"])),
        [(Flaw::NotANumber, 75, 75), (Flaw::Impossible, 15, 45), (Flaw::Reset, 60, 90)]
    );
    let far = format!(r#"[{BEGAN},"1"],[{},"1"],[{},"1"]"#, BEGAN + 15, BEGAN + 60);
    assert_eq!(gaps(&series(&far)), [(Flaw::Missing, 15, 60)]);
    let stated =
        recording(r#""step":30,"#, &[metric("rate", &[("result", answer(&[texts("", 0, &["1"; 3])]))])]);
    assert_eq!(gaps(&stated), [(Flaw::Step, 0, 30)]);
    let words = Recording::read(&stated).unwrap().gaps()[0].to_string();
    assert_eq!(
        words,
        "rate result {}: samples are not as far apart as `step` says, 2025-11-21T16:00:00Z to 2025-11-21T16:00:30Z"
    );
}

#[test]
fn json_that_was_read_already_is_the_same() {
    let bare = answer(&[numbers("", 0, &[0.5, 0.25])]);
    for text in
        [bare, errors(r#""start":1763740800,"weights":[[1763740800,"10"]],"#, &[[5.0, 1.0, 9.0, 1.0]; 3])]
    {
        let json = serde_json::from_str(&text).unwrap();
        assert_eq!(Recording::of(&json), Recording::read(&text));
        assert!(Recording::of(&json).is_ok());
    }
}

#[test]
fn gaps_and_texts_are_bounded() {
    let values: Vec<&str> = (0..6_000).map(|place| if place % 2 == 0 { "NaN" } else { "1" }).collect();
    let recording = Recording::read(&result(&answer(&[texts("", 0, &values)]))).unwrap();
    assert_eq!((recording.gaps().len(), recording.more_gaps()), (1_000, 2_000));
    let long = format!(r#"{{"status":"error","error":"{}"}}"#, "é".repeat(100_000));
    assert!(Recording::read(&result(&long)).unwrap_err().to_string().len() < 1_000);
    let label = format!(r#""pod":"{}""#, "é".repeat(100_000));
    let fault = Recording::read(&result(&answer(&[texts(&label, 0, &["x"])]))).unwrap_err();
    assert!(fault.to_string().len() < 1_000);
    let many = vec![texts("", 0, &["1"]); 10_001];
    let fault = Recording::read(&errors_total(&many)).unwrap_err();
    assert_eq!(fault.to_string(), "errors canaryTotal: 10001 series, at most 10000 are read");
    assert!(Recording::read(&errors_total(&many[1..])).is_ok());
}

fn errors_total(series: &[String]) -> String {
    recording("", &[metric("errors", &[("canaryTotal", answer(series))])])
}

#[test]
fn bounds_are_those_of_the_histogram() {
    let bucket = |le: &str| counter(&format!(r#""le":"{le}""#), 0.0, &[1.0]);
    let all = answer(&[bucket("0.25"), bucket("+Inf")]);
    let answers = [("canaryBuckets", all.clone()), ("baselineBuckets", all)];
    let spec = |bound: &str| {
        rollout(STEPS, &format!(r#"{{"name":"slow","test":{{"of":"latency","bounds":[{bound}]}}}}"#))
    };
    let seconds = Recording::read(&recording("", &[metric("slow", &answers)])).unwrap();
    let millis = recording(r#""le_unit":"milliseconds","#, &[metric("slow", &answers)]);
    let millis = Recording::read(&millis).unwrap();
    assert!(seconds.fits(&spec("250")).is_ok() && seconds.fits(&spec("0.25")).is_err());
    assert!(millis.fits(&spec("0.25")).is_ok());
    assert_eq!(
        millis.fits(&spec("250")).unwrap_err()[0].to_string(),
        "slow canaryBuckets: 250 ms is no bound of the histogram, which has 0.25, +Inf"
    );
    let lacks = Recording::read(&errors_total(&[texts("", 0, &["1"])])).unwrap();
    let lacking = lacks.fits(&rollout(STEPS, ERRORS)).unwrap_err();
    assert_eq!(lacking[0].to_string(), "errors: `canaryFailures` was not recorded");
    assert_eq!(lacking.len(), 3);
}

/// Pieces of which texts are made that are nearly recordings.
fn piece() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("NaN".to_owned()),
        Just("+Inf".to_owned()),
        Just("1e309".to_owned()),
        any::<f64>().prop_map(|value| value.to_string()),
        (0u64..1_000).prop_map(|value| value.to_string()),
    ];
    let time = prop_oneof![
        5 => (0u32..5_000).prop_map(|at| at.to_string()),
        1 => any::<i64>().prop_map(|at| at.to_string()),
        1 => Just("1e11".to_owned()),
    ];
    prop::collection::vec((time, value), 0..12).prop_map(|samples| {
        let mut samples: Vec<_> = samples;
        samples.sort_by_key(|(time, _)| time.parse::<i64>().unwrap_or(i64::MAX));
        samples.dedup_by_key(|(time, _)| time.clone());
        let samples: Vec<String> =
            samples.iter().map(|(time, value)| format!(r#"[{time},"{value}"]"#)).collect();
        format!(r#"{{"metric":{{"le":"0.25"}},"values":[{}]}}"#, samples.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_text_panics(text in ".*", at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let _ = Recording::read(&text);
        let mut bytes = errors(r#""start":1763740800,"step":15,"weights":[[1763740800,10]],"#, &[[5.0, 1.0, 9.0, 1.0]; 3]).into_bytes();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        if let Ok(recording) = Recording::read(&String::from_utf8_lossy(&bytes)) {
            rehearse(&rollout(STEPS, ERRORS), &recording, Options::default());
        }
    }

    #[test]
    fn no_number_panics(pieces in prop::collection::vec(piece(), 8)) {
        let one = |place: usize| answer(&[pieces[place].clone()]);
        let roles = ["canaryTotal", "canaryFailures", "baselineTotal", "baselineFailures"];
        let counted: Vec<_> = roles.into_iter().enumerate().map(|(place, role)| (role, one(place))).collect();
        let slow = [("canaryBuckets", one(4)), ("baselineBuckets", one(5))];
        let means = [("canary", one(6)), ("baseline", one(7))];
        let text = recording("", &[metric("errors", &counted), metric("slow", &slow), metric("load", &means)]);
        let metrics = format!(r#"{ERRORS},{{"name":"slow","test":{{"of":"latency","bounds":[250]}}}},{{"name":"load","test":{{"of":"mean","bounds":[1]}}}}"#);
        if let Ok(recording) = Recording::read(&text) {
            let look = std::time::Duration::from_secs(7);
            let rehearsal = rehearse(&rollout(STEPS, &metrics), &recording, Options { look, ..Options::default() });
            prop_assert!(rehearsal.events.iter().all(|event| event.at >= rehearsal.began && event.at <= rehearsal.last));
            serde_json::to_string(&rehearsal).unwrap();
        }
    }
}
