//! Texts, durations and maps with places.

use super::{Context, Decode};
use crate::yaml::{Data, Key, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use taskmaster_core::text::Span;

/// A place in one of the sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Index of the source.
    pub(crate) source: usize,
    /// Bytes in it.
    pub(crate) span: Span,
}

/// A text that is rendered as a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    /// As written, without quotes and escapes.
    pub(crate) text: String,
    /// Where.
    pub(crate) place: Place,
}

/// A text that is taken as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Literal {
    /// As written, without quotes and escapes.
    pub(crate) text: String,
    /// Where.
    pub(crate) place: Place,
}

/// Texts that mean something inside the program and cannot stand in a template: noncharacters that
/// no exchanged text may hold. They frame secrets while a template is rendered.
pub(crate) const RESERVED: [char; 2] = ['\u{fdd0}', '\u{fdd1}'];

fn scalar_text(node: &Node, cx: &mut Context<'_>) -> Option<String> {
    let Data::Scalar(scalar) = &node.data else {
        cx.wrong_type(node, "a text");
        return None;
    };
    if scalar.is_null() {
        cx.wrong_type(node, "a text");
        return None;
    }
    if scalar.text.contains(RESERVED) || scalar.text.contains('\0') {
        cx.error("schema-value", node.span, "this text holds a character that no program could be given");
        return None;
    }
    Some(scalar.text.clone())
}

impl Decode for Text {
    /// Any scalar, as written: `1.20` stays `1.20`.
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let text = scalar_text(node, cx)?;
        let text = Self { text, place: cx.place(node.span) };
        crate::template::check_syntax(&text, cx);
        Some(text)
    }
}

impl Decode for Literal {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let text = scalar_text(node, cx)?;
        Some(Self { text, place: cx.place(node.span) })
    }
}

impl Literal {
    /// A key of a mapping as a text.
    pub(crate) fn of_key(key: &Key, cx: &Context<'_>) -> Self {
        Self { text: key.text.clone(), place: cx.place(key.span) }
    }
}

/// A length of time: `250ms`, `30s`, `5m`, `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Millis(pub(crate) u64);

/// Longest length of time, a year: longer ones are mistakes and would overflow later sums.
const MAX_MILLIS: u64 = 366 * 24 * 3_600_000;

impl Decode for Millis {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let Data::Scalar(scalar) = &node.data else {
            cx.wrong_type(node, "a duration");
            return None;
        };
        match parse_duration(&scalar.text) {
            Some(millis) if millis <= MAX_MILLIS => Some(Self(millis)),
            Some(_) => {
                cx.error("schema-duration", node.span, "longer than a year");
                None
            }
            None => {
                let message = format!("`{}` is not a duration", scalar.text);
                let help = "write a number with a unit: 250ms, 30s, 5m, 1h30m, 2d";
                cx.error_with_help("schema-duration", node.span, message, help);
                None
            }
        }
    }
}

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Parts from the longest unit to the shortest, each at most once; `0` alone needs no unit.
pub(crate) fn parse_duration(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total: u64 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let number: u64 = rest[..digits].parse().ok()?;
        let name = &rest[digits..digits + letters];
        let index = UNITS.iter().position(|(unit, _)| *unit == name)?;
        if index < next_unit {
            return None;
        }
        next_unit = index + 1;
        total = total.checked_add(number.checked_mul(UNITS[index].1)?)?;
        rest = &rest[digits + letters..];
    }
    (next_unit > 0).then_some(total)
}

impl Millis {
    /// Whole seconds, rounded up: `--timeout` of tools that count seconds.
    pub(crate) fn seconds(self) -> u64 {
        self.0.div_ceil(1_000)
    }

    /// As Go's duration flags read it: `300s`.
    pub(crate) fn go(self) -> String {
        if self.0.is_multiple_of(1_000) { format!("{}s", self.0 / 1_000) } else { format!("{}ms", self.0) }
    }
}

/// A mapping from any key to values of one type, in the order of the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Map<T>(pub(crate) Vec<(Literal, T)>);

impl<T> Default for Map<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Map<T> {
    /// The pairs.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Literal, T)> + Clone {
        self.0.iter()
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().find(|(k, _)| k.text == key).map(|(_, value)| value)
    }

    /// True without any pair.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Clone> Map<T> {
    /// Adds the pairs of `over`, which win.
    pub(crate) fn overlay(&self, over: &Self) -> Self {
        let kept = self.0.iter().filter(|(key, _)| over.get(&key.text).is_none());
        Self(kept.chain(&over.0).cloned().collect())
    }
}

impl<T: Decode> Decode for Map<T> {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let Some(pairs) = node.pairs() else {
            cx.wrong_type(node, "a mapping");
            return None;
        };
        let decoded: Vec<Option<(Literal, T)>> = pairs
            .iter()
            .map(|(key, value)| T::decode(value, cx).map(|value| (Literal::of_key(key, cx), value)))
            .collect();
        decoded.into_iter().collect::<Option<Vec<_>>>().map(Self)
    }
}

/// A list, or a single value that counts as a list of one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Many<T>(pub(crate) Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Many<T> {
    /// The values.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// True without any value.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Decode> Decode for Many<T> {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        match &node.data {
            Data::Sequence(_) => Vec::decode(node, cx).map(Self),
            _ => T::decode(node, cx).map(|one| Self(vec![one])),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Many_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

fn text_schema(description: &str) -> Schema {
    json_schema!({ "type": ["string", "number", "boolean"], "description": description })
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        text_schema("A text in which `{{ … }}` is replaced.")
    }
}

impl JsonSchema for Literal {
    fn schema_name() -> Cow<'static, str> {
        "Literal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        text_schema("A text that is taken as it is.")
    }
}

impl JsonSchema for Millis {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time: 250ms, 30s, 5m, 1h30m, 2d.",
            "anyOf": [
                { "type": "string", "pattern": "^(?:0|(?=[0-9])(?:[0-9]+d)?(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?(?:[0-9]+ms)?)$" },
                { "const": 0 },
            ],
        })
    }
}

impl<T: JsonSchema> JsonSchema for Map<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Map_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_parts_of_falling_units() {
        for (text, millis) in [
            ("0", Some(0)),
            ("250ms", Some(250)),
            ("30s", Some(30_000)),
            ("5m", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("2d", Some(172_800_000)),
            ("1m500ms", Some(60_500)),
            ("30", None),
            ("", None),
            ("s", None),
            ("5 m", None),
            ("30m1h", None),
            ("1h1h", None),
            ("-5s", None),
            ("1.5h", None),
            ("99999999999999999999s", None),
            ("9999999999999999d", None),
        ] {
            assert_eq!(parse_duration(text), millis, "{text}");
        }
    }

    #[test]
    fn tools_are_given_durations_in_their_own_units() {
        assert_eq!(Millis(300_000).go(), "300s");
        assert_eq!(Millis(1_500).go(), "1500ms");
        assert_eq!(Millis(1_500).seconds(), 2);
    }
}
