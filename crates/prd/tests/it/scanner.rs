//! Nothing vanishes: a scanner of lines that shares no code with the parser finds every box that a
//! reader would see, and each must be exactly one of task, requirement, criterion, finding, or text
//! inside a fence, a comment or the front matter.

use crate::fixtures::{self, Document};
use std::collections::{BTreeMap, BTreeSet};
use taskmaster_core::document::Mark;
use taskmaster_prd::Parsed;

/// A box that the scanner sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    /// Byte of `[`.
    at: usize,
    /// Line, from 1.
    line: usize,
    /// It stands where nothing is work: fence, comment, front matter.
    asleep: bool,
}

#[test]
fn every_box_is_exactly_one_thing() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    let documents = fixtures::own().into_iter();
    for document in
        documents.chain(fixtures::outside("seeds")).chain(fixtures::outside("corpus")).chain(traps())
    {
        let parsed = document.parse();
        for source in 0..document.sources.len() {
            classify(&document, source, &parsed, &mut counts, &mut faults);
        }
    }
    eprintln!("boxes: {counts:?}");
    assert!(faults.is_empty(), "{} boxes:\n{}", faults.len(), faults.join("\n"));
    for class in ["task", "requirement", "criterion", "finding", "asleep"] {
        assert!(
            counts.get(class).is_some_and(|count| *count > 10),
            "too few boxes of class {class}: {counts:?}"
        );
    }
}

/// Texts made to lose a box in.
fn traps() -> Vec<Document> {
    let texts = [
        "Text\n2. [ ] a\n[x] b\n- [ ] c\n",
        "- a\n      - [ ] lazy\n\n      - [x] code\n",
        "> - [ ] a\n> > 1. [x] b\n[ ] lazy\n",
        "| [ ] a | b |\n|---|---|\n| c | [x] d |\n",
        "# [ ] a\n## [x] b\n\n[-] c\n---\n",
        "- [ ] a\n  ---\n- [x] b\n  ===\n",
        "<div>\n- [ ] a\n<b>[x] c</b>\n</div>\n\n- [ ] b\n",
        "<!-- - [ ] a\n- [x] b\n-->\n- [ ] c\n",
        "```\n- [ ] a\n~~~\n- [ ] b\n```\n- [ ] c\n",
        "- x\n  ```\n  - [ ] a\n  ```\n  - [ ] b\n\n~~~\n[ ] c\n~~~\n",
        "- [] a\n- [  ] b\n- [x ] c\n- [ ]d\n- [ ]* e\n- [x]\\* f\n- [ ](g)\n- [x][h] i\n- [A](j)\n",
        "\u{feff}---\na: |\n  - [ ] no\n---\n\u{200b}- [ ] a\n- \u{200b}[x] b\n",
        "* [/] a\r\n+ [~] b\r\n1) [-] c\r\n\t- [o] d\r\n",
        "- [🔥] a\n- [%] b\n- [P] c\n- [7] d\n- [é] e\n",
        "- - [ ] a\n  - [x] b\n- > [ ] c\n",
        "## Acceptance Criteria\n- [ ] a\n  - [x] b\n\n## Work\n- [ ] c\n  - Done When:\n    - [ ] d\n",
        "-[ ] a\n\n1.[x] b\n\n+[~] c\n",
    ];
    let document = |(at, text): (usize, &&str)| Document {
        name: format!("trap {at}: {text:?}"),
        sources: vec![(format!("trap-{at}.md"), (*text).to_owned())],
        label: None,
        golden: std::path::PathBuf::new(),
    };
    texts.iter().enumerate().map(document).collect()
}

/// Codes that say of a box that it is no work.
const NO_WORK: &[&str] = &[
    "malformed-box",
    "unknown-mark",
    "box-in-heading",
    "box-in-table",
    "box-without-bullet",
    "box-after-zero-width",
    "box-in-code",
    "box-in-html",
];

fn classify<'c>(
    document: &Document,
    source: usize,
    parsed: &Parsed,
    counts: &mut BTreeMap<&'c str, usize>,
    faults: &mut Vec<String>,
) {
    let text = &document.sources[source].1;
    let found = &parsed.document;
    let marks = |marks: Vec<Option<Mark>>| -> BTreeSet<usize> {
        marks.into_iter().flatten().map(|mark| mark.span.start - 1).collect()
    };
    let here = || found.tasks.iter().filter(|task| task.source == source);
    let classes: [(&str, BTreeSet<usize>); 4] = [
        ("task", marks(here().map(|task| task.mark).collect())),
        (
            "requirement",
            marks(found.requirements.iter().filter(|r| r.source == source).map(|r| r.mark).collect()),
        ),
        (
            "criterion",
            marks(here().flat_map(|task| &task.acceptance).map(|criterion| criterion.mark).collect()),
        ),
        ("finding", findings(parsed, source, text)),
    ];
    let candidates = scan(text);
    for candidate in &candidates {
        let of: Vec<&str> = classes
            .iter()
            .filter(|(_, places)| places.contains(&candidate.at))
            .map(|(name, _)| *name)
            .collect();
        let class: &'c str = match (candidate.asleep, of.as_slice()) {
            (true, []) => "asleep",
            (false, ["task"] | ["task", "finding"]) => "task",
            (false, ["requirement"] | ["requirement", "finding"]) => "requirement",
            (false, ["criterion"] | ["criterion", "finding"]) => "criterion",
            (false, ["finding"]) => "finding",
            _ => {
                let line = text.lines().nth(candidate.line - 1).unwrap_or_default();
                faults.push(format!(
                    "{} line {} is {of:?} (asleep: {}): {line}",
                    document.name, candidate.line, candidate.asleep
                ));
                continue;
            }
        };
        *counts.entry(class).or_default() += 1;
    }
    let seen: BTreeSet<usize> = candidates.iter().map(|candidate| candidate.at).collect();
    for (name, places) in &classes {
        for place in places.iter().filter(|place| !seen.contains(place)) {
            faults
                .push(format!("{}: a {name} at byte {place}, where the scanner sees no box", document.name));
        }
    }
}

/// Where a finding says that a box is no work. `unknown-mark` may also stand at a box that is.
fn findings(parsed: &Parsed, source: usize, text: &str) -> BTreeSet<usize> {
    let own = parsed.diagnostics.iter().filter(|d| d.source == source && NO_WORK.contains(&d.code));
    own.filter_map(|diagnostic| {
        let span = diagnostic.span?;
        let inside = if diagnostic.code == "unknown-mark" { span.start - 1 } else { span.start };
        let bracket = text[inside..].find('[')?;
        Some(inside + bracket)
    })
    .collect()
}

/// What the scanner remembers from line to line.
#[derive(Default)]
struct State {
    fence: Option<(char, usize, usize, usize)>,
    comment: bool,
    items: Vec<usize>,
    table: bool,
    html: bool,
    blank: bool,
}

fn scan(text: &str) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut state = State { blank: true, ..State::default() };
    let lines: Vec<(usize, &str)> = text
        .split_inclusive('\n')
        .scan(0, |at, line| {
            *at += line.len();
            Some((*at - line.len(), line.trim_end_matches(['\n', '\r'])))
        })
        .collect();
    let skipped = front_matter(&lines);
    for (number, (start, line)) in lines.iter().enumerate() {
        let asleep = number < skipped || state.sleeps(line);
        let next = lines.get(number + 1).map_or("", |(_, line)| line);
        let mut places = Vec::new();
        if !asleep {
            state.table = (state.table && line.contains('|')) || (line.contains('|') && is_delimiter(next));
        }
        at_line_start(line, &mut places);
        if state.table && !asleep {
            in_cells(line, &mut places);
        }
        if state.html && !asleep {
            behind_tags(line, &mut places);
        }
        places.sort_unstable();
        places.dedup();
        found.extend(places.into_iter().map(|at| Candidate { at: start + at, line: number + 1, asleep }));
    }
    found
}

/// How many lines the front matter takes.
fn front_matter(lines: &[(usize, &str)]) -> usize {
    let fence = lines.first().map_or("", |(_, line)| line.trim_start_matches('\u{feff}').trim_end());
    if fence != "---" && fence != "+++" {
        return 0;
    }
    lines.iter().skip(1).position(|(_, line)| line.trim_end() == fence).map_or(0, |at| at + 2)
}

fn is_delimiter(line: &str) -> bool {
    let line = line.trim();
    line.contains('-') && line.contains('|') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

impl State {
    /// Follows fences and comments; true for a line in which nothing is work.
    fn sleeps(&mut self, line: &str) -> bool {
        let quotes = line.chars().take_while(|c| matches!(c, '>' | ' ')).filter(|c| *c == '>').count();
        let inner = if quotes > 0 { line.trim_start_matches(['>', ' ']) } else { line };
        let indent = if quotes > 0 { 0 } else { columns(line) };
        let body = inner.trim();
        if self.comment {
            self.comment = !body.contains("-->");
            return true;
        }
        if let Some((mark, len, needed, depth)) = self.fence {
            let left = quotes < depth || (depth == 0 && !body.is_empty() && indent < needed);
            let run = body.chars().take_while(|c| *c == mark).count();
            if left || (run >= len && run == body.chars().count()) {
                self.fence = None;
            }
            if !left {
                return true;
            }
        }
        while self.items.last().is_some_and(|column| !body.is_empty() && indent < *column && self.blank) {
            self.items.pop();
        }
        if let Some(width) = marker(inner.trim_start()) {
            self.items.retain(|column| *column <= indent);
            self.items.push(indent + width);
        }
        self.blank = body.is_empty();
        self.html = !self.blank && (self.html || body.starts_with("<d") || body.starts_with("</d"));
        if body.starts_with("<!--") {
            self.comment = !body.contains("-->");
            return true;
        }
        let content = body.trim_start_matches(['-', '*', '+', ' ']);
        let mark = content.chars().next().unwrap_or(' ');
        let run = content.chars().take_while(|c| *c == mark).count();
        if matches!(mark, '`' | '~') && run >= 3 && !(mark == '`' && content[run..].contains('`')) {
            let column = self.items.iter().rev().find(|column| **column <= indent).copied();
            self.fence = Some((mark, run, column.unwrap_or(0), quotes));
            return true;
        }
        false
    }
}

fn columns(line: &str) -> usize {
    line.chars().take_while(|c| matches!(c, ' ' | '\t')).map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

/// The width of a list marker with its space.
fn marker(text: &str) -> Option<usize> {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let sign = text.chars().nth(digits)?;
    let fits = if digits == 0 { matches!(sign, '-' | '*' | '+') } else { matches!(sign, '.' | ')') };
    let after = text.chars().nth(digits + 1);
    (fits && after.is_none_or(char::is_whitespace)).then_some(digits + 2)
}

/// A box at the start of a line: behind quote signs, number signs, and list markers.
fn at_line_start(line: &str, places: &mut Vec<usize>) {
    let invisible =
        |c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{feff}');
    let mut rest = line;
    let mut listed = false;
    loop {
        let before = rest.len();
        rest = rest.trim_start_matches(|c: char| invisible(c) || c == '>');
        if let Some(width) = marker(rest) {
            rest = rest.get(width - 1..).unwrap_or_default();
            listed = true;
        } else if rest.starts_with('#') {
            rest = rest.trim_start_matches('#');
        } else {
            let digits = rest.chars().take_while(char::is_ascii_digit).count();
            let glued = if digits > 0 {
                rest[digits..].starts_with(".[")
            } else {
                rest.starts_with("-[") || rest.starts_with("+[")
            };
            rest = if glued { &rest[digits + 1..] } else { rest };
        }
        if rest.len() == before {
            break;
        }
    }
    if is_box(rest, listed) {
        places.push(line.len() - rest.len());
    }
}

fn is_box(text: &str, listed: bool) -> bool {
    let Some((inside, after)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return false;
    };
    let plain = matches!(inside.trim(), "" | "x" | "X") && inside.chars().count() <= 3;
    let apart = after.is_empty() || after.starts_with(char::is_whitespace);
    let star = after.trim_start_matches('\\').starts_with('*');
    let one = inside.trim_end_matches('\u{fe0f}').chars().count() == 1;
    match listed {
        true if plain && after.starts_with(['(', '[']) => one,
        true if plain => !(inside == "x" && after.starts_with(':')) && (!inside.is_empty() || apart),
        true => one && (apart || (star && (after.trim_start_matches(['\\', '*'])).starts_with(' '))),
        false => one && apart && (plain || matches!(inside, "-" | "~" | "/")),
    }
}

fn in_cells(line: &str, places: &mut Vec<usize>) {
    let mut at = 0;
    for cell in line.split('|') {
        let inner = cell.trim_start();
        if is_box(inner.trim_end(), false) {
            places.push(at + cell.len() - inner.len());
        }
        at += cell.len() + 1;
    }
}

/// Boxes behind an HTML tag.
fn behind_tags(line: &str, places: &mut Vec<usize>) {
    for (at, _) in line.match_indices('>') {
        let text = line[at + 1..].split('<').next().unwrap_or_default();
        if is_box(text.trim_start(), false) {
            places.push(at + 1 + text.len() - text.trim_start().len());
        }
    }
}
