//! Reads the first paragraph of an item once, from left to right, and parts fields from the title.
//!
//! Code spans, escapes and link targets are copied whole, so nothing inside them is a field. Each
//! step moves forward, and brackets are paired beforehand: the time is linear in the text.

use crate::blocks::Inline;
use crate::fields::{self, Fields, IdForm, Key, Written};
use crate::scan::{
    Pairs, code_spans, digits, is_zero_width, iso_date, offset_in, squeeze, unwrap_emphasis, unwrap_once,
};
use crate::tokens::{IdRules, is_tag_list, priority_level, tag_follows};
use crate::words;
use taskmaster_core::document::Priority;

/// Longest text in full-width parentheses that is looked at, in characters.
const LONGEST_WIDE_FIELD: usize = 256;

/// Reads the joined text of `inline` from byte `from`, which is where the box ends.
pub(crate) fn read(inline: &Inline, from: usize, rules: &IdRules) -> Fields {
    let text = inline.text.as_str();
    let code = code_spans(text);
    let mut reader = Reader {
        inline,
        text,
        pairs: Pairs::new(text, &code),
        code,
        next_code: 0,
        at: from.min(text.len()),
        out: String::with_capacity(text.len()),
        cut: false,
        fields: Fields::default(),
    };
    reader.leading(rules);
    while reader.at < text.len() {
        reader.step();
    }
    reader.finish()
}

struct Reader<'i> {
    inline: &'i Inline,
    text: &'i str,
    pairs: Pairs,
    code: Vec<(usize, usize)>,
    next_code: usize,
    at: usize,
    out: String,
    cut: bool,
    fields: Fields,
}

impl<'i> Reader<'i> {
    fn rest(&self) -> &'i str {
        &self.text[self.at..]
    }

    fn written(&self, part: &str) -> Written {
        let at = offset_in(self.text, part);
        Written { text: part.to_owned(), span: self.inline.span(at..at + part.len()) }
    }

    /// Leaves the text up to `end` out of the title.
    fn skip_to(&mut self, end: usize) {
        self.at = end;
        self.out.push(' ');
        self.cut = true;
    }

    fn copy_to(&mut self, end: usize) {
        self.out.push_str(&self.text[self.at..end]);
        self.at = end;
    }

    /// `T001 [P] [US1]` and their like, directly after the box.
    fn leading(&mut self, rules: &IdRules) {
        loop {
            let rest = self.rest().trim_start_matches(|c: char| c.is_whitespace() || is_zero_width(c));
            self.at = self.text.len() - rest.len();
            let moved = match rest.chars().next() {
                Some('[') => self.leading_bracket(),
                Some('#') => self.hash(true),
                Some(_) if self.fields.id.is_none() && self.fields.placeholder.is_none() => {
                    self.leading_id(rules)
                }
                _ => false,
            };
            if !moved || self.fields.issue.is_some() {
                break;
            }
        }
    }

    fn leading_id(&mut self, rules: &IdRules) -> bool {
        let rest = self.rest();
        let open = rest.bytes().take_while(|b| matches!(b, b'*' | b'_' | b'~')).count();
        let (emphasis, inner) = rest.split_at(open);
        let Some((id, form, after)) = rules.id(inner) else { return false };
        match form {
            None => self.fields.placeholder = Some(self.written(id).span),
            Some(form) => {
                let id = self.written(id);
                self.fields.id(form, id);
            }
        }
        let mut after = after.strip_prefix(':').unwrap_or(after);
        match after.strip_prefix(emphasis).filter(|_| open > 0) {
            Some(closed) => after = closed.strip_prefix(':').unwrap_or(closed),
            None => self.out.push_str(emphasis),
        }
        let dash = ["- ", "– ", "— ", ": "].iter().find_map(|dash| after.trim_start().strip_prefix(dash));
        self.at = self.text.len() - dash.unwrap_or(after).len();
        true
    }

    /// `[P]`, `[P1]`, `[US1,US2]` at the start.
    fn leading_bracket(&mut self) -> bool {
        let Some(close) = self.pairs.close(self.at) else { return false };
        let inside = &self.text[self.at + 1..close];
        let after = &self.text[close + 1..];
        let link = after.starts_with('(') || (after.starts_with('[') && !tag_follows(after));
        if link || !is_tag_list(inside) {
            return false;
        }
        match priority_level(inside) {
            _ if inside == "P" => self.fields.parallel = true,
            Some(priority) => self.fields.priority = self.fields.priority.or(Some(priority)),
            None => inside.split(',').for_each(|tag| self.fields.tag(tag.trim())),
        }
        self.skip_to(close + 1);
        true
    }

    fn step(&mut self) {
        if let Some((start, end)) = self.code.get(self.next_code).copied()
            && start <= self.at
        {
            self.next_code += 1;
            if end > self.at {
                self.copy_to(end);
            }
            return;
        }
        let plain = self.rest().bytes().take_while(u8::is_ascii_alphanumeric).count();
        let Some(c) = self.rest().chars().next() else { return };
        let taken = match c {
            _ if plain > 0 => {
                self.copy_to(self.at + plain);
                true
            }
            '\\' => {
                let escaped = self.rest()[1..].chars().next().map_or(0, char::len_utf8);
                self.copy_to(self.at + 1 + escaped);
                true
            }
            '<' => self.comment(),
            '{' => self.attribute(),
            '[' => self.bracket(),
            ']' => self.link_target(),
            '(' => self.parentheses(),
            '（' => self.wide_parentheses(),
            '*' | '_' => self.emphasised(),
            '#' => self.hash(false),
            '@' => self.owner(),
            '^' => self.block_id(),
            _ => self.emoji(c),
        };
        if !taken {
            self.copy_to(self.at + c.len_utf8());
        }
    }

    fn comment(&mut self) -> bool {
        let Some(inside) = self.rest().strip_prefix("<!--") else { return false };
        let Some(end) = inside.find("-->") else {
            self.copy_to(self.text.len());
            return true;
        };
        let said = inside[..end].trim();
        if let Some(id) = crate::scan::strip_word(said, "id:") {
            let id = self.written(id.trim());
            self.fields.id(IdForm::Comment, id);
        }
        self.skip_to(self.at + 4 + end + 3);
        true
    }

    fn attribute(&mut self) -> bool {
        let Some(inside) = self.rest().strip_prefix("{#") else { return false };
        let id_end =
            inside.find(|c: char| c.is_whitespace() || matches!(c, '{' | '}')).unwrap_or(inside.len());
        let Some(close) = inside[id_end..].find(['{', '}']).map(|at| id_end + at) else { return false };
        if id_end == 0 || !inside[close..].starts_with('}') {
            return false;
        }
        let id = self.written(&inside[..id_end]);
        self.fields.id(IdForm::Attribute, id);
        self.skip_to(self.at + 2 + close + 1);
        true
    }

    fn bracket(&mut self) -> bool {
        let Some(close) = self.pairs.close(self.at) else { return false };
        let inside = &self.text[self.at + 1..close];
        let linked = self.text[close + 1..].starts_with(['(', '[']);
        if let Some((key, value)) = fields::dataview(inside) {
            self.fields.take(key, value, self.inline);
        } else if let Some(priority) = priority_level(inside).filter(|_| !linked) {
            self.fields.priority = self.fields.priority.or(Some(priority));
        } else {
            if inside.starts_with('[') {
                self.copy_to(close + 1);
            }
            return inside.starts_with('[');
        }
        self.skip_to(close + 1);
        true
    }

    /// `](url)`: what stands in a link's target is no field.
    fn link_target(&mut self) -> bool {
        let target = self.at + 1;
        let close = self.rest()[1..].starts_with('(').then(|| self.pairs.close(target)).flatten();
        if let Some(close) = close {
            self.copy_to(close + 1);
        }
        close.is_some()
    }

    fn parentheses(&mut self) -> bool {
        let Some(close) = self.pairs.close(self.at) else { return false };
        let inside = &self.text[self.at + 1..close];
        let taken = self.group(inside);
        if taken {
            self.skip_to(close + 1);
        }
        taken
    }

    fn wide_parentheses(&mut self) -> bool {
        let start = self.at + '（'.len_utf8();
        let window = self.text[start..].char_indices().take(LONGEST_WIDE_FIELD);
        let Some(close) = window.filter(|(_, c)| *c == '）').map(|(at, _)| start + at).next() else {
            return false;
        };
        let taken = self.group(&self.text[start..close]);
        if taken {
            self.skip_to(close + '）'.len_utf8());
        }
        taken
    }

    /// What stands in parentheses: a field, a priority, an estimate, or text.
    fn group(&mut self, inside: &'i str) -> bool {
        if let Some((key, value)) = fields::phrase(inside) {
            self.fields.take(key, value, self.inline);
        } else if let Some(priority) = priority_level(inside) {
            self.fields.priority = self.fields.priority.or(Some(priority));
        } else if let Some(estimate) = words::estimate(inside) {
            self.fields.estimate.get_or_insert(estimate);
        } else {
            return false;
        }
        true
    }

    /// `_Depends: 4.1_`, `**Validates: Requirements 1.6**`.
    fn emphasised(&mut self) -> bool {
        let rest = self.rest();
        let first = rest.as_bytes()[0];
        let run = rest.bytes().take_while(|b| *b == first).count();
        let inside = &rest[run..];
        let border = !self.out.ends_with(char::is_alphanumeric);
        let end = (border && run <= 3 && fields::begins(inside)).then(|| inside.find(&rest[..run])).flatten();
        let field = end.and_then(|end| Some((end, fields::whole(&inside[..end])?)));
        match field {
            Some((end, (key, value))) if !value.is_empty() => {
                self.fields.take(key, value, self.inline);
                self.skip_to(self.at + run + end + run);
            }
            _ => self.copy_to(self.at + run),
        }
        true
    }

    /// `#tag`, and directly after the box `#12`.
    fn hash(&mut self, leading: bool) -> bool {
        let rest = self.rest();
        if !leading && !self.at_word_start() {
            return false;
        }
        let word = &rest[1..];
        let end =
            word.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '/'))).unwrap_or(word.len());
        let (tag, after) = word.split_at(end);
        if digits(tag).is_some_and(|(_, rest)| rest.is_empty()) {
            if leading {
                self.fields.issue = Some(rest[..=end].to_owned());
                self.copy_to(self.at + 1 + end);
            }
            return leading;
        }
        let apart =
            after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || ",.;:!?)".contains(c));
        if !tag.starts_with(char::is_alphabetic) || !apart {
            return false;
        }
        self.fields.tag(tag);
        self.skip_to(self.at + 1 + end);
        true
    }

    fn owner(&mut self) -> bool {
        let name = &self.rest()[1..];
        let end =
            name.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).unwrap_or(name.len());
        let name = name[..end].trim_end_matches(['.', '-']);
        let after = &self.rest()[1 + name.len()..];
        let package = after.starts_with(['/', '@', '(']);
        if package || !name.starts_with(char::is_alphanumeric) || !self.at_word_start() {
            return false;
        }
        self.fields.owner(name);
        self.skip_to(self.at + 1 + name.len());
        true
    }

    /// ` ^id` as the last word.
    fn block_id(&mut self) -> bool {
        let id = self.rest()[1..].trim_end();
        let word = id.starts_with(|c: char| c.is_ascii_alphanumeric())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !word || !self.at_word_start() {
            return false;
        }
        let id = self.written(id);
        self.fields.id(IdForm::Block, id);
        self.skip_to(self.text.len());
        true
    }

    fn at_word_start(&self) -> bool {
        self.out.is_empty()
            || self.out.ends_with(|c: char| c.is_whitespace() || matches!(c, '(' | '*' | '_' | '~'))
    }

    fn emoji(&mut self, c: char) -> bool {
        let Some(field) = EMOJI.iter().find(|(emoji, _)| *emoji == c).map(|(_, field)| *field) else {
            return false;
        };
        let after = self.rest()[c.len_utf8()..].trim_start_matches(['\u{fe0e}', '\u{fe0f}']);
        let value = after.trim_start();
        let start = self.text.len() - value.len();
        let end = match field {
            Emoji::Priority(priority) => {
                self.fields.priority = self.fields.priority.or(Some(priority));
                self.text.len() - after.len()
            }
            Emoji::Date(name) => {
                let Some((date, rest)) = iso_date(value) else { return false };
                self.fields.take(Key::Date(name), date, self.inline);
                self.text.len() - rest.len()
            }
            Emoji::Phrase(key) => {
                let end = start + field_end(value);
                let value = self.text[start..end].trim();
                let value = fields::phrase(value).map_or(value, |(_, value)| value);
                let value = crate::scan::strip_word(value, "blocked by ").unwrap_or(value);
                self.fields.take(key, value, self.inline);
                end
            }
            Emoji::Id => {
                let len = value
                    .bytes()
                    .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                    .count();
                let id = self.written(&value[..len]);
                self.fields.id(IdForm::Emoji, id);
                start + len
            }
        };
        self.skip_to(end);
        true
    }

    fn finish(mut self) -> Fields {
        let mut title = squeeze(&self.out);
        let mut cut = self.cut;
        while let Some(start) = self.trailing(&title) {
            title.truncate(start);
            cut = true;
        }
        if cut {
            let kept = title.trim_end_matches([' ', ',', ';', '|', '-', '–', '—', '·']).len();
            title.truncate(kept);
        }
        let bold =
            ["***", "**", "__"].iter().find_map(|mark| unwrap_once(title.trim(), mark)).unwrap_or(&title);
        self.fields.struck = unwrap_once(bold.trim(), "~~").is_some();
        self.fields.title = squeeze(unwrap_emphasis(&title));
        self.fields
    }

    /// `… Priority: High` as the last words: takes it and says where it begins.
    fn trailing(&mut self, title: &str) -> Option<usize> {
        let colon = title.rfind(':')?;
        let head = title[..colon].trim_end_matches(['*', '_']);
        let start = head.rfind(|c: char| c.is_whitespace()).map(|at| at + 1)?;
        let field = title[start..].trim_start_matches(['*', '_', '(']);
        let (key, value) = fields::whole(field)?;
        let words = value.split_whitespace().count();
        let fits = match key {
            Key::Priority => words == 1 && words::priority(value).is_some(),
            Key::Estimate => true,
            Key::Owner => (1..=3).contains(&words),
            Key::Tags => words > 0,
            _ => false,
        };
        if !fits {
            return None;
        }
        self.fields.take(key, value, &Inline::default());
        Some(start)
    }
}

#[derive(Clone, Copy)]
enum Emoji {
    Date(&'static str),
    Phrase(Key),
    Priority(Priority),
    Id,
}

/// The emoji fields of Obsidian Tasks.
const EMOJI: &[(char, Emoji)] = &[
    ('📅', Emoji::Date("due")),
    ('⏳', Emoji::Date("scheduled")),
    ('🛫', Emoji::Date("start")),
    ('➕', Emoji::Date("created")),
    ('✅', Emoji::Date("done")),
    ('❌', Emoji::Date("cancelled")),
    ('🔁', Emoji::Phrase(Key::Date("recurrence"))),
    ('🏁', Emoji::Phrase(Key::Date("on_completion"))),
    ('⛔', Emoji::Phrase(Key::Depends)),
    ('🆔', Emoji::Id),
    ('🔺', Emoji::Priority(Priority::Critical)),
    ('⏫', Emoji::Priority(Priority::High)),
    ('🔼', Emoji::Priority(Priority::Medium)),
    ('🔽', Emoji::Priority(Priority::Low)),
    ('⏬', Emoji::Priority(Priority::Low)),
];

/// True where the text carries one of Obsidian's marks of a task.
pub(crate) fn is_obsidian(text: &str) -> bool {
    let tagged = text.split_whitespace().any(|word| word == "#task");
    let emoji = text.contains(|c| !matches!(c, '✅' | '❌') && EMOJI.iter().any(|(emoji, _)| *emoji == c));
    tagged || emoji || has_dataview(text)
}

/// `[key:: value]` or `(key:: value)`, whatever the key.
fn has_dataview(text: &str) -> bool {
    text.match_indices("::").any(|(at, _)| {
        let head = &text[..at];
        let key =
            head.len() - head.bytes().rev().take_while(|b| b.is_ascii_alphanumeric() || *b == b'-').count();
        key < at && text[..key].ends_with(['[', '('])
    })
}

/// Where the value of an emoji field ends: before the next field, bracket, tag or block id.
fn field_end(value: &str) -> usize {
    let mut spaced = true;
    for (at, c) in value.char_indices() {
        let field = EMOJI.iter().any(|(emoji, _)| *emoji == c) || matches!(c, '[' | '(' | '{' | '<');
        let tag = spaced && (c == '^' || (c == '#' && value[at + 1..].starts_with(char::is_alphabetic)));
        if field || tag {
            return at;
        }
        spaced = c.is_whitespace();
    }
    value.len()
}

#[cfg(test)]
#[path = "title_tests.rs"]
mod tests;
