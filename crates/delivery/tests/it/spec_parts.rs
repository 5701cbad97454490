//! The parts of a rollout file that reach out of it: services, gates, notices, sources and load.

#![expect(clippy::needless_pass_by_value, reason = "a table of values reads better without references")]

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use taskmaster_delivery::spec::{
    Event, Format, GateKind, Probe, Rollout, RolloutSpec, Service, Text, check, fill,
};

fn read(text: &Value) -> RolloutSpec {
    serde_json::from_value(text.clone()).unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn good(text: &Value) -> Rollout {
    check(&read(text)).unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

fn expect(text: &Value, path: &str, words: &str) {
    let found = check(&read(text)).err().unwrap_or_default();
    let found: Vec<(&str, &str)> =
        found.iter().map(|fault| (fault.path.as_str(), fault.message.as_str())).collect();
    let is_it = matches!(found[..], [(at, message)] if at == path && message.contains(words));
    assert!(is_it, "{text}\nfound {found:?}\nexpected {path}: {words}");
}

/// A rollout with a part of the file in place of whatever was there.
fn with(key: &str, value: Value) -> Value {
    let mut text = json!({"name": "web", "strategy": {"canary": {}}});
    text[key] = value;
    text
}

fn service(changes: Value) -> Value {
    let mut service = json!({"command": ["./web", "--port", "{port}"], "listen": "127.0.0.1:8080"});
    for (key, value) in changes.as_object().expect("keys") {
        service[key] = value.clone();
    }
    with("service", service)
}

fn of_service(changes: Value) -> Service {
    good(&service(changes)).service.expect("a service")
}

#[test]
fn a_service_as_it_may_be_short() {
    let Service { ready, drain, grace, listen, preview, sticky, directory, .. } = of_service(json!({}));
    assert_eq!((listen.port(), preview, sticky, directory), (8080, None, None, None));
    assert_eq!((ready.probe, ready.interval.as_millis()), (Probe::Tcp, 200));
    assert_eq!((ready.timeout.as_secs(), ready.within.as_secs()), (1, 30));
    assert_eq!((drain.as_secs(), grace.as_secs()), (1, 30));
}

#[test]
fn a_version_says_what_is_otherwise_in_it() {
    let found = of_service(json!({
        "env": {"A": "1", "B": {"env": "SECRET"}, "N": 8080, "T": true}, "directory": ".",
        "versions": {"v4": {"command": ["./other", "{port}"], "env": {"B": {"file": "b.txt"}}, "directory": "v4"}}
    }));
    assert_eq!(found.command_of("v3"), ["./web", "--port", "{port}"]);
    assert_eq!(found.command_of("v4"), ["./other", "{port}"]);
    assert_eq!((found.directory_of("v3"), found.directory_of("v4")), (Some("."), Some("v4")));
    let literal = |text: &str| Text::Literal(text.to_owned());
    let shared: BTreeMap<String, Text> =
        [("A", literal("1")), ("N", literal("8080")), ("T", literal("true"))]
            .map(|(name, text)| (name.to_owned(), text))
            .into();
    let of =
        |text: Text| shared.clone().into_iter().chain([("B".to_owned(), text)]).collect::<BTreeMap<_, _>>();
    assert_eq!(found.env_of("v3"), of(Text::Env("SECRET".to_owned())));
    assert_eq!(found.env_of("v4"), of(Text::File("b.txt".to_owned())));
}

#[test]
fn words_are_filled_once() {
    for (word, filled) in [
        ("--port={port}", "--port=81"),
        ("{version}-{replica}", "{port}-2"),
        ("{ports} {} {{port}} {prot", "{ports} {} {81} {prot"),
        ("ü{port}ü", "ü81ü"),
        ("", ""),
    ] {
        assert_eq!(fill(word, 81, "{port}", 2), filled, "{word}");
    }
}

#[test]
fn faults_of_a_service() {
    for (changes, path, words) in [
        (json!({"command": []}), "service.command", "names no program"),
        (json!({"command": ["./web"]}), "service.command", "nothing tells a replica its port"),
        (json!({"command": ["a\0", "{port}"]}), "service.command", "zero byte"),
        (json!({"listen": "localhost"}), "service.listen", "no address with a port"),
        (json!({"preview": "127.0.0.1"}), "service.preview", "no address with a port"),
        (json!({"preview": "127.0.0.1:8080"}), "service.preview", "is where users come"),
        (json!({"ready": {"http": "readyz"}}), "service.ready.http", "is no path"),
        (json!({"ready": {"http": "/a b"}}), "service.ready.http", "is no path"),
        (json!({"ready": {"http": "/", "tcp": true}}), "service.ready", "at most one"),
        (json!({"ready": {"tcp": false}}), "service.ready", "at most one"),
        (json!({"ready": {"command": [" "]}}), "service.ready.command", "names no program"),
        (json!({"ready": {"interval": "0s"}}), "service.ready.interval", "takes no time"),
        (json!({"grace": "9000h"}), "service.grace", "longer than a year"),
        (json!({"directory": ""}), "service.directory", "is no path"),
        (json!({"sticky": {"cookie": "a b"}}), "service.sticky.cookie", "no name of a cookie"),
        (json!({"sticky": {"cookie": "a", "maxAge": 0}}), "service.sticky.maxAge", "takes no time"),
        (json!({"env": {"A=B": "1"}}), "service.env", "is no name of a variable"),
        (json!({"env": {"A": {"env": ""}}}), "service.env.A.env", "is no name of a variable"),
        (json!({"env": {"A": {"file": " "}}}), "service.env.A.file", "is no path of a file"),
        (json!({"env": {"A": "\0"}}), "service.env.A", "zero byte"),
        (json!({"versions": {"v4": {"command": ["./web"]}}}), "service.versions.v4.command", "its port"),
        (json!({"versions": {"v4": {"directory": ""}}}), "service.versions.v4.directory", "is no path"),
        (json!({"versions": {" ": {}}}), "service.versions. ", "has no name"),
    ] {
        expect(&service(changes), path, words);
    }
    let variables = |count: usize| -> Value {
        let all = (0..count).map(|number| (format!("A{number}"), json!("1")));
        json!({ "env": all.collect::<serde_json::Map<_, _>>() })
    };
    good(&service(variables(1_000)));
    expect(&service(variables(1_001)), "service.env", "1001 are more than 1000");
    // Who hands the port on by the environment does so for versions with a command of their own as well.
    good(&service(
        json!({"command": ["./web"], "env": {"PORT": "{port}"}, "versions": {"v2": {"command": ["./b"]}}}),
    ));
    for preview in ["127.0.0.1:0", "127.0.0.1:8081", "[::1]:8080"] {
        good(&service(json!({"preview": preview})));
    }
    good(&service(json!({"listen": "127.0.0.1:0", "preview": "127.0.0.1:0"})));
}

/// What is refused while it is read.
#[test]
fn texts_that_cannot_be_read() {
    for (text, words) in [
        (json!({"env": "A", "file": "b"}), "exactly one key"),
        (json!({}), "exactly one key"),
        (json!({"exec": "cat"}), "unknown field `exec`"),
        (json!({"env": 5}), "expected a string"),
        (json!(1.5), "put it in quotes"),
        (json!(null), "expected a text"),
        (json!(["a"]), "expected a text"),
    ] {
        let text = service(json!({"env": {"A": text}}));
        let why = serde_json::from_value::<RolloutSpec>(text.clone()).unwrap_err().to_string();
        assert!(why.contains(words), "{text}: {why}");
    }
}

/// An address may hold a secret, and a literal of the environment as well.
#[test]
fn no_text_of_a_file_is_shown() {
    let mut text =
        with("notices", json!([{"name": "a", "format": "slack", "url": "https://hooks.example/T0PSECRET"}]));
    text["gates"] = json!([gate(json!({"url": "http://127.0.0.1/T0PSECRET"}))]);
    let shown = format!("{:?} {:?}", read(&text), good(&text));
    assert!(!shown.contains("T0PSECRET") && shown.contains("Literal(…)"), "{shown}");
}

fn gate(changes: Value) -> Value {
    let mut gate =
        json!({"name": "office-hours", "kind": "confirm-rollout", "url": "https://ops.example/gate"});
    for (key, value) in changes.as_object().expect("keys") {
        gate[key] = value.clone();
    }
    gate
}

#[test]
fn gates() {
    let found = good(&with("gates", json!([gate(json!({}))]))).gates;
    let [gate_found] = &found[..] else { panic!("{found:?}") };
    assert_eq!((gate_found.kind, gate_found.threshold), (GateKind::ConfirmRollout, None));
    assert_eq!((gate_found.timeout, gate_found.interval), (Duration::from_secs(10), Duration::from_secs(10)));
    for (kind, threshold) in [("rollout", Some(5)), ("pre-rollout", None), ("rollback", None)] {
        let found = good(&with("gates", json!([gate(json!({"kind": kind}))]))).gates;
        assert_eq!((found[0].kind.name(), found[0].threshold), (kind, threshold));
    }
    let counted = good(&with("gates", json!([gate(json!({"kind": "pre-rollout", "threshold": 2}))]))).gates;
    assert_eq!(counted[0].threshold, Some(2));
    let secret = "a secret does not stand in a file";
    for (changes, key, words) in [
        (json!({"name": ""}), "name", "empty"),
        (json!({"url": "ops.example"}), "url", "is no address"),
        (json!({"url": "ftp://ops.example"}), "url", "of http or https"),
        (json!({"url": "https:///gate"}), "url", "no host and port"),
        (json!({"url": "https://ops:99999/"}), "url", "no host and port"),
        (json!({"url": "https://ops .example"}), "url", "holds no space"),
        (json!({"url": "https://me:pass@ops.example"}), "url", "names a user"),
        (json!({"url": {"env": ""}}), "url.env", "is no name of a variable"),
        (json!({"timeout": "0s"}), "timeout", "takes no time"),
        (json!({"interval": "0s"}), "interval", "takes no time"),
        (json!({"threshold": 3}), "threshold", "only counts for"),
        (json!({"kind": "rollout", "threshold": 0}), "threshold", "0 is not between 1"),
        (json!({"secret": "s3cret"}), "secret", secret),
    ] {
        expect(&with("gates", json!([gate(changes)])), &format!("gates[0].{key}"), words);
    }
    expect(
        &with("gates", json!([gate(json!({})), gate(json!({}))])),
        "gates[1].name",
        "a second one is called",
    );
    expect(&with("gates", json!(vec![gate(json!({})); 101])), "gates", "101 are more than 100");
    for url in ["http://[::1]:8080/a?b=c#d", "HTTPS://a", "http://127.0.0.1:1"] {
        good(&with("gates", json!([gate(json!({"url": url}))])));
    }
}

#[test]
fn notices() {
    let found = good(&with(
        "notices",
        json!([
            {"name": "ops", "format": "slack", "url": {"env": "SLACK_URL"}, "events": ["completed", "rolledBack"]},
            {"name": "duty", "format": "pagerduty", "secret": {"env": "KEY"}},
            {"name": "own", "format": "generic", "url": "https://own.example", "secret": {"file": "key"}},
        ]),
    ))
    .notices;
    assert_eq!(found[0].events.iter().copied().collect::<Vec<_>>(), [Event::Completed, Event::RolledBack]);
    assert_eq!((found[1].format, found[1].url.is_none()), (Format::Pagerduty, true));
    assert_eq!(found[1].events.len(), Event::ALL.len() - 1);
    assert!(!found[1].events.contains(&Event::Step));
    for (notice, path, words) in [
        (json!({"name": "a", "format": "slack"}), "notices[0]", "does not say where to"),
        (json!({"name": "a", "format": "teams", "url": "x"}), "notices[0].url", "is no address"),
        (json!({"name": "a", "format": "pagerduty"}), "notices[0]", "names no integration"),
        (json!({"name": "a", "format": "pagerduty", "secret": "x"}), "notices[0].secret", "does not stand"),
        (
            json!({"name": "a", "format": "discord", "url": "https://a.example", "secret": {"env": "A"}}),
            "notices[0].secret",
            "their secret is the `url`",
        ),
    ] {
        expect(&with("notices", json!([notice])), path, words);
    }
}

#[test]
fn sources() {
    let found = good(&with("sources", json!({"prometheus": {"url": "http://127.0.0.1:9090"}}))).sources;
    assert_eq!((found["prometheus"].timeout.as_secs(), found["prometheus"].retries), (5, 2));
    for (name, changes, key, words) in [
        ("proxy", json!({}), "", "the proxy's own"),
        ("a", json!({"url": "x"}), ".url", "is no address"),
        ("a", json!({"bearer": "token"}), ".bearer", "does not stand"),
        ("a", json!({"ca": ""}), ".ca", "is no path"),
        ("a", json!({"timeout": 0}), ".timeout", "takes no time"),
        ("a", json!({"retries": -1}), ".retries", "-1 is not between 0 and 10"),
        ("a", json!({"headers": {"a b": "c"}}), ".headers", "is no name of a header"),
        ("a", json!({"headers": {"a": "b\r\nc: d"}}), ".headers.a", "is one line"),
        ("a", json!({"headers": {"Authorization": "Basic x"}}), ".headers.Authorization", "does not stand"),
        (
            "a",
            json!({"bearer": {"env": "T"}, "headers": {"authorization": {"env": "A"}}}),
            ".headers.authorization",
            "contradicts `bearer`",
        ),
    ] {
        let mut source = json!({"url": "http://127.0.0.1:9090"});
        for (key, value) in changes.as_object().expect("keys") {
            source[key] = value.clone();
        }
        expect(&with("sources", json!({name: source})), &format!("sources.{name}{key}"), words);
    }
}

/// Rows: a metric, sources, and the source that is asked; or the place of the fault and its words.
#[test]
fn whom_a_metric_is_asked_of() {
    let test = |unit: &str| json!({"name": "m", "test": {"of": "errors", "unit": unit}});
    let rate = json!({"name": "m", "threshold": 1, "query": {"result": "up"}});
    let own =
        json!({"name": "m", "threshold": 1, "query": {"canary": "errors[1m]", "baseline": "p99-seconds"}});
    let queries =
        ["canaryTotal", "canaryFailures", "baselineTotal", "baselineFailures"].map(|role| (role, "up"));
    let queries: std::collections::BTreeMap<&str, &str> = queries.into_iter().collect();
    let counting = json!({"name": "m", "test": {"of": "errors"}, "query": queries});
    let one = json!({"prom": {"url": "http://127.0.0.1:9090"}});
    let two = json!({"prom": {"url": "http://127.0.0.1:9090"}, "other": {"url": "http://127.0.0.1:9091"}});
    let from = |metric: &Value, source: &str| {
        let mut metric = metric.clone();
        metric["source"] = json!(source);
        metric
    };
    let whole = |metric: Value, sources: &Value, is_sticky: bool| {
        let sticky = json!({"sticky": {"cookie": "version"}});
        let mut text = service(if is_sticky { sticky } else { json!({}) });
        (text["sources"], text["analysis"]) = (sources.clone(), json!({"metrics": [metric]}));
        text
    };
    for (metric, sources, source) in [
        (test("request"), &json!({}), "proxy"),
        (test("request"), &one, "proxy"),
        (from(&test("request"), "proxy"), &two, "proxy"),
        (test("session"), &one, "proxy"),
        (rate.clone(), &one, "prom"),
        (from(&rate, "other"), &two, "other"),
        (from(&own, "proxy"), &two, "proxy"),
    ] {
        assert_eq!(good(&whole(metric, sources, true)).analysis.metrics[0].source, source);
    }
    let latency = json!({"name": "m", "test": {"of": "latency", "unit": "session"}});
    for (metric, sources, key, words) in [
        (rate.clone(), &json!({}), "", "does not say whom to ask"),
        (rate.clone(), &two, "", "does not say whom to ask"),
        (from(&rate, "third"), &two, ".source", "no source is called `third`"),
        (from(&rate, "proxy"), &two, ".query.result", "`up` is nothing that the proxy counts"),
        (from(&json!({"name": "m", "threshold": 1}), "proxy"), &two, "", "asks nothing of its source"),
        (from(&counting, "proxy"), &two, ".query", "the proxy counts for a test by itself"),
        (test("bucket"), &two, ".test.unit", "no stretches of time"),
        (from(&test("request"), "prom"), &one, "", "asks nothing of its source"),
        (json!({"name": "m", "threshold": 1}), &one, "", "asks nothing of its source"),
        (latency, &one, ".test.unit", "errors alone"),
    ] {
        expect(&whole(metric, sources, true), &format!("analysis.metrics[0]{key}"), words);
    }
    expect(
        &whole(test("session"), &one, false),
        "analysis.metrics[0].test.unit",
        "nothing tells sessions apart",
    );
    // Where the file does not say who there is, nothing is known of a source.
    let alone = with(
        "analysis",
        json!({"metrics": [from(&rate, "anybody"), {"name": "n", "test": {"of": "errors"}}]}),
    );
    let found = good(&alone).analysis.metrics;
    assert_eq!((found[0].source.as_str(), found[1].source.as_str()), ("anybody", ""));
}

#[test]
fn load() {
    let with_load = |load: Value| {
        let mut text = service(json!({}));
        text["load"] = load;
        text
    };
    let found = good(&with_load(json!({"rate": 0.5}))).load.expect("load");
    assert_eq!((found.rate, found.paths, found.duration), (0.5, vec!["/".to_owned()], None));
    for (load, path, words) in [
        (json!({"rate": 0}), "load.rate", "0 is not above 0"),
        (json!({"rate": 1e9}), "load.rate", "is not above 0 and at most 100000"),
        (json!({"rate": 1, "paths": ["/", "a"]}), "load.paths[1]", "is no path"),
        (json!({"rate": 1, "duration": 0}), "load.duration", "takes no time"),
    ] {
        expect(&with_load(load), path, words);
    }
    expect(&with("load", json!({"rate": 1})), "load", "nothing that it could be sent to");
}

/// Every fault at once, in the order of the parts; what is read and written again is the same.
#[test]
fn all_parts_together() {
    let mut text = service(json!({
        "env": {"A": {"env": "B"}, "C": "d"}, "directory": ".", "preview": "127.0.0.1:8081", "drain": "2s", "grace": "5s",
        "ready": {"http": "/readyz", "interval": "200ms", "timeout": "1s", "within": "30s"},
        "sticky": {"cookie": "web", "maxAge": "1h"}, "versions": {"v4": {"env": {"A": {"file": "a"}}}}
    }));
    text["gates"] =
        json!([gate(json!({"interval": "1m", "secret": {"env": "S"}, "metadata": {"team": "web"}}))]);
    text["notices"] =
        json!([{"name": "a", "format": "generic", "url": "https://a.example", "events": ["gate"]}]);
    text["sources"] = json!({"p": {
        "url": "http://p:9090", "bearer": {"env": "T"}, "ca": "ca.pem", "timeout": "5s", "retries": 2, "headers": {"X": "a"}
    }});
    text["load"] = json!({"rate": 50.0, "paths": ["/"], "duration": "10m"});
    good(&text);
    let written = serde_json::to_value(read(&text)).unwrap();
    assert_eq!(read(&written), read(&text), "{written}");
    text["service"]["listen"] = json!("x");
    text["gates"][0]["url"] = json!("x");
    text["notices"][0]["url"] = json!("x");
    text["sources"]["p"]["url"] = json!("x");
    text["load"]["rate"] = json!(-1);
    let faults = check(&read(&text)).unwrap_err();
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["service.listen", "gates[0].url", "notices[0].url", "sources.p.url", "load.rate"]);
}
