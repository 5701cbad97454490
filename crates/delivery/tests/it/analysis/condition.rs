//! Conditions in CEL: what is refused at load, what holds, and that no text and no number does harm.

use proptest::prelude::*;
use taskmaster_delivery::analysis::answer::{Answer, Gap, MAX_SAMPLES};
use taskmaster_delivery::analysis::condition::{Condition, Readings, Shape, Unanswered, Variables};

const ANY: Variables = Variables { shape: None, pair: false };
const SCALAR: Variables = Variables { shape: Some(Shape::Scalar), pair: false };
const VECTOR: Variables = Variables { shape: Some(Shape::Vector), pair: false };
const PAIR: Variables = Variables { shape: Some(Shape::Scalar), pair: true };

fn one(value: f64) -> Readings {
    Readings::One(Answer::Scalar(value))
}

fn many<const N: usize>(values: [f64; N]) -> Readings {
    Readings::One(Answer::vector(values))
}

fn pair(baseline: f64, canary: f64) -> Readings {
    Readings::Pair { baseline: Answer::Scalar(baseline), canary: Answer::Scalar(canary) }
}

#[test]
fn what_is_refused_at_load() {
    let chain = format!("1{} > 0", "+1".repeat(60));
    let deep = format!("{}true{}", "(".repeat(7), ")".repeat(7));
    let long = format!("result < 0.05{}", " ".repeat(2_000));
    let rows: &[(&str, Variables, &str)] = &[
        ("result <", ANY, "1:9: mismatched input '<EOF>'"),
        ("result < 0.05 &&\n  result >> 1", ANY, "2:11: "),
        ("", ANY, "1:1: mismatched input '<EOF>'"),
        ("reslut < 0.05", ANY, "1:1: nothing is called `reslut`"),
        ("result < 0.05 ||\n  other > 1", ANY, "2:3: nothing is called `other`"),
        ("result.all(r, r < limit)", VECTOR, "1:19: nothing is called `limit`"),
        ("result.all(r, r < 1.0) && r > 0.0", VECTOR, "1:27: nothing is called `r`"),
        ("abs(result) < 1.0", ANY, "1:1: no function is called `abs`"),
        ("canary < baseline", SCALAR, "1:1: `canary` is there only for a metric that asks for both"),
        ("result.value < 1.0", ANY, "1:7: a number has no field `value`"),
        ("result * 2.0", SCALAR, "1:1: gives double, neither true nor false"),
        ("result", VECTOR, "1:1: gives list, neither true nor false"),
        ("result[0] < 0.05", SCALAR, "1:1: found no matching overload for '_[_]' applied to '(double, int)'"),
        ("result[0.5] < 0.05", VECTOR, "1:1: a list cannot be indexed by double"),
        ("true && abs(1) < 2", SCALAR, "1:9: no function is called `abs`"),
        ("result < 0.05", VECTOR, "1:1: found no matching overload for '_<_'"),
        ("isNaN(result)", VECTOR, "1:1: Error executing function 'isNaN': takes a number, not list"),
        ("result * 100 < 5", SCALAR, "1:1: no `mul` of double and int: a double is written with a point"),
        ("isNaN(result, 1)", SCALAR, "1:1: `isNaN` does not take 2 values"),
        ("default(result) < 1.0", SCALAR, "1:1: `default` does not take 1 values"),
        ("string(result) == \"1\"", ANY, "1:19: a condition speaks of numbers: it has no strings"),
        ("{1: result}[1] < 2.0", ANY, "1:1: a condition speaks of numbers: it has no maps"),
        ("result < 0.05 // fine", ANY, "1:15: a condition has no comments"),
        ("result < 0,05)", ANY, "1:14: this bracket closes nothing"),
        ("(result[0) < 1.0", ANY, "1:10: this bracket closes nothing"),
        ("(result < 0.05", ANY, "1:15: a bracket is not closed"),
        ("résult < 0.05", ANY, "1:2: this character has no meaning here"),
        ("result < 0.05\0", ANY, "1:14: this character has no meaning here"),
        (&chain, ANY, "1:66: nested too deep"),
        (&deep, ANY, "1:7: nested too deep"),
        (&long, ANY, "1:1: 2013 bytes long, at most 1024 are read"),
        ("result.all(a, result.all(b, a < b))", VECTOR, "1:1: takes up to"),
        ("result.map(a, result.map(b, a))[0][0] > 1.0", VECTOR, "1:1: takes up to"),
    ];
    for (text, variables, expected) in rows {
        let fault = Condition::compile(text, *variables).expect_err(text);
        assert!(fault.to_string().starts_with(expected), "{text:.60}\n  {fault}\n  {expected}");
    }
}

#[test]
fn what_holds() {
    let empty = || Readings::One(Answer::Empty);
    let none = || many([]);
    let nan = f64::NAN;
    let rows: Vec<(&str, Variables, Readings, bool)> = vec![
        ("result < 0.05", ANY, one(0.049), true),
        ("result < 0.05", ANY, one(0.05), false),
        ("result <= 0.05", ANY, one(0.05), true),
        ("result < 1", ANY, one(0.5), true),
        ("result * 100.0 < 5.0", ANY, one(0.04), true),
        ("result * 100.0 < 5", ANY, one(0.06), false),
        ("result < 0.05", ANY, one(f64::NEG_INFINITY), true),
        ("isInf(result)", ANY, one(f64::INFINITY), true),
        ("isInf(result)", ANY, one(nan), false),
        ("isNaN(result)", ANY, one(nan), true),
        ("isNaN(result)", ANY, one(1.0), false),
        ("isNaN(result) || result < 0.05", ANY, one(nan), true),
        ("default(result, 0.0) < 0.05", ANY, empty(), true),
        ("default(result, 1.0) < 0.05", ANY, empty(), false),
        ("default(result, 1.0) < 0.05", ANY, one(0.01), true),
        ("isNaN(default(result, 1.0))", ANY, one(nan), true),
        ("default(result, [9.0])[0] > 1.0", VECTOR, none(), true),
        ("size(result) == 0 || result[0] > 1.0", VECTOR, none(), true),
        ("result[0] < 0.05", ANY, many([0.01, 9.0]), true),
        ("result.all(r, r < 0.05)", ANY, many([0.01, 0.04]), true),
        ("result.all(r, r < 0.05)", ANY, many([0.01, 0.06]), false),
        ("result.exists(r, r > 0.05)", ANY, many([0.01, 0.06]), true),
        ("size(result.filter(r, r > 0.05)) < 2", VECTOR, many([0.06, 0.01, 0.07]), false),
        ("max(result) < 0.05 && min(result) > 0.0", VECTOR, many([0.01, 0.04]), true),
        ("2.0 in result", VECTOR, many([2.0, 3.0]), true),
        ("result[0] < 0.05 ? true : result[1] < 0.05", VECTOR, many([1.0, 0.01]), true),
        ("canary <= baseline * 1.5", PAIR, pair(0.02, 0.03), true),
        ("canary <= baseline * 1.5", PAIR, pair(0.02, 0.031), false),
        ("result == canary && result != baseline", PAIR, pair(0.02, 0.03), true),
    ];
    for (text, variables, readings, expected) in rows {
        let condition = Condition::compile(text, variables).expect(text);
        assert_eq!(condition.holds(&readings), Ok(expected), "{text} of {}", readings.show());
    }
}

/// Errors of a measurement: only its numbers bring them about.
#[test]
fn what_cannot_be_told() {
    let too_many = Readings::One(Answer::vector(vec![0.0; MAX_SAMPLES + 1]));
    let failed = Readings::One(Answer::Error { message: "timeout\nafter 5 s".to_owned() });
    let source = |text: &str| Unanswered::Source(text.to_owned());
    let rows: Vec<(&str, Variables, Readings, Option<Unanswered>)> = vec![
        ("result[0] < 0.05", VECTOR, many([]), None),
        ("result[2] < 0.05", VECTOR, many([0.0]), None),
        ("result < 0.05", SCALAR, Readings::One(Answer::Empty), None),
        ("1 / int(result) > 0", SCALAR, one(0.0), None),
        ("int(result) > 0", SCALAR, one(1e300), None),
        ("result < 0.05", SCALAR, one(f64::NAN), Some(Unanswered::Unordered)),
        ("result.all(r, r < 0.05)", VECTOR, failed, Some(source("timeout after 5 s"))),
        ("result.all(r, r < 0.05)", VECTOR, too_many, Some(source("1001 samples, at most 1000 are read"))),
        ("canary < 0.05", PAIR, one(0.0), Some(Unanswered::NoPair)),
        (
            "result > 1.0 ? result > 2.0 : result == result || size([result]) > 0",
            SCALAR,
            Readings::One(Answer::Empty),
            None,
        ),
    ];
    for (text, variables, readings, expected) in rows {
        let condition = Condition::compile(text, variables).expect(text);
        let fault = condition.holds(&readings).expect_err(text);
        match expected {
            Some(expected) => assert_eq!(fault, expected, "{text}"),
            None => assert!(matches!(fault, Unanswered::Evaluation(_)), "{text}: {fault}"),
        }
    }
    let sometimes = Condition::compile("result > 1.0 ? result : result < 2.0", SCALAR).unwrap();
    assert_eq!(sometimes.holds(&one(5.0)), Err(Unanswered::NotBool("double".to_owned())));
}

/// A text that goes to the bounds does not overflow the 2 MiB stack of this thread: an overflow would
/// end the whole test binary.
#[test]
fn the_bounds_fit_the_stack() {
    let nested = |open: &str, core: &str, close: &str| {
        let fits = |n: &usize| {
            Condition::compile(&format!("{}{core}{}", open.repeat(*n), close.repeat(*n)), ANY)
                .err()
                .is_none_or(|fault| {
                    !fault.message.contains("too deep") && !fault.message.contains("bytes long")
                })
        };
        (0..200).take_while(fits).last().unwrap()
    };
    let rows = [
        ("(", "true", ")", 6),
        ("[", "true", "]", 6),
        ("max(", "1", ")", 6),
        ("result[", "0", "]", 6),
        ("result.all(x,", "true", ")", 6),
        ("1+", "1", "", 32),
        ("1<", "1", "", 32),
        ("true?1:", "1", "", 32),
        ("!", "true", "", 32),
        ("1+(1+", "1", ")", 4),
        ("true||(1<1+", "1", ")", 4),
        ("true&&", "true", "", 170),
    ];
    for (open, core, close, expected) in rows {
        assert_eq!(nested(open, core, close).min(expected + 1), expected, "{open}");
    }
}

/// The dearest texts that are let through, over as many samples as an answer may have.
#[test]
fn the_steps_are_bounded() {
    let full = Readings::One(Answer::vector(vec![0.5; MAX_SAMPLES]));
    for text in [
        "result.all(a, a < 1.0 && a > 0.0 && a != 0.25)",
        "size(result.filter(a, a < 1.0).map(a, a * 2.0)) == 1000",
        "[1.0, 2.0].all(a, result.exists(b, b < a))",
        "size(result + result + result) == 3000",
    ] {
        let condition = Condition::compile(text, VECTOR).expect(text);
        assert_eq!(condition.holds(&full), Ok(true), "{text}");
    }
    let tower = (0..6).fold("true".to_owned(), |inner, n| format!("[1,2,3,4,5,6,7,8,9].all(x{n}, {inner})"));
    let fault = Condition::compile(&tower, ANY).unwrap_err();
    assert!(fault.message.contains("takes up to") || fault.message.contains("too deep"), "{fault}");
}

#[test]
fn what_a_condition_says_about_no_data() {
    let rows = [
        ("result < 0.05", false, false),
        ("isNaN(result) || result < 0.05", true, false),
        ("default(result, 0.0) < 0.05", false, true),
        ("size(result) == 0", false, true),
        ("isNaN(default(result, 0.0))", true, true),
    ];
    for (text, nan, empty) in rows {
        let condition = Condition::compile(text, ANY).unwrap();
        assert_eq!(
            (condition.asks_for(Gap::NotANumber), condition.asks_for(Gap::Empty)),
            (nan, empty),
            "{text}"
        );
    }
}

#[test]
fn stored_and_read_again_it_is_checked_again() {
    let condition = Condition::compile("canary < baseline", PAIR).unwrap();
    let json = serde_json::to_string(&condition).unwrap();
    let read: Condition = serde_json::from_str(&json).unwrap();
    assert_eq!(read, condition);
    assert_eq!(read.holds(&pair(2.0, 1.0)), Ok(true));
    let forged = json.replace("baseline", "basement");
    let error = serde_json::from_str::<Condition>(&forged).unwrap_err().to_string();
    assert!(error.contains("1:10: nothing is called `basement`"), "{error}");
    fn is_shared<T: Send + Sync>(_: &T) {}
    is_shared(&condition);
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(0.0),
        Just(-0.0),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE)
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        number().prop_map(Answer::Scalar),
        proptest::collection::vec(number(), 0..5).prop_map(Answer::vector),
        Just(Answer::Empty),
        Just(Answer::Error { message: "\u{0}".repeat(9) }),
    ]
}

/// Words of the language in any order: mostly wrong, always near to what is right.
fn babble() -> impl Strategy<Value = String> {
    let words = [
        "result",
        "canary",
        "baseline",
        "isNaN",
        "isInf",
        "default",
        "size",
        "max",
        "min",
        "int",
        "uint",
        "double",
        "bool",
        "dyn",
        "true",
        "false",
        "null",
        "0",
        "1",
        "0.05",
        "1e400",
        "9223372036854775807",
        "18446744073709551615u",
        "0xff",
        ".",
        ",",
        "(",
        ")",
        "[",
        "]",
        "+",
        "-",
        "*",
        "/",
        "%",
        "<",
        "<=",
        "==",
        "!=",
        "!",
        "&&",
        "||",
        "?",
        ":",
        " in ",
        "x",
        ".all(x,",
        ".map(x,",
        ".filter(x,",
        ".exists(x,",
        ".exists_one(x,",
        "has(",
        "type(",
        "@",
        "\n",
        "'",
        "\\",
        "$",
        "ü",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..14)
        .prop_map(|words| words.concat())
}

/// Expressions that are well formed, of random depth.
fn expression() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec![
        "result",
        "canary",
        "baseline",
        "0",
        "1",
        "-1",
        "0.5",
        "9223372036854775807",
        "1u",
        "true",
        "null",
        "[]",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 16, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let operator =
            proptest::sample::select(vec!["+", "-", "*", "/", "%", "<", ">=", "==", "&&", "||", " in "]);
        let function = proptest::sample::select(vec![
            "isNaN", "isInf", "size", "max", "int", "uint", "double", "bool", "dyn", "-", "!",
        ]);
        let each = proptest::sample::select(vec!["all", "exists", "exists_one", "map", "filter"]);
        prop_oneof![
            (two.clone(), operator).prop_map(|((a, b), op)| format!("({a}{op}{b})")),
            (function, inner.clone()).prop_map(|(f, a)| format!("{f}({a})")),
            two.clone().prop_map(|(a, b)| format!("default({a},{b})")),
            two.clone().prop_map(|(a, b)| format!("{a}[{b}]")),
            two.clone().prop_map(|(a, b)| format!("[{a},{b}]")),
            (each, two.clone()).prop_map(|(f, (a, b))| format!("{a}.{f}(x,{b} == x)")),
            (two, inner).prop_map(|((a, b), c)| format!("({a}?{b}:{c})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// No text makes the compiler panic, and what it lets through gives an answer to any numbers.
    #[test]
    fn no_text_and_no_number_does_harm(
        text in prop_oneof![babble(), expression(), ".{0,40}"],
        variables in prop_oneof![Just(ANY), Just(SCALAR), Just(VECTOR), Just(PAIR)],
        first in answer(),
        second in answer(),
    ) {
        match Condition::compile(&text, variables) {
            Err(fault) => {
                let line = text.split('\n').nth(fault.line - 1);
                let width = line.map_or(0, |line| line.chars().count());
                prop_assert!(fault.column >= 1 && fault.column <= width + 1, "{} in {:?}", fault, text);
            }
            Ok(condition) => {
                let _ = condition.holds(&Readings::One(first.clone()));
                let _ = condition.holds(&Readings::Pair { baseline: first, canary: second });
            }
        }
    }

    /// The processor compares as CEL does.
    #[test]
    fn comparisons_are_those_of_numbers(value in number(), limit in -1e9..1e9f64) {
        for (operator, expected) in [("<", value < limit), (">", value > limit), ("<=", value <= limit), ("==", value == limit)] {
            let condition = Condition::compile(&format!("result {operator} {limit:?}"), SCALAR).unwrap();
            let holds = condition.holds(&one(value));
            if value.is_nan() && operator != "==" {
                prop_assert_eq!(holds, Err(Unanswered::Unordered));
            } else {
                prop_assert_eq!(holds, Ok(expected));
            }
        }
    }
}
