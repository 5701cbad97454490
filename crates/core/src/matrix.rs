//! A task that is done once for each combination of values: a cell each, a subtask of the task in the document.
//!
//! Which cells there are follows the words of GitHub Actions' `strategy.matrix`: the product of all axes in the order
//! they are written, without what `exclude` matches, then what `include` adds.

use crate::document::{Document, Edge, EdgeKind, Task};
use crate::id::{TaskId, TaskKey};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most cells of one task.
pub const MOST_CELLS: usize = 256;
/// Longest name of a cell in bytes: logs are named by it.
pub const LONGEST_NAME: usize = 100;

/// Values by axis.
pub type Values = BTreeMap<String, String>;

/// One axis and its values, in the order they are written.
pub type Axis = (String, Vec<String>);

/// Pairs of axis and value as one item of `include` or `exclude` has them, in the order they are written.
pub type Pairs = Vec<(String, String)>;

/// One combination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its values, joined by `/`; only letters, digits, `.`, `_` and `-` in each. Unique in its matrix.
    pub name: String,
    /// Its values as people read them, in the order of the axes: `eu-west-1, stable`.
    pub label: String,
    /// Values by axis.
    pub values: Values,
}

/// Why there are no cells.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatrixError {
    /// More than [`MOST_CELLS`].
    #[error("more than {MOST_CELLS} cells")]
    TooMany,
    /// No axis has a value, or all are excluded.
    #[error("no cell is left")]
    Empty,
    /// Two cells cannot be told apart by their names.
    #[error("two cells are called `{0}`")]
    SameName(String),
    /// A value is empty, or a name longer than [`LONGEST_NAME`].
    #[error(
        "`{0}` names no cell: a value has to have letters or digits, and all of them at most {LONGEST_NAME} bytes"
    )]
    NoName(String),
    /// `exclude` names an axis that there is not.
    #[error("there is no axis `{0}`")]
    NoAxis(String),
}

/// The cells of a matrix.
pub fn cells(axes: &[Axis], exclude: &[Pairs], include: &[Pairs]) -> Result<Vec<Cell>, MatrixError> {
    let is_axis = |name: &str| axes.iter().any(|(axis, _)| axis == name);
    if let Some((name, _)) = exclude.iter().flatten().find(|(name, _)| !is_axis(name)) {
        return Err(MatrixError::NoAxis(name.clone()));
    }
    let mut rows = product(axes)?;
    rows.retain(|row| !exclude.iter().any(|pairs| pairs.iter().all(|pair| row.contains(pair))));
    let mut rows: Vec<Row> = rows.into_iter().map(|named| Row { named, more: Vec::new() }).collect();
    let of_axes = rows.len();
    for pairs in include {
        let fits = |row: &&mut Row| {
            let clashes = |(name, value): &(String, String)| {
                row.named.iter().any(|(axis, has)| axis == name && has != value)
            };
            !pairs.iter().any(clashes)
        };
        let mut met = false;
        for row in rows.iter_mut().take(of_axes).filter(fits) {
            met = true;
            row.add(pairs);
        }
        if !met {
            rows.push(Row { named: pairs.clone(), more: Vec::new() });
        }
    }
    if rows.is_empty() {
        return Err(MatrixError::Empty);
    }
    if rows.len() > MOST_CELLS {
        return Err(MatrixError::TooMany);
    }
    let mut names = BTreeSet::new();
    let named = |row: Row| {
        let cell = row.cell()?;
        if names.insert(cell.name.clone()) { Ok(cell) } else { Err(MatrixError::SameName(cell.name)) }
    };
    rows.into_iter().map(named).collect()
}

/// Every combination; the last axis turns fastest.
fn product(axes: &[Axis]) -> Result<Vec<Pairs>, MatrixError> {
    let mut rows: Vec<Pairs> = if axes.is_empty() { Vec::new() } else { vec![Vec::new()] };
    for (axis, values) in axes {
        if rows.len().saturating_mul(values.len()) > MOST_CELLS {
            return Err(MatrixError::TooMany);
        }
        let with = |row: &Pairs, value: &String| {
            let mut row = row.clone();
            row.push((axis.clone(), value.clone()));
            row
        };
        rows = rows.iter().flat_map(|row| values.iter().map(move |value| with(row, value))).collect();
    }
    Ok(rows)
}

/// A combination, and what `include` adds to it without changing its name.
struct Row {
    named: Pairs,
    more: Pairs,
}

impl Row {
    /// A later item wins over an earlier one, never over a value of the matrix itself.
    fn add(&mut self, pairs: &Pairs) {
        let new = pairs.iter().filter(|pair| !self.named.contains(pair));
        self.more.extend(new.cloned());
    }

    fn cell(self) -> Result<Cell, MatrixError> {
        let label = self.named.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ");
        let parts: Vec<String> = self.named.iter().map(|(_, value)| part(value)).collect();
        let name = parts.join("/");
        if name.len() > LONGEST_NAME || parts.iter().any(String::is_empty) {
            return Err(MatrixError::NoName(label));
        }
        Ok(Cell { name, label, values: self.more.into_iter().chain(self.named).collect() })
    }
}

/// A value as a part of an address: nothing in it means anything to a shell or a file system.
fn part(value: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let text: String = value.chars().map(plain).collect();
    text.trim_matches(|c| c == '-' || c == '.').to_owned()
}

impl TaskKey {
    /// The ledger's identity of a cell of the task with this key: it lasts as long as that one, and the name of the cell.
    #[must_use]
    pub fn of_cell(&self, cell: &str) -> Self {
        Self::new(format!("{self}+{}", cell.replace('/', "+")))
    }

    /// The key of the task in the document, where this is one of a cell.
    #[must_use]
    pub fn of_document(&self) -> Option<Self> {
        self.as_str().split_once('+').map(|(task, _)| Self::new(task))
    }
}

impl Document {
    /// The document with the cells of these tasks below them, after the subtasks that they have. A cell waits for
    /// what its task waits for. Fails with the address that a cell and another task would share.
    pub fn with_cells(&self, cells: &BTreeMap<TaskId, Vec<Cell>>) -> Result<Self, TaskId> {
        let last = self.last_of_each();
        let mut after: BTreeMap<usize, Vec<&Task>> = BTreeMap::new();
        for task in self.tasks.iter().filter(|task| cells.contains_key(&task.id)) {
            // Of tasks that end at the same place the innermost comes first.
            after.entry(last[task.id.as_str()]).or_default().insert(0, task);
        }
        let mut whole = Self { tasks: Vec::with_capacity(self.tasks.len()), ..self.clone() };
        for (place, task) in self.tasks.iter().enumerate() {
            whole.tasks.push(task.clone());
            for parent in after.get(&place).into_iter().flatten() {
                whole.add_cells(parent, &cells[&parent.id]);
            }
        }
        whole.tasks.iter_mut().for_each(|task| with_children(task, cells));
        whole.sort_edges();
        let mut seen = BTreeSet::new();
        match whole.tasks.iter().find(|task| !seen.insert(&task.id)) {
            Some(twice) => Err(twice.id.clone()),
            None => Ok(whole),
        }
    }

    /// The place of the last task of each one's subtree.
    fn last_of_each(&self) -> HashMap<&str, usize> {
        let parents: HashMap<&str, &str> = self
            .tasks
            .iter()
            .filter_map(|task| Some((task.id.as_str(), task.parent.as_ref()?.as_str())))
            .collect();
        let mut last = HashMap::new();
        for (place, task) in self.tasks.iter().enumerate() {
            let chain = std::iter::successors(Some(task.id.as_str()), |id| parents.get(id).copied());
            // A document's tasks form a tree; the bound keeps a malformed one from looping.
            for id in chain.take(self.tasks.len()) {
                last.insert(id, place);
            }
        }
        last
    }

    fn add_cells(&mut self, parent: &Task, cells: &[Cell]) {
        let subtasks = self.tasks.iter().filter(|task| task.parent.as_ref() == Some(&parent.id)).count();
        let waits: Vec<Edge> = self.edges.iter().filter(|edge| edge.task == parent.id).cloned().collect();
        for (number, cell) in cells.iter().enumerate() {
            let task = cell_task(parent, cell, subtasks + number + 1);
            let kind = |edge: &Edge| if edge.kind == EdgeKind::Child { EdgeKind::Order } else { edge.kind };
            let own =
                waits.iter().map(|edge| Edge { task: task.id.clone(), kind: kind(edge), ..edge.clone() });
            self.edges.extend(own);
            self.edges.push(Edge {
                task: parent.id.clone(),
                dependency: task.id.clone(),
                kind: EdgeKind::Child,
                line: parent.line,
            });
            self.tasks.push(task);
        }
    }

    fn sort_edges(&mut self) {
        let place: HashMap<&str, usize> =
            self.tasks.iter().enumerate().map(|(place, task)| (task.id.as_str(), place)).collect();
        let at = |id: &TaskId| place.get(id.as_str()).copied();
        self.edges.sort_by_key(|edge| (at(&edge.task), at(&edge.dependency)));
    }
}

/// What is done for one cell. What the text says of the task itself (its mark, criteria, requirements, estimate) stays there.
fn cell_task(parent: &Task, cell: &Cell, number: usize) -> Task {
    Task {
        id: address(&parent.id, cell),
        ordinal: format!("{}.{number}", parent.ordinal),
        title: format!("{} ({})", parent.title, cell.label),
        parent: Some(parent.id.clone()),
        matrix: cell.values.clone(),
        mark: None,
        external_dependencies: Vec::new(),
        details: Vec::new(),
        acceptance: Vec::new(),
        requirements: Vec::new(),
        estimate: None,
        ..parent.clone()
    }
}

fn with_children(task: &mut Task, cells: &BTreeMap<TaskId, Vec<Cell>>) {
    if let (Some(own), true) = (cells.get(&task.id), task.matrix.is_empty()) {
        let id = task.id.clone();
        task.dependencies.extend(own.iter().map(|cell| address(&id, cell)));
        // Its fenced actions are those of its cells.
        task.inline_actions.clear();
    }
}

fn address(task: &TaskId, cell: &Cell) -> TaskId {
    TaskId::new(format!("{task}/{}", cell.name))
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
