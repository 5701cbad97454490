//! `ready` of `kubectl: apply`: objects that must be as they should be before it counts as done.
//!
//! Manifests that are applied say nothing of pods that run: without it, an installation whose pods never
//! start is taken for done.

use super::ask::{One, ask_kubectl};
use super::kubectl::Cluster;
use super::kubectl_verbs::{Resources, WaitForSpec};
use super::{Renderer, process};
use crate::decode::{Context, Decode, Many, Text};
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use taskmaster_core::action::{Probe, Step};

/// `deployment/web: Available`, or a mapping as of `wait`.
#[derive(Clone, Debug)]
pub(crate) struct ReadySpec(WaitForSpec);

impl Decode for ReadySpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if let Data::Scalar(scalar) = &node.data {
            let Some((resource, condition)) = scalar.text.split_once(": ") else {
                cx.error_with_help(
                    "schema-value",
                    node.span,
                    "this names no condition",
                    "write `deployment/web: Available`",
                );
                return None;
            };
            let part = |text: &str| Text { text: text.trim().to_owned(), place: cx.place(node.span) };
            return Some(Self::of(part(resource), part(condition)));
        }
        match node.pairs() {
            Some([(key, value)]) if key.text != "resources" => {
                let resource = Text { text: key.text.clone(), place: cx.place(key.span) };
                Some(Self::of(resource, Text::decode(value, cx)?))
            }
            _ => WaitForSpec::decode(node, cx).map(Self),
        }
    }
}

impl ReadySpec {
    fn of(resource: Text, condition: Text) -> Self {
        let resources = Resources::one(resource);
        Self(WaitForSpec { resources, condition, selector: None, all: false, timeout: None })
    }

    /// The wait of the run, and the question of the check.
    pub(super) fn render(&self, r: &Renderer<'_>, cluster: &Cluster) -> (Step, Probe) {
        let (wait, once) = self.0.commands(r, cluster);
        (process("ready", wait), ask_kubectl(One::Error, once))
    }
}

impl JsonSchema for ReadySpec {
    fn schema_name() -> Cow<'static, str> {
        "KubectlReady".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = generator.subschema_for::<Text>();
        let long = generator.subschema_for::<WaitForSpec>();
        let pair = json_schema!({
            "type": "object", "additionalProperties": text, "minProperties": 1, "maxProperties": 1,
            "description": "`deployment/web: Available`",
        });
        json_schema!({ "anyOf": [text, pair, long] })
    }
}

/// Everything that must be ready.
pub(super) fn render_all(
    ready: &Many<ReadySpec>,
    r: &Renderer<'_>,
    cluster: &Cluster,
) -> (Vec<Step>, Vec<Probe>) {
    ready.iter().map(|one| one.render(r, cluster)).unzip()
}
