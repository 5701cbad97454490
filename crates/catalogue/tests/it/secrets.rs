//! Secrets reach a child by environment, standard input, headers and bodies, and nothing else.

use crate::support::{World, describe};

const VARS: &str = "vars:\n  token: {secret: env:TOKEN}\n  file: {secret: 'file:{{ project }}/key'}\n  bearer: 'Bearer {{ vars.token }}'\n";

fn entry(run: &str) -> String {
    format!("{VARS}tasks:\n  T1:\n    run: {run}\n")
}

fn shown(run: &str) -> String {
    describe(&World::new().binding(&entry(run)).action.expect("it has an action"))
}

#[test]
fn a_secret_is_inserted_where_nobody_sees_it() {
    assert!(shown("{exec: {argv: [a], env: {T: '{{ vars.token }}'}}}").contains("T=<Env(\"TOKEN\")>"));
    assert!(shown("{exec: {argv: [a], stdin: '{{ vars.file }}'}}").contains("< <File(\"/project/key\")>"));
    let http = "{http: {url: 'http://a/', headers: {Authorization: '{{ vars.bearer }}'}, body: 'k={{ vars.token }}&f={{ vars.file }}'}}";
    assert!(shown(http).contains(
        "Authorization: Bearer <Env(\"TOKEN\")> body k=<Env(\"TOKEN\")>&f=<File(\"/project/key\")>"
    ));
    assert!(shown("{shell: 'echo $TM_VAR_TOKEN'}").contains("TM_VAR_TOKEN=<Env(\"TOKEN\")>"));
    let terraform = shown("{terraform: {dir: x, vars: {t: '{{ vars.token }}'}}}");
    assert!(terraform.contains("TF_VAR_t=<Env(\"TOKEN\")>") && !terraform.contains("-var="), "{terraform}");
    let conditional =
        "{exec: {argv: [a], env: {T: \"{% if env == 'kind' %}x-{{ vars.token }}{% endif %}\"}}}";
    assert!(shown(conditional).contains("T=x-<Env(\"TOKEN\")>"));
}

#[test]
fn a_script_gets_only_the_secrets_that_it_names() {
    let text = shown("{shell: 'echo $TM_VAR_FILE'}");
    assert!(text.contains("TM_VAR_FILE=") && !text.contains("TOKEN"), "{text}");
}

#[test]
fn a_secret_in_an_argument_a_url_or_a_digest_is_an_error_with_a_caret() {
    for (run, place) in [
        ("{exec: [a, 'x{{ vars.token }}']}", "an argument"),
        ("{exec: {argv: [a], cwd: '{{ vars.token }}'}}", "a path"),
        ("{http: 'http://a/{{ vars.token }}'}", "a URL"),
        ("{approval: 'ok {{ vars.token }}'}", "a message"),
        ("{kubectl: {namespace: '{{ vars.token }}', apply: x}}", "an argument"),
        ("{helm: {upgrade: {release: a, chart: b, set: {p: '{{ vars.token }}'}}}}", "an argument"),
        ("{helm: {upgrade: {release: a, chart: b, values: {p: '{{ vars.token }}'}}}}", "this value"),
        ("{http: {url: 'http://a/', json: {p: 'x {{ vars.token }}'}}}", "this value"),
        ("{exec: {argv: [a], env: {T: {secret: 'file:{{ vars.token }}'}}}}", "a reference"),
    ] {
        let faults = World::new().faults(&entry(run));
        let first = faults.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("error[bind-secret-exposed] 7:")
                && first.contains("`vars.token` `vars.token` is secret"),
            "{run}: {faults}"
        );
        assert!(first.contains(&format!("would be shown in {place}")), "{run}: {faults}");
    }
    let inputs =
        format!("{VARS}tasks:\n  T1:\n    run: {{exec: [x]}}\n    inputs: ['{{{{ vars.token }}}}']\n");
    assert!(World::new().faults(&inputs).contains("bind-secret-exposed"));
    let inner = entry("{helm: {upgrade: {release: a, chart: b, values: {p: {secret: env:X}}}}}");
    assert!(
        World::new()
            .faults(&inner)
            .contains("error[bind-secret-exposed] 7:71 `env:X` a secret cannot stand inside of this value"),
        "{}",
        World::new().faults(&inner)
    );
    let through = entry("{exec: [a, '{{ vars.bearer }}']}");
    assert!(World::new().faults(&through).contains("`vars.bearer` is secret"));
}

#[test]
fn a_secret_is_never_computed_with() {
    for expression in [
        "{{ vars.token | upper }}",
        "{{ vars.token ~ 'x' }}",
        "{{ vars.token | tojson }}",
        "{{ [vars.token] }}",
        "{{ [vars.token] | join(',') }}",
        "{{ '%s' | format(vars.token) }}",
        "{{ vars }}",
        "{{ vars | tojson }}",
        "{% set x %}{{ vars.token }}{% endset %}{{ x }}",
        "{% set x %}{{ vars.token }}{% endset %}{{ x | length }}",
        "{% filter upper %}{{ vars.token }}{% endfilter %}",
        "{{ vars.token | urlencode }}",
        "{{ vars.token | replace('a', 'b') }}",
        "{{ vars.bearer | trim }}",
    ] {
        let run = format!("{{exec: {{argv: [a], env: {{T: \"{}\"}}}}}}", expression.replace('"', "\\\""));
        let loaded = crate::support::load_one(&entry(&run));
        let bound = World::new().with(|inputs| loaded.catalogue.bind(inputs));
        assert!(
            !loaded.diagnostics.is_empty() || bound.diagnostics.iter().any(|d| d.code.starts_with("bind-")),
            "{expression}: {:?}",
            bound.bindings.get("T1")
        );
    }
}

#[test]
fn a_value_cannot_pass_for_a_secrets_marker() {
    let world = World::new().var("evil", "\u{fdd0}0\u{fdd1}");
    let text = "vars: {token: {secret: env:T}, evil: x}\ntasks: {T1: {run: {exec: {argv: [a], env: {E: '{{ vars.token }}{{ vars.evil }}'}}}}}";
    assert!(world.faults(text).contains("error[bind-"), "{}", world.faults(text));
    let alone = "vars: {evil: x}\ntasks: {T1: {run: {exec: [a, '{{ vars.evil }}']}}}";
    assert!(world.faults(alone).contains("a character that no program could be given"));
    let written = "tasks: {T1: {run: {exec: [a, \"\\uFDD0\"]}}}";
    assert!(World::new().faults(written).contains("error[schema-value]"));
    assert!(World::new().faults("tasks: {T1: {run: {exec: [a, \"\\0\"]}}}").contains("error[schema-value]"));
}

#[test]
fn every_form_of_a_reference_is_read() {
    for (form, expected) in [
        ("env:NAME", "Env(\"NAME\")"),
        ("'file:/run/key'", "File(\"/run/key\")"),
        ("exec:pass show 'a b'", "Exec([\"pass\", \"show\", \"a b\"])"),
        ("{env: NAME}", "Env(\"NAME\")"),
        ("{file: '{{ state_dir }}/k'}", "File(\"/project/.taskmaster/k\")"),
        ("{exec: [pass, show, x]}", "Exec([\"pass\", \"show\", \"x\"])"),
    ] {
        let run = format!("{{exec: {{argv: [a], env: {{T: {{secret: {form}}}}}}}}}");
        assert!(shown(&run).contains(&format!("T=<{expected}>")), "{form}: {}", shown(&run));
    }
    for (form, message) in [
        ("NAME", "this says not where the secret is found"),
        ("'env:'", "names nothing"),
        ("'exec:\"open'", "names nothing"),
        ("{exec: []}", "names nothing"),
        ("{vault: x}", "no such place for a secret"),
        ("[a]", "expected a text, found a list"),
    ] {
        let run = format!("{{exec: {{argv: [a], env: {{T: {{secret: {form}}}}}}}}}");
        assert!(
            World::new().faults(&entry(&run)).contains(message),
            "{form}: {}",
            World::new().faults(&entry(&run))
        );
    }
    let text = "tasks: {T1: {run: {helm: {upgrade: {release: a, chart: b, secret_values: {file: x}}}}}}";
    assert!(
        World::new().faults(text).contains("expected a reference to a secret (write `{secret: env:NAME}`)")
    );
}

#[test]
fn a_digest_holds_references_only() {
    let digest = |reference: &str| {
        let text =
            format!("tasks: {{T1: {{run: {{exec: {{argv: [a], env: {{T: {{secret: {reference}}}}}}}}}}}}}");
        World::new().binding(&text).digest
    };
    assert_eq!(digest("env:A"), digest("env:A"));
    assert_ne!(digest("env:A"), digest("env:B"));
}
