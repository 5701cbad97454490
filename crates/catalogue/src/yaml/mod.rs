//! YAML with places: a tree in which every node and key knows its bytes in the text.
//!
//! The tree is bounded in depth and in nodes, aliases included, so that no text can exhaust the
//! machine. Duplicate keys, anchors' loops and further documents are faults, never a silent choice.

mod places;
mod reader;
mod scalar;

pub use places::{Places, plain};
pub(crate) use reader::read;
pub(crate) use scalar::Scalar;

use taskmaster_core::text::Span;

/// One node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Its bytes, without white space after them.
    pub(crate) span: Span,
    /// What it holds.
    pub(crate) data: Data,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    /// A text, number, truth value or nothing.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the text; keys are unique.
    Mapping(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Its text.
    pub(crate) text: String,
    /// Its bytes.
    pub(crate) span: Span,
}

impl Node {
    /// What it is, in words for a message.
    pub(crate) fn describe(&self) -> &'static str {
        match &self.data {
            Data::Scalar(scalar) => scalar.describe(),
            Data::Sequence(_) => "a list",
            Data::Mapping(_) => "a mapping",
        }
    }

    /// True for `null`, `~` and nothing at all.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.data, Data::Scalar(scalar) if scalar.is_null())
    }

    /// The pairs of a mapping.
    pub(crate) fn pairs(&self) -> Option<&[(Key, Node)]> {
        match &self.data {
            Data::Mapping(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.pairs()?.iter().find(|(k, _)| k.text == key).map(|(_, node)| node)
    }
}
