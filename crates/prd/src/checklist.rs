//! Checklists become tasks, requirements and criteria; what stands below them, their details.
//!
//! One walk over the blocks in document order. Each block inherits from its parent to which entry
//! it belongs, so nesting of any depth costs nothing.

use crate::blocks::{Fence, Inline, Kind};
use crate::dialect::is_subtasks_heading;
use crate::draft::{Draft, DraftPhase, DraftRequirement, DraftTask};
use crate::fields::{self, Fields, IdForm, Written};
use crate::marks::Shape;
use crate::page::{Item, Page, is_acceptance_label};
use crate::scan::{squeeze, unwrap_emphasis};
use crate::title;
use crate::tokens::{Dotted, IdRules, dotted_number};
use crate::words::is_acceptance_name;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::document::{Acceptance, Claim, Dialect, InlineAction, InlineKind, Mark};
use taskmaster_core::text::Span;

/// What an item became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// Index of a task.
    Task(usize),
    /// A requirement.
    Requirement,
    /// A criterion of the task with this index.
    Criterion(usize),
}

/// Reads the checklists of `page` into `draft`.
pub(crate) fn read(page: &Page<'_>, draft: &mut Draft, found: &mut Vec<Diagnostic>) {
    let first_requirement = draft.requirements.len();
    let mut reader = Reader::new(page, draft, found);
    reader.find_phases();
    reader.find_boxes();
    for block in 1..page.blocks.all.len() {
        reader.step(block);
    }
    reader.place_requirements(first_requirement);
    reader.warn_of_empty_phases();
}

/// Where phases come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// Phase headings.
    Headings,
    /// Every heading that holds a box.
    AnyHeading,
    /// The section `Tasks / Subtasks`.
    OneSection,
}

struct Reader<'r, 'a> {
    page: &'r Page<'a>,
    draft: &'r mut Draft,
    found: &'r mut Vec<Diagnostic>,
    source: Source,
    rules: IdRules,
    /// Phase of each section: the innermost phase heading, or the heading itself.
    phase_of: Vec<Option<usize>>,
    /// Sections below a name of acceptance criteria.
    accepted: Vec<bool>,
    /// Phases whose own section has a box.
    has_box: Vec<bool>,
    first_phase: usize,
    loose: Option<usize>,
    entries: Vec<Option<Entry>>,
    listed: Vec<bool>,
    in_item: Vec<bool>,
}

impl<'r, 'a> Reader<'r, 'a> {
    fn new(page: &'r Page<'a>, draft: &'r mut Draft, found: &'r mut Vec<Diagnostic>) -> Self {
        let any_phase = page.headings.iter().any(|heading| heading.phase.is_some());
        let source = match page.dialect {
            Dialect::Bmad => Source::OneSection,
            _ if any_phase => Source::Headings,
            _ => Source::AnyHeading,
        };
        let blocks = page.blocks.all.len();
        let mut accepted: Vec<bool> = Vec::with_capacity(page.headings.len());
        for (heading, section) in page.headings.iter().zip(&page.blocks.sections) {
            let own = heading.phase.is_none() && is_acceptance_name(&heading.name);
            accepted.push(own || section.parent.is_some_and(|parent| accepted[parent]));
        }
        Self {
            page,
            source,
            rules: IdRules::new(dotted(page), page.items.iter().map(Item::content)),
            phase_of: vec![None; page.headings.len()],
            accepted,
            has_box: Vec::new(),
            first_phase: draft.phases.len(),
            loose: None,
            entries: vec![None; blocks],
            listed: vec![false; blocks],
            in_item: vec![false; blocks],
            draft,
            found,
        }
    }

    fn find_phases(&mut self) {
        for section in 0..self.page.headings.len() {
            let parent = self.page.blocks.sections[section].parent.and_then(|parent| self.phase_of[parent]);
            let heading = &self.page.headings[section];
            let is_phase = match self.source {
                Source::Headings => heading.phase.is_some(),
                Source::OneSection => {
                    is_subtasks_heading(&heading.name) && self.draft.phases.len() == self.first_phase
                }
                Source::AnyHeading => false,
            };
            self.phase_of[section] = if is_phase { Some(self.open_phase(section, parent)) } else { parent };
        }
    }

    fn open_phase(&mut self, section: usize, parent: Option<usize>) -> usize {
        let block = self.page.blocks.get(self.page.blocks.sections[section].block);
        let heading = &self.page.headings[section];
        let span = block.lines.first().copied().unwrap_or(block.span);
        if let Some(word) = &heading.bad_priority {
            self.found.push(unknown_priority(word, span));
        }
        self.draft.phases.push(DraftPhase {
            source: self.page.index,
            section: Some(section),
            word: heading.phase.as_ref().map(|mark| mark.word.clone()),
            number: heading.phase.as_ref().map(|mark| mark.number.clone()),
            title: heading.title.clone(),
            id: heading.id.clone(),
            priority: heading.priority,
            estimate: heading.estimate.clone(),
            parent,
            line: self.page.line(block.span.start),
            span,
        });
        self.draft.phases.len() - 1
    }

    /// Which phases have a box of their own: in the others ordered items are tasks.
    fn find_boxes(&mut self) {
        self.has_box = vec![false; self.draft.phases.len()];
        for item in self.page.items.iter().filter(|item| item.claim.is_some()) {
            let section = self.page.blocks.get(item.block).section;
            if let Some(phase) = section.and_then(|section| self.phase_of[section]) {
                self.has_box[phase] = true;
            }
        }
    }

    fn step(&mut self, block: usize) {
        let this = self.page.blocks.get(block);
        let parent = this.parent;
        self.entries[block] = self.entries[parent];
        self.listed[block] = self.listed[parent];
        self.in_item[block] = self.in_item[parent] || this.kind == Kind::Item;
        match &this.kind {
            Kind::List => self.listed[block] |= self.page.is_acceptance_list(block),
            Kind::Item => self.item(block),
            Kind::Paragraph | Kind::Heading(_) => self.paragraph(block),
            Kind::Fence(fence) => self.fence(block, fence),
            _ => {}
        }
    }

    fn item(&mut self, block: usize) {
        let Some(item) = self.page.item(block) else { return };
        let phase = self.phase(block);
        let accepted =
            self.listed[block] || self.section(block).is_some_and(|section| self.accepted[section]);
        let entry = match (self.entries[block], item.claim) {
            (_, None) => match self.numbered(block, item, phase, accepted) {
                Some(entry) => entry,
                None => return,
            },
            (Some(Entry::Task(task)), Some(_)) if !self.listed[block] => {
                Entry::Task(self.task(item, self.draft.tasks[task].phase, Some(task)))
            }
            (Some(Entry::Task(task) | Entry::Criterion(task)), Some(claim)) => {
                let criterion = criterion(self.page, item, claim);
                self.draft.tasks[task].acceptance.push(criterion);
                Entry::Criterion(task)
            }
            (None, Some(_)) if !accepted && (phase.is_some() || self.source == Source::AnyHeading) => {
                let phase = self.phase_or_new(block);
                Entry::Task(self.task(item, phase, None))
            }
            (_, Some(claim)) => {
                self.requirement(item, claim, accepted);
                Entry::Requirement
            }
        };
        self.entries[block] = Some(entry);
    }

    /// What an item without a box is: in a numbered list a task, or in a story a criterion.
    fn numbered(&mut self, block: usize, item: &Item, phase: Option<usize>, accepted: bool) -> Option<Entry> {
        let outermost = !self.in_item[self.page.blocks.get(block).parent];
        item.number.filter(|_| outermost)?;
        match self.source {
            Source::Headings if !accepted => {
                let phase = phase.filter(|phase| !self.has_box[*phase])?;
                Some(Entry::Task(self.task(item, phase, None)))
            }
            Source::OneSection if accepted => {
                self.requirement(item, Claim::Pending, accepted);
                Some(Entry::Requirement)
            }
            _ => None,
        }
    }

    fn section(&self, block: usize) -> Option<usize> {
        self.page.blocks.get(block).section
    }

    /// The phase a block stands in; in a text without phase headings, only where one has begun.
    fn phase(&self, block: usize) -> Option<usize> {
        self.section(block).map_or(self.loose, |section| self.phase_of[section])
    }

    /// Without phase headings the heading directly above a box is a phase.
    fn phase_or_new(&mut self, block: usize) -> usize {
        let Some(section) = self.section(block) else {
            return *self.loose.get_or_insert_with(|| {
                let line = self.page.line(self.page.blocks.get(block).span.start);
                self.draft.phases.push(DraftPhase {
                    source: self.page.index,
                    title: "Tasks".to_owned(),
                    line,
                    ..DraftPhase::default()
                });
                self.draft.phases.len() - 1
            });
        };
        if let Some(phase) = self.phase_of[section] {
            return phase;
        }
        let above = self.page.blocks.sections[section].parent;
        let parent = above.and_then(|above| self.nearest_phase(above));
        let phase = self.open_phase(section, parent);
        self.phase_of[section] = Some(phase);
        phase
    }

    /// The phase of `section` or of the nearest heading around it.
    fn nearest_phase(&self, section: usize) -> Option<usize> {
        let mut at = Some(section);
        while let Some(section) = at {
            if self.phase_of[section].is_some() {
                return self.phase_of[section];
            }
            at = self.page.blocks.sections[section].parent;
        }
        None
    }

    /// Criteria may stand before the tasks that make their heading a phase.
    fn place_requirements(&mut self, first: usize) {
        for at in first..self.draft.requirements.len() {
            let section = self.draft.requirements[at].section;
            self.draft.requirements[at].phase = match section {
                Some(section) => self.nearest_phase(section),
                None => self.loose,
            };
        }
    }

    fn task(&mut self, item: &Item, phase: usize, parent: Option<usize>) -> usize {
        let mut fields = title::read(&item.inline, item.rest, &self.rules);
        for line in &item.fields {
            let inline = Inline::new(self.page.text, &[*line]);
            if let Some((key, value)) = fields::whole(&inline.text) {
                fields.take(key, value, &inline);
            }
        }
        let (mark, starred) = mark(item);
        let status = match item.claim.unwrap_or_default() {
            Claim::Completed => Claim::Completed,
            _ if fields.struck => Claim::Cancelled,
            claim => claim,
        };
        self.draft.tasks.push(DraftTask {
            source: self.page.index,
            phase,
            parent,
            parent_id: None,
            fields,
            status,
            mark,
            optional: starred,
            details: Vec::new(),
            acceptance: Vec::new(),
            inline_actions: Vec::new(),
            line: self.page.line(item.span.start),
            span: item.span,
            section: self.section(item.block),
            list: item.number.map(|number| (item.list, number)),
        });
        self.draft.tasks.len() - 1
    }

    fn requirement(&mut self, item: &Item, claim: Claim, acceptance: bool) {
        let (title, id, struck) = requirement_text(item, &self.rules);
        let heading = self.section(item.block).map(|section| &self.page.headings[section]);
        let requirement = DraftRequirement {
            source: self.page.index,
            section: self.section(item.block),
            phase: None,
            title,
            id,
            acceptance,
            listed: item.claim.is_none(),
            heading: heading.map(|heading| heading.title.clone()),
            number: heading.and_then(|heading| heading.section.clone()),
            status: if struck && claim != Claim::Completed { Claim::Cancelled } else { claim },
            mark: mark(item).0,
            line: self.page.line(item.span.start),
        };
        self.draft.requirements.push(requirement);
    }

    /// A paragraph or bullet below a task is a field, a label or a detail.
    fn paragraph(&mut self, block: usize) {
        let Some(Entry::Task(task)) = self.entries[block] else { return };
        let blocks = &self.page.blocks;
        let this = blocks.get(block);
        let below_task = self.is_task_item(this.parent, task);
        if below_task && this.before.is_none() {
            return;
        }
        let holder = blocks.get(this.parent);
        let bullet = holder.kind == Kind::Item && this.before.is_none();
        let direct = below_task || (bullet && self.is_task_item(blocks.get(holder.parent).parent, task));
        let mut text: Vec<Span> = Vec::new();
        for lines in field_lines(self.page.text, &this.lines, bullet) {
            let inline = Inline::new(self.page.text, lines);
            match fields::whole(&inline.text).filter(|_| direct) {
                Some((key, value)) => {
                    let task = &mut self.draft.tasks[task];
                    task.fields.take_below(key, value, &inline, task.details.len());
                }
                None => text.extend_from_slice(lines),
            }
        }
        if text.last().is_some_and(|line| is_acceptance_label(line.of(self.page.text))) {
            text.pop();
        }
        let detail = squeeze(&Inline::new(self.page.text, &text).text);
        if !detail.is_empty() {
            self.draft.tasks[task].details.push(detail);
        }
    }

    /// True where `block` is the item that became `task`.
    fn is_task_item(&self, block: usize, task: usize) -> bool {
        let parent = self.page.blocks.get(block).parent;
        self.entries[block] == Some(Entry::Task(task))
            && self.entries[parent] != Some(Entry::Task(task))
            && self.page.blocks.get(block).kind == Kind::Item
    }

    fn fence(&mut self, block: usize, fence: &Fence) {
        let Some((language, kind)) = action(&fence.info) else { return };
        let this = self.page.blocks.get(block);
        let line = self.page.line(this.span.start);
        match self.entries[block] {
            Some(Entry::Task(task)) if self.is_task_item(this.parent, task) => {
                let action = InlineAction { kind, language, body: fence.body.clone(), line };
                self.draft.tasks[task].inline_actions.push(action);
            }
            _ => self.found.push(stray_action(self.page, this.span)),
        }
    }

    fn warn_of_empty_phases(&mut self) {
        if self.source != Source::Headings {
            return;
        }
        let holds = self.draft.phases_with_tasks();
        for (phase, _) in
            self.draft.phases.iter().zip(holds).skip(self.first_phase).filter(|(_, holds)| !holds)
        {
            self.found.push(
                Diagnostic::warning(
                    "empty-phase",
                    phase.span,
                    format!("phase `{}` holds no task", phase.title),
                )
                .help("write its tasks as a checklist: `- [ ] …`"),
            );
        }
    }
}

/// The pieces of a paragraph that may be a field each: every line, but a bullet that wraps is one.
fn field_lines<'l>(text: &str, lines: &'l [Span], bullet: bool) -> impl Iterator<Item = &'l [Span]> {
    let wrapped = bullet && !lines.iter().skip(1).any(|line| fields::whole(line.of(text)).is_some());
    lines.chunks(if wrapped { lines.len().max(1) } else { 1 })
}

/// When dotted numbers are ids in this text.
fn dotted(page: &Page<'_>) -> Dotted {
    let several = |item: &&Item| {
        let content = item.content().trim_start().trim_start_matches(['*', '_', '~']);
        item.claim.is_some() && dotted_number(content).is_some_and(|(number, _)| number.contains('.'))
    };
    match page.dialect {
        Dialect::Kiro | Dialect::OpenSpec => Dotted::Always,
        _ if page.items.iter().filter(several).take(2).count() == 2 => Dotted::Several,
        _ => Dotted::Never,
    }
}

/// The mark of an item with a box, and whether a star follows.
fn mark(item: &Item) -> (Option<Mark>, bool) {
    match item.shape {
        Shape::Box(found) if item.claim.is_some() => {
            (Some(Mark { character: found.character, span: found.mark }), found.starred)
        }
        _ => (None, false),
    }
}

/// A box as a criterion of a task.
pub(crate) fn criterion(page: &Page<'_>, item: &Item, claim: Claim) -> Acceptance {
    let text = squeeze(item.content());
    let struck = crate::scan::unwrap_once(&text, "~~").is_some();
    Acceptance {
        status: if struck && claim != Claim::Completed { Claim::Cancelled } else { claim },
        text: unwrap_emphasis(&text).to_owned(),
        line: page.line(item.span.start),
        mark: mark(item).0,
    }
}

/// The text of a requirement without its id, the id, and whether it is struck through.
fn requirement_text(item: &Item, rules: &IdRules) -> (String, Option<Written>, bool) {
    let fields = title::read(&item.inline, item.rest, rules);
    let text = item.content().trim();
    let struck = fields.struck;
    match fields.id {
        Some((IdForm::Token | IdForm::Dotted, id)) => {
            let behind = text.find(&id.text).map_or(text, |at| &text[at + id.text.len()..]);
            let open = &text[..text.len() - text.trim_start_matches(['*', '_', '~']).len()];
            let behind = behind.trim_start_matches(['.', ':']);
            let behind = behind.strip_prefix(open).unwrap_or(behind).trim_start_matches(':').trim();
            let kept = behind.strip_suffix(open).filter(|_| !open.is_empty()).unwrap_or(behind);
            (squeeze(unwrap_emphasis(kept)), Some(id), struck)
        }
        Some((_, id)) => (fields.title, Some(id), struck),
        None => match short_id(item) {
            Some((id, rest)) => (squeeze(unwrap_emphasis(rest)), Some(id), struck),
            None => (squeeze(unwrap_emphasis(text)), None, struck),
        },
    }
}

/// `AC1: …`: capitals, digits and a colon, bold or not.
fn short_id(item: &Item) -> Option<(Written, &str)> {
    let text = item.content().trim();
    let inner = text.trim_start_matches(['*', '_']);
    let letters = inner.bytes().take_while(u8::is_ascii_uppercase).count();
    let number = inner[letters..].bytes().take_while(u8::is_ascii_digit).count();
    let (id, rest) = inner.split_at(letters + number);
    let rest = rest.trim_start_matches(['*', '_']).strip_prefix(':')?;
    if letters == 0 || number == 0 {
        return None;
    }
    let at = crate::scan::offset_in(&item.inline.text, id);
    let span = item.inline.span(at..at + id.len());
    Some((Written { text: id.to_owned(), span }, rest.trim_start_matches(['*', '_']).trim()))
}

/// `bash run`: the language and what the block is for.
fn action(info: &str) -> Option<(String, InlineKind)> {
    let mut words = info.split_whitespace();
    let language = words.next()?.to_owned();
    let kind = words.find_map(|word| match word {
        "run" => Some(InlineKind::Run),
        "check" => Some(InlineKind::Check),
        "verify" => Some(InlineKind::Verify),
        _ => None,
    })?;
    Some((language, kind))
}

fn stray_action(page: &Page<'_>, span: Span) -> Diagnostic {
    let line = page.text[span.start..span.end].lines().next().unwrap_or_default();
    Diagnostic::warning(
        "stray-action",
        Span::new(span.start, span.start + line.len()),
        "an action that belongs to no task",
    )
    .help("indent the block so that it stands inside the item of its task")
}

/// A priority that is no known word.
pub(crate) fn unknown_priority(word: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("unknown-priority", span, format!("`{word}` is no priority"))
        .help("write critical, high, medium or low, or P0 to P4")
}

/// The fields that a section of `fields` leaves with doubts.
pub(crate) fn doubts(fields: &Fields) -> impl Iterator<Item = Diagnostic> {
    let placeholder = fields.placeholder.map(|span| {
        Diagnostic::note("placeholder-id", span, "`TXXX` stands for an id that is still to be given")
            .help("give the task a number, so that others can depend on it")
    });
    let priorities = fields.bad_priorities.iter().map(|word| unknown_priority(&word.text, word.span));
    placeholder.into_iter().chain(priorities)
}
