//! Renders the texts of one task.

use super::fault::{Sources, detail, near};
use super::objects::{OutputsView, Producers, Secret, Unknown, Variable, Variables, VariablesView, to_jinja};
use super::syntax::{is_constant, sole_expression, strict_environment};
use super::trace::{Notes, Trace};
use crate::decode::{Literal, Place, RESERVED, Text};
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Template, Value as Jinja, escape_formatter};
use serde_json::Value as Json;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Arc;
use taskmaster_core::action::Value;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::id::TaskId;
use taskmaster_core::journal::OutputValue;

/// Longest text that one template may write.
pub(super) const MAX_WRITTEN: usize = 1 << 20;

/// Names that a template knows.
const ROOTS: [&str; 10] =
    ["vars", "matrix", "env", "task", "phase", "document", "outputs", "project", "state_dir", "os"];

/// Plain values by root name.
pub(crate) type Roots = BTreeMap<&'static str, Json>;

/// What a template is rendered from, besides variables.
#[derive(Clone)]
pub(crate) struct Facts<'f> {
    /// Plain values, made only where a text is a template: most are none.
    pub(crate) plain: Rc<dyn Fn() -> Roots + 'f>,
    /// Known outputs.
    pub(crate) outputs: Arc<BTreeMap<TaskId, BTreeMap<String, OutputValue>>>,
    /// Tasks and whether they give outputs.
    pub(crate) producers: Arc<Producers>,
    /// Without outputs, for what is decided before anything runs.
    pub(crate) outputs_refused: bool,
}

/// A rendered text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rendered {
    /// The text, or parts of it with secrets.
    pub(crate) value: Value,
    /// Some part is known only after a run.
    pub(crate) unknown: BTreeSet<String>,
    /// Tasks whose outputs it refers to.
    pub(crate) awaits: BTreeSet<TaskId>,
    /// Names of secrets in it.
    pub(crate) secrets: Vec<String>,
    /// It used a variable whose own fault is reported elsewhere.
    pub(crate) failed: bool,
}

/// A text that is one expression keeps the type of its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Native {
    /// A value of its own type.
    Json(Json, Rendered),
    /// A text.
    Text(Rendered),
}

/// Renders texts in one context.
pub(crate) struct Engine<'s> {
    facts: Facts<'s>,
    /// Made by the first text that is a template.
    machine: OnceCell<Machine>,
    trace: Trace,
    variables: Variables,
    sources: &'s Sources,
}

/// The template engine and all that its templates see.
struct Machine {
    environment: Environment<'static>,
    context: Jinja,
}

impl<'s> Engine<'s> {
    /// Makes an engine.
    pub(crate) fn new(facts: Facts<'s>, variables: Variables, sources: &'s Sources) -> Self {
        Self { facts, machine: OnceCell::new(), trace: Trace::default(), variables, sources }
    }

    fn machine(&self) -> &Machine {
        self.machine.get_or_init(|| Machine { environment: self.environment(), context: self.context() })
    }

    fn environment(&self) -> Environment<'static> {
        let mut environment = strict_environment();
        let trace = self.trace.clone();
        environment.set_formatter(move |out, state, value| {
            if let Some(secret) = value.downcast_object_ref::<Secret>() {
                let mut notes = trace.notes();
                let marker = format!("{}{}{}", RESERVED[0], notes.secrets.len(), RESERVED[1]);
                notes.secrets.push(secret.value.clone());
                notes.seen_secrets.push(secret.name.clone());
                return out.write_str(&marker).map_err(Error::from);
            }
            match shown(value)? {
                Some(text) => {
                    bound_output(&trace, &text)?;
                    out.write_str(&text).map_err(Error::from)
                }
                None => escape_formatter(out, state, value),
            }
        });
        environment
    }

    fn context(&self) -> Jinja {
        let plain = (self.facts.plain)();
        let mut roots: BTreeMap<&str, Jinja> =
            plain.iter().map(|(name, value)| (*name, to_jinja(value))).collect();
        let view = VariablesView { variables: self.variables.clone(), trace: self.trace.clone() };
        roots.insert("vars", Jinja::from_object(view));
        if !self.facts.outputs_refused {
            let (known, producers) = (self.facts.outputs.clone(), self.facts.producers.clone());
            let view = OutputsView { known, producers, trace: self.trace.clone() };
            roots.insert("outputs", Jinja::from_object(view));
        }
        Jinja::from_pairs(roots)
    }

    fn eval(&self, expression: &str) -> Result<Jinja, Error> {
        let machine = self.machine();
        machine.environment.compile_expression(expression)?.eval(&machine.context)
    }

    /// Renders a text.
    pub(crate) fn render(&self, text: &Text) -> Result<Rendered, Box<Diagnostic>> {
        if is_constant(&text.text) {
            return Ok(Rendered::constant(&text.text));
        }
        self.trace.take();
        let machine = self.machine();
        let template = machine.environment.template_from_str(&text.text);
        let result = template.and_then(|template| written(&template, &machine.context));
        let notes = self.trace.take();
        self.finish(result, notes, &text.text, text.place)
    }

    /// Renders a text; one that is a single expression keeps its type.
    pub(crate) fn native(&self, text: &Text) -> Result<Native, Box<Diagnostic>> {
        let Some(expression) = sole_expression(&text.text) else {
            return self.render(text).map(Native::Text);
        };
        self.trace.take();
        let Ok(value) = self.eval(expression) else {
            return self.render(text).map(Native::Text);
        };
        let is_text = matches!(value.kind(), ValueKind::String | ValueKind::Undefined | ValueKind::Plain);
        let is_unknown = !self.trace.notes().unknown.is_empty();
        if is_text || is_unknown {
            return self.render(text).map(Native::Text);
        }
        let json = serde_json::to_value(&value);
        let notes = self.trace.take();
        let Ok(json) = json else {
            return self.render(text).map(Native::Text);
        };
        let shown = Ok(json.to_string());
        let rendered = self.finish(shown, notes, &text.text, text.place)?;
        Ok(Native::Json(json, rendered))
    }

    /// Decides an expression.
    pub(crate) fn decide(&self, text: &Literal) -> Result<bool, Box<Diagnostic>> {
        self.trace.take();
        let result = self.eval(&text.text);
        let truth = result.as_ref().is_ok_and(Jinja::is_true);
        let notes = self.trace.take();
        let undefined = result.as_ref().is_ok_and(Jinja::is_undefined);
        let result = match result {
            Ok(_) if undefined => {
                Err(Error::new(ErrorKind::UndefinedError, format!("`{}` is undefined", text.text)))
            }
            other => other.map(|_| String::new()),
        };
        let rendered = self.finish(result, notes, &text.text, text.place)?;
        if rendered.awaits.is_empty() {
            return Ok(truth);
        }
        let message = "outputs cannot be read here: this is decided before anything runs";
        let found = Diagnostic::error("bind-undefined-variable", text.place.span, message);
        Err(Box::new(found.in_source(text.place.source)))
    }

    /// Makes a variable of a rendered text.
    pub(crate) fn variable(&self, name: &str, native: Native) -> Variable {
        let (json, rendered) = match native {
            Native::Json(json, rendered) => (Some(json), rendered),
            Native::Text(rendered) => (None, rendered),
        };
        let trace = self.trace.clone();
        let value = match (rendered.value, json) {
            _ if rendered.failed => None,
            (Value::Plain(shown), _) if !rendered.unknown.is_empty() => {
                Some(Jinja::from_object(Unknown { shown, trace }))
            }
            (Value::Plain(_), Some(json)) => Some(to_jinja(&json)),
            (Value::Plain(text), None) => Some(Jinja::from(text)),
            (value, _) => Some(Jinja::from_object(Secret { name: format!("vars.{name}"), value, trace })),
        };
        Variable { value, awaits: rendered.awaits, unknown: rendered.unknown }
    }

    /// Makes a variable of a value that needs no rendering.
    pub(crate) fn plain_variable(value: &Json) -> Variable {
        let value = Some(to_jinja(value));
        Variable { value, awaits: BTreeSet::new(), unknown: BTreeSet::new() }
    }

    /// Makes a variable that has a fault.
    pub(crate) fn failed_variable() -> Variable {
        Variable { value: None, awaits: BTreeSet::new(), unknown: BTreeSet::new() }
    }

    /// The variables it reads.
    pub(crate) fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The place in the file of a name that stands in a text.
    pub(crate) fn locate(&self, place: Place, text: &str, name: &str) -> taskmaster_core::text::Span {
        let range = text.find(name).map(|at| at..at + name.len());
        self.sources.locate(place, text, range)
    }

    fn finish(
        &self,
        result: Result<String, Error>,
        notes: Notes,
        text: &str,
        place: Place,
    ) -> Result<Rendered, Box<Diagnostic>> {
        let refuse = |code, name: &str, message: String| {
            let span = self.locate(place, text, name);
            Box::new(Diagnostic::error(code, span, message).in_source(place.source))
        };
        if let Some(name) = notes.mangled.first() {
            let message = format!("`{name}` is secret: it can be inserted as a whole, but not computed with");
            return Err(refuse("bind-secret-computed", name, message));
        }
        let joined = |parts: &BTreeSet<String>| parts.iter().cloned().collect::<Vec<_>>().join(" ");
        let shown = match result {
            Ok(shown) => shown,
            Err(_) if notes.used_failed => String::new(),
            Err(_) if !notes.unknown.is_empty() => joined(&notes.unknown),
            Err(error) => return Err(self.diagnose(&error, &notes, text, place)),
        };
        let Some(value) = split(&shown, &notes.secrets) else {
            let name = notes.seen_secrets.first().cloned().unwrap_or_default();
            let message = format!("`{name}` is secret: it can be inserted as a whole, but not computed with");
            return Err(refuse("bind-secret-computed", &name, message));
        };
        Ok(Rendered {
            value,
            unknown: notes.unknown,
            awaits: notes.awaits,
            secrets: notes.seen_secrets,
            failed: notes.used_failed,
        })
    }

    fn diagnose(&self, error: &Error, notes: &Notes, text: &str, place: Place) -> Box<Diagnostic> {
        let span = self.sources.locate(place, text, error.range());
        let said = detail(error);
        let explained = notes.explanations.iter().rev().find(|e| said.contains(&e.name));
        let (code, message, help) = match (error.kind(), explained) {
            (ErrorKind::UndefinedError, Some(e)) => (e.code, e.message.clone(), e.help.clone()),
            (ErrorKind::UndefinedError, None) => undefined(&said),
            (ErrorKind::OutOfFuel, _) => {
                ("bind-template", "this template takes too many steps".to_owned(), None)
            }
            _ => ("bind-template", said, None),
        };
        let found = Diagnostic::error(code, span, message).in_source(place.source);
        Box::new(match help {
            Some(help) => found.help(help),
            None => found,
        })
    }
}

/// What a template writes, up to a bound: what stands in a loop is written without any expression.
fn written(template: &Template<'_, '_>, context: &Jinja) -> Result<String, Error> {
    let mut text = Bounded(Vec::new());
    let rendered = template.render_captured_to(context.clone(), &mut text);
    if text.0.len() > MAX_WRITTEN {
        return Err(Error::new(ErrorKind::InvalidOperation, "this template writes too much"));
    }
    rendered?;
    Ok(String::from_utf8_lossy(&text.0).into_owned())
}

/// Takes texts until it has more than it may.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        if self.0.len() > MAX_WRITTEN { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn undefined(said: &str) -> (&'static str, String, Option<String>) {
    let name = said.trim_start_matches('`').split(['`', '.', '[']).next().unwrap_or_default();
    if name == "outputs" {
        let message = "outputs cannot be read here: this is decided before anything runs".to_owned();
        return ("bind-undefined-variable", message, None);
    }
    let help = match name {
        "matrix" => Some("values by axis, where the entry of the task has a `matrix`".to_owned()),
        _ if ROOTS.contains(&name) => None,
        _ => near(name, ROOTS),
    };
    ("bind-undefined-variable", said.to_owned(), help)
}

/// How values are written into a text: as YAML and JSON write them, not as Python does.
fn shown(value: &Jinja) -> Result<Option<String>, Error> {
    match value.kind() {
        ValueKind::String => Ok(value.as_str().map(str::to_owned)),
        ValueKind::Bool => Ok(Some(value.is_true().to_string())),
        ValueKind::None => Ok(Some("null".to_owned())),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => match serde_json::to_string(value) {
            Ok(json) => Ok(Some(json)),
            Err(fault) => Err(Error::new(ErrorKind::BadSerialization, fault.to_string())),
        },
        _ => Ok(None),
    }
}

/// Refuses a text that could pass for a secret's marker, and bounds the output.
fn bound_output(trace: &Trace, text: &str) -> Result<(), Error> {
    let mut notes = trace.notes();
    if text.contains(RESERVED) {
        let seen = notes.seen_secrets.first().cloned();
        notes.mangled.extend(seen);
        let message = "the value holds a character that no program could be given";
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    notes.written += text.len();
    if notes.written > MAX_WRITTEN {
        return Err(Error::new(ErrorKind::InvalidOperation, "this template writes too much"));
    }
    Ok(())
}

impl Rendered {
    /// A text in which nothing was replaced.
    pub(crate) fn constant(text: &str) -> Self {
        Self {
            value: Value::Plain(text.to_owned()),
            unknown: BTreeSet::new(),
            awaits: BTreeSet::new(),
            secrets: Vec::new(),
            failed: false,
        }
    }
}

/// Cuts a rendered text at the markers of secrets. `None` where markers were lost, doubled or cut.
fn split(shown: &str, secrets: &[Value]) -> Option<Value> {
    let mut parts = Vec::new();
    let mut inserted = 0;
    for (index, piece) in shown.split(RESERVED[0]).enumerate() {
        let plain = if index == 0 {
            piece
        } else {
            let (number, plain) = piece.split_once(RESERVED[1])?;
            parts.push(secrets.get(number.parse::<usize>().ok()?)?.clone());
            inserted += 1;
            plain
        };
        if plain.contains(RESERVED[1]) {
            return None;
        }
        if !plain.is_empty() {
            parts.push(Value::Plain(plain.to_owned()));
        }
    }
    if inserted < secrets.len() {
        return None;
    }
    Some(match parts.len() {
        0 => Value::Plain(String::new()),
        1 => parts.remove(0),
        _ => Value::Joined(flatten(parts)),
    })
}

/// A part that is itself joined becomes its parts.
fn flatten(parts: Vec<Value>) -> Vec<Value> {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            Value::Joined(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskmaster_core::action::SecretRef;

    #[test]
    fn markers_become_parts() {
        let secret = Value::Secret(SecretRef::Env("T".into()));
        let cut = |shown: &str| split(shown, std::slice::from_ref(&secret));
        assert_eq!(cut("\u{fdd0}0\u{fdd1}"), Some(secret.clone()));
        let bearer = Value::Joined(vec![Value::Plain("Bearer ".into()), secret.clone()]);
        assert_eq!(cut("Bearer \u{fdd0}0\u{fdd1}"), Some(bearer));
        for broken in ["", "\u{fdd0}0", "\u{fdd0}1\u{fdd1}", "\u{fdd1}\u{fdd0}0\u{fdd1}", "\u{fdd0}x\u{fdd1}"]
        {
            assert_eq!(cut(broken), None, "{broken:?}");
        }
    }
}
