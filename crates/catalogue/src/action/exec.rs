//! `exec`: a command by its arguments, without a shell.

use super::command::Command;
use super::{Parts, Renderer, process};
use crate::decode::{Context, Decode, Map, Text, record};
use crate::model::ValueSpec;
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use taskmaster_core::action::{ProcessSpec, Step};

/// `exec: [program, argument]`, or a mapping with `argv` and more.
#[derive(Clone, Debug)]
pub(crate) struct ExecSpec(ExecFields);

record! {
    "a command"
    /// A command, executed directly: no shell splits or expands anything.
    pub(crate) struct ExecFields {
        /// Program and arguments; each text stays one argument whatever it renders to.
        #[schemars(length(min = 1))]
        argv: Argv,
        /// Working directory, relative to the project's root, which it is otherwise.
        cwd: Option<Text>,
        /// Added to the inherited environment.
        #[schemars(default)]
        env: Map<ValueSpec>,
        /// Given on standard input.
        stdin: Option<ValueSpec>,
    }
}

/// A program and its arguments.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(transparent)]
pub(crate) struct Argv(#[schemars(length(min = 1))] Vec<Text>);

crate::decode::required!(Argv);

impl Decode for Argv {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if matches!(node.data, Data::Scalar(_)) {
            let help = "write it as a list, `[program, argument]`, or use `shell` for a script";
            cx.error_with_help("schema-type", node.span, "expected a list of arguments, found a text", help);
            return None;
        }
        let argv = Vec::<Text>::decode(node, cx)?;
        if argv.is_empty() {
            cx.error("schema-value", node.span, "this command has no program");
            return None;
        }
        Some(Self(argv))
    }
}

impl Decode for ExecSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if matches!(node.data, Data::Mapping(_)) {
            return ExecFields::decode(node, cx).map(Self);
        }
        let argv = Argv::decode(node, cx)?;
        Some(Self(ExecFields { argv, cwd: None, env: Map::default(), stdin: None }))
    }
}

impl ExecSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>) -> Parts {
        Parts { run: vec![self.step(r)], ..Parts::default() }
    }

    /// Its only step.
    pub(crate) fn step(&self, r: &Renderer<'_>) -> Step {
        process("exec", self.process(r))
    }

    fn process(&self, r: &Renderer<'_>) -> ProcessSpec {
        let spec = &self.0;
        let mut argv = spec.argv.0.iter();
        let program = argv.next().map(|program| r.name(program)).unwrap_or_default();
        let mut built = Command::default()
            .arg(program)
            .args(argv.map(|argument| r.argument(argument)))
            .envs(r.values(&spec.env))
            .stdin(spec.stdin.as_ref().map(|stdin| r.value(stdin)))
            .build();
        built.cwd = spec.cwd.as_ref().map(|cwd| r.path(cwd)).filter(|cwd| !cwd.is_empty());
        built
    }
}

impl JsonSchema for ExecSpec {
    fn schema_name() -> Cow<'static, str> {
        "Exec".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = generator.subschema_for::<Argv>();
        let long = generator.subschema_for::<ExecFields>();
        json_schema!({ "anyOf": [short, long] })
    }
}
