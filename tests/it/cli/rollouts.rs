//! `taskmaster rollout start|status|…` as far as no agent and no cluster is needed: what is refused, how, and by
//! which exit code.

use super::sandbox;
use taskmaster_testkit::Sandbox;

const WEB: &str = "\
name: web
strategy: {canary: {steps: [{setWeight: 10}, {pause: {}}]}}
service:
  command: [./web, --port, '{port}']
  listen: 127.0.0.1:0
";

fn project() -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("web.yaml", WEB).write("odd.yaml", WEB.replace("setWeight: 10", "setWieght: 10"));
    sandbox
}

/// Nothing was started to say so.
fn assert_no_agent(sandbox: &Sandbox) {
    assert!(!sandbox.path().join(".taskmaster/agent.sock").exists(), "a question started an agent");
}

#[test]
fn what_is_not_there_is_told_without_an_agent() {
    let sandbox = project();
    for verb in ["status", "watch", "history"] {
        let said = sandbox.run(&format!("rollout {verb} web")).code(2).stderr;
        assert!(said.contains("there is no rollout web"), "{verb}: {said}");
    }
    let list = sandbox.run("rollout list -o json").code(0).json();
    assert_eq!((&list["view"], &list["rollouts"]), (&"rollouts".into(), &serde_json::json!([])));
    let nothing = sandbox.run("rollout remove web --if-there -o json").code(0).json();
    assert_eq!(nothing, serde_json::json!({ "removed": null }));
    assert!(sandbox.run("agent status").code(0).stdout.contains("no agent runs"));
    assert!(sandbox.run("agent stop").code(0).stdout.contains("no agent was at work"));
    assert_no_agent(&sandbox);
}

#[test]
fn a_question_is_answered_by_its_exit_code() {
    let sandbox = project();
    let said = sandbox.run("rollout status web --serves v1").code(1).stderr;
    assert!(said.contains("not so: there is no rollout web"), "{said}");
    // What cannot be asked at all is no "no".
    sandbox.run("rollout status local/web --serves v1 -n shop").code(2);
    assert_no_agent(&sandbox);
}

#[test]
fn what_does_not_fit_together_is_refused_before_anything_begins() {
    let sandbox = project();
    for (line, code, words) in [
        ("rollout start web.yaml", 2, "required"),
        ("rollout start web.yaml v1 --image web=web:1", 2, "cannot be used with"),
        ("rollout start web.yaml v1 -n shop", 2, "a rollout file is for this machine"),
        ("rollout start web.yaml v1 --name shop", 2, "web.yaml is of the rollout `web`, not `shop`"),
        ("rollout start local/web --image web=web:1", 2, "a local rollout has no images"),
        ("rollout start missing.yaml v1", 2, "missing.yaml"),
        ("rollout start odd.yaml v1", 13, "did you mean `setWeight`?"),
        ("rollout status local/web --context kind", 2, "a local rollout is in no cluster"),
        ("rollout status pod/web", 2, "`pod` is no kind of rollout"),
        ("rollout status -- --help", 2, "want a name"),
        ("rollout status ../web", 2, "no kind of rollout"),
        ("rollout watch web --for healthy", 2, "want `over`, `held`, `step N` or `weight N`"),
        ("rollout promote web --timeout 5s", 2, "--wait"),
        ("rollout undo web --to one", 2, "invalid"),
        ("rollout start web.yaml v1 -o html", 2, "not made as html"),
    ] {
        let said = sandbox.run(line).code(code).stderr;
        assert!(said.contains(words), "{line}: {said}");
    }
    assert_no_agent(&sandbox);
}
