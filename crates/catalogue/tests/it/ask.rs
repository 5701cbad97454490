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
    assert_eq!(asked.argv[..5], ["/bin/taskmaster", "kube-apply", "--check", "--", "kubectl"]);
    assert_eq!(asked.argv.last().map(String::as_str), Some("--filename=$(touch /tmp/x); `id`.yaml"));
    assert!(asked.env.contains_key("LC_ALL"));
}

/// Words of a server, or of the way to it, that are no answer: neither alone nor beside a "no".
const SILENCE: &[&str] = &[
    "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?",
    "Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout",
    "Unable to connect to the server: net/http: TLS handshake timeout",
    "Unable to connect to the server: x509: certificate has expired or is not yet valid",
    "Unable to connect to the server: dial tcp: lookup k8s.example: no such host",
    "Get \"https://10.0.0.1:6443/api\": EOF",
    "error: context \"kind-platfrom\" does not exist",
    "error: You must be logged in to the server (Unauthorized)",
    "Error from server (Forbidden): pods is forbidden: User \"dev\" cannot list resource \"pods\"",
    "Error from server: etcdserver: request timed out",
    "Error from server (ServiceUnavailable): the server is currently unable to handle the request",
    "Error from server (InternalError): an error on the server has prevented the request from succeeding",
    "Error from server (TooManyRequests): the server has received too many requests",
    "error: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: stale",
];

/// Built-in checks, with words of theirs that mean "no".
const CHECKS: &[(&str, &str)] = &[
    ("kubectl: {apply: a.yaml}", "Error from server (NotFound): namespaces \"a\" not found"),
    ("kubectl: {create_namespace: a}", "error: no matches for kind \"Rollout\" in version \"x/v1\""),
    (
        "kubectl: {wait: {resources: deployment/web, condition: condition=Available}}",
        "error: timed out waiting for the condition on deployments/web",
    ),
    (
        "kubectl: {rollout: {verb: status, resource: deployment/web}}",
        "Error from server (NotFound): deployments.apps \"web\" not found",
    ),
    (
        "rollout: {kind: argo, name: web, verb: pause}",
        "error: the server doesn't have a resource type \"rollouts\"",
    ),
];

#[test]
fn silence_is_never_a_no() {
    for (yaml, no) in CHECKS {
        assert_eq!(ask(yaml, no, 1), Some(false), "{yaml}: {no}");
        for silence in SILENCE {
            for code in [1, 2, 127] {
                assert_eq!(ask(yaml, silence, code), None, "{yaml}: {code} {silence}");
            }
            let both = format!("{no}\n{silence}");
            assert_eq!(ask(yaml, &both, 1), None, "{yaml}: the server went away in the middle: {silence}");
        }
    }
}

#[test]
fn a_command_that_was_called_wrongly_says_no_nothing() {
    for (yaml, says) in [
        ("kubectl: {apply: a.yaml}", "error: unknown flag: --force-conflict"),
        ("kubectl: {apply: a.yaml}", "error: the path \"a.yaml\" does not exist"),
        (
            "kubectl: {apply: a.yaml}",
            "Error from server (NotFound): the server could not find the requested resource",
        ),
        ("rollout: {kind: argo, name: web, verb: abort}", "error: unknown command \"gat\" for \"kubectl\""),
    ] {
        assert_eq!(ask(yaml, says, 1), None, "{yaml}: {says}");
    }
}

#[test]
fn what_is_told_in_passing_changes_no_answer() {
    let klog = "E1121 10:00:00.0 1 memcache.go:287] \"Unhandled Error\" err=\"couldn't get resource list for \
                metrics.k8s.io/v1beta1: the server is currently unable to handle the request\"";
    let diff = |says: &str| ask("kubectl: {apply: a.yaml}", says, 1);
    assert_eq!(
        diff(&format!("{klog}\nError from server (NotFound): namespaces \"a\" not found")),
        Some(false)
    );
    assert_eq!(diff(klog), Some(false), "a difference");
    assert_eq!(
        diff(&format!("{klog}\nerror: no matches for kind \"PodMetrics\"")),
        None,
        "it may be its kind"
    );
}

#[test]
fn tools_that_tell_by_code_and_output_take_no_fault_for_a_no() {
    let release = "helm: {upgrade: {release: web, chart: ./web}}";
    let gone = "helm: {uninstall: {release: web}}";
    let deleted = "kubectl: {delete: {resources: deployment/web}}";
    let terraform = "terraform: {dir: infra}";
    let image = "rollout: {kind: argo, name: web, verb: set_image, image: {web: 'web:2'}}";
    for (yaml, code, wanted) in [
        (release, 1, None),
        (gone, 1, None),
        (deleted, 1, None),
        (terraform, 0, Some(true)),
        (terraform, 1, None),
        (terraform, 2, Some(false)),
        (image, 1, Some(false)),
        (image, 2, None),
        (image, 101, None),
        (image, 137, None),
    ] {
        assert_eq!(ask(yaml, "Error: anything", code), wanted, "{yaml}: {code}");
    }
}

#[test]
fn a_raw_command_as_a_check_is_read_by_its_words_too() {
    let raw = |tool: &str, says: &str, code: i32| {
        let yaml =
            format!("tasks:\n  T1:\n    check: {{{tool}: {{args: [x]}}}}\n    run: {{exec: [make]}}\n");
        action(&yaml).check.expect("it has a check").answer(code, says)
    };
    for (tool, says, code, wanted) in [
        ("kubectl", "", 0, Some(true)),
        ("kubectl", "", 1, Some(false)),
        ("kubectl", "Error from server (NotFound): pods \"x\" not found", 1, Some(false)),
        (
            "kubectl",
            "The connection to the server was refused - did you specify the right host or port?",
            1,
            None,
        ),
        ("kubectl", "error: unknown command \"gat\" for \"kubectl\"", 1, None),
        ("helm", "Error: release: not found", 1, Some(false)),
        (
            "helm",
            "Error: Kubernetes cluster unreachable: Get \"x\": dial tcp: connect: connection refused",
            1,
            None,
        ),
        ("helm", "Error: unknown command", 1, None),
        ("argocd", "rpc error: code = NotFound desc = x", 20, Some(false)),
        ("argocd", "FATA[0000] rpc error: code = Unauthenticated desc = x", 20, None),
        ("argocd", "", 1, Some(false)),
        ("argocd", "time=\"x\" level=fatal msg=\"dial tcp: connection refused\"", 1, None),
    ] {
        assert_eq!(raw(tool, says, code), wanted, "{tool}: {code} {says}");
    }
    let forced =
        "tasks:\n  T1:\n    check: {kubectl: {args: [x]}, false_codes: [1]}\n    run: {exec: [make]}\n";
    let forced = action(forced).check.expect("it has a check");
    assert_eq!(forced.answer(1, "error: anything"), Some(false), "the author says what 1 means");
    assert_eq!(forced.answer(1, SILENCE[0]), None, "but nobody said anything");
}
