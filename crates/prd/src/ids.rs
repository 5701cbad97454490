//! Addresses: ids of phases, tasks and requirements, and the ordinals that select tasks.

use crate::draft::Draft;
use crate::forest::Forest;
use pulldown_cmark::{Event, Options, Parser};
use std::collections::{HashMap, HashSet};
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::text::{Span, slug};

/// Ids by index of the draft.
pub(crate) struct Ids {
    /// None for a phase without tasks.
    pub(crate) phases: Vec<Option<String>>,
    /// Unique.
    pub(crate) tasks: Vec<String>,
    /// `1.3`.
    pub(crate) ordinals: Vec<String>,
    /// Unique.
    pub(crate) requirements: Vec<String>,
    /// Slugs of the titles of tasks.
    pub(crate) slugs: Vec<String>,
}

/// Gives everything its id.
pub(crate) fn assign(draft: &Draft, forest: &Forest, found: &mut Vec<Diagnostic>) -> Ids {
    let slugs: Vec<String> = draft.tasks.iter().map(|task| shown_slug(&task.fields.title)).collect();
    let phases = phase_ids(draft, found);
    Ids {
        tasks: task_ids(draft, &phases, &slugs, found),
        ordinals: ordinals(draft, forest),
        requirements: requirement_ids(draft, found),
        phases,
        slugs,
    }
}

/// Bytes of marks that a reader does not see.
const MARKS: &[u8] = b"*~`[<&\\\n\r";

/// The slug of a text as a reader sees it: no emphasis marks, link targets or inline HTML.
pub(crate) fn shown_slug(text: &str) -> String {
    if is_shown_whole(text) {
        return slug(text);
    }
    slug_of_shown(text)
}

fn slug_of_shown(text: &str) -> String {
    // A letter in front keeps the parser from taking the text for a list or a heading.
    let line = format!("x {text}");
    let mut shown = String::with_capacity(line.len());
    for event in Parser::new_ext(&line, Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(part) | Event::Code(part) => shown.push_str(&part),
            Event::SoftBreak | Event::HardBreak => shown.push(' '),
            _ => {}
        }
    }
    slug(shown.strip_prefix('x').unwrap_or(&shown))
}

/// True where what a reader does not see of a text parts no two words, so that the slug is that of the text
/// as it is written: each mark has a space or a point beside it, one of code on the side away from the code.
/// (`_` marks nothing inside of a word.)
fn is_shown_whole(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut in_code = false;
    while let Some(found) = bytes[at..].iter().position(|byte| MARKS.contains(byte)) {
        let (start, mark) = (at + found, bytes[at + found]);
        at = start + bytes[start..].iter().take_while(|byte| **byte == mark).count();
        let parted = |byte: Option<&u8>| {
            byte.is_none_or(|byte| {
                (*byte == b' ' || byte.is_ascii_punctuation()) && !MARKS.contains(byte) && *byte != b'_'
            })
        };
        let (before, after) = (parted(bytes[..start].last()), parted(bytes.get(at)));
        let is_whole = match mark {
            b'`' => at - start == 1 && if in_code { after } else { before },
            b'*' | b'~' => !in_code && (before || after),
            _ => false,
        };
        if !is_whole {
            return false;
        }
        in_code ^= mark == b'`';
    }
    !in_code
}

/// Hands out names, each once: the second gets `-2`.
#[derive(Default)]
struct Names {
    used: HashSet<String>,
    next: HashMap<String, usize>,
}

impl Names {
    fn reserve(&mut self, name: &str) -> bool {
        self.used.insert(name.to_owned())
    }

    fn take(&mut self, wanted: &str) -> String {
        if self.reserve(wanted) {
            return wanted.to_owned();
        }
        self.numbered(wanted)
    }

    fn numbered(&mut self, wanted: &str) -> String {
        let next = self.next.entry(wanted.to_owned()).or_insert(2);
        loop {
            let name = format!("{wanted}-{next}");
            *next += 1;
            if self.used.insert(name.clone()) {
                return name;
            }
        }
    }
}

fn or(slug: String, fallback: &str) -> String {
    if slug.is_empty() { fallback.to_owned() } else { slug }
}

fn duplicate(id: &str, what: &str, source: usize, span: Span, first: Option<(usize, Span)>) -> Diagnostic {
    let mut diagnostic =
        Diagnostic::error("duplicate-id", span, format!("a second {what} has the id `{id}`"))
            .in_source(source)
            .help(format!("give it another id; until then it is `{id}-2` or the next free number"));
    if let Some((_, first)) = first.filter(|(of, _)| *of == source) {
        diagnostic = diagnostic.label(first, "the first one");
    }
    diagnostic
}

fn phase_ids(draft: &Draft, found: &mut Vec<Diagnostic>) -> Vec<Option<String>> {
    let holds = draft.phases_with_tasks();
    let listed = || draft.phases.iter().enumerate().filter(|(at, _)| holds[*at]);
    let mut names = Names::default();
    let mut first: HashMap<&str, (usize, usize, Span)> = HashMap::new();
    for (at, phase) in listed() {
        if let Some(id) = phase.id.as_deref() {
            names.reserve(id);
            first.entry(id).or_insert((at, phase.source, phase.span));
        }
    }
    let mut ids = vec![None; draft.phases.len()];
    for (at, phase) in listed() {
        ids[at] = Some(match phase.id.as_deref() {
            Some(id) if first.get(id).is_some_and(|(holder, ..)| *holder == at) => id.to_owned(),
            Some(id) => {
                let earlier = first.get(id).map(|(_, source, span)| (*source, *span));
                found.push(duplicate(id, "phase", phase.source, phase.span, earlier));
                names.numbered(id)
            }
            None => names.take(&or(shown_slug(&phase.title), "phase")),
        });
    }
    ids
}

fn task_ids(
    draft: &Draft,
    phases: &[Option<String>],
    slugs: &[String],
    found: &mut Vec<Diagnostic>,
) -> Vec<String> {
    let mut names = Names::default();
    let mut first: HashMap<&str, (usize, usize, Span)> = HashMap::new();
    for (at, task) in draft.tasks.iter().enumerate() {
        if let Some((_, id)) = &task.fields.id {
            names.reserve(&id.text);
            first.entry(&id.text).or_insert((at, task.source, id.span));
        }
    }
    let mut ids = Vec::with_capacity(draft.tasks.len());
    for (at, task) in draft.tasks.iter().enumerate() {
        ids.push(match &task.fields.id {
            Some((_, id)) => match first.get(id.text.as_str()) {
                Some((holder, source, span)) if *holder != at => {
                    found.push(duplicate(&id.text, "task", task.source, id.span, Some((*source, *span))));
                    names.numbered(&id.text)
                }
                _ => id.text.clone(),
            },
            None => {
                let phase = phases[task.phase].as_deref().unwrap_or_default();
                let title = if slugs[at].is_empty() { "task" } else { &slugs[at] };
                names.take(&format!("{phase}/{title}"))
            }
        });
    }
    ids
}

/// Phase among those that hold tasks themselves, item, subtasks.
fn ordinals(draft: &Draft, forest: &Forest) -> Vec<String> {
    let mut number = 0;
    let phases: Vec<usize> = draft
        .phases_with_own_tasks()
        .into_iter()
        .map(|holds| {
            number += usize::from(holds);
            number
        })
        .collect();
    let mut in_phase = vec![0_usize; draft.phases.len()];
    let mut ordinals = vec![String::new(); draft.tasks.len()];
    for (at, task) in draft.tasks.iter().enumerate().filter(|(_, task)| task.parent.is_none()) {
        in_phase[task.phase] += 1;
        ordinals[at] = format!("{}.{}", phases[task.phase], in_phase[task.phase]);
    }
    for at in &forest.order {
        for (i, child) in forest.children[*at].iter().enumerate() {
            ordinals[*child] = format!("{}.{}", ordinals[*at], i + 1);
        }
    }
    ordinals
}

fn requirement_ids(draft: &Draft, found: &mut Vec<Diagnostic>) -> Vec<String> {
    let mut names = Names::default();
    let mut first: HashMap<&str, (usize, usize, Span)> = HashMap::new();
    for (at, requirement) in draft.requirements.iter().enumerate() {
        if let Some(id) = &requirement.id {
            names.reserve(&id.text);
            first.entry(&id.text).or_insert((at, requirement.source, id.span));
        }
    }
    let mut in_section: HashMap<(usize, Option<usize>), usize> = HashMap::new();
    let mut criteria: HashMap<usize, usize> = HashMap::new();
    let mut ids = Vec::with_capacity(draft.requirements.len());
    for (at, requirement) in draft.requirements.iter().enumerate() {
        let index = in_section.entry((requirement.source, requirement.section)).or_default();
        *index += 1;
        let criterion = criteria.entry(requirement.source).or_default();
        *criterion += usize::from(requirement.acceptance);
        ids.push(match (&requirement.id, &requirement.number) {
            (Some(id), _) => match first.get(id.text.as_str()) {
                Some((holder, source, span)) if *holder != at => {
                    found.push(duplicate(
                        &id.text,
                        "requirement",
                        requirement.source,
                        id.span,
                        Some((*source, *span)),
                    ));
                    names.numbered(&id.text)
                }
                _ => id.text.clone(),
            },
            (None, _) if requirement.listed => names.take(&format!("AC{criterion}")),
            (None, Some(number)) => names.take(&format!("{number}.{index}")),
            (None, None) => {
                let heading = requirement.heading.as_deref().map(shown_slug).unwrap_or_default();
                let title = or(shown_slug(&requirement.title), "requirement");
                names.take(&format!("{}/{title}", or(heading, "requirements")))
            }
        });
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_made_of_what_is_shown() {
        assert_eq!(shown_slug("**FIX** foo**bar** [docs](http://x/y) <b>now</b>"), "fix-foobar-docs-now");
        assert_eq!(shown_slug("1. not a list"), "1-not-a-list");
        assert_eq!(shown_slug("a \\*b\\* &amp; ~~c~~"), "a-b-c");
        assert_eq!(shown_slug("snake_case [Title]"), "snake-case-title");
    }

    /// Every text of up to six of these characters, and some longer ones.
    #[test]
    fn a_text_that_is_shown_whole_needs_no_reading() {
        const ALPHABET: [char; 7] = ['a', ' ', '*', '_', '`', '~', '('];
        let mut taken = 0;
        for number in 0..7_usize.pow(6) {
            let digits = (0..6).map(|place| number / 7_usize.pow(place) % 7);
            let text: String = digits.map(|digit| ALPHABET[digit]).collect();
            if is_shown_whole(&text) {
                taken += 1;
                assert_eq!(slug(&text), slug_of_shown(&text), "{text:?}");
            }
        }
        assert!(taken > 10_000, "{taken}");
        assert!(is_shown_whole("Prepare `code` and **emphasis**, all of it"));
        assert!(!is_shown_whole("foo**bar**"));
    }

    #[test]
    fn names_are_handed_out_once() {
        let mut names = Names::default();
        names.reserve("a-2");
        let taken: Vec<_> = (0..3).map(|_| names.take("a")).collect();
        assert_eq!(taken, ["a", "a-3", "a-4"]);
    }
}
