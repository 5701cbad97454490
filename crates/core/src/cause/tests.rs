use super::*;
use crate::tool::Tool::{Argocd, Helm, Kubectl, Rollout, Terraform};

/// Real words, the cause, and whether trying again can help (`+`) or not (`-`).
const SAID: &[(Tool, &str, &str)] = &[
    // As the tools said it against a port where nobody listens.
    (
        Kubectl,
        "error: unable to recognize \"a.yaml\": Get \"https://127.0.0.1:1/api?timeout=32s\": dial tcp 127.0.0.1:1: connect: connection refused",
        "+unreachable",
    ),
    (
        Kubectl,
        "error: error validating \"a.yaml\": error validating data: failed to download openapi: Get \"https://127.0.0.1:1/openapi/v2?timeout=32s\": dial tcp 127.0.0.1:1: connect: connection refused; if you choose to ignore these errors, turn validation off with --validate=false",
        "+unreachable",
    ),
    (Kubectl, "Error in configuration: context was not found for specified context: nope", "-no-context"),
    (Kubectl, "error: stat /tmp/none: no such file or directory", "-no-kubeconfig"),
    (
        Helm,
        "Error: Kubernetes cluster unreachable: Get \"http://localhost:8080/version\": dial tcp 127.0.0.1:8080: connect: connection refused",
        "-no-kubeconfig",
    ),
    (
        Argocd,
        "{\"level\":\"fatal\",\"msg\":\"Failed to establish connection to 127.0.0.1:1: error dial proxy: dial tcp 127.0.0.1:1: connect: connection refused\",\"time\":\"2026-11-21T10:37:53Z\"}",
        "+unreachable",
    ),
    (
        Argocd,
        "{\"level\":\"fatal\",\"msg\":\"error creating client config: context \\\"nope\\\" does not exist\",\"time\":\"2026-11-21T10:37:53Z\"}",
        "-no-context",
    ),
    (
        Argocd,
        "{\"level\":\"fatal\",\"msg\":\"Argo CD server address unspecified\",\"time\":\"2026-11-21T10:37:53Z\"}",
        "-no-server",
    ),
    (
        Kubectl,
        "Error from server (InternalError): Internal error occurred: failed calling webhook \"webhook.cert-manager.io\": failed to call webhook: Post \"https://x.svc:443\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "+webhook-away",
    ),
    (
        Kubectl,
        "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?",
        "+unreachable",
    ),
    (
        Kubectl,
        "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
        "-no-kubeconfig",
    ),
    (Kubectl, "error: context \"kind-platfrom\" does not exist", "-no-context"),
    (Kubectl, "error: stat /home/x/.kube/config: no such file or directory", "-no-kubeconfig"),
    (Kubectl, "error: You must be logged in to the server (Unauthorized)", "-unauthorized"),
    (
        Kubectl,
        "error: You must be logged in to the server (the server has asked for the client to provide credentials)",
        "-unauthorized",
    ),
    (
        Kubectl,
        "Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 255",
        "-unauthorized",
    ),
    (
        Kubectl,
        "Error from server (Forbidden): pods is forbidden: User \"dev\" cannot list resource \"pods\" in API group \"\" in the namespace \"web\"",
        "-forbidden",
    ),
    (
        Kubectl,
        "error: resource mapping not found for name: \"web\" namespace: \"\" from \"STDIN\": no matches for kind \"Rollout\" in version \"argoproj.io/v1alpha1\"\nensure CRDs are installed first",
        "+no-kind",
    ),
    (Kubectl, "error: the server doesn't have a resource type \"rollouts\"", "+no-kind"),
    (
        Kubectl,
        "Error from server: error when creating \"STDIN\": admission webhook \"validate.kyverno.svc-fail\" denied the request: no latest tags",
        "-admission-denied",
    ),
    (
        Kubectl,
        "Error from server (InternalError): error when creating \"STDIN\": Internal error occurred: failed calling webhook \"x\": failed to call webhook: Post \"https://x.svc:443\": dial tcp 10.96.0.9:443: connect: connection refused",
        "+webhook-away",
    ),
    (
        Kubectl,
        "Error from server (Forbidden): error when creating \"STDIN\": pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false",
        "-pod-security",
    ),
    (
        Kubectl,
        "Error from server (Forbidden): error when creating \"STDIN\": pods \"x\" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1",
        "+quota",
    ),
    (
        Kubectl,
        "Error from server (Forbidden): pods \"x\" is forbidden: failed quota: few: must specify limits.cpu for: web",
        "-quota-unspecified",
    ),
    (
        Kubectl,
        "Error from server (Forbidden): configmaps \"x\" is forbidden: unable to create new content in namespace web because it is being terminated",
        "+terminating",
    ),
    (Kubectl, "Error from server: etcdserver: request timed out", "+server-busy"),
    (
        Kubectl,
        "Error from server (ServiceUnavailable): the server is currently unable to handle the request",
        "+server-busy",
    ),
    (Kubectl, "Unable to connect to the server: net/http: TLS handshake timeout", "+unreachable"),
    (Kubectl, "Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout", "+unreachable"),
    (
        Kubectl,
        "Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "-certificate",
    ),
    (
        Kubectl,
        "Unable to connect to the server: x509: certificate has expired or is not yet valid: current time 2026-01-01T00:00:00Z is after 2025-01-01T00:00:00Z",
        "-certificate",
    ),
    (
        Kubectl,
        "error: Apply failed with 1 conflict: conflict with \"argo-rollouts\" using v1: .spec.selector",
        "-field-owned",
    ),
    (
        Kubectl,
        "The Deployment \"web\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{}}: field is immutable",
        "-immutable",
    ),
    (Kubectl, "The Service \"web\" is invalid: spec.ports: Required value", "-invalid"),
    (Kubectl, "error: the path \"k8s/nothing.yaml\" does not exist", "-invalid"),
    (
        Kubectl,
        "Error from server (Conflict): Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified; please apply your changes to the latest version and try again",
        "+changed-meanwhile",
    ),
    (Kubectl, "Error from server (NotFound): namespaces \"web\" not found", "+not-found"),
    (Kubectl, "error: deployment \"web\" exceeded its progress deadline", "+stuck"),
    (Kubectl, "error: timed out waiting for the condition on deployments/web", "+not-ready"),
    (
        Helm,
        "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress",
        "+helm-pending",
    ),
    (Helm, "Error: UPGRADE FAILED: \"web\" has no deployed releases", "-helm-not-deployed"),
    (
        Helm,
        "Error: UPGRADE FAILED: release web failed, and has been rolled back due to atomic being set: context deadline exceeded",
        "+not-ready",
    ),
    (
        Helm,
        "Error: Kubernetes cluster unreachable: Get \"https://10.0.0.1:6443/version\": dial tcp 10.0.0.1:6443: connect: connection refused",
        "+unreachable",
    ),
    (Helm, "Error: Kubernetes cluster unreachable: context \"x\" does not exist", "-no-context"),
    (
        Helm,
        "Error: Kubernetes cluster unreachable: the server has asked for the client to provide credentials",
        "-unauthorized",
    ),
    (
        Helm,
        "Error: query: failed to query with labels: secrets is forbidden: User \"dev\" cannot list resource \"secrets\" in API group \"\" in the namespace \"web\"",
        "-forbidden",
    ),
    (
        Helm,
        "Error: INSTALLATION FAILED: unable to build kubernetes objects from release manifest: resource mapping not found for name: \"x\" namespace: \"\" from \"\": no matches for kind \"Rollout\" in version \"argoproj.io/v1alpha1\"",
        "+no-kind",
    ),
    (Helm, "Error: INSTALLATION FAILED: cannot re-use a name that is still in use", "-already-there"),
    (
        Argocd,
        "time=\"2026-01-01T00:00:00Z\" level=fatal msg=\"rpc error: code = Unauthenticated desc = invalid session: token has invalid claims: token is expired\"",
        "-unauthorized",
    ),
    (
        Argocd,
        "{\"level\":\"fatal\",\"msg\":\"rpc error: code = PermissionDenied desc = permission denied\",\"time\":\"2026-01-01T00:00:00Z\"}",
        "+app-hidden",
    ),
    // What is seen and may not be done is told with the right that is missing.
    (
        Argocd,
        "{\"level\":\"fatal\",\"msg\":\"rpc error: code = PermissionDenied desc = permission denied: applications, delete, platform/web, sub: proj:platform:release, iat: 2026-01-01T00:00:00Z\",\"time\":\"2026-01-01T00:00:00Z\"}",
        "-forbidden",
    ),
    (Argocd, "FATA[0000] dial tcp 127.0.0.1:8080: connect: connection refused", "+unreachable"),
    (
        Argocd,
        "Sync Status:        OutOfSync from main (abc1234)\nHealth Status:      Healthy\n{\"level\":\"fatal\",\"msg\":\"timed out (300s) waiting for app \\\"web\\\" match desired state\"}",
        "+app-out-of-sync",
    ),
    (
        Rollout,
        "not so: timed out after 5s: sync is Unknown (ComparisonError: Failed to load target state: charts/nowhere: app path does not exist)",
        "+app-not-compared",
    ),
    (
        Argocd,
        "Sync Status:        Synced to main (abc1234)\nHealth Status:      Degraded\n{\"level\":\"fatal\",\"msg\":\"timed out (300s) waiting for app \\\"web\\\" match desired state\"}",
        "+app-degraded",
    ),
    (Argocd, "FATA[0008] Operation has completed with phase: Failed", "+app-sync-failed"),
    (
        Terraform,
        "\nError: Error acquiring the state lock\n\nError message: resource temporarily unavailable\nLock Info:\n  ID:        1",
        "+state-locked",
    ),
    (
        Terraform,
        "╷\n│ Error: Error acquiring the state lock\n│ \n│ Error message: resource temporarily unavailable",
        "+state-locked",
    ),
    (Terraform, "Error: Failed to query available provider packages", "+no-provider"),
    (
        Rollout,
        "not so: Degraded (ProgressDeadlineExceeded: ReplicaSet \"web-1\" has timed out progressing.), weight 0",
        "+stuck",
    ),
    (Rollout, "not so: Degraded (RolloutAborted: Rollout aborted update to revision 2)", "-aborted"),
    (Rollout, "not so: timed out after 5m: health is Degraded (x)", "+app-degraded"),
    (
        Rollout,
        "error: kubectl get rollouts.argoproj.io/web: The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?",
        "+unreachable",
    ),
    (
        Rollout,
        "not so: timed out after 5m: kubectl get rollouts.argoproj.io/web: error: the server doesn't have a resource type \"rollouts\"",
        "+no-kind",
    ),
];

fn sign(cause: &Cause) -> String {
    format!("{}{}", if cause.retryable { "+" } else { "-" }, cause.name)
}

#[test]
fn the_words_of_the_tools_tell_the_cause() {
    for (tool, wrote, wanted) in SAID {
        let found = find(*tool, Some(1), wrote).map(|cause| sign(&cause));
        assert_eq!(found.as_deref(), Some(*wanted), "{tool:?}: {wrote}");
    }
}

#[test]
fn what_is_no_fault_tells_nothing() {
    for (tool, exit, wrote) in [
        (Kubectl, Some(0), "error: You must be logged in to the server (Unauthorized)"),
        // The log of a pod, a diff, a warning: words of others.
        (Helm, Some(1), "POD LOGS: web-test\nlogin failed (Unauthorized) for bob"),
        (Kubectl, Some(1), "-  note: (Forbidden)\n+  note: x509: y"),
        (Kubectl, Some(1), "Warning: would violate PodSecurity \"restricted:latest\": violates PodSecurity"),
        (Kubectl, Some(1), "deployment.apps/web created"),
        (Terraform, Some(1), "Error: Unsupported argument"),
        (Kubectl, None, ""),
    ] {
        assert_eq!(find(tool, exit, wrote), None, "{wrote}");
    }
}

#[test]
fn every_row_is_said_by_some_tool_and_says_what_helps() {
    for row in ROWS {
        assert!(!row.hint.is_empty() && !row.because.is_empty(), "{}", row.name);
        assert!(!row.on.is_empty() && !row.words.is_empty(), "{}", row.name);
        let is_tried = SAID.iter().any(|(_, _, wanted)| &wanted[1..] == row.name);
        assert!(is_tried || row.in_events, "no test says {}", row.name);
    }
}

#[test]
fn events_explain_what_could_only_be_waited_for() {
    let waited = "error: timed out waiting for the condition on deployments/web";
    let told = |events: &[&str]| {
        let events: Vec<String> = events.iter().map(|line| (*line).to_owned()).collect();
        explain(Kubectl, Some(1), waited, &events).map(|cause| sign(&cause))
    };
    for (event, wanted) in [
        ("10:00:00 Failed pod/web-1: Failed to pull image \"web:9\": not found", "+image-pull"),
        ("10:00:00 BackOff pod/web-1: Back-off restarting failed container web", "+crash-loop"),
        (
            "10:00:00 FailedCreate replicaset/web-1: Error creating: pods \"web-1-x\" is forbidden: exceeded quota: few",
            "+quota",
        ),
        // It may be a neighbour's: shown, but nothing is ended for it.
        (
            "10:00:00 FailedCreate replicaset/web-1: Error creating: pods \"web-1-x\" is forbidden: violates PodSecurity \"restricted:latest\"",
            "+pod-security",
        ),
        (
            "10:00:00 FailedScheduling pod/web-1: 0/1 nodes are available: 1 Insufficient cpu.",
            "+unschedulable",
        ),
        ("10:00:00 Unhealthy pod/web-1: Readiness probe failed", "+not-ready"),
    ] {
        assert_eq!(told(&[event]).as_deref(), Some(wanted), "{event}");
    }
    let refused = "error: context \"x\" does not exist";
    let events = ["10:00:00 Failed pod/web-1: ErrImagePull".to_owned()];
    assert_eq!(
        explain(Kubectl, Some(1), refused, &events).map(|cause| sign(&cause)).as_deref(),
        Some("-no-context")
    );
    assert_eq!(explain(Kubectl, Some(1), "", &events).map(|cause| cause.name).as_deref(), Some("image-pull"));
}

#[test]
fn stars_stand_for_anything_between() {
    assert!(says("error: context \"x\" does not exist", "context \"*\" does not exist"));
    assert!(!says("does not exist: context \"x\"", "context \"*\" does not exist"));
    assert!(says("abc", "*c") && says("abc", "a*") && !says("abc", "c*a"));
}

#[test]
fn a_diagnosis_reads_as_it_was_written() {
    let cause = find(Kubectl, Some(1), "error: context \"x\" does not exist");
    let diagnosis = Diagnosis { cause, events: vec!["a".to_owned()], no_events: None };
    let text = serde_json::to_string(&diagnosis).unwrap();
    assert_eq!(serde_json::from_str::<Diagnosis>(&text).unwrap(), diagnosis);
    assert_eq!(serde_json::to_string(&Diagnosis::default()).unwrap(), "{}");
    let told: Vec<String> = diagnosis.lines().iter().map(|(word, line)| format!("{word}: {line}")).collect();
    assert_eq!(told[..2], ["event: a".to_owned(), "cause: no-context".to_owned()]);
    assert!(told[2].starts_with("help: `kubectl config"), "{told:?}");
    assert!(Diagnosis::default().is_empty() && diagnosis.hopeless().is_some());
}
