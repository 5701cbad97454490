//! The Markdown as a tree of blocks with byte spans, in one arena in document order.
//!
//! pulldown-cmark decides what is a block; of its inline events only the places are used, to know
//! where each line of a text begins and ends without quote signs and indentation. Parents stand
//! before their children in the arena, so every walk is a loop over indices, never a recursion.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::ops::Range;
use taskmaster_core::text::Span;

/// What a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The whole text.
    Root,
    /// `>`.
    Quote,
    /// A list.
    List,
    /// An item of a list.
    Item,
    /// A paragraph, or the text of an item of a tight list.
    Paragraph,
    /// A heading.
    Heading(u8),
    /// A fenced block.
    Fence(Box<Fence>),
    /// An indented code block.
    Code,
    /// A block of raw HTML, comments included.
    Html,
    /// A table, its head or a row.
    Table,
    /// A cell of a table.
    Cell,
    /// A thematic break.
    Rule,
}

/// A fenced block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fence {
    /// The info string.
    pub(crate) info: String,
    /// Its text, without the indentation of what it stands in.
    pub(crate) body: String,
    /// It has a closing fence.
    pub(crate) closed: bool,
}

/// One block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its bytes in the source.
    pub(crate) span: Span,
    /// Index of the block around it; the root is its own.
    pub(crate) parent: usize,
    /// Index of the sibling before it.
    pub(crate) before: Option<usize>,
    /// Index of its first child.
    pub(crate) first: Option<usize>,
    /// Index into the sections: the last heading before it.
    pub(crate) section: Option<usize>,
    /// The lines of its text, without indentation, quote signs and line ends.
    pub(crate) lines: Vec<Span>,
}

/// A heading and what follows it up to the next heading.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Index of the heading's block.
    pub(crate) block: usize,
    /// 1 to 6.
    pub(crate) level: u8,
    /// The nearest heading before it of a higher rank.
    pub(crate) parent: Option<usize>,
}

/// All blocks of one source; index 0 is the root.
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    /// In document order, parents first.
    pub(crate) all: Vec<Block>,
    /// Headings outside lists, in document order.
    pub(crate) sections: Vec<Section>,
    /// Where the text was left off, because it has more blocks than the caller can hold.
    pub(crate) cut: Option<Span>,
}

/// Reads `text[body..]`, up to so many blocks.
pub(crate) fn read(text: &str, body: usize, most: usize) -> Blocks {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut builder = Builder::new(text, body);
    for (event, range) in Parser::new_ext(&text[body..], options).into_offset_iter() {
        builder.take(event, range.start + body..range.end + body);
        if builder.blocks.all.len() > most {
            builder.blocks.cut = builder.blocks.all.last().map(|block| block.span);
            break;
        }
    }
    builder.end_text();
    builder.blocks
}

struct Builder<'t> {
    text: &'t str,
    blocks: Blocks,
    /// Open blocks, outermost first, each with its last child.
    open: Vec<(usize, Option<usize>)>,
    /// The headings that the next block stands under, outermost first.
    headings: Vec<usize>,
    /// What `headings` was outside each open quote.
    outside: Vec<Vec<usize>>,
    items: usize,
    /// The block whose text is being read, the start of the line if one has begun, and how far the text reaches.
    run: Option<(usize, Option<usize>, usize)>,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str, body: usize) -> Self {
        let root = Block {
            kind: Kind::Root,
            span: Span::new(body, text.len()),
            parent: 0,
            before: None,
            first: None,
            section: None,
            lines: Vec::new(),
        };
        Self {
            text,
            blocks: Blocks { all: vec![root], sections: Vec::new(), cut: None },
            open: vec![(0, None)],
            headings: Vec::new(),
            outside: Vec::new(),
            items: 0,
            run: None,
        }
    }

    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::SoftBreak | Event::HardBreak => self.end_line(range.start),
            Event::Text(text) if self.in_code() => self.code(&text, range),
            Event::Html(_) => self.end_text(),
            Event::Rule => {
                self.end_text();
                self.push(Kind::Rule, range);
            }
            _ => self.inline(range),
        }
    }

    fn start(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        let kind = match tag {
            Tag::Paragraph => Kind::Paragraph,
            Tag::Heading { level, .. } => Kind::Heading(*level as u8),
            Tag::BlockQuote(_) => Kind::Quote,
            Tag::CodeBlock(CodeBlockKind::Indented) => Kind::Code,
            Tag::CodeBlock(CodeBlockKind::Fenced(info)) => {
                Kind::Fence(Box::new(Fence { info: info.to_string(), ..Fence::default() }))
            }
            Tag::HtmlBlock => Kind::Html,
            Tag::List(_) => Kind::List,
            Tag::Item => Kind::Item,
            Tag::Table(_) | Tag::TableHead | Tag::TableRow => Kind::Table,
            Tag::TableCell => Kind::Cell,
            _ => return self.inline(range),
        };
        self.end_text();
        let block = self.push(kind.clone(), range);
        self.open.push((block, None));
        if let Kind::Heading(level) = kind
            && self.items == 0
        {
            self.section(block, level);
        }
        match kind {
            Kind::Quote => self.outside.push(self.headings.clone()),
            Kind::Item => self.items += 1,
            Kind::Fence(_) => self.run = Some((block, None, self.line_end(block))),
            Kind::Paragraph | Kind::Heading(_) | Kind::Cell => self.run = Some((block, None, 0)),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::CodeBlock => self.end_code(),
            TagEnd::Item => self.items = self.items.saturating_sub(1),
            TagEnd::BlockQuote(_) => self.headings = self.outside.pop().unwrap_or_default(),
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::TableCell => {}
            TagEnd::HtmlBlock | TagEnd::List(_) | TagEnd::Table | TagEnd::TableHead | TagEnd::TableRow => {}
            _ => return self.reach(range.end),
        }
        self.end_text();
        if self.open.len() > 1 {
            self.open.pop();
        }
    }

    fn push(&mut self, kind: Kind, range: Range<usize>) -> usize {
        let id = self.blocks.all.len();
        let (parent, last) = self.open.last_mut().expect("the root is never closed");
        let (parent, before) = (*parent, last.replace(id));
        if before.is_none() {
            self.blocks.all[parent].first = Some(id);
        }
        self.blocks.all.push(Block {
            kind,
            span: Span::new(range.start, range.end.max(range.start)),
            parent,
            before,
            first: None,
            section: self.headings.last().copied(),
            lines: Vec::new(),
        });
        id
    }

    fn section(&mut self, block: usize, level: u8) {
        let sections = &mut self.blocks.sections;
        while self.headings.last().is_some_and(|last| sections[*last].level >= level) {
            self.headings.pop();
        }
        let id = sections.len();
        sections.push(Section { block, level, parent: self.headings.last().copied() });
        self.headings.push(id);
        self.blocks.all[block].section = Some(id);
    }

    /// Text of some kind: it begins a line where none is open, in a new paragraph where none is.
    fn inline(&mut self, range: Range<usize>) {
        if self.run.is_none() {
            let block = self.push(Kind::Paragraph, range.clone());
            self.run = Some((block, None, 0));
        }
        let escaped = range.start > 0 && self.text.as_bytes()[range.start - 1] == b'\\';
        if let Some((_, start, _)) = &mut self.run {
            start.get_or_insert(range.start - usize::from(escaped));
        }
        self.reach(range.end);
    }

    fn reach(&mut self, end: usize) {
        if let Some((block, _, reached)) = &mut self.run {
            *reached = end.max(*reached);
            let span = &mut self.blocks.all[*block].span;
            span.end = span.end.max(end);
        }
    }

    fn end_line(&mut self, at: usize) {
        if let Some((block, start, _)) = &mut self.run
            && let Some(start) = start.take()
        {
            let line = self.text.get(start..at).map_or(start, |line| start + line.trim_end().len());
            self.blocks.all[*block].lines.push(Span::new(start, line));
        }
    }

    fn end_text(&mut self) {
        if let Some((_, _, reached)) = self.run {
            self.end_line(reached);
            self.run = None;
        }
    }

    fn in_code(&self) -> bool {
        let (block, _) = self.open[self.open.len() - 1];
        matches!(self.blocks.all[block].kind, Kind::Fence(_) | Kind::Code)
    }

    fn code(&mut self, text: &str, range: Range<usize>) {
        let (block, _) = self.open[self.open.len() - 1];
        if let Kind::Fence(fence) = &mut self.blocks.all[block].kind {
            fence.body.push_str(text);
        }
        if let Some((_, _, reached)) = &mut self.run {
            *reached = range.end.max(*reached);
        }
    }

    /// A fence is closed where fence characters follow its text.
    fn end_code(&mut self) {
        let Some((block, _, reached)) = self.run.take() else { return };
        let span = self.blocks.all[block].span;
        let tail = self.text.get(reached..span.end).unwrap_or_default();
        let closed = tail.contains("```") || tail.contains("~~~");
        if let Kind::Fence(fence) = &mut self.blocks.all[block].kind {
            fence.closed = closed;
        }
    }

    /// Where the first line of a block ends.
    fn line_end(&self, block: usize) -> usize {
        let span = self.blocks.all[block].span;
        let first = self.text.get(span.start..span.end).unwrap_or_default();
        span.start + first.find('\n').map_or(first.len(), |end| end + 1)
    }
}

impl Blocks {
    /// The block at `id`.
    pub(crate) fn get(&self, id: usize) -> &Block {
        &self.all[id]
    }

    /// The first child of `id` if it is a text.
    pub(crate) fn first_text(&self, id: usize) -> Option<usize> {
        self.all[id].first.filter(|first| matches!(self.all[*first].kind, Kind::Paragraph | Kind::Heading(_)))
    }

    /// The sibling before `id`, comments and other HTML skipped.
    pub(crate) fn above(&self, id: usize) -> Option<usize> {
        let mut at = self.all[id].before;
        while let Some(before) = at {
            if self.all[before].kind != Kind::Html {
                break;
            }
            at = self.all[before].before;
        }
        at
    }
}

/// The text of some lines as one, with the way back to the source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inline {
    /// Lines joined by one space.
    pub(crate) text: String,
    pieces: Vec<(usize, usize)>,
}

impl Inline {
    /// Joins `lines` of `source`.
    pub(crate) fn new(source: &str, lines: &[Span]) -> Self {
        let mut inline = Self::default();
        lines.iter().for_each(|line| inline.push(source, *line));
        inline
    }

    /// Adds a line of `source`.
    pub(crate) fn push(&mut self, source: &str, line: Span) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.pieces.push((self.text.len(), line.start));
        for (at, part) in line.of(source).split(['\n', '\r']).enumerate() {
            if at > 0 {
                self.text.push(' ');
            }
            self.text.push_str(part);
        }
    }

    /// The bytes of the source that `range` of the joined text stands for.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        let start = self.source_offset(range.start);
        let end = self.source_offset(range.end.max(1) - usize::from(range.end > range.start));
        let tail = usize::from(range.end > range.start);
        Span::new(start, (end + tail).max(start))
    }

    fn source_offset(&self, at: usize) -> usize {
        let piece = self.pieces.partition_point(|(joined, _)| *joined <= at);
        self.pieces.get(piece.wrapping_sub(1)).map_or(0, |(joined, source)| source + (at - joined))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(Kind, Vec<&str>)> {
        let blocks = read(text, 0, usize::MAX);
        blocks
            .all
            .iter()
            .filter(|block| !block.lines.is_empty())
            .map(|block| (block.kind.clone(), block.lines.iter().map(|line| line.of(text)).collect()))
            .collect()
    }

    #[test]
    fn lines_lose_indentation_and_quote_signs() {
        let text = "> - [ ] one\n>   two **three\n> four** five  \n>\n> [x] last\n";
        let paragraphs = lines(text);
        assert_eq!(
            paragraphs,
            [
                (Kind::Paragraph, vec!["[ ] one", "two **three", "four** five"]),
                (Kind::Paragraph, vec!["[x] last"])
            ]
        );
    }

    #[test]
    fn an_escape_at_the_start_is_kept() {
        assert_eq!(lines("- \\[ \\] a\n"), [(Kind::Paragraph, vec!["\\[ \\] a"])]);
        assert_eq!(lines("- a\n- **b** c\n").len(), 2);
    }

    #[test]
    fn fences_know_whether_they_are_closed() {
        let closed = |text: &str| {
            read(text, 0, usize::MAX).all.iter().find_map(|block| match &block.kind {
                Kind::Fence(fence) => Some((fence.closed, fence.body.clone())),
                _ => None,
            })
        };
        assert_eq!(closed("```sh\na\n```\n"), Some((true, "a\n".to_owned())));
        assert_eq!(closed("```sh\na\n"), Some((false, "a\n".to_owned())));
        assert_eq!(closed("````\n```\n"), Some((false, "```\n".to_owned())));
        assert_eq!(closed("> ```\n> a\n\nb\n"), Some((false, "a\n".to_owned())));
        assert_eq!(closed("- ```\n  a\n  ```\n"), Some((true, "a\n".to_owned())));
        assert_eq!(closed("```\n```\n"), Some((true, String::new())));
        assert_eq!(closed("```"), Some((false, String::new())));
        assert_eq!(closed("~~~\na\n\n\n"), Some((false, "a\n\n\n".to_owned())));
    }

    #[test]
    fn quoted_headings_end_with_their_quote() {
        let text = "# A\n\n> ## B\n>\n> b\n\na\n";
        let blocks = read(text, 0, usize::MAX);
        let sections: Vec<_> = blocks
            .all
            .iter()
            .filter(|block| block.kind == Kind::Paragraph)
            .map(|block| (block.lines[0].of(text), block.section))
            .collect();
        assert_eq!(sections, [("b", Some(1)), ("a", Some(0))]);
        assert_eq!(blocks.sections[1].parent, Some(0));
    }

    #[test]
    fn joined_text_leads_back_to_its_bytes() {
        let source = "> one\n> two\n";
        let inline = Inline::new(source, &[Span::new(2, 5), Span::new(8, 11)]);
        assert_eq!(inline.text, "one two");
        assert_eq!(inline.span(4..7).of(source), "two");
        assert_eq!(inline.span(2..5).of(source), "e\n> t");
    }
}
