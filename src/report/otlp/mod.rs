//! A run as a trace of OpenTelemetry: a span for the run, one for each task, and below it what was asked, tried and
//! waited for. Names are those of OpenTelemetry's conventions for pipelines, where there are some.
//!
//! Invariants: all ids follow from the ledger, so that a run that is told twice is the same trace; a span lies inside of
//! its parent in time; nothing that a program printed is told, nor who said yes, nor a command line. Absent on purpose:
//! the network.

mod run;
mod task;
mod wire;

use super::human;
use super::json;
use super::view::TraceView;
use prost::Message;
use wire::{Answer, Resource, ResourceSpans, Scope, ScopeSpans, Span, Traces, text};

/// Most spans of one request: what the exporters of OpenTelemetry send at once.
const MOST_SPANS: usize = 512;
/// Longest text of anybody else, in characters.
const LONGEST: usize = 500;

/// How traces are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Protobuf.
    Protobuf,
    /// JSON.
    Json,
}

impl Encoding {
    /// What a request says of its body.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// The trace as JSON on one line: what a receiver takes at `/v1/traces`, and what collectors keep in files.
pub(super) fn line(view: &TraceView) -> String {
    json::line(&traces(view, run::spans(view))).unwrap_or_default()
}

/// The trace as the bodies of requests.
pub fn requests(view: &TraceView, encoding: Encoding) -> Vec<Vec<u8>> {
    let body = |spans: &[Span]| {
        let traces = traces(view, spans.to_vec());
        match encoding {
            Encoding::Protobuf => traces.encode_to_vec(),
            Encoding::Json => json::line(&traces).unwrap_or_default().into_bytes(),
        }
    };
    run::spans(view).chunks(MOST_SPANS).map(body).collect()
}

/// How many spans a receiver did not take, by its answer; 0 where it does not say.
pub fn rejected(answer: &[u8], encoding: Encoding) -> usize {
    let number = match encoding {
        Encoding::Protobuf => {
            let answer = Answer::decode(answer).unwrap_or_default();
            answer.partial_success.unwrap_or_default().rejected_spans
        }
        Encoding::Json => {
            let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
            let number = &answer["partialSuccess"]["rejectedSpans"];
            // A number of 64 bits is a text in protobuf's JSON, and both are to be taken.
            number.as_i64().or_else(|| number.as_str()?.parse().ok()).unwrap_or_default()
        }
    };
    usize::try_from(number).unwrap_or_default()
}

fn traces(view: &TraceView, spans: Vec<Span>) -> Traces {
    let mut said = view.resource.clone();
    said.entry("service.version".to_owned()).or_insert_with(|| env!("CARGO_PKG_VERSION").to_owned());
    // The conventions want these of a resource, so that every span has them.
    said.insert("cicd.pipeline.name".to_owned(), view.title.clone());
    said.insert("cicd.pipeline.run.id".to_owned(), view.run.to_string());
    let attributes = said.iter().map(|(name, value)| text(&clean(name), clean(value))).collect();
    let scope = Scope { name: "taskmaster".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans }];
    Traces { resource_spans: vec![ResourceSpans { resource: Some(Resource { attributes }), scope_spans }] }
}

/// One harmless line of bounded length.
fn clean(foreign: &str) -> String {
    let line = human::line(foreign);
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_says_what_it_did_not_take() {
        let rows: [(&[u8], Encoding, usize); 7] = [
            (b"", Encoding::Protobuf, 0),
            (&[0x0a, 0x02, 0x08, 0x05], Encoding::Protobuf, 5),
            (b"<html>", Encoding::Protobuf, 0),
            (b"{}", Encoding::Json, 0),
            (br#"{"partialSuccess": {"rejectedSpans": "7", "errorMessage": "x"}}"#, Encoding::Json, 7),
            (br#"{"partialSuccess": {"rejectedSpans": 3}}"#, Encoding::Json, 3),
            (b"no", Encoding::Json, 0),
        ];
        for (answer, encoding, expected) in rows {
            assert_eq!(rejected(answer, encoding), expected, "{answer:?}");
        }
    }
}
