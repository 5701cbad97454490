//! When a measurement is healthy.

use proptest::prelude::*;
use taskmaster_delivery::analysis::answer::{Answer, MAX_SAMPLES, Sample};
use taskmaster_delivery::analysis::condition::{Condition, Readings, Variables};
use taskmaster_delivery::analysis::rule::{NoData, Outcome, Rule};

fn condition(text: &str) -> Condition {
    Condition::compile(text, Variables::default()).expect(text)
}

fn rule(success: &str, failure: &str) -> Rule {
    let of = |text: &str| (!text.is_empty()).then(|| condition(text));
    Rule::Conditions { success: of(success), failure: of(failure) }
}

fn letter(outcome: Outcome) -> char {
    match outcome {
        Outcome::Healthy => 'S',
        Outcome::Unhealthy => 'F',
        Outcome::Inconclusive => 'I',
        Outcome::Error => 'E',
    }
}

/// What an answer comes to if no data is inconclusive, evaluated, and unhealthy.
fn judge(rule: &Rule, answer: &Answer) -> String {
    let readings = Readings::One(answer.clone());
    let all = [NoData::Inconclusive, NoData::Evaluate, NoData::Unhealthy];
    all.map(|no_data| letter(rule.judge(&readings, no_data).outcome)).into_iter().collect()
}

const NAN: Answer = Answer::Scalar(f64::NAN);

#[test]
fn thresholds() {
    let within = |min, max| Rule::Within { min, max };
    let error = || Answer::Error { message: "down".to_owned() };
    let scalar = Answer::Scalar;
    let rows = [
        ("strictly less is healthy", Rule::Below(0.05), scalar(0.049_999), "SSS"),
        ("the threshold itself is not", Rule::Below(0.05), scalar(0.05), "FFF"),
        ("an infinity is a number", Rule::Below(0.05), scalar(f64::INFINITY), "FFF"),
        ("the other one, too", Rule::Below(0.05), scalar(f64::NEG_INFINITY), "SSS"),
        ("NaN is no data", Rule::Below(0.05), NAN, "IFF"),
        ("nothing is no data (FL#1365, AR#1905)", Rule::Below(0.05), Answer::Empty, "IEF"),
        ("nor is an empty list", Rule::Below(0.05), Answer::vector([]), "IEF"),
        ("a source that is down", Rule::Below(0.05), error(), "EEF"),
        ("every sample counts", Rule::Below(0.05), Answer::vector([0.01, 0.06]), "FFF"),
        ("all are well", Rule::Below(0.05), Answer::vector([0.01, 0.02]), "SSS"),
        ("one NaN among them", Rule::Below(0.05), Answer::vector([0.01, f64::NAN]), "IFF"),
        ("a threshold that is NaN lets nothing pass", Rule::Below(f64::NAN), scalar(0.0), "FFF"),
        ("the lower end is included", within(Some(99.0), Some(100.0)), scalar(99.0), "SSS"),
        ("the upper end is included", within(Some(99.0), Some(100.0)), scalar(100.0), "SSS"),
        ("less", within(Some(99.0), Some(100.0)), scalar(98.999), "FFF"),
        ("more", within(Some(99.0), Some(100.0)), scalar(100.001), "FFF"),
        ("no upper end", within(Some(99.0), None), scalar(1e300), "SSS"),
        ("no lower end", within(None, Some(500.0)), scalar(-1.0), "SSS"),
        ("more than the only end", within(None, Some(500.0)), scalar(500.1), "FFF"),
        ("NaN in a range", within(None, None), NAN, "IFF"),
        ("too many samples", Rule::Below(1.0), Answer::vector(vec![0.0; MAX_SAMPLES + 1]), "EEF"),
        ("as many as may be", Rule::Below(1.0), Answer::vector(vec![0.0; MAX_SAMPLES]), "SSS"),
    ];
    for (name, rule, answer, outcomes) in rows {
        assert_eq!(judge(&rule, &answer), outcomes, "{name}");
    }
}

/// `TestEvaluateResult*` of Argo Rollouts' `utils/evaluate/evaluate_test.go`, as facts: which conditions
/// hold, and what it comes to. Its expressions there are constants; here they hold of 1 or do not.
#[test]
fn success_and_failure_conditions() {
    let (yes, no, broken) = ("result > 0.0", "result < 0.0", "result[0] > 0.0");
    let rows = [
        (yes, no, 'S'),
        (yes, yes, 'F'),
        (no, yes, 'F'),
        (no, no, 'I'),
        (yes, "", 'S'),
        (no, "", 'F'),
        ("", no, 'S'),
        ("", yes, 'F'),
        ("", "", 'S'),
        (broken, yes, 'E'),
        (yes, broken, 'E'),
        (no, broken, 'E'),
        (broken, "", 'E'),
        ("", broken, 'E'),
    ];
    for (success, failure, outcome) in rows {
        let finding = rule(success, failure).judge(&Readings::One(Answer::Scalar(1.0)), NoData::Evaluate);
        assert_eq!(letter(finding.outcome), outcome, "{success} | {failure}");
    }
}

/// No data and NaN under conditions (AR#1905, AR#2101): nothing is healthy that says nothing of them.
#[test]
fn no_data_under_conditions() {
    let (none, nothing) = (Answer::vector([]), Answer::Empty);
    let rows = [
        ("result[0] of an empty list is an error there", rule("result[0] < 0.05", ""), &none, "IEF"),
        ("all of nothing is true there", rule("result.all(r, r < 0.05)", ""), &none, "ISF"),
        ("comparing null is an error there", rule("result < 0.05", ""), &nothing, "IEF"),
        ("NaN compares false there", rule("result < 0.05", ""), &NAN, "IFF"),
        ("as a failure condition, too", rule("", "result > 0.05"), &NAN, "ISF"),
        ("both false", rule("result < 0.05", "result > 0.05"), &NAN, "IIF"),
        ("the user asks for NaN", rule("isNaN(result) || result < 0.05", ""), &NAN, "SSS"),
        ("or against it", rule("!isNaN(result) && result < 0.05", ""), &NAN, "FFF"),
        ("but not for no data", rule("isNaN(result) || result < 0.05", ""), &nothing, "IEF"),
        ("the user asks for no data", rule("default(result, 0.0) < 0.05", ""), &nothing, "SSS"),
        ("with a size", rule("size(result) == 0", ""), &none, "SSS"),
        ("one condition of two asks", rule("default(result, 0.0) < 0.05", "result > 1.0"), &nothing, "IEF"),
        ("no condition at all", rule("", ""), &nothing, "ISF"),
    ];
    for (name, rule, answer, outcomes) in rows {
        assert_eq!(judge(&rule, answer), outcomes, "{name}");
    }
}

#[test]
fn both_versions() {
    let variables = Variables { shape: None, pair: true };
    let success = Some(Condition::compile("canary <= baseline * 2.0", variables).unwrap());
    let rule = Rule::Conditions { success, failure: None };
    let pair = |baseline, canary| Readings::Pair { baseline, canary };
    let rows = [
        (pair(Answer::Scalar(0.02), Answer::Scalar(0.03)), 'S'),
        (pair(Answer::Scalar(0.02), Answer::Scalar(0.05)), 'F'),
        (pair(Answer::Empty, Answer::Scalar(0.05)), 'I'),
        (pair(Answer::Scalar(0.02), NAN), 'I'),
        (pair(Answer::Error { message: String::new() }, Answer::Scalar(0.05)), 'E'),
        (Readings::One(Answer::Scalar(0.01)), 'E'),
    ];
    for (readings, outcome) in rows {
        assert_eq!(
            letter(rule.judge(&readings, NoData::Inconclusive).outcome),
            outcome,
            "{}",
            readings.show()
        );
    }
    let below =
        Rule::Below(0.05).judge(&pair(Answer::Scalar(9.0), Answer::Scalar(0.01)), NoData::Inconclusive);
    assert_eq!(below.outcome, Outcome::Healthy, "a rule without names is about the canary");
}

#[test]
fn reasons() {
    let rows = [
        (Rule::Below(0.05), Answer::Scalar(0.061), "0.061 is not < 0.05"),
        (Rule::Below(0.05), Answer::Scalar(0.01), "0.01 is < 0.05"),
        (Rule::Below(0.05), Answer::vector([0.01, 0.07]), "0.07 is not < 0.05"),
        (Rule::Within { min: Some(99.0), max: None }, Answer::Scalar(97.5), "97.5 is not >= 99"),
        (Rule::Within { min: Some(99.0), max: Some(1e20) }, Answer::Scalar(0.0), "0 is not in 99..1e20"),
        (rule("result < 0.05", ""), Answer::Scalar(0.061), "0.061: `result < 0.05` is false"),
        (rule("", "result > 0.05"), Answer::Scalar(0.061), "0.061: `result > 0.05` is true"),
        (rule("result < 0.1", "result > 0.2"), Answer::Scalar(0.15), "0.15: neither condition holds"),
        (
            rule("result[0] < 0.1", ""),
            Answer::Scalar(0.15),
            "cannot be judged by `result[0] < 0.1`: found no matching overload for '_[_]' applied to '(double, int)'",
        ),
        (Rule::Below(0.05), Answer::Empty, "has no data"),
        (Rule::Below(0.05), NAN, "is not a number"),
        (
            Rule::Below(0.05),
            Answer::Error { message: "a\tb\u{1b}[31m".to_owned() },
            "could not be measured: a b [31m",
        ),
    ];
    for (rule, answer, words) in rows {
        assert_eq!(rule.judge(&Readings::One(answer), NoData::Inconclusive).words, words);
    }
    let long = Answer::Error { message: "x".repeat(100_000) };
    let finding = Rule::Below(1.0).judge(&Readings::One(long), NoData::Inconclusive);
    assert!(finding.words.chars().count() < 400, "a stranger's text is cut");
}

/// Numbers that JSON does not know are kept, as Prometheus writes them.
#[test]
fn answers_as_json() {
    let sample = |value| Sample { labels: [("pod".to_owned(), "a".to_owned())].into(), value };
    let rows = [
        (Answer::Scalar(0.5), r#"{"scalar":0.5}"#),
        (Answer::Scalar(f64::INFINITY), r#"{"scalar":"+Inf"}"#),
        (Answer::Scalar(f64::NEG_INFINITY), r#"{"scalar":"-Inf"}"#),
        (NAN, r#"{"scalar":"NaN"}"#),
        (Answer::Vector(vec![sample(f64::NAN)]), r#"{"vector":[{"labels":{"pod":"a"},"value":"NaN"}]}"#),
        (Answer::Empty, r#""empty""#),
    ];
    for (answer, json) in rows {
        assert_eq!(serde_json::to_string(&answer).unwrap(), json);
        let read: Answer = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }
    assert_eq!(serde_json::from_str::<Answer>(r#"{"scalar":"0.25"}"#).unwrap(), Answer::Scalar(0.25));
    assert!(serde_json::from_str::<Answer>(r#"{"scalar":"many"}"#).is_err());
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), -1.0..1.0f64, Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)]
}

proptest! {
    /// The plain forms and the same said in CEL agree on any number, under every meaning of no data.
    #[test]
    fn plain_rules_agree_with_cel(value in number(), limit in -1.0..1.0f64, width in 0.0..1.0f64) {
        let upper = limit + width;
        let pairs = [
            (Rule::Below(limit), rule(&format!("result < {limit:?}"), "")),
            (Rule::Within { min: Some(limit), max: Some(upper) }, rule(&format!("result >= {limit:?} && result <= {upper:?}"), "")),
        ];
        for (plain, cel) in pairs {
            prop_assert_eq!(judge(&plain, &Answer::Scalar(value)), judge(&cel, &Answer::Scalar(value)));
        }
    }
}
