//! What holds for every input.

use crate::support::{World, id, load_one, process};
use proptest::prelude::*;
use serde_json::Value as Json;
use taskmaster_core::diagnostic::Diagnostic;

/// Fragments that are likely to meet: structure, keys, templates, and odd characters.
fn fragment() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "tasks:",
        "T1:",
        "run:",
        "exec:",
        "shell:",
        "kubectl:",
        "vars:",
        "when:",
        "check:",
        "{",
        "}",
        "[",
        "]",
        "- ",
        ": ",
        ", ",
        "\n",
        "\n  ",
        "\n    ",
        "\t",
        "&a ",
        "*a",
        "<<: ",
        "'",
        "\"",
        "|",
        ">",
        "~",
        "{{ vars.x }}",
        "{{",
        "}}",
        "{% if %}",
        "{secret: env:X}",
        "outputs",
        "environments:",
        "kind:",
        "ü",
        "\u{feff}",
        "\u{fdd0}",
        "\0",
        "---\n",
        "# c\n",
        "!!str ",
        "? ",
        "5s",
        "true",
        "0x1F",
        "http://a/",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => ".{0,6}"]
}

fn check_spans(text: &str, diagnostics: &[Diagnostic]) {
    for span in diagnostics.iter().flat_map(|d| d.span.into_iter().chain(d.labels.iter().map(|l| l.span))) {
        assert!(span.start <= span.end && text.get(span.start..span.end).is_some(), "{span:?} of {text:?}");
    }
}

/// YAML values for the comparison with another reader.
fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        "[ -~]{0,12}".prop_map(Json::from),
        "[a-zü0-9:#{}\\n'\"-]{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::btree_map("[a-z][a-z0-9]{0,6}", inner, 0..5)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_and_every_place_is_inside(parts in prop::collection::vec(fragment(), 0..40)) {
        let text = parts.concat();
        let loaded = load_one(&text);
        check_spans(&text, &loaded.diagnostics);
        let bound = World::new().with(|inputs| loaded.catalogue.bind(inputs));
        check_spans(&text, &bound.diagnostics);
    }

    #[test]
    fn no_entry_panics(body in prop::collection::vec(fragment(), 0..20)) {
        let text = format!("vars: {{x: 1}}\ntasks:\n  T1:\n    run: {}\n", body.concat());
        let loaded = load_one(&text);
        let world = World::new().var("x", "\u{fdd0}0\u{fdd1}");
        let bound = world.with(|inputs| loaded.catalogue.bind(inputs));
        check_spans(&text, &[loaded.diagnostics, bound.diagnostics].concat());
    }

    #[test]
    fn a_value_never_changes_the_number_of_arguments(value in "\\PC{0,20}|[ -~\\n\\t]{0,20}") {
        let text = "vars: {v: x}\ntasks: {T1: {run: {exec: [p, '{{ vars.v }}', 'a={{ vars.v }}', z]}}}";
        let action = World::new().var("v", &value).binding(text).action.unwrap();
        let argv = &process(&action.run[0]).argv;
        prop_assert_eq!(argv, &["p".to_owned(), value.clone(), format!("a={value}"), "z".to_owned()]);
    }

    #[test]
    fn typed_actions_keep_their_number_of_arguments(value in "[a-z][ -~]{0,20}") {
        for run in [
            "{kubectl: {namespace: '{{ vars.v }}', apply: '{{ vars.v }}'}}",
            "{helm: {namespace: '{{ vars.v }}', upgrade: {release: '{{ vars.v }}', chart: c, set: {k: '{{ vars.v }}'}}}}",
            "{terraform: {dir: '{{ vars.v }}', vars: {k: '{{ vars.v }}'}, targets: ['{{ vars.v }}']}}",
            "{argocd: {server: '{{ vars.v }}', create: {app: '{{ vars.v }}', repo: r, path: '{{ vars.v }}', dest_namespace: n}}}",
        ] {
            let text = format!("vars: {{v: x}}\ntasks: {{T1: {{run: {run}}}}}");
            let counts = |world: World| -> Vec<usize> {
                let action = world.binding(&text).action.unwrap();
                action.run.iter().chain(&action.undo).map(|step| process(step).argv.len()).collect()
            };
            prop_assert_eq!(counts(World::new()), counts(World::new().var("v", &value)), "{}", run);
        }
    }

    #[test]
    fn a_script_never_changes_with_values(value in "\\PC{0,20}") {
        let text = "vars: {v: x}\ntasks: {T1: {run: {shell: 'echo \"$TM_VAR_V\" {{ vars.v }}'}}}";
        let action = World::new().var("v", &value).binding(text).action.unwrap();
        prop_assert_eq!(&process(&action.run[0]).argv[3], "echo \"$TM_VAR_V\" {{ vars.v }}");
    }

    /// The reader of this crate against serde_yaml: the same values, by way of a request's body.
    #[test]
    fn values_are_read_as_another_reader_reads_them(value in json()) {
        let written = serde_yaml::to_string(&value).unwrap();
        let indented: String = written.lines().map(|line| format!("          {line}\n")).collect();
        let text = format!("tasks:\n  T1:\n    run:\n      http:\n        url: http://a/\n        json:\n{indented}");
        prop_assume!(!written.contains("{{") && !written.contains("{%") && !written.contains("{#") && !written.contains("secret"));
        let other: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        let expected = &other["tasks"]["T1"]["run"]["http"]["json"];
        prop_assume!(!expected.is_null());
        let action = World::new().binding(&text).action.unwrap();
        let Some(taskmaster_core::action::Value::Plain(body)) = crate::support::http(&action.run[0]).body.clone() else {
            panic!("no body")
        };
        let read: Json = serde_json::from_str(&body).unwrap();
        prop_assert_eq!(read, serde_json::to_value(expected).unwrap(), "{}", text);
    }

    #[test]
    fn binding_is_the_same_every_time(value in "[ -~]{0,12}") {
        let text = "vars: {v: x}\ntasks: {T1: {run: {exec: [p, '{{ vars.v }}']}}}";
        let world = World::new().var("v", &value);
        prop_assert_eq!(world.binding(text), world.binding(text));
        let loaded = load_one(text);
        let again = world.with(|inputs| loaded.catalogue.rebind(&id("T1"), inputs)).unwrap();
        prop_assert_eq!(again, world.binding(text));
    }
}
