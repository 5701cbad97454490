//! From drafts to a document: dependencies resolved, edges drawn, everything by its id.

use crate::checklist::doubts;
use crate::draft::{Draft, DraftTask};
use crate::edges::{self, Drawn, Link, MOST_EXPLICIT, Wait};
use crate::fields::{Prerequisite, Written};
use crate::forest::Forest;
use crate::front_matter::as_text;
use crate::ids::{self, Ids};
use crate::links::{self, Links};
use crate::mermaid;
use crate::names::{Asker, Names, Resolved};
use crate::page::Page;
use crate::prerequisites::Prerequisites;
use crate::requirements::References;
use crate::tables;
use crate::{Options, Parsed};
use serde_json::{Map, Value};
use std::collections::HashMap;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::document::{
    Dialect, Document, Edge, EdgeKind, Metadata, Ordering, Phase, Priority, Requirement, Task,
};
use taskmaster_core::id::{DocumentId, PhaseId, RequirementId, TaskId};

/// Labels of one cycle.
const MOST_LABELS: usize = 50;

/// Builds the document that the drafts describe.
pub(crate) fn document(
    pages: &[Page<'_>],
    mut draft: Draft,
    options: &Options,
    mut found: Vec<Diagnostic>,
) -> Parsed {
    adopt(pages, &mut draft, &mut found);
    for task in &draft.tasks {
        found.extend(doubts(&task.fields).map(|doubt| doubt.in_source(task.source)));
    }
    let metadata = metadata(pages, &draft, options);
    let forest = Forest::new(&draft);
    let ids = ids::assign(&draft, &forest, &mut found);
    let mut written = read_dependencies(pages, &draft, &ids, &forest, &mut found);
    // From behind, so that the places of the others stay what they are.
    for (task, place, detail) in written.prose.drain(..).rev() {
        draft.tasks[task].details.insert(place, detail);
    }
    for task in written.parallel.drain(..) {
        draft.tasks[task].fields.parallel = true;
    }
    for task in written.optional.drain(..) {
        draft.tasks[task].optional = true;
    }
    let drawn = edges::draw(&draft, &forest, &written.edges, metadata.ordering);
    tell(&draft, &ids, &drawn, written.too_many, &mut found);
    if draft.tasks.is_empty() {
        found.push(no_tasks(pages));
    }
    let document = build(&mut draft, &ids, written.external, metadata, &drawn);
    found.sort_by(|a, b| {
        let place = |d: &Diagnostic| (d.source, d.span.map(|span| (span.start, span.end)), d.code);
        place(a).cmp(&place(b)).then_with(|| a.message.cmp(&b.message))
    });
    Parsed { document, diagnostics: found }
}

/// Gives subtasks of one-task files their parents; a circle of parents is cut.
fn adopt(pages: &[Page<'_>], draft: &mut Draft, found: &mut Vec<Diagnostic>) {
    let mut by_id = HashMap::new();
    for (at, task) in draft.tasks.iter().enumerate().rev() {
        if let Some((_, id)) = &task.fields.id {
            by_id.insert(id.text.clone(), at);
        }
    }
    let mut seen = vec![0_usize; draft.tasks.len()];
    for at in 0..draft.tasks.len() {
        let Some(wanted) = draft.tasks[at].parent_id.clone() else { continue };
        let parent = by_id.get(&wanted).copied().filter(|parent| *parent != at);
        if parent.is_none() {
            let page = &pages[draft.tasks[at].source];
            let span = page.front.key_span("parent_task_id").unwrap_or(draft.tasks[at].span);
            found.push(
                Diagnostic::note(
                    "external-dependency",
                    span,
                    format!("the parent `{wanted}` is not among the texts"),
                )
                .in_source(page.index)
                .help("parse the whole folder, so that parents and dependencies are found"),
            );
        }
        draft.tasks[at].parent = parent;
    }
    for at in 0..draft.tasks.len() {
        let mut one = at;
        while seen[one] == 0 {
            seen[one] = at + 1;
            match draft.tasks[one].parent {
                Some(parent) if seen[parent] == at + 1 => draft.tasks[one].parent = None,
                Some(parent) => one = parent,
                None => {}
            }
        }
    }
}

/// Everything that is written about dependencies, resolved.
struct Dependencies {
    edges: edges::Written,
    parallel: Vec<usize>,
    optional: Vec<usize>,
    external: Vec<Vec<String>>,
    /// Details that look like fields: task, place, text.
    prose: Vec<(usize, usize, String)>,
    too_many: bool,
}

fn read_dependencies(
    pages: &[Page<'_>],
    draft: &Draft,
    ids: &Ids,
    forest: &Forest,
    found: &mut Vec<Diagnostic>,
) -> Dependencies {
    let mut names = Names::new(draft, ids, forest);
    let mut prerequisites = Prerequisites::new(draft, ids);
    let mut reader = DependencyReader {
        pages,
        draft,
        found,
        result: Dependencies {
            edges: edges::Written {
                waits: vec![Vec::new(); draft.tasks.len()],
                none: vec![false; draft.tasks.len()],
                phases: std::collections::BTreeMap::new(),
            },
            parallel: Vec::new(),
            optional: Vec::new(),
            external: vec![Vec::new(); draft.tasks.len()],
            prose: Vec::new(),
            too_many: false,
        },
    };
    for (at, task) in draft.tasks.iter().enumerate() {
        for value in &task.fields.dependencies {
            reader.value(&mut names, at, value, task.source);
        }
        for field in &task.fields.prerequisites {
            reader.prerequisite(&mut names, &mut prerequisites, at, field);
        }
        for value in &task.fields.parallel_with {
            let asker = Asker { source: task.source, task: Some(at) };
            let named = names.resolve(value, asker);
            reader.result.parallel.push(at);
            reader.result.parallel.extend(named.tasks);
            for piece in named.unknown {
                reader.found.push(names.unknown(&piece, task.source));
            }
        }
    }
    for page in pages {
        let mut own = Vec::new();
        let links = links::read(page, draft, &mut names, &mut own);
        tables::find(page, &mut names, &mut own);
        mermaid::find(page, draft, &names, &mut own);
        reader.found.extend(own.into_iter().map(|diagnostic| diagnostic.in_source(page.index)));
        reader.links(&mut names, page, links);
    }
    reader.result.too_many |= names.is_exhausted();
    reader.result
}

struct DependencyReader<'r, 'a> {
    pages: &'r [Page<'a>],
    draft: &'r Draft,
    found: &'r mut Vec<Diagnostic>,
    result: Dependencies,
}

impl DependencyReader<'_, '_> {
    /// One value written for `task` in `source`.
    fn value(&mut self, names: &mut Names<'_>, task: usize, value: &Written, source: usize) {
        let resolved = names.resolve(value, Asker { source, task: Some(task) });
        self.resolved(names, task, value, source, resolved);
    }

    /// `Requires: …` of `task`: names are dependencies, prose is a detail.
    fn prerequisite(
        &mut self,
        names: &mut Names<'_>,
        prerequisites: &mut Prerequisites<'_>,
        task: usize,
        field: &Prerequisite,
    ) {
        let source = self.draft.tasks[task].source;
        let mut resolved = names.resolve_names(&field.value, Asker { source, task: Some(task) });
        let pieces = resolved.unknown.len();
        resolved.unknown.retain(|piece| prerequisites.is_reference(&piece.text));
        if resolved.unknown.len() < pieces {
            self.result.prose.push((task, field.place, field.detail.clone()));
        }
        self.resolved(names, task, &field.value, source, resolved);
    }

    fn resolved(
        &mut self,
        names: &mut Names<'_>,
        task: usize,
        value: &Written,
        source: usize,
        resolved: Resolved,
    ) {
        self.result.edges.none[task] |= resolved.none;
        let line = self.pages[source].line(value.span.start);
        let room = MOST_EXPLICIT.saturating_sub(self.result.edges.waits[task].len());
        self.result.too_many |= resolved.tasks.len() > room;
        let waits =
            resolved.tasks.into_iter().take(room).map(|on| Wait { on, source, span: value.span, line });
        self.result.edges.waits[task].extend(waits);
        let dialect = self.pages[source].dialect;
        let alone = self.pages.len() == 1 && matches!(dialect, Dialect::Backlog | Dialect::TaskMaster);
        for piece in resolved.unknown {
            if alone {
                self.found.push(
                    Diagnostic::note(
                        "external-dependency",
                        piece.span,
                        format!("`{}` is not in this text", piece.text),
                    )
                    .in_source(source)
                    .help("parse the whole folder, so that dependencies are found"),
                );
                self.result.external[task].push(piece.text);
            } else {
                self.found.push(names.unknown(&piece, source));
            }
        }
    }

    fn links(&mut self, names: &mut Names<'_>, page: &Page<'_>, links: Links) {
        for (task, value) in &links.values {
            if *task < self.draft.tasks.len() {
                self.value(names, *task, value, page.index);
            }
        }
        self.result.too_many |= links.pairs.len() > MOST_EXPLICIT;
        for (task, on, span) in links.pairs.into_iter().take(MOST_EXPLICIT) {
            let wait = Wait { on, source: page.index, span, line: page.line(span.start) };
            self.result.edges.waits[task].push(wait);
        }
        for task in links.none {
            self.result.edges.none[task] = true;
        }
        self.result.edges.phases.extend(links.phases);
        self.result.optional.extend(links.optional);
    }
}

/// Findings about edges.
fn tell(draft: &Draft, ids: &Ids, drawn: &Drawn, too_many: bool, found: &mut Vec<Diagnostic>) {
    for cycle in &drawn.cycles {
        let Some((_, first)) = cycle.edges.first() else { continue };
        let round: Vec<&str> =
            cycle.round.iter().take(MOST_LABELS).map(|task| ids.tasks[*task].as_str()).collect();
        let mut lines: Vec<usize> = cycle.edges.iter().map(|(_, wait)| wait.line).collect();
        lines.dedup();
        let lines = lines.iter().take(MOST_LABELS).map(usize::to_string).collect::<Vec<_>>().join(", ");
        let message = format!("dependencies in a circle (lines {lines}): {}", round.join(" → "));
        let mut diagnostic = Diagnostic::error("dependency-cycle", first.span, message)
            .in_source(first.source)
            .help("delete one of these dependencies; until then none of them is in the plan");
        let here = cycle.edges.iter().filter(|(_, wait)| wait.source == first.source);
        for (task, wait) in here.take(MOST_LABELS) {
            let text =
                format!("line {}: `{}` waits for `{}`", wait.line, ids.tasks[*task], ids.tasks[wait.on]);
            diagnostic = diagnostic.label(wait.span, text);
        }
        found.push(diagnostic);
    }
    let mut dropped: Vec<&Link> = drawn.dropped.iter().collect();
    dropped.sort_by_key(|link| (link.task, link.kind, link.on));
    for links in dropped.chunk_by(|one, next| (one.task, one.kind) == (next.task, next.kind)) {
        found.push(order_dropped(draft, ids, links));
    }
    if too_many || drawn.too_many {
        found.push(
            Diagnostic::error("too-many-dependencies", None, format!("more than {MOST_EXPLICIT} dependencies are written"))
                .help("name phases instead of single tasks, or split the document; what is beyond is not in the plan"),
        );
    }
}

/// Edges of one kind and task that had to go.
fn order_dropped(draft: &Draft, ids: &Ids, links: &[&Link]) -> Diagnostic {
    let (link, others) = (links[0], links.len() - 1);
    let why = if link.kind == EdgeKind::Order { "document order" } else { "the order of phases" };
    let task = &draft.tasks[link.task];
    let more = if others == 0 { String::new() } else { format!(" and {others} more") };
    let message =
        format!("`{}` does not wait for `{}`{more} by {why}", ids.tasks[link.task], ids.tasks[link.on]);
    Diagnostic::note("order-dropped", task.span, message)
        .in_source(task.source)
        .help("it would close a circle with written dependencies, which win; reorder the items to be clear")
}

/// A document without tasks says so.
fn no_tasks(pages: &[Page<'_>]) -> Diagnostic {
    let headings: usize = pages.iter().map(|page| page.headings.len()).sum();
    let boxes = pages.iter().flat_map(|page| &page.items).filter(|item| item.claim.is_some()).count();
    let plural =
        |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let message = format!(
        "0 tasks under {}, {} seen",
        plural(headings, "heading", "headings"),
        plural(boxes, "box", "boxes")
    );
    Diagnostic::warning("no-tasks", None, message)
        .help("tasks are checklist items, `- [ ] …`, below a phase heading such as `## Phase 1: Setup`")
}

fn metadata(pages: &[Page<'_>], draft: &Draft, options: &Options) -> Metadata {
    let dialect = pages.iter().map(|page| page.dialect).min_by_key(|dialect| crate::dialect::rank(*dialect));
    let dialect = options.dialect.or(dialect).unwrap_or_default();
    let default = match dialect {
        Dialect::Backlog | Dialect::TaskMaster => Ordering::Explicit,
        _ => Ordering::Sequential,
    };
    let ordering = options.ordering.or(pages.iter().find_map(|page| page.ordering)).unwrap_or(default);
    let [page] = pages else {
        let front = pages.iter().filter(|page| !page.front.values.is_empty());
        let front: Map<String, Value> =
            front.map(|page| (page.name.to_owned(), Value::Object(page.front.values.clone()))).collect();
        let front_matter = if front.is_empty() { Value::Null } else { Value::Object(front) };
        return Metadata { dialect, ordering, front_matter, ..Metadata::default() };
    };
    let heading = page.blocks.sections.iter().position(|section| section.level == 1);
    let heading = heading.map(|section| page.inline(page.blocks.sections[section].block).text);
    let title = match dialect {
        Dialect::TaskMaster => draft.tasks.first().map(|task| task.fields.title.clone()),
        _ => heading.map(|text| crate::scan::squeeze(&text)),
    };
    let values = &page.front.values;
    Metadata {
        id: page.front.get("id").map(as_text).filter(|id| !id.is_empty()).map(DocumentId::new),
        title: page.front.text("title").or(title).filter(|title| !title.is_empty()),
        dialect,
        ordering,
        owners: page.front.owners(),
        dates: page.front.dates(),
        front_matter: if values.is_empty() { Value::Null } else { Value::Object(values.clone()) },
    }
}

/// The document of a draft, whose tasks are moved into it.
fn build(
    draft: &mut Draft,
    ids: &Ids,
    external: Vec<Vec<String>>,
    metadata: Metadata,
    drawn: &Drawn,
) -> Document {
    let task_id = |at: usize| TaskId::new(ids.tasks[at].as_str());
    let link = |edge: &Link| Edge {
        task: task_id(edge.task),
        dependency: task_id(edge.on),
        kind: edge.kind,
        line: edge.line,
    };
    let edges: Vec<Edge> = drawn.edges.iter().map(link).collect();
    let mut dependencies = vec![Vec::new(); draft.tasks.len()];
    for edge in &drawn.edges {
        dependencies[edge.task].push(task_id(edge.on));
    }
    let drafts = std::mem::take(&mut draft.tasks);
    let builder = Builder { draft, ids };
    let mut references = References::new(draft, ids);
    let tasks = drafts.into_iter().zip(dependencies.into_iter().zip(external)).enumerate();
    let tasks = tasks.map(|(at, (task, edges))| builder.task(at, task, edges, &mut references));
    let mut tasks: Vec<Task> = tasks.collect();
    // They stand in the memory of the drafts, of which each is twice as large.
    tasks.shrink_to_fit();
    let phases = (0..draft.phases.len()).filter_map(|at| builder.phase(at)).collect();
    let requirements = (0..draft.requirements.len()).map(|at| builder.requirement(at)).collect();
    Document { metadata, phases, tasks, requirements, edges }
}

struct Builder<'b> {
    /// Without its tasks.
    draft: &'b Draft,
    ids: &'b Ids,
}

impl Builder<'_> {
    fn phase_id(&self, at: usize) -> Option<PhaseId> {
        self.ids.phases[at].as_deref().map(PhaseId::from)
    }

    fn phase(&self, at: usize) -> Option<Phase> {
        let phase = &self.draft.phases[at];
        Some(Phase {
            id: self.phase_id(at)?,
            number: phase.number.clone(),
            title: phase.title.clone(),
            priority: phase.priority,
            parent: phase.parent.and_then(|parent| self.phase_id(parent)),
            estimate: phase.estimate.clone(),
            line: phase.line,
            source: phase.source,
        })
    }

    fn requirement(&self, at: usize) -> Requirement {
        let requirement = &self.draft.requirements[at];
        Requirement {
            id: RequirementId::new(self.ids.requirements[at].as_str()),
            title: requirement.title.clone(),
            section: requirement.number.clone(),
            heading: requirement.heading.clone(),
            phase: requirement.phase.and_then(|phase| self.phase_id(phase)),
            status: requirement.status,
            line: requirement.line,
            source: requirement.source,
            mark: requirement.mark,
        }
    }

    fn priority(&self, task: &DraftTask) -> Priority {
        let mut priority = task.fields.priority;
        let mut phase = Some(task.phase);
        while let (None, Some(at)) = (priority, phase) {
            priority = self.draft.phases[at].priority;
            phase = self.draft.phases[at].parent;
        }
        priority.unwrap_or_default()
    }

    fn task(
        &self,
        at: usize,
        task: DraftTask,
        (dependencies, external_dependencies): (Vec<TaskId>, Vec<String>),
        references: &mut References<'_>,
    ) -> Task {
        let priority = self.priority(&task);
        let fields = task.fields;
        Task {
            id: TaskId::new(self.ids.tasks[at].as_str()),
            ordinal: self.ids.ordinals[at].clone(),
            title: fields.title,
            phase: self.phase_id(task.phase).unwrap_or_else(|| PhaseId::from("")),
            priority,
            status: task.status,
            dependencies,
            external_dependencies,
            optional: task.optional,
            parallel: fields.parallel,
            explicit_id: fields.id.is_some(),
            tags: fields.tags,
            details: task.details,
            acceptance: task.acceptance,
            requirements: references.resolve(&fields.requirements, task.source),
            parent: task.parent.map(|parent| TaskId::new(self.ids.tasks[parent].as_str())),
            matrix: std::collections::BTreeMap::new(),
            estimate: fields.estimate,
            owner: fields.owner,
            issue: fields.issue,
            dates: fields.dates,
            inline_actions: task.inline_actions,
            line: task.line,
            source: task.source,
            span: task.span,
            mark: task.mark,
        }
    }
}
