//! The view of a difference.

use super::commands;
use super::side::Side;
use super::target::Ends;
use crate::app::views;
use crate::report::view::{
    CommandsView, DiagnosticView, DifferenceView, DocumentView, NameView, NodeView, PhaseView, PictureView,
    TaskDifferenceView, TieView,
};
use std::collections::HashMap;
use taskmaster_core::action::{Action, Part};
use taskmaster_core::difference::around::{Around, Node};
use taskmaster_core::difference::model::{BindingChange, Difference, Effect, TaskDifference, Tie};
use taskmaster_core::document::{Dialect, Task};
use taskmaster_core::id::TaskId;

/// Makes the view.
pub(super) fn view(base: &Side, head: &Side, difference: Difference, ends: &Ends) -> DifferenceView {
    let sides = Sides { base, head, before: base.document.by_id(), now: head.document.by_id() };
    let gone = base.document.phases.iter().filter(|phase| head.document.phase(phase.id.as_str()).is_none());
    let gone: Vec<_> = gone.map(|phase| phase.id.clone()).collect();
    let phases = views::phases(&head.document).into_iter();
    let phases = phases.chain(views::phases(&base.document).into_iter().filter(|p| gone.contains(&p.id)));
    let phases: Vec<PhaseView> = phases.collect();
    DifferenceView {
        document: document(head),
        environment: head.environment.clone(),
        base: ends.base.as_str().to_owned(),
        head: ends.head.as_ref().map(|commit| commit.as_str().to_owned()),
        is_new_document: base.reading.is_none(),
        differs: !difference.is_empty(),
        elsewhere: difference.elsewhere,
        tasks: difference.tasks.iter().map(|task| sides.task(task)).collect(),
        gained: difference.gained.iter().map(|tie| sides.tie(tie)).collect(),
        lost: difference.lost.iter().map(|tie| sides.tie(tie)).collect(),
        reordered: difference.reordered,
        phases,
        picture: sides.picture(difference.around),
        findings: new_findings(base, head),
    }
}

fn document(side: &Side) -> DocumentView {
    match &side.reading {
        Some(reading) => views::document(reading, None),
        None => DocumentView {
            id: side.id.clone(),
            path: side.id.to_string(),
            title: None,
            dialect: Dialect::default(),
            revision: None,
            owners: Vec::new(),
        },
    }
}

/// Findings of the head that the base did not have, wherever in the text they stood there.
fn new_findings(base: &Side, head: &Side) -> Vec<DiagnosticView> {
    let mut known: Vec<(&str, &str)> =
        base.warnings.iter().map(|found| (found.code.as_str(), found.message.as_str())).collect();
    let is_new = |found: &&DiagnosticView| {
        let same = known.iter().position(|known| *known == (found.code.as_str(), found.message.as_str()));
        same.map(|place| known.swap_remove(place)).is_none()
    };
    head.warnings.iter().filter(is_new).cloned().collect()
}

struct Sides<'a> {
    base: &'a Side,
    head: &'a Side,
    before: HashMap<&'a str, &'a Task>,
    now: HashMap<&'a str, &'a Task>,
}

impl<'a> Sides<'a> {
    /// A task by its id now, else by its id before.
    fn find(&self, id: &TaskId) -> Option<&'a Task> {
        self.now.get(id.as_str()).or_else(|| self.before.get(id.as_str())).copied()
    }

    fn name(&self, id: &TaskId) -> NameView {
        name(id, self.find(id))
    }

    fn tie(&self, tie: &Tie) -> TieView {
        TieView { task: self.name(&tie.task), dependency: self.name(&tie.dependency), kind: tie.kind }
    }

    fn task(&self, told: &TaskDifference) -> TaskDifferenceView {
        let (side, tasks) =
            if told.head.is_some() { (self.head, &self.now) } else { (self.base, &self.before) };
        let id = told.head.as_ref().or(told.base.as_ref());
        let id = id.cloned().unwrap_or_else(|| TaskId::new(""));
        let binding = side.bindings.get(&id);
        let action = binding.and_then(|binding| binding.action.as_ref());
        let task = tasks.get(id.as_str()).copied();
        TaskDifferenceView {
            name: name(&id, task.or_else(|| self.find(&id))),
            phase: task.map_or_else(|| "".into(), |task| task.phase.clone()),
            was: told.base.clone().filter(|before| told.head.as_ref().is_some_and(|now| now != before)),
            changes: told.changes.clone(),
            binding: told.binding.clone(),
            effect: told.effect.clone(),
            kind: action.map(|action| action.kind),
            // A line of the old side would be looked for in the new one.
            place: binding.filter(|_| told.head.is_some()).map(|binding| binding.place.clone()),
            has_check: action.is_some_and(|action| action.check.is_some()),
            irreversible: binding.is_some_and(|binding| binding.policy.irreversible),
            commands: self.commands(told),
        }
    }

    /// The command lines that a reviewer wants to see: all of what is new, what changed of the rest, and
    /// what takes back a task that is gone.
    fn commands(&self, told: &TaskDifference) -> Vec<CommandsView> {
        let action = |side: &'_ Side, id: &Option<TaskId>| -> Option<Action> {
            side.bindings.get(id.as_ref()?)?.action.clone()
        };
        let (before, now) = (action(self.base, &told.base), action(self.head, &told.head));
        let Some(id) = told.head.as_ref().or(told.base.as_ref()) else { return Vec::new() };
        let changed: Vec<Part> = told.binding.iter().filter_map(part).collect();
        match (&before, &now, &told.effect) {
            // What is shown of a task that is gone is what would be done, not what would no longer be.
            (Some(action), None, Effect::Undone) => {
                commands::changes(id, Some(action), Some(action), &[Part::Undo])
            }
            (Some(_), None, _) if told.head.is_none() => Vec::new(),
            (Some(_), None, _) => commands::changes(id, before.as_ref(), None, &[Part::Run]),
            (Some(_), Some(_), Effect::Runs { .. }) => {
                commands::changes(id, before.as_ref(), now.as_ref(), &[&[Part::Run], &changed[..]].concat())
            }
            (Some(_), Some(_), _) => commands::changes(id, before.as_ref(), now.as_ref(), &changed),
            (None, ..) => commands::changes(id, None, now.as_ref(), &Part::ALL),
        }
    }

    fn picture(&self, around: Around) -> PictureView {
        let node =
            |node: &Node| NodeView { name: self.name(&node.id), phase: node.phase.clone(), role: node.role };
        PictureView {
            nodes: around.nodes.iter().map(node).collect(),
            lines: around.lines,
            phases: around.phases,
            changed_left_out: around.changed_left_out,
            others_left_out: around.others_left_out,
        }
    }
}

fn name(id: &TaskId, task: Option<&Task>) -> NameView {
    NameView {
        id: id.clone(),
        ordinal: task.map(|task| task.ordinal.clone()).unwrap_or_default(),
        title: task.map_or_else(|| id.to_string(), |task| task.title.clone()),
    }
}

fn part(change: &BindingChange) -> Option<Part> {
    match change {
        BindingChange::Action { part } => Some(*part),
        _ => None,
    }
}
