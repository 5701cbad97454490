//! What an environment cannot do is skipped, with its reason.

use crate::support::World;
use taskmaster_core::action::When;

fn reason(world: &World, when: &str) -> Option<String> {
    let text = format!(
        "vars: {{replicas: 2, flag: false}}\ntasks:\n  T1:\n    run: {{exec: [x, '{{{{ vars.replicas }}}}']}}\n    when: {when}\n"
    );
    let binding = world.binding(&text);
    assert_eq!(binding.action.is_none(), binding.when != When::Include, "a skipped task has no action");
    match binding.when {
        When::Include => None,
        When::Skip { reason } => Some(reason),
    }
}

#[test]
fn each_condition_gives_its_reason() {
    let mut world = World::new();
    world.tools = vec!["terraform".into()];
    for (when, expected) in [
        ("vars.replicas > 1 and env == 'kind'", None),
        ("vars.replicas > 5", Some("`vars.replicas > 5` is not true here")),
        ("vars.flag", Some("`vars.flag` is not true here")),
        ("false", Some("`false` is not true here")),
        ("true", None),
        ("{tool: terraform}", None),
        ("{tool: [terraform, kind]}", Some("kind is not on PATH")),
        ("{tool: kind, reason: needs kind}", Some("needs kind")),
        ("{env: [kind, prod]}", None),
        ("{env: [dev, prod]}", Some("only in dev, prod")),
        ("{os: linux}", None),
        ("{os: macos}", Some("not on Linux")),
        ("{expr: env == 'prod', reason: only for real}", Some("only for real")),
        ("{never: needs a cluster}", Some("needs a cluster")),
        ("{never: true, reason: no cluster}", Some("no cluster")),
        ("{never: false}", None),
        ("[{env: kind}, {tool: kind}]", Some("kind is not on PATH")),
        ("[env == 'kind', {never: last}]", Some("last")),
        (
            "{expr: document.path == 'prd/platform.md' and task.id == 'T1' and phase.number == '1' and os == 'linux'}",
            None,
        ),
    ] {
        assert_eq!(reason(&world, when).as_deref(), expected, "{when}");
    }
}

#[test]
fn a_skipped_task_needs_no_variables() {
    let text = "vars: {token: {required: true}}\ntasks: {T1: {when: {never: x}, run: {exec: [a, '{{ vars.token }}', '{{ vars.nowhere }}']}}}";
    assert!(World::new().binding(text).action.is_none());
}

#[test]
fn faults_of_conditions_have_places() {
    let fault = |when: &str| {
        World::new().faults(&format!("tasks:\n  T1:\n    run: {{exec: [x]}}\n    when: {when}\n"))
    };
    assert_eq!(
        fault("vars.nope"),
        "error[bind-undefined-variable] 4:11 `vars.nope` there is no variable `nope`"
    );
    assert!(
        fault("outputs.T2.x == 1")
            .contains("error[bind-undefined-variable] 4:11 `outputs.T2` outputs cannot be read here")
    );
    assert!(
        fault("a +").contains(
            "error[schema-template] 4:13 `+` this expression cannot be read: unexpected end of input"
        ),
        "{}",
        fault("a +")
    );
    assert!(fault("never").contains("error[schema-missing-key] 4:11 `never` `never` needs a reason"));
    assert!(fault("{never: true}").contains("`never` needs a reason"));
    assert!(fault("{tools: x}").contains("`tools` is not a key of a condition (did you mean `tool`?)"));
    assert!(
        fault("{os: windows}").contains("`windows` is not known here (known here: linux, macos)"),
        "{}",
        fault("{os: windows}")
    );
    assert!(fault("{os: [[x]]}").contains("expected one of `linux`, `macos`, found a list"));
}

#[test]
fn a_condition_cannot_look_at_an_output_through_a_variable() {
    let text = "vars: {a: '{{ outputs.T2.x }}'}\ntasks:\n  T2: {run: {exec: [x]}, outputs: json}\n  T1: {when: vars.a == 'b', run: {exec: [x]}}\n";
    let faults = World::new().faults(text);
    assert!(faults.contains("4:14 `vars.a == 'b'`") && faults.contains("before anything runs"), "{faults}");
}
