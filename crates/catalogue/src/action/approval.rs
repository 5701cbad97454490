//! `approval`: asks a person.

use super::{Parts, Renderer};
use crate::decode::{Context, Decode, Text, record};
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use taskmaster_core::action::{Invocation, Step};

/// `approval: message`, or `approval: {message: …}`.
#[derive(Clone, Debug)]
pub(crate) struct ApprovalSpec(ApprovalFields);

record! {
    "an approval"
    /// A question to a person, who says yes.
    pub(crate) struct ApprovalFields {
        /// What is asked.
        message: Text,
    }
}

impl Decode for ApprovalSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        match &node.data {
            Data::Scalar(_) => Text::decode(node, cx).map(|message| Self(ApprovalFields { message })),
            _ => ApprovalFields::decode(node, cx).map(Self),
        }
    }
}

impl ApprovalSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>) -> Parts {
        let message = r.shown(&self.0.message);
        let step = Step { name: "approval".to_owned(), invocation: Invocation::Approval { message } };
        Parts { run: vec![step], ..Parts::default() }
    }
}

impl JsonSchema for ApprovalSpec {
    fn schema_name() -> Cow<'static, str> {
        "Approval".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = generator.subschema_for::<Text>();
        let long = generator.subschema_for::<ApprovalFields>();
        json_schema!({ "anyOf": [short, long] })
    }
}
