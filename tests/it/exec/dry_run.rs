//! What would be done, as data.

use super::world::{Catalogue, action, named, probe, process, request, sh};
use std::collections::BTreeMap;
use taskmaster::exec::dry_run::lines;
use taskmaster_core::action::{Action, HttpSpec, Outputs, Part, ProcessSpec, SecretRef, Value};
use taskmaster_core::id::TaskId;

#[test]
fn lines_are_quoted_secrets_are_references_and_nothing_runs() {
    let token = || Value::Secret(SecretRef::Env("TOKEN".into()));
    let apply = process(ProcessSpec {
        argv: ["kubectl", "apply", "-l", "app in (a, b)", "-f", "-", "it's"].map(Into::into).to_vec(),
        cwd: Some("k8s".into()),
        env: BTreeMap::from([
            ("KUBE_TOKEN".to_owned(), token()),
            ("A".to_owned(), Value::Plain("x y".into())),
        ]),
        stdin: Some(Value::Joined(vec![Value::Plain("key: ".into()), token()])),
        capture: false,
    });
    let mut probe = probe(named("diff", sh("kubectl diff")));
    probe.prepare = vec![named("login", sh("login"))];
    let post = HttpSpec {
        method: "POST".into(),
        url: "http://x/y".into(),
        body: Some(token()),
        ..HttpSpec::default()
    };
    let whole = Action {
        check: Some(probe),
        outputs: Some(Outputs::Terraform(Box::new(named("output", sh("terraform output"))))),
        undo: vec![named("delete", sh("kubectl delete"))],
        ..action(vec![named("apply", apply), named("notify", request(post))])
    };
    let mut catalogue = Catalogue::default();
    catalogue.actions.insert("a".into(), whole);
    let tasks = [TaskId::new("a"), TaskId::new("unbound")];
    let mut all = lines(&tasks, &mut catalogue);
    assert_eq!(all.pop().unwrap().1.unwrap_err(), "nothing binds unbound");
    let lines = all.pop().unwrap().1.unwrap();
    let shown: Vec<_> =
        lines.iter().map(|line| (line.part, line.step.as_str(), line.text.as_str())).collect();
    assert_eq!(
        shown,
        [
            (Part::Check, "login", "sh -c login"),
            (Part::Check, "diff", "sh -c 'kubectl diff'"),
            (Part::Run, "apply", r"kubectl apply -l 'app in (a, b)' -f - 'it'\''s'"),
            (Part::Run, "notify", "POST http://x/y"),
            (Part::Outputs, "output", "sh -c 'terraform output'"),
            (Part::Undo, "delete", "sh -c 'kubectl delete'"),
        ]
    );
    assert_eq!(lines[2].env, ["A='x y'", "KUBE_TOKEN='<secret env:TOKEN>'"]);
    assert_eq!(lines[2].cwd.as_deref(), Some("k8s"));
    assert_eq!(lines[2].input.as_deref(), Some("key: <secret env:TOKEN>"));
    assert_eq!(lines[3].input.as_deref(), Some("<secret env:TOKEN>"));
}
