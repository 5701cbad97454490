//! From text to a condition that can be evaluated.

use super::{audit, bounds, evaluate};
use crate::analysis::answer::{Answer, Gap};
use crate::analysis::text;
use cel::{Env, ParseErrors, Program};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a metric's answers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// One number.
    Scalar,
    /// A list of numbers.
    Vector,
}

/// What a condition may speak of. `result` is always there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Variables {
    /// Known where the metric says it; else a condition must make sense for one of the two.
    pub shape: Option<Shape>,
    /// True where the metric asks for both versions: `baseline` and `canary` are there too.
    pub pair: bool,
}

/// Why a condition was refused at load, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{line}:{column}: {message}")]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, on one line.
    pub message: String,
}

/// A condition that was checked. As JSON it is its text and variables; reading it checks it again.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Condition {
    text: String,
    variables: Variables,
    pub(super) program: Arc<Program>,
    pub(super) env: Arc<Env>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    text: String,
    #[serde(default)]
    variables: Variables,
}

impl Fault {
    /// A fault at a byte of a text.
    pub(super) fn at(text: &str, byte: usize, message: impl AsRef<str>) -> Self {
        let before: String = text.char_indices().take_while(|(at, _)| *at < byte).map(|(_, c)| c).collect();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Self { line, column, message: text::one_line(message.as_ref()) }
    }
}

impl Condition {
    /// Checks a text and keeps it for evaluation.
    ///
    /// # Errors
    /// The first [`Fault`]: too long or too deep, wrong syntax, a name that is not known, more steps than
    /// are allowed, or a result that is not true or false whatever the numbers are.
    pub fn compile(text: &str, variables: Variables) -> Result<Self, Fault> {
        bounds::check(text)?;
        let env = Env::stdlib();
        let program = env.compile(text).map_err(|errors| syntax_fault(text, &errors))?;
        audit::check(text, &program, variables)?;
        let condition =
            Self { text: text.to_owned(), variables, program: Arc::new(program), env: Arc::new(env) };
        evaluate::rehearse(&condition)?;
        Ok(condition)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it may speak of.
    pub fn variables(&self) -> Variables {
        self.variables
    }

    /// True where the text says itself what is to hold if the answer has this gap: with `isNaN` for NaN,
    /// with `default` or `size` for no data.
    pub fn asks_for(&self, gap: Gap) -> bool {
        let references = self.program.references();
        match gap {
            Gap::NotANumber => references.has_function("isNaN"),
            Gap::Empty => references.has_function("default") || references.has_function("size"),
        }
    }

    /// The numbers that it is tried with at load, one set for each shape.
    pub(super) fn samples(&self) -> Vec<Answer> {
        let (scalar, vector) = (Answer::Scalar(0.5), Answer::vector([0.5; 8]));
        match self.variables.shape {
            Some(Shape::Scalar) => vec![scalar],
            Some(Shape::Vector) => vec![vector],
            None => vec![scalar, vector],
        }
    }
}

/// The parser's first complaint. It counts lines from 1 and columns from 1, and has none at the end.
fn syntax_fault(text: &str, errors: &ParseErrors) -> Fault {
    let Some(first) = errors.errors.first() else {
        return Fault::at(text, 0, "not a condition");
    };
    let message = first.msg.strip_prefix("Syntax error: ").unwrap_or(&first.msg);
    match (usize::try_from(first.pos.0), usize::try_from(first.pos.1)) {
        (Ok(line @ 1..), Ok(column)) => {
            Fault { line, column: column.max(1), message: text::one_line(message) }
        }
        _ => Fault::at(text, text.len(), message),
    }
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Condition").field(&self.text).field(&self.variables).finish()
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.variables) == (&other.text, other.variables)
    }
}

impl From<Condition> for Written {
    fn from(condition: Condition) -> Self {
        Self { text: condition.text, variables: condition.variables }
    }
}

impl TryFrom<Written> for Condition {
    type Error = Fault;

    fn try_from(written: Written) -> Result<Self, Fault> {
        Self::compile(&written.text, written.variables)
    }
}
