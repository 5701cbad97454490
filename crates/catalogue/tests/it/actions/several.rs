//! Several actions in a row.

use crate::support::renders;

#[test]
fn rows() {
    renders(
        r#"
            - exec: [a]
            - kubectl: {apply: x.yaml}
            - helm: {uninstall: {release: web}}
        "#,
        r#"
            run    exec: a
            run    apply: /bin/taskmaster kube-apply -- kubectl apply --server-side --field-manager=taskmaster --filename=x.yaml
            run    uninstall: helm uninstall web --ignore-not-found --wait --timeout=300s
            undo   delete: kubectl delete --ignore-not-found --filename=x.yaml
        "#,
    );
}
