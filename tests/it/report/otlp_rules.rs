//! A strict reader of OTLP/JSON, by the specification and the `.proto` files of OTLP 1.x: what is not in them, or is
//! written otherwise than they say, is refused. And a reader of the same as protobuf, which knows nothing of ours.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A span as it was told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) name: String,
    pub(crate) kind: i64,
    pub(crate) flags: u64,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) events: Vec<(String, u64, BTreeMap<String, String>)>,
    /// Of a status that says that something went wrong.
    pub(crate) error: Option<String>,
}

/// What was told of the program, and the spans: the first is the root, and all hang together.
#[track_caller]
pub(crate) fn read(traces: &Value) -> (BTreeMap<String, String>, Vec<Told>) {
    let (resource, spans) = parts(traces);
    hang_together(&spans);
    (resource, spans)
}

/// The same of one request of several.
#[track_caller]
pub(crate) fn parts(traces: &Value) -> (BTreeMap<String, String>, Vec<Told>) {
    let [of_resource] = list(only(traces, &["resourceSpans"]), "resourceSpans") else { panic!("{traces}") };
    let of_resource = only(of_resource, &["resource", "scopeSpans"]);
    let resource = attributes(only(&of_resource["resource"], &["attributes"]));
    let [scope] = list(of_resource, "scopeSpans") else { panic!("{of_resource}") };
    only(&scope["scope"], &["name", "version"]);
    assert_eq!(scope["scope"]["name"], "taskmaster");
    let spans = list(only(scope, &["scope", "spans"]), "spans").iter().map(span).collect();
    (resource, spans)
}

const OF_SPAN: [&str; 11] = [
    "traceId",
    "spanId",
    "parentSpanId",
    "name",
    "kind",
    "startTimeUnixNano",
    "endTimeUnixNano",
    "attributes",
    "events",
    "status",
    "flags",
];

fn span(span: &Value) -> Told {
    only(span, &OF_SPAN);
    let status = span.get("status").map(|status| {
        only(status, &["message", "code"]);
        assert_eq!(status["code"], 2, "only faults are said: {status}");
        text(&status["message"])
    });
    let event = |event: &Value| {
        only(event, &["timeUnixNano", "name", "attributes"]);
        (text(&event["name"]), number(&event["timeUnixNano"]), attributes(event))
    };
    Told {
        trace: hex(&span["traceId"], 32),
        id: hex(&span["spanId"], 16),
        parent: span.get("parentSpanId").map(|parent| hex(parent, 16)),
        name: text(&span["name"]),
        kind: span["kind"].as_i64().expect("a kind"),
        flags: span["flags"].as_u64().expect("flags"),
        start: number(&span["startTimeUnixNano"]),
        end: number(&span["endTimeUnixNano"]),
        attributes: attributes(span),
        events: span
            .get("events")
            .map(|_| list(span, "events").iter().map(event).collect())
            .unwrap_or_default(),
        error: status,
    }
}

/// One trace, each id once, every parent there and around its children in time, events inside.
#[track_caller]
fn hang_together(spans: &[Told]) {
    let ids: HashMap<&str, &Told> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    assert_eq!(ids.len(), spans.len(), "each id once");
    for span in spans {
        assert_eq!(span.trace, spans[0].trace);
        assert!(span.start <= span.end, "{span:?}");
        let inside = |(_, at, _): &(String, u64, _)| (span.start..=span.end).contains(at);
        assert!(span.events.iter().all(inside), "{span:?}");
        assert_eq!(span.error.is_some(), span.attributes.contains_key("error.type"), "{span:?}");
    }
    for span in &spans[1..] {
        let parent = span.parent.as_deref().and_then(|id| ids.get(id)).unwrap_or_else(|| panic!("{span:?}"));
        assert!(parent.start <= span.start && span.end <= parent.end, "{parent:?} is around {span:?}");
    }
}

#[track_caller]
fn only<'a>(value: &'a Value, keys: &[&str]) -> &'a Value {
    let found: BTreeSet<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = keys.iter().copied().collect();
    assert!(found.is_subset(&known), "{found:?} of {known:?}");
    value
}

#[track_caller]
fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("a list {key}"))
}

#[track_caller]
fn text(value: &Value) -> String {
    let text = value.as_str().unwrap_or_else(|| panic!("a text: {value}")).to_owned();
    assert!(!text.contains(char::is_control), "{text:?}");
    text
}

/// A number of 64 bits, which is a text in JSON.
#[track_caller]
fn number(value: &Value) -> u64 {
    text(value).parse().expect("a number")
}

#[track_caller]
fn hex(value: &Value, length: usize) -> String {
    let text = text(value);
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    assert!(
        text.len() == length && text.bytes().all(is_hex) && text.bytes().any(|byte| byte != b'0'),
        "{text}"
    );
    text
}

#[track_caller]
fn attributes(of: &Value) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for attribute in list(of, "attributes") {
        only(attribute, &["key", "value"]);
        let value = only(&attribute["value"], &["stringValue", "intValue"]);
        assert_eq!(value.as_object().expect("an object").len(), 1, "{value}");
        if let Some(number) = value.get("intValue") {
            text(number).parse::<i64>().expect("a number of 64 bits as a text");
        }
        let shown = value.as_object().and_then(|value| value.values().next()).expect("a value");
        assert_eq!(all.insert(text(&attribute["key"]), text(shown)), None, "each key once: {attribute}");
    }
    all
}

/// What a field holds.
#[derive(Clone, Copy)]
enum Field {
    One(&'static str),
    Many(&'static str),
    Text,
    Hex,
    /// A number that is one in JSON.
    Small,
    /// A number that is a text in JSON.
    Large,
    Fixed64,
    Fixed32,
}

/// The fields of `opentelemetry/proto/{trace,common,resource}/v1`, copied from there by hand.
const FIELDS: [(&str, u64, &str, Field); 26] = [
    ("TracesData", 1, "resourceSpans", Field::Many("ResourceSpans")),
    ("ResourceSpans", 1, "resource", Field::One("Resource")),
    ("ResourceSpans", 2, "scopeSpans", Field::Many("ScopeSpans")),
    ("Resource", 1, "attributes", Field::Many("KeyValue")),
    ("ScopeSpans", 1, "scope", Field::One("InstrumentationScope")),
    ("ScopeSpans", 2, "spans", Field::Many("Span")),
    ("InstrumentationScope", 1, "name", Field::Text),
    ("InstrumentationScope", 2, "version", Field::Text),
    ("Span", 1, "traceId", Field::Hex),
    ("Span", 2, "spanId", Field::Hex),
    ("Span", 4, "parentSpanId", Field::Hex),
    ("Span", 5, "name", Field::Text),
    ("Span", 6, "kind", Field::Small),
    ("Span", 7, "startTimeUnixNano", Field::Fixed64),
    ("Span", 8, "endTimeUnixNano", Field::Fixed64),
    ("Span", 9, "attributes", Field::Many("KeyValue")),
    ("Span", 11, "events", Field::Many("Event")),
    ("Span", 15, "status", Field::One("Status")),
    ("Span", 16, "flags", Field::Fixed32),
    ("Event", 1, "timeUnixNano", Field::Fixed64),
    ("Event", 2, "name", Field::Text),
    ("Event", 3, "attributes", Field::Many("KeyValue")),
    ("Status", 2, "message", Field::Text),
    ("Status", 3, "code", Field::Small),
    ("KeyValue", 1, "key", Field::Text),
    ("KeyValue", 2, "value", Field::One("AnyValue")),
];
const OF_VALUE: [(u64, &str, Field); 2] = [(1, "stringValue", Field::Text), (3, "intValue", Field::Large)];

/// Traces in protobuf as the JSON that they should be; lists that may be empty are there where JSON has them.
#[track_caller]
pub(crate) fn from_protobuf(bytes: &[u8]) -> Value {
    message("TracesData", bytes)
}

fn message(kind: &str, mut bytes: &[u8]) -> Value {
    let mut fields = Map::new();
    if matches!(kind, "Span" | "Event" | "Resource") {
        fields.insert("attributes".to_owned(), json!([]));
    }
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let of_value = OF_VALUE.iter().find(|(number, ..)| kind == "AnyValue" && *number == tag >> 3);
        let plain = FIELDS.iter().find(|(of, number, ..)| *of == kind && *number == tag >> 3);
        let (name, field) = of_value.map(|(_, name, field)| (name, field)).unwrap_or_else(|| {
            plain
                .map(|(_, _, name, field)| (name, field))
                .unwrap_or_else(|| panic!("field {} of {kind}", tag >> 3))
        });
        let (wire, value) = value(*field, &mut bytes);
        assert_eq!(tag & 7, wire, "{kind}.{name}");
        match field {
            Field::Many(_) => {
                let all = fields.entry(*name).or_insert_with(|| json!([]));
                all.as_array_mut().expect("a list").push(value);
            }
            _ => assert_eq!(fields.insert((*name).to_owned(), value), None, "{kind}.{name} once"),
        }
    }
    Value::Object(fields)
}

/// The wire type that a field must have, and its value as JSON.
fn value(field: Field, bytes: &mut &[u8]) -> (u64, Value) {
    match field {
        Field::One(kind) | Field::Many(kind) => (2, message(kind, chunk(bytes))),
        Field::Text => (2, json!(std::str::from_utf8(chunk(bytes)).expect("UTF-8"))),
        Field::Hex => (2, json!(chunk(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>())),
        Field::Small => (0, json!(varint(bytes))),
        Field::Large => (0, json!(varint(bytes).cast_signed().to_string())),
        Field::Fixed64 => (1, json!(u64::from_le_bytes(take(bytes, 8).try_into().expect("8")).to_string())),
        Field::Fixed32 => (5, json!(u32::from_le_bytes(take(bytes, 4).try_into().expect("4")))),
    }
}

fn chunk<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::try_from(varint(bytes)).expect("a length");
    take(bytes, length)
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    taken
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for place in 0..10 {
        let byte = take(bytes, 1)[0];
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return number;
        }
    }
    panic!("a number that does not end");
}
