//! Argo CD.

use crate::support::renders;

#[test]
fn rows() {
    renders(
        r#"
            argocd:
              server: argocd.example.com:443
              grpc_web: true
              plaintext: true
              insecure: true
              auth_token: {secret: env:ARGOCD_TOKEN}
              app_namespace: apps
              create:
                app: web
                project: platform
                repo: https://git.example/x.git
                path: apps/web
                revision: main
                dest_name: prod
                dest_namespace: web
                sync_policy: automated
                auto_prune: true
                self_heal: true
                sync_options: [CreateNamespace=true]
                values: [values-prod.yaml]
                helm_set: {image.tag: v2}
        "#,
        r#"
            run    create: argocd app create --server=argocd.example.com:443 --grpc-web --plaintext --insecure web --app-namespace=apps --upsert --project=platform --repo=https://git.example/x.git --path=apps/web --revision=main --dest-name=prod --dest-namespace=web --sync-policy=automated --auto-prune --self-heal --sync-option=CreateNamespace=true --values=values-prod.yaml --helm-set=image.tag=v2 ARGOCD_AUTH_TOKEN=<Env("ARGOCD_TOKEN")>
            check  check: argocd app get --server=argocd.example.com:443 --grpc-web --plaintext --insecure web --app-namespace=apps --output=json ARGOCD_AUTH_TOKEN=<Env("ARGOCD_TOKEN")> > captured | true [0] false [] or by its words | `/spec/project` = "platform" | `/spec/source/repoURL` = "https://git.example/x.git" | `/spec/source/path` = "apps/web" | `/spec/source/targetRevision` = "main" | `/spec/destination/name` = "prod" | `/spec/destination/namespace` = "web"
            undo   delete: argocd app delete --server=argocd.example.com:443 --grpc-web --plaintext --insecure web --app-namespace=apps --cascade --yes --wait ARGOCD_AUTH_TOKEN=<Env("ARGOCD_TOKEN")>
        "#,
    );
    renders(
        r#"argocd: {core: true, context: kind-platform, create: {app: web, repo: https://charts.example, chart: web, revision: 1.2.3, dest_namespace: web, sync_policy: manual}}"#,
        r#"
            run    create: argocd app create --core --kube-context=kind-platform web --upsert --project=default --repo=https://charts.example --helm-chart=web --revision=1.2.3 --dest-server=https://kubernetes.default.svc --dest-namespace=web --sync-policy=none
            check  check: argocd app get --core --kube-context=kind-platform web --output=json > captured | true [0] false [] or by its words | `/spec/project` = "default" | `/spec/source/repoURL` = "https://charts.example" | `/spec/source/chart` = "web" | `/spec/source/targetRevision` = "1.2.3" | `/spec/destination/server` = "https://kubernetes.default.svc" | `/spec/destination/namespace` = "web"
            undo   delete: argocd app delete --core --kube-context=kind-platform web --cascade --yes --wait
        "#,
    );
    renders(
        r#"argocd: {port_forward_namespace: argocd, sync: {app: web, revision: abc, prune: true, force: true, timeout: 90s}}"#,
        r#"
            run    sync: argocd app sync --port-forward --port-forward-namespace=argocd web --revision=abc --prune --force --timeout=90
            run    wait: argocd app wait --port-forward --port-forward-namespace=argocd web --sync --health --timeout=90
            check  check: argocd app get --port-forward --port-forward-namespace=argocd web --refresh --output=json > captured | true [0] false [] or by its words | `/status/sync/status` = "Synced" | `/status/health/status` = "Healthy" | `/spec/source/targetRevision` = "abc"
        "#,
    );
    renders(
        r#"argocd: {core: true, sync: {app: web, wait: false}}"#,
        r#"
            run    sync: argocd app sync --core web --timeout=300
            check  check: argocd app get --core web --refresh --output=json > captured | true [0] false [] or by its words | `/status/sync/status` = "Synced"
        "#,
    );
}

#[test]
fn further_rows() {
    renders(
        r#"argocd: {core: true, sync: {app: web, wait: false, revision: 0123456789abcdef0123456789abcdef01234567}}"#,
        r#"
            run    sync: argocd app sync --core web --revision=0123456789abcdef0123456789abcdef01234567 --timeout=300
            check  check: argocd app get --core web --refresh --output=json > captured | true [0] false [] or by its words | `/status/sync/status` = "Synced" | `/status/sync/revision` = "0123456789abcdef0123456789abcdef01234567"
        "#,
    );
    renders(
        r#"argocd: {core: true, wait: {app: web, timeout: 1500ms}}"#,
        r#"
            run    wait: argocd app wait --core web --sync --health --timeout=2
            check  check: argocd app get --core web --refresh --output=json > captured | true [0] false [] or by its words | `/status/sync/status` = "Synced" | `/status/health/status` = "Healthy"
        "#,
    );
    renders(
        r#"argocd: {core: true, wait: {app: web, health: false, sync: false, operation: true}}"#,
        r#"
            run    wait: argocd app wait --core web --operation --timeout=300
        "#,
    );
    renders(
        r#"argocd: {core: true, rollback: {app: web, id: 4, prune: true}}"#,
        r#"
            run    rollback: argocd app rollback --core web 4 --prune --timeout=300
        "#,
    );
    renders(
        r#"argocd: {core: true, set: {app: web, revision: v2}}"#,
        r#"
            run    set: argocd app set --core web --revision=v2
            check  check: argocd app get --core web --output=json > captured | true [0] false [] or by its words | `/spec/source/targetRevision` = "v2"
        "#,
    );
    renders(
        r#"argocd: {core: true, set: {app: web, helm_set: {image.tag: v2}, kustomize_images: [web=r/web:2]}}"#,
        r#"
            run    set: argocd app set --core web --helm-set=image.tag=v2 --kustomize-image=web=r/web:2
        "#,
    );
    renders(
        r#"argocd: {core: true, args: [app, history, web]}"#,
        r#"
            run    argocd: argocd app history web --core
        "#,
    );
}
