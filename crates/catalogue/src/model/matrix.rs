//! `matrix`: values that a task is done for.

use crate::decode::{Context, Decode, Literal, Map, Text};
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// Axes, and what is added and left out; with the words of GitHub Actions.
#[derive(Clone, Debug)]
pub(crate) struct MatrixSpec {
    /// Values by axis, in the order they are written.
    pub(crate) axes: Map<AxisSpec>,
    /// Further combinations, or further values of some.
    pub(crate) include: Vec<Map<Text>>,
    /// Combinations that are left out.
    pub(crate) exclude: Vec<Map<Text>>,
}

/// The values of one axis.
#[derive(Clone, Debug)]
pub(crate) enum AxisSpec {
    /// One by one.
    List(Vec<Text>),
    /// A template that gives a list, or a text with commas.
    Text(Text),
}

impl Decode for AxisSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        match &node.data {
            Data::Sequence(_) => Vec::decode(node, cx).map(Self::List),
            Data::Scalar(_) => Text::decode(node, cx).map(Self::Text),
            Data::Mapping(_) => {
                cx.wrong_type(node, "a list of values");
                None
            }
        }
    }
}

impl Decode for MatrixSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let Some(pairs) = node.pairs() else {
            cx.wrong_type(node, "axes and their values, such as `{region: [eu, us]}`");
            return None;
        };
        let (mut axes, mut include, mut exclude) = (Vec::new(), Some(Vec::new()), Some(Vec::new()));
        let mut is_sound = true;
        for (key, value) in pairs {
            match key.text.as_str() {
                "include" => include = combinations(value, cx),
                "exclude" => exclude = combinations(value, cx),
                name if is_name(name) => match AxisSpec::decode(value, cx) {
                    Some(axis) => axes.push((Literal::of_key(key, cx), axis)),
                    None => is_sound = false,
                },
                name => {
                    unnamed(name, key.span, cx);
                    is_sound = false;
                }
            }
        }
        let spec = Self { axes: Map(axes), include: include?, exclude: exclude? };
        is_sound.then_some(spec)
    }
}

fn combinations(node: &Node, cx: &mut Context<'_>) -> Option<Vec<Map<Text>>> {
    let read = Vec::<Map<Text>>::decode(node, cx)?;
    let mut is_sound = true;
    for (key, _) in read.iter().flat_map(Map::iter).filter(|(key, _)| !is_name(&key.text)) {
        unnamed(&key.text, key.place.span, cx);
        is_sound = false;
    }
    is_sound.then_some(read)
}

fn unnamed(name: &str, span: taskmaster_core::text::Span, cx: &mut Context<'_>) {
    let message = format!("`{name}` cannot be the name of an axis");
    let help = "write a word of letters, digits and `_`: templates have it as `{{ matrix.region }}`";
    cx.error_with_help("schema-value", span, message, help);
}

/// A name that templates can say.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(plain)
}

impl JsonSchema for MatrixSpec {
    fn schema_name() -> Cow<'static, str> {
        "Matrix".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = generator.subschema_for::<Text>();
        let combinations = json_schema!({
            "type": "array",
            "items": {
                "type": "object",
                "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
                "additionalProperties": text,
            },
        });
        let with = |description: &str| {
            let mut list = combinations.clone();
            list.insert("description".to_owned(), description.into());
            list
        };
        json_schema!({
            "description": "Axes and their values; the task is done once for each combination.",
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "properties": {
                "include": with("Further combinations; values that fit to combinations there are, are added to those."),
                "exclude": with("Combinations that are left out: each that has all values of an item."),
            },
            "additionalProperties": {
                "description": "The values of an axis: a list, a template that gives one, or a text with commas.",
                "anyOf": [{ "type": "array", "items": text }, text],
            },
        })
    }
}
