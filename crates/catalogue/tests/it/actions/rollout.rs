//! Rollouts: what is the same for every object is kubectl's, the rest is done by taskmaster itself.

use crate::support::{World, renders, running};

#[test]
fn argo_rows() {
    renders(
        r#"rollout: {kind: argo, context: kind-platform, kubeconfig: k.yaml, namespace: shop, name: web, verb: pause}"#,
        r#"
            run    spec: kubectl patch rollouts.argoproj.io --context=kind-platform --kubeconfig=k.yaml --namespace=shop web --type=merge "--patch={\"spec\":{\"paused\":true}}"
            check  check: kubectl get rollouts.argoproj.io --context=kind-platform --kubeconfig=k.yaml --namespace=shop web --output=json > captured | true [0] false [] or by its words | `/spec/paused` = true
        "#,
    );
    renders(
        r#"rollout: {kind: argo, namespace: shop, name: web, verb: abort}"#,
        r#"
            run    abort: /bin/taskmaster kube-rollout argo abort web --namespace=shop
            check  check: kubectl get rollouts.argoproj.io --namespace=shop web --output=json > captured | true [0] false [] or by its words | `/status/abort` = true
        "#,
    );
    for (verb, word) in [
        ("promote", "promote"),
        ("promote_full", "promote-full"),
        ("resume", "resume"),
        ("retry", "retry"),
        ("undo", "undo"),
    ] {
        renders(
            &format!("rollout: {{kind: argo, context: c, name: web, verb: {verb}}}"),
            &format!("run    {word}: /bin/taskmaster kube-rollout argo {word} web --context=c"),
        );
    }
    renders(
        r#"rollout: {kind: argo, name: web, verb: undo, to_revision: 3}"#,
        "run    undo: /bin/taskmaster kube-rollout argo undo web --to-revision=3",
    );
    renders(
        r#"rollout: {kind: argo, name: web, verb: set_image, image: {web: "web:{{ env }}", log: "log:2"}, env: {A: b}}"#,
        r#"
            run    set-image: /bin/taskmaster kube-rollout argo set-image web --image=web=web:kind --image=log=log:2 A=b
            check  check: /bin/taskmaster kube-rollout argo set-image web --image=web=web:kind --image=log=log:2 --check A=b | true [0] false [1]
        "#,
    );
}

#[test]
fn waits() {
    renders(
        r#"rollout: {kind: argo, name: web, verb: status}"#,
        r#"
            run    status: /bin/taskmaster kube-rollout argo status web --timeout=300s
            check  check: /bin/taskmaster kube-rollout argo status web --timeout=0s | true [0] false [1]
        "#,
    );
    renders(
        r#"rollout: {kind: argo, name: web, verb: wait, for: weight  20, timeout: 1500ms}"#,
        r#"
            run    wait: /bin/taskmaster kube-rollout argo wait web "--for=weight 20" --timeout=1500ms
            check  check: /bin/taskmaster kube-rollout argo wait web "--for=weight 20" --timeout=0s | true [0] false [1]
        "#,
    );
    for (kind, word) in [("analysis_run", "analysis-run"), ("flagger", "flagger")] {
        renders(
            &format!("rollout: {{kind: {kind}, namespace: shop, name: web, verb: wait, timeout: 10m}}"),
            &format!(
                "run    wait: /bin/taskmaster kube-rollout {word} wait web --namespace=shop --timeout=600s
                 check  check: /bin/taskmaster kube-rollout {word} wait web --namespace=shop --timeout=0s | true [0] false [1]"
            ),
        );
    }
    renders(
        r#"rollout: {kind: application, namespace: argocd, name: web, verb: wait, revision: abc}"#,
        r#"
            run    wait: /bin/taskmaster kube-rollout application wait web --namespace=argocd --revision=abc --timeout=300s
            check  check: /bin/taskmaster kube-rollout application wait web --namespace=argocd --revision=abc --timeout=0s | true [0] false [1]
        "#,
    );
}

#[test]
fn defaults_of_the_cluster_count_and_kubectl_is_what_it_needs() {
    let text = "defaults: {kube: {context: kind-platform, namespace: shop}}\n".to_owned()
        + &running("rollout: {kind: argo, name: web, verb: promote}");
    let binding = World::new().binding(&text);
    assert_eq!(binding.tools, ["kubectl"]);
    let action = binding.action.expect("an action");
    let argv = &crate::support::process(&action.run[0]).argv;
    assert_eq!(argv[5..], ["--context=kind-platform", "--namespace=shop"]);
}

#[test]
fn the_place_of_the_program_is_not_part_of_the_digest() {
    let text = running("rollout: {kind: argo, name: web, verb: promote}");
    let digest = |program: &str| {
        let loaded = crate::support::load_one(&text);
        let world = World::new();
        world.with(|inputs| {
            let inputs = taskmaster_catalogue::Inputs { program, ..*inputs };
            loaded.catalogue.bind(&inputs).bindings[&crate::support::id("T1")].digest.clone()
        })
    };
    assert_eq!(digest("/usr/bin/taskmaster"), digest("/opt/taskmaster"));
}

#[test]
fn a_check_can_ask_a_rollout() {
    let text = "tasks: {T1: {run: {exec: [a]}, verify: {rollout: {kind: argo, name: web, verb: wait, for: paused}}}}";
    let verify = crate::support::action(text).verify.expect("a question");
    let argv = &crate::support::process(&verify.decide).argv;
    assert_eq!(argv[3..], ["wait", "web", "--for=paused", "--timeout=0s"]);
}

#[test]
fn local_rows() {
    renders(
        r#"rollout: {kind: local, name: web, verb: start, file: rollouts/web.yaml, version: "v{{ env }}"}"#,
        r#"
            run    start: /bin/taskmaster rollout start --state-dir=/project/.taskmaster rollouts/web.yaml vkind --name=web --wait --timeout=600s
            check  check: /bin/taskmaster rollout status --state-dir=/project/.taskmaster local/web --serves=vkind | true [0] false [1]
        "#,
    );
    renders(
        r#"rollout: {kind: local, name: web, verb: start, file: web.yaml, version: v2, wait: false}"#,
        "run    start: /bin/taskmaster rollout start --state-dir=/project/.taskmaster web.yaml v2 --name=web",
    );
    for (verb, line) in [
        ("promote", "promote: /bin/taskmaster rollout promote --state-dir=/project/.taskmaster local/web"),
        (
            "promote_full",
            "promote: /bin/taskmaster rollout promote --state-dir=/project/.taskmaster local/web --full",
        ),
        ("pause", "pause: /bin/taskmaster rollout pause --state-dir=/project/.taskmaster local/web"),
        ("resume", "resume: /bin/taskmaster rollout resume --state-dir=/project/.taskmaster local/web"),
        ("abort", "abort: /bin/taskmaster rollout abort --state-dir=/project/.taskmaster local/web"),
        ("retry", "retry: /bin/taskmaster rollout retry --state-dir=/project/.taskmaster local/web"),
        (
            "undo, to: 3",
            "undo: /bin/taskmaster rollout undo --state-dir=/project/.taskmaster local/web --to=3",
        ),
        (
            "resume, wait: true, timeout: 90s",
            "resume: /bin/taskmaster rollout resume --state-dir=/project/.taskmaster local/web --wait --timeout=90s",
        ),
    ] {
        renders(&format!("rollout: {{kind: local, name: web, verb: {verb}}}"), &format!("run    {line}"));
    }
    renders(
        r#"rollout: {kind: local, name: web, verb: wait, for: weight  25, timeout: 1500ms}"#,
        r#"
            run    wait: /bin/taskmaster rollout watch --state-dir=/project/.taskmaster local/web "--for=weight 25" --timeout=1500ms
            check  check: /bin/taskmaster rollout watch --state-dir=/project/.taskmaster local/web "--for=weight 25" --timeout=0s | true [0] false [20, 21, 50, 51]
        "#,
    );
    renders(
        r#"service: {name: web, file: web.yaml, version: v1, env: {PROGRAM: "bin/web"}}"#,
        r#"
            run    start: /bin/taskmaster rollout start --state-dir=/project/.taskmaster web.yaml v1 --name=web --wait --timeout=120s PROGRAM=bin/web
            check  check: /bin/taskmaster rollout status --state-dir=/project/.taskmaster local/web --serves=v1 | true [0] false [1]
            undo   remove: /bin/taskmaster rollout remove --state-dir=/project/.taskmaster local/web --if-there
        "#,
    );
}

#[test]
fn an_end_that_is_expected_is_not_proved_by_a_question_for_success() {
    let start = "run: {rollout: {kind: local, name: web, verb: start, file: rollouts/web.yaml, version: v4}}";
    let action = |more: &str| crate::support::action(&format!("tasks: {{T1: {{{start}{more}}}}}"));
    assert!(action("").check.is_some());
    for expected in ["rolled_back", "failure"] {
        assert_eq!(action(&format!(", expect: {expected}")).check, None);
    }
    let asked = action(", expect: rolled_back, check: {exec: [look]}");
    assert!(asked.check.is_some(), "what its author asks stays");
    let both = action(", expect: rolled_back, verify: {exec: [look]}");
    assert!(both.check.is_some() && both.verify.is_some());
}

#[test]
fn what_does_not_fit_together_is_told() {
    for (action, fault) in [
        (
            "{kind: local, name: web, verb: promote, file: a.yaml}",
            "error[schema-value] `a.yaml` `file` is only for `start`",
        ),
        (
            "{kind: local, name: web, verb: pause, timeout: 3s}",
            "error[schema-value] `3s` `timeout` is only for what waits",
        ),
        (
            "{kind: local, name: web, verb: wait, for: healthy}",
            "error[schema-value] `healthy` want `over`, `held`, `step N` or `weight N`",
        ),
        ("{kind: local, name: web, verb: pause, context: kind}", "error[schema-unknown-key] `context`"),
        (
            "{kind: flagger, name: web, verb: promote}",
            "error[schema-value] `promote` only a rollout of kind `argo` has verbs besides `status` and `wait`",
        ),
        (
            "{kind: argo, name: web, verb: promote, image: {a: b}}",
            "error[schema-value] `{a: b}` `image` is only for `set_image`",
        ),
        (
            "{kind: argo, name: web, verb: pause, to_revision: 2}",
            "error[schema-value] `2` `to_revision` is only for `undo`",
        ),
        (
            "{kind: argo, name: web, verb: status, for: paused}",
            "error[schema-value] `paused` `for` is only for `wait` of the kind `argo`",
        ),
        (
            "{kind: argo, name: web, verb: pause, timeout: 3s}",
            "error[schema-value] `3s` `timeout` is only for `status` and `wait`",
        ),
        (
            "{kind: argo, name: web, verb: wait, revision: a}",
            "error[schema-value] `a` `revision` is only for the kind `application`",
        ),
        (
            "{kind: argo, name: web, verb: wait, for: weight x}",
            "error[schema-value] `weight x` want `healthy`, `paused`, `promotable`, `degraded`, `step N` or `weight N`",
        ),
        (
            "{kind: argo, name: -web, verb: pause}",
            "error[bind-flag-as-argument] `-web` `-web` would be read as a flag (a name cannot begin with a dash)",
        ),
        ("{kind: argo, name: web, verb: jump}", "error[schema-value] `jump` `jump` is not known here"),
    ] {
        let found = World::new().faults(&running(&format!("rollout: {action}")));
        let found = without_place(&found);
        assert!(found.starts_with(fault), "{action}: {found}");
    }
    let found = World::new().faults(&running("rollout: {kind: argo, name: web, verb: set_image}"));
    assert!(found.contains("`image` is missing (write `image: {CONTAINER: IMAGE}`)"), "{found}");
    let found = World::new().faults(&running("rollout: {kind: local, name: web, verb: start, file: a.yaml}"));
    assert!(found.contains("`version` is missing (`start` takes a file and a version)"), "{found}");
}

/// The fault without line and column.
fn without_place(found: &str) -> String {
    let words = found.splitn(3, ' ').collect::<Vec<_>>();
    words.iter().enumerate().filter(|(n, _)| *n != 1).map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}
