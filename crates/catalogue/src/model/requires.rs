//! `requires`: versions of programs that the tasks of a file need.

use crate::decode::{Context, Decode, Field, Literal, Map, Place};
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use taskmaster_core::version::Wanted;

/// Programs by name. Only their names: what lies in the tree itself is never run to ask it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requires(Map<Range>);

/// Versions that will do.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Range(Wanted);

impl Requires {
    /// Programs, the versions that will do, and where that is written.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Wanted, Place)> {
        self.0.iter().map(|(name, range)| (name.text.as_str(), &range.0, name.place))
    }

    /// With those of `over`, which win.
    pub(crate) fn overlay(&self, over: &Self) -> Self {
        Self(self.0.overlay(&over.0))
    }
}

impl Decode for Requires {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let read = Map::<Range>::decode(node, cx)?;
        let mut is_sound = true;
        for (name, _) in read.iter().filter(|(name, _)| !is_name(name)) {
            let message = format!("`{}` is not the name of a program", name.text);
            let help = "write it as it is found on PATH: `kubectl`";
            cx.error_with_help("schema-value", name.place.span, message, help);
            is_sound = false;
        }
        is_sound.then_some(Self(read))
    }
}

fn is_name(name: &Literal) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    name.text.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.text.chars().all(is_plain)
}

impl Decode for Range {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let Data::Scalar(scalar) = &node.data else {
            cx.wrong_type(node, "versions such as `\">=1.6, <2\"`");
            return None;
        };
        match Wanted::parse(&scalar.text) {
            Ok(wanted) => Some(Self(wanted)),
            Err(why) => {
                let message = format!("`{}` names no versions: {why}", scalar.text);
                let help = "write \">=1.6\", \">=1.6, <2\", \"^1.6\", \"~1.6.2\", \"=1.6.2\" or \"*\"";
                cx.error_with_help("schema-value", node.span, message, help);
                None
            }
        }
    }
}

impl Field for Requires {
    fn present(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        Self::decode(node, cx)
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}

impl JsonSchema for Requires {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Requires".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z0-9][-A-Za-z0-9_.+]*$" },
            "additionalProperties": {
                "type": "string",
                "description": "Versions that will do: `>=1.6, <2`, or `*` for any.",
                "pattern": "^ *(?:\\*|[<>=^~])",
            },
        })
    }
}
