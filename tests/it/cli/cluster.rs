//! Actions on a cluster that goes wrong, with a kubectl that answers from files and writes down what it
//! was asked.

use super::{project, state};
use serde_json::{Value, json};
use taskmaster_testkit::Sandbox;

/// `VERB` prints the file `VERB.out`, says `VERB.err` on standard error and ends with `VERB.code`;
/// `VERB-2.err` and so on stand for the second call, where they exist; with force, `VERB-forced.*`.
const KUBECTL: &str = r#"#!/bin/sh
echo "$*${KUBECONFIG:+ KUBECONFIG=$KUBECONFIG}" >> calls
verb=$1; [ "$1 $2" = "get events" ] && verb=events
[ "$1 $2" = "get namespace" ] && verb=namespace
[ "$1 $2" = "config current-context" ] && verb=current
case "$*" in *--filename=-*) cat > "$verb.stdin" ;; esac
case "$*" in *--force-conflicts*) [ -e "$verb-forced.code" ] && verb=$verb-forced ;; esac
n=$(($(cat "$verb.count" 2>/dev/null || echo 0) + 1)); echo $n > "$verb.count"
[ -e "$verb-$n.code" ] && verb=$verb-$n
[ -e "$verb.sleep" ] && sleep "$(cat "$verb.sleep")"
cat "$verb.out" 2>/dev/null
cat "$verb.err" >&2 2>/dev/null
exit "$(cat "$verb.code" 2>/dev/null || echo 0)"
"#;

const PRD: &str = "# P\n\n## Phase 1: A\n\n- [ ] T1 Deploy {#T1}\n";

fn cluster(tasks: &str) -> Sandbox {
    let sandbox = project(PRD, tasks).program("kubectl", KUBECTL);
    sandbox.write("events.out", r#"{"items": []}"#).write("calls", "");
    sandbox
}

/// A verb that ends with this code and these words.
fn says(sandbox: &Sandbox, verb: &str, code: i32, words: &str) {
    sandbox.write(&format!("{verb}.code"), code.to_string()).write(&format!("{verb}.err"), words);
}

fn calls(sandbox: &Sandbox, verb: &str) -> Vec<String> {
    let calls = sandbox.read("calls").expect("calls");
    calls.lines().filter(|line| line.starts_with(verb)).map(str::to_owned).collect()
}

/// The only task of the report.
fn reported(sandbox: &Sandbox) -> Value {
    sandbox.run("report -o json").code(0).json()["tasks"][0].clone()
}

const RAW: &str = "tasks:
  T1:
    retry: {attempts: 3, base_delay: 1ms}
    run: {kubectl: {context: kind-x, namespace: web, args: [scale, deploy/web]}}
";

fn event(message: &str) -> Value {
    json!({
        "reason": "Failed", "message": message, "lastTimestamp": "2026-01-01T10:00:00Z",
        "involvedObject": { "kind": "Pod", "name": "web-1" },
    })
}

#[test]
fn a_cause_that_stays_is_told_with_help_and_not_tried_again() {
    let sandbox = cluster(RAW);
    let words =
        "Error from server (Forbidden): deployments.apps is forbidden: User \"dev\" cannot patch resource";
    says(&sandbox, "scale", 1, words);
    let ended = sandbox.run("run prd.md --no-wait").code(20);
    for said in ["cannot patch resource", "help: the user lacks this right", "(not tried again: forbidden, "]
    {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert_eq!(calls(&sandbox, "scale").len(), 1);
    assert!(calls(&sandbox, "get events").is_empty(), "who may do nothing need not ask");
    let task = reported(&sandbox);
    assert_eq!(task["attempts"][0]["diagnosis"]["cause"]["name"], "forbidden");
    assert!(
        task["reason"].as_str().expect("a reason").ends_with("the same user gets the same answer)"),
        "{task}"
    );
    for format in ["text", "markdown", "html"] {
        let report = sandbox.run(&format!("report -o {format}")).code(0).stdout;
        assert!(report.contains("the user lacks this right"), "{format}: {report}");
    }
    sandbox.run("audit").code(0);
}

#[test]
fn a_cause_that_may_pass_is_tried_again() {
    let sandbox = cluster(RAW);
    says(&sandbox, "scale", 1, "Error from server: etcdserver: request timed out");
    says(&sandbox, "scale-3", 0, "");
    let ended = sandbox.run("run prd.md --no-wait").code(0);
    assert_eq!(calls(&sandbox, "scale").len(), 3);
    assert!(ended.stderr.contains("cause: server-busy"), "{}", ended.stderr);
}

#[test]
fn the_last_warnings_are_told_made_harmless_and_kept() {
    let tasks = "vars: {token: {secret: env:TOKEN}}
tasks:
  T1:
    run: {kubectl: {context: kind-x, namespace: web, env: {T: '{{ vars.token }}'}, wait: {resources: deploy/web, condition: condition=Available}}}
    check: none
";
    let sandbox = cluster(tasks).var("TOKEN", "hunter2222");
    says(&sandbox, "wait", 1, "error: timed out waiting for the condition on deployments/web");
    let message = "Failed to pull image \u{1b}[2J\"web:hunter2222\": not found";
    sandbox.write("events.out", json!({ "items": [event(message)] }).to_string());
    let ended = sandbox.run("run prd.md --no-wait").code(20);
    assert!(
        ended.stderr.contains("event: 10:00:00 Failed pod/web-1: Failed to pull image"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("cause: image-pull"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("<secret env:TOKEN>") && !ended.stderr.contains("hunter2222"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
    let asked = calls(&sandbox, "get events");
    let wanted = "--request-timeout=5s --context=kind-x --namespace=web";
    assert!(asked.len() == 1 && asked[0].ends_with(wanted) && asked[0].contains("type=Warning"), "{asked:?}");
    let events = reported(&sandbox)["attempts"][0]["diagnosis"]["events"].clone();
    assert_eq!(events.as_array().map(Vec::len), Some(1), "{events}");
    assert!(!events.to_string().contains("hunter2222"), "{events}");
}

#[test]
fn events_that_cannot_be_had_change_nothing() {
    let words = "error: timed out waiting for the condition";
    for (code, out, note) in [(1, "", "could not tell them"), (0, "nonsense", "something else than events")] {
        let sandbox = cluster(RAW);
        says(&sandbox, "scale", 1, words);
        says(&sandbox, "events", code, "");
        sandbox.write("events.out", out);
        let ended = sandbox.run("run prd.md --no-wait").code(20);
        assert!(ended.stderr.contains(note) && ended.stderr.contains("cause: not-ready"), "{}", ended.stderr);
        assert_eq!(calls(&sandbox, "scale").len(), 3);
    }
}

#[test]
fn a_verify_that_gives_up_is_explained_once() {
    let tasks = "tasks:
  T1:
    run: {exec: ['true']}
    verify: {kubectl: {namespace: web, wait: {resources: deploy/web, condition: condition=Available}}}
    verify_timeout: 2s
    verify_interval: 20ms
";
    let sandbox = cluster(tasks);
    says(&sandbox, "wait", 1, "error: timed out waiting for the condition on deployments/web");
    sandbox.write("events.out", json!({ "items": [event("ErrImagePull")] }).to_string());
    let ended = sandbox.run("run prd.md --no-wait").code(20);
    assert!(ended.stderr.contains("event: 10:00:00 Failed pod/web-1: ErrImagePull"), "{}", ended.stderr);
    assert_eq!(calls(&sandbox, "get events").len(), 1, "only at the end");
    assert!(calls(&sandbox, "wait").len() > 1);
    let probes = reported(&sandbox)["probes"].clone();
    let last = probes.as_array().and_then(|all| all.last()).expect("a probe").clone();
    assert_eq!(last["diagnosis"]["cause"]["name"], "image-pull", "{probes}");
}

#[test]
fn a_check_without_an_answer_leads_to_no_run() {
    let tasks = "tasks:\n  T1: {run: {kubectl: {apply: a.yaml}}}\n";
    for words in [
        "Error from server (NotFound): namespaces \"a\" not found\nThe connection to the server was refused - did you specify the right host or port?",
        "error: unknown flag: --server-side",
        "error: context \"x\" does not exist",
    ] {
        let sandbox = cluster(tasks);
        says(&sandbox, "diff", 1, words);
        sandbox.run("run prd.md --no-wait").code(20);
        assert!(calls(&sandbox, "apply").is_empty(), "{words}");
    }
}

#[test]
fn a_check_that_stays_without_an_answer_is_asked_once() {
    let tasks = "tasks:\n  T1: {retry: {attempts: 3, base_delay: 1ms}, run: {kubectl: {apply: a.yaml}}}\n";
    let sandbox = cluster(tasks);
    says(&sandbox, "diff", 2, "error: You must be logged in to the server (Unauthorized)");
    let ended = sandbox.run("run prd.md --no-wait").code(20);
    assert_eq!(calls(&sandbox, "diff").len(), 1);
    for said in
        ["You must be logged in", "help: the credentials are missing", "not tried again: unauthorized"]
    {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert_eq!(reported(&sandbox)["probes"][0]["diagnosis"]["cause"]["retryable"], false);
}

#[test]
fn an_output_that_is_no_json_is_no_answer() {
    let tasks = "tasks:\n  T1: {run: {rollout: {kind: argo, name: web, verb: pause}}}\n";
    let sandbox = cluster(tasks);
    sandbox.write("get.out", "<html>proxy</html>");
    let ended = sandbox.run("run prd.md --no-wait").code(20);
    assert!(calls(&sandbox, "patch").is_empty(), "{}", ended.stderr);
    assert!(ended.stderr.contains("something else than JSON"), "{}", ended.stderr);
}

const CONFLICT: &str = "error: Apply failed with 1 conflict: conflict with \"OWNER\" using v1: .spec.selector\n\
                        Please review the fields above--they currently have other managers.";
const APPLY: &str = "tasks:
  T1:
    retry: {attempts: 3, base_delay: 1ms}
    run: {kubectl: {apply: {manifest: {apiVersion: v1, kind: Service, metadata: {name: web}}}}}
";

#[test]
fn what_people_changed_by_hand_is_taken_back() {
    let sandbox = cluster(APPLY);
    says(
        &sandbox,
        "diff-1",
        2,
        &CONFLICT.replace("OWNER", "kubectl-edit").replace("error:", "Error from server (Conflict):"),
    );
    says(&sandbox, "diff-forced", 1, "");
    says(&sandbox, "apply", 1, &CONFLICT.replace("OWNER", "kubectl-edit"));
    says(&sandbox, "apply-forced", 0, "");
    says(&sandbox, "diff", 0, "");
    sandbox.run("run prd.md --no-wait").code(0);
    assert_eq!(state(&sandbox, "T1"), "completed");
    let applied = calls(&sandbox, "apply");
    assert_eq!(applied.len(), 2, "{applied:?}");
    assert!(
        !applied[0].contains("--force-conflicts") && applied[1].ends_with("--force-conflicts"),
        "{applied:?}"
    );
    assert!(sandbox.read("apply.stdin").expect("a manifest").contains("\"kind\":\"Service\""));
    let log = sandbox.run("logs T1").code(0).stdout;
    assert!(
        log.contains("taken back, since they were changed by hand: .spec.selector (kubectl-edit)"),
        "{log}"
    );
}

#[test]
fn what_a_controller_owns_is_left_to_it() {
    let sandbox = cluster(APPLY);
    says(&sandbox, "diff", 1, "");
    says(&sandbox, "apply", 1, &CONFLICT.replace("OWNER", "argo-rollouts"));
    says(&sandbox, "apply-forced", 0, "");
    let ended = sandbox.run("run prd.md --no-wait").code(20);
    assert_eq!(calls(&sandbox, "apply").len(), 1, "no force, and no second attempt");
    for said in [".spec.selector (argo-rollouts)", "force_conflicts: true", "not tried again: field-owned"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
}

#[test]
fn a_check_that_a_controller_stands_against_is_an_error_that_names_it() {
    let sandbox = cluster(APPLY);
    says(
        &sandbox,
        "diff",
        2,
        &CONFLICT.replace("OWNER", "argo-rollouts").replace("error:", "Error from server (Conflict):"),
    );
    let ended = sandbox.run("run prd.md --no-wait").code(20);
    assert!(calls(&sandbox, "apply").is_empty());
    assert!(
        ended.stderr.contains("fields belong to others: .spec.selector (argo-rollouts)"),
        "{}",
        ended.stderr
    );
    let plan = sandbox.run("plan prd.md --check").code(0).stdout;
    assert!(plan.contains("cannot tell") && plan.contains("argo-rollouts"), "{plan}");
}

#[test]
fn kube_apply_ends_as_kubectl_does() {
    for (code, check, wanted) in
        [(0, "", 0), (1, "", 1), (1, "--check ", 1), (2, "--check ", 2), (127, "--check ", 2)]
    {
        let sandbox = cluster(APPLY);
        says(&sandbox, "diff", code, "words");
        let ended = sandbox.run(&format!("kube-apply {check}-- kubectl diff --filename=a")).code(wanted);
        assert!(ended.stderr.contains("words"), "{}", ended.stderr);
    }
    let sandbox = cluster(APPLY);
    sandbox.run("kube-apply --check -- no-such-program").code(2);
}

#[test]
fn applied_manifests_without_a_ready_pod_are_not_done() {
    let tasks =
        "tasks:\n  T1: {run: {kubectl: {apply: {files: a.yaml, ready: [{deployment/web: Available}]}}}}\n";
    let sandbox = cluster(tasks);
    says(&sandbox, "wait", 1, "error: timed out waiting for the condition on deployments/web");
    sandbox.run("run prd.md --no-wait").code(20);
    assert_eq!(calls(&sandbox, "apply").len(), 1, "no difference, but nothing is ready");
    assert!(calls(&sandbox, "wait")[1].contains("--timeout=300s"));

    let sandbox = cluster(tasks);
    sandbox.run("run prd.md --no-wait").code(0);
    assert_eq!(state(&sandbox, "T1"), "satisfied");

    let sandbox = cluster(tasks);
    says(&sandbox, "wait", 1, "Unable to connect to the server: net/http: TLS handshake timeout");
    sandbox.run("run prd.md --no-wait").code(20);
    assert!(calls(&sandbox, "apply").is_empty(), "nobody can tell");
}

/// A task that acts on this context; none is the kubeconfig's own.
fn acting_on(context: Option<&str>) -> Sandbox {
    let context = context.map(|name| format!("context: {name}, ")).unwrap_or_default();
    let tasks = format!(
        "tasks:\n  T1:\n    run: {{kubectl: {{{context}args: [scale, web]}}}}\n    undo: {{kubectl: {{{context}args: [label, web]}}}}\n"
    );
    cluster(&tasks)
}

#[test]
fn what_looks_like_production_is_refused_before_anything_runs() {
    let sandbox = acting_on(Some("gke_shop-prod_eu"));
    let ended = sandbox.run("run prd.md --no-wait").code(2);
    for said in [
        "`gke_shop-prod_eu` looks like production: its name holds `prod`",
        "T1",
        "--allow-context gke_shop-prod_eu",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert!(calls(&sandbox, "scale").is_empty());
    assert!(sandbox.run("history -o json").code(0).json()["runs"].as_array().is_some_and(Vec::is_empty));
    sandbox.run("run prd.md --no-wait --allow-context other").code(2);
    let plan = sandbox.run("plan prd.md").code(0).stdout;
    assert!(plan.contains("looks like production") && plan.contains("--allow-context"), "{plan}");
    sandbox.run("run prd.md --no-wait --allow-context gke_shop-prod_eu").code(0);
    assert_eq!(calls(&sandbox, "scale").len(), 1);
    sandbox.run("destroy prd.md --yes").code(2);
    assert!(calls(&sandbox, "label").is_empty());
    sandbox.run("destroy prd.md --yes --allow-context gke_shop-*").code(0);
    assert_eq!(calls(&sandbox, "label").len(), 1);
}

#[test]
fn a_label_of_the_cluster_makes_it_production_too() {
    let namespaces =
        |labels: Value| json!({ "items": [{ "metadata": { "name": "kube-system", "labels": labels } }] });
    let sandbox = acting_on(Some("shop"));
    sandbox.write("namespace.out", namespaces(json!({ "env": "live" })).to_string());
    let ended = sandbox.run("run prd.md --no-wait").code(2);
    assert!(ended.stderr.contains("namespace kube-system has the label env=live"), "{}", ended.stderr);
    assert!(!sandbox.run("plan prd.md").code(0).stdout.contains("production"), "a plan asks no cluster");
    sandbox.write("taskmaster.toml", "allow_contexts = [\"shop\"]\n");
    sandbox.run("run prd.md --no-wait").code(0);

    let sandbox = acting_on(Some("shop"));
    sandbox.write("namespace.out", namespaces(json!({ "env": "test" })).to_string());
    sandbox.run("run prd.md --no-wait").code(0);
    let asked = calls(&sandbox, "get namespace");
    assert_eq!(
        asked,
        ["get namespace kube-system default --output=json --request-timeout=5s --context=shop"]
    );
}

#[test]
fn without_a_context_the_current_one_counts_and_silence_leaves_the_name_to_decide() {
    let sandbox = acting_on(None);
    sandbox.write("current.out", "live-eu\n");
    let ended = sandbox.run("run prd.md --no-wait").code(2);
    assert!(ended.stderr.contains("`live-eu`"), "{}", ended.stderr);

    // A list of files is given as the action gives it.
    let tasks = "tasks:\n  T1: {run: {kubectl: {env: {KUBECONFIG: '/a:/b'}, args: [scale, web]}}}\n";
    let sandbox = cluster(tasks);
    sandbox.write("current.out", "kind-x\n");
    sandbox.run("run prd.md --no-wait").code(0);
    let asked = calls(&sandbox, "config");
    assert_eq!(asked, ["config current-context KUBECONFIG=/a:/b"]);

    let sandbox = acting_on(None);
    sandbox.write("current.out", "kind-x\n").write("namespace.code", "1");
    sandbox.run("run prd.md --no-wait").code(0);

    let sandbox = acting_on(Some("eu-west"));
    sandbox.write("taskmaster.toml", "production_contexts = [\"eu-*\"]\n");
    let ended = sandbox.run("run prd.md --no-wait").code(2);
    assert!(ended.stderr.contains("`eu-*` of production_contexts"), "{}", ended.stderr);
}
