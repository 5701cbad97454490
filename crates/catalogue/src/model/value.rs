//! Values: texts, secrets by reference, trees and variables.

use crate::decode::{Context, Decode, Literal, Map, Place, Text, record, required, suggestion};
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;
use std::borrow::Cow;

/// A text, or a secret by reference.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ValueSpec {
    /// A text; it may insert secrets.
    Text(Text),
    /// `{secret: env:NAME}`.
    Secret(SecretSpec),
}

/// Where a secret is found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SecretSpec {
    /// Which kind of place.
    pub(crate) kind: SecretKind,
    /// Name, path or argv, rendered as templates.
    pub(crate) parts: Vec<Text>,
    /// Where it is written.
    pub(crate) place: Place,
}

/// Kinds of places for secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretKind {
    /// `env:NAME`
    Env,
    /// `file:PATH`
    File,
    /// `exec:PROGRAM ARG…`
    Exec,
}

const SECRET_FORMS: &str = "write `env:NAME`, `file:PATH` or `exec:PROGRAM ARGUMENT…`";

/// True for a mapping that is a reference to a secret: its only key is `secret`.
pub(crate) fn is_secret(node: &Node) -> bool {
    node.pairs().is_some_and(|pairs| pairs.len() == 1 && pairs[0].0.text == "secret")
}

impl Decode for SecretSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let Some(inner) = node.get("secret").filter(|_| is_secret(node)) else {
            cx.error_with_help(
                "schema-type",
                node.span,
                "expected a reference to a secret",
                "write `{secret: env:NAME}`",
            );
            return None;
        };
        Self::reference(inner, cx)
    }
}

impl SecretSpec {
    /// Reads what stands behind `secret:`.
    fn reference(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if let Some([(key, value)]) = node.pairs() {
            let words = [("env", SecretKind::Env), ("file", SecretKind::File), ("exec", SecretKind::Exec)];
            let Some((_, kind)) = words.iter().find(|(word, _)| *word == key.text) else {
                let help = suggestion(&key.text, &["env", "file", "exec"]);
                cx.error_with_help("schema-unknown-key", key.span, "no such place for a secret", help);
                return None;
            };
            let parts = match kind {
                SecretKind::Exec => Vec::<Text>::decode(value, cx)?,
                _ => vec![Text::decode(value, cx)?],
            };
            return Self::checked(*kind, parts, node, cx);
        }
        let text = Text::decode(node, cx)?;
        let part = |rest: &str| Text { text: rest.to_owned(), place: text.place };
        let (kind, parts) = match text.text.split_once(':') {
            Some(("env", name)) => (SecretKind::Env, vec![part(name.trim())]),
            Some(("file", path)) => (SecretKind::File, vec![part(path.trim())]),
            Some(("exec", command)) => {
                let words = shell_words::split(command).unwrap_or_default();
                (SecretKind::Exec, words.iter().map(|word| part(word)).collect())
            }
            _ => {
                cx.error_with_help(
                    "schema-value",
                    node.span,
                    "this says not where the secret is found",
                    SECRET_FORMS,
                );
                return None;
            }
        };
        Self::checked(kind, parts, node, cx)
    }

    fn checked(kind: SecretKind, parts: Vec<Text>, node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if parts.is_empty() || parts.iter().any(|part| part.text.is_empty()) {
            cx.error_with_help(
                "schema-value",
                node.span,
                "this reference to a secret names nothing",
                SECRET_FORMS,
            );
            return None;
        }
        Some(Self { kind, parts, place: cx.place(node.span) })
    }
}

impl Decode for ValueSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if is_secret(node) {
            return SecretSpec::decode(node, cx).map(Self::Secret);
        }
        Text::decode(node, cx).map(Self::Text)
    }
}

required!(SecretSpec, ValueSpec, Tree);

/// A JSON-like value whose texts are templates. A text that is one expression keeps its type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    /// A text.
    Text(Text),
    /// A number, a truth value or nothing.
    Literal(Json),
    /// A reference to a secret.
    Secret(SecretSpec),
    /// A list.
    List(Vec<Tree>),
    /// A mapping.
    Map(Map<Tree>),
}

impl Decode for Tree {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        match &node.data {
            Data::Scalar(scalar) => match scalar.json() {
                Json::String(_) => Text::decode(node, cx).map(Self::Text),
                literal => Some(Self::Literal(literal)),
            },
            Data::Sequence(_) => Vec::decode(node, cx).map(Self::List),
            Data::Mapping(_) if is_secret(node) => SecretSpec::decode(node, cx).map(Self::Secret),
            Data::Mapping(_) => Map::decode(node, cx).map(Self::Map),
        }
    }
}

/// A variable: its value, or a declaration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum VariableSpec {
    /// `name: value`
    Value(Tree),
    /// `name: {default: …, description: …}`
    Declared(Box<Declaration>),
}

record! {
    "a variable"
    /// Says what a variable is for and where its value comes from.
    #[derive(PartialEq)]
    pub(crate) struct Declaration {
        /// What it is for; shown where it has no value.
        description: Option<Literal>,
        /// Its value when nothing else gives one.
        default: Option<Tree>,
        /// Its value, which `--var` still overrides: for mappings that look like a declaration.
        value: Option<Tree>,
        /// Name of a variable of taskmaster's own environment that gives the value. Not for secrets.
        from_env: Option<Literal>,
        /// Must be given by `--var`, by the configuration or by an environment.
        required: Option<bool> = false,
    }
}

impl Decode for VariableSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let keys = Declaration::keys();
        let declares = node.pairs().is_some_and(|pairs| {
            !pairs.is_empty() && pairs.iter().all(|(key, _)| keys.contains(&key.text.as_str()))
        });
        if declares {
            return Declaration::decode(node, cx).map(|d| Self::Declared(Box::new(d)));
        }
        Tree::decode(node, cx).map(Self::Value)
    }
}

/// Reads one of several words; a helper of enums without data.
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $word:literal ),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, schemars::JsonSchema)]
        $vis enum $name { $( $(#[$variant_meta])* #[schemars(rename = $word)] $variant, )* }

        impl $crate::decode::Decode for $name {
            fn decode(node: &$crate::yaml::Node, cx: &mut $crate::decode::Context<'_>) -> Option<Self> {
                $crate::decode::choose(node, cx, &[$( ($word, Self::$variant) ),*])
            }
        }
    };
}
pub(crate) use words;

impl JsonSchema for SecretSpec {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A secret by reference. It reaches a child by environment or standard input only.",
            "type": "object",
            "required": ["secret"],
            "additionalProperties": false,
            "properties": { "secret": { "description": "Where its value is found.", "anyOf": [
                { "type": "string", "pattern": "^(env|file|exec):.+" },
                { "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1, "properties": {
                    "env": { "type": "string" },
                    "file": { "type": "string" },
                    "exec": { "type": "array", "items": { "type": "string" }, "minItems": 1 },
                } },
            ] } },
        })
    }
}

impl JsonSchema for ValueSpec {
    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = generator.subschema_for::<Text>();
        let secret = generator.subschema_for::<SecretSpec>();
        json_schema!({ "anyOf": [text, secret] })
    }
}

impl JsonSchema for Tree {
    fn schema_name() -> Cow<'static, str> {
        "Tree".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Any value. Texts in it are templates; one that is a single `{{ … }}` keeps its type.",
        })
    }
}

impl JsonSchema for VariableSpec {
    fn schema_name() -> Cow<'static, str> {
        "Variable".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let declared = generator.subschema_for::<Declaration>();
        let secret = generator.subschema_for::<SecretSpec>();
        let tree = generator.subschema_for::<Tree>();
        json_schema!({ "anyOf": [declared, secret, tree] })
    }
}
