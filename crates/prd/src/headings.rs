//! What a heading says: a phase and its number, a priority, an estimate, an id, a title.

use crate::fields::{self, Key};
use crate::scan::{
    CutOff, dotted_digits, section_number, squeeze, strip_word, trim_emoji, trim_emoji_start, unwrap_emphasis,
};
use crate::words::{self, CJK_DIGITS, PHASE_WORDS, PHASE_WORDS_CJK, SPELLED_NUMBERS};
use taskmaster_core::document::{Estimate, Priority};

/// Longest text in parentheses that may be a priority or an estimate, in characters.
const LONGEST_FIELD: usize = 64;

/// A phase word with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PhaseMark {
    /// As written: `Phase`, `Woche`.
    pub(crate) word: String,
    /// `1`, `1-2`, `N`.
    pub(crate) number: String,
}

/// A heading, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heading {
    /// Its phase word and number, if it is a phase heading.
    pub(crate) phase: Option<PhaseMark>,
    /// Looks like a phase, but has no number that counts.
    pub(crate) lookalike: bool,
    /// Section number such as `4.1`.
    pub(crate) section: Option<String>,
    /// Without decoration, numbers and fields.
    pub(crate) title: String,
    /// Without decoration, section number, final colon and parentheses: what the section is called.
    pub(crate) name: String,
    /// `{#id}`.
    pub(crate) id: Option<String>,
    /// `(Priority: X)`.
    pub(crate) priority: Option<Priority>,
    /// A priority that is not understood.
    pub(crate) bad_priority: Option<String>,
    /// `(6-8 hours)`.
    pub(crate) estimate: Option<Estimate>,
}

/// Reads the text of a heading, without its number signs.
pub(crate) fn read(raw: &str) -> Heading {
    let mut heading = Heading::default();
    let text = take_attributes(raw, &mut heading);
    let text = unwrap_emphasis(&text);
    heading.lookalike = is_lookalike(text);
    let start = undecorated(text);
    let text = match section_number(start) {
        Some((number, rest)) => {
            heading.section = Some(number.to_owned());
            rest
        }
        None => trim_emoji_start(text),
    };
    heading.name = name(text);
    let title = match phase(text) {
        Some((mark, rest)) => {
            heading.phase = Some(mark);
            heading.lookalike = false;
            rest
        }
        None => text,
    };
    let title = take_fields(title, &mut heading);
    heading.title = match (trim_emoji(&title), &heading.phase) {
        ("", Some(mark)) => format!("{} {}", mark.word, mark.number),
        (title, _) => squeeze(unwrap_emphasis(title)),
    };
    heading
}

/// The name of a section or label: no decoration, no section number, no parentheses, no colon.
pub(crate) fn name(text: &str) -> String {
    let text = undecorated(text.trim());
    let text = section_number(text).map_or(text, |(_, rest)| rest);
    let mut out = String::new();
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '(' | '（' => depth += 1,
            ')' | '）' => depth = depth.saturating_sub(1),
            '*' | '~' | '`' => {}
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    squeeze(out.trim_matches(|c: char| !c.is_alphanumeric()))
}

/// A paragraph that is only bold and begins with a phase word and number.
pub(crate) fn is_bold_phase(text: &str) -> bool {
    let text = text.trim().trim_end_matches(':');
    let inner = unwrap_emphasis(text).trim_end_matches(':');
    let bold = text.starts_with("**") || text.starts_with("__");
    bold && inner.len() < text.len() && phase(undecorated(inner)).is_some()
}

/// The phase word that a heading with a short number was meant to begin with, one slip away: `Pase 1`,
/// `Wek 2`. A long number is a year or an issue's.
pub(crate) fn near_phase(text: &str) -> Option<&'static str> {
    let text = undecorated(text);
    let text = section_number(text).map_or(text, |(_, rest)| undecorated(rest));
    let end = text.find(|c: char| !c.is_alphabetic())?;
    let (word, rest) = text.split_at(end);
    let is_short = |number: &str| number.split(|c: char| !c.is_ascii_digit()).all(|digits| digits.len() <= 2);
    let number = number(rest.trim_start()).filter(|_| rest.starts_with([' ', '\t']));
    let is_named =
        word.starts_with(char::is_uppercase) && number.is_some_and(|(number, _)| is_short(&number));
    let word = word.to_lowercase();
    let is_meant = is_named && !NO_SLIPS.contains(&word.as_str());
    PHASE_WORDS.iter().filter(|_| is_meant).find(|known| is_slip(&word, &known.to_lowercase())).copied()
}

/// Words of their own that are one letter from a phase word.
const NO_SLIPS: [&str; 12] = [
    "state", "spring", "phrase", "stages", "staged", "phases", "phased", "sprints", "sept", "sep", "print",
    "wav",
];

/// One letter left out, added, changed or swapped. Of a word of four letters only one left out behind
/// the first, or two swapped: with other letters it is often a word of its own (`Case`, `Stop`).
fn is_slip(word: &str, known: &str) -> bool {
    let (length, wanted) = (word.chars().count(), known.chars().count());
    let is_near = strsim::osa_distance(word, known) == 1;
    let is_same_start = word.chars().next() == known.chars().next();
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    match wanted {
        0..=3 => false,
        4 => is_near && is_same_start && (length < wanted || sorted(word) == sorted(known)),
        _ => is_near,
    }
}

/// A line that would be a phase heading if a space stood behind its number signs.
pub(crate) fn is_tight_phase(text: &str) -> bool {
    let title = text.trim_start_matches('#');
    let signs = text.len() - title.len();
    let first = title.split_whitespace().next().unwrap_or_default();
    let is_tag = signs == 1 && first.contains(|c: char| c.is_ascii_digit());
    (1..=6).contains(&signs) && !is_tag && !title.starts_with(char::is_whitespace) && phase(title).is_some()
}

/// Without leading symbols; opening brackets and quotes belong to the text.
fn undecorated(text: &str) -> &str {
    text.trim_start_matches(|c: char| {
        !c.is_alphanumeric() && !matches!(c, '(' | '[' | '{' | '<' | '"' | '\'' | '`')
    })
}

/// A phase word and its number at the start of `text`, decoration in front skipped, and the rest
/// behind its separator.
pub(crate) fn phase(text: &str) -> Option<(PhaseMark, &str)> {
    let text = undecorated(text);
    let (word, number, rest) = PHASE_WORDS
        .iter()
        .find_map(|word| {
            let rest = strip_word(text, word)?;
            let gap = rest.trim_start();
            let adjacent = gap.len() == rest.len();
            let (number, rest) =
                number(gap).filter(|_| !adjacent || gap.starts_with(|c: char| c.is_ascii_digit()))?;
            Some((&text[..word_len(text, word)], number, rest))
        })
        .or_else(|| cjk_phase(text))?;
    let mark = PhaseMark { word: word.to_owned(), number };
    Some((mark, rest.trim_start_matches([':', '：', '-', '–', '—', '.', ')', ' ', '\t', '\u{a0}'])))
}

fn word_len(text: &str, word: &str) -> usize {
    text.char_indices().nth(word.chars().count()).map_or(text.len(), |(at, _)| at)
}

/// `阶段 1`, `第1阶段`, `1단계`.
fn cjk_phase(text: &str) -> Option<(&str, String, &str)> {
    PHASE_WORDS_CJK.iter().find_map(|word| {
        if let Some(rest) = text.strip_prefix(word) {
            let (number, rest) = number(rest.trim_start())?;
            return Some((*word, number, rest));
        }
        let ordinal = text.strip_prefix('第').unwrap_or(text).trim_start();
        let (number, rest) = range(ordinal)?;
        let rest = rest.trim_start().strip_prefix(word)?;
        ends_number(rest).then_some((*word, number, rest))
    })
}

/// A number as it is looked up: small letters, and one kind of dash.
pub(crate) fn number_key(number: &str) -> String {
    number.to_lowercase().replace(['–', '—'], "-")
}

/// A number that ends where a number may end.
fn number(text: &str) -> Option<(String, &str)> {
    let (number, rest) = range(text).or_else(|| {
        let end = text.bytes().take_while(u8::is_ascii_uppercase).count();
        let (letters, rest) = text.split_at(end);
        (end == 1 || is_roman(letters)).then(|| (letters.to_owned(), rest))
    })?;
    ends_number(rest).then_some((number, rest))
}

fn ends_number(rest: &str) -> bool {
    rest.chars()
        .next()
        .is_none_or(|c| c.is_whitespace() || matches!(c, ':' | '：' | '-' | '–' | '—' | '.' | ')'))
}

/// A phase word and number at the start of a sentence's word, plural or with a plus behind:
/// `Phase 3+`, `Phases 1-2`. The number and what follows.
pub(crate) fn mention(text: &str) -> Option<(&'static str, String, &str)> {
    PHASE_WORDS.iter().find_map(|word| {
        let rest = strip_word(text, word)?;
        let gap = strip_word(rest, "s").unwrap_or(rest);
        let start = gap.trim_start();
        if start.len() == gap.len() {
            return None;
        }
        let (number, rest) = range(start).or_else(|| {
            let end = start.bytes().take_while(u8::is_ascii_uppercase).count();
            (end == 1 || is_roman(&start[..end])).then(|| (start[..end].to_owned(), &start[end..]))
        })?;
        (!rest.starts_with(char::is_alphanumeric)).then_some((*word, number, rest))
    })
}

/// `1`, `2.1`, `1-2`, as written.
fn range(text: &str) -> Option<(String, &str)> {
    let (_, rest) = dotted_digits(text)?;
    let to = ["-", "–", "—"].iter().find_map(|dash| rest.strip_prefix(dash).and_then(dotted_digits));
    let rest = to.map_or(rest, |(_, rest)| rest);
    Some((text[..text.len() - rest.len()].to_owned(), rest))
}

/// A Roman numeral in the usual form.
fn is_roman(text: &str) -> bool {
    let mut rest = text.trim_start_matches('M');
    for group in
        ["CM|CD|DCCC|DCC|DC|D|CCC|CC|C", "XC|XL|LXXX|LXX|LX|L|XXX|XX|X", "IX|IV|VIII|VII|VI|V|III|II|I"]
    {
        rest = group.split('|').find_map(|digit| rest.strip_prefix(digit)).unwrap_or(rest);
    }
    !text.is_empty() && rest.is_empty()
}

/// `Phase One`, `Weeks 1-2`, `第一阶段`.
fn is_lookalike(text: &str) -> bool {
    let text = undecorated(text);
    let text = section_number(text).map_or(text, |(_, rest)| undecorated(rest));
    let spelled =
        |rest: &str| SPELLED_NUMBERS.iter().any(|word| crate::scan::strip_whole_word(rest, word).is_some());
    let latin = PHASE_WORDS.iter().filter_map(|word| strip_word(text, word)).any(|rest| {
        let plural = strip_word(rest, "s").filter(|rest| rest.starts_with(char::is_whitespace));
        let spaced = rest.starts_with(char::is_whitespace);
        (spaced && spelled(rest.trim_start()))
            || plural.is_some_and(|rest| number(rest.trim_start()).is_some())
    });
    let ordinal = text.strip_prefix('第').unwrap_or(text).trim_start_matches(CJK_DIGITS);
    let cjk = ordinal.len() < text.len()
        && !ordinal.starts_with(|c: char| c.is_ascii_digit())
        && PHASE_WORDS_CJK.iter().any(|word| ordinal.trim_start().starts_with(word));
    latin || cjk
}

/// Takes `{#id}` and comments out.
fn take_attributes(raw: &str, heading: &mut Heading) -> String {
    let mut text = CutOff::new(raw);
    while let Some((start, end)) = text.between("<!--", "-->") {
        text.cut(start, end);
    }
    if let Some((start, end)) = text.between("{#", "}") {
        let id = raw[start + 2..end - 1].split_whitespace().next().unwrap_or_default();
        if !id.is_empty() {
            heading.id = Some(id.to_owned());
            text.cut(start, end);
        }
    }
    text.rest()
}

/// Takes the parentheses out that are a priority or an estimate.
fn take_fields(title: &str, heading: &mut Heading) -> String {
    let mut text = CutOff::new(title);
    let mut from = 0;
    while let Some(open) = title[from..].find(['(', '[', '（']).map(|at| from + at) {
        let (width, close) = match title.as_bytes()[open] {
            b'(' => (1, ')'),
            b'[' => (1, ']'),
            _ => ('（'.len_utf8(), '）'),
        };
        from = open + width;
        let window = title[from..].char_indices().take(LONGEST_FIELD);
        let Some(end) = window.filter(|(_, c)| *c == close).map(|(at, _)| from + at).next() else { continue };
        let inside = title[from..end].trim();
        if take_field(inside, close, heading) {
            from = end + close.len_utf8();
            text.cut(open, from);
        }
    }
    text.rest()
}

fn take_field(inside: &str, close: char, heading: &mut Heading) -> bool {
    let level = inside.len() == 2 && inside.starts_with(['P', 'p']) && words::priority(inside).is_some();
    let word = match fields::phrase(inside) {
        Some((Key::Priority, word)) => Some(word),
        _ => level.then_some(inside),
    };
    if let Some(word) = word {
        match words::priority(word) {
            Some(priority) => heading.priority = heading.priority.or(Some(priority)),
            None => heading.bad_priority = Some(word.to_owned()),
        }
        return true;
    }
    match words::estimate(inside).filter(|_| close != ']') {
        Some(estimate) => heading.estimate.get_or_insert(estimate),
        None => return false,
    };
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase_of(text: &str) -> Option<(String, String, String)> {
        let heading = read(text);
        heading.phase.map(|mark| (mark.word, mark.number, heading.title))
    }

    fn some(word: &str, number: &str, title: &str) -> Option<(String, String, String)> {
        Some((word.to_owned(), number.to_owned(), title.to_owned()))
    }

    #[test]
    fn phase_headings() {
        assert_eq!(phase_of("Phase 1: Setup (Priority: Critical)"), some("Phase", "1", "Setup"));
        assert_eq!(phase_of("6.1 Phase 2 – Build"), some("Phase", "2", "Build"));
        assert_eq!(phase_of("🚀 Phase 3 - Go 🎯"), some("Phase", "3", "Go"));
        assert_eq!(phase_of("Day 1–2: Setup (6-8 hours)"), some("Day", "1–2", "Setup"));
        assert_eq!(phase_of("Phase IV. End"), some("Phase", "IV", "End"));
        assert_eq!(phase_of("Phase N: Polish"), some("Phase", "N", "Polish"));
        assert_eq!(phase_of("Sprint 3"), some("Sprint", "3", "Sprint 3"));
        assert_eq!(phase_of("Phase 2.1) x"), some("Phase", "2.1", "x"));
        assert_eq!(phase_of("第1阶段：准备"), some("阶段", "1", "准备"));
        assert_eq!(phase_of("1단계 준비"), some("단계", "1", "준비"));
        assert_eq!(phase_of("フェーズ 2: 実装"), some("フェーズ", "2", "実装"));
        assert_eq!(phase_of("Étape 2 : suite"), some("Étape", "2", "suite"));
        assert_eq!(phase_of("**Phase 5: Bold**"), some("Phase", "5", "Bold"));
    }

    #[test]
    fn headings_that_are_no_phase() {
        for text in [
            "Phase Overview",
            "Phases 1-2",
            "Phase One",
            "Phase A/B",
            "Steps",
            "Daylight 1",
            "Phase 3+",
            "Phase",
        ] {
            assert_eq!(phase_of(text), None, "{text}");
        }
        for text in ["Phase One: x", "Weeks 1-2", "2. Phase two", "第一阶段"] {
            assert!(read(text).lookalike, "{text}");
        }
        assert!(!read("Phase Overview").lookalike);
        assert!(!read("Phase 1").lookalike);
        assert!(is_bold_phase("**Phase 1: Setup**") && is_bold_phase("**Week 2**:"));
        assert!(!is_bold_phase("**Phase 1**: and more text") && !is_bold_phase("Phase 1"));
    }

    #[test]
    fn slips_of_phase_words() {
        for (text, wanted) in [
            ("Pase 1: Infra", Some("Phase")),
            ("6.1 Pase 2", Some("Phase")),
            ("Phsae 2", Some("Phase")),
            ("🚀 Milestne 3", Some("Milestone")),
            ("Wek 2", Some("Week")),
            ("Weke 2", Some("Week")),
            ("Stpe 4", Some("Step")),
            // Words of their own, years, and text that goes on in small letters.
            ("Spring 2025", None),
            ("Spring 1", None),
            ("Pase 2025", None),
            ("State 1", None),
            ("Phrase 2", None),
            ("Phases 1-2", None),
            ("Case 3", None),
            ("Stop 1", None),
            ("Seek 1", None),
            ("Sep 2", None),
            ("Dat 1", None),
            ("pase 1", None),
            ("Pase one", None),
            ("Table 4: Sizes", None),
            ("Phase 1", None),
        ] {
            assert_eq!(near_phase(text), wanted, "{text}");
        }
    }

    #[test]
    fn headings_without_a_space_and_tags() {
        for text in ["##Phase 3: After", "#Phase 1", "##Week1", "###Sprint 2"] {
            assert!(is_tight_phase(text), "{text}");
        }
        for text in ["#Week1", "#Week1 was good", "## Phase 1", "#phase", "#Setup 1"] {
            assert!(!is_tight_phase(text), "{text}");
        }
    }

    #[test]
    fn titles_lose_numbers_and_fields() {
        let heading = read("4.1 Blue-Green ✅ (P1) {#bg}");
        assert_eq!(heading.section.as_deref(), Some("4.1"));
        assert_eq!((heading.title.as_str(), heading.id.as_deref()), ("Blue-Green", Some("bg")));
        assert_eq!(heading.priority, Some(Priority::High));
        let story = read("Phase 3: User Story 1 - [Title] (Priority: P1) 🎯 MVP");
        assert_eq!(story.title, "User Story 1 - [Title] 🎯 MVP");
        assert_eq!(read("Phase 1 (Priority: soon)").bad_priority.as_deref(), Some("soon"));
    }

    #[test]
    fn names_of_sections() {
        assert_eq!(name("✅ 13.1 **Acceptance Criteria** (must):"), "Acceptance Criteria");
        assert_eq!(name("**Definition of Done:**"), "Definition of Done");
        assert!(words::is_acceptance_name(&name("### DoD")));
    }
}
