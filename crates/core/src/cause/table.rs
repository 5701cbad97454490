//! The table of causes: special before general, since the first row that fits wins.

use crate::tool::Tool;
use crate::tool::Tool::{Argocd, Helm, Kubectl, Rollout, Terraform};

/// One cause.
pub(super) struct Row {
    /// Stable name.
    pub(super) name: &'static str,
    /// Tools that say so.
    pub(super) on: &'static [Tool],
    /// What they say; one is enough, `*` stands for anything between.
    pub(super) words: &'static [&'static str],
    /// What helps.
    pub(super) hint: &'static str,
    /// Trying again can help.
    pub(super) retryable: bool,
    /// Why it can or cannot.
    pub(super) because: &'static str,
    /// Nobody answered what was asked.
    pub(super) silent: bool,
    /// Events tell of it too.
    pub(super) in_events: bool,
}

const ALL: &[Tool] = &[Kubectl, Helm, Argocd, Terraform, Rollout];
const KUBE: &[Tool] = &[Kubectl, Helm, Rollout];

/// Ends at once: the answer would be the same.
const fn never(name: &'static str, on: &'static [Tool], words: &'static [&'static str]) -> Row {
    Row { name, on, words, hint: "", retryable: false, because: "", silent: false, in_events: false }
}

/// Is tried again as configured.
const fn again(name: &'static str, on: &'static [Tool], words: &'static [&'static str]) -> Row {
    Row { retryable: true, ..never(name, on, words) }
}

impl Row {
    const fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    const fn because(self, because: &'static str) -> Self {
        Self { because, ..self }
    }

    const fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    const fn in_events(self) -> Self {
        Self { in_events: true, ..self }
    }
}

pub(super) const ROWS: &[Row] = &[
    // Admission asks webhooks, which have troubles, and certificates, of their own.
    again("webhook-away", ALL, &["failed calling webhook", "failed to call webhook"])
        .hint("an admission webhook does not answer: look at the pods behind it")
        .because("its pods may be starting")
        .silent()
        .in_events(),
    // The way to the cluster.
    never(
        "no-context",
        ALL,
        &["context *\" does not exist", "no context exists with the name", "context was not found for specified context"],
    )
    .hint("`kubectl config get-contexts` lists what there is; name one by `context`")
    .because("the kubeconfig has no such context")
    .silent(),
    never(
        "no-kubeconfig",
        ALL,
        &[
            "The connection to the server localhost:8080 was refused",
            "no configuration has been provided",
            "invalid configuration:",
            "error loading config file",
            "stat *: no such file or directory",
            "http://localhost:8080/",
        ],
    )
    .hint("there is no usable kubeconfig: set `kubeconfig` or KUBECONFIG")
    .because("without a kubeconfig nobody is asked")
    .silent(),
    never("no-server", &[Argocd], &["Argo CD server address unspecified"])
        .hint("say how Argo CD is reached: `server`, `core` or `port_forward_namespace`")
        .because("without an address nobody is asked")
        .silent(),
    never("certificate", ALL, &["x509:", "tls: failed to verify certificate", "certificate signed by unknown authority"])
        .hint("the server's certificate is not trusted or has expired: renew it, or the authority in the kubeconfig")
        .because("the certificate stays as it is")
        .silent(),
    never(
        "unauthorized",
        ALL,
        &[
            "You must be logged in to the server",
            "(Unauthorized)",
            "the server has asked for the client to provide credentials",
            "code = Unauthenticated",
            "getting credentials: exec:",
            "token is expired",
            "token has expired",
            ": Unauthorized",
        ],
    )
    .hint("the credentials are missing or have expired: log in again (`kubectl auth whoami` tells who you are)")
    .because("the same credentials get the same answer")
    .silent(),
    again("not-ready", &[Helm], &["context deadline exceeded", "timed out waiting for the condition", "resource not ready"])
        .hint("it was not ready in time: look at the events and pods, or give a longer `timeout`")
        .because("it may be ready later"),
    again(
        "unreachable",
        ALL,
        &[
            "was refused - did you specify the right host or port",
            "connection refused",
            "Unable to connect to the server",
            "i/o timeout",
            "TLS handshake timeout",
            "no such host",
            "no route to host",
            "network is unreachable",
            "connection reset by peer",
            "broken pipe",
            ": EOF",
            "unexpected EOF",
            "http2: client connection lost",
            "http2: server sent GOAWAY",
            "Client.Timeout",
            "ubernetes cluster unreachable",
            "context deadline exceeded",
            "code = Unavailable",
            "code = DeadlineExceeded",
            "couldn't get current server API group list",
            "unable to retrieve the complete list of server APIs",
        ],
    )
    .hint("look whether the server answers: `kubectl cluster-info`, `argocd version`")
    .because("it may answer again")
    .silent(),
    again(
        "server-busy",
        ALL,
        &[
            "etcdserver:",
            "(ServiceUnavailable)",
            "(ServerTimeout)",
            "(Timeout)",
            "(TooManyRequests)",
            "(InternalError)",
            "the server is currently unable to handle the request",
            "the server was unable to return a response in the time allotted",
            "the server has received too many requests",
            "apiserver not ready",
        ],
    )
    .hint("the API server or its etcd cannot keep up: look at `kubectl get --raw /readyz?verbose`")
    .because("it may have recovered")
    .silent(),
    // What the server refuses.
    never("field-owned", KUBE, &["Apply failed with", "conflict occurred while applying object"])
        .hint("leave the field out of the manifest, or take it with `force_conflicts: true`")
        .because("the other owner keeps the field"),
    never("pod-security", ALL, &["violates PodSecurity"])
        .hint("give the pods a securityContext that the namespace allows (its label pod-security.kubernetes.io/enforce)")
        .because("the same pods violate the same rule")
        .in_events(),
    again("quota", ALL, &["exceeded quota"])
        .hint("`kubectl describe quota` shows what is used: ask for less, raise it, or delete something")
        .because("others may give back what they use")
        .in_events(),
    never("quota-unspecified", ALL, &["failed quota:"])
        .hint("the quota wants requests and limits: write them into the containers, or add a LimitRange")
        .because("the manifest stays as it is")
        .in_events(),
    never("admission-denied", ALL, &["admission webhook *\" denied the request", "ValidatingAdmissionPolicy '*' denied request", "denied the request:"])
        .hint("a policy of the cluster refuses this object and says why: change the manifest, or ask for an exception")
        .because("the same object gets the same answer")
        .in_events(),
    again("terminating", ALL, &["because it is being terminated", "object is being deleted"])
        .hint("the namespace or object is being deleted: wait for its end (`kubectl get namespace`), or look at its finalizers")
        .because("it can be made anew once it is gone")
        .in_events(),
    never(
        "forbidden",
        &[Kubectl, Helm, Terraform, Rollout],
        &["(Forbidden)", "is forbidden: User", "cannot * resource", "code = PermissionDenied"],
    )
    .hint("the user lacks this right: `kubectl auth can-i --list`, then a Role and a RoleBinding")
    .because("the same user gets the same answer")
    .silent(),
    never("forbidden", &[Argocd], &["is forbidden: User", "cannot * resource", "desc = permission denied: "])
        .hint("the user lacks this right: `kubectl auth can-i --list`, then a Role and a RoleBinding")
        .because("the same user gets the same answer")
        .silent(),
    // Argo CD answers alike where an application is hidden and where there is none.
    again("app-hidden", &[Argocd], &["code = PermissionDenied"])
        .hint("there is no such application, or the account may not see it: `argocd account can-i get applications '*'`")
        .because("the application may be made by something that is at work"),
    again(
        "no-kind",
        ALL,
        &["no matches for kind", "doesn't have a resource type", "ensure CRDs are installed", "could not find the requested resource"],
    )
    .hint("the cluster does not know this kind: install its CustomResourceDefinition first (`kubectl api-resources`)")
    .because("a definition serves a moment after it was applied"),
    never("immutable", ALL, &["field is immutable", "updates to statefulset spec for fields other than", "may not be changed once set"])
        .hint("this field cannot be changed in place: delete the object first, or give it another name")
        .because("the field stays as it is"),
    never(
        "invalid",
        ALL,
        &[
            " is invalid:",
            "(Invalid)",
            "(BadRequest)",
            "error validating",
            "strict decoding error",
            "error parsing",
            "the path \"*\" does not exist",
            "unknown flag",
            "code = InvalidArgument",
            "application spec for * is invalid",
        ],
    )
    .hint("the manifest or the command is wrong: read the message above and correct it")
    .because("the same text gets the same answer"),
    again("changed-meanwhile", ALL, &["the object has been modified", "(Conflict)", "code = Aborted"])
        .hint("somebody else changed it at the same moment")
        .because("the next look finds the newest version"),
    never("already-there", ALL, &["(AlreadyExists)", "cannot re-use a name that is still in use", "invalid ownership metadata", "code = AlreadyExists"])
        .hint("it is there already, and belongs to something else: delete it, take it over, or use another name")
        .because("it stays there"),
    // Charts and releases.
    again("helm-pending", &[Helm], &["another operation (install/upgrade/rollback) is in progress"])
        .hint("another Helm is at work on this release, or one died on it: `helm history`, then `helm rollback` to the last good revision")
        .because("the other operation may end"),
    never("helm-not-deployed", &[Helm], &["has no deployed releases"])
        .hint("no revision of this release ever worked: `helm uninstall` it, then install anew")
        .because("the history stays as it is"),
    again("not-found", ALL, &["(NotFound)", "code = NotFound", "release: not found"])
        .hint("look at name, namespace and context")
        .because("it may be made by something that is at work"),
    // Terraform.
    again("state-locked", &[Terraform], &["Error acquiring the state lock", "state is already locked", "Error locking state"])
        .hint("another Terraform holds the state: wait (`lock_timeout`), or after making sure that none runs `terraform force-unlock ID`")
        .because("the other one gives it back at its end"),
    again("no-provider", &[Terraform], &["Failed to query available provider packages", "Failed to install provider"])
        .hint("Terraform's registry does not answer: without network use `plugin_dir`")
        .because("the registry may answer again"),
    // Deliveries that do not get there.
    again("image-pull", ALL, &["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "Failed to pull image", "Back-off pulling image"])
        .hint("an image cannot be pulled: look at its name, the registry and the pull secret")
        .because("the node goes on trying")
        .in_events(),
    again("crash-loop", ALL, &["CrashLoopBackOff", "Back-off restarting failed container"])
        .hint("a container ends again and again: `kubectl logs --previous` tells why")
        .because("what it waits for may come")
        .in_events(),
    again("unschedulable", ALL, &["FailedScheduling", "nodes are available:"])
        .hint("no node has room for a pod: look at requests, taints and volumes")
        .because("room may become free")
        .in_events(),
    never("aborted", &[Rollout], &["RolloutAborted"])
        .hint("the rollout was aborted: read why, then `verb: retry`, or change the image")
        .because("an aborted rollout stays so until somebody goes on"),
    again("stuck", ALL, &["exceeded its progress deadline", "ProgressDeadlineExceeded"])
        .hint("the new pods did not become ready in progressDeadlineSeconds: look at the events and the pods; `undo` goes back")
        .because("its controller goes on trying"),
    again("app-sync-failed", &[Argocd, Rollout], &["Phase:*Failed", "Phase:*Error", "the operation is Failed", "the operation is Error", "has completed with phase: Failed", "has completed with phase: Error"])
        .hint("`argocd app get` shows which object could not be synced and why")
        .because("what it lacked may be there by then"),
    again("app-degraded", &[Argocd, Rollout], &["Health Status:*Degraded", "health is Degraded", "to Degraded"])
        .hint("an object of the application is not healthy: `argocd app get APP --output tree` shows which")
        .because("it may become healthy"),
    again("app-not-compared", &[Argocd, Rollout], &["ComparisonError", "InvalidSpecError", "sync is Unknown"])
        .hint("Argo CD cannot tell what Git says: look at the path, the revision and the repository's credentials of its source")
        .because("the repository may answer again"),
    again("app-out-of-sync", &[Argocd, Rollout], &["Sync Status:*OutOfSync", "sync is OutOfSync"])
        .hint("`argocd app diff` shows what differs from Git; `sync` makes it so")
        .because("Argo CD may be at work on it"),
    again("not-ready", ALL, &["timed out waiting for the condition", "timed out after", "timed out (", "condition not met", "not so:"])
        .hint("it was not ready in time: look at the events and the pods, or give a longer `timeout`")
        .because("it may be ready later"),
];
