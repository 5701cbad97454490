//! Tables of tasks: they are not read, and that is said. A table whose rows name only tasks of the
//! document is another view of them; in any other there may be work that is written nowhere else.

use crate::blocks::Kind;
use crate::fields::{Written, bare};
use crate::headings;
use crate::names::{Asker, Names};
use crate::page::Page;
use taskmaster_core::diagnostic::{Diagnostic, Severity};
use taskmaster_core::text::Span;

/// Columns that hold tasks.
const TASKS: &[&str] = &[
    "task",
    "tasks",
    "task id",
    "task name",
    "todo",
    "to do",
    "action item",
    "action items",
    "任务",
    "작업",
    "タスク",
    "tarea",
    "tareas",
    "aufgabe",
    "aufgaben",
    "tâche",
    "tâches",
];
/// Columns that together make a list of work: one of each.
const IDS: &[&str] = &["id", "#", "key", "ticket", "issue", "nr", "no"];
const TITLES: &[&str] =
    &["title", "name", "summary", "description", "item", "work item", "story", "user story"];
const STATUSES: &[&str] = &["status", "state", "done", "estado", "stand", "状态", "상태"];

/// Finds the tables of tasks in `page`.
pub(crate) fn find(page: &Page<'_>, names: &mut Names<'_>, found: &mut Vec<Diagnostic>) {
    for table in 1..page.blocks.all.len() {
        let block = page.blocks.get(table);
        let outermost = block.kind == Kind::Table && page.blocks.get(block.parent).kind != Kind::Table;
        let Some(head) = block.first.filter(|_| outermost) else { continue };
        let Some(column) = task_column(page, head) else { continue };
        let rows = (head + 1..page.blocks.all.len()).take_while(|row| page.blocks.get(*row).parent >= table);
        let rows = rows.filter(|row| page.blocks.get(*row).parent == table);
        let lost = rows
            .filter_map(|row| cells(page, row).nth(column))
            .filter(|cell| !is_known(page, *cell, names))
            .count();
        found.push(diagnostic(page, head, lost));
    }
}

fn cells(page: &Page<'_>, row: usize) -> impl Iterator<Item = usize> {
    (row + 1..page.blocks.all.len())
        .take_while(move |cell| page.blocks.get(*cell).parent >= row)
        .filter(move |cell| page.blocks.get(*cell).parent == row)
}

/// Which column names the tasks, if the head says that there is one.
fn task_column(page: &Page<'_>, head: usize) -> Option<usize> {
    let names: Vec<String> =
        cells(page, head).map(|cell| headings::name(&page.inline(cell).text).to_lowercase()).collect();
    let column = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
    column(TASKS).or_else(|| column(STATUSES).and(column(TITLES)).and(column(IDS)))
}

/// True for a cell that names tasks of the document, or is empty, a number or a dash.
fn is_known(page: &Page<'_>, cell: usize, names: &mut Names<'_>) -> bool {
    let text = page.inline(cell).text;
    let text = bare(&text);
    if !text.contains(char::is_alphabetic) {
        return true;
    }
    let value = Written { text: text.to_owned(), span: page.blocks.get(cell).span };
    let named = names.resolve(&value, Asker { source: page.index, task: None });
    named.unknown.is_empty()
}

fn diagnostic(page: &Page<'_>, head: usize, lost: usize) -> Diagnostic {
    let span = page.blocks.get(head).span;
    let line = span.of(page.text).trim_end();
    let span = Span::new(span.start, span.start + line.len());
    let message = match lost {
        0 => "a table of tasks is not read as tasks".to_owned(),
        1 => "1 row of a table of tasks is not read as a task".to_owned(),
        _ => format!("{lost} rows of a table of tasks are not read as tasks"),
    };
    let severity = if lost == 0 { Severity::Note } else { Severity::Warning };
    Diagnostic::new(severity, "tasks-in-table", span, message)
        .help("write the tasks as a checklist: `- [ ] …`")
}
