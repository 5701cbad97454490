//! A gate of Prometheus: taskmaster's own command, and its secrets by the environment.

use crate::support::{World, action, process, renders, running};
use taskmaster_core::action::{SecretRef, Value};

#[test]
fn gate_rows() {
    renders(
        r#"prometheus: {url: "http://127.0.0.1:9090", query: "sum(rate(x[1m]))", threshold: 0.05}"#,
        r#"
            run    gate: /bin/taskmaster prometheus-gate --url=http://127.0.0.1:9090 --query=sum(rate(x[1m])) --threshold=0.05 --interval=10s --timeout=300s
            check  check: /bin/taskmaster prometheus-gate --url=http://127.0.0.1:9090 --query=sum(rate(x[1m])) --threshold=0.05 --interval=10s --timeout=0s | true [0] false [1]
        "#,
    );
    renders(
        r#"prometheus: {url: "https://p/{{ env }}", query: "-x", range: {min: -1, max: +Inf}, for: 5m, interval: 1500ms, timeout: 20m, ca_file: ca.pem}"#,
        r#"
            run    gate: /bin/taskmaster prometheus-gate --url=https://p/kind --query=-x --min=-1 --max=+Inf --for=300s --interval=1500ms --ca-file=ca.pem --timeout=1200s
            check  check: /bin/taskmaster prometheus-gate --url=https://p/kind --query=-x --min=-1 --max=+Inf --for=300s --interval=1500ms --ca-file=ca.pem --timeout=0s | true [0] false [1]
        "#,
    );
    renders(
        r#"prometheus: {url: "http://p", query: "up", success_condition: "result[0] == 1.0", failure_condition: "result[0] < 0.5"}"#,
        r#"
            run    gate: /bin/taskmaster prometheus-gate --url=http://p --query=up "--success=result[0] == 1.0" "--failure=result[0] < 0.5" --interval=10s --timeout=300s
            check  check: /bin/taskmaster prometheus-gate --url=http://p --query=up "--success=result[0] == 1.0" "--failure=result[0] < 0.5" --interval=10s --timeout=0s | true [0] false [1]
        "#,
    );
}

#[test]
fn secrets_are_in_no_argument() {
    let text = running(
        r#"prometheus: {url: "http://p", query: up, threshold: 1, bearer: {secret: env:TOKEN}, headers: {X-A: "{{ env }}", X-B: {secret: file:b}}}"#,
    );
    let action = action(&text);
    let gate = process(&action.run[0]);
    let headers: Vec<&String> = gate.argv.iter().filter(|word| word.starts_with("--header")).collect();
    assert_eq!(headers, ["--header=X-A", "--header=X-B"]);
    let variable = |name: &str| gate.env.get(name).cloned();
    let secret = |reference| Some(Value::Secret(reference));
    assert_eq!(variable("TASKMASTER_PROMETHEUS_TOKEN"), secret(SecretRef::Env("TOKEN".into())));
    assert_eq!(variable("TASKMASTER_PROMETHEUS_HEADER_0"), Some(Value::Plain("kind".into())));
    assert_eq!(variable("TASKMASTER_PROMETHEUS_HEADER_1"), secret(SecretRef::File("b".into())));
}

#[test]
fn it_needs_no_program() {
    let text = running(r#"prometheus: {url: "http://p", query: up, threshold: 1}"#);
    assert!(World::new().binding(&text).tools.is_empty());
}

#[test]
fn a_check_can_ask_once() {
    let text = "tasks: {T1: {run: {exec: [a]}, verify: {prometheus: {url: 'http://p', query: up, range: {min: 1}}}}}";
    let verify = action(text).verify.expect("a question");
    assert_eq!(process(&verify.decide).argv.last().expect("arguments"), "--timeout=0s");
}

#[test]
fn what_cannot_be_is_told() {
    let condition = "a condition in CEL over `result`, such as `result < 0.05`";
    for (fields, fault) in [
        ("query: up", "exactly one of `threshold`, `range` and the conditions says what is good"),
        (
            "query: up, threshold: 1, range: {min: 1}",
            "exactly one of `threshold`, `range` and the conditions says what is good",
        ),
        ("query: up, range: {}", "this range has neither `min` nor `max`"),
        ("query: up, threshold: much", "`much` `much` is not a number (write it as 0.05)"),
        ("query: up, threshold: NaN", "`NaN` is not a number"),
        ("query: up, success_condition: result <", condition),
        ("query: up, success_condition: canary > 1.0", condition),
        ("query: up, threshold: 1, for: 0s", "`for` is longer than nothing"),
        ("query: up, threshold: 1, interval: 0s", "`interval` is longer than nothing"),
        ("threshold: 1", "needs the key `query`"),
    ] {
        let text = running(&format!("prometheus: {{url: 'http://p', {fields}}}"));
        let faults = World::new().faults(&text);
        assert!(faults.contains(fault), "{fields}: {faults}");
    }
    let secret = "vars: {k: {secret: env:K}}\n".to_owned()
        + &running("prometheus: {url: 'http://p', query: 'up{a=\"{{ vars.k }}\"}', threshold: 1}");
    assert!(World::new().faults(&secret).contains("error[bind-secret-exposed]"));
}
