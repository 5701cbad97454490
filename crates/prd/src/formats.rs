//! Formats of other tools that are not read: todo.txt and JSON. Whoever gives one is told what it is.

use crate::blocks::Kind;
use crate::page::Page;
use crate::scan::{iso_date, strip_word};
use serde_json::Value;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::text::Span;

/// Says that `page` is a text of another format, or holds lines of one.
pub(crate) fn find(page: &Page<'_>, found: &mut Vec<Diagnostic>) {
    let file = page.name.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
    let body = page.text[page.front.body..].trim_start();
    if file.ends_with(".json") || is_task_list(body) {
        found.push(json(page, body));
    } else {
        found.extend(todo_txt(page, matches!(file.as_str(), "todo.txt" | "done.txt")));
    }
}

/// JSON that by its keys holds tasks.
fn is_task_list(body: &str) -> bool {
    let inner = body.strip_prefix(['{', '[']).map(str::trim_start);
    let object = inner.is_some_and(|inner| inner.starts_with(if body.starts_with('{') { '"' } else { '{' }));
    object && (body.contains("\"tasks\"") || (body.contains("\"title\"") && body.contains("\"status\"")))
}

fn json(page: &Page<'_>, body: &str) -> Diagnostic {
    let at = page.text.len() - body.len();
    let tasks = serde_json::from_str(body).map_or(0, |value| tasks_in(&value));
    let message = match tasks {
        0 => "JSON is not read as a document".to_owned(),
        1 => "JSON with 1 task is not read as a document".to_owned(),
        _ => format!("JSON with {tasks} tasks is not read as a document"),
    };
    let first = body.chars().next().map_or(0, char::len_utf8);
    Diagnostic::warning("tasks-json", Span::new(at, at + first), message).help(
        "give the folder of task files that task-master generates from it, or write the tasks as a checklist: `- [ ] …`",
    )
}

/// Tasks of task-master's file, with or without its level of tags; a bare list counts as one.
fn tasks_in(value: &Value) -> usize {
    let list = |value: &Value| value.get("tasks").and_then(Value::as_array).map(Vec::len);
    match value {
        Value::Array(items) => items.len(),
        Value::Object(tags) => list(value).unwrap_or_else(|| tags.values().filter_map(list).sum()),
        _ => 0,
    }
}

/// Lines with a date where todo.txt has one are its own wherever they stand. Other lines are so
/// only in a text that has nothing of Markdown, or in a file of that name.
fn todo_txt(page: &Page<'_>, named: bool) -> Option<Diagnostic> {
    let paragraphs = page.blocks.all.iter().filter(|block| block.kind == Kind::Paragraph);
    let lines: Vec<Span> = paragraphs.flat_map(|block| block.lines.iter().copied()).collect();
    let bare = page.headings.is_empty() && page.items.iter().all(|item| item.claim.is_none());
    let like = |test: fn(&str) -> bool| -> Vec<Span> {
        lines.iter().copied().filter(|line| test(line.of(page.text))).collect()
    };
    let mut found = like(if bare { is_todo } else { is_dated });
    if bare && named {
        found.clone_from(&lines);
    } else if bare && found.len() == 1 && !is_dated(found[0].of(page.text)) {
        found.clear();
    }
    let first = *found.first()?;
    let message = match if bare { lines.len() } else { found.len() } {
        1 => "1 line of todo.txt is not read as a task".to_owned(),
        lines => format!("{lines} lines of todo.txt are not read as tasks"),
    };
    Some(
        Diagnostic::warning("todo-txt", first, message).help(
            "write them as a checklist, `- [ ] Call #project (P1)`; `x` becomes `- [x]`, `@context` a tag",
        ),
    )
}

/// `(A) …`, or what is dated.
fn is_todo(line: &str) -> bool {
    is_dated(line) || is_priority(line)
}

/// `(A) 2026-01-01 …`, `x 2026-01-01 …`, `x (A) …`.
fn is_dated(line: &str) -> bool {
    let dated = |text: &str| iso_date(text).is_some();
    let done = strip_word(line, "x ").is_some_and(|rest| dated(rest) || is_priority(rest));
    done || (is_priority(line) && dated(&line[4..]))
}

fn is_priority(text: &str) -> bool {
    matches!(text.as_bytes(), [b'(', b'A'..=b'Z', b')', b' ', ..])
}
