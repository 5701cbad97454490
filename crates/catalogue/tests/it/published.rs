//! What is published about the format is true: the schema, the reference, the demo's catalogues.
#![expect(clippy::disallowed_methods, reason = "the crate is pure, but its tests read the cookbook")]

use crate::support::{World, load_one, phase, show_all, task};
use serde_json::Value as Json;

const SCHEMA: &str = include_str!("../../../../schema/catalogue.schema.json");
const REFERENCE: &str = include_str!("../../../../docs/catalogue.md");
const EXAMPLE: &str = include_str!("../fixtures/everything.yaml");

fn validator() -> jsonschema::Validator {
    let schema: Json = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    jsonschema::draft7::new(&schema).expect("the schema is a schema")
}

fn parsed(text: &str) -> Json {
    let mut value: serde_yaml::Value = serde_yaml::from_str(text).expect("the example is YAML");
    value.apply_merge().expect("merge keys");
    serde_json::to_value(value).expect("as JSON")
}

fn schema_faults(text: &str) -> Vec<String> {
    validator().iter_errors(&parsed(text)).map(|e| format!("{} at {}", e, e.instance_path())).collect()
}

/// Blocks of YAML in the reference.
fn examples() -> Vec<String> {
    let blocks = REFERENCE.split("```yaml\n").skip(1);
    blocks.filter_map(|rest| rest.split("\n```").next()).map(|block| format!("{block}\n")).collect()
}

#[test]
fn the_schema_that_is_checked_in_is_current() {
    assert!(
        SCHEMA == taskmaster_catalogue::schema_text(),
        "run: cargo run -p taskmaster-catalogue --example schema > schema/catalogue.schema.json"
    );
}

#[test]
fn every_example_of_the_reference_loads_binds_and_fits_the_schema() {
    let examples = examples();
    assert!(examples.len() >= 12, "the reference has {} examples", examples.len());
    for text in &examples {
        assert_eq!(show_all(text, &load_one(text).diagnostics), "", "{text}");
        assert_eq!(schema_faults(text), Vec::<String>::new(), "{text}");
        let mut world = World::new().in_environment("local");
        if text.contains("region:") {
            world = world.var("region", "eu");
        }
        world.document.metadata.id = Some(taskmaster_core::id::DocumentId::from("platform"));
        let faults = world.faults(text);
        assert_eq!(faults, "", "{text}");
    }
}

#[test]
fn every_code_in_the_sources_is_in_the_reference() {
    let sources = [
        include_str!("../../src/yaml/reader.rs"),
        include_str!("../../src/decode/mod.rs"),
        include_str!("../../src/decode/fields.rs"),
        include_str!("../../src/decode/scalars.rs"),
        include_str!("../../src/model/value.rs"),
        include_str!("../../src/model/when.rs"),
        include_str!("../../src/model/probe.rs"),
        include_str!("../../src/model/entry.rs"),
        include_str!("../../src/model/file.rs"),
        include_str!("../../src/model/matrix.rs"),
        include_str!("../../src/bind/matrix.rs"),
        include_str!("../../src/model/policy.rs"),
        include_str!("../../src/load.rs"),
        include_str!("../../src/template/engine.rs"),
        include_str!("../../src/template/objects.rs"),
        include_str!("../../src/template/syntax.rs"),
        include_str!("../../src/action/mod.rs"),
        include_str!("../../src/action/exec.rs"),
        include_str!("../../src/action/shell.rs"),
        include_str!("../../src/action/kubectl.rs"),
        include_str!("../../src/action/kubectl_verbs.rs"),
        include_str!("../../src/action/local_rollout.rs"),
        include_str!("../../src/action/helm.rs"),
        include_str!("../../src/action/http.rs"),
        include_str!("../../src/action/inline.rs"),
        include_str!("../../src/action/probe.rs"),
        include_str!("../../src/action/prometheus.rs"),
        include_str!("../../src/action/renderer.rs"),
        include_str!("../../src/action/rollout.rs"),
        include_str!("../../src/bind/mod.rs"),
        include_str!("../../src/bind/find.rs"),
        include_str!("../../src/bind/select.rs"),
        include_str!("../../src/bind/scope.rs"),
        include_str!("../../src/bind/combine.rs"),
        include_str!("../../src/bind/assemble.rs"),
    ];
    let mut codes: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.split('"'))
        .filter(|text| text.starts_with("schema-") || text.starts_with("bind-"))
        .filter(|text| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
        .collect();
    codes.sort_unstable();
    codes.dedup();
    assert!(codes.len() > 25, "{codes:?}");
    for code in codes {
        assert!(REFERENCE.contains(&format!("`{code}`")), "{code} is not in the reference");
    }
}

#[test]
fn every_action_is_in_the_reference() {
    for action in [
        "exec",
        "shell",
        "terraform",
        "kubectl",
        "helm",
        "argocd",
        "rollout",
        "service",
        "http",
        "prometheus",
        "approval",
        "wait",
    ] {
        assert!(REFERENCE.contains(&format!("### `{action}`")), "{action}");
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    for text in [
        "taks: {}",
        "tasks: {T1: {runn: {exec: [a]}}}",
        "tasks: {T1: {run: {exec: a b}}}",
        "tasks: {T1: {run: {exec: []}}}",
        "tasks: {T1: {run: {exec: [a], shell: b}}}",
        "tasks: {T1: {run: {exec: [a]}, timeout: 30}}",
        "tasks: {T1: {run: {exec: [a]}, timeout: 5 m}}",
        "tasks: {T1: {run: {exec: [a]}, retry: {attempts: 0}}}",
        "tasks: {T1: {run: {exec: [a]}, check: {exec: [a], shell: b}}}",
        "tasks: {T1: {run: {kubectl: {apply: a, delete: {files: b}}}}}",
        "tasks: {T1: {run: {terraform: {}}}}",
        "tasks: {T1: {run: {rollout: {kind: argo, verb: promote}}}}",
        "tasks: {T1: {run: {rollout: {kind: argo, name: web, verb: jump}}}}",
        "tasks: {T1: {run: {http: {url: 'http://a/', expect: {status: 2yy}}}}}",
        "tasks: {T1: {run: {exec: {argv: [a], env: {A: {secrt: env:X}}}}}}",
        "tasks: {T1: {run: {prometheus: {url: 'http://a/', threshold: 1}}}}",
        "tasks: {T1: {run: {prometheus: {url: 'http://a/', query: x, treshold: 1}}}}",
        "defaults: {kube: {contxt: a}}",
    ] {
        assert_ne!(show_all(text, &load_one(text).diagnostics), "", "the reader: {text}");
        assert_ne!(schema_faults(text), Vec::<String>::new(), "the schema: {text}");
    }
}

#[test]
fn an_example_with_everything_renders_as_recorded() {
    assert_eq!(schema_faults(EXAMPLE), Vec::<String>::new());
    let mut world = World::new().in_environment("prod");
    world.tools = vec!["terraform".into()];
    world.document.phases.push(phase("checks", "3", "Checks"));
    for (id, title, phase) in [
        ("T5", "Ask", "delivery"),
        ("T6", "Notify", "delivery"),
        ("T7", "Smoke test", "checks"),
        ("T8", "Rest", "checks"),
    ] {
        world.document.tasks.push(task(id, title, phase));
    }
    let bound = world.bind(EXAMPLE);
    assert_eq!(show_all(EXAMPLE, &bound.diagnostics), "");
    assert!(bound.unbound.is_empty(), "{:?}", bound.unbound);
    let mut shown = String::new();
    for binding in bound.bindings.values() {
        let action =
            binding.action.as_ref().map_or_else(|| format!("{:?}", binding.when), crate::support::describe);
        let policy = &binding.policy;
        shown += &format!(
            "# {} at {}\nneeds {:?} awaits {:?} tools {:?} locks {:?} inputs {:?}\ntimeout {:?} attempts {}\n{action}\n\n",
            binding.task,
            binding.place,
            binding.needs,
            binding.awaits,
            binding.tools,
            policy.locks,
            binding.inputs,
            policy.timeout_ms,
            policy.retry.attempts,
        );
    }
    let recorded = include_str!("../fixtures/everything.txt");
    assert!(shown.trim_end() == recorded.trim_end(), "it renders as:\n{shown}");
}

#[test]
fn the_catalogues_of_the_demo_load_and_fit_the_schema() {
    for text in [
        include_str!("../../../../tasks/local.yaml"),
        include_str!("../../../../tasks/kind.yaml"),
        include_str!("../../../../tasks/shared.yaml"),
        include_str!("../fixtures/reference.yaml"),
    ] {
        assert_eq!(show_all(text, &load_one(text).diagnostics), "");
        assert_eq!(schema_faults(text), Vec::<String>::new());
    }
}

#[test]
fn the_catalogues_of_the_cookbook_load_and_fit_the_schema() {
    let cookbook = concat!(env!("CARGO_MANIFEST_DIR"), "/../../cookbook");
    let folder = |path: &std::path::Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten();
        entries.map(|entry| entry.expect("an entry").path()).collect::<Vec<_>>()
    };
    let recipes = folder(cookbook.as_ref());
    let catalogues: Vec<_> = recipes.iter().flat_map(|recipe| folder(&recipe.join("tasks"))).collect();
    assert_eq!(catalogues.len(), 10, "{catalogues:?}");
    for path in catalogues {
        let text = std::fs::read_to_string(&path).expect("a catalogue");
        assert_eq!(show_all(&text, &load_one(&text).diagnostics), "", "{}", path.display());
        assert_eq!(schema_faults(&text), Vec::<String>::new(), "{}", path.display());
        assert!(text.contains("yaml-language-server: $schema=../../../schema/"), "{}", path.display());
    }
}
