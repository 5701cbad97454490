//! One source, read as far as it can be without knowing its notation: front matter, blocks,
//! headings and list items.

use crate::SourceText;
use crate::blocks::{self, Blocks, Inline, Kind};
use crate::fields;
use crate::front_matter::{self, FrontMatter};
use crate::headings::{self, Heading};
use crate::marks::{self, Meaning, Shape};
use crate::scan::digits;
use crate::words::is_acceptance_name;
use std::collections::HashMap;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::document::{Claim, Dialect, Ordering};
use taskmaster_core::text::{LineIndex, Span};

/// One source and what is known of it.
pub(crate) struct Page<'a> {
    /// Index among the sources.
    pub(crate) index: usize,
    /// Its name.
    pub(crate) name: &'a str,
    /// The whole text.
    pub(crate) text: &'a str,
    /// Its lines.
    pub(crate) lines: LineIndex,
    /// What stands before the text.
    pub(crate) front: FrontMatter,
    /// The Markdown.
    pub(crate) blocks: Blocks,
    /// What each section's heading says.
    pub(crate) headings: Vec<Heading>,
    /// Items of lists in document order.
    pub(crate) items: Vec<Item>,
    /// Index into `items` by block.
    item_of: Vec<Option<usize>>,
    /// The notation.
    pub(crate) dialect: Dialect,
    /// `ordering:` of the front matter.
    pub(crate) ordering: Option<Ordering>,
    /// `marks:` of the front matter.
    pub(crate) marks: HashMap<char, Claim>,
}

/// A list item.
pub(crate) struct Item {
    /// Its block.
    pub(crate) block: usize,
    /// The block of its list.
    pub(crate) list: usize,
    /// Its number as written, if its list is ordered.
    pub(crate) number: Option<u64>,
    /// The bytes of its first line, from the list marker on.
    pub(crate) span: Span,
    /// Its first paragraph, without the lines in `fields` and without a label.
    pub(crate) inline: Inline,
    /// Where the text after the box begins, in `inline`.
    pub(crate) rest: usize,
    /// Lines of its first paragraph that are fields as a whole.
    pub(crate) fields: Vec<Span>,
    /// What stands at its start.
    pub(crate) shape: Shape,
    /// What its mark says; none where it has no box.
    pub(crate) claim: Option<Claim>,
}

impl Item {
    /// The text after the box.
    pub(crate) fn content(&self) -> &str {
        &self.inline.text[self.rest..]
    }
}

/// Reads a source, up to so many blocks; `forced` is the notation that the caller wants.
pub(crate) fn read<'a>(
    index: usize,
    source: &SourceText<'a>,
    forced: Option<Dialect>,
    most_blocks: usize,
    found: &mut Vec<Diagnostic>,
) -> Page<'a> {
    let text = source.text;
    let front = front_matter::read(text, found);
    let blocks = blocks::read(text, front.body, most_blocks);
    let headings = blocks
        .sections
        .iter()
        .map(|section| headings::read(&Inline::new(text, &blocks.get(section.block).lines).text))
        .collect();
    let named = front.dialect(found);
    let ordering = front.ordering(found);
    let marks = front.marks(found);
    let mut page = Page {
        index,
        name: source.name,
        text,
        lines: LineIndex::new(text),
        front,
        blocks,
        headings,
        items: Vec::new(),
        item_of: Vec::new(),
        dialect: Dialect::Plain,
        ordering,
        marks,
    };
    page.read_items();
    page.dialect = forced.or(named).unwrap_or_else(|| crate::dialect::recognise(&page));
    page.read_marks(found);
    page
}

impl Page<'_> {
    /// The line, from 1, of a byte.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.lines.line(offset)
    }

    /// The item that a block is.
    pub(crate) fn item(&self, block: usize) -> Option<&Item> {
        self.item_of[block].map(|item| &self.items[item])
    }

    /// The text of a block's lines as one.
    pub(crate) fn inline(&self, block: usize) -> Inline {
        Inline::new(self.text, &self.blocks.get(block).lines)
    }

    /// The list's name, if the paragraph directly above it is a label: only bold, or ending in a colon.
    pub(crate) fn is_acceptance_list(&self, list: usize) -> bool {
        let Some(above) = self.blocks.above(list) else { return false };
        let block = self.blocks.get(above);
        let own_box = self.item(block.parent).is_some_and(|item| item.shape != Shape::None);
        let first = block.before.is_none() && own_box;
        let line =
            block.lines.last().filter(|_| block.kind == Kind::Paragraph && !(first && block.lines.len() < 2));
        line.is_some_and(|line| is_acceptance_label(line.of(self.text)))
    }

    fn read_items(&mut self) {
        self.item_of = vec![None; self.blocks.all.len()];
        for block in 0..self.blocks.all.len() {
            if self.blocks.get(block).kind == Kind::Item {
                let item = self.read_item(block);
                self.item_of[block] = Some(self.items.len());
                self.items.push(item);
            }
        }
    }

    fn read_item(&self, block: usize) -> Item {
        let item = self.blocks.get(block);
        let marker = self.text[item.span.start..item.span.end].trim_start();
        let start = item.span.end - marker.len();
        let number = digits(marker).and_then(|(number, _)| number.parse().ok());
        let text = self.blocks.first_text(block).filter(|text| !self.is_hash_heading(*text));
        let lines = text.map_or(&[][..], |text| &self.blocks.get(text).lines);
        let shape = lines.first().map_or(Shape::None, |line| marks::scan(self.text, line.start, line.end));
        let (first, others) = lines.split_at(lines.len().min(1));
        let mut inline = Inline::new(self.text, first);
        let mut fields = Vec::new();
        for (i, line) in others.iter().enumerate() {
            if fields::whole(line.of(self.text)).is_some() {
                fields.push(*line);
            } else if i + 1 < others.len() || !is_acceptance_label(line.of(self.text)) {
                inline.push(self.text, *line);
            }
        }
        let rest = match (shape, first.first()) {
            (Shape::Box(found), Some(line)) => found.rest - line.start,
            _ => 0,
        };
        let end = lines.first().map_or(start, |line| line.end);
        Item {
            block,
            list: item.parent,
            number,
            span: Span::new(start.min(end), end),
            inline,
            rest,
            fields,
            shape,
            claim: None,
        }
    }

    /// `### x`, as against a heading that is underlined.
    pub(crate) fn is_hash_heading(&self, block: usize) -> bool {
        let block = self.blocks.get(block);
        matches!(block.kind, Kind::Heading(_)) && self.text[block.span.start..].trim_start().starts_with('#')
    }

    /// Says what each mark means in this notation.
    fn read_marks(&mut self, found: &mut Vec<Diagnostic>) {
        for item in &mut self.items {
            match item.shape {
                Shape::Box(mark) => {
                    let meaning = marks::meaning(mark.character, self.dialect, &self.marks);
                    item.claim = claim(meaning);
                    found.extend(doubt(meaning, mark.character, mark.mark));
                }
                Shape::Malformed(span) => found.push(
                    Diagnostic::warning("malformed-box", span, format!("`{}` is no box", span.of(self.text)))
                        .help("write `[ ]` or `[x]` directly behind the list marker, then a space"),
                ),
                Shape::None => {}
            }
        }
    }
}

fn claim(meaning: Meaning) -> Option<Claim> {
    match meaning {
        Meaning::Claim(claim) | Meaning::Ambiguous(claim) => Some(claim),
        Meaning::Unknown => Some(Claim::Pending),
        Meaning::NoBox => None,
    }
}

fn doubt(meaning: Meaning, character: char, span: Span) -> Option<Diagnostic> {
    let own = "or say what it means in the front matter: `marks: {\"";
    match meaning {
        Meaning::Claim(_) => None,
        Meaning::Ambiguous(_) => Some(
            Diagnostic::note("ambiguous-mark", span, format!("`[{character}]` is read as in progress"))
                .help(format!("tools differ here; write `[~]`, {own}{character}\": cancelled}}`")),
        ),
        Meaning::Unknown => Some(
            Diagnostic::warning(
                "unknown-mark",
                span,
                format!("`[{character}]` is no known mark, read as pending"),
            )
            .help(format!("write `[ ]`, `[x]` or `[~]`, {own}{character}\": pending}}`")),
        ),
        Meaning::NoBox if character == 'P' => Some(
            Diagnostic::note("unknown-mark", span, "`[P]` without a box is a legend, no task")
                .help("a task that may run in parallel is written `- [ ] [P] …`"),
        ),
        Meaning::NoBox => Some(
            Diagnostic::warning(
                "unknown-mark",
                span,
                format!("`[{character}]` is no box, so this item is no task"),
            )
            .help(format!("write `[ ]` or `[x]`, {own}{character}\": pending}}`")),
        ),
    }
}

/// A label of acceptance criteria: only bold, or ending in a colon, and so named.
pub(crate) fn is_acceptance_label(line: &str) -> bool {
    let line = line.trim();
    let colon = line.trim_end_matches(['*', '_', ' ']).ends_with([':', '：']);
    let bold = ["**", "__"].iter().any(|mark| crate::scan::unwrap_once(line, mark).is_some());
    (colon || bold) && is_acceptance_name(&headings::name(line))
}
