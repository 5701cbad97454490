//! Every fault of YAML is told with its line and a caret, in catalogues and in rollouts, and costs no more than the
//! text is worth.

use super::super::cli::sandbox;
use super::world::run_within;

/// Aliases of aliases: 9 to the power of 11 values.
fn bomb() -> String {
    (1..12).fold("x-a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, i| {
        format!("{text}x-a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(", "))
    })
}

/// A text, and the code, place and words that are told of it; then the source line with its caret below.
fn faults() -> Vec<(String, &'static str, &'static str, &'static str)> {
    let entry = |text: &str| format!("tasks:\n  a/one:\n    {text}\n    run: {{exec: [\"true\"]}}\n");
    let text = |text: &str| text.to_owned();
    vec![
        (bomb(), "schema-limit", "6:12", "more than 100000 values that aliases copy"),
        (
            format!("x-a: {}{}\n", "[".repeat(90), "]".repeat(90)),
            "schema-limit",
            "1:70",
            "nested deeper than 64 levels",
        ),
        (
            format!("x-a: {}x{}\n", "{a: ".repeat(90), "}".repeat(90)),
            "schema-limit",
            "1:",
            "nested deeper than 64 levels",
        ),
        (
            text("tasks:\n  a/one: {}\n  a/one: {}\n"),
            "schema-duplicate-key",
            "3:3",
            "the key `a/one` is given twice",
        ),
        (
            entry("timeout: 1\n    timeout: 2"),
            "schema-duplicate-key",
            "4:5",
            "the key `timeout` is given twice",
        ),
        (
            entry("retry: {attempts: 99999999999999999999999}"),
            "schema-value",
            "3:23",
            "99999999999999999999999 is out of range here",
        ),
        (entry("retry: {attempts: 1e99}"), "schema-type", "3:23", "expected a whole number"),
        (entry("retry: {attempts: -1}"), "schema-value", "3:23", "-1 is out of range here"),
        (entry("timeout: 999999999d"), "schema-duration", "3:14", "longer than a year"),
        (text("tasks:\n\ta/one: {}\n"), "schema-syntax", "2:", "indent with spaces: YAML forbids tabs there"),
        (text("tasks:\n  a/one: {run: {exec: [\"true]}}\n"), "schema-syntax", "2:", "this is not YAML"),
        (text("tasks:\n  a/one: {run: 'x\n"), "schema-syntax", "2:", "this is not YAML"),
        (text("tasks:\n  a/one: [a\n"), "schema-syntax", "3:1", "this is not YAML"),
        (entry("idempotent: maybe"), "schema-type", "3:17", "expected `true` or `false`, found a text"),
        (text("- a\n"), "schema-type", "1:1", "expected a mapping (a catalogue file), found a list"),
        (entry("timeuot: 3s"), "schema-unknown-key", "3:5", "did you mean `timeout`?"),
        (
            text("tasks: {a/one: {run: {exce: [\"true\"]}}}\n"),
            "schema-unknown-action",
            "1:23",
            "did you mean `exec`?",
        ),
        (text("tasks: {}\n---\ntasks: {}\n"), "schema-documents", "3:1", "a second document in one file"),
        (entry("<<: 5"), "schema-type", "3:9", "`<<` takes a mapping or a list of mappings"),
        (entry("<<: [5]"), "schema-type", "3:9", "`<<` takes a mapping or a list of mappings"),
        (entry("<<: *none"), "schema-syntax", "3:", "this is not YAML"),
        (
            text("tasks: &a\n  a/one: *a\n"),
            "schema-syntax",
            "2:10",
            "this alias stands inside of what it names",
        ),
        (entry("{a: b}: c"), "schema-key", "3:5", "a key must be a text"),
        (text("tasks: !!binary x\n"), "schema-type", "1:", "expected a mapping"),
    ]
}

#[test]
fn each_fault_of_a_catalogue_has_its_place_and_a_caret() {
    let sandbox = sandbox();
    sandbox.write("prd.md", "## Phase 1: A\n\n- [ ] One\n");
    for (text, code, place, words) in faults() {
        sandbox.write("tasks/local.yaml", &text);
        let ended = run_within(&sandbox, 600, "plan prd.md");
        let said = &ended.stderr;
        let shown = text.get(..300).unwrap_or(&text);
        assert_eq!(ended.code, 13, "{shown}: {said}");
        assert!(said.contains(&format!("error[{code}]")), "{code}: {shown}\n{said}");
        assert!(said.contains(&format!("tasks/local.yaml:{place}")), "{place}: {shown}\n{said}");
        assert!(said.contains(words), "{words}: {shown}\n{said}");
        assert!(said.lines().any(|line| line.trim_start_matches([' ', '|']).starts_with('^')), "{said}");
    }
}

#[test]
fn anchors_that_nobody_uses_and_merge_keys_are_no_faults() {
    let sandbox = sandbox();
    let tasks = "x-unused: &unused {timeout: 3s}\nx-base: &base {timeout: 5s}\ntasks:\n  a/one: {<<: *base, run: {exec: [\"true\"]}}\n";
    sandbox.write("prd.md", "## Phase 1: A\n\n- [ ] One\n").write("tasks/local.yaml", tasks);
    let plan = sandbox.run("plan prd.md").code(0);
    assert!(
        plan.stdout.contains("Plan: 1 to run") && plan.stderr.is_empty(),
        "{}{}",
        plan.stdout,
        plan.stderr
    );
}

#[test]
fn each_fault_of_a_rollout_has_its_place_and_a_caret() {
    let sandbox = sandbox();
    let steps = |text: &str| format!("name: web\nstrategy:\n  canary:\n    steps:\n      - {text}\n");
    let rows = [
        (bomb(), "schema-limit", "6:12"),
        (steps("setWieght: 5"), "schema-key", "5:9"),
        (steps("setWeight: 500"), "schema-value", "5:20"),
        (steps("setWeight: 99999999999999999999999"), "schema-type", "5:20"),
        (steps("setWeight: {}"), "schema-type", "5:9"),
        (steps("setWeight: 5\n      - pause: {duration: -5s}"), "schema-type", "6:27"),
        (steps("setWeight: 5\n        setWeight: 6"), "schema-duplicate-key", "6:9"),
        ("name: web\nstrategy:\n\tcanary: {}\n".to_owned(), "schema-syntax", "3:"),
        ("name: 'web\n".to_owned(), "schema-syntax", "1:"),
        ("name: a\n---\nname: b\n".to_owned(), "schema-documents", "3:1"),
    ];
    for (text, code, place) in rows {
        sandbox.write("x.yaml", &text);
        let ended = run_within(&sandbox, 600, "rollout simulate --file x.yaml");
        let said = &ended.stderr;
        assert_eq!(ended.code, 13, "{text}: {said}");
        assert!(
            said.contains(&format!("error[{code}]")) && said.contains(&format!("x.yaml:{place}")),
            "{said}"
        );
        assert!(said.lines().any(|line| line.trim_start_matches([' ', '|']).starts_with('^')), "{said}");
    }
}
