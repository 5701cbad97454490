//! `http`: one request and what its answer must be.

use super::{Parts, Renderer};
use crate::decode::{Context, Decode, Many, Map, Text, record};
use crate::model::{MatchSpec, Tree, ValueSpec};
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use taskmaster_core::action::{HttpSpec, Invocation, OutputMatch, Step, Value};

/// `http: URL`, or a mapping.
#[derive(Clone, Debug)]
pub(crate) struct HttpRequestSpec(HttpFields);

record! {
    "a request"
    /// An HTTP request.
    #[schemars(rename = "HttpRequest")]
    pub(crate) struct HttpFields {
        /// Method.
        method: Option<Method> = "GET",
        /// Absolute URL.
        url: Text,
        /// Headers.
        #[schemars(default)]
        headers: Map<ValueSpec>,
        /// Body as a text.
        body: Option<ValueSpec>,
        /// Body as JSON, with its content type.
        json: Option<Tree>,
        /// What the answer must be.
        expect: Option<ExpectSpec>,
        /// PEM file of a certificate authority to trust besides the usual ones.
        ca_file: Option<Text>,
    }
}

record! {
    "an expected answer"
    /// What an answer must be.
    #[schemars(rename = "HttpExpected")]
    pub(crate) struct ExpectSpec {
        /// Status codes that are accepted: `200`, `2xx`, `200-204`.
        #[schemars(default)]
        status: Many<StatusRange> = "2xx",
        /// What the body must hold.
        #[schemars(default)]
        body: Many<MatchSpec>,
        /// Values by JSON pointer into the body.
        #[schemars(default)]
        json: Map<Tree>,
    }
}

/// An HTTP method.
#[derive(Clone, Debug)]
pub(crate) struct Method(String);

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl Decode for Method {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let upper = match &node.data {
            Data::Scalar(scalar) => scalar.text.to_ascii_uppercase(),
            _ => String::new(),
        };
        if METHODS.contains(&upper.as_str()) {
            return Some(Self(upper));
        }
        let help = format!("known here: {}", METHODS.join(", "));
        cx.error_with_help("schema-value", node.span, "this is no method of HTTP", help);
        None
    }
}

/// Accepted status codes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatusRange {
    range: (u16, u16),
}

fn parse_status(text: &str) -> Option<(u16, u16)> {
    let code = |text: &str| text.parse::<u16>().ok().filter(|code| (100..=599).contains(code));
    if let Some(class) = text.strip_suffix("xx") {
        let first = code(&format!("{class}00"))?;
        return Some((first, first + 99));
    }
    let (low, high) = match text.split_once('-') {
        Some((low, high)) => (code(low)?, code(high)?),
        None => (code(text)?, code(text)?),
    };
    (low <= high).then_some((low, high))
}

impl Decode for StatusRange {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let range = match &node.data {
            Data::Scalar(scalar) => parse_status(&scalar.text),
            _ => None,
        };
        let Some(range) = range else {
            let help = "write `200`, `2xx` or `200-204`";
            cx.error_with_help("schema-value", node.span, "this is no status code", help);
            return None;
        };
        Some(Self { range })
    }
}

impl Decode for HttpRequestSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if matches!(node.data, Data::Scalar(_)) {
            let url = Text::decode(node, cx)?;
            return Some(Self(HttpFields {
                method: None,
                url,
                headers: Map::default(),
                body: None,
                json: None,
                expect: None,
                ca_file: None,
            }));
        }
        let fields = HttpFields::decode(node, cx)?;
        if fields.body.is_some() && fields.json.is_some() {
            cx.error("schema-value", node.span, "both `body` and `json` are given");
            return None;
        }
        Some(Self(fields))
    }
}

impl HttpRequestSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>) -> Parts {
        Parts { run: vec![self.step(r)], ..Parts::default() }
    }

    /// Its only step.
    pub(crate) fn step(&self, r: &Renderer<'_>) -> Step {
        Step { name: "http".to_owned(), invocation: Invocation::Http(self.request(r)) }
    }

    fn request(&self, r: &Renderer<'_>) -> HttpSpec {
        let spec = &self.0;
        let mut headers = r.values(&spec.headers);
        let body = match (&spec.body, &spec.json) {
            (Some(body), _) => Some(r.value(body)),
            (None, Some(json)) => {
                let named = headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"));
                if !named {
                    headers.insert("Content-Type".to_owned(), Value::Plain("application/json".to_owned()));
                }
                Some(Value::Plain(r.tree(json).to_string()))
            }
            (None, None) => None,
        };
        let mut status: Vec<(u16, u16)> =
            spec.expect.iter().flat_map(|expect| expect.status.iter()).map(|status| status.range).collect();
        if status.is_empty() {
            status.push((200, 299));
        }
        HttpSpec {
            method: spec.method.as_ref().map_or("GET", |method| &method.0).to_owned(),
            url: r.url(&spec.url),
            headers,
            body,
            status,
            expect: spec.expect.iter().flat_map(|expect| expect.conditions(r)).collect(),
            ca_file: spec.ca_file.as_ref().map(|file| r.path(file)),
        }
    }
}

impl ExpectSpec {
    fn conditions(&self, r: &Renderer<'_>) -> Vec<OutputMatch> {
        let mut conditions: Vec<OutputMatch> = self.body.iter().map(|spec| output_match(spec, r)).collect();
        for (pointer, value) in self.json.iter() {
            let equals = Some(r.tree(value));
            conditions.push(OutputMatch { pointer: Some(pointer.text.clone()), equals, contains: None });
        }
        conditions
    }
}

/// A condition on an output.
pub(crate) fn output_match(spec: &MatchSpec, r: &Renderer<'_>) -> OutputMatch {
    OutputMatch {
        pointer: spec.pointer.as_ref().map(|pointer| pointer.text.clone()),
        equals: spec.equals.as_ref().map(|value| r.tree(value)),
        contains: spec.contains.as_ref().map(|text| r.shown(text)),
    }
}

impl JsonSchema for HttpRequestSpec {
    fn schema_name() -> Cow<'static, str> {
        "Http".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = generator.subschema_for::<Text>();
        let long = generator.subschema_for::<HttpFields>();
        json_schema!({ "anyOf": [short, long] })
    }
}

impl JsonSchema for Method {
    fn schema_name() -> Cow<'static, str> {
        "Method".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let lower: Vec<String> = METHODS.iter().map(|method| method.to_ascii_lowercase()).collect();
        json_schema!({ "anyOf": [{ "enum": METHODS }, { "enum": lower }] })
    }
}

impl JsonSchema for StatusRange {
    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "pattern": "^[1-5]([0-9]{2}(-[1-5][0-9]{2})?|xx)$" },
        ] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_codes_are_single_classes_or_ranges() {
        for (text, range) in [
            ("200", Some((200, 200))),
            ("2xx", Some((200, 299))),
            ("200-204", Some((200, 204))),
            ("204-200", None),
            ("9xx", None),
            ("99", None),
            ("ok", None),
            ("-", None),
        ] {
            assert_eq!(parse_status(text), range, "{text}");
        }
    }
}
