//! One entry of `tasks`: what a task is bound to.

use super::value::words;
use super::{MatrixSpec, PolicySpec, ProbeSpec, VariableSpec, WhenSpec};
use crate::action::ActionSpec;
use crate::decode::{Context, Decode, Literal, Many, Map, Place, Text, record};
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// How an entry finds its task.
#[derive(Clone, Debug)]
pub(crate) enum Selector {
    /// By id.
    Id(Literal),
    /// By title, and by phase where titles repeat.
    Title {
        /// Id, number or a word of the phase.
        phase: Option<Literal>,
        /// The title, equal after slugging.
        title: Literal,
    },
}

impl Selector {
    /// Where it is written.
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Id(id) => id.place,
            Self::Title { title, .. } => title.place,
        }
    }
}

/// One entry.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// How it finds its task.
    pub(crate) selector: Selector,
    /// What it says.
    pub(crate) fields: EntryFields,
}

record! {
    "a task's entry"
    /// What is done for one task.
    #[schemars(rename = "Entry")]
    pub(crate) struct EntryFields {
        /// Id of the task, where entries are a list.
        id: Option<Literal>,
        /// Phase of the task: its id, number, or a word of it.
        phase: Option<Literal>,
        /// Title of the task.
        title: Option<Literal>,
        /// For readers of this file.
        description: Option<Literal>,
        /// Ids of further tasks that it waits for.
        needs: Option<Many<Literal>>,
        /// Variables of this task.
        #[schemars(default)]
        vars: Map<VariableSpec>,
        /// Values that it is done for, each combination as a subtask of its own: `{{ matrix.AXIS }}`.
        matrix: Option<MatrixSpec>,
        /// Whether it can be done here; otherwise it is skipped, and the reason is shown.
        when: Option<WhenSpec>,
        /// Is it done already? Then nothing runs. `none` leaves out the check that an action brings along.
        check: Option<CheckSpec>,
        /// Does the work: one action, or several in a row.
        run: Option<RunSpec>,
        /// Did the work have its effect? Without one, the check answers.
        verify: Option<Box<ProbeSpec>>,
        /// Takes it back (`taskmaster destroy`): actions as in `run`. `none` leaves out what an action brings along.
        undo: Option<UndoSpec>,
        /// How values for later tasks are read; a `terraform` action has its own.
        outputs: Option<OutputsSpec> = "none",
        /// A person does it, outside of taskmaster.
        manual: Option<bool> = false,
        /// Globs of files, below the project's root, whose contents count as part of the action: where one changes, a task
        /// without a check runs again.
        inputs: Option<Many<Text>>,
        .. policy: PolicySpec,
    }
}

impl EntryFields {
    /// This entry with the keys that `over` gives. `vars` and the policy merge key by key.
    pub(crate) fn overlay(&self, over: &Self) -> Self {
        let pick = |own: &Option<Literal>, other: &Option<Literal>| other.clone().or_else(|| own.clone());
        let new_run = over.run.is_some() || over.manual == Some(true);
        // A new action brings its own check and undo; those of the old one would ask about other things.
        let kept = |keep: bool| keep && !new_run;
        Self {
            id: self.id.clone(),
            phase: self.phase.clone(),
            title: self.title.clone(),
            description: pick(&self.description, &over.description),
            needs: over.needs.clone().or_else(|| self.needs.clone()),
            vars: self.vars.overlay(&over.vars),
            matrix: over.matrix.clone().or_else(|| self.matrix.clone()),
            when: over.when.clone().or_else(|| self.when.clone()),
            check: over.check.clone().or_else(|| self.check.clone().filter(|_| kept(true))),
            run: if new_run { over.run.clone() } else { self.run.clone() },
            verify: over.verify.clone().or_else(|| self.verify.clone().filter(|_| kept(true))),
            undo: over.undo.clone().or_else(|| self.undo.clone().filter(|_| kept(true))),
            outputs: over.outputs.or_else(|| self.outputs.filter(|_| kept(true))),
            manual: if over.run.is_some() { over.manual } else { over.manual.or(self.manual) },
            inputs: over.inputs.clone().or_else(|| self.inputs.clone().filter(|_| kept(true))),
            policy: self.policy.overlay(&over.policy),
        }
    }
}

/// `run`: actions in a row.
#[derive(Clone, Debug)]
pub(crate) struct RunSpec(pub(crate) Vec<ActionSpec>);

impl Decode for RunSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let actions = Many::<ActionSpec>::decode(node, cx)?.0;
        if actions.is_empty() {
            cx.error_with_help(
                "schema-value",
                node.span,
                "this list of actions is empty",
                "leave it out, or write `none`",
            );
            return None;
        }
        let lonely = actions.iter().find(|action| action.must_stand_alone()).filter(|_| actions.len() > 1);
        if let Some(action) = lonely {
            let message = format!("`{}` must be the only action of its task", action.name());
            cx.error_with_help(
                "schema-value",
                node.span,
                message,
                "make it a task, and let others depend on it",
            );
            return None;
        }
        Some(Self(actions))
    }
}

impl JsonSchema for RunSpec {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Run".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Many::<ActionSpec>::json_schema(generator)
    }
}

fn is_none(node: &Node) -> bool {
    matches!(&node.data, Data::Scalar(scalar) if scalar.text == "none")
}

/// `check: none` or a question.
#[derive(Clone, Debug)]
pub(crate) enum CheckSpec {
    /// No check, not even a built-in one.
    None,
    /// This question.
    Probe(Box<ProbeSpec>),
}

impl Decode for CheckSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if is_none(node) {
            return Some(Self::None);
        }
        ProbeSpec::decode(node, cx).map(|probe| Self::Probe(Box::new(probe)))
    }
}

/// `undo: none` or actions.
#[derive(Clone, Debug)]
pub(crate) enum UndoSpec {
    /// It is not taken back, not even by a built-in way.
    None,
    /// These actions.
    Run(RunSpec),
}

impl Decode for UndoSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if is_none(node) {
            return Some(Self::None);
        }
        RunSpec::decode(node, cx).map(Self::Run)
    }
}

macro_rules! or_none_schema {
    ($($ty:ty as $inner:ty),*) => {
        $(impl JsonSchema for $ty {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($ty).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let inner = generator.subschema_for::<$inner>();
                json_schema!({ "anyOf": [{ "const": "none" }, inner] })
            }
        })*
    };
}
or_none_schema!(CheckSpec as ProbeSpec, UndoSpec as RunSpec);

words! {
    /// How outputs are read after a successful run.
    pub(crate) enum OutputsSpec {
        /// There are none.
        None = "none",
        /// The last step prints one JSON object.
        Json = "json",
        /// The last step prints lines `name=value`.
        Lines = "lines",
        /// `terraform output -json`; what a `terraform` action does anyway.
        Terraform = "terraform",
    }
}
