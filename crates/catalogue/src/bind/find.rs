//! The task that an entry means.

use crate::decode::Literal;
use crate::model::Selector;
use crate::template::near;
use std::collections::HashMap;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::document::{Document, Phase, Task};
use taskmaster_core::text::slug;

/// A document's tasks by what entries name them with.
pub(super) struct Index<'d> {
    document: &'d Document,
    by_id: HashMap<&'d str, &'d Task>,
    by_title: HashMap<String, Vec<&'d Task>>,
}

impl<'d> Index<'d> {
    /// Reads the document once.
    pub(super) fn new(document: &'d Document) -> Self {
        let mut by_title: HashMap<String, Vec<&Task>> = HashMap::new();
        for task in &document.tasks {
            by_title.entry(slug(&task.title)).or_default().push(task);
        }
        let by_id = document.tasks.iter().map(|task| (task.id.as_str(), task)).collect();
        Self { document, by_id, by_title }
    }
}

/// Adds what helps, if anything does.
pub(super) fn helped(mut found: Diagnostic, help: Option<String>) -> Box<Diagnostic> {
    found.help = help;
    Box::new(found)
}

/// The task that a selector means.
pub(super) fn find<'d>(selector: &Selector, index: &Index<'d>) -> Result<&'d Task, Box<Diagnostic>> {
    match selector {
        Selector::Id(id) => find_id(id, index),
        Selector::Title { phase, title } => find_title(phase.as_ref(), title, index),
    }
}

fn find_id<'d>(id: &Literal, index: &Index<'d>) -> Result<&'d Task, Box<Diagnostic>> {
    index.by_id.get(id.text.as_str()).copied().ok_or_else(|| {
        let message = format!("the document has no task `{}`: this entry is not used", id.text);
        let found = Diagnostic::warning("bind-unused-entry", id.place.span, message);
        helped(found, near(&id.text, index.document.tasks.iter().map(|task| task.id.as_str())))
    })
}

fn find_title<'d>(
    phase: Option<&Literal>,
    title: &Literal,
    index: &Index<'d>,
) -> Result<&'d Task, Box<Diagnostic>> {
    let document = index.document;
    let phases = match phase {
        Some(phase) => Some(find_phase(phase, document)?),
        None => None,
    };
    let is_inside = |task: &Task| phases.is_none_or(|phase| is_in_phase(task, phase, document));
    let titled = index.by_title.get(&slug(&title.text)).map_or(&[][..], Vec::as_slice);
    let found: Vec<&'d Task> = titled.iter().copied().filter(|task| is_inside(task)).collect();
    match found.as_slice() {
        [task] => Ok(task),
        [] => {
            let message = format!("the document has no task `{}` there: this entry is not used", title.text);
            let found = Diagnostic::warning("bind-unused-entry", title.place.span, message);
            let titles = document.tasks.iter().filter(|task| is_inside(task)).map(|task| task.title.as_str());
            Err(helped(found, near(&title.text, titles.collect::<Vec<_>>())))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|task| task.id.as_str()).collect();
            let message = format!("`{}` is the title of several tasks", title.text);
            let found = Diagnostic::error("bind-ambiguous-entry", title.place.span, message);
            Err(helped(found, Some(format!("bind one of them by its id: {}", ids.join(", ")))))
        }
    }
}

/// By id, by number, by title, or by a word that only one phase has.
fn find_phase<'d>(wanted: &Literal, document: &'d Document) -> Result<&'d Phase, Box<Diagnostic>> {
    let text = wanted.text.trim();
    let number = text.to_lowercase();
    let number = number.strip_prefix("phase").unwrap_or(&number).trim();
    let slugged = slug(text);
    let exact = |phase: &&Phase| {
        phase.id.as_str() == text
            || phase.number.as_ref().is_some_and(|n| n.to_lowercase() == number)
            || slug(&phase.title) == slugged
    };
    let worded = |phase: &&Phase| slug(&phase.title).split('-').any(|word| word == slugged);
    let all = &document.phases;
    let by_word = || {
        let mut found = all.iter().filter(worded);
        found.next().filter(|_| found.next().is_none())
    };
    all.iter().find(exact).or_else(by_word).ok_or_else(|| {
        let message = format!("`{text}` names no phase, or several: this entry is not used");
        let found = Diagnostic::warning("bind-unused-entry", wanted.place.span, message);
        helped(found, near(text, all.iter().map(|phase| phase.id.as_str())))
    })
}

fn is_in_phase(task: &Task, phase: &Phase, document: &Document) -> bool {
    let mut current = document.phase(task.phase.as_str());
    // A document's phases form a tree; the bound keeps a malformed one from looping.
    for _ in 0..=document.phases.len() {
        match current {
            Some(found) if found.id == phase.id => return true,
            Some(found) => current = found.parent.as_ref().and_then(|parent| document.phase(parent.as_str())),
            None => return false,
        }
    }
    false
}
