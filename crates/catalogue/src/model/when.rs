//! `when`: whether an environment can do a task at all.

use crate::api::OperatingSystem;
use crate::decode::{Context, Decode, Literal, Many, record};
use crate::template::check_expression;
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// Every condition must hold; the first that does not gives the reason.
#[derive(Clone, Debug)]
pub(crate) struct WhenSpec(pub(crate) Vec<Condition>);

record! {
    "a condition"
    /// A condition: everything given in it must hold.
    pub(crate) struct Condition {
        /// Programs that must be on PATH.
        #[schemars(default)]
        tool: Many<Literal>,
        /// Environments in which it can be done.
        #[schemars(default)]
        env: Many<Literal>,
        /// Operating systems on which it can be done.
        #[schemars(default)]
        os: Many<OsWord>,
        /// An expression that must be true, without braces.
        expr: Option<Literal>,
        /// Why it cannot be done here at all.
        never: Option<Literal>,
        /// Shown where it does not hold.
        reason: Option<Literal>,
    }
}

super::value::words! {
    /// An operating system.
    pub(crate) enum OsWord {
        /// Linux
        Linux = "linux",
        /// macOS
        Macos = "macos",
    }
}

impl OsWord {
    /// True where it is this one.
    pub(crate) fn is(self, os: OperatingSystem) -> bool {
        matches!((self, os), (Self::Linux, OperatingSystem::Linux) | (Self::Macos, OperatingSystem::Macos))
    }
}

impl Condition {
    fn of_expression(expression: Literal) -> Self {
        Self {
            tool: Many::default(),
            env: Many::default(),
            os: Many::default(),
            expr: Some(expression),
            never: None,
            reason: None,
        }
    }

    fn checked(self, node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if let Some(expression) = &self.expr {
            check_expression(expression, cx);
        }
        let without_reason = self.never.as_ref().is_some_and(|never| never.text == "true");
        if without_reason && self.reason.is_none() {
            return never_without_reason(node, cx);
        }
        Some(self)
    }
}

fn never_without_reason<T>(node: &Node, cx: &mut Context<'_>) -> Option<T> {
    let help = "write `when: {never: needs a cluster}`: the reason is shown to the reader";
    cx.error_with_help("schema-missing-key", node.span, "`never` needs a reason", help);
    None
}

impl Decode for WhenSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        match &node.data {
            Data::Scalar(scalar) if scalar.text == "never" => never_without_reason(node, cx),
            Data::Scalar(_) => {
                let expression = Literal::decode(node, cx)?;
                Condition::of_expression(expression).checked(node, cx).map(|one| Self(vec![one]))
            }
            Data::Sequence(items) => {
                let all: Vec<Option<Self>> = items.iter().map(|item| Self::decode(item, cx)).collect();
                let all = all.into_iter().collect::<Option<Vec<Self>>>()?;
                Some(Self(all.into_iter().flat_map(|when| when.0).collect()))
            }
            Data::Mapping(_) => Condition::decode(node, cx)?.checked(node, cx).map(|one| Self(vec![one])),
        }
    }
}

impl JsonSchema for WhenSpec {
    fn schema_name() -> Cow<'static, str> {
        "When".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let condition = generator.subschema_for::<Condition>();
        json_schema!({
            "description": "An expression, a condition, or a list of which all must hold. Otherwise the task is skipped.",
            "anyOf": [
                { "type": ["string", "boolean"] },
                condition,
                { "type": "array", "items": { "anyOf": [{ "type": "string" }, condition] } },
            ],
        })
    }
}
