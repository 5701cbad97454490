//! Helm.

use crate::support::renders;

#[test]
fn rows() {
    renders(
        r#"helm: {upgrade: {release: web, chart: ./charts/web}}"#,
        r#"
            run    upgrade: helm upgrade --install web ./charts/web --atomic --wait --timeout=300s --labels=taskmaster-digest=a8a1732e94021d1c
            check  check: helm list --filter=^web$ --output=json --deployed --selector=taskmaster-digest=a8a1732e94021d1c > captured | true [0] false [] | `/0/status` = "deployed"
            undo   uninstall: helm uninstall web --ignore-not-found --wait --timeout=300s
        "#,
    );
    renders(
        r#"
            helm:
              context: kind-platform
              kubeconfig: /k/config
              namespace: argocd
              env: {HELM_CACHE_HOME: /c}
              upgrade:
                release: argo.cd
                chart: argo/argo-cd
                repo: https://charts.example/argo
                version: 5.51.6
                values: {server: {replicas: 2}, list: [a]}
                values_files: [base.yaml, kind.yaml]
                set: {a.b: "1,admin=true", list: "{x}"}
                set_string: {tag: 1.20}
                create_namespace: true
                wait_for_jobs: true
                timeout: 10m
                dependency_update: true
                skip_crds: true
        "#,
        r#"
            run    upgrade: helm upgrade --install --kube-context=kind-platform --kubeconfig=/k/config --namespace=argocd argo.cd argo/argo-cd --repo=https://charts.example/argo --version=5.51.6 --values=base.yaml --values=kind.yaml --values=- --set=a.b=1\,admin=true --set=list=\{x} --set-string=tag=1.20 --create-namespace --atomic --wait --wait-for-jobs --timeout=600s --dependency-update --skip-crds --labels=taskmaster-digest=1efb71ab9de58486 HELM_CACHE_HOME=/c < {"list":["a"],"server":{"replicas":2}}
            check  check: helm list --kube-context=kind-platform --kubeconfig=/k/config --namespace=argocd --filter=^argo\.cd$ --output=json --deployed --selector=taskmaster-digest=1efb71ab9de58486 HELM_CACHE_HOME=/c > captured | true [0] false [] | `/0/status` = "deployed" | `/0/chart` = "argo-cd-5.51.6"
            undo   uninstall: helm uninstall --kube-context=kind-platform --kubeconfig=/k/config --namespace=argocd argo.cd --ignore-not-found --wait --timeout=600s HELM_CACHE_HOME=/c
        "#,
    );
    renders(
        r#"helm: {upgrade: {release: web, chart: oci://r.example/charts/web, version: ~1.2, secret_values: {secret: exec:sops -d v.yaml}, atomic: false, wait: false, track: false}}"#,
        r#"
            run    upgrade: helm upgrade --install web oci://r.example/charts/web --version=~1.2 --values=- --timeout=300s < <Exec(["sops", "-d", "v.yaml"])>
            check  check: helm list --filter=^web$ --output=json --deployed > captured | true [0] false [] | `/0/status` = "deployed"
            undo   uninstall: helm uninstall web --ignore-not-found --wait --timeout=300s
        "#,
    );
    renders(
        r#"helm: {namespace: n, rollback: {release: web, revision: 3, timeout: 1m}}"#,
        r#"
            run    rollback: helm rollback --namespace=n web 3 --wait --timeout=60s
        "#,
    );
    renders(
        r#"helm: {rollback: {release: web}}"#,
        r#"
            run    rollback: helm rollback web --wait --timeout=300s
        "#,
    );
    renders(
        r#"helm: {namespace: n, uninstall: {release: web}}"#,
        r#"
            run    uninstall: helm uninstall --namespace=n web --ignore-not-found --wait --timeout=300s
            check  check: helm list --namespace=n --filter=^web$ --output=json --all > captured | true [0] false [] | `` = []
        "#,
    );
    renders(
        r#"helm: {test: {release: web, timeout: 2m}}"#,
        r#"
            run    test: helm test web --logs --timeout=120s
        "#,
    );
    renders(
        r#"helm: {context: c, args: [package, charts/web]}"#,
        r#"
            run    helm: helm package charts/web --kube-context=c
        "#,
    );
}
