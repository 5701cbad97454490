//! Small texts that would become large: each was found by fuzzing, or by looking for what fuzzing cannot reach.

use crate::support::{World, load_one};
use std::fmt::Write;
use taskmaster_catalogue::plain;

fn codes(text: &str) -> Vec<&'static str> {
    load_one(text).diagnostics.iter().map(|found| found.code).collect()
}

#[test]
fn aliases_of_a_long_text_are_counted_by_their_bytes() {
    let long = "x".repeat(100_000);
    let of = |times: usize| format!("a: &a {long}\nb: [{}]\n", vec!["*a"; times].join(", "));
    let mut faults = Vec::new();
    assert!(plain(&of(100), &mut faults).is_some(), "{faults:?}");
    assert!(plain(&of(1_000), &mut faults).is_none());
    assert_eq!((faults[0].code, faults.len()), ("schema-limit", 1));
    // Each level holds the one below once more.
    let nested: String = (0..60).map(|level| format!("&l{level} [")).collect();
    assert_eq!(codes(&format!("a: {nested}{}{}\n", "y".repeat(400_000), "]".repeat(60))), ["schema-limit"]);
}

#[test]
fn many_keys_take_no_more_than_their_share_of_time() {
    let mut text = String::from("vars:\n");
    for number in 0..49_000 {
        let _ = writeln!(text, "  k{number}: 1");
    }
    // Compared with each other one by one they would take minutes here.
    assert!(load_one(&text).diagnostics.is_empty());
    let merged =
        format!("{}b: {{<<: *a, k7: 2}}\n", text.replace("vars:", "a: &a").replace(": 1\n", ": ~\n"));
    let value = plain(&merged, &mut Vec::new());
    assert!(value.is_none_or(|(value, _)| value["b"]["k7"] == 2));
}

#[test]
fn places_of_long_paths_take_no_more_than_the_text() {
    let key = "k".repeat(1_000);
    let mut text = String::new();
    for depth in 0..60 {
        let _ = writeln!(text, "{}{key}:", " ".repeat(depth));
    }
    let items = vec!["1"; 40_000].join(",");
    let _ = writeln!(text, "{}last: [{items}]", " ".repeat(60));
    let mut faults = Vec::new();
    let (_, places) = plain(&text, &mut faults).unwrap();
    assert!(faults.is_empty());
    let path = format!("{}last[39999]", format!("{key}.").repeat(60));
    assert_eq!(places.of(&path).map(|span| span.of(&text)), Some("1"));
    assert_eq!(places.key(&path[..path.len() - 7]).map(|span| span.of(&text)), Some("last"));
}

#[test]
fn a_key_with_a_dot_has_its_own_place() {
    let text = "a: {b: 1}\na.b: 2\n\"c[0]\": {d: 3}\n";
    let (_, places) = plain(text, &mut Vec::new()).unwrap();
    for (path, key, part) in
        [("a.b", "a.b", "2"), ("a", "a", "a"), ("c[0].d", "d", "3"), ("c[0].x", "\"c[0]\"", "\"c[0]\"")]
    {
        assert_eq!(places.key(path).map(|span| span.of(text)), Some(key), "{path}");
        assert_eq!(places.of(path).map(|span| span.of(text)), Some(part), "{path}");
    }
}

#[test]
fn filters_take_small_numbers_only() {
    for template in [
        "{{ 'a' | indent(1000000000000000000) }}",
        "{{ 'a' | indent(width=1000000000000000000, first=true) }}",
        "{{ [1] | batch(100000000000, 0) | list }}",
        "{{ [1] | slice(100000000000, 0) | list }}",
        "{{ {'a': [1]} | tojson(indent=1000000000000) }}",
        "{{ '%0999999999d' | format(1) }}",
        "{{ '%.999999999f' | format(1) }}",
        "{{ '%*d' | format(999999999, 1) }}",
        "{{ ('x' * 9000) | replace('x', 'y' * 9000) }}",
        "{{ range(90000) | join('x' * 9000) }}",
        "{% for i in range(20000) %}SIXTYFOURSIXTYFOURSIXTYFOURSIXTYFOURSIXTYFOURSIXTYFOURSIXTYFOUR{% endfor %}",
    ] {
        let text = format!("tasks: {{T1: {{run: {{exec: [a, {template:?}]}}}}}}");
        let faults = World::new().faults(&text);
        assert!(faults.starts_with("error[bind-template] 1:"), "{template}: {faults}");
    }
    for (template, shown) in [
        ("{{ 'a\nb' | indent(2) }}", "a\n  b"),
        ("{{ 'a\nb' | indent(width=3, first=true) }}", "   a\n   b"),
        ("{{ [1, 2, 3] | batch(2, 0) | list }}", "[[1,2],[3,0]]"),
        ("{{ '%05.1f' | format(123456.25) }}", "123456.2"),
        ("{{ {'a': [1]} | tojson }}", "{\"a\": [1]}"),
        ("{{ 'a.b.c' | replace('.', '::') }}", "a::b::c"),
        ("{{ [1, 'x'] | join(', ') }}", "1, x"),
    ] {
        let text = format!("tasks: {{T1: {{run: {{exec: [a, {}]}}}}}}", serde_json::Value::from(template));
        let action = World::new().binding(&text).action.unwrap();
        assert_eq!(crate::support::process(&action.run[0]).argv[1], shown, "{template}");
    }
}
