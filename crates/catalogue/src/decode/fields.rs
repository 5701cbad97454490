//! The keys of one mapping while they are read.

use super::{Context, Decode, Literal, Many, Map, Millis, Text, suggestion};
use crate::yaml::{Key, Node};
use taskmaster_core::text::Span;

/// A mapping whose keys are known.
pub(crate) struct Fields<'n> {
    pairs: &'n [(Key, Node)],
    /// The bytes of the mapping.
    pub(crate) span: Span,
    what: &'static str,
}

impl<'n> Fields<'n> {
    /// Opens a mapping and reports the keys that are not `known`.
    pub(crate) fn open(
        node: &'n Node,
        known: &[&'static str],
        what: &'static str,
        cx: &mut Context<'_>,
    ) -> Option<Self> {
        let Some(pairs) = node.pairs() else {
            cx.wrong_type(node, &format!("a mapping ({what})"));
            return None;
        };
        // `x-` begins the names of keys that only hold anchors, at the top of a file.
        let is_known =
            |key: &str| known.contains(&key) || (what == "a catalogue file" && key.starts_with("x-"));
        for (key, _) in pairs.iter().filter(|(key, _)| !is_known(&key.text)) {
            let message = format!("`{}` is not a key of {what}", key.text);
            cx.error_with_help("schema-unknown-key", key.span, message, suggestion(&key.text, known));
        }
        Some(Self { pairs, span: node.span, what })
    }

    /// The value of a key; `null` counts as absent.
    pub(crate) fn node(&self, name: &str) -> Option<&'n Node> {
        self.pairs.iter().find(|(key, node)| key.text == name && !node.is_null()).map(|(_, node)| node)
    }

    /// Reads one field.
    pub(crate) fn take<F: Field>(&self, name: &'static str, cx: &mut Context<'_>) -> Option<F> {
        match self.node(name) {
            Some(node) => F::present(node, cx),
            None => F::absent().or_else(|| {
                let start = self.span.start;
                let place = self.pairs.first().map_or(Span::new(start, self.span.end), |(key, _)| key.span);
                cx.error("schema-missing-key", place, format!("{} needs the key `{name}`", self.what));
                None
            }),
        }
    }
}

/// A value that can be a field, with or without it being there.
pub(crate) trait Field: Sized {
    /// Reads it.
    fn present(node: &Node, cx: &mut Context<'_>) -> Option<Self>;
    /// What it is when not given; `None` makes the field required.
    fn absent() -> Option<Self>;
}

impl<T: Decode> Field for Option<T> {
    fn present(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        T::decode(node, cx).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

macro_rules! defaulted {
    ($([$($generic:tt)*] $ty:ty),* $(,)?) => {
        $(impl<$($generic)*> Field for $ty {
            fn present(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
                <$ty as Decode>::decode(node, cx)
            }

            fn absent() -> Option<Self> {
                Some(<$ty>::default())
            }
        })*
    };
}
defaulted!([T: Decode] Vec<T>, [T: Decode] Many<T>, [T: Decode] Map<T>, [] bool);

macro_rules! required {
    ($($ty:ty),* $(,)?) => {
        $(impl $crate::decode::Field for $ty {
            fn present(node: &$crate::yaml::Node, cx: &mut $crate::decode::Context<'_>) -> Option<Self> {
                <$ty as $crate::decode::Decode>::decode(node, cx)
            }

            fn absent() -> Option<Self> {
                None
            }
        })*
    };
}
pub(crate) use required;
required!(Text, Literal, Millis);
