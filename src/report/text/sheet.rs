//! A sheet of text of a given width: wrapping by columns of the terminal, colour on request.

use crate::report::human;
use crate::report::summary::Group;
use crate::report::view::CommandLine;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextOptions {
    /// Columns of the terminal. Below 40, 40 are used.
    pub width: usize,
    /// Colour by ANSI escapes. Never the only carrier of a meaning.
    pub colour: bool,
}

impl Default for TextOptions {
    /// 80 columns without colour.
    fn default() -> Self {
        Self { width: 80, colour: false }
    }
}

const NARROWEST: usize = 40;
/// Least columns beside a lead: with fewer, the text stands below it.
const BESIDE: usize = 16;
/// Where text below its lead begins, behind the lead's own beginning.
const BELOW: usize = 2;

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Bold,
    Muted,
    Green,
    Red,
    Yellow,
    Blue,
    Magenta,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Muted => "2",
            Self::Green => "32",
            Self::Red => "31",
            Self::Yellow => "33",
            Self::Blue => "36",
            Self::Magenta => "35",
        }
    }

    /// The colour of a group of states.
    pub(super) fn of(group: Group) -> Self {
        match group {
            Group::Done => Self::Green,
            Group::Claimed => Self::Plain,
            Group::Active => Self::Blue,
            Group::Waiting | Group::Blocked => Self::Yellow,
            Group::Failed => Self::Red,
            Group::Unknown => Self::Magenta,
            Group::Pending | Group::Skipped | Group::Cancelled => Self::Muted,
        }
    }
}

/// Text being laid out.
pub(super) struct Sheet {
    width: usize,
    colour: bool,
    out: String,
}

impl Sheet {
    pub(super) fn new(options: TextOptions) -> Self {
        Self { width: options.width.max(NARROWEST), colour: options.colour, out: String::new() }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The finished text; ends with one line break.
    pub(super) fn finish(self) -> String {
        let mut out: String = self.out.trim_end().to_owned();
        out.push('\n');
        out
    }

    pub(super) fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.gap();
        self.paragraph(&[], text, Style::Bold);
    }

    /// One line of pieces, already known to fit.
    pub(super) fn row(&mut self, pieces: &[(Style, &str)]) {
        let painted: String = pieces.iter().map(|(style, text)| self.paint(*style, text)).collect();
        self.out.push_str(painted.trim_end());
        self.out.push('\n');
    }

    /// A wrapped text after a lead; further lines are indented to where the text began. A lead that leaves no room
    /// beside it stands above its text.
    pub(super) fn paragraph(&mut self, lead: &[(Style, &str)], text: &str, style: Style) {
        let mut indent: usize = lead.iter().map(|(_, piece)| piece.width()).sum();
        let text = human::line(text);
        let mut lead = lead;
        let whole: String = lead.iter().map(|(_, piece)| *piece).collect();
        let margin = (whole.len() - whole.trim_start_matches(' ').len()).min(BESIDE / 2);
        let (beside, below) = (self.width.saturating_sub(indent), self.width - margin - BELOW);
        let has_no_room = beside < text.width().min(BESIDE) || widest_word(&text, below) > beside;
        if has_no_room && !whole.trim().is_empty() {
            self.above(lead, &whole, margin);
            (lead, indent) = (&[], margin + BELOW);
        }
        for (number, line) in wrap(&text, self.width.saturating_sub(indent).max(8)).iter().enumerate() {
            if number == 0 && !lead.is_empty() {
                lead.iter().for_each(|(style, piece)| {
                    let painted = self.paint(*style, piece);
                    self.out.push_str(&painted);
                });
            } else {
                self.out.extend(std::iter::repeat_n(' ', indent));
            }
            let painted = self.paint(style, line);
            self.out.push_str(&painted);
            self.out.push('\n');
        }
    }

    /// A wide lead in lines of its own.
    fn above(&mut self, lead: &[(Style, &str)], whole: &str, margin: usize) {
        let style = lead.iter().map(|(style, _)| *style).find(|style| *style != Style::Plain);
        let margin = " ".repeat(margin);
        for line in wrap(whole, self.width - margin.len()) {
            self.row(&[(Style::Plain, &margin), (style.unwrap_or(Style::Plain), &line)]);
        }
    }

    /// Facts beside each other, broken between them where possible.
    pub(super) fn facts(&mut self, lead: &str, facts: &[String], style: Style) {
        let room = self.width.saturating_sub(lead.width()).max(8);
        let mut lines: Vec<String> = Vec::new();
        for fact in facts.iter().map(|fact| human::line(fact)).filter(|fact| !fact.is_empty()) {
            match lines.last_mut() {
                Some(line) if line.width() + 3 + fact.width() <= room => {
                    line.push_str(" · ");
                    line.push_str(&fact);
                }
                _ => lines.extend(wrap(&fact, room)),
            }
        }
        for line in lines {
            self.row(&[(Style::Plain, lead), (style, &line)]);
        }
    }

    /// Command lines, each after the name of its step. They are for pasting: never cut, the terminal
    /// wraps them.
    pub(super) fn commands(&mut self, indent: &str, commands: &[CommandLine]) {
        let widest = commands.iter().map(|command| command.step.width()).max().unwrap_or(0);
        for command in commands {
            let mut lead = format!("{indent}{} $ ", fit(&human::line(&command.step), widest));
            for line in human::lines(&command.line) {
                self.row(&[(Style::Muted, &lead), (Style::Plain, &line)]);
                lead = format!("{indent}{:widest$} > ", "");
            }
        }
    }

    /// Lines of a log after a lead on each, their spaces kept; what is wider than the sheet goes on in a line of
    /// its own.
    pub(super) fn verbatim(&mut self, lead: &str, text: &str, style: Style) {
        let room = self.width.saturating_sub(lead.width()).max(BESIDE);
        for line in human::lines(text) {
            let mut rest = line.as_str();
            loop {
                let (head, tail) = if rest.width() <= room { (rest, "") } else { split(rest, room) };
                self.row(&[(Style::Muted, lead), (style, head)]);
                rest = tail;
                if rest.is_empty() {
                    break;
                }
            }
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if !self.colour || style == Style::Plain || text.trim().is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", style.code())
    }
}

/// Foreign text as lines of at most `width` columns, its own line breaks kept; further lines of one are indented.
pub fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let room = width.saturating_sub(indent).max(BESIDE);
    let margin = format!("\n{:indent$}", "");
    let fold = |line: String| {
        if line.width() <= room {
            return line;
        }
        // An indented line stays so: it belongs to a list.
        let own = line.len() - line.trim_start_matches(' ').len();
        let own = " ".repeat(own.min(8));
        wrap(&line, room - own.len())
            .iter()
            .map(|part| format!("{own}{part}"))
            .collect::<Vec<_>>()
            .join(&margin)
    };
    human::lines(text).into_iter().map(fold).collect::<Vec<_>>().join("\n")
}

/// Breaks at white space; a word wider than the room is broken inside. Never empty.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if longer.width() <= room {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut rest = word;
        while rest.width() > room {
            let (head, tail) = split(rest, room);
            lines.push(head.to_owned());
            rest = tail;
        }
        rest.clone_into(&mut line);
    }
    lines.push(line);
    lines
}

/// Columns of the widest word that fits the room and is not best broken wherever it has to be, as those of wide
/// characters are.
fn widest_word(text: &str, room: usize) -> usize {
    let is_narrow = |word: &&str| word.chars().all(|c| c.width() != Some(2));
    let widths = text.split_whitespace().filter(is_narrow).map(UnicodeWidthStr::width);
    widths.filter(|width| *width <= room).max().unwrap_or(0)
}

/// Characters behind which a long word is best broken: those of ids, paths and addresses.
const SEAMS: [char; 8] = ['/', '-', '_', '.', ',', ':', ';', ' '];

/// A head of at most `room` columns, and the rest: up to the last seam of its second half, else as long as it can
/// be without taking a character apart. The head holds at least a character.
fn split(text: &str, room: usize) -> (&str, &str) {
    let longest = head(text, room);
    let seam = longest.rfind(SEAMS).map(|at| at + 1).filter(|at| longest[..*at].width() * 2 > room);
    let whole =
        || longest.char_indices().map(|(at, _)| at).chain([longest.len()]).rev().find(|at| is_gap(text, *at));
    let first = text.chars().next().map_or(0, char::len_utf8);
    text.split_at(seam.or_else(whole).filter(|at| *at > 0).unwrap_or(longest.len()).max(first))
}

/// True between two characters as people see them: marks and joiners belong to what stands before them.
fn is_gap(text: &str, at: usize) -> bool {
    let joins = |c: char| c == '\u{200d}' || ('\u{1f3fb}'..='\u{1f3ff}').contains(&c);
    let after = text[at..].chars().next();
    let joined_behind = text[..at].ends_with('\u{200d}');
    !joined_behind && !after.is_some_and(|c| c.width() == Some(0) || joins(c))
}

/// The longest head of at most `room` columns; empty where the first character is wider. Widths are
/// taken of whole heads, because a selector or a joiner changes what stands before it.
fn head(text: &str, room: usize) -> &str {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = ends.take_while(|&end| text[..end].width() <= room).last().unwrap_or(0);
    &text[..end]
}

/// Cut to `room` columns; what is lost is shown by `…`.
pub(super) fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    if room == 0 {
        return String::new();
    }
    format!("{}…", head(text, room - 1))
}

/// Filled with spaces to `room` columns, or cut.
pub(super) fn fit(text: &str, room: usize) -> String {
    let mut text = cut(text, room);
    text.extend(std::iter::repeat_n(' ', room - text.width().min(room)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_characters_count_two_columns() {
        assert_eq!(wrap("設定設定 ab", 5), ["設定", "設定", "ab"]);
        assert_eq!(cut("設定設定", 4), "設…");
        assert_eq!(fit("設…", 5), "設…  ");
        assert_eq!(cut("设", 1), "…");
        assert_eq!(cut("设a", 2), "…", "a wide first character leaves no room for itself");
    }

    #[test]
    fn long_words_are_broken_at_seams_and_never_inside_of_a_character() {
        assert_eq!(wrap("infra/install-argo-cd", 10), ["infra/", "install-", "argo-cd"]);
        assert_eq!(wrap("abcdefghijkl", 5), ["abcde", "fghij", "kl"]);
        assert_eq!(wrap("a-bcdefghijk", 8), ["a-bcdefg", "hijk"], "a seam far in front is none");
        let family = "👩\u{200d}👩\u{200d}👧";
        assert_eq!(wrap(&family.repeat(3), 5), [family.repeat(2), family.to_owned()]);
        assert_eq!(wrap("ab✔\u{fe0f}cd", 3), ["ab", "✔\u{fe0f}c", "d"], "a selector makes it wider");
        assert_eq!(wrap(&"e\u{301}".repeat(4), 2), ["e\u{301}".repeat(2), "e\u{301}".repeat(2)]);
    }

    #[test]
    fn a_lead_without_room_beside_it_stands_above() {
        let mut sheet = Sheet::new(TextOptions { width: 40, colour: false });
        let lead = format!("✓ {} ", "long-name-".repeat(4));
        sheet.paragraph(&[(Style::Green, &lead)], "healthy and a long text that goes on", Style::Plain);
        sheet.verbatim("  │ ", "an  indented line of a log that is wider than the sheet", Style::Plain);
        let wanted = [
            "✓",
            "long-name-long-name-long-name-long-name-",
            "  healthy and a long text that goes on",
            "  │ an  indented line of a log that is",
            "  │ wider than the sheet",
            "",
        ];
        assert_eq!(sheet.finish(), wanted.join("\n"));
    }

    /// Another word may be wider than any room.
    #[test]
    fn a_word_that_fits_below_a_lead_is_not_broken_beside_it() {
        let mut sheet = Sheet::new(TextOptions { width: 40, colour: false });
        let text = format!("{} a-word-of-twenty-one-c", "x".repeat(45));
        sheet.paragraph(&[(Style::Plain, &" ".repeat(10)), (Style::Plain, "warning: ")], &text, Style::Plain);
        assert!(sheet.finish().contains("a-word-of-twenty-one-c\n"));
    }

    proptest! {
        #[test]
        fn wrapping_keeps_every_visible_character_and_the_width(text in "\\PC{0,80}", room in 8usize..60) {
            let lines = wrap(&text, room);
            let kept: String = lines.concat().split_whitespace().collect();
            prop_assert_eq!(kept, text.split_whitespace().collect::<String>());
            for line in &lines {
                prop_assert!(line.width() <= room, "{:?} is wider than {}", line, room);
            }
        }

        #[test]
        fn a_cut_fits(text in "\\PC{0,80}", room in 0usize..60) {
            prop_assert!(cut(&text, room).width() <= room);
        }
    }
}
