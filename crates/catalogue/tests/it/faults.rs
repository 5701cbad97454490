//! Faults of files: each with its place and what helps, and none hides the next.

use crate::support::{World, load_one, show_all};

fn faults(text: &str) -> String {
    show_all(text, &load_one(text).diagnostics)
}

#[track_caller]
fn one(text: &str, expected: &str) {
    assert_eq!(faults(text), expected, "{text}");
}

#[test]
fn texts_that_are_no_catalogue() {
    one("", "warning[schema-empty] - this catalogue is empty (write `tasks:` and an entry for each task)");
    one(
        "# only a comment\n",
        "warning[schema-empty] - this catalogue is empty (write `tasks:` and an entry for each task)",
    );
    one("~", "warning[schema-empty] - this catalogue is empty (write `tasks:` and an entry for each task)");
    one("- a\n", "error[schema-type] 1:1 `- a` expected a mapping (a catalogue file), found a list");
    one(
        "just text",
        "error[schema-type] 1:1 `just text` expected a mapping (a catalogue file), found a text",
    );
    one(
        "a: 1\n---\nb: 2\n",
        "error[schema-documents] 3:1 `` a second document in one file (write it to a file of its own)",
    );
    one("\u{feff}tasks: {}\n", "");
}

#[test]
fn broken_yaml_has_its_place() {
    assert!(
        faults("tasks:\n  T1: [a\n").contains("error[schema-syntax] 3:1"),
        "{}",
        faults("tasks:\n  T1: [a\n")
    );
    let tab = faults("tasks:\n\tT1: x\n");
    assert!(tab.contains("error[schema-syntax] 2:") && tab.contains("indent with spaces"), "{tab}");
    assert!(faults("tasks: *nothing\n").contains("error[schema-syntax] 1:"));
    let inside = faults("tasks: &a\n  T1: *a\n");
    assert!(inside.contains("this alias stands inside of what it names"), "{inside}");
    one(
        "vars: {a: {{ vars.b }}}\n",
        "error[schema-key] 1:12 `{ vars.b }` a key must be a text, this is a mapping (a value that begins with `{{` must be put in quotes)",
    );
}

#[test]
fn limits_hold() {
    let deep = format!("tasks: {}{}", "[".repeat(100), "]".repeat(100));
    assert!(faults(&deep).contains("error[schema-limit]") && faults(&deep).contains("deeper than 64 levels"));
    let bomb: String = (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, i| {
        let refs = vec![format!("*a{}", i - 1); 9].join(", ");
        format!("{text}a{i}: &a{i} [{refs}]\n")
    });
    assert!(faults(&bomb).contains("more than 100000 values that aliases copy"));
    // What is written out may be large; a short text that makes much of itself may not.
    assert_eq!(load_one(&format!("x-a: [{}y]", "x, ".repeat(200_000))).diagnostics, []);
    assert!(faults(&format!("x-a: [{}y]", "x, ".repeat(1_000_000))).contains("more than 1000000 values"));
    let long = format!("# {}", "x".repeat(4 << 20));
    assert!(faults(&long).contains("more than the 4194304 that are read"));
    let script = format!("tasks: {{T1: {{run: {{shell: '{}'}}}}}}", "x".repeat(100_001));
    assert!(faults(&script).contains("a script of more than 100000 bytes"));
    let chain: String =
        (1..80).fold("x-a0: &a0 [y]\n".to_owned(), |text, i| format!("{text}x-a{i}: &a{i} [*a{}]\n", i - 1));
    assert!(faults(&chain).contains("deeper than 64 levels"), "{}", faults(&chain));
}

#[test]
fn duplicate_keys_show_both_places() {
    let text = "tasks:\n  T1: {run: {exec: [a]}}\n  T1: {run: {exec: [b]}}\n";
    let loaded = load_one(text);
    one(text, "error[schema-duplicate-key] 3:3 `T1` the key `T1` is given twice");
    assert_eq!(loaded.diagnostics[0].labels[0].span.of(text), "T1");
    assert_eq!(loaded.diagnostics[0].labels[0].span.start, 9);
}

#[test]
fn unknown_keys_offer_the_nearest() {
    one(
        "taks: {}\n",
        "error[schema-unknown-key] 1:1 `taks` `taks` is not a key of a catalogue file (did you mean `tasks`?)",
    );
    one("x-anchors: {anything: goes}\n", "");
    let text =
        "tasks:\n  T1:\n    run: {exec: {argv: [a], envv: {A: b}}}\n    retry: {atempts: 3}\n    zzz: 1\n";
    let found = faults(text);
    assert!(found.contains("3:29 `envv` `envv` is not a key of a command (did you mean `env`?)"), "{found}");
    assert!(
        found.contains("4:13 `atempts` `atempts` is not a key of a retry policy (did you mean `attempts`?)"),
        "{found}"
    );
    assert!(
        found.contains("5:5 `zzz` `zzz` is not a key of a task's entry (known here: id, phase"),
        "{found}"
    );
    assert!(
        faults("tasks: {T1: {run: {kubctl: {apply: a}}}}")
            .contains("there is no action `kubctl` (did you mean `kubectl`?)")
    );
}

#[test]
fn wrong_types_say_what_was_expected() {
    let entry = |text: &str| faults(&format!("tasks:\n  T1:\n    run: {{exec: [x]}}\n    {text}\n"));
    for (text, expected) in [
        (
            "timeout: soon",
            "error[schema-duration] 4:14 `soon` `soon` is not a duration (write a number with a unit: 250ms, 30s, 5m, 1h30m, 2d)",
        ),
        ("timeout: 30", "`30` is not a duration"),
        ("timeout: 400d", "longer than a year"),
        ("timeout: [5s]", "expected a duration, found a list"),
        ("idempotent: yes", "error[schema-type] 4:17 `yes` expected `true` or `false`, found a text"),
        ("idempotent: {}", "expected `true` or `false`, found a mapping"),
        ("retry: {attempts: many}", "expected a whole number, found a text"),
        ("retry: {attempts: 0}", "a task has from 1 to 1000 attempts"),
        ("retry: {attempts: -1}", "-1 is out of range here"),
        ("retry: {attempts: [1]}", "expected a whole number, found a list"),
        ("retry: {on: flood}", "`flood` is not known here (known here: exit_code, signal"),
        ("orphan: stopp", "`stopp` is not known here (did you mean `stop`?)"),
        ("needs: {a: b}", "expected a text, found a mapping"),
        ("vars: [a]", "expected a mapping, found a list"),
        ("check: {exec: [a], true_codes: [a]}", "expected a whole number, found a text"),
        ("check: {}", "error[schema-missing-key] 4:12 `{}` this check asks nothing"),
        ("check: {exec: [a], shell: b}", "this check asks in several ways"),
        ("check: {exec: [a], unreachable: false}", "`unreachable` is only for `http`"),
        (
            "check: {exec: [a], output: {pointer: /a}}",
            "this condition on the output asks nothing (give `equals` or `contains`)",
        ),
        ("check: 5", "expected a mapping (a check), found a number"),
        ("outputs: yaml", "`yaml` is not known here"),
        ("undo: []", "this list of actions is empty"),
        ("id: T1\n    title: x", "both `id` and `title` are given"),
        ("description: null\n    phase: ~", ""),
    ] {
        assert!(entry(text).contains(expected), "{text}: {}", entry(text));
    }
}

#[test]
fn faults_of_actions_have_places() {
    let run = |text: &str| faults(&format!("tasks:\n  T1:\n    run: {text}\n"));
    for (text, expected) in [
        ("make", "expected one action by its name, found a text (one of exec, shell"),
        ("{exec: [a], shell: b}", "expected one action by its name, found a mapping"),
        ("[]", "this list of actions is empty"),
        (
            "{exec: make build}",
            "expected a list of arguments, found a text (write it as a list, `[program, argument]`, or use `shell`",
        ),
        ("{exec: []}", "this command has no program"),
        ("{exec: [a, null]}", "expected a text, found nothing"),
        ("{exec: {cwd: x}}", "error[schema-missing-key] 3:18 `cwd` a command needs the key `argv`"),
        ("{exec: {}}", "a command needs the key `argv`"),
        ("{shell: ' '}", "this script is empty"),
        ("{shell: {script: x, interpreter: []}}", "list of an interpreter's arguments is empty"),
        ("{terraform: {workspace: x}}", "a terraform action needs the key `dir`"),
        ("{terraform: x}", "expected a mapping (a terraform action), found a text"),
        ("{kubectl: {context: c}}", "this kubectl action does nothing (give exactly one of apply, delete"),
        (
            "{kubectl: {apply: a, delete: {files: b}}}",
            "this kubectl action does several things at once: apply, delete",
        ),
        (
            "{kubectl: {apply: {kustomize: a, files: b}}}",
            "this apply does several things at once: files, kustomize",
        ),
        ("{kubectl: {apply: a, stdin: b}}", "`stdin` is only for `args`"),
        ("{kubectl: {wait: {resources: [], condition: c}}}", "this list of objects is empty"),
        (
            "{kubectl: {rollout: {verb: status, resource: a, to_revision: 2}}}",
            "`to_revision` is only for `undo`",
        ),
        ("{kubectl: {rollout: {verb: pause, resource: a, timeout: 2s}}}", "`timeout` is only for `status`"),
        ("{kubectl: {rollout: {verb: promote, resource: a}}}", "`promote` is not known here"),
        ("{helm: {namespace: n}}", "this helm action does nothing"),
        (
            "{helm: {upgrade: {release: a, chart: b, wait: false}}}",
            "an atomic upgrade always waits (add `atomic: false`)",
        ),
        (
            "{helm: {upgrade: {release: a, chart: b, values: {}, secret_values: {secret: env:X}}}}",
            "both given on standard input",
        ),
        ("{argocd: {core: true}}", "this argocd action does nothing"),
        (
            "{argocd: {create: {app: a, repo: b, dest_namespace: c}}}",
            "this source does nothing (give exactly one of path, chart)",
        ),
        ("{http: {url: a, body: b, json: c}}", "both `body` and `json` are given"),
        ("{http: {url: a, method: FETCH}}", "this is no method of HTTP"),
        ("{http: {url: a, method: [GET]}}", "this is no method of HTTP"),
        (
            "{http: {url: a, expect: {status: 700}}}",
            "this is no status code (write `200`, `2xx` or `200-204`)",
        ),
        ("{http: {url: a, expect: {status: {}}}}", "this is no status code"),
        ("{wait: {}}", "a wait needs the key `duration`"),
        ("{approval: {}}", "an approval needs the key `message`"),
        ("[{approval: a}, {exec: [b]}]", "`approval` must be the only action of its task"),
    ] {
        assert!(run(text).contains(expected), "{text}: {}", run(text));
    }
    let url = World::new().faults("tasks: {T1: {run: {http: ftp://x}}}");
    assert_eq!(
        url,
        "error[bind-url] 1:26 `ftp://x` `ftp://x` is not an absolute URL (write it with `http://` or `https://`)"
    );
    for bad in ["http://", "http://a b/", "/path"] {
        assert!(
            World::new().faults(&format!("tasks: {{T1: {{run: {{http: '{bad}'}}}}}}")).contains("bind-url"),
            "{bad}"
        );
    }
}

#[test]
fn faults_of_entries_and_checks() {
    one(
        "tasks:\n  - {run: {exec: [x]}}\n",
        "error[schema-missing-key] 2:5 `{run: {exec: [x]}}` this entry names no task (give `id`, or `phase` and `title`)",
    );
    one(
        "tasks: 5\n",
        "error[schema-type] 1:8 `5` expected a mapping by task id, or a list of entries, found a number",
    );
    let no_check = World::new()
        .faults("tasks: {T1: {run: {exec: [x]}, check: {kubectl: {rollout: {verb: restart, resource: a}}}}}");
    assert!(
        no_check.contains("error[bind-check]") && no_check.contains("this action brings no check along"),
        "{no_check}"
    );
    let both = World::new()
        .faults("tasks: {T1: {run: {exec: [x]}, check: {exec: [y], true_codes: [0, 3], false_codes: 3}}}");
    assert!(both.contains("the exit code 3 means both true and false"), "{both}");
}

#[test]
fn all_faults_of_a_file_are_told_at_once() {
    let text = "vars: [x]\ntasks:\n  T1: {run: {exec: 5}, timeout: x}\n  T2: {run: {shell: a}, retry: {attempts: a}}\nenvironments: {kind: {vars: 5}}\n";
    assert_eq!(faults(text).lines().count(), 5, "{}", faults(text));
}

#[test]
fn anchors_and_merge_keys_work() {
    let text = "
x-base: &base {timeout: 5m, locks: a}
x-more: &more {grace: 7s, locks: b}
tasks:
  T1: {<<: *base, run: {exec: [x]}}
  T2: {<<: [*base, *more], timeout: 1m, run: {exec: [y]}}
";
    assert_eq!(faults(text), "");
    let bound = World::new().bind(text);
    let (one, two) = (&bound.bindings["T1"].policy, &bound.bindings["T2"].policy);
    assert_eq!((one.timeout_ms, one.locks.clone()), (Some(300_000), vec!["a".to_owned()]));
    assert_eq!(
        (two.timeout_ms, two.grace_ms, two.locks.clone()),
        (Some(60_000), 7_000, vec!["a".to_owned()])
    );
    assert!(
        faults("tasks: {T1: {<<: 5, run: {exec: [x]}}}")
            .contains("`<<` takes a mapping or a list of mappings")
    );
    assert!(faults("tasks: {T1: {<<: [5], run: {exec: [x]}}}").contains("`<<` takes a mapping"));
}

#[test]
fn probes_of_every_kind_render() {
    let check = |text: &str| {
        let text = format!("tasks: {{T1: {{run: {{exec: [x]}}, check: {text}}}}}");
        let shown = crate::support::describe(&World::new().binding(&text).action.unwrap());
        shown.lines().last().unwrap_or_default().trim_start_matches("check  check: ").to_owned()
    };
    for (text, expected) in [
        ("{exec: [a], true_codes: [0, 2], false_codes: 3}", "a | true [0, 2] false [3]"),
        ("{shell: 'exit 1'}", "sh -eu -c \"exit 1\" | true [0] false [1]"),
        (
            "{exec: [a], output: [{contains: ok}, {pointer: /n, equals: 5}]}",
            "a > captured | true [0] false [1] | text has \"ok\" | `/n` = 5",
        ),
        ("{file_exists: [a, /b, -c]}", "test -e ./a -a -e /b -a -e ./-c | true [0] false [1]"),
        ("{http: 'http://a/'}", "GET http://a/ [(200, 299)] | true [0] false [1]"),
        (
            "{http: {url: 'http://a/', expect: {json: {/ok: true}}}, unreachable: false}",
            "GET http://a/ [(200, 299)] | `/ok` = true | true [0] false [1, 2]",
        ),
        ("{http: 'http://a/', unreachable: true}", "GET http://a/ [(200, 299)] | true [0] false [1]"),
        (
            "{kubectl: {namespace: n, args: [get, pod]}}",
            "kubectl get pod --namespace=n | true [0] false [1] or by its words",
        ),
        (
            "{kubectl: {apply: a}}",
            "/bin/taskmaster kube-apply --check -- kubectl diff --server-side --field-manager=taskmaster --filename=a | true [0] false [1] or by its words",
        ),
        (
            "{helm: {uninstall: {release: a}}}",
            "helm list --filter=^a$ --output=json --all > captured | true [0] false [] | `` = []",
        ),
        ("{helm: {args: [status, a]}}", "helm status a | true [0] false [1] or by its words"),
        (
            "{argocd: {core: true, args: [app, diff, a]}}",
            "argocd app diff a --core | true [0] false [1] or by its words",
        ),
        (
            "{argocd: {core: true, sync: {app: a}}}",
            "argocd app get --core a --refresh --output=json > captured | true [0] false [] or by its words | `/status/sync/status` = \"Synced\" | `/status/health/status` = \"Healthy\"",
        ),
        (
            "{terraform: {dir: a}}",
            "terraform -chdir=a plan -input=false -no-color -detailed-exitcode | true [0] false [2]",
        ),
    ] {
        assert_eq!(check(text), expected, "{text}");
    }
}
