//! docs/catalogue-reference.md: every key of a catalogue, written from the schema. Its examples are those of the guide and
//! of two catalogues of the tests, which are all proved to load; and what a key means that is not given is compared with
//! what is done.
#![expect(clippy::disallowed_methods, reason = "the crate is pure, but this test writes a page")]

use crate::support::{World, describe, load_one, show_all};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const SCHEMA: &str = include_str!("../../../../schema/catalogue.schema.json");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/catalogue-reference.md");
/// Examples come from the first of these that has one.
const EXAMPLES: [&str; 3] = [
    include_str!("../fixtures/reference.yaml"),
    include_str!("../fixtures/everything.yaml"),
    include_str!("../../../../docs/catalogue.md"),
];
/// The longest example that stands in a table.
const LONGEST: usize = 90;

/// A table of the page: how it is called, the definition whose keys it holds, and what to know first.
struct Group {
    path: &'static str,
    definition: &'static str,
    about: &'static str,
}

const fn group(path: &'static str, definition: &'static str, about: &'static str) -> Group {
    Group { path, definition, about }
}

/// In the order of the page; `File` is the schema itself.
const GROUPS: [Group; 43] = [
    group("file", "File", "The keys of a file. Those that begin with `x-` are ignored: a place for anchors."),
    group("environments", "Overlay", "Below `environments`, by name: what is otherwise there."),
    group(
        "defaults",
        "Defaults",
        "For every task of the file or environment; the keys of [policy](#policy) stand here, too.",
    ),
    group(
        "tasks",
        "Entry",
        "An entry of `tasks`: how one task is done. The keys of [policy](#policy) stand here, too.",
    ),
    group("matrix", "Matrix", "Values by axis, such as `region: [eu, us]`, and these keys beside them."),
    group("policy", "Policy", "In `defaults` and in an entry: how a task is run, besides what is run."),
    group("retry", "Retry", "In [policy](#policy)."),
    group("vars", "Declaration", "A variable is a value, a [secret](#secret), or a mapping of these keys."),
    group(
        "secret",
        "Secret",
        "A reference in place of a value: `env:NAME`, `file:PATH`, `exec:PROGRAM ARGUMENT…` or `{exec: [PROGRAM, ARGUMENT]}`.",
    ),
    group("when", "Condition", "An expression, a mapping of these keys, or a list of both."),
    group(
        "check",
        "Probe",
        "A question: `check` and `verify` take exactly one way to ask, and how its answer is read.",
    ),
    group("output", "OutputCondition", "In a question, and in `expect.body` of a request."),
    group(
        "kube",
        "KubeSettings",
        "Settings of a cluster: in `defaults`, and in the actions `kubectl`, `helm` and `rollout`.",
    ),
    group(
        "argocd-settings",
        "ArgocdSettings",
        "Settings of Argo CD: `argocd` in `defaults`, and in each action `argocd`.",
    ),
    group("exec", "ExecFields", "Short form: the list of `argv`."),
    group("shell", "ShellFields", "Short form: the script."),
    group("terraform", "Terraform", ""),
    group("kubectl", "Kubectl", "Exactly one verb; the keys of [kube](#kube) stand here, too."),
    group(
        "kubectl.apply",
        "KubectlApply",
        "Short form: files. Exactly one of `files`, `kustomize` and `manifest`.",
    ),
    group("kubectl.delete", "KubectlDelete", ""),
    group("kubectl.create_namespace", "NamespaceSettings", "Short form: its name."),
    group("kubectl.wait", "KubectlWait", "Also an item of `ready` of `apply`."),
    group("kubectl.rollout", "KubectlRollout", ""),
    group("helm", "Helm", "Exactly one verb; the keys of [kube](#kube) stand here, too."),
    group("helm.upgrade", "HelmUpgrade", ""),
    group("helm.rollback", "HelmRollback", ""),
    group("helm.uninstall", "HelmUninstall", ""),
    group("helm.test", "HelmTest", ""),
    group(
        "argocd",
        "Argocd",
        "Exactly one verb; the [settings of Argo CD](#argocd-settings) stand here, too.",
    ),
    group("argocd.create", "ArgocdCreate", ""),
    group("argocd.sync", "ArgocdSync", ""),
    group("argocd.wait", "ArgocdWait", ""),
    group("argocd.rollback", "ArgocdRollback", ""),
    group("argocd.set", "ArgocdSet", ""),
    group("rollout", "ClusterRollout", "Of a cluster; the keys of [kube](#kube) stand here, too."),
    group("rollout.local", "LocalRollout", "Of this machine, with `kind: local`."),
    group("service", "Service", ""),
    group("http", "HttpRequest", "Short form: the URL."),
    group("http.expect", "HttpExpected", ""),
    group("prometheus", "Prometheus", "Exactly one of `threshold`, `range` and the conditions."),
    group("prometheus.range", "GateRange", ""),
    group("approval", "ApprovalFields", "Short form: the question."),
    group("wait", "WaitFields", "Short form: the duration."),
];

/// Keys that several tables share stand in one of their own: the table, those that leave them out, and the definition that
/// holds them beside `but`.
const SHARED: [(&str, &[&str], &str, &[&str]); 3] = [
    ("policy", &["Entry", "Defaults"], "Defaults", &["kube", "argocd"]),
    ("kube", &["Kubectl", "Helm", "ClusterRollout"], "KubeSettings", &[]),
    ("argocd-settings", &["Argocd"], "ArgocdSettings", &[]),
];

/// The schema, and where things stand in it.
struct Schema(Json);

/// A place in an example at which the keys of a table stand.
struct Instance {
    path: &'static str,
    /// Which example, and where in it.
    text: usize,
    pointer: String,
}

/// What is found by walking through examples.
#[derive(Default)]
struct Found {
    /// Values by table and key; those of earlier examples first.
    values: BTreeMap<(&'static str, String), Vec<Json>>,
    instances: Vec<Instance>,
}

impl Schema {
    fn read() -> Self {
        Self(serde_json::from_str(SCHEMA).expect("the schema is JSON"))
    }

    fn definition(&self, name: &str) -> &Json {
        if name == "File" { &self.0 } else { &self.0["definitions"][name] }
    }

    /// The mapping of a definition, which may be one of several forms of it.
    fn mapping<'a>(&'a self, name: &str) -> &'a Json {
        let definition = self.definition(name);
        let forms = definition["anyOf"].as_array().into_iter().flatten();
        std::iter::once(definition)
            .chain(forms)
            .find(|form| form["properties"].is_object())
            .unwrap_or(&Json::Null)
    }

    /// The keys of a table: those that must be given first, then by name.
    fn keys(&self, group: &Group) -> Vec<(&str, &Json, bool)> {
        let (name, but) = match SHARED.iter().find(|shared| shared.0 == group.path) {
            Some((_, _, name, but)) => (*name, but.to_vec()),
            None => (group.definition, self.keys_of_others(group.definition)),
        };
        let mapping = self.mapping(name);
        let is_required =
            |key: &str| mapping["required"].as_array().is_some_and(|all| all.contains(&json!(key)));
        let all = mapping["properties"].as_object().unwrap_or_else(|| panic!("{name} has no keys"));
        let mut keys: Vec<_> =
            all.iter().map(|(key, schema)| (key.as_str(), schema, is_required(key))).collect();
        keys.retain(|(key, _, _)| !but.contains(key));
        keys.sort_by_key(|(key, _, required)| (!required, *key));
        keys
    }

    /// Keys of a definition that stand in a table of their own.
    fn keys_of_others(&self, definition: &str) -> Vec<&str> {
        let shared = SHARED.iter().filter(|(_, users, _, _)| users.contains(&definition));
        let keys = shared.flat_map(|(_, _, name, but)| {
            let all = self.mapping(name)["properties"].as_object().into_iter().flatten();
            all.map(|(key, _)| key.as_str()).filter(|key| !but.contains(key))
        });
        keys.collect()
    }

    /// The table in which a key of a definition stands.
    fn table(&self, definition: &str, key: &str) -> Option<&'static str> {
        let has = |name: &str, but: &[&str]| {
            !but.contains(&key) && !self.mapping(name)["properties"][key].is_null()
        };
        let shared = SHARED.iter().find(|(_, users, name, but)| {
            (users.contains(&definition) || *name == definition) && has(name, but)
        });
        let own = || GROUPS.iter().find(|group| group.definition == definition).map(|group| group.path);
        shared.map(|shared| shared.0).or_else(own)
    }

    /// Walks through an example as the schema leads, and keeps what stands at each key.
    fn walk(&self, schema: &Json, value: &Json, at: (usize, &str), found: &mut Found) {
        let form = self.form(schema, value);
        if let Some(name) = name_of(form) {
            self.note(name, value, at, found);
            return self.walk(self.definition(name), value, at, found);
        }
        let deeper = |key: &str| (at.0, format!("{}/{}", at.1, key.replace('~', "~0").replace('/', "~1")));
        match value {
            Json::Object(members) => {
                for (key, member) in members {
                    let (text, pointer) = deeper(key);
                    let below = [&form["properties"][key], &form["additionalProperties"]];
                    if let Some(below) = below.into_iter().find(|below| below.is_object()) {
                        self.walk(below, member, (text, &pointer), found);
                    }
                }
            }
            Json::Array(items) if form["items"].is_object() => {
                for (place, item) in items.iter().enumerate() {
                    let (text, pointer) = deeper(&place.to_string());
                    self.walk(&form["items"], item, (text, &pointer), found);
                }
            }
            _ => {}
        }
    }

    /// The form of a schema that a value has, as far as that leads on.
    fn form<'a>(&'a self, schema: &'a Json, value: &Json) -> &'a Json {
        let forms = ["anyOf", "oneOf", "allOf"].iter().find_map(|word| {
            let forms = schema[word].as_array()?;
            forms
                .iter()
                .all(|form| form["required"].is_null() || form["properties"].is_object())
                .then_some(forms)
        });
        let Some(forms) = forms else { return schema };
        let form = forms.iter().find(|form| self.could_be(form, value)).unwrap_or(&Json::Null);
        if form["anyOf"].is_array() { self.form(form, value) } else { form }
    }

    fn could_be(&self, schema: &Json, value: &Json) -> bool {
        if let Some(name) = name_of(schema) {
            return self.could_be(self.definition(name), value);
        }
        if let Some(properties) = schema["properties"].as_object() {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str);
            let is_closed = schema["additionalProperties"] == json!(false);
            let fits = |(key, member): (&String, &Json)| match properties.get(key) {
                Some(below) => self.could_be(below, member),
                None => !is_closed,
            };
            return value.as_object().is_some_and(|value| {
                required.clone().all(|key| value.contains_key(key)) && value.iter().all(fits)
            });
        }
        if let Some(forms) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
            return forms.iter().any(|form| self.could_be(form, value));
        }
        if let Some(all) = schema["allOf"].as_array() {
            return all.iter().all(|one| self.could_be(one, value));
        }
        if let Some(word) = schema.get("const") {
            return word == value;
        }
        if let Some(words) = schema["enum"].as_array() {
            return words.contains(value);
        }
        let kind = match value {
            Json::Object(_) => "object",
            Json::Array(_) => "array",
            Json::String(_) => "string",
            Json::Bool(_) => "boolean",
            Json::Number(_) => "integer",
            Json::Null => "null",
        };
        match &schema["type"] {
            Json::String(word) => word == kind || (word == "number" && kind == "integer"),
            Json::Array(words) => {
                words.contains(&json!(kind)) || (kind == "integer" && words.contains(&json!("number")))
            }
            _ => true,
        }
    }

    fn note(&self, definition: &str, value: &Json, at: (usize, &str), found: &mut Found) {
        let Some(members) = value.as_object().filter(|_| self.mapping(definition).is_object()) else {
            return;
        };
        let tables: BTreeSet<&'static str> =
            self.keys_of_others(definition).iter().filter_map(|key| self.table(definition, key)).collect();
        let own = GROUPS.iter().find(|group| group.definition == definition).map(|group| group.path);
        for path in tables.into_iter().chain(own) {
            found.instances.push(Instance { path, text: at.0, pointer: at.1.to_owned() });
        }
        for (key, member) in members {
            if let Some(path) = self.table(definition, key) {
                found.values.entry((path, key.clone())).or_default().push(member.clone());
            }
        }
    }

    /// What a key takes, in words.
    fn kind(&self, schema: &Json) -> String {
        if let Some(name) = name_of(schema) {
            return self.kind_of(name);
        }
        if let [only] = schema["allOf"].as_array().map_or(&[][..], Vec::as_slice) {
            return self.kind(only);
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(forms) = schema[word].as_array() {
                return self.one_of(forms);
            }
        }
        if let Some(constant) = schema["const"].as_str() {
            return format!("`{constant}`");
        }
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<String> =
                words.iter().filter_map(Json::as_str).map(|word| format!("`{word}`")).collect();
            return either(&words);
        }
        let is = |kind: &str| {
            schema["type"] == kind || schema["type"].as_array().is_some_and(|all| all.contains(&json!(kind)))
        };
        if is("array") && schema["items"].is_object() {
            format!("list of {}", self.kind(&schema["items"]))
        } else if is("object") && schema["additionalProperties"].is_object() {
            format!("mapping of {}", self.kind(&schema["additionalProperties"]))
        } else if is("object") {
            "mapping".to_owned()
        } else if is("boolean") {
            "true or false".to_owned()
        } else if is("integer") {
            "number".to_owned()
        } else if is("string") {
            "text".to_owned()
        } else {
            panic!("no words for {schema}")
        }
    }

    /// A value, or a list of such values, is said once.
    fn one_of(&self, forms: &[Json]) -> String {
        let mut kinds: Vec<String> = Vec::new();
        for form in forms.iter().filter(|form| form["type"] != "null") {
            let kind = self.kind(form);
            let is_list = kinds.iter().any(|one| kind == format!("list of {one}"));
            let kind = if is_list { "list of them".to_owned() } else { kind };
            if !kinds.contains(&kind)
                && kind.to_lowercase() != kinds.last().map_or(String::new(), |last| last.to_lowercase())
            {
                kinds.push(kind);
            }
        }
        either(&kinds)
    }

    fn kind_of(&self, name: &str) -> String {
        let words = match name {
            "Literal" => "text",
            "Text" => "[template](#words)",
            "Tree" => "[any value](#words)",
            "Duration" => "[duration](#words)",
            "Attempts" => "number, 1 to 1000",
            "Argv" => "list of [templates](#words)",
            "ActionSpec" => "[action](#actions)",
            "Probe" => "[question](#check)",
            "Tasks" => "mapping of [entries](#tasks) by id, or list of them",
            "Secret" => "[secret](#secret)",
            "When" => "[condition](#when)",
            "Status" => "code, or range of codes",
            _ => "",
        };
        if !words.is_empty() {
            return words.to_owned();
        }
        let of_group = GROUPS.iter().find(|group| group.definition == name);
        match of_group {
            Some(group) => format!("[{0}](#{0})", group.path),
            None => self.kind(self.definition(name)),
        }
    }

    /// The words of an enumeration, through everything that may stand around it; other mappings are not entered.
    fn words<'a>(&'a self, schema: &'a Json, words: &mut Vec<&'a Json>) {
        if schema["const"].is_string() {
            words.push(schema);
        }
        let forms = ["anyOf", "allOf", "oneOf"].iter().filter_map(|word| schema[word].as_array()).flatten();
        forms.filter(|form| form["properties"].is_null()).for_each(|form| self.words(form, words));
        if schema["items"].is_object() && name_of(&schema["items"]).is_none() {
            self.words(&schema["items"], words);
        }
        if let Some(definition) = name_of(schema).map(|name| self.definition(name))
            && definition["properties"].is_null()
            && definition["anyOf"].is_null()
        {
            self.words(definition, words);
        }
    }

    /// What the words of a key mean, where it takes one of several that are explained.
    fn meanings(&self, schema: &Json) -> String {
        let mut words = Vec::new();
        self.words(schema, &mut words);
        let told = words.into_iter().filter_map(|word| {
            let (word, about) = (word["const"].as_str()?, word["description"].as_str()?);
            let about = lower(about.trim_end_matches('.'));
            (about.to_lowercase() != word).then(|| format!("`{word}`: {about}"))
        });
        told.collect::<Vec<_>>().join("; ")
    }
}

fn name_of(schema: &Json) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/definitions/")
}

fn either(kinds: &[String]) -> String {
    match kinds {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] if last.starts_with("list of") => {
            format!("{}, or a {last}", either(before))
        }
        [before @ .., last] => format!("{} or {last}", before.join(", ")),
    }
}

/// A sentence that goes on: its first word is no name.
fn lower(text: &str) -> String {
    let is_name = text.chars().nth(1).is_some_and(char::is_uppercase)
        || text.starts_with(['`', 'A']) && text.starts_with("Argo");
    let mut letters = text.chars();
    match letters.next().filter(|_| !is_name) {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => text.to_owned(),
    }
}

/// A value as YAML writes it on one line.
fn flow(value: &Json) -> String {
    match value {
        Json::Object(members) => {
            let all: Vec<String> =
                members.iter().map(|(key, value)| format!("{}: {}", plain(key), flow(value))).collect();
            format!("{{{}}}", all.join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Json::String(text) => plain(text),
        other => other.to_string(),
    }
}

/// A text without quotes where YAML reads it back as it is.
fn plain(text: &str) -> String {
    let begins_well =
        text.trim_start_matches('-').starts_with(|c: char| c.is_alphanumeric() || "/._".contains(c));
    let is_plain = begins_well && !text.contains(['{', '}', '[', ']', ',', '"', '\'', '\n', '`']);
    let read: Result<Json, _> = serde_yaml::from_str(&format!("{{x: {text}}}"));
    if is_plain && read.is_ok_and(|read| read == json!({ "x": text })) {
        text.to_owned()
    } else {
        json!(text).to_string()
    }
}

/// The examples as values: a catalogue, or the blocks of a page.
fn examples() -> Vec<Json> {
    let blocks = EXAMPLES.iter().flat_map(|text| match text.contains("```yaml\n") {
        true => text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect(),
        false => vec![*text],
    });
    let parsed = blocks.map(|text| {
        let mut value: serde_yaml::Value = serde_yaml::from_str(text).expect("the example is YAML");
        value.apply_merge().expect("merge keys");
        serde_json::to_value(value).expect("as JSON")
    });
    parsed.collect()
}

fn found(schema: &Schema, examples: &[Json]) -> Found {
    let mut found = Found::default();
    for (place, example) in examples.iter().enumerate() {
        schema.note("File", example, (place, ""), &mut found);
        schema.walk(&schema.0, example, (place, ""), &mut found);
    }
    found
}

/// The first example that is short enough.
fn example(found: &Found, group: &Group, key: &str) -> Option<String> {
    let values = found.values.get(&(group.path, key.to_owned()))?;
    let told = values.iter().map(|value| format!("{key}: {}", flow(value)));
    told.into_iter().find(|told| told.chars().count() <= LONGEST)
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page() -> String {
    let schema = Schema::read();
    let found = found(&schema, &examples());
    let mut text = HEAD.to_owned();
    let mut missing = Vec::new();
    for group in &GROUPS {
        let links: Vec<String> = schema
            .keys(group)
            .iter()
            .map(|(key, _, _)| format!("[`{key}`](#{}.{key})", group.path))
            .collect();
        let _ = writeln!(text, "| [{0}](#{0}) | {1} |", group.path, links.join(" "));
    }
    text += WORDS;
    for group in &GROUPS {
        if group.path == "exec" {
            text += &actions(&schema);
        }
        let about = schema.mapping(group.definition)["description"].as_str().unwrap_or_default();
        let about = if group.about.is_empty() { about } else { group.about };
        let _ = write!(text, "\n<a id=\"{0}\"></a>\n\n## `{0}`\n\n{1}\n\n", group.path, cell(about));
        text += "| Key | Takes | Default | Meaning | Example |\n|---|---|---|---|---|\n";
        for (key, of, is_required) in schema.keys(group) {
            let anchor = format!("{}.{key}", group.path);
            // What has a table of its own is called like it.
            let shown = match GROUPS.iter().any(|group| group.path == anchor) {
                true => format!("[`{key}`](#{anchor})"),
                false => format!("<a id=\"{anchor}\"></a>`{key}`"),
            };
            let default = match &of["default"] {
                _ if is_required => "**required**".to_owned(),
                Json::Null => String::new(),
                default => format!("`{}`", flow(default)),
            };
            let told = example(&found, group, key);
            if told.is_none() {
                missing.push(anchor.clone());
            }
            let meaning = cell(of["description"].as_str().unwrap_or_default());
            let words = schema.meanings(of);
            let meaning = if words.is_empty() { meaning } else { format!("{meaning} {}", cell(&words)) };
            let _ = writeln!(
                text,
                "| {shown} | {} | {} | {meaning} | `{}` |",
                cell(&schema.kind(of)),
                cell(&default),
                cell(&told.unwrap_or_default()),
            );
        }
    }
    assert!(missing.is_empty(), "give short examples in fixtures/reference.yaml: {missing:?}");
    text
}

/// Which actions there are.
fn actions(schema: &Schema) -> String {
    let mut text = "\n<a id=\"actions\"></a>\n\n## Actions\n\nWhat `run` and `undo` take: a mapping with one of these keys, or a list of such mappings.\n\n| Action | What it is |\n|---|---|\n".to_owned();
    for action in schema.definition("ActionSpec")["oneOf"].as_array().expect("actions") {
        let name = action["required"][0].as_str().expect("a name");
        let _ = writeln!(
            text,
            "| [`{name}`](#{name}) | {} |",
            cell(action["description"].as_str().unwrap_or_default())
        );
    }
    text
}

const HEAD: &str = "\
# Catalogues: every key

Every key that a file in `tasks/` may hold. This page is written from the [schema](../schema/catalogue.schema.json) by a test, so it is what
the reader reads; [the guide](catalogue.md) says what it is for. Each key has an anchor of its own: its table, a dot and its name, such as
[`#policy.timeout`](#policy.timeout).

| Table | Keys |
|---|---|
";

const WORDS: &str = "
<a id=\"words\"></a>

## What keys take

- A **text** is taken as it is; a **template** is a text in which `{{ … }}` is [replaced](catalogue.md#templates); numbers and truth values are
  texts, too. In **any value** all texts are templates, and one that is a single `{{ … }}` keeps the type of its value.
- A **duration** is `250ms`, `30s`, `5m`, `1h30m`, `2d`, or 0.
- What takes a list takes one item without brackets, too, where the table says so.
- No default: nothing happens, or the tool decides.
";

/// `UPDATE_REFERENCE=1 cargo test -p taskmaster-catalogue --test it reference` writes it anew.
#[test]
fn the_page_is_current() {
    let text = page();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(PAGE, &text).expect("it can be written");
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == text,
        "docs/catalogue-reference.md is not current: run this test with UPDATE_REFERENCE=1"
    );
}

/// Nothing of the schema is left out, and no anchor leads to two places or to none.
#[test]
fn every_mapping_has_a_table_and_every_link_a_place() {
    let schema = Schema::read();
    let tables: BTreeSet<&str> = GROUPS.iter().map(|group| group.definition).collect();
    for (name, definition) in schema.0["definitions"].as_object().expect("definitions") {
        if definition["properties"].is_object() {
            assert!(tables.contains(name.as_str()), "{name} has no table");
        }
    }
    let text = page();
    let mut anchors: Vec<&str> =
        text.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let count = anchors.len();
    anchors.sort_unstable();
    anchors.dedup();
    assert_eq!(anchors.len(), count, "an anchor stands twice");
    assert!(count > 200, "{count} anchors");
    for link in text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(anchors.contains(&link), "#{link} leads nowhere");
    }
}

/// Everything that a catalogue binds, as text.
fn outcome(value: &Json) -> Result<String, String> {
    let text = serde_yaml::to_string(value).expect("as YAML");
    let mut world = World::new().in_environment("local").var("region", "eu");
    world.document.metadata.id = Some(taskmaster_core::id::DocumentId::from("platform"));
    world.tools = vec!["terraform".to_owned()];
    let loaded = load_one(&text);
    let bound = world.with(|inputs| loaded.catalogue.bind(inputs));
    let faults = show_all(&text, &[loaded.diagnostics, bound.diagnostics].concat());
    // That a variable is given which this example does not use is no fault of it.
    if faults.contains("error[") {
        return Err(faults);
    }
    let mut all = String::new();
    for binding in bound.bindings.values() {
        let action = binding.action.as_ref().map(describe).unwrap_or_default();
        let _ = writeln!(
            all,
            "{} {:?} {:?} {:?}\n{action}",
            binding.task, binding.when, binding.policy, binding.inputs
        );
    }
    Ok(all)
}

/// Where an action has a default of its own, as the page says there.
fn is_of_its_own(path: &str, key: &str, place: &Json) -> bool {
    match (path, key) {
        ("tasks", "outputs") => flow(place).contains("terraform"),
        ("check", "true_codes" | "false_codes") => place.get("exec").or(place.get("shell")).is_none(),
        _ => false,
    }
}

/// A key with the value that the page calls its default does what the same text without the key does.
#[test]
fn defaults_are_what_is_done() {
    let schema = Schema::read();
    let examples = examples();
    let found = found(&schema, &examples);
    let mut unproved = Vec::new();
    for group in &GROUPS {
        for (key, of, _) in schema.keys(group).iter().filter(|(_, of, _)| !of["default"].is_null()) {
            let mut proofs = 0;
            for instance in found.instances.iter().filter(|instance| instance.path == group.path) {
                let without = &examples[instance.text];
                // Another layer may have given another value.
                let is_layered = without.get("defaults").is_some() || without.get("environments").is_some();
                let place = without.pointer(&instance.pointer).expect("a place");
                if is_layered || place.get(key).is_some() || is_of_its_own(group.path, key, place) {
                    continue;
                }
                let mut with = without.clone();
                let members =
                    with.pointer_mut(&instance.pointer).and_then(Json::as_object_mut).expect("a mapping");
                members.insert((*key).to_owned(), of["default"].clone());
                // Where the key may not stand it says nothing.
                let (Ok(without), Ok(with)) = (outcome(without), outcome(&with)) else { continue };
                assert_eq!(with, without, "{}.{key}: {}", group.path, of["default"]);
                proofs += 1;
            }
            if proofs == 0 {
                unproved.push(format!("{}.{key}", group.path));
            }
        }
    }
    assert!(unproved.is_empty(), "no example tells the default of {unproved:?}");
}
