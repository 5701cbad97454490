//! Notations with one file for each task: Backlog.md and task-master.
//!
//! Every box in such a file is a criterion of its task; text becomes details.

use crate::blocks::{Inline, Kind};
use crate::checklist::{criterion, unknown_priority};
use crate::draft::{Draft, DraftPhase, DraftTask};
use crate::fields::{Fields, IdForm, Key, Written};
use crate::page::Page;
use crate::scan::{digits, offset_in, squeeze, strip_word};
use crate::words;
use std::collections::HashSet;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::text::Span;

/// Reads the one task of a Backlog.md file.
pub(crate) fn read_backlog(page: &Page<'_>, draft: &mut Draft, found: &mut Vec<Diagnostic>) {
    let front = &page.front;
    let place = |key: &str| front.key_span(key).unwrap_or(Span::new(front.span.start, front.span.start));
    let mut fields = Fields { title: front.text("title").unwrap_or_default(), ..Fields::default() };
    if fields.title.is_empty() {
        fields.title = page.headings.first().map(|heading| heading.title.clone()).unwrap_or_default();
    }
    if let Some(id) = front.text("id") {
        fields.id(IdForm::Attribute, Written { text: id, span: place("id") });
    }
    for dependency in front.list("dependencies") {
        let span = value_span(page, "dependencies", &dependency);
        fields.dependencies.push(Written { text: dependency, span });
    }
    for tag in ["labels", "tags"].iter().flat_map(|key| front.list(key)) {
        fields.tag(&tag);
    }
    if let Some(word) = front.text("priority") {
        fields.priority = words::priority(&word);
        if fields.priority.is_none() {
            found.push(unknown_priority(&word, place("priority")));
        }
    }
    front.owners().iter().for_each(|owner| fields.owner(owner));
    let status = front.text("status").map(|text| words::status(&text)).unwrap_or_default();
    let phase = shared_phase(page, draft, front.text("milestone"), place("milestone"));
    let span = place(if front.key_span("title").is_some() { "title" } else { "id" });
    let mut task = one_task(page, phase, fields, span);
    task.line = 1;
    task.status = status;
    task.parent_id = front.text("parent_task_id").or_else(|| front.text("parent"));
    draft.tasks.push(task);
    let task = draft.tasks.len() - 1;
    fill(page, draft, |_| Some(task));
}

/// Reads the tasks of a task-master file: each begins with `# Task ID:`, its subtasks stand below
/// `# Subtasks:`.
pub(crate) fn read_task_master(page: &Page<'_>, draft: &mut Draft, found: &mut Vec<Diagnostic>) {
    let phase = shared_phase(page, draft, None, Span::new(page.front.body, page.front.body));
    let first = draft.tasks.len();
    let mut reader = TaskMaster { page, draft, found, phase, task: None, listed: false, subtask: None };
    let mut tasks = Vec::with_capacity(page.blocks.sections.len());
    for section in 0..page.blocks.sections.len() {
        reader.heading(section);
        tasks.push(reader.subtask.or(reader.task));
    }
    qualify(&mut draft.tasks, first);
    fill(page, draft, |section| section.and_then(|section| tasks[section]));
}

struct TaskMaster<'r, 'a> {
    page: &'r Page<'a>,
    draft: &'r mut Draft,
    found: &'r mut Vec<Diagnostic>,
    phase: usize,
    task: Option<usize>,
    /// Below `# Subtasks:`.
    listed: bool,
    subtask: Option<usize>,
}

impl TaskMaster<'_, '_> {
    fn heading(&mut self, section: usize) {
        let block = self.page.blocks.sections[section].block;
        let inline = self.page.inline(block);
        match (self.page.blocks.sections[section].level, self.task) {
            (1, task) => match (strip_word(&inline.text, "Task ID:"), task) {
                (Some(id), _) => {
                    self.task = Some(self.open(block, &inline, id.trim(), id.trim().to_owned()));
                    (self.listed, self.subtask) = (false, None);
                }
                (None, Some(task)) => self.field(task, &inline),
                (None, None) => {}
            },
            (2, Some(task)) if self.listed => {
                if let Some((number, title, status)) = subtask(&inline.text) {
                    let parent = &self.draft.tasks[task];
                    let id = format!("{}.{number}", parent.fields.id.as_ref().map_or("", |(_, id)| &id.text));
                    let subtask = self.open(block, &inline, number, id);
                    let draft = &mut self.draft.tasks[subtask];
                    draft.parent = Some(task);
                    draft.fields.title = squeeze(title);
                    draft.status = words::status(status);
                    self.subtask = Some(subtask);
                }
            }
            (3, _) => {
                if let Some(subtask) = self.subtask {
                    task_master_line(&mut self.draft.tasks[subtask], &inline, self.found);
                }
            }
            _ => {}
        }
    }

    /// A field of the task ends the list of its subtasks; other headings are part of a text.
    fn field(&mut self, task: usize, inline: &Inline) {
        if inline.text.trim().trim_end_matches(':').eq_ignore_ascii_case("subtasks") {
            (self.listed, self.subtask) = (true, None);
        } else if task_master_line(&mut self.draft.tasks[task], inline, self.found) {
            (self.listed, self.subtask) = (false, None);
        }
    }

    /// A task whose heading is `block` and whose id stands at `written` in it.
    fn open(&mut self, block: usize, inline: &Inline, written: &str, id: String) -> usize {
        let at = offset_in(&inline.text, written);
        let mut fields = Fields::default();
        fields.id(IdForm::Attribute, Written { text: id, span: inline.span(at..at + written.len()) });
        let block = self.page.blocks.get(block).span;
        let heading = block.of(self.page.text).trim_end();
        let span = Span::new(block.start, block.start + heading.len());
        self.draft.tasks.push(one_task(self.page, self.phase, fields, span));
        self.draft.tasks.len() - 1
    }
}

/// `1. Title [pending]`: number, title and status.
fn subtask(heading: &str) -> Option<(&str, &str, &str)> {
    let (number, rest) = digits(heading.trim())?;
    let rest = rest.strip_prefix(['.', ':'])?.trim();
    let status = rest.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    let word = |status: &str| status.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '_' | ' '));
    let (title, status) = status.filter(|(_, status)| word(status)).unwrap_or((rest, ""));
    Some((number, title, status))
}

/// A bare number among the dependencies of a subtask is the subtask beside it, if there is one.
fn qualify(tasks: &mut [DraftTask], first: usize) {
    let id = |task: &DraftTask| task.fields.id.as_ref().map(|(_, id)| id.text.clone());
    let ids: HashSet<String> = tasks[first..].iter().filter_map(id).collect();
    for at in first..tasks.len() {
        let Some(parent) = tasks[at].parent.and_then(|parent| id(&tasks[parent])) else { continue };
        for value in &mut tasks[at].fields.dependencies {
            let named = value.text.split(',').map(|piece| {
                let beside = format!("{parent}.{}", piece.trim());
                if ids.contains(&beside) { beside } else { piece.trim().to_owned() }
            });
            value.text = named.collect::<Vec<_>>().join(", ");
        }
    }
}

/// A line `# Key: value`; false where the key is none of a task's.
fn task_master_line(task: &mut DraftTask, inline: &Inline, found: &mut Vec<Diagnostic>) -> bool {
    let text = inline.text.as_str();
    let Some((key, value)) = text.split_once(':') else { return false };
    let value = value.trim();
    match key.trim().to_lowercase().as_str() {
        "title" => value.clone_into(&mut task.fields.title),
        "status" => task.status = words::status(value),
        "dependencies" => task.fields.take(Key::Depends, value, inline),
        "priority" => {
            task.fields.take(Key::Priority, value, inline);
            found.extend(
                task.fields.bad_priorities.drain(..).map(|word| unknown_priority(&word.text, word.span)),
            );
        }
        "description" | "details" | "test strategy" => {
            task.details.extend((!value.is_empty()).then(|| value.to_owned()));
        }
        _ => return false,
    }
    true
}

/// Gives boxes and paragraphs to the task of the section they stand in.
fn fill(page: &Page<'_>, draft: &mut Draft, task_of: impl Fn(Option<usize>) -> Option<usize>) {
    let mut inside_box = vec![false; page.blocks.all.len()];
    for block in 1..page.blocks.all.len() {
        let this = page.blocks.get(block);
        inside_box[block] = inside_box[this.parent];
        let Some(task) = task_of(this.section) else { continue };
        let task = &mut draft.tasks[task];
        match (&this.kind, page.item(block)) {
            (Kind::Item, Some(item)) => {
                if let Some(claim) = item.claim {
                    task.acceptance.push(criterion(page, item, claim));
                    inside_box[block] = true;
                }
            }
            (Kind::Paragraph, _) if !inside_box[block] => {
                let detail = squeeze(&page.inline(block).text);
                if !detail.is_empty() {
                    task.details.push(detail);
                }
            }
            _ => {}
        }
    }
}

fn one_task(page: &Page<'_>, phase: usize, fields: Fields, span: Span) -> DraftTask {
    DraftTask {
        source: page.index,
        phase,
        parent: None,
        parent_id: None,
        fields,
        status: taskmaster_core::document::Claim::Pending,
        mark: None,
        optional: false,
        details: Vec::new(),
        acceptance: Vec::new(),
        inline_actions: Vec::new(),
        line: page.line(span.start),
        span,
        section: None,
        list: None,
    }
}

/// The phase of that title, which files share.
fn shared_phase(page: &Page<'_>, draft: &mut Draft, title: Option<String>, span: Span) -> usize {
    let title = title.unwrap_or_else(|| "Tasks".to_owned());
    if let Some(phase) = draft.shared_phases.get(&title) {
        return *phase;
    }
    draft.phases.push(DraftPhase {
        source: page.index,
        title: title.clone(),
        line: page.line(span.start),
        span,
        ..DraftPhase::default()
    });
    draft.shared_phases.insert(title, draft.phases.len() - 1);
    draft.phases.len() - 1
}

/// Where `value` stands in the list `key` of the front matter.
fn value_span(page: &Page<'_>, key: &str, value: &str) -> Span {
    let Some(line) = page.front.key_span(key) else { return page.front.span };
    let from = line.start;
    let until = page.front.span.end.max(from);
    page.text[from..until].find(value).map_or(line, |at| Span::new(from + at, from + at + value.len()))
}
