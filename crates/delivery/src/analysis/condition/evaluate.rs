//! Whether a condition holds.

use super::compile::{Condition, Fault};
use crate::analysis::answer::{Answer, Gap};
use crate::analysis::text;
use cel::{Context, ExecutionError, Value};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The answers to one measurement of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readings {
    /// Of a metric with one query: `result`.
    One(Answer),
    /// Of a metric that asks for both versions; `result` is the canary's.
    Pair {
        /// Of the stable version.
        baseline: Answer,
        /// Of the new one.
        canary: Answer,
    },
}

impl Readings {
    /// The answer that a rule without names is about.
    pub fn result(&self) -> &Answer {
        match self {
            Self::One(answer) | Self::Pair { canary: answer, .. } => answer,
        }
    }

    /// Every answer, the baseline's first.
    pub fn answers(&self) -> Vec<&Answer> {
        match self {
            Self::One(answer) => vec![answer],
            Self::Pair { baseline, canary } => vec![baseline, canary],
        }
    }

    /// For people: `0.061`, `baseline is 0.01, canary is 0.061`.
    pub fn show(&self) -> String {
        match self {
            Self::One(answer) => answer.show(),
            Self::Pair { baseline, canary } => {
                format!("baseline is {}, canary is {}", baseline.show(), canary.show())
            }
        }
    }
}

/// Why a condition gave neither true nor false.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// An answer is an error itself.
    #[error("{0}")]
    Source(String),
    /// NaN is neither less nor more than a number.
    #[error("NaN cannot be compared")]
    Unordered,
    /// Of these numbers it makes no sense.
    #[error("{0}")]
    Evaluation(String),
    /// It gives something else, such as `double`.
    #[error("gives {0}, neither true nor false")]
    NotBool(String),
    /// It speaks of both versions and was given one answer.
    #[error("there are no answers of both versions")]
    NoPair,
}

impl Condition {
    /// Evaluates it. Steps are bounded, see [`super`].
    ///
    /// # Errors
    /// Where it gives neither true nor false.
    pub fn holds(&self, readings: &Readings) -> Result<bool, Unanswered> {
        if self.variables().pair && matches!(readings, Readings::One(_)) {
            return Err(Unanswered::NoPair);
        }
        if let Some(message) = readings.answers().into_iter().find_map(Answer::error) {
            return Err(Unanswered::Source(message));
        }
        let has_nan = readings.answers().iter().any(|answer| answer.gap() == Some(Gap::NotANumber));
        match self.evaluate(readings) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(Unanswered::NotBool(kind(&other))),
            Err(error) if has_nan && is_unordered(&error) => Err(Unanswered::Unordered),
            Err(error) => Err(Unanswered::Evaluation(text::one_line(&explain(&error)))),
        }
    }

    fn evaluate(&self, readings: &Readings) -> Result<Value, ExecutionError> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        declare(&mut context).map_err(|error| ExecutionError::function_error("declare", error))?;
        context.add_variable_from_value("result", value(readings.result()));
        if let Readings::Pair { baseline, canary } = readings {
            context.add_variable_from_value("baseline", value(baseline));
            context.add_variable_from_value("canary", value(canary));
        }
        self.program.execute(&context)
    }
}

/// Tries a condition with plain numbers. What makes no sense for any shape is refused.
pub(super) fn rehearse(condition: &Condition) -> Result<(), Fault> {
    let mut refusal = None;
    for sample in condition.samples() {
        let readings = if condition.variables().pair {
            Readings::Pair { baseline: sample.clone(), canary: sample }
        } else {
            Readings::One(sample)
        };
        match refuse(condition, &readings) {
            Some(message) => refusal = refusal.or(Some(message)),
            None => return Ok(()),
        }
    }
    refusal.map_or(Ok(()), |message| Err(Fault::at(condition.text(), 0, message)))
}

/// A fault that other numbers of the same shape would not mend.
fn refuse(condition: &Condition, readings: &Readings) -> Option<String> {
    match condition.evaluate(readings) {
        Ok(Value::Bool(_)) => None,
        Ok(other) => Some(Unanswered::NotBool(kind(&other)).to_string()),
        Err(
            error @ (ExecutionError::NoSuchOverload(_)
            | ExecutionError::UnexpectedType { .. }
            | ExecutionError::UndeclaredReference(_)
            | ExecutionError::InvalidArgumentCount { .. }
            | ExecutionError::NotSupportedAsMethod { .. }
            | ExecutionError::UnsupportedIndex(..)
            | ExecutionError::UnsupportedBinaryOperator(..)
            | ExecutionError::FunctionError { .. }),
        ) => Some(explain(&error)),
        Err(_) => None,
    }
}

/// Two numbers that could not be ordered. The interpreter says it as if it did not know the operator.
fn is_unordered(error: &ExecutionError) -> bool {
    match error {
        ExecutionError::ValuesNotComparable(..) => true,
        ExecutionError::NoSuchOverload(overload) => {
            let numbers = ["double", "int", "uint"];
            ["_<_", "_<=_", "_>_", "_>=_"].contains(&overload.function())
                && overload.argument_types().iter().all(|kind| numbers.contains(&kind.as_str()))
        }
        _ => false,
    }
}

/// What the interpreter says, without its own notation of values.
fn explain(error: &ExecutionError) -> String {
    match error {
        ExecutionError::UnsupportedBinaryOperator(operator, one, other) => {
            let (one, other) = (kind(one), kind(other));
            format!("no `{operator}` of {one} and {other}: a double is written with a point, such as 100.0")
        }
        ExecutionError::UnsupportedIndex(index, of) => {
            format!("a {} cannot be indexed by {}", kind(of), kind(index))
        }
        ExecutionError::IndexOutOfBounds(_) => "there are not so many samples".to_owned(),
        other => other.to_string(),
    }
}

/// What the language calls a kind of value; the interpreter says float.
fn kind(value: &Value) -> String {
    match value {
        Value::Float(_) => "double".to_owned(),
        other => other.type_of().to_string(),
    }
}

/// A number, a list of numbers, or null for no data.
fn value(answer: &Answer) -> Value {
    match answer {
        Answer::Scalar(value) => Value::Float(*value),
        Answer::Vector(_) => Value::List(Arc::new(answer.values().into_iter().map(Value::Float).collect())),
        Answer::Empty | Answer::Error { .. } => Value::Null,
    }
}

fn declare(context: &mut Context) -> Result<(), cel::DeclarationError> {
    context.add_function("isNaN", |number: Value| of_number("isNaN", &number, f64::is_nan))?;
    context.add_function("isInf", |number: Value| of_number("isInf", &number, f64::is_infinite))?;
    context.add_function("default", default)?;
    context.add_function("max", cel::functions::max)?;
    context.add_function("min", cel::functions::min)
}

fn of_number(name: &str, number: &Value, test: fn(f64) -> bool) -> Result<Value, ExecutionError> {
    match number {
        Value::Float(number) => Ok(Value::Bool(test(*number))),
        Value::Int(_) | Value::UInt(_) => Ok(Value::Bool(false)),
        other => Err(ExecutionError::function_error(name, format!("takes a number, not {}", kind(other)))),
    }
}

/// The first value, or the second where the first is null or an empty list. NaN is not empty.
fn default(given: Value, otherwise: Value) -> Value {
    match &given {
        Value::Null => otherwise,
        Value::List(values) if values.is_empty() => otherwise,
        _ => given,
    }
}
