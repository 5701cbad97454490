//! kubectl.

use crate::support::{World, renders, running};

#[test]
fn apply() {
    renders(
        r#"kubectl: {apply: k8s/base}"#,
        r#"
            run    apply: /bin/taskmaster kube-apply -- kubectl apply --server-side --field-manager=taskmaster --filename=k8s/base
            check  check: /bin/taskmaster kube-apply --check -- kubectl diff --server-side --field-manager=taskmaster --filename=k8s/base | true [0] false [1] or by its words
            undo   delete: kubectl delete --ignore-not-found --filename=k8s/base
        "#,
    );
    renders(
        r#"
            kubectl:
              context: kind-platform
              kubeconfig: /k/config
              namespace: argocd
              env: {HTTPS_PROXY: "http://p:1"}
              apply: {files: [a.yaml, https://x.example/b.yaml], field_manager: me, force_conflicts: true, recursive: true, selector: app=web}
        "#,
        r#"
            run    apply: kubectl apply --context=kind-platform --kubeconfig=/k/config --namespace=argocd --server-side --field-manager=me --force-conflicts --filename=a.yaml --filename=https://x.example/b.yaml --recursive --selector=app=web HTTPS_PROXY=http://p:1
            check  check: kubectl diff --context=kind-platform --kubeconfig=/k/config --namespace=argocd --server-side --field-manager=me --force-conflicts --filename=a.yaml --filename=https://x.example/b.yaml --recursive --selector=app=web HTTPS_PROXY=http://p:1 | true [0] false [1] or by its words
            undo   delete: kubectl delete --ignore-not-found --context=kind-platform --kubeconfig=/k/config --namespace=argocd --filename=a.yaml --filename=https://x.example/b.yaml --recursive --selector=app=web HTTPS_PROXY=http://p:1
        "#,
    );
    renders(
        r#"kubectl: {apply: {kustomize: k8s/overlays/kind, server_side: false}}"#,
        r#"
            run    apply: kubectl apply --field-manager=taskmaster --kustomize=k8s/overlays/kind
            check  check: kubectl diff --field-manager=taskmaster --kustomize=k8s/overlays/kind | true [0] false [1] or by its words
            undo   delete: kubectl delete --ignore-not-found --kustomize=k8s/overlays/kind
        "#,
    );
    renders(
        r#"kubectl: {apply: {manifest: {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {n: "1"}}}}"#,
        r#"
            run    apply: /bin/taskmaster kube-apply -- kubectl apply --server-side --field-manager=taskmaster --filename=- < {"apiVersion":"v1","data":{"n":"1"},"kind":"ConfigMap","metadata":{"name":"a"}}
            check  check: /bin/taskmaster kube-apply --check -- kubectl diff --server-side --field-manager=taskmaster --filename=- < {"apiVersion":"v1","data":{"n":"1"},"kind":"ConfigMap","metadata":{"name":"a"}} | true [0] false [1] or by its words
            undo   delete: kubectl delete --ignore-not-found --filename=- < {"apiVersion":"v1","data":{"n":"1"},"kind":"ConfigMap","metadata":{"name":"a"}}
        "#,
    );
    renders(
        r#"kubectl: {apply: {manifest: [{kind: A}, {kind: B}]}}"#,
        r#"
            run    apply: /bin/taskmaster kube-apply -- kubectl apply --server-side --field-manager=taskmaster --filename=- < {"apiVersion":"v1","items":[{"kind":"A"},{"kind":"B"}],"kind":"List"}
            check  check: /bin/taskmaster kube-apply --check -- kubectl diff --server-side --field-manager=taskmaster --filename=- < {"apiVersion":"v1","items":[{"kind":"A"},{"kind":"B"}],"kind":"List"} | true [0] false [1] or by its words
            undo   delete: kubectl delete --ignore-not-found --filename=- < {"apiVersion":"v1","items":[{"kind":"A"},{"kind":"B"}],"kind":"List"}
        "#,
    );
}

#[test]
fn what_is_applied_can_be_waited_for() {
    let ready = [
        "[{deployment/web: Available}, {resources: pods, selector: app=web, condition: condition=Ready, timeout: 1m}]",
        "['deployment/web: Available', {resources: [pods], selector: app=web, condition: Ready, timeout: 1m}]",
    ];
    for ready in ready {
        renders(
            &format!("kubectl: {{namespace: n, apply: {{files: a.yaml, ready: {ready}}}}}"),
            r#"
                run    apply: /bin/taskmaster kube-apply -- kubectl apply --namespace=n --server-side --field-manager=taskmaster --filename=a.yaml
                run    ready: kubectl wait --namespace=n deployment/web --for=condition=Available --timeout=300s
                run    ready: kubectl wait --namespace=n pods --selector=app=web --for=condition=Ready --timeout=60s
                check  check: /bin/taskmaster kube-apply --check -- kubectl diff --namespace=n --server-side --field-manager=taskmaster --filename=a.yaml | true [0] false [1] or by its words
                and    check: kubectl wait --namespace=n deployment/web --for=condition=Available --timeout=0s
                and    check: kubectl wait --namespace=n pods --selector=app=web --for=condition=Ready --timeout=0s
                undo   delete: kubectl delete --ignore-not-found --namespace=n --filename=a.yaml
            "#,
        );
    }
    let faults = World::new().faults(&running("kubectl: {apply: {files: a, ready: [deployment/web]}}"));
    assert!(
        faults.contains("this names no condition") && faults.contains("deployment/web: Available"),
        "{faults}"
    );
}

#[test]
fn who_wins_where_somebody_else_owns_a_field() {
    renders(
        r#"kubectl: {apply: {files: a.yaml, force_conflicts: true}}"#,
        r#"
            run    apply: kubectl apply --server-side --field-manager=taskmaster --force-conflicts --filename=a.yaml
            check  check: kubectl diff --server-side --field-manager=taskmaster --force-conflicts --filename=a.yaml | true [0] false [1] or by its words
            undo   delete: kubectl delete --ignore-not-found --filename=a.yaml
        "#,
    );
    renders(
        r#"kubectl: {apply: {files: a.yaml, force_conflicts: false}}"#,
        r#"
            run    apply: kubectl apply --server-side --field-manager=taskmaster --filename=a.yaml
            check  check: kubectl diff --server-side --field-manager=taskmaster --filename=a.yaml | true [0] false [1] or by its words
            undo   delete: kubectl delete --ignore-not-found --filename=a.yaml
        "#,
    );
}

#[test]
fn delete_and_namespaces() {
    renders(
        r#"kubectl: {context: c, namespace: n, delete: {resources: [deployment/web, svc/web], timeout: 30s, wait: false}}"#,
        r#"
            run    delete: kubectl delete --ignore-not-found --context=c --namespace=n deployment/web svc/web --wait=false --timeout=30s
            check  check: kubectl get --ignore-not-found --output=name --context=c --namespace=n deployment/web svc/web > captured | true [0] false [] | text = ""
        "#,
    );
    renders(
        r#"kubectl: {delete: {files: k8s/old.yaml}}"#,
        r#"
            run    delete: kubectl delete --ignore-not-found --filename=k8s/old.yaml --wait=true
            check  check: kubectl get --ignore-not-found --output=name --filename=k8s/old.yaml > captured | true [0] false [] | text = ""
        "#,
    );
    renders(
        r#"kubectl: {delete: {resources: pods, selector: app=web}}"#,
        r#"
            run    delete: kubectl delete --ignore-not-found pods --selector=app=web --wait=true
            check  check: kubectl get --ignore-not-found --output=name pods --selector=app=web > captured | true [0] false [] | text = ""
        "#,
    );
    renders(
        r#"kubectl: {context: c, namespace: ignored, create_namespace: demo}"#,
        r#"
            run    apply: kubectl apply --server-side --context=c --field-manager=taskmaster --force-conflicts --filename=- < {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"demo"}}
            check  check: kubectl diff --server-side --context=c --field-manager=taskmaster --force-conflicts --filename=- < {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"demo"}} | true [0] false [1] or by its words
            undo   delete: kubectl delete namespace --ignore-not-found --context=c demo
        "#,
    );
    renders(
        r#"kubectl: {create_namespace: {name: demo, labels: {team: a}, annotations: {note: b}}}"#,
        r#"
            run    apply: kubectl apply --server-side --field-manager=taskmaster --force-conflicts --filename=- < {"apiVersion":"v1","kind":"Namespace","metadata":{"annotations":{"note":"b"},"labels":{"team":"a"},"name":"demo"}}
            check  check: kubectl diff --server-side --field-manager=taskmaster --force-conflicts --filename=- < {"apiVersion":"v1","kind":"Namespace","metadata":{"annotations":{"note":"b"},"labels":{"team":"a"},"name":"demo"}} | true [0] false [1] or by its words
            undo   delete: kubectl delete namespace --ignore-not-found demo
        "#,
    );
}

#[test]
fn waits_rollouts_and_raw_commands() {
    renders(
        r#"kubectl: {context: c, namespace: n, wait: {resources: deployment/web, condition: condition=Available}}"#,
        r#"
            run    wait: kubectl wait --context=c --namespace=n deployment/web --for=condition=Available --timeout=300s
            check  check: kubectl wait --context=c --namespace=n deployment/web --for=condition=Available --timeout=0s | true [0] false [] or by its words
        "#,
    );
    renders(
        r#"kubectl: {wait: {resources: pods, selector: app=web, condition: "jsonpath={.status.phase}=Running", timeout: 90s}}"#,
        r#"
            run    wait: kubectl wait pods --selector=app=web --for=jsonpath={.status.phase}=Running --timeout=90s
            check  check: kubectl wait pods --selector=app=web --for=jsonpath={.status.phase}=Running --timeout=0s | true [0] false [] or by its words
        "#,
    );
    renders(
        r#"kubectl: {wait: {resources: nodes, all: true, condition: condition=Ready, timeout: 1500ms}}"#,
        r#"
            run    wait: kubectl wait nodes --all --for=condition=Ready --timeout=1500ms
            check  check: kubectl wait nodes --all --for=condition=Ready --timeout=0s | true [0] false [] or by its words
        "#,
    );
    renders(
        r#"kubectl: {namespace: n, rollout: {verb: status, resource: deployment/web, timeout: 2m}}"#,
        r#"
            run    status: kubectl rollout status --namespace=n deployment/web --watch=true --timeout=120s
            check  check: kubectl rollout status --namespace=n deployment/web --watch=true --timeout=1s | true [0] false [] or by its words
        "#,
    );
    renders(
        r#"kubectl: {rollout: {verb: undo, resource: deployment/web, to_revision: 3}}"#,
        r#"
            run    undo: kubectl rollout undo deployment/web --to-revision=3
        "#,
    );
    renders(
        r#"kubectl: {rollout: {verb: restart, resource: ds/agent}}"#,
        r#"
            run    restart: kubectl rollout restart ds/agent
        "#,
    );
    renders(
        r#"kubectl: {rollout: {verb: pause, resource: deploy/x}}"#,
        r#"
            run    pause: kubectl rollout pause deploy/x
        "#,
    );
    renders(
        r#"kubectl: {rollout: {verb: resume, resource: deploy/x}}"#,
        r#"
            run    resume: kubectl rollout resume deploy/x
        "#,
    );
    renders(
        r#"kubectl: {context: c, namespace: n, args: [argo, rollouts, promote, web]}"#,
        r#"
            run    kubectl: kubectl argo rollouts promote web --context=c --namespace=n
        "#,
    );
    renders(
        r#"kubectl: {context: c, args: [exec, deploy/web, --, sh, -c, "echo x"], stdin: hello}"#,
        r#"
            run    kubectl: kubectl exec deploy/web --context=c -- sh -c "echo x" < hello
        "#,
    );
}
