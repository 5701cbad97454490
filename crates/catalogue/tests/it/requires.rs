//! Programs and versions that a catalogue wants.

use crate::support::World;

const TEXT: &str = r#"
requires: {terraform: ">=1.6, <2", kubectl: "*"}
tasks:
  T1: {run: {exec: [x]}}
environments:
  local: {}
  prod:
    requires: {terraform: "=1.9.8", helm: ^3.14}
"#;

fn required(environment: &str) -> Vec<(String, String, String)> {
    let bound = World::new().in_environment(environment).bind(TEXT);
    let row = |r: &taskmaster_catalogue::Required| (r.tool.clone(), r.version.to_string(), r.place.clone());
    bound.requires.iter().map(row).collect()
}

#[test]
fn an_environment_replaces_and_adds() {
    let row = |tool: &str, version: &str, line: usize| {
        (tool.to_owned(), version.to_owned(), format!("tasks/test.yaml:{line}"))
    };
    assert_eq!(required("local"), [row("terraform", ">=1.6, <2", 2), row("kubectl", "*", 2)]);
    let prod = [row("kubectl", "*", 2), row("terraform", "=1.9.8", 8), row("helm", "^3.14", 8)];
    assert_eq!(required("prod"), prod);
}

#[test]
fn what_is_no_range_and_no_name_is_told_where_it_stands() {
    let text = "requires:\n  terraform: 1.6\n  ./tool: '*'\n  helm: [1]\n  -x: '*'\n";
    let help = r#"write ">=1.6", ">=1.6, <2", "^1.6", "~1.6.2", "=1.6.2" or "*""#;
    let first = format!(
        "error[schema-value] 2:14 `1.6` `1.6` names no versions: `1.6` does not say how to compare ({help})"
    );
    let faults = World::new().faults(text);
    assert_eq!(faults.lines().next(), Some(first.as_str()), "{faults}");
    assert!(faults.contains("4:9 `[1]` expected versions such as"), "{faults}");
    let names = World::new().faults("requires:\n  ./tool: '*'\n  -x: '*'\n  a b: '*'\n  ok: '*'\n");
    let places: Vec<&str> = names.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(places, ["2:3", "3:3", "4:3"], "{names}");
    assert!(names.contains("`./tool` is not the name of a program"), "{names}");
}
