//! What a dependency value names: tasks by id, ordinal, list number, phase or title.

use crate::draft::Draft;
use crate::fields::{Written, bare};
use crate::forest::Forest;
use crate::headings;
use crate::ids::{Ids, shown_slug};
use crate::scan::{digits, offset_in, strip_whole_word, strip_word};
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use taskmaster_core::diagnostic::{Diagnostic, did_you_mean};
use taskmaster_core::text::Span;

/// Longest range that is written out (`T001-T999`).
const LONGEST_RANGE: u64 = 10_000;
/// Tasks that all ranges and phases together may name in one document.
const MOST_NAMED: u64 = 5_000_000;
/// Pairs of bytes that suggestions of one document may compare: each looks at every name, and at every letter of it.
const MOST_COMPARED: usize = 4_000_000;

/// What task-master writes beside a dependency to show how far it is.
const STATUS_SIGNS: [char; 4] = ['✅', '⏱', '\u{fe0f}', ' '];

/// Who asks: names mean first what is near.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    /// Index of the source.
    pub(crate) source: usize,
    /// The task that depends.
    pub(crate) task: Option<usize>,
}

/// A value, resolved.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// Tasks, in the order written, each once.
    pub(crate) tasks: Vec<usize>,
    /// Pieces that name nothing.
    pub(crate) unknown: Vec<Written>,
    /// It says that there is none.
    pub(crate) none: bool,
}

/// Whether the beginning of a title names its task too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Titles {
    /// Yes, where it is the only one.
    Begun,
    /// Only where dots show that it is cut.
    Whole,
}

/// Everything that can be named.
pub(crate) struct Names<'d> {
    draft: &'d Draft,
    ids: &'d Ids,
    forest: &'d Forest,
    /// Made by the first question: many texts ask none.
    index: OnceCell<Index<'d>>,
    work: u64,
    /// Pairs of bytes that were compared for suggestions.
    compared: usize,
}

/// What is found by each kind of name.
struct Index<'d> {
    own: HashMap<(usize, &'d str), usize>,
    by_id: HashMap<&'d str, usize>,
    by_lower: HashMap<String, usize>,
    by_ordinal: HashMap<&'d str, usize>,
    by_number: HashMap<(usize, usize, u64), usize>,
    by_slug: HashMap<&'d str, Vec<usize>>,
    sorted: Vec<(&'d str, usize)>,
    phases: Phases,
}

/// Phases by what they are called.
struct Phases {
    by_number: HashMap<(String, String), Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
    tasks: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
}

impl<'d> Names<'d> {
    /// Everything that can be named in a draft.
    pub(crate) fn new(draft: &'d Draft, ids: &'d Ids, forest: &'d Forest) -> Self {
        Self { draft, ids, forest, index: OnceCell::new(), work: 0, compared: 0 }
    }

    fn index(&self) -> &Index<'d> {
        self.index.get_or_init(|| Index::new(self.draft, self.ids))
    }

    /// True when ranges and phases have named more tasks than any plan could hold; from then on
    /// values are not looked at any more.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.work > MOST_NAMED
    }

    /// Counts what somebody else named.
    pub(crate) fn spend(&mut self, named: usize) {
        self.work = self.work.saturating_add(named as u64);
    }

    /// Reads a dependency value.
    pub(crate) fn resolve(&mut self, value: &Written, asker: Asker) -> Resolved {
        self.read(value, asker, Titles::Begun)
    }

    /// Reads a value that may be prose: one word of it is no title that only begins so.
    pub(crate) fn resolve_names(&mut self, value: &Written, asker: Asker) -> Resolved {
        self.read(value, asker, Titles::Whole)
    }

    fn read(&mut self, value: &Written, asker: Asker, titles: Titles) -> Resolved {
        let mut resolved = Resolved::default();
        let text = value.text.trim();
        if self.is_none(text, asker) {
            resolved.none = true;
            return resolved;
        }
        let mut seen = HashSet::new();
        let mut open = vec![(text, 0_u8)];
        while let Some((piece, level)) = open.pop() {
            let piece = piece.trim();
            if self.is_exhausted() {
                break;
            }
            if piece.is_empty() || self.is_none(piece, asker) {
                continue;
            }
            if let Some(tasks) = self.one(piece, asker, titles) {
                resolved.tasks.extend(tasks.into_iter().filter(|task| seen.insert(*task)));
                continue;
            }
            match self.split(piece, level, asker) {
                Some((parts, level)) => open.extend(parts.into_iter().rev().map(|part| (part, level))),
                None => resolved.unknown.push(place(value, piece)),
            }
        }
        resolved
    }

    /// Says that there is nothing; a list that names a task after all (`none, T001`) does not.
    fn is_none(&mut self, text: &str, asker: Asker) -> bool {
        let mut remarks = text.split([',', ';']).skip(1);
        says_none(text) && !remarks.any(|piece| self.strict(bare(piece.trim()), asker).is_some())
    }

    /// The pieces of a list, at the first level where there are several.
    fn split<'t>(&mut self, piece: &'t str, level: u8, asker: Asker) -> Option<(Vec<&'t str>, u8)> {
        let some = |parts: Vec<&'t str>| parts.iter().any(|part| part.len() != piece.len()).then_some(parts);
        if level == 0
            && let Some(parts) = some(piece.split([',', ';', '，', '；', '、']).collect())
        {
            return Some((parts, 1));
        }
        if level <= 1
            && let Some(parts) = some(split_at_words(piece))
        {
            return Some((parts, 2));
        }
        let words: Vec<&str> = piece.split_whitespace().collect();
        let ids = words.len() > 1
            && (words.iter().all(|word| word.contains(|c: char| c.is_ascii_digit()))
                || words.iter().all(|word| self.strict(word, asker).is_some()));
        ids.then_some((words, 3))
    }

    /// What one name means, if anything.
    fn one(&mut self, piece: &str, asker: Asker, titles: Titles) -> Option<Vec<usize>> {
        let name = bare(piece.trim_matches(STATUS_SIGNS)).trim_matches(['[', ']']);
        let short = || name.split_once(" (").map(|(head, _)| head.trim_end());
        self.strict(name, asker)
            .map(|task| vec![task])
            .or_else(|| self.range(without_task(name), asker))
            .or_else(|| self.phase(name, asker.source).map(|phase| self.tasks_for(phase, asker)))
            .or_else(|| self.title(piece, asker, titles).map(|task| vec![task]))
            .or_else(|| short().and_then(|head| self.strict(head, asker)).map(|task| vec![task]))
    }

    /// A task by id, ordinal or number in the asker's list.
    pub(crate) fn strict(&self, name: &str, asker: Asker) -> Option<usize> {
        let name = bare(name);
        let plain = without_task(name);
        [name, plain].iter().find_map(|name| {
            let number = || {
                let (number, rest) = digits(name)?;
                let number: u64 = number.parse().ok().filter(|_| rest.is_empty())?;
                let task = &self.draft.tasks[asker.task?];
                self.index().by_number.get(&(task.source, task.list?.0, number)).copied()
            };
            self.index()
                .own
                .get(&(asker.source, *name))
                .or_else(|| self.index().by_id.get(name))
                .or_else(|| self.index().by_lower.get(&name.to_lowercase()))
                .or_else(|| self.index().by_ordinal.get(name))
                .copied()
                .or_else(number)
        })
    }

    /// `T001-T003`, `1.1–1.3`, `1-4`: both ends must exist.
    fn range(&mut self, text: &str, asker: Asker) -> Option<Vec<usize>> {
        const DASHES: &[&str] = &["..", "–", "—", "-", " to ", " through "];
        DASHES.iter().find_map(|dash| {
            let splits: Vec<usize> = text.match_indices(dash).take(8).map(|(at, _)| at).collect();
            splits.into_iter().rev().find_map(|at| {
                let (from, to) = (text[..at].trim(), text[at + dash.len()..].trim_start_matches('.').trim());
                self.between(from, without_task(to), asker)
            })
        })
    }

    fn between(&mut self, from: &str, to: &str, asker: Asker) -> Option<Vec<usize>> {
        let (prefix, first) = numbered(from)?;
        let (other, last) = numbered(to)?;
        if !(other.is_empty() || other == prefix) {
            return None;
        }
        let (low, high): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        if low > high || high - low >= LONGEST_RANGE {
            return None;
        }
        self.work += high - low + 1;
        let named = |number: u64| {
            self.strict(&format!("{prefix}{number:0width$}", width = first.len()), asker)
                .or_else(|| self.strict(&format!("{prefix}{number}"), asker))
        };
        let (Some(_), Some(_)) = (named(low), named(high)) else { return None };
        Some((low..=high).filter_map(named).collect())
    }

    /// A phase by word and number, id or title.
    pub(crate) fn phase(&self, name: &str, source: usize) -> Option<usize> {
        let near = |found: &Vec<usize>| {
            found
                .iter()
                .copied()
                .find(|phase| self.draft.phases[*phase].source == source)
                .or(found.first().copied())
        };
        if let Some((mark, rest)) = headings::phase(name)
            && let Some(found) = self
                .index()
                .phases
                .by_number
                .get(&(mark.word.to_lowercase(), headings::number_key(&mark.number)))
        {
            let fits = |phase: &usize| {
                rest.is_empty()
                    || rest.starts_with('(')
                    || shown_slug(&self.draft.phases[*phase].title).starts_with(&shown_slug(rest))
            };
            return near(found).filter(fits);
        }
        self.index()
            .phases
            .by_name
            .get(name)
            .or_else(|| self.index().phases.by_name.get(&shown_slug(name)))
            .and_then(near)
    }

    /// All tasks of a phase and its sub-phases, in document order.
    pub(crate) fn tasks_of(&self, phase: usize) -> Vec<usize> {
        let mut tasks: Vec<usize> = self
            .subtree(phase)
            .iter()
            .flat_map(|phase| self.index().phases.tasks[*phase].iter().copied())
            .collect();
        tasks.sort_unstable();
        tasks
    }

    /// A phase and all phases inside it.
    pub(crate) fn subtree(&self, phase: usize) -> Vec<usize> {
        let mut all = vec![phase];
        let mut at = 0;
        while at < all.len() {
            all.extend_from_slice(&self.index().phases.children[all[at]]);
            at += 1;
        }
        all.sort_unstable();
        all
    }

    /// The tasks of a phase, without the asker, what is below it and what is around it: for those
    /// it cannot wait.
    fn tasks_for(&mut self, phase: usize, asker: Asker) -> Vec<usize> {
        let mut tasks = self.tasks_of(phase);
        if let Some(asking) = asker.task {
            tasks.retain(|task| {
                !self.forest.is_within(*task, asking) && !self.forest.is_within(asking, *task)
            });
        }
        self.work += tasks.len() as u64 + 1;
        tasks
    }

    /// True where a task has a title of this slug.
    pub(crate) fn is_title(&self, slug: &str) -> bool {
        self.index().by_slug.contains_key(slug)
    }

    /// A task by its title, or the only one whose title begins so.
    fn title(&self, piece: &str, asker: Asker, titles: Titles) -> Option<usize> {
        let wanted = shown_slug(bare(piece).trim_end_matches(['.', '…']));
        if wanted.is_empty() {
            return None;
        }
        if let Some(found) = self.index().by_slug.get(wanted.as_str()) {
            let phase = asker.task.map(|task| self.draft.tasks[task].phase);
            let others = || found.iter().copied().filter(|task| Some(*task) != asker.task);
            return others()
                .find(|task| Some(self.draft.tasks[*task].phase) == phase)
                .or_else(|| others().find(|task| self.draft.tasks[*task].source == asker.source))
                .or_else(|| others().next())
                .or(found.first().copied());
        }
        let cut = bare(piece).ends_with("..") || bare(piece).ends_with('…');
        if !wanted.contains(char::is_alphabetic) || (titles == Titles::Whole && !cut) {
            return None;
        }
        let start = self.index().sorted.partition_point(|(slug, _)| *slug < wanted.as_str());
        let mut found = self.index().sorted[start..].iter().take_while(|(slug, _)| slug.starts_with(&wanted));
        match (found.next(), found.next()) {
            (Some((_, task)), None) => Some(*task),
            _ => None,
        }
    }

    /// Error or note about a piece that names nothing, with the nearest name.
    pub(crate) fn unknown(&mut self, piece: &Written, source: usize) -> Diagnostic {
        let diagnostic = Diagnostic::error(
            "unknown-dependency",
            piece.span,
            format!("no task or phase is called `{}`", piece.text),
        )
        .in_source(source);
        match self.nearest(bare(&piece.text)) {
            Some(name) => diagnostic.help(format!("did you mean `{name}`?")),
            None => diagnostic.help("name a task by its id, its number or its title, or a phase: `Phase 1`"),
        }
    }

    /// The nearest name; none where there is none, or enough was compared already.
    fn nearest(&mut self, wanted: &str) -> Option<&'d str> {
        let ids = self.ids.tasks.iter().map(String::as_str);
        let titles = self.draft.tasks.iter().map(|task| task.fields.title.as_str());
        let phases = self.draft.phases.iter().map(|phase| phase.title.as_str());
        let fits = |name: &&str| !name.is_empty() && name.len() <= 4 * wanted.len().max(8);
        let compared = &mut self.compared;
        let mut is_paid = |name: &&str| {
            *compared = compared.saturating_add(wanted.len() * name.len());
            *compared <= MOST_COMPARED
        };
        did_you_mean(wanted, ids.filter(fits).take_while(&mut is_paid))
            .or_else(|| did_you_mean(wanted, titles.chain(phases).filter(fits).take_while(&mut is_paid)))
    }
}

impl<'d> Index<'d> {
    fn new(draft: &'d Draft, ids: &'d Ids) -> Self {
        let mut index = Self {
            own: HashMap::new(),
            by_id: HashMap::new(),
            by_lower: HashMap::new(),
            by_ordinal: HashMap::new(),
            by_number: HashMap::new(),
            by_slug: HashMap::new(),
            sorted: Vec::new(),
            phases: Phases::new(draft, ids),
        };
        let one_task_files: HashSet<usize> = draft.shared_phases.values().copied().collect();
        for (at, task) in draft.tasks.iter().enumerate() {
            if let Some((_, id)) = &task.fields.id {
                index.own.entry((task.source, &id.text)).or_insert(at);
            }
            index.by_id.insert(&ids.tasks[at], at);
            index.by_lower.entry(ids.tasks[at].to_lowercase()).or_insert(at);
            if !one_task_files.contains(&task.phase) {
                index.by_ordinal.insert(&ids.ordinals[at], at);
            }
            if let Some((list, number)) = task.list {
                index.by_number.entry((task.source, list, number)).or_insert(at);
            }
            if !ids.slugs[at].is_empty() {
                index.by_slug.entry(&ids.slugs[at]).or_default().push(at);
                index.sorted.push((&ids.slugs[at], at));
            }
        }
        index.sorted.sort_unstable();
        index
    }
}

impl Phases {
    fn new(draft: &Draft, ids: &Ids) -> Self {
        let mut phases = Self {
            by_number: HashMap::new(),
            by_name: HashMap::new(),
            tasks: vec![Vec::new(); draft.phases.len()],
            children: vec![Vec::new(); draft.phases.len()],
        };
        for (at, phase) in draft.phases.iter().enumerate() {
            if let (Some(word), Some(number)) = (&phase.word, &phase.number) {
                phases
                    .by_number
                    .entry((word.to_lowercase(), headings::number_key(number)))
                    .or_default()
                    .push(at);
            }
            let mut names = vec![shown_slug(&phase.title)];
            names.extend(ids.phases[at].clone());
            names.dedup();
            for name in names.into_iter().filter(|name| !name.is_empty()) {
                phases.by_name.entry(name).or_default().push(at);
            }
            if let Some(parent) = phase.parent {
                phases.children[parent].push(at);
            }
        }
        for (at, task) in draft.tasks.iter().enumerate() {
            phases.tasks[task.phase].push(at);
        }
        phases
    }
}

/// `None`, `-`, `n/a`, also with a remark behind it.
pub(crate) fn says_none(text: &str) -> bool {
    const WORDS: &[&str] =
        &["none", "n/a", "nothing", "no dependencies", "ninguna", "ninguno", "keine", "无", "없음", "なし"];
    let text = bare(text).trim_end_matches('.');
    let remark =
        |rest: &str| rest.is_empty() || rest.trim_start().starts_with(['(', '-', '–', '—', ',', ';']);
    matches!(text, "-" | "–" | "—" | "[]")
        || WORDS.iter().any(|word| strip_whole_word(text, word).is_some_and(remark))
}

pub(crate) fn without_task(name: &str) -> &str {
    ["tasks ", "task "].iter().find_map(|word| strip_word(name, word)).unwrap_or(name).trim_start()
}

/// The piece with its own place, if the value stands in the source as it is.
fn place(value: &Written, piece: &str) -> Written {
    let at = offset_in(&value.text, piece);
    let whole = value.span.end - value.span.start == value.text.len();
    let span = if whole {
        Span::new(value.span.start + at, value.span.start + at + piece.len())
    } else {
        value.span
    };
    Written { text: piece.to_owned(), span }
}

/// Split at `and`, `&` and `+`.
fn split_at_words(piece: &str) -> Vec<&str> {
    const WORDS: &[&str] = &["and", "&", "+", "y", "und", "et", "和", "및"];
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for word in piece.split_inclusive(char::is_whitespace) {
        if WORDS.contains(&word.trim()) {
            parts.push(&piece[start..at]);
            start = at + word.len();
        }
        at += word.len();
    }
    parts.push(&piece[start..]);
    parts.iter().flat_map(|part| part.split(['&', '+'])).collect()
}

/// A name as its head and the digits at its end.
fn numbered(name: &str) -> Option<(&str, &str)> {
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| name.split_at(name.len() - digits))
}
