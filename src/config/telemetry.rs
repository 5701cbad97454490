//! Whether and where runs are traced, by OpenTelemetry's own variables.
//!
//! They are read as its specification has them, but for one thing: without any of them nothing is sent. Absent on
//! purpose: settings of files. An address in a repository would get what is told of everybody's runs.
//!
//! Invariant: no value of a header, and no address, is in a warning or a `Debug`.

use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use taskmaster_core::trace::Traceparent;
use zeroize::Zeroizing;

/// Looks a variable up.
type Var<'a> = &'a dyn Fn(&str) -> Option<String>;

/// So long is an export given where nothing else is said, in milliseconds.
const DEFAULT_TIMEOUT: u64 = 10_000;
/// No run waits longer for its traces to be sent, in milliseconds.
const LONGEST_TIMEOUT: u64 = 300_000;
/// Where a receiver of this machine listens.
const DEFAULT_ENDPOINT: &str = "http://localhost:4318";

/// How traces are written for their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Binary protobuf over HTTP.
    Protobuf,
    /// JSON over HTTP.
    Json,
}

/// Where traces are sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Export {
    /// The address; a secret, as many hold a token.
    pub url: Zeroizing<String>,
    /// Headers that go along, with secrets as values.
    pub headers: Vec<(String, Zeroizing<String>)>,
    /// How they are written.
    pub protocol: Protocol,
    /// All tries together get so long.
    pub timeout: Duration,
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, timeout, .. } = self;
        f.debug_struct("Export").field("protocol", protocol).field("timeout", timeout).finish_non_exhaustive()
    }
}

/// What OpenTelemetry's variables say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telemetry {
    /// Where traces are sent; none where they are not.
    pub export: Option<Export>,
    /// What of the variables is not as it should be, a line each.
    pub warnings: Vec<String>,
    /// What is said of this program in every trace; `service.name` always.
    pub resource: BTreeMap<String, String>,
    /// The span around this process.
    pub around: Option<Traceparent>,
}

impl Telemetry {
    /// Reads the variables. Empty ones are as good as none.
    pub fn from_environment(var: Var<'_>) -> Self {
        let mut telemetry =
            Self { around: var("TRACEPARENT").and_then(|text| text.trim().parse().ok()), ..Self::default() };
        let export = export(var, &mut telemetry.warnings);
        telemetry.resource = resource(var, &mut telemetry.warnings);
        match export {
            // Nobody asks for traces, so nobody is told what would be wrong with them.
            Ok(None) => telemetry.warnings.clear(),
            Ok(export) => telemetry.export = export,
            Err(why) => telemetry.warnings.push(format!("{why}; no traces are sent")),
        }
        telemetry
    }
}

/// The first of these variables that says anything, with its name.
fn first<'a>(var: Var<'_>, names: &[&'a str]) -> Option<(&'a str, Zeroizing<String>)> {
    let said = |name: &&'a str| {
        let value = Zeroizing::new(var(name)?.trim().to_owned());
        (!value.is_empty()).then_some((*name, value))
    };
    names.iter().find_map(said)
}

/// Where traces are sent; none where nobody asks for it. An error where somebody does and it cannot be.
fn export(var: Var<'_>, warnings: &mut Vec<String>) -> Result<Option<Export>, String> {
    let is_disabled = var("OTEL_SDK_DISABLED").is_some_and(|word| word.trim().eq_ignore_ascii_case("true"));
    let Some(url) = (if is_disabled { None } else { url(var)? }) else { return Ok(None) };
    let protocol = protocol(var)?;
    let headers = headers(var)?;
    let timeout = timeout(var).unwrap_or_else(|why| {
        warnings.push(why);
        Duration::from_millis(DEFAULT_TIMEOUT)
    });
    Ok(Some(Export { url, headers, protocol, timeout }))
}

fn url(var: Var<'_>) -> Result<Option<Zeroizing<String>>, String> {
    let exporters = first(var, &["OTEL_TRACES_EXPORTER"]);
    let exporters = exporters.as_ref().map(|(_, names)| names.split(',').map(str::trim).collect::<Vec<_>>());
    let is_named = match exporters {
        None => false,
        Some(names) if names.contains(&"none") => return Ok(None),
        Some(names) if names.contains(&"otlp") => true,
        Some(names) => {
            return Err(format!("OTEL_TRACES_EXPORTER={} is neither otlp nor none", names.join(",")));
        }
    };
    if let Some((_, url)) = first(var, &["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]) {
        return Ok(Some(url));
    }
    let base = first(var, &["OTEL_EXPORTER_OTLP_ENDPOINT"]).map(|(_, url)| url);
    let base = base.or_else(|| is_named.then(|| Zeroizing::new(DEFAULT_ENDPOINT.to_owned())));
    Ok(base.map(|base| Zeroizing::new(format!("{}/v1/traces", base.trim_end_matches('/')))))
}

fn protocol(var: Var<'_>) -> Result<Protocol, String> {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
    match first(var, &names) {
        None => Ok(Protocol::Protobuf),
        Some((_, word)) if *word == "http/protobuf" => Ok(Protocol::Protobuf),
        Some((_, word)) if *word == "http/json" => Ok(Protocol::Json),
        Some((name, word)) => {
            let word = word.as_str();
            Err(format!("{name}={word} is not spoken here: give http/protobuf or http/json, and their port"))
        }
    }
}

fn timeout(var: Var<'_>) -> Result<Duration, String> {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
    let Some((name, text)) = first(var, &names) else { return Ok(Duration::from_millis(DEFAULT_TIMEOUT)) };
    match text.parse::<u64>() {
        Ok(ms) if ms > 0 => Ok(Duration::from_millis(ms.min(LONGEST_TIMEOUT))),
        _ => Err(format!("{name} is no number of milliseconds above 0; {DEFAULT_TIMEOUT} are taken")),
    }
}

fn headers(var: Var<'_>) -> Result<Vec<(String, Zeroizing<String>)>, String> {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
    let Some((name, text)) = first(var, &names) else { return Ok(Vec::new()) };
    pairs(&text).map_err(|place| format!("{name}: its entry {place} is not `name=value`"))
}

fn resource(var: Var<'_>, warnings: &mut Vec<String>) -> BTreeMap<String, String> {
    let text = first(var, &["OTEL_RESOURCE_ATTRIBUTES"]).map(|(_, text)| text).unwrap_or_default();
    // One that cannot be read spoils them all: so the specification has it.
    let said = pairs(&text).unwrap_or_else(|place| {
        let why = "is not `name=value`; none of them is taken";
        warnings.push(format!("OTEL_RESOURCE_ATTRIBUTES: its entry {place} {why}"));
        Vec::new()
    });
    let mut resource: BTreeMap<String, String> =
        said.into_iter().map(|(name, value)| (name, value.to_string())).collect();
    if let Some((_, name)) = first(var, &["OTEL_SERVICE_NAME"]) {
        resource.insert("service.name".to_owned(), name.to_string());
    }
    resource.entry("service.name".to_owned()).or_insert_with(|| "taskmaster".to_owned());
    resource
}

/// `name=value,name=value` with values in percent encoding, as W3C's baggage has it; else the place of the first entry
/// that is none, from 1.
fn pairs(text: &str) -> Result<Vec<(String, Zeroizing<String>)>, usize> {
    let entries = text.split(',').map(str::trim).enumerate().filter(|(_, entry)| !entry.is_empty());
    entries.map(|(place, entry)| pair(entry).ok_or(place + 1)).collect()
}

fn pair(entry: &str) -> Option<(String, Zeroizing<String>)> {
    let (name, value) = entry.split_once('=')?;
    let (name, value) = (name.trim(), percent_decode_str(value.trim()).decode_utf8().ok()?);
    // What is no name may be a part of a secret.
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_usable = !name.is_empty() && name.bytes().all(is_token) && !value.contains(char::is_control);
    is_usable.then(|| (name.to_owned(), Zeroizing::new(value.into_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Vars<'a> = &'a [(&'a str, &'a str)];

    fn read(vars: Vars<'_>) -> Telemetry {
        Telemetry::from_environment(&|name| {
            let found = vars.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318/");

    #[test]
    fn nothing_is_sent_before_somebody_asks_for_it() {
        let url = |vars: Vars<'_>| read(vars).export.map(|export| export.url.to_string());
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b/otlp?k=v");
        let rows: [(Vars<'_>, Option<&str>); 13] = [
            (&[], None),
            (&[("OTEL_SERVICE_NAME", "x"), ("OTEL_EXPORTER_OTLP_HEADERS", "a=b")], None),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], None),
            (&[BASE], Some("http://a:4318/v1/traces")),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318/base")], Some("http://a:4318/base/v1/traces")),
            (&[BASE, traces], Some("http://b/otlp?k=v")),
            (&[BASE, ("OTEL_TRACES_EXPORTER", "none")], None),
            (&[BASE, ("OTEL_TRACES_EXPORTER", " otlp ,console")], Some("http://a:4318/v1/traces")),
            (&[("OTEL_TRACES_EXPORTER", "otlp")], Some("http://localhost:4318/v1/traces")),
            (&[BASE, ("OTEL_SDK_DISABLED", "True")], None),
            (&[BASE, ("OTEL_SDK_DISABLED", "1")], Some("http://a:4318/v1/traces")),
            (&[BASE, ("OTEL_TRACES_EXPORTER", "console")], None),
            (&[BASE, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], None),
        ];
        for (vars, expected) in rows {
            assert_eq!(url(vars).as_deref(), expected, "{vars:?}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_one_clear_warning() {
        let rows = [
            (
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                "OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not spoken here: give http/protobuf or http/json, and their port; \
                 no traces are sent",
            ),
            (
                ("OTEL_TRACES_EXPORTER", "console,zipkin"),
                "OTEL_TRACES_EXPORTER=console,zipkin is neither otlp nor none; no traces are sent",
            ),
            (
                ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,, Authorization: Bearer s3cr3t=="),
                "OTEL_EXPORTER_OTLP_HEADERS: its entry 3 is not `name=value`; no traces are sent",
            ),
            (
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
                "OTEL_EXPORTER_OTLP_TIMEOUT is no number of milliseconds above 0; 10000 are taken",
            ),
            (
                ("OTEL_RESOURCE_ATTRIBUTES", "a=b,c"),
                "OTEL_RESOURCE_ATTRIBUTES: its entry 2 is not `name=value`; none of them is taken",
            ),
        ];
        for (var, expected) in rows {
            assert_eq!(read(&[BASE, var]).warnings, [expected], "{var:?}");
            let asked = var.0 == "OTEL_TRACES_EXPORTER";
            assert_eq!(read(&[var]).warnings.is_empty(), !asked, "{var:?}: nobody asked for anything");
            assert!(read(&[BASE, var, ("OTEL_SDK_DISABLED", "true")]).warnings.is_empty(), "{var:?}");
        }
        let other = ("OTEL_EXPORTER_OTLP_TIMEOUT", "0");
        let kept = read(&[BASE, other]).export.unwrap();
        assert_eq!(kept.timeout, Duration::from_secs(10), "a wrong time is no reason to send nothing");
    }

    #[test]
    fn what_is_said_of_traces_goes_before_what_is_said_of_all() {
        let rows = [
            ("PROTOCOL", "http/json", "grpc"),
            ("TIMEOUT", "1500", "x"),
            ("HEADERS", "Api-Key=a%20b%3D,x = y z ", "=="),
        ];
        let vars: Vec<(String, &str)> = rows
            .iter()
            .flat_map(|(name, own, all)| {
                [
                    (format!("OTEL_EXPORTER_OTLP_TRACES_{name}"), *own),
                    (format!("OTEL_EXPORTER_OTLP_{name}"), all),
                ]
            })
            .collect();
        let mut vars: Vec<(&str, &str)> = vars.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        vars.push(BASE);
        let telemetry = read(&vars);
        assert!(telemetry.warnings.is_empty(), "{:?}", telemetry.warnings);
        let export = telemetry.export.unwrap();
        assert_eq!((export.protocol, export.timeout), (Protocol::Json, Duration::from_millis(1500)));
        let headers: Vec<_> =
            export.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(headers, [("Api-Key", "a b="), ("x", "y z")]);
        let shown = format!("{export:?}");
        assert!(!shown.contains("a b=") && !shown.contains("http://a"), "{shown}");
    }

    #[test]
    fn a_resource_has_a_name_and_the_span_around_is_known() {
        let name = |vars: Vars<'_>| read(vars).resource["service.name"].clone();
        let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,team=a%2Cb");
        assert_eq!(name(&[]), "taskmaster");
        assert_eq!(name(&[attributes]), "shop");
        assert_eq!(name(&[attributes, ("OTEL_SERVICE_NAME", "own")]), "own");
        assert_eq!(read(&[attributes]).resource["team"], "a,b");
        let around = |text| read(&[("TRACEPARENT", text)]).around.map(|around| around.to_string());
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(around(text).as_deref(), Some(text));
        assert_eq!(around("nonsense"), None);
    }
}
