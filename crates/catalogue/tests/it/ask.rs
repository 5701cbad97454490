//! The fixed scripts that tell "not there" from "nobody answered", run for real with stand-ins.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "the scripts are run")]

use crate::support::{action, process, running};
use std::process::{Command, Stdio};

/// Runs the built-in check with a stand-in for the tool that prints and ends as told.
fn ask(yaml: &str, tool: &str, says: &str, code: i32) -> (Option<i32>, String, String) {
    let check = action(&running(yaml)).check.expect("it has a check");
    let process = process(&check.decide).clone();
    let at = process.argv.iter().position(|word| word == tool).expect("the tool is asked");
    let stand_in = format!("printf out; printf '%s' \"$SAYS\" >&2; exit {code}");
    let mut argv = process.argv[..at].to_vec();
    argv.extend(["sh".to_owned(), "-c".to_owned(), stand_in]);
    argv.extend(process.argv[at..].iter().cloned());
    let output = Command::new(&argv[0])
        .args(&argv[1..])
        .env("SAYS", says)
        .stdin(Stdio::null())
        .output()
        .expect("sh is there");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn kubectl_diff_is_true_false_or_an_error() {
    let diff = |says, code| ask("kubectl: {apply: a.yaml}", "kubectl", says, code).0;
    assert_eq!(diff("", 0), Some(0), "no difference");
    assert_eq!(diff("", 1), Some(1), "a difference");
    assert_eq!(
        diff("Error from server (NotFound): namespaces \"a\" not found", 2),
        Some(1),
        "no namespace yet"
    );
    let missing_kind = "error: resource mapping not found for name: \"x\": no matches for kind \"Rollout\"";
    assert_eq!(diff(missing_kind, 2), Some(1), "no CRD yet");
    assert_eq!(diff("The connection to the server was refused", 2), Some(2), "nobody answers");
    assert_eq!(diff("error: You must be logged in to the server (Unauthorized)", 2), Some(2));
    assert_eq!(diff("diff: command not found", 127), Some(127));
}

#[test]
fn kubectl_wait_is_true_false_or_an_error() {
    let yaml = "kubectl: {wait: {resources: deployment/web, condition: condition=Available}}";
    let wait = |says, code| ask(yaml, "kubectl", says, code).0;
    assert_eq!(wait("", 0), Some(0));
    assert_eq!(wait("error: timed out waiting for the condition on deployments/web", 1), Some(1));
    assert_eq!(wait("error: condition not met for deployments/web", 1), Some(1));
    assert_eq!(wait("error: no matching resources found", 1), Some(1));
    assert_eq!(wait("Error from server (NotFound): deployments.apps \"web\" not found", 1), Some(1));
    assert_eq!(wait("Unable to connect to the server: dial tcp: i/o timeout", 1), Some(2), "nobody answers");
}

#[test]
fn argocd_get_is_true_false_or_an_error() {
    let get = |says, code| ask("argocd: {core: true, wait: {app: web}}", "argocd", says, code).0;
    assert_eq!(get("", 0), Some(0));
    assert_eq!(get("rpc error: code = NotFound desc = applications \"web\" not found", 20), Some(1));
    assert_eq!(get("rpc error: code = PermissionDenied desc = permission denied", 20), Some(1));
    assert_eq!(get("rpc error: code = Unauthenticated desc = token is expired", 20), Some(20));
    assert_eq!(get("dial tcp 127.0.0.1:8080: connect: connection refused", 20), Some(20));
    assert_eq!(get("something went wrong", 1), Some(2), "exit 1 alone says nothing");
}

#[test]
fn both_streams_pass_through_apart() {
    let (_, out, err) = ask("kubectl: {apply: a.yaml}", "kubectl", "words", 1);
    assert_eq!((out.as_str(), err.trim_end()), ("out", "words"));
}

#[test]
fn words_that_look_like_shell_stay_words() {
    let yaml = "kubectl: {apply: '$(touch /tmp/x); `id`.yaml'}";
    let check = action(&running(yaml)).check.unwrap();
    let argv = &process(&check.decide).argv;
    assert_eq!(argv.last().unwrap(), "--filename=$(touch /tmp/x); `id`.yaml");
    let script = &argv[2];
    assert!(!script.contains("touch"), "nothing of the catalogue is part of the script");
    assert_eq!(ask(yaml, "kubectl", "", 1).0, Some(1));
}
