//! `wait`: lets time pass.

use super::Parts;
use crate::decode::{Context, Decode, Millis, record};
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use taskmaster_core::action::{Invocation, Step};

/// `wait: 30s`, or `wait: {duration: 30s}`.
#[derive(Clone, Debug)]
pub(crate) struct WaitSpec(WaitFields);

record! {
    "a wait"
    /// A length of time to wait.
    pub(crate) struct WaitFields {
        /// How long.
        duration: Millis,
    }
}

impl Decode for WaitSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        match &node.data {
            Data::Scalar(_) => Millis::decode(node, cx).map(|duration| Self(WaitFields { duration })),
            _ => WaitFields::decode(node, cx).map(Self),
        }
    }
}

impl WaitSpec {
    /// Renders it.
    pub(crate) fn render(&self) -> Parts {
        let invocation = Invocation::Wait { duration_ms: self.0.duration.0 };
        Parts { run: vec![Step { name: "wait".to_owned(), invocation }], ..Parts::default() }
    }
}

impl JsonSchema for WaitSpec {
    fn schema_name() -> Cow<'static, str> {
        "Wait".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = generator.subschema_for::<Millis>();
        let long = generator.subschema_for::<WaitFields>();
        json_schema!({ "anyOf": [short, long] })
    }
}
