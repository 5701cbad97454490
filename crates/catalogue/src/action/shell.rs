//! `shell`: a script that is never a template.
//!
//! The body goes to the interpreter as the argument of `-c`: on standard input it would compete with
//! the script's own reads. Values reach it as environment: `TM_VAR_<NAME>` for each variable that the
//! body names, so a script gets no more secrets than it uses and its digest changes with nothing else.

use super::command::Command;
use super::{Parts, Renderer, process};
use crate::decode::{Context, Decode, Literal, Map, Place, Text, record};
use crate::model::ValueSpec;
use crate::template::near;
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use std::collections::BTreeMap;
use taskmaster_core::action::{ProcessSpec, Step, Value};

/// Longest script: Linux takes no single argument of 128 KiB or more.
pub(crate) const MAX_SCRIPT: usize = 100_000;
/// Begins the names of variables in the environment of a script.
pub(crate) const PREFIX: &str = "TM_VAR_";

/// `shell: script`, or a mapping with `script` and more.
#[derive(Clone, Debug)]
pub(crate) struct ShellSpec(ShellFields);

record! {
    "a shell script"
    /// A script. Its text is not a template: `$TM_VAR_NAME` is the variable `name`.
    pub(crate) struct ShellFields {
        /// The script.
        script: Literal,
        /// Program that reads it, and its arguments; the script follows as the last one.
        interpreter: Option<Vec<Literal>> = ["sh", "-eu", "-c"],
        /// Working directory, relative to the project's root, which it is otherwise.
        cwd: Option<Text>,
        /// Added to the inherited environment.
        #[schemars(default)]
        env: Map<ValueSpec>,
        /// Given on standard input.
        stdin: Option<ValueSpec>,
    }
}

impl Decode for ShellSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let fields = match &node.data {
            Data::Mapping(_) => ShellFields::decode(node, cx)?,
            _ => {
                let script = Literal::decode(node, cx)?;
                ShellFields { script, interpreter: None, cwd: None, env: Map::default(), stdin: None }
            }
        };
        if fields.script.text.len() > MAX_SCRIPT {
            let help = "put it into a file of its own and run that by `exec`";
            let message = format!("a script of more than {MAX_SCRIPT} bytes");
            cx.error_with_help("schema-limit", fields.script.place.span, message, help);
            return None;
        }
        if fields.script.text.trim().is_empty() {
            cx.error("schema-value", fields.script.place.span, "this script is empty");
            return None;
        }
        if fields.interpreter.as_ref().is_some_and(Vec::is_empty) {
            cx.error("schema-value", node.span, "this list of an interpreter's arguments is empty");
            return None;
        }
        Some(Self(fields))
    }
}

impl ShellSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>) -> Parts {
        Parts { run: vec![self.step(r)], ..Parts::default() }
    }

    /// Its only step.
    pub(crate) fn step(&self, r: &Renderer<'_>) -> Step {
        let spec = &self.0;
        let interpreter: Vec<&str> = match &spec.interpreter {
            Some(words) => words.iter().map(|word| word.text.as_str()).collect(),
            None => vec!["sh", "-eu", "-c"],
        };
        let mut built = script_process(r, &interpreter, &spec.script.text, spec.script.place, |used| {
            self.undeclared(r, used);
        });
        built.env.extend(r.values(&spec.env));
        built.stdin = spec.stdin.as_ref().map(|stdin| r.value(stdin));
        built.cwd = spec.cwd.as_ref().map(|cwd| r.path(cwd)).filter(|cwd| !cwd.is_empty());
        process("shell", built)
    }

    fn undeclared(&self, r: &Renderer<'_>, used: &str) {
        let declared = self.0.env.get(used).is_some();
        if declared {
            return;
        }
        let script = &self.0.script;
        let span = r.engine.locate(script.place, &script.text, used);
        let names: Vec<String> =
            r.engine.variables().names().iter().map(|name| variable_name(name)).collect();
        let help =
            near(used, names.iter().map(String::as_str)).unwrap_or_else(|| "declare it in `vars`".to_owned());
        let place = Place { source: script.place.source, span };
        r.error("bind-undefined-variable", place, format!("no variable is handed over as `{used}`"), &help);
    }
}

/// The process of a script: interpreter, body, and the variables that the body names.
pub(crate) fn script_process(
    r: &Renderer<'_>,
    interpreter: &[&str],
    body: &str,
    place: Place,
    mut undeclared: impl FnMut(&str),
) -> ProcessSpec {
    let names = r.engine.variables().names();
    let by_name: BTreeMap<String, &String> = names.iter().map(|name| (variable_name(name), name)).collect();
    let mut command = Command::new(interpreter).arg(body);
    for used in variables_in(body) {
        match by_name.get(&used) {
            Some(name) => command = command.env(&used, r.variable(name, place)),
            None => undeclared(&used),
        }
    }
    let facts = &r.facts;
    let own = [
        ("TM_TASK", facts.id.as_str()),
        ("TM_ENVIRONMENT", &facts.environment),
        ("TM_PROJECT", &facts.project),
        ("TM_STATE_DIR", &facts.state_dir),
    ];
    command.envs(own.map(|(name, value)| (name.to_owned(), Value::Plain(value.to_owned())))).build()
}

/// `TM_VAR_IMAGE_TAG` of `image_tag` and `image-tag`.
pub(crate) fn variable_name(name: &str) -> String {
    let upper = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    PREFIX.chars().chain(upper).collect()
}

/// Every `TM_VAR_…` that a script names, sorted.
fn variables_in(body: &str) -> Vec<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names: Vec<String> = body
        .match_indices(PREFIX)
        .filter(|(at, _)| !body[..*at].ends_with(is_name))
        .map(|(at, _)| body[at..].chars().take_while(|c| is_name(*c)).collect::<String>())
        .filter(|name| name.len() > PREFIX.len())
        .collect();
    names.sort();
    names.dedup();
    names
}

impl JsonSchema for ShellSpec {
    fn schema_name() -> Cow<'static, str> {
        "Shell".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = generator.subschema_for::<Literal>();
        let long = generator.subschema_for::<ShellFields>();
        json_schema!({ "anyOf": [short, long] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_names_its_variables() {
        let body = "echo $TM_VAR_A \"${TM_VAR_B_2:-x}\" $XTM_VAR_C TM_VAR_ $TM_VAR_A\n";
        assert_eq!(variables_in(body), ["TM_VAR_A", "TM_VAR_B_2"]);
        assert_eq!(variable_name("image-tag"), "TM_VAR_IMAGE_TAG");
    }
}
