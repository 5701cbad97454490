//! Whom metrics are asked of.

use super::check::Faults;
use super::duration;
use super::model::{Analysis, Judge, Metric, TestKind, Unit};
use super::own::OwnQuery;
use super::raw::RolloutSpec;
use super::text::{Text, is_no_path, is_token};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The source that is the proxy's own counters.
pub const PROXY: &str = "proxy";
/// Most sources, and most headers of one.
const MOST: usize = 100;
const TIMEOUT: Duration = Duration::from_secs(5);
const RETRIES: i64 = 2;
const MOST_RETRIES: i64 = 10;

/// A Prometheus server, as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceSpec {
    /// Its address, before `/api/v1`.
    pub url: Text,
    /// A token for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<Text>,
    /// A file of certificates to trust, relative to the rollout's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Longest time of one try; 5s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<duration::Text>,
    /// So many tries after the first; 2 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<i64>,
    /// More headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Text>,
}

/// A Prometheus server.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Its address, before `/api/v1`.
    pub url: Text,
    /// A token for it.
    pub bearer: Option<Text>,
    /// A file of certificates to trust, relative to the rollout's.
    pub ca: Option<String>,
    /// Longest time of one try.
    pub timeout: Duration,
    /// So many tries after the first.
    pub retries: u32,
    /// More headers.
    pub headers: BTreeMap<String, Text>,
}

/// Checks the sources.
pub(super) fn check(specs: &BTreeMap<String, SourceSpec>, faults: &mut Faults) -> BTreeMap<String, Source> {
    if specs.len() > MOST {
        faults.at("sources", |faults| faults.too_many(specs.len(), MOST));
        return BTreeMap::new();
    }
    let read = |(name, spec): (&String, &SourceSpec)| {
        let source = faults.at(format!("sources.{name}"), |faults| {
            if name.trim().is_empty() {
                faults.say("has no name");
            }
            if name == PROXY {
                faults.say("this name is the proxy's own");
            }
            source(spec, faults)
        });
        (name.clone(), source)
    };
    specs.iter().map(read).collect()
}

fn source(spec: &SourceSpec, faults: &mut Faults) -> Source {
    faults.url("url", &spec.url);
    faults.secret("bearer", spec.bearer.as_ref());
    if spec.ca.as_deref().is_some_and(is_no_path) {
        faults.at("ca", |faults| faults.say("is no path of a file"));
    }
    faults.at("headers", |faults| headers(spec, faults));
    let retries = faults.number("retries", spec.retries.unwrap_or(RETRIES), 0, MOST_RETRIES);
    Source {
        url: spec.url.clone(),
        bearer: spec.bearer.clone(),
        ca: spec.ca.clone(),
        timeout: faults.time("timeout", spec.timeout, TIMEOUT),
        retries: retries.unwrap_or(0),
        headers: spec.headers.clone(),
    }
}

fn headers(spec: &SourceSpec, faults: &mut Faults) {
    if spec.headers.len() > MOST {
        return faults.too_many(spec.headers.len(), MOST);
    }
    for (name, text) in &spec.headers {
        if !is_token(name) {
            faults.say(format!("`{}` is no name of a header", name.escape_debug()));
        }
        if text.literal().is_some_and(|literal| literal.chars().any(char::is_control)) {
            faults.at(name.as_str(), |faults| faults.say("is one line"));
        }
        match name.eq_ignore_ascii_case("authorization") {
            true if spec.bearer.is_some() => {
                faults.at(name.as_str(), |faults| faults.say("contradicts `bearer`"));
            }
            true => faults.secret(name, Some(text)),
            false => faults.text(name, text),
        }
    }
}

/// Finds whom each metric is asked of, where the file says who there is: a test without a query has its
/// counts from the proxy of a local service, and any other from the only source.
pub(super) fn bind(analysis: &mut Analysis, spec: &RolloutSpec, faults: &mut Faults) {
    let has_service = spec.service.is_some();
    if !has_service && spec.sources.is_empty() {
        return;
    }
    for (index, metric) in analysis.metrics.iter_mut().enumerate() {
        faults.at(format!("metrics[{index}]"), |faults| {
            let counts_itself = matches!(metric.judge, Judge::Test(_)) && metric.queries.is_empty();
            match metric.source.as_str() {
                "" if counts_itself && !has_service => {}
                "" if counts_itself => PROXY.clone_into(&mut metric.source),
                "" => only(metric, spec, faults),
                PROXY if has_service => own(metric, faults),
                _ if spec.sources.contains_key(&metric.source) => asks(metric, faults),
                name => {
                    let message = format!("no source is called `{name}`");
                    faults.at("source", |faults| faults.help(message, names(spec)));
                }
            }
            if metric.source == PROXY && has_service {
                unit(metric, spec, faults);
            }
        });
    }
}

/// The only source there is.
fn only(metric: &mut Metric, spec: &RolloutSpec, faults: &mut Faults) {
    let mut all = spec.sources.keys();
    match (all.next(), all.next()) {
        (Some(name), None) => {
            metric.source.clone_from(name);
            asks(metric, faults);
        }
        _ => faults.help("does not say whom to ask", format!("`source`: {}", names(spec))),
    }
}

/// The proxy counts for tests by itself, and answers a counted metric by words of its own.
fn own(metric: &Metric, faults: &mut Faults) {
    match &metric.judge {
        Judge::Test(_) if metric.queries.is_empty() => {}
        Judge::Test(_) => faults.at("query", |faults| faults.say("the proxy counts for a test by itself")),
        Judge::Counted(..) if metric.queries.is_empty() => {
            faults.help("asks nothing of its source", "`query: {result: errors}`");
        }
        Judge::Counted(..) => {
            for (role, text) in &metric.queries {
                if let Err(fault) = text.parse::<OwnQuery>() {
                    faults.at(format!("query.{role}"), |faults| faults.say(fault.to_string()));
                }
            }
        }
    }
}

/// A server has to be asked something.
fn asks(metric: &Metric, faults: &mut Faults) {
    if metric.queries.is_empty() {
        faults.help("asks nothing of its source", "add `query`");
    }
}

fn names(spec: &RolloutSpec) -> String {
    let proxy = spec.service.iter().map(|_| PROXY);
    let all: Vec<&str> = proxy.chain(spec.sources.keys().map(String::as_str)).collect();
    format!("there are {}", all.join(", "))
}

/// The proxy deals requests and sessions. It tells sessions apart by its cookie, and of a session it knows whether a request of it failed.
fn unit(metric: &Metric, spec: &RolloutSpec, faults: &mut Faults) {
    let Judge::Test(test) = &metric.judge else { return };
    if test.unit == Unit::Bucket && !matches!(test.kind, TestKind::Mean(_)) {
        faults.at("test.unit", |faults| {
            faults.say("the proxy deals requests and sessions, no stretches of time");
        });
    }
    if test.unit != Unit::Session {
        return;
    }
    if !matches!(test.kind, TestKind::Errors) {
        faults.at("test.unit", |faults| faults.say("of sessions the proxy counts errors alone"));
    }
    if spec.service.as_ref().is_some_and(|service| service.sticky.is_none()) {
        faults.at("test.unit", |faults| {
            faults.help("nothing tells sessions apart", "add `service.sticky`");
        });
    }
}
