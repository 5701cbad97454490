//! `prometheus`: a gate that opens once a query of Prometheus is answered as it should be.
//!
//! Taskmaster's own hidden command asks and judges, by the same rules as the metrics of a rollout. Secrets reach it by
//! its environment.

use super::command::Command;
use super::{Parts, Renderer, probe, process};
use crate::decode::{Context, Decode, Map, Millis, Text, record};
use crate::model::ValueSpec;
use crate::yaml::Node;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::borrow::Cow;
use taskmaster_core::tool::{PROMETHEUS_GATE, PROMETHEUS_HEADER, PROMETHEUS_TOKEN};
use taskmaster_delivery::analysis::condition::{Condition, Variables};

/// How long it waits, unless said otherwise.
const WAIT: Millis = Millis(300_000);
/// Time between two questions, unless said otherwise.
const INTERVAL: Millis = Millis(10_000);

/// A gate.
#[derive(Clone, Debug)]
pub(crate) struct PrometheusSpec(PrometheusFields);

record! {
    "a gate of Prometheus"
    /// A question to a Prometheus server, and which answer is good.
    #[schemars(rename = "PrometheusGate")]
    pub(crate) struct PrometheusFields {
        /// The server's address, before `/api/v1`.
        url: Text,
        /// What is asked, in PromQL: one number, or one for each series, which must all be good.
        query: Text,
        /// Less than this is good.
        threshold: Option<Text>,
        /// What lies in it is good.
        range: Option<GateRange>,
        /// Good where this holds, in CEL over `result`.
        success_condition: Option<Text>,
        /// Where this holds it is over: the gate stays shut.
        failure_condition: Option<Text>,
        /// It must have been good for so long, by what the server has recorded; once is enough unless given.
        r#for: Option<Millis>,
        /// Time between two questions, and between two answers of `for`.
        interval: Option<Millis> = "10s",
        /// How long to wait at most.
        timeout: Option<Millis> = "5m",
        /// A token, sent as `Authorization: Bearer`.
        bearer: Option<ValueSpec>,
        /// Further headers.
        #[schemars(default)]
        headers: Map<ValueSpec>,
        /// PEM file of a certificate authority to trust besides the usual ones.
        ca_file: Option<Text>,
    }
}

record! {
    "a range"
    /// From `min` to `max`, both included; either may be left out.
    pub(crate) struct GateRange {
        /// The least that is good.
        min: Option<Text>,
        /// The most that is good.
        max: Option<Text>,
    }
}

impl Decode for PrometheusSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let fields = PrometheusFields::decode(node, cx)?;
        let has_condition = fields.success_condition.is_some() || fields.failure_condition.is_some();
        let ways = [fields.threshold.is_some(), fields.range.is_some(), has_condition];
        if ways.iter().filter(|given| **given).count() != 1 {
            let message = "exactly one of `threshold`, `range` and the conditions says what is good";
            let help = "`threshold: 0.05`, `range: {min: 1}`, or `success_condition: result < 0.05`";
            cx.error_with_help("schema-missing-key", node.span, message, help);
            return None;
        }
        if fields.range.as_ref().is_some_and(|range| range.min.is_none() && range.max.is_none()) {
            cx.error("schema-missing-key", node.span, "this range has neither `min` nor `max`");
            return None;
        }
        let positive = |key: &str, value: Option<Millis>, cx: &mut Context<'_>| {
            if let (Some(node), Some(Millis(0))) = (node.get(key), value) {
                cx.error("schema-value", node.span, format!("`{key}` is longer than nothing"));
            }
        };
        positive("for", fields.r#for, cx);
        positive("interval", fields.interval, cx);
        Some(Self(fields))
    }
}

impl PrometheusSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>) -> Parts {
        let fields = &self.0;
        let seconds = |millis: Millis| millis.go();
        let asks = self
            .condition(r)
            .flag("--for", fields.r#for.map(seconds))
            .arg(format!("--interval={}", fields.interval.unwrap_or(INTERVAL).go()))
            .flag("--ca-file", fields.ca_file.as_ref().map(|file| r.path(file)));
        let names = fields.headers.iter().map(|(name, _)| name.text.clone());
        let asks = self.secrets(r, asks.flags("--header", names));
        let wait = |timeout: Millis| asks.clone().arg(format!("--timeout={}", timeout.go())).build();
        let run = vec![process("gate", wait(fields.timeout.unwrap_or(WAIT)))];
        Parts { run, check: Some(probe(process("check", wait(Millis(0))), vec![1])), ..Parts::default() }
    }

    /// What is asked, and what is good.
    fn condition(&self, r: &Renderer<'_>) -> Command {
        let fields = &self.0;
        let range = fields.range.as_ref();
        let number = |text: Option<&Text>| text.map(|text| number(r, text));
        let cel = |text: Option<&Text>| text.map(|text| condition(r, text));
        Command::new(&[&r.facts.program, PROMETHEUS_GATE])
            .arg(format!("--url={}", r.url(&fields.url)))
            .arg(format!("--query={}", r.argument(&fields.query)))
            .flag("--threshold", number(fields.threshold.as_ref()))
            .flag("--min", number(range.and_then(|range| range.min.as_ref())))
            .flag("--max", number(range.and_then(|range| range.max.as_ref())))
            .flag("--success", cel(fields.success_condition.as_ref()))
            .flag("--failure", cel(fields.failure_condition.as_ref()))
    }

    /// Headers go by number, for a name of a header is none of a variable.
    fn secrets(&self, r: &Renderer<'_>, command: Command) -> Command {
        let fields = &self.0;
        let token = fields.bearer.iter().map(|bearer| (PROMETHEUS_TOKEN.to_owned(), r.value(bearer)));
        let headers = fields.headers.iter().enumerate();
        let headers = headers.map(|(at, (_, value))| (format!("{PROMETHEUS_HEADER}{at}"), r.value(value)));
        command.envs(token.chain(headers))
    }
}

/// A number, also where it was rendered.
fn number(r: &Renderer<'_>, text: &Text) -> String {
    let (written, is_known) = r.argument_if_known(text);
    if is_known && !written.trim().parse::<f64>().is_ok_and(|number| !number.is_nan()) {
        r.error("bind-condition", text.place, format!("`{written}` is not a number"), "write it as 0.05");
    }
    written.trim().to_owned()
}

/// A condition, also where it was rendered.
fn condition(r: &Renderer<'_>, text: &Text) -> String {
    let (written, is_known) = r.argument_if_known(text);
    if is_known && let Err(fault) = Condition::compile(&written, Variables::default()) {
        let help = "a condition in CEL over `result`, such as `result < 0.05`";
        r.error("bind-condition", text.place, fault.to_string(), help);
    }
    written
}

impl JsonSchema for PrometheusSpec {
    fn schema_name() -> Cow<'static, str> {
        "Prometheus".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        PrometheusFields::json_schema(generator)
    }
}
