//! Environments that overlay a base.

use crate::support::{World, describe, show_all};

const TEXT: &str = "
vars: {image: app, tag: v1, replicas: 1}
defaults: {timeout: 1m, kube: {namespace: base}, argocd: {core: true}}
tasks:
  T1:
    vars: {tag: v2}
    check: {exec: [base-check]}
    verify: {exec: [base-verify]}
    undo: {exec: [base-undo]}
    run: {exec: [deploy, '{{ vars.image }}:{{ vars.tag }}', '{{ vars.replicas }}']}
    locks: base
  T2: {run: {kubectl: {apply: a.yaml}}}
environments:
  kind:
    vars: {replicas: 2}
    defaults: {timeout: 2m, kube: {context: kind-x}}
  prod:
    description: the real one
    vars: {image: registry/app}
    defaults: {argocd: {server: argocd.prod}}
    tasks:
      T1: {vars: {tag: v3}, locks: prod}
      T3: {run: {exec: [only-in-prod]}}
  replaced:
    tasks:
      T1: {run: {exec: [other]}}
      T2: {manual: true}
  again:
    tasks:
      T1: {manual: true}
";

fn shown(environment: &str, task: &str) -> String {
    let bound = World::new().in_environment(environment).bind(TEXT);
    assert_eq!(show_all(TEXT, &bound.diagnostics), "");
    bound.bindings[task].action.as_ref().map_or("manual".to_owned(), describe)
}

#[test]
fn variables_and_defaults_overlay_by_key() {
    assert!(shown("kind", "T1").starts_with("run    exec: deploy app:v2 2\n"));
    assert!(shown("kind", "T2").contains("kubectl apply --context=kind-x --namespace=base"));
    assert!(shown("prod", "T1").starts_with("run    exec: deploy registry/app:v3 1\n"));
    assert!(shown("prod", "T2").contains("kubectl apply --namespace=base"));
    let policy = |environment: &str| World::new().in_environment(environment).binding(TEXT).policy;
    assert_eq!((policy("kind").timeout_ms, policy("prod").timeout_ms), (Some(120_000), Some(60_000)));
    assert_eq!(
        (policy("kind").locks, policy("prod").locks),
        (vec!["base".to_owned()], vec!["prod".to_owned()])
    );
}

#[test]
fn keys_of_an_entry_overlay_and_the_rest_stays() {
    let prod = shown("prod", "T1");
    for kept in ["base-check", "base-verify", "base-undo"] {
        assert!(prod.contains(kept), "{kept}");
    }
    assert_eq!(shown("prod", "T3"), "run    exec: only-in-prod");
}

#[test]
fn a_new_action_replaces_what_belonged_to_the_old_one() {
    assert_eq!(shown("replaced", "T1"), "run    exec: other");
    assert_eq!(shown("replaced", "T2"), "manual");
    assert_eq!(shown("again", "T1"), "manual");
}

#[test]
fn an_unknown_environment_is_told() {
    let faults = World::new().in_environment("prdo").faults(TEXT);
    assert_eq!(
        faults,
        "error[bind-unknown-environment] - no catalogue is for the environment `prdo` (did you mean `prod`?)"
    );
    let bound = World::new().in_environment("prdo").bind(TEXT);
    assert!(bound.document_diagnostics.is_empty(), "then nothing else is called unbound");
    assert_eq!(bound.unbound.len(), 4);
    let free = World::new().in_environment("anything").faults("tasks: {T1: {run: {exec: [x]}}}");
    assert_eq!(free, "", "a file without environments is for all");
}

#[test]
fn entries_of_an_environment_that_find_no_task_are_told() {
    let text = "tasks: {}\nenvironments:\n  kind:\n    tasks:\n      T77: {manual: true}\n";
    assert!(World::new().faults(text).contains("warning[bind-unused-entry] 5:7 `T77`"));
}

#[test]
fn settings_of_argo_cd_overlay_by_key() {
    let text = "
defaults: {argocd: {server: base, grpc_web: true, plaintext: true, insecure: true, app_namespace: apps, port_forward_namespace: pf, context: c, auth_token: {secret: env:A}}}
tasks: {T1: {run: {argocd: {server: own, auth_token: {secret: env:B}, wait: {app: web}}}}}
environments: {kind: {defaults: {argocd: {server: kind, plaintext: false}}}}
";
    let action = World::new().binding(text).action.unwrap();
    assert!(
        describe(&action).starts_with(
            "run    wait: argocd app wait --server=own --grpc-web --insecure --port-forward --port-forward-namespace=pf --kube-context=c web --app-namespace=apps --sync --health --timeout=300 ARGOCD_AUTH_TOKEN=<Env(\"B\")>"
        ),
        "{}",
        describe(&action)
    );
}
