//! From the tree to typed values, fault by fault.
//!
//! [`Decode`] reads one value; [`record!`](crate::decode::record) declares a mapping with known keys
//! once, for the reader and for the JSON Schema alike. A fault in one key never hides those in others.

mod fields;
mod record;
mod scalars;

pub(crate) use fields::required;
pub(crate) use fields::{Field, Fields};
pub(crate) use record::record;
pub(crate) use scalars::{Literal, Many, Map, Millis, Place, RESERVED, Text};

use crate::yaml::{Data, Node};
use taskmaster_core::diagnostic::{Diagnostic, did_you_mean};
use taskmaster_core::text::Span;

/// What decoding needs to know and collects.
pub(crate) struct Context<'a> {
    /// Index of the source.
    pub(crate) source: usize,
    /// Its text.
    pub(crate) text: &'a str,
    /// Faults found so far.
    pub(crate) diagnostics: &'a mut Vec<Diagnostic>,
}

impl Context<'_> {
    /// Reports an error.
    pub(crate) fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::error(code, span, message));
    }

    /// Reports an error and what helps.
    pub(crate) fn error_with_help(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report(Diagnostic::error(code, span, message).help(help));
    }

    /// Reports a finding of this source.
    pub(crate) fn report(&mut self, found: Diagnostic) {
        self.diagnostics.push(found.in_source(self.source));
    }

    /// Reports that `node` is not what was wanted.
    pub(crate) fn wrong_type(&mut self, node: &Node, wanted: &str) {
        self.error("schema-type", node.span, format!("expected {wanted}, found {}", node.describe()));
    }

    /// The place of `span` in this source.
    pub(crate) fn place(&self, span: Span) -> Place {
        Place { source: self.source, span }
    }
}

/// A value that can be read from a node. `None` after at least one error was reported.
pub(crate) trait Decode: Sized {
    /// Reads it.
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self>;
}

impl Decode for bool {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let truth = match &node.data {
            Data::Scalar(scalar) => scalar.boolean(),
            _ => None,
        };
        if truth.is_none() {
            cx.wrong_type(node, "`true` or `false`");
        }
        truth
    }
}

impl Decode for i32 {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        whole_number(node, cx)
    }
}

impl Decode for u32 {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        whole_number(node, cx)
    }
}

fn whole_number<N: TryFrom<i64>>(node: &Node, cx: &mut Context<'_>) -> Option<N> {
    let number = match &node.data {
        Data::Scalar(scalar) if scalar.integer().is_none() && scalar.has_only_digits() => {
            cx.error("schema-value", node.span, format!("{} is out of range here", scalar.text));
            return None;
        }
        Data::Scalar(scalar) => scalar.integer(),
        _ => None,
    };
    let Some(number) = number else {
        cx.wrong_type(node, "a whole number");
        return None;
    };
    let fitting = N::try_from(number).ok();
    if fitting.is_none() {
        cx.error("schema-value", node.span, format!("{number} is out of range here"));
    }
    fitting
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let Data::Sequence(items) = &node.data else {
            cx.wrong_type(node, "a list");
            return None;
        };
        let decoded: Vec<Option<T>> = items.iter().map(|item| T::decode(item, cx)).collect();
        decoded.into_iter().collect()
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        T::decode(node, cx).map(Box::new)
    }
}

/// Chooses one of several words, with "did you mean".
pub(crate) fn choose<T: Copy>(node: &Node, cx: &mut Context<'_>, words: &[(&str, T)]) -> Option<T> {
    let Data::Scalar(scalar) = &node.data else {
        let list = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        cx.wrong_type(node, &format!("one of {list}"));
        return None;
    };
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == scalar.text) {
        return Some(*value);
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let message = format!("`{}` is not known here", scalar.text);
    cx.error_with_help("schema-value", node.span, message, suggestion(&scalar.text, &known));
    None
}

/// "did you mean `x`?", else the list of what is known.
pub(crate) fn suggestion(wanted: &str, known: &[&str]) -> String {
    match did_you_mean(wanted, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}
