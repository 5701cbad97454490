//! What tells "not there" from "nobody answered", by the words of the tools' own servers.

use crate::support::{action, process, running};

/// How the built-in check reads an end of its tool.
fn ask(yaml: &str, says: &str, code: i32) -> Option<bool> {
    action(&running(yaml)).check.expect("it has a check").answer(code, says)
}

#[test]
fn kubectl_diff_is_true_false_or_an_error() {
    let diff = |says, code| ask("kubectl: {apply: a.yaml}", says, code);
    assert_eq!(diff("", 0), Some(true), "no difference");
    assert_eq!(diff("", 1), Some(false), "a difference");
    let no_namespace = "Error from server (NotFound): namespaces \"a\" not found";
    assert_eq!(diff(no_namespace, 2), Some(false), "no namespace yet");
    let missing_kind = "error: resource mapping not found for name: \"x\": no matches for kind \"Rollout\"";
    assert_eq!(diff(missing_kind, 2), Some(false), "no CRD yet");
    assert_eq!(diff("The connection to the server was refused", 2), None, "nobody answers");
    assert_eq!(diff("error: You must be logged in to the server (Unauthorized)", 2), None);
    assert_eq!(diff("diff: command not found", 127), None);
}

#[test]
fn kubectl_wait_is_true_false_or_an_error() {
    let yaml = "kubectl: {wait: {resources: deployment/web, condition: condition=Available}}";
    let wait = |says, code| ask(yaml, says, code);
    assert_eq!(wait("", 0), Some(true));
    assert_eq!(wait("error: timed out waiting for the condition on deployments/web", 1), Some(false));
    assert_eq!(wait("error: condition not met for deployments/web", 1), Some(false));
    assert_eq!(wait("error: no matching resources found", 1), Some(false));
    assert_eq!(wait("Error from server (NotFound): deployments.apps \"web\" not found", 1), Some(false));
    assert_eq!(wait("Unable to connect to the server: dial tcp: i/o timeout", 1), None, "nobody answers");
}

#[test]
fn argocd_get_is_true_false_or_an_error() {
    let get = |says, code| ask("argocd: {core: true, wait: {app: web}}", says, code);
    assert_eq!(get("", 0), Some(true));
    assert_eq!(get("rpc error: code = NotFound desc = applications \"web\" not found", 20), Some(false));
    assert_eq!(get("rpc error: code = PermissionDenied desc = permission denied", 20), Some(false));
    assert_eq!(get("rpc error: code = Unauthenticated desc = token is expired", 20), None);
    assert_eq!(get("dial tcp 127.0.0.1:8080: connect: connection refused", 20), None);
    assert_eq!(get("something went wrong", 1), None, "exit 1 alone says nothing");
}

#[test]
fn what_is_asked_is_the_tool_itself_in_untranslated_words() {
    let check = action(&running("kubectl: {apply: '$(touch /tmp/x); `id`.yaml'}")).check.expect("a check");
    let asked = process(&check.decide);
    assert_eq!(asked.argv[..2], ["kubectl", "diff"]);
    assert_eq!(asked.argv.last().map(String::as_str), Some("--filename=$(touch /tmp/x); `id`.yaml"));
    assert!(asked.env.contains_key("LC_ALL"));
}
