//! The objects that templates see: secrets, unknown values, variables and outputs.

use super::fault::near;
use super::trace::{Explanation, Trace};
use minijinja::Value as Jinja;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use taskmaster_core::action::{SecretRef, Value};
use taskmaster_core::id::TaskId;
use taskmaster_core::journal::OutputValue;

/// Which tasks there are, and whether each gives outputs.
pub(crate) type Producers = BTreeMap<TaskId, bool>;

/// A secret, or a text that holds one.
#[derive(Debug)]
pub(super) struct Secret {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) trace: Trace,
}

impl Object for Secret {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    /// Only reached where a filter or an operator wants the text: that is noted and refused.
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trace.notes().mangled.push(self.name.clone());
        f.write_str("<secret>")
    }
}

/// A value that is known only after other tasks have run.
#[derive(Debug)]
pub(super) struct Unknown {
    pub(super) shown: String,
    pub(super) trace: Trace,
}

impl Object for Unknown {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    /// A part of what is unknown is unknown.
    fn get_value(self: &Arc<Self>, _: &Jinja) -> Option<Jinja> {
        Some(Jinja::from_dyn_object(self.clone()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trace.notes().unknown.insert(self.shown.clone());
        f.write_str(&self.shown)
    }
}

/// A JSON value as templates see it.
pub(super) fn to_jinja(value: &Json) -> Jinja {
    match value {
        Json::Null => Jinja::from(()),
        Json::Bool(truth) => Jinja::from(*truth),
        Json::String(text) => Jinja::from(text.as_str()),
        Json::Array(items) => items.iter().map(to_jinja).collect::<Vec<Jinja>>().into(),
        Json::Object(map) => {
            Jinja::from_pairs(map.iter().map(|(key, value)| (key.as_str(), to_jinja(value))))
        }
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), _, _) => Jinja::from(whole),
            (None, Some(whole), _) => Jinja::from(whole),
            (None, None, fraction) => Jinja::from(fraction.unwrap_or(f64::NAN)),
        },
    }
}

/// The placeholder of an output.
pub(super) fn placeholder(task: &TaskId, name: &str) -> String {
    format!("<{task}.{name}: known after run>")
}

/// One evaluated variable.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    /// Its value; none where it has a fault.
    pub(super) value: Option<Jinja>,
    /// Tasks whose outputs it is made from.
    pub(super) awaits: BTreeSet<TaskId>,
    /// Placeholders in it.
    pub(super) unknown: BTreeSet<String>,
}

/// `vars`: filled while variables are evaluated, then read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    known: BTreeMap<String, Variable>,
    /// Names that have a value or will have one, for hints.
    declared: BTreeSet<String>,
    /// Declared, but without a value: name and what the declaration says about it.
    missing: BTreeMap<String, Option<String>>,
}

impl Variables {
    fn with<R>(&self, f: impl FnOnce(&mut Table) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Announces names before their values are known.
    pub(crate) fn declare<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        self.with(|table| table.declared.extend(names.into_iter().map(str::to_owned)));
    }

    /// Adds an evaluated variable.
    pub(crate) fn insert(&self, name: &str, variable: Variable) {
        self.with(|table| table.known.insert(name.to_owned(), variable));
    }

    /// Adds a declared variable that was given no value.
    pub(crate) fn insert_missing(&self, name: &str, description: Option<String>) {
        self.with(|table| table.missing.insert(name.to_owned(), description));
    }

    /// Names with a value, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        self.with(|table| table.known.keys().cloned().collect())
    }

    fn explain(&self, name: &str) -> Explanation {
        let known = self.with(|table| table.declared.clone());
        let missing = self.with(|table| table.missing.get(name).cloned());
        match missing {
            Some(description) => Explanation {
                name: name.to_owned(),
                code: "bind-missing-variable",
                message: match description {
                    Some(text) => format!("the variable `{name}` ({text}) has no value"),
                    None => format!("the variable `{name}` has no value"),
                },
                help: Some(format!("give it one: `--var {name}=…`, or in this environment's `vars`")),
            },
            None => Explanation {
                name: name.to_owned(),
                code: "bind-undefined-variable",
                message: format!("there is no variable `{name}`"),
                help: near(name, known.iter().map(String::as_str)),
            },
        }
    }
}

/// `vars` as one template sees it.
#[derive(Debug)]
pub(super) struct VariablesView {
    pub(super) variables: Variables,
    pub(super) trace: Trace,
}

impl Object for VariablesView {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let name = key.as_str()?;
        let Some(variable) = self.variables.with(|table| table.known.get(name).cloned()) else {
            let explanation = self.variables.explain(name);
            self.trace.notes().explanations.push(explanation);
            return None;
        };
        let mut notes = self.trace.notes();
        notes.awaits.extend(variable.awaits);
        notes.unknown.extend(variable.unknown);
        notes.used_failed |= variable.value.is_none();
        Some(variable.value.unwrap_or_else(|| Jinja::from("")))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.variables.names().into_iter().map(Jinja::from).collect())
    }
}

/// `outputs`: one entry a task.
#[derive(Debug)]
pub(super) struct OutputsView {
    pub(super) known: Arc<BTreeMap<TaskId, BTreeMap<String, OutputValue>>>,
    pub(super) producers: Arc<Producers>,
    pub(super) trace: Trace,
}

impl OutputsView {
    fn refuse(&self, name: &str, message: String, help: Option<String>) {
        let code = "bind-unknown-output";
        self.trace.notes().explanations.push(Explanation { name: name.to_owned(), code, message, help });
    }
}

impl Object for OutputsView {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let name = key.as_str()?;
        match self.producers.get(name) {
            None => {
                let help = near(name, self.producers.keys().map(TaskId::as_str));
                self.refuse(name, format!("there is no task `{name}`"), help);
                None
            }
            Some(false) if !self.known.contains_key(name) => {
                let help = "add `outputs: json` (or `lines`) to its entry, or bind it to terraform";
                self.refuse(name, format!("the task `{name}` gives no outputs"), Some(help.to_owned()));
                None
            }
            Some(_) => {
                let task = TaskId::from(name);
                self.trace.notes().awaits.insert(task.clone());
                Some(Jinja::from_object(TaskOutputs { task, view: self.clone() }))
            }
        }
    }
}

/// `outputs["task"]`.
#[derive(Debug)]
struct TaskOutputs {
    task: TaskId,
    view: Arc<OutputsView>,
}

impl Object for TaskOutputs {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let name = key.as_str()?;
        let trace = &self.view.trace;
        let Some(outputs) = self.view.known.get(&self.task) else {
            let shown = placeholder(&self.task, name);
            trace.notes().unknown.insert(shown.clone());
            return Some(Jinja::from_object(Unknown { shown, trace: trace.clone() }));
        };
        match outputs.get(name) {
            Some(OutputValue::Plain(value)) => Some(to_jinja(value)),
            Some(OutputValue::Sensitive) => {
                let value = Value::Secret(SecretRef::Output(self.task.clone(), name.to_owned()));
                let name = format!("outputs[\"{}\"].{name}", self.task);
                Some(Jinja::from_object(Secret { name, value, trace: trace.clone() }))
            }
            None => {
                let help = near(name, outputs.keys().map(String::as_str));
                self.view.refuse(name, format!("the task `{}` gave no output `{name}`", self.task), help);
                None
            }
        }
    }
}
