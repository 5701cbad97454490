//! Gates of Flagger's load tester.

use serde_json::json;
use taskmaster_kube_api::{Canary, GateVerb, Webhook, gate_call};

fn webhook(url: &str) -> Webhook {
    Webhook { name: "approve".into(), kind: "confirm-rollout".into(), url: url.into() }
}

/// The path on the API server, or why not.
fn shown(url: &str, verb: GateVerb) -> String {
    let canary = Canary::from_json(&json!({ "metadata": { "name": "web", "namespace": "shop" } }));
    let canary = canary.expect("a canary");
    match gate_call(&canary, &webhook(url), verb) {
        Ok(call) => {
            assert_eq!(
                (call.gate.as_str(), &call.body),
                ("approve", &json!({ "name": "web", "namespace": "shop" }))
            );
            call.path
        }
        Err(refusal) => format!("{refusal} ({})", refusal.hint()),
    }
}

const FOREIGN: &str =
    "the gate approve is no gate of Flagger's load tester (say yes where its service takes it)";

#[test]
fn a_gate_is_reached_by_the_api_server() {
    for (url, path) in [
        (
            "http://flagger-loadtester.test/gate/check",
            "/api/v1/namespaces/test/services/flagger-loadtester:80/proxy/gate/open",
        ),
        (
            "http://tester.test.svc.cluster.local:8080/gate/check",
            "/api/v1/namespaces/test/services/tester:8080/proxy/gate/open",
        ),
        (
            "https://tester.test.svc/rollback/check",
            "/api/v1/namespaces/test/services/https:tester:443/proxy/rollback/open",
        ),
        (
            "http://tester.test/below/gate/check",
            "/api/v1/namespaces/test/services/tester:80/proxy/below/gate/open",
        ),
    ] {
        assert_eq!(shown(url, GateVerb::Open), path);
        assert_eq!(shown(url, GateVerb::Close), path.replace("/open", "/close"));
    }
}

#[test]
fn what_is_no_gate_of_the_load_tester_is_left_alone() {
    for url in [
        "http://tester.test/check",
        "http://tester.test/gate/approve",
        "http://tester.test/gate/check?token=x",
        "http://tester.test/../gate/check",
        "http://tester.test/gate%2fcheck",
        "http://tester.example.com/gate/check",
        "http://10.0.0.7/gate/check",
        "http://[::1]/gate/check",
        "http://tester.test:http/gate/check",
        "http://a/b@tester.test/gate/check/../x",
        "http://Tester.test/gate/check",
        "http://tester.test",
        "ftp://tester.test/gate/check",
        "",
    ] {
        assert_eq!(shown(url, GateVerb::Open), FOREIGN, "{url}");
    }
    assert_eq!(
        shown("http://tester.test/gate/halt", GateVerb::Open),
        "the gate approve says no for ever: its address is that of `halt` (let the webhook's address end with `/gate/check`)"
    );
    assert_eq!(
        shown("http://tester/gate/check", GateVerb::Open),
        "the address of the gate approve names no namespace (write its host as `SERVICE.NAMESPACE`)"
    );
}
