//! Outputs of one task in the action of another.

use crate::support::{World, describe, id, load_one, show_all};
use serde_json::json;
use taskmaster_core::action::{Action, Outputs, SecretRef, Value};
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::journal::OutputValue;

const TEXT: &str = "
tasks:
  T2: {run: {terraform: {dir: infra}}}
  T3: {run: {exec: [x]}, outputs: lines}
  T1:
    run:
      exec:
        argv: [connect, '{{ outputs.T2.endpoint }}', 'port={{ outputs[\"T3\"].port }}']
        env: {PASSWORD: '{{ outputs.T2.password }}', N: '{{ outputs.T2.list[1].name }}'}
";

fn known() -> World {
    let mut world = World::new();
    let plain = |value| OutputValue::Plain(value);
    world.outputs.insert(
        id("T2"),
        [
            ("endpoint".to_owned(), plain(json!("https://a b"))),
            ("password".to_owned(), OutputValue::Sensitive),
            ("list".to_owned(), plain(json!([{"name": "x"}, {"name": "y"}]))),
        ]
        .into(),
    );
    world.outputs.insert(id("T3"), [("port".to_owned(), plain(json!(8080)))].into());
    world
}

#[test]
fn a_catalogue_knows_whether_anything_gives_outputs() {
    assert!(load_one(TEXT).catalogue.gives_outputs());
    assert!(load_one("tasks: {T3: {run: {exec: [x]}, outputs: lines}}").catalogue.gives_outputs());
    assert!(!load_one("tasks: {T3: {run: {exec: [x]}}}").catalogue.gives_outputs());
}

fn render(world: &World, text: &str) -> Result<Action, Vec<Diagnostic>> {
    let loaded = load_one(text);
    assert_eq!(show_all(text, &loaded.diagnostics), "");
    world.with(|inputs| loaded.catalogue.render(&id("T1"), inputs))
}

#[test]
fn unknown_outputs_show_as_placeholders_and_are_waited_for() {
    let binding = World::new().binding(TEXT);
    assert_eq!(
        describe(&binding.action.unwrap()),
        "run    exec: connect \"<T2.endpoint: known after run>\" \"port=<T3.port: known after run>\" N=<T2.list: known after run> PASSWORD=<T2.password: known after run>"
    );
    assert_eq!(binding.awaits, [id("T2"), id("T3")]);
    assert_eq!(binding.needs, [id("T2"), id("T3")]);
}

#[test]
fn known_outputs_are_inserted_and_sensitive_ones_by_reference() {
    let action = render(&known(), TEXT).unwrap();
    assert_eq!(
        describe(&action),
        "run    exec: connect \"https://a b\" port=8080 N=y PASSWORD=<Output(TaskId(\"T2\"), \"password\")>"
    );
    let binding = known().binding(TEXT);
    assert_eq!(binding.awaits, [id("T2"), id("T3")], "known or not, they are waited for");
}

#[test]
fn just_before_the_run_an_unknown_output_is_an_error() {
    let faults = render(&World::new(), TEXT).unwrap_err();
    assert!(
        show_all(TEXT, &faults).contains("error[bind-unknown-output] 8:25"),
        "{}",
        show_all(TEXT, &faults)
    );
    let mut half = known();
    half.outputs.remove("T3");
    assert_eq!(render(&half, TEXT).unwrap_err().len(), 1);
}

#[test]
fn an_unknown_output_survives_filters_conditions_and_variables() {
    let text = "
vars: {url: 'http://{{ outputs.T2.host }}:{{ outputs.T2.port | int + 1 }}', tags: ['{{ outputs.T2.tag }}'], raw: '{{ outputs.T2.map }}'}
tasks:
  T2: {run: {exec: [x]}, outputs: json}
  T1: {run: {exec: [a, '{{ vars.url }}', '{{ outputs.T2.x | upper }}', '{% if outputs.T2.y == 1 %}q{% endif %}', '{{ vars.tags[0] }}', '{{ vars.raw.deep.x }}']}}
";
    let binding = World::new().binding(text);
    let shown = describe(&binding.action.unwrap());
    assert!(
        shown.contains("<T2.host: known after run>") && shown.contains("<T2.port: known after run>"),
        "{shown}"
    );
    assert_eq!(binding.awaits, [id("T2")]);
    assert!(render(&World::new(), text).is_err());
    let mut world = World::new();
    let values = [
        ("host", json!("h")),
        ("port", json!(1)),
        ("x", json!("q")),
        ("y", json!(1)),
        ("tag", json!("t")),
        ("map", json!({"deep": {"x": 7}})),
    ];
    world.outputs.insert(
        id("T2"),
        values.into_iter().map(|(name, value)| (name.to_owned(), OutputValue::Plain(value))).collect(),
    );
    assert_eq!(describe(&render(&world, text).unwrap()), "run    exec: a http://h:2 Q q t 7");
}

#[test]
fn a_variable_that_is_not_used_awaits_nothing() {
    let text = "vars: {url: '{{ outputs.T2.host }}'}\ntasks:\n  T2: {run: {exec: [x]}, outputs: json}\n  T1: {run: {exec: [a]}}\n";
    assert!(World::new().binding(text).awaits.is_empty());
    assert!(render(&World::new(), text).is_ok());
}

#[test]
fn outputs_that_cannot_be_are_errors() {
    let fault = |argument: &str| {
        World::new().faults(&format!(
            "tasks:\n  T2: {{run: {{exec: [x]}}}}\n  T3: {{run: {{exec: [x]}}, outputs: json}}\n  T1: {{run: {{exec: [a, '{argument}']}}}}\n"
        ))
    };
    assert_eq!(
        fault("{{ outputs.T22.x }}"),
        "error[bind-unknown-output] 4:28 `outputs.T22.x` there is no task `T22` (did you mean `T2`?)"
    );
    assert!(fault("{{ outputs.T2.x }}").contains("the task `T2` gives no outputs (add `outputs: json`"));
    let mut world = World::new();
    world.outputs.insert(id("T3"), [("port".to_owned(), OutputValue::Plain(json!(1)))].into());
    let text =
        "tasks:\n  T3: {run: {exec: [x]}, outputs: json}\n  T1: {run: {exec: [a, '{{ outputs.T3.prt }}']}}\n";
    assert!(world.faults(text).contains("the task `T3` gave no output `prt` (did you mean `port`?)"));
}

#[test]
fn the_last_step_is_captured_where_outputs_are_read() {
    for (word, read) in [("json", Outputs::Json), ("lines", Outputs::Lines)] {
        let text = format!("tasks: {{T1: {{run: [{{exec: [a]}}, {{exec: [b]}}], outputs: {word}}}}}");
        let action = World::new().binding(&text).action.unwrap();
        assert_eq!(action.outputs, Some(read));
        assert_eq!(
            describe(&action).lines().take(2).collect::<Vec<_>>(),
            ["run    exec: a", "run    exec: b > captured"]
        );
    }
    let explicit =
        World::new().binding("tasks: {T1: {run: {terraform: {dir: x}}, outputs: terraform}}").action.unwrap();
    assert!(matches!(explicit.outputs, Some(Outputs::Terraform(_))));
    let none = "tasks: {T1: {run: {exec: [a]}, outputs: terraform}}";
    assert!(World::new().faults(none).contains("there is no terraform action to read outputs from"));
    let silent = "tasks: {T1: {run: {wait: 5s}, outputs: json}}";
    assert!(
        World::new().faults(silent).contains("error[bind-outputs] 1:9 `T1` the last step prints nothing")
    );
}

#[test]
fn a_task_does_not_wait_for_itself() {
    let text = "tasks: {T1: {run: {exec: [a, '{{ outputs.T1.x }}']}, outputs: json}}";
    let binding = World::new().binding(text);
    assert!(binding.needs.is_empty() && binding.awaits.is_empty());
}

#[test]
fn rendering_what_has_no_action_is_an_error() {
    for text in
        ["tasks: {T1: {manual: true}}", "tasks: {T2: {run: {exec: [x]}}}", "tasks: {T1: {timeout: 5s}}"]
    {
        assert!(render(&World::new(), text).is_err(), "{text}");
    }
    let loaded = load_one("tasks: {}");
    let unknown = World::new().with(|inputs| loaded.catalogue.render(&id("nope"), inputs));
    assert_eq!(unknown.unwrap_err()[0].code, "bind-unbound");
    assert_eq!(render(&World::new(), "tasks: {T1: {run: {exec: [x]}}}").unwrap().run.len(), 1);
    let plain = Value::Plain(String::new());
    assert_ne!(plain, Value::Secret(SecretRef::Env("A".into())));
}
