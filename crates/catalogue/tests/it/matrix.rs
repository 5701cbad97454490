//! Entries that are for several values: which cells a document gets, and what each of them does.

use crate::support::{World, document, line, load_one, show_all};
use std::collections::BTreeMap;
use taskmaster_catalogue::Bound;
use taskmaster_core::id::TaskId;

const TEXT: &str = r#"
vars:
  regions: [eu, us]
tasks:
  T1:
    vars: {host: "{{ matrix.region }}.example.com"}
    matrix:
      region: "{{ vars.regions }}"
      version: [1.20, "2"]
      include: [{region: eu, size: large}]
      exclude: [{region: us, version: 1.20}]
    outputs: json
    run: {exec: [deploy, "{{ vars.host }}", "{{ matrix.version }}", "{{ matrix.size | default('small') }}"]}
  T3:
    needs: T1/us/2
    run: {exec: [deploy, "{{ outputs['T1/eu/2'].address }}"]}
environments:
  kind: {}
  one:
    vars: {regions: "{{ ['eu'] }}"}
"#;

/// The document with its cells, bound.
fn bind(world: &mut World, text: &str) -> Bound {
    let loaded = load_one(text);
    assert_eq!(show_all(text, &loaded.diagnostics), "", "the text loads");
    let expanded = world.with(|inputs| loaded.catalogue.expand(inputs));
    assert_eq!(show_all(text, &expanded.diagnostics), "", "the matrix has no fault");
    if let Some(document) = expanded.document {
        world.document = document;
    }
    world.with(|inputs| loaded.catalogue.bind(inputs))
}

/// What is run for each task.
fn lines(bound: &Bound) -> BTreeMap<&str, String> {
    let actions = bound.bindings.iter().filter_map(|(id, binding)| Some((id, binding.action.as_ref()?)));
    actions.map(|(id, action)| (id.as_str(), line(&action.run[0]))).collect()
}

fn faults(text: &str) -> String {
    let world = World::new();
    let loaded = load_one(text);
    let expanded = world.with(|inputs| loaded.catalogue.expand(inputs));
    show_all(text, &[loaded.diagnostics, expanded.diagnostics].concat())
}

#[test]
fn each_cell_is_bound_with_its_own_values() {
    let mut world = World::new();
    let bound = bind(&mut world, TEXT);
    assert_eq!(show_all(TEXT, &bound.diagnostics), "");
    let lines = lines(&bound);
    assert_eq!(lines.keys().copied().collect::<Vec<_>>(), ["T1/eu/1.20", "T1/eu/2", "T1/us/2", "T3"]);
    assert!(lines["T1/eu/1.20"].contains("deploy eu.example.com 1.20 large"), "{lines:?}");
    assert!(lines["T1/us/2"].contains("deploy us.example.com 2 small"), "{lines:?}");
    let last = &bound.bindings[&TaskId::from("T3")];
    assert_eq!(last.needs, ["T1/us/2", "T1/eu/2"].map(TaskId::from));
    assert!(!bound.unbound.contains(&"T1".into()), "its cells are what is bound");
    let digests: std::collections::BTreeSet<_> = bound.bindings.values().map(|b| &b.digest).collect();
    assert_eq!(digests.len(), 4, "each cell is an action of its own");
}

/// Without the task that reads outputs of a cell.
fn without_reader() -> String {
    let (head, rest) = TEXT.split_once("  T3:").expect("a reader");
    let (_, environments) = rest.split_once("environments:").expect("environments");
    format!("{head}environments:{environments}")
}

#[test]
fn an_environment_or_a_variable_of_the_command_line_gives_the_values() {
    let ids = |mut world: World| -> Vec<String> {
        let bound =
            bind(&mut world, &without_reader().replace("      include: [{region: eu, size: large}]\n", ""));
        bound.bindings.keys().map(ToString::to_string).collect()
    };
    assert_eq!(ids(World::new().var("regions", "us, ap")), ["T1/ap/1.20", "T1/ap/2", "T1/us/2"]);
    let one = without_reader().replace("{region: us, version: 1.20}", "{region: us}");
    let mut world = World::new().in_environment("one");
    let bound = bind(&mut world, &one);
    assert_eq!(bound.bindings.keys().map(TaskId::as_str).collect::<Vec<_>>(), ["T1/eu/1.20", "T1/eu/2"]);
}

#[test]
fn a_catalogue_without_a_matrix_leaves_the_document_alone() {
    let loaded = load_one("tasks: {T1: {run: {exec: [x]}}}");
    assert!(World::new().with(|inputs| loaded.catalogue.expand(inputs)).document.is_none());
    let elsewhere =
        load_one("environments: {kind: {}, prod: {tasks: {T1: {matrix: {a: [1]}, run: {exec: [x]}}}}}");
    let expanded = World::new().with(|inputs| elsewhere.catalogue.expand(inputs));
    assert!(expanded.document.is_none() && expanded.diagnostics.is_empty());
    let there = World::new().in_environment("prod").with(|inputs| elsewhere.catalogue.expand(inputs));
    assert_eq!(there.document.unwrap().tasks.len(), document().tasks.len() + 1);
}

#[test]
fn whether_a_cell_can_be_done_is_decided_for_each() {
    let text = "tasks:
  T1:
    matrix: {tool: [kind, k3d]}
    when: {expr: \"matrix.tool == 'kind'\", reason: only kind}
    run: {exec: [up, \"{{ matrix.tool }}\"]}
";
    let mut world = World::new();
    let bound = bind(&mut world, text);
    assert_eq!(show_all(text, &bound.diagnostics), "");
    assert_eq!(lines(&bound).keys().copied().collect::<Vec<_>>(), ["T1/kind"]);
}

#[test]
fn what_makes_no_cells_is_told_where_it_stands() {
    let entry = |matrix: &str| format!("tasks:\n  T1:\n    matrix: {matrix}\n    run: {{exec: [x]}}\n");
    let expected = [
        (
            "{}",
            "error[bind-matrix] 2:3 `T1` this matrix makes no tasks: no cell is left (give an axis a value, or exclude less)",
        ),
        (
            "{a: []}",
            "error[bind-matrix] 3:14 `a` this matrix makes no tasks: no cell is left (give an axis a value, or exclude less)",
        ),
        (
            "{a: [x y, x/y]}",
            "error[bind-matrix] 3:14 `a` this matrix makes no tasks: two cells are called `x-y` (an address has only letters, digits, `.`, `_` and `-`: change one of the values)",
        ),
        (
            "{a: [x], exclude: [{b: x}]}",
            "error[bind-matrix] 3:14 `a` this matrix makes no tasks: there is no axis `b` (`exclude` names axes and values that the matrix has)",
        ),
        (
            "[a]",
            "error[schema-type] 3:13 `[a]` expected axes and their values, such as `{region: [eu, us]}`, found a list",
        ),
        (
            "{a-b: [x]}",
            "error[schema-value] 3:14 `a-b` `a-b` cannot be the name of an axis (write a word of letters, digits and `_`: templates have it as `{{ matrix.region }}`)",
        ),
        (
            "{a: [x], include: [{a b: x}]}",
            "error[schema-value] 3:33 `a b` `a b` cannot be the name of an axis (write a word of letters, digits and `_`: templates have it as `{{ matrix.region }}`)",
        ),
        ("{a: {b: c}}", "error[schema-type] 3:17 `{b: c}` expected a list of values, found a mapping"),
        ("{a: [[x]]}", "error[schema-type] 3:18 `[x]` expected a text, found a list"),
        (
            "{a: \"{{ {'b': 1} }}\"}",
            "error[bind-matrix] 3:17 `\"{{ {'b': 1} }}\"` a value of an axis is a text or a number (write `[eu, us]`)",
        ),
        (
            "{a: [\"{{ outputs.T2.x }}\"]}",
            "error[bind-undefined-variable] 3:22 `outputs.T2` outputs cannot be read here: this is decided before anything runs",
        ),
        (
            "{a: [\"{{ vars.none }}\"]}",
            "error[bind-undefined-variable] 3:22 `vars.none` there is no variable `none`",
        ),
        (
            "{a: [\"{{ matrix.b }}\"]}",
            "error[bind-undefined-variable] 3:22 `matrix.b` `matrix` is undefined (values by axis, where the entry of the task has a `matrix`)",
        ),
    ];
    for (matrix, told) in expected {
        assert_eq!(faults(&entry(matrix)), told, "{matrix}");
    }
}

#[test]
fn a_matrix_that_would_read_outputs_by_a_variable_is_refused() {
    let text = "vars: {ip: \"{{ outputs.T2.ip }}\"}\ntasks:\n  T2: {outputs: json, run: {exec: [y]}}\n  T3:\n    matrix: {a: [\"{{ vars.ip }}\"]}\n    run: {exec: [x]}\n";
    let told = faults(text);
    assert!(told.contains("a matrix cannot read outputs"), "{told}");
}

#[test]
fn a_secret_names_no_cell() {
    let told = faults(
        "vars: {key: {secret: env:KEY}}\ntasks:\n  T1:\n    matrix: {a: [\"{{ vars.key }}\"]}\n    run: {exec: [x]}\n",
    );
    assert!(told.contains("[bind-secret-exposed]"), "{told}");
}
