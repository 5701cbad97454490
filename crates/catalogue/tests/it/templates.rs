//! Variables and what templates see.

use crate::support::{World, describe};

fn args(world: &World, head: &str, argv: &str) -> String {
    let text = format!("{head}\ntasks:\n  T1:\n    run:\n      exec: {argv}\n");
    describe(&world.binding(&text).action.expect("it has an action"))
        .trim_start_matches("run    exec: ")
        .to_owned()
}

#[test]
fn a_template_sees_its_task_and_its_place() {
    let argv = "['{{ env }}', '{{ os }}', '{{ project }}', '{{ state_dir }}', '{{ task.id }}', '{{ task.ref }}', '{{ task.title }}', '{{ task.slug }}', '{{ task.priority }}', '{{ task.tags | first }}', '{{ phase.id }}', '{{ phase.number }}', '{{ phase.title }}', '{{ document.path }}', '{{ document.id }}', '{{ document.title }}']";
    assert_eq!(
        args(&World::new(), "", argv),
        "kind linux /project /project/.taskmaster T1 1.1 \"Create the cluster\" t1 high infra infrastructure-setup 1 \"Infrastructure Setup\" prd/platform.md prd/platform.md null"
    );
}

#[test]
fn a_value_is_one_argument_whatever_it_holds() {
    let world = World::new().var("x", "a b' \"c\" $(d) ; e\n-f");
    assert_eq!(
        args(&world, "vars: {x: y}", "[p, '{{ vars.x }}', 'q={{ vars.x }}']").matches("$(d)").count(),
        2
    );
    let text = "vars: {x: y}\ntasks: {T1: {run: {exec: [p, '{{ vars.x }}', last]}}}";
    let action = world.binding(text).action.unwrap();
    let argv = &crate::support::process(&action.run[0]).argv;
    assert_eq!(argv.as_slice(), ["p", "a b' \"c\" $(d) ; e\n-f", "last"]);
}

#[test]
fn values_are_written_as_yaml_and_json_write_them() {
    let head = "vars: {yes: true, no: false, n: 3, f: 1.5, nothing: null, list: [a, 1], map: {k: v}, version: 1.20, quoted: '007'}";
    let argv = "['{{ vars.yes }}', '{{ vars.no }}', '{{ vars.n }}', '{{ vars.f }}', '{{ vars.list }}', '{{ vars.map }}', '{{ vars.nothing }}', '{{ vars.quoted }}', 1.20, true]";
    assert_eq!(
        args(&World::new(), head, argv),
        "p true".replace(
            "p true",
            "true false 3 1.5 \"[\\\"a\\\",1]\" \"{\\\"k\\\":\\\"v\\\"}\" null 007 1.20 true"
        )
    );
}

#[test]
fn a_text_that_is_one_expression_keeps_its_type() {
    let text = "
vars: {n: 3, on: true, list: [1, 2], name: x, copy: '{{ vars.n }}', sum: '{{ vars.n + 1 }}'}
tasks:
  T1:
    run:
      http:
        url: http://a/
        json: {n: '{{ vars.n }}', on: '{{ vars.on }}', list: '{{ vars.list }}', name: '{{ vars.name }}', text: 'n={{ vars.n }}', copy: '{{ vars.copy }}', sum: '{{- vars.sum -}}', lit: 5, nul: null}
";
    let action = World::new().binding(text).action.unwrap();
    let body = crate::support::http(&action.run[0]).body.clone();
    assert_eq!(
        body,
        Some(crate::support::plain(
            r#"{"copy":3,"list":[1,2],"lit":5,"n":3,"name":"x","nul":null,"on":true,"sum":4,"text":"n=3"}"#
        ))
    );
}

#[test]
fn variables_come_from_the_command_line_the_environment_or_their_default() {
    let head = "vars:\n  a: {default: d, description: the a}\n  b: {from_env: B, default: d}\n  c: {from_env: C, default: d}\n  n: 1\n  on: {default: true}\n  m: {value: {default: 1}}\n  e: {from_env: N, default: 5}";
    let argv = "['{{ vars.a }}', '{{ vars.b }}', '{{ vars.c }}', '{{ vars.n + 1 }}', '{% if vars.on %}on{% else %}off{% endif %}', '{{ vars.m.default }}', '{{ vars.e + 1 }}']";
    let mut world = World::new();
    world.env_vars = [("B".to_owned(), "env-b".to_owned()), ("N".to_owned(), "7".to_owned())].into();
    assert_eq!(args(&world, head, argv), "d env-b d 2 on 1 8");
    let world = world.var("a", "given").var("b", "given").var("n", "41").var("on", "false").var("e", "x");
    let argv = argv.replace("vars.e + 1", "vars.e");
    assert_eq!(args(&world, head, &argv), "given given d 42 off 1 x");
    assert_eq!(
        args(&World::new().var("free", "v"), "", "['{{ vars.free }}']"),
        "v",
        "also one that no file declares"
    );
}

#[test]
fn variables_refer_to_each_other_in_any_order() {
    let head = "vars: {url: 'http://{{ vars.host }}:{{ vars.port }}', host: '{{ vars.name }}.local', name: web, port: 80, all: ['{{ vars.url }}'], deep: {x: '{{ vars.name }}'}}";
    assert_eq!(
        args(&World::new(), head, "['{{ vars.url }}', '{{ vars.all[0] }}', '{{ vars.deep.x }}']"),
        "http://web.local:80 http://web.local:80 web"
    );
}

#[test]
fn faults_of_variables_are_told_once_and_at_their_place() {
    let world = World::new();
    let text = "vars: {a: '{{ vars.b }}', b: '{{ vars.a }}'}\ntasks: {T1: {run: {exec: [x, '{{ vars.a }}', '{{ vars.b | upper }}']}}, T2: {run: {exec: [y]}}}";
    assert_eq!(world.faults(text), "error[bind-variable-cycle] 1:27 `b` the variable `a` refers to itself");
    let text = "vars: {a: 'x{{ vars.nme }}', name: n, l: ['{{ vars.q }}']}\ntasks: {T1: {run: {exec: [x, '{{ vars.a }}', '{{ vars.l }}']}}}";
    assert_eq!(
        world.faults(text),
        "error[bind-undefined-variable] 1:16 `vars.nme` there is no variable `nme` (did you mean `name`?)
error[bind-undefined-variable] 1:47 `vars.q` there is no variable `q` (known here: a, l, name)"
    );
}

#[test]
fn a_missing_variable_says_what_it_is_for() {
    let text = "vars: {region: {required: true, description: where it runs}, zone: {required: true}}\ntasks: {T1: {run: {exec: [x, 'a {{ vars.region }}', '{{ vars.zone }}']}}}";
    assert_eq!(
        World::new().faults(text),
        "error[bind-missing-variable] 2:36 `vars.region` the variable `region` (where it runs) has no value (give it one: `--var region=…`, or in this environment's `vars`)
error[bind-missing-variable] 2:57 `vars.zone` the variable `zone` has no value (give it one: `--var zone=…`, or in this environment's `vars`)"
    );
    let text =
        text.replace("'a {{ vars.region }}', '{{ vars.zone }}'", "\"{{ vars.region | default('eu') }}\"");
    assert_eq!(World::new().faults(&text), "", "a default in the template will do");
}

#[test]
fn carets_point_at_the_expression_in_every_style_of_text() {
    let fault = |argv: &str| World::new().faults(&format!("tasks:\n  T1:\n    run:\n      exec:\n{argv}\n"));
    for (argv, place) in [
        ("        - plain {{ vars.x }} text", "5:20 `vars.x`"),
        ("        - 'single ''quoted'' {{ vars.x }}'", "5:33 `vars.x`"),
        ("        - \"double \\\"quoted\\\" {{ vars.x }}\"", "5:33 `vars.x`"),
        ("        - |\n          block\n          {{ vars.x }}", "7:14 `vars.x`"),
        ("        - >-\n          folded {{ env }}\n          {{ vars.x.y[0] }}", "7:14 `vars.x.y`"),
        ("        - \"{{ vars[\\\"x\\\"] }}\"", "5:15 `vars`"),
        ("        - ünïcode {{ vars.x }}", "5:22 `vars.x`"),
        ("        - '{{ env }} {{ env.x.y }}'", "5:25 `env.x.y`"),
    ] {
        let found = fault(&format!("        - a\n{argv}").replace("        - a\n", ""));
        assert!(found.contains(place), "{argv}: {found}");
    }
}

#[test]
fn other_faults_of_templates_are_told() {
    let fault = |argument: &str| {
        World::new().faults(&format!("vars: {{n: 1}}\ntasks: {{T1: {{run: {{exec: [x, \"{argument}\"]}}}}}}"))
    };
    for (argument, expected) in [
        ("{{ vars.n", "error[schema-template] 2:"),
        ("{% if %}", "error[schema-template] 2:"),
        ("{% include 'x' %}", "error[schema-template]"),
        ("{{ vars.n | nofilter }}", "error[bind-template] 2:43 `nofilter` filter nofilter is unknown"),
        ("{{ vars.n + 'a' }}", "error[bind-template] 2:"),
        ("{{ debug() }}", "debug"),
        ("{{ vra.n }}", "`vra` is undefined (did you mean `vars`?)"),
        (
            "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}",
            "this template takes too many steps",
        ),
        ("{% for i in range(999) %}{{ 'x' * 9999 }}{% endfor %}", "this template writes too much"),
    ] {
        assert!(fault(argument).contains(expected), "{argument}: {}", fault(argument));
    }
}

#[test]
fn names_may_not_be_empty_nor_look_like_flags() {
    let world = World::new().var("ns", "--all").var("empty", "");
    let fault = |run: &str| world.faults(&format!("tasks: # ns, empty\n  T1:\n    run: {run}\n"));
    assert_eq!(
        fault("{kubectl: {delete: {resources: 'pod/{{ vars.ns }}'}}}"),
        "",
        "inside of a name it is part of the name"
    );
    assert_eq!(
        fault("{kubectl: {delete: {resources: '{{ vars.ns }}'}}}"),
        "error[bind-flag-as-argument] 3:41 `'{{ vars.ns }}'` `--all` would be read as a flag (a name cannot begin with a dash)"
    );
    assert!(
        fault("{helm: {test: {release: '{{ vars.empty }}'}}}").contains("error[bind-empty-argument] 3:34")
    );
    assert!(fault("{exec: ['{{ vars.empty }}']}").contains("bind-empty-argument"));
    assert_eq!(
        fault("{kubectl: {context: '{{ vars.empty }}', apply: x}}"),
        "",
        "an empty setting is left out"
    );
}

#[test]
fn a_script_is_no_template_and_gets_the_variables_that_it_names() {
    let text = "
vars: {name: 'a b', n: 3, list: [x], on: true, other: unused}
tasks:
  T1:
    run:
      shell:
        script: 'echo {{ vars.name }} {% raw \"$TM_VAR_NAME\" ${TM_VAR_N} $TM_VAR_LIST $TM_VAR_ON $TM_VAR_OWN'
        env: {TM_VAR_OWN: '{{ vars.name }}!'}
";
    let action = World::new().binding(text).action.unwrap();
    let process = crate::support::process(&action.run[0]);
    assert!(process.argv[3].starts_with("echo {{ vars.name }} {% raw"));
    let env: Vec<String> = process.env.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    assert_eq!(
        env.join(" "),
        "TM_ENVIRONMENT=Plain(\"kind\") TM_PROJECT=Plain(\"/project\") TM_STATE_DIR=Plain(\"/project/.taskmaster\") TM_TASK=Plain(\"T1\") TM_VAR_LIST=Plain(\"[\\\"x\\\"]\") TM_VAR_N=Plain(\"3\") TM_VAR_NAME=Plain(\"a b\") TM_VAR_ON=Plain(\"true\") TM_VAR_OWN=Plain(\"a b!\")"
    );
    let typo = "vars: {name: x}\ntasks:\n  T1:\n    run:\n      shell: |\n        echo $TM_VAR_NAEM\n";
    assert_eq!(
        World::new().faults(typo),
        "error[bind-undefined-variable] 6:15 `TM_VAR_NAEM` no variable is handed over as `TM_VAR_NAEM` (did you mean `TM_VAR_NAME`?)"
    );
    let none = "tasks: {T1: {run: {shell: 'echo $TM_VAR_X'}}}";
    assert!(World::new().faults(none).contains("(declare it in `vars`)"));
}

#[test]
fn a_variable_that_is_given_and_never_used_is_told() {
    let text = "vars: {region: eu}\ntasks: {T1: {vars: {zone: a}, run: {shell: 'echo $TM_VAR_FREE_FORM'}}}\nenvironments: {kind: {tasks: {T2: {vars: {deep: x}, run: {exec: ['{{ vars.other }}']}}}}}";
    let told = |name: &str| {
        let faults = World::new().var(name, "x").var("free_form", "y").var("other", "z").faults(text);
        faults.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        told("regoin"),
        [
            "warning[bind-unused-variable] - the variable `regoin` is given, but no catalogue uses it (did you mean `region`?)"
        ]
    );
    for used in ["region", "zone", "deep", "other"] {
        assert_eq!(told(used), Vec::<String>::new(), "{used}");
    }
}
