//! Pieces that several sections share.

use crate::report::human::{self, Names};
use crate::report::summary::{Counts, Group, Summary};
use crate::report::view::ReportView;
use jiff::Timestamp;
use maud::{Markup, html};
use std::collections::HashMap;
use taskmaster_core::id::TaskId;
use taskmaster_core::state::TaskState;
use unicode_width::UnicodeWidthStr;

/// The view and what every section looks up in it.
pub(super) struct Page<'a> {
    pub view: &'a ReportView,
    pub summary: Summary,
    pub names: Names<'a>,
    /// Place of each task in the document.
    pub index: HashMap<&'a TaskId, usize>,
    members: Vec<Vec<usize>>,
    phases: Vec<usize>,
}

impl<'a> Page<'a> {
    pub(super) fn new(view: &'a ReportView) -> Self {
        let places: HashMap<_, usize> =
            view.phases.iter().enumerate().map(|(at, phase)| (&phase.id, at)).collect();
        let place = |phase| places.get(phase).copied().unwrap_or(view.phases.len());
        let phases: Vec<usize> = view.tasks.iter().map(|task| place(&task.phase)).collect();
        let mut members = vec![Vec::new(); view.phases.len() + 1];
        phases.iter().enumerate().for_each(|(at, &phase)| members[phase].push(at));
        Self {
            view,
            summary: Summary::of(view),
            names: Names::new(view.tasks.iter().map(|task| (&task.id, task.ordinal.as_str()))),
            index: view.tasks.iter().enumerate().map(|(at, task)| (&task.id, at)).collect(),
            members,
            phases,
        }
    }

    /// Tasks of a phase by its place; one more phase holds those whose phase is not listed.
    pub(super) fn tasks_of(&self, phase: usize) -> impl Iterator<Item = usize> {
        self.members[phase].iter().copied()
    }

    /// The place of a task's phase.
    pub(super) fn phase_of(&self, task: usize) -> usize {
        self.phases[task]
    }

    pub(super) fn phase_title(&self, phase: usize) -> String {
        self.view.phases.get(phase).map_or("Other tasks".to_owned(), human::phase)
    }
}

/// Foreign text: its direction is its own and does not leak.
pub(super) fn foreign(text: &str) -> Markup {
    html! { bdi { (text) } }
}

/// Heading of a section with a tally beside it.
pub(super) fn heading(id: &str, title: &str, tally: &str) -> Markup {
    html! { h2 id=(id) { (title) @if !tally.is_empty() { small { (tally) } } } }
}

/// The sign of a group; says nothing to a screen reader, the word stands beside it.
pub(super) fn icon(group: Group) -> Markup {
    html! { svg.i.{ "s-" (group.name()) } aria-hidden="true" { use href={ "#i-" (group.name()) } {} } }
}

/// Sign and exact word of a state.
pub(super) fn state(state: &TaskState) -> Markup {
    let group = Group::of(state);
    html! { span.chip.{ "s-" (group.name()) } { (icon(group)) (state.name()) } }
}

/// A link to a task's row: sign and ordinal.
pub(super) fn link(page: &Page<'_>, id: &TaskId) -> Markup {
    match page.index.get(id) {
        Some(&at) => {
            let task = &page.view.tasks[at];
            let group = Group::of(&task.state);
            html! {
                a.ref.{ "s-" (group.name()) } href={ "#t" (at) } title={ (task.title) " (" (task.state.name()) ")" } {
                    (icon(group)) (task.ordinal) span.sr { " " (task.state.name()) }
                }
            }
        }
        None => html! { span.ref { (id) } },
    }
}

pub(super) fn time(at: Timestamp) -> Markup {
    let text = human::time(at);
    html! { time datetime=(text) { (text) } }
}

/// Wanted tasks by group as one bar, full where all are done.
pub(super) fn bar(counts: &Counts) -> Markup {
    let mut x = 0.0;
    let mut rects = Vec::new();
    for group in Group::WANTED.into_iter().filter(|group| counts.get(*group) > 0) {
        let width = 100.0 * counts.get(group) as f64 / counts.wanted().max(1) as f64;
        rects.push((group, x, width));
        x += width;
    }
    html! {
        svg.bar role="img" aria-label=(said(counts)) {
            @for (group, x, width) in rects {
                rect.{ "f-" (group.name()) } x={ (format!("{x:.3}")) "%" } width={ (format!("{width:.3}")) "%" } height="100%" {
                    title { (counts.get(group)) " " (group.name()) }
                }
            }
        }
    }
}

/// `22 done, 1 claimed`: only what occurs.
pub(super) fn said(counts: &Counts) -> String {
    let groups = Group::ALL.into_iter().filter(|group| counts.get(*group) > 0);
    let said: Vec<String> = groups.map(|group| format!("{} {}", counts.get(group), group.name())).collect();
    if said.is_empty() { "no tasks".to_owned() } else { said.join(", ") }
}

/// The group that says most about a set of tasks.
pub(super) fn worst(counts: &Counts) -> Group {
    let order = [
        Group::Failed,
        Group::Unknown,
        Group::Active,
        Group::Waiting,
        Group::Blocked,
        Group::Pending,
        Group::Claimed,
        Group::Done,
        Group::Skipped,
    ];
    order.into_iter().find(|group| counts.get(*group) > 0).unwrap_or(Group::Cancelled)
}

/// The longest head of at most `columns` columns.
pub(super) fn head(text: &str, columns: usize) -> &str {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        if text[..next].width() > columns {
            break;
        }
        end = next;
    }
    &text[..end]
}

/// Cut to `columns` columns; what is lost is shown by `…`.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    format!("{}…", head(text, columns.saturating_sub(1)).trim_end())
}
