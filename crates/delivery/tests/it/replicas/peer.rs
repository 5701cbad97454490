//! What upstream itself answered.

use super::generate::Generator;
use super::question::Question;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Answered {
    question: Question,
    answer: Value,
}

/// Questions that `tests/differential/run --fixture` asked upstream.
#[test]
fn upstream_answered_the_same() {
    let mut asked: BTreeMap<String, u32> = BTreeMap::new();
    for (number, line) in include_str!("../../fixtures/replicas.jsonl").lines().enumerate() {
        let Answered { question, answer } = serde_json::from_str(line).unwrap();
        assert_eq!(question.answer().unwrap(), answer, "line {}: {line}", number + 1);
        let name = serde_json::to_value(&question).unwrap()["function"].to_string();
        *asked.entry(name).or_default() += 1;
    }
    assert_eq!(asked.len(), 14, "every function is asked about: {asked:?}");
    assert!(asked.values().all(|count| *count >= 10), "{asked:?}");
}

/// No number stops the program, however far from sense: each number of a question is replaced by hostile
/// ones in turn.
#[test]
fn hostile_numbers_are_survived() {
    let mut generator = Generator::new(7);
    for _ in 0..300 {
        let question = serde_json::to_value(generator.question()).unwrap();
        for hostile in [i32::MIN, -1, 0, 1, i32::MAX] {
            replaced(&question, hostile, &mut |question| {
                if let Ok(question) = serde_json::from_value::<Question>(question) {
                    question.answer().unwrap();
                }
            });
        }
    }
}

/// Each number alone, and all at once.
fn replaced(question: &Value, hostile: i32, ask: &mut dyn FnMut(Value)) {
    let mut all = question.clone();
    let mut places = 0;
    each_number(&mut all, &mut |number| {
        *number = hostile.into();
        places += 1;
    });
    ask(all);
    for place in 0..places {
        let mut one = question.clone();
        let mut here = 0;
        each_number(&mut one, &mut |number| {
            if here == place {
                *number = hostile.into();
            }
            here += 1;
        });
        ask(one);
    }
}

fn each_number(value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Number(_) => change(value),
        Value::Array(values) => values.iter_mut().for_each(|value| each_number(value, change)),
        Value::Object(fields) => fields.values_mut().for_each(|value| each_number(value, change)),
        _ => (),
    }
}
