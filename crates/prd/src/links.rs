//! Dependencies that stand apart from the tasks: sections named Dependencies, and Kiro's waves.

use crate::blocks::{Inline, Kind};
use crate::dialect::is_waves;
use crate::draft::Draft;
use crate::fields::{Written, bare};
use crate::headings::{mention, number_key};
use crate::ids::shown_slug;
use crate::marks::Shape;
use crate::names::{Asker, Names, says_none};
use crate::page::Page;
use crate::scan::{offset_in, strip_whole_word, strip_word};
use crate::words::names_dependencies;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::text::Span;

/// What is said about dependencies away from the tasks.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// Task by index, and what it depends on, to be resolved.
    pub(crate) values: Vec<(usize, Written)>,
    /// Task, dependency, and where it is written.
    pub(crate) pairs: Vec<(usize, usize, Span)>,
    /// Tasks said to depend on nothing.
    pub(crate) none: Vec<usize>,
    /// Phases that name what they wait for.
    pub(crate) phases: BTreeMap<usize, Vec<usize>>,
    /// Tasks that may be left out.
    pub(crate) optional: Vec<usize>,
}

/// Reads the sections and waves of `page`.
pub(crate) fn read(
    page: &Page<'_>,
    draft: &Draft,
    names: &mut Names<'_>,
    found: &mut Vec<Diagnostic>,
) -> Links {
    let phases = PhaseNames::new(page, draft);
    let mut reader =
        Reader { page, draft, names, found, phases, links: Links::default(), later: BTreeMap::new() };
    reader.sections();
    reader.waves();
    for (phase, waits) in reader.later {
        reader.links.phases.entry(phase).or_insert(waits);
    }
    reader.links
}

struct Reader<'r, 'a, 'd> {
    page: &'r Page<'a>,
    draft: &'r Draft,
    names: &'r mut Names<'d>,
    found: &'r mut Vec<Diagnostic>,
    phases: PhaseNames,
    links: Links,
    /// What `Phase 3+` says, for phases without a bullet of their own.
    later: BTreeMap<usize, Vec<usize>>,
}

/// The phases of one source by what a section may call them.
struct PhaseNames {
    /// In document order.
    own: Vec<usize>,
    numbers: HashMap<(String, String), Vec<usize>>,
    /// Slugs of titles, sorted.
    titles: Vec<(String, usize)>,
}

impl PhaseNames {
    fn new(page: &Page<'_>, draft: &Draft) -> Self {
        let headed =
            |at: &usize| draft.phases[*at].source == page.index && draft.phases[*at].section.is_some();
        let own: Vec<usize> = (0..draft.phases.len()).filter(headed).collect();
        let mut numbers: HashMap<(String, String), Vec<usize>> = HashMap::new();
        let mut titles = Vec::new();
        for at in &own {
            let phase = &draft.phases[*at];
            if let (Some(word), Some(number)) = (&phase.word, &phase.number) {
                numbers.entry((word.to_lowercase(), number_key(number))).or_default().push(*at);
            }
            titles.push((shown_slug(&phase.title), *at));
        }
        titles.sort_unstable();
        Self { own, numbers, titles }
    }
}

/// Phases that a subject names; `onward` holds those that only `N+` covers.
#[derive(Default)]
struct Subject {
    exact: Vec<usize>,
    onward: Vec<usize>,
}

impl Reader<'_, '_, '_> {
    fn sections(&mut self) {
        let mut inside = Vec::with_capacity(self.page.headings.len());
        for (heading, section) in self.page.headings.iter().zip(&self.page.blocks.sections) {
            let own = heading.phase.is_none() && names_dependencies(&heading.name);
            inside.push(own || section.parent.is_some_and(|parent: usize| inside[parent]));
        }
        if !inside.contains(&true) {
            return;
        }
        let mut boxed = vec![false; self.page.blocks.all.len()];
        for block in 1..self.page.blocks.all.len() {
            let this = self.page.blocks.get(block);
            let item = self.page.item(block);
            boxed[block] = boxed[this.parent] || item.is_some_and(|item| item.shape != Shape::None);
            if boxed[block]
                || this.kind != Kind::Paragraph
                || !this.section.is_some_and(|section| inside[section])
            {
                continue;
            }
            if self.page.item(this.parent).is_some() {
                self.sentence(&self.page.inline(block));
            } else {
                for line in &this.lines {
                    self.sentence(&Inline::new(self.page.text, &[*line]));
                }
            }
        }
    }

    /// `**Subject**: predicate`, `T014 depends on T012`, `T012 → T014`.
    fn sentence(&mut self, inline: &Inline) {
        let text = inline.text.trim();
        let bold = text.strip_prefix("**").and_then(|rest| rest.split_once("**"));
        let Some((subject, rest)) = bold else { return self.plain_sentence(text, inline) };
        let named = subject.trim_end().ends_with([':', '：']) || rest.trim_start().starts_with([':', '：']);
        if !named {
            return self.plain_sentence(text, inline);
        }
        let subject = subject.trim().trim_end_matches([':', '：']);
        let predicate = rest.trim_start().trim_start_matches([':', '：']).trim();
        let asker = Asker { source: self.page.index, task: None };
        if let Some(task) =
            self.names.strict(subject, asker).filter(|task| self.is_named_by_id(*task, subject))
        {
            match object(predicate) {
                Some(value) => self.links.values.push((task, written(value, inline))),
                None if says_none(predicate) => self.links.none.push(task),
                None => {}
            }
            return;
        }
        let subject = self.subject(subject);
        if subject.exact.is_empty() && subject.onward.is_empty() {
            return;
        }
        if let Some(waits) = self.predicate(predicate, inline) {
            self.names.spend(subject.exact.len().max(subject.onward.len()).saturating_mul(waits.len()));
            if !self.names.is_exhausted() {
                add(&mut self.links.phases, &subject.exact, &waits);
                add(&mut self.later, &subject.onward, &waits);
            }
        }
    }

    /// An ordinal or title in bold is no task here: only a written id is.
    fn is_named_by_id(&self, task: usize, name: &str) -> bool {
        let id = self.draft.tasks[task].fields.id.as_ref();
        id.is_some_and(|(_, id)| id.text.eq_ignore_ascii_case(bare(name)))
    }

    fn plain_sentence(&mut self, text: &str, inline: &Inline) {
        const ARROWS: &[&str] = &["→", "->", "⇒", "=>", "➜"];
        let steps: Vec<&str> = match ARROWS.iter().find(|arrow| text.contains(**arrow)) {
            Some(arrow) => text.split(*arrow).collect(),
            None => Vec::new(),
        };
        if steps.len() > 1 {
            let groups: Vec<Option<Vec<usize>>> = steps.iter().map(|step| self.written_ids(step)).collect();
            for (i, pair) in groups.windows(2).enumerate() {
                if let [Some(_), Some(after)] = pair {
                    let value =
                        written(steps[i].trim_matches(|c: char| c.is_whitespace() || c == '-'), inline);
                    self.links.values.extend(after.iter().map(|task| (*task, value.clone())));
                }
            }
            return;
        }
        let Some(value) = object(text) else { return };
        let head = &text[..offset_in(text, value)];
        let subject =
            KEYWORDS.iter().filter_map(|word| find_word(head, word)).min().map_or("", |at| &head[..at]);
        if let Some(tasks) = self.written_ids(subject) {
            let value = written(value, inline);
            self.links.values.extend(tasks.into_iter().map(|task| (task, value.clone())));
        }
    }

    /// Tasks, if the text is nothing but written ids.
    fn written_ids(&self, text: &str) -> Option<Vec<usize>> {
        let asker = Asker { source: self.page.index, task: None };
        let words =
            text.split([',', ';', ' ', '&', '+']).map(bare).filter(|word| !word.is_empty() && *word != "and");
        let tasks: Option<Vec<usize>> = words
            .map(|word| self.names.strict(word, asker).filter(|task| self.is_named_by_id(*task, word)))
            .collect();
        tasks.filter(|tasks| !tasks.is_empty())
    }

    fn subject(&mut self, text: &str) -> Subject {
        let mut subject = Subject::default();
        for piece in pieces(text) {
            let numbers = mentions(piece);
            if numbers.is_empty() {
                subject.exact.extend(self.phases_called(piece));
            }
            for (word, number, onward) in numbers {
                let first = self.numbered(word, &number);
                match first.first().filter(|_| onward) {
                    Some(first) => subject.onward.extend(self.onward(*first)),
                    None => subject.exact.extend(first),
                }
            }
        }
        subject
    }

    /// Phases the predicate names: none for a text that says nothing about dependencies.
    fn predicate(&mut self, text: &str, inline: &Inline) -> Option<Vec<usize>> {
        if strip_word(text, "no dependencies").is_some() || says_none(text) {
            return Some(Vec::new());
        }
        let text = object(text)?;
        let mut waits = Vec::new();
        let mut after_number = None;
        for piece in pieces(text) {
            if self.names.is_exhausted() {
                break;
            }
            let numbers = mentions(piece);
            let mut named: Vec<usize> = Vec::new();
            for (word, number, onward) in &numbers {
                let first = self.numbered(word, number);
                match first.first().filter(|_| *onward) {
                    Some(first) => named.extend(self.onward(*first)),
                    None => named.extend(first),
                }
                after_number = Some(*word);
            }
            if let (true, Some(word)) = (numbers.is_empty(), after_number) {
                named.extend(self.numbered(word, piece.trim()));
            }
            if named.is_empty() {
                named = self.phases_called(piece);
            }
            if named.is_empty() {
                let diagnostic = self.names.unknown(&written(piece.trim(), inline), self.page.index);
                self.found.push(diagnostic);
            }
            waits.extend(named);
        }
        Some(waits)
    }

    /// Phases with this word and number; `1-3` also names each of them.
    fn numbered(&mut self, word: &str, number: &str) -> Vec<usize> {
        let word = word.to_lowercase();
        let number = &number_key(number);
        let get = |number: &str| self.phases.numbers.get(&(word.clone(), number.to_owned())).cloned();
        if let Some(found) = get(number) {
            return found;
        }
        let bounds =
            number.split_once('-').and_then(|(a, b)| Some((a.parse::<u32>().ok()?, b.parse::<u32>().ok()?)));
        let bounds = bounds.filter(|(low, high)| low < high && high - low < 1000);
        bounds
            .into_iter()
            .flat_map(|(low, high)| low..=high)
            .filter_map(|n| get(&n.to_string()))
            .flatten()
            .collect()
    }

    /// This phase and all later ones.
    fn onward(&mut self, first: usize) -> Vec<usize> {
        let at = self.phases.own.partition_point(|phase| *phase < first);
        let onward = self.phases.own[at..].to_vec();
        self.names.spend(onward.len());
        onward
    }

    /// `Final Phase`, `all user stories`, `User Story 2`, the start of a title.
    fn phases_called(&mut self, piece: &str) -> Vec<usize> {
        let lower = piece.to_lowercase();
        if lower.contains("final phase") {
            return self.phases.own.last().copied().into_iter().collect();
        }
        let wanted = if lower.contains("all ") && lower.contains("user stories") {
            "user-story".to_owned()
        } else {
            shown_slug(name_of(piece))
        };
        if wanted.is_empty() {
            return Vec::new();
        }
        let start = self.phases.titles.partition_point(|(title, _)| *title < wanted);
        let candidates =
            self.phases.titles[start..].iter().map(|(title, phase)| (title.strip_prefix(&wanted), phase));
        let fitting = candidates.take_while(|(rest, _)| rest.is_some());
        let mut found: Vec<usize> = fitting
            .filter(|(rest, _)| rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
            .map(|(_, phase)| *phase)
            .collect();
        found.sort_unstable();
        self.names.spend(found.len());
        found
    }

    fn waves(&mut self) {
        for block in &self.page.blocks.all {
            let Kind::Fence(fence) = &block.kind else { continue };
            if !is_waves(&fence.body) {
                continue;
            }
            let first = block.span.of(self.page.text).lines().next().unwrap_or_default();
            let span = Span::new(block.span.start, block.span.start + first.len());
            if let Ok(Value::Object(graph)) = serde_json::from_str(&fence.body) {
                self.graph(&graph, span);
            } else {
                self.found.push(
                    Diagnostic::warning("unreadable-waves", span, "a graph of waves that is no JSON object")
                        .help("correct the JSON; until then its dependencies are not read"),
                );
            }
        }
    }

    fn graph(&mut self, graph: &serde_json::Map<String, Value>, span: Span) {
        let waves: Vec<&Value> = graph.get("waves").and_then(Value::as_array).into_iter().flatten().collect();
        let mut members: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut before: Option<Vec<usize>> = None;
        for (i, wave) in waves.iter().enumerate() {
            let listed = wave.as_array().or_else(|| wave.get("tasks").and_then(Value::as_array));
            let tasks = self.wave_tasks(listed.into_iter().flatten(), &members, span);
            let depends = wave.get("dependsOn").and_then(Value::as_array);
            let waits = match depends {
                Some(ids) => Some(self.wave_tasks(ids.iter(), &members, span)),
                None => before.take(),
            };
            match waits.filter(|waits| !waits.is_empty()) {
                Some(waits) => self.wait(&tasks, &waits, span),
                None => self.links.none.extend(&tasks),
            }
            for name in
                ["name", "id"].iter().filter_map(|key| wave.get(key)).map(crate::front_matter::as_text)
            {
                members.insert(name, tasks.clone());
            }
            members.insert(format!("wave {}", i + 1), tasks.clone());
            before = Some(tasks);
        }
        let optional = graph.get("optionalTasks").and_then(Value::as_array).into_iter().flatten();
        let optional = self.wave_tasks(optional, &BTreeMap::new(), span);
        self.links.optional.extend(optional);
    }

    /// Pairs up to a bound: two waves of thousands need more edges than any plan can hold.
    fn wait(&mut self, tasks: &[usize], waits: &[usize], span: Span) {
        let room = crate::edges::MOST_EXPLICIT.saturating_sub(self.links.pairs.len());
        let pairs = tasks.iter().flat_map(|task| waits.iter().map(move |wait| (*task, *wait, span)));
        self.links.pairs.extend(pairs.take(room + 1));
    }

    fn wave_tasks<'v>(
        &mut self,
        ids: impl Iterator<Item = &'v Value>,
        members: &BTreeMap<String, Vec<usize>>,
        span: Span,
    ) -> Vec<usize> {
        let asker = Asker { source: self.page.index, task: None };
        let mut tasks = Vec::new();
        for id in ids {
            let id = crate::front_matter::as_text(id);
            if let Some(task) = self.names.strict(id.trim_end_matches('.'), asker) {
                tasks.push(task);
            } else if let Some(wave) = members.get(&id).or_else(|| members.get(&id.to_lowercase())) {
                tasks.extend(wave);
            } else {
                let diagnostic = self.names.unknown(&Written { text: id, span }, self.page.index);
                self.found.push(diagnostic);
            }
        }
        tasks
    }
}

fn add(phases: &mut BTreeMap<usize, Vec<usize>>, to: &[usize], waits: &[usize]) {
    for phase in to {
        let known = phases.entry(*phase).or_default();
        known.extend(waits.iter().filter(|wait| *wait != phase));
        known.sort_unstable();
        known.dedup();
    }
}

fn written(part: &str, inline: &Inline) -> Written {
    let at = offset_in(&inline.text, part);
    Written { text: part.to_owned(), span: inline.span(at..at + part.len()) }
}

/// Words before what is waited for; of those at one place the longest counts.
const KEYWORDS: &[&str] = &["can start after", "depends on", "depend on", "after", "requires", "blocked by"];

/// The text behind the first keyword, up to ` - `, `;` or the end.
fn object(text: &str) -> Option<&str> {
    let first = KEYWORDS
        .iter()
        .filter_map(|word| Some((find_word(text, word)?, word.len())))
        .min_by_key(|(at, len)| (*at, usize::MAX - len));
    let (at, len) = first?;
    let tail = &text[at + len..];
    let end =
        [" - ", " – ", " — ", ";"].iter().filter_map(|stop| tail.find(stop)).min().unwrap_or(tail.len());
    let tail = tail[..end].trim_start_matches([':', ' ']).trim_end().trim_end_matches('.');
    (!tail.is_empty()).then_some(tail)
}

/// Where `word` stands in `text` as whole words, letter case ignored.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let mut border = true;
    for (at, c) in text.char_indices() {
        if border && strip_whole_word(&text[at..], word).is_some() {
            return Some(at);
        }
        border = !c.is_alphanumeric();
    }
    None
}

/// Names in a list: split at commas and `and` outside parentheses.
fn pieces(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut at) = (0, 0_usize, 0);
    for word in text.split_inclusive([' ', ',', '(', ')', '&']) {
        if depth == 0 && matches!(word.trim_end_matches([' ', ',']), "and" | "&" | "y" | "und") {
            parts.push(&text[start..at]);
            start = at + word.len();
        } else if depth == 0 && word.ends_with(',') {
            parts.push(&text[start..at + word.len() - 1]);
            start = at + word.len();
        }
        depth = match word.as_bytes().last() {
            Some(b'(') => depth + 1,
            Some(b')') => depth.saturating_sub(1),
            _ => depth,
        };
        at += word.len();
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Every `Phase N` in the text, and whether a plus follows.
fn mentions(text: &str) -> Vec<(&'static str, String, bool)> {
    let mut found = Vec::new();
    let mut border = true;
    for (at, c) in text.char_indices() {
        if border && let Some((word, number, rest)) = mention(&text[at..]) {
            found.push((word, number, rest.starts_with('+')));
        }
        border = !c.is_alphanumeric();
    }
    found
}

/// A name without what stands behind it: `Setup completion` is `Setup`.
fn name_of(piece: &str) -> &str {
    let head = piece.split('(').next().unwrap_or_default().trim();
    let head = strip_whole_word(head, "the").map_or(head, str::trim_start);
    let mut end = head.len();
    let mut at = 0;
    for word in head.split_inclusive(' ') {
        let plain = word.trim().to_lowercase();
        let stop = matches!(plain.as_str(), "phase" | "phases" | "being") || plain.starts_with("complet");
        if stop && at > 0 {
            end = end.min(at);
        }
        at += word.len();
    }
    head[..end].trim()
}
