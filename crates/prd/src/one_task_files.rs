//! Notations with one file for each task: Backlog.md and task-master.
//!
//! Every box in such a file is a criterion of its task; text becomes details.

use crate::blocks::{Inline, Kind};
use crate::checklist::{criterion, unknown_priority};
use crate::draft::{Draft, DraftPhase, DraftTask};
use crate::fields::{Fields, IdForm, Key, Written};
use crate::page::Page;
use crate::scan::{squeeze, strip_word};
use crate::words;
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

/// Reads the tasks of a task-master file: each begins with `# Task ID:`.
pub(crate) fn read_task_master(page: &Page<'_>, draft: &mut Draft, found: &mut Vec<Diagnostic>) {
    let phase = shared_phase(page, draft, None, Span::new(page.front.body, page.front.body));
    let mut open: Option<usize> = None;
    let mut tasks = vec![None; page.blocks.sections.len()];
    for (section, task) in tasks.iter_mut().enumerate() {
        let block = page.blocks.get(page.blocks.sections[section].block);
        let inline = Inline::new(page.text, &block.lines);
        let text = inline.text.as_str();
        if page.blocks.sections[section].level == 1 {
            if let Some(id) = strip_word(text, "Task ID:").map(str::trim) {
                let mut fields = Fields::default();
                let at = text.len() - id.len();
                fields.id(
                    IdForm::Attribute,
                    Written { text: id.to_owned(), span: inline.span(at..text.len()) },
                );
                let span = Span::new(
                    block.span.start,
                    block.span.start + page.text[block.span.start..block.span.end].trim_end().len(),
                );
                draft.tasks.push(one_task(page, phase, fields, span));
                open = Some(draft.tasks.len() - 1);
            } else if let Some(task) = open {
                task_master_line(&mut draft.tasks[task], &inline, found);
            }
        }
        *task = open;
    }
    fill(page, draft, |section| section.and_then(|section| tasks[section]));
}

fn task_master_line(task: &mut DraftTask, inline: &Inline, found: &mut Vec<Diagnostic>) {
    let text = inline.text.as_str();
    let Some((key, value)) = text.split_once(':') else { return };
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
        "description" | "details" | "test strategy" if !value.is_empty() => {
            task.details.push(value.to_owned());
        }
        _ => {}
    }
}

/// Gives boxes and paragraphs to the task of the section they stand in.
fn fill(page: &Page<'_>, draft: &mut Draft, task_of: impl Fn(Option<usize>) -> Option<usize>) {
    let mut inside_box = vec![false; page.blocks.all.len()];
    for block in 1..page.blocks.all.len() {
        let this = page.blocks.get(block);
        inside_box[block] = inside_box[this.parent];
        let Some(task) = task_of(this.section) else { continue };
        let task = &mut draft.tasks[task];
        match (&this.kind, page.item_of.get(&block).map(|item| &page.items[*item])) {
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
