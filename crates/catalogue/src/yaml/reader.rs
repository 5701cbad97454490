//! From text to tree.

use super::{Data, Key, Node, Scalar};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as MarkerSpan, StrInput, Tag};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::text::Span;

/// Longest text that is read, in bytes.
pub(crate) const MAX_BYTES: usize = 4 << 20;
/// Most nodes of a text: 140,000 short tasks.
pub(crate) const MAX_NODES: usize = 1_000_000;
/// Most nodes that aliases copy.
pub(crate) const MAX_COPIES: usize = 100_000;
/// Most bytes of texts that anchors and aliases copy.
pub(crate) const MAX_COPIED: usize = 16 << 20;
/// Deepest nesting.
pub(crate) const MAX_DEPTH: usize = 64;

/// Reads one text. `None` where there is no usable tree; the reason is among the diagnostics.
pub(crate) fn read(text: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, more than the {MAX_BYTES} that are read", text.len());
        diagnostics.push(Diagnostic::error("schema-limit", None, message));
        return None;
    }
    let offset = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut reader = Reader {
        events: Parser::new_from_str(&text[offset..]),
        places: Places::new(text, offset),
        anchors: HashMap::new(),
        open_anchors: Vec::new(),
        nodes: 0,
        copies: 0,
        copied: 0,
        diagnostics,
    };
    match reader.stream() {
        Ok(node) => node,
        Err(fault) => {
            reader.diagnostics.push(*fault);
            None
        }
    }
}

/// Converts the parser's positions, which count characters, to bytes.
struct Places<'t> {
    text: &'t str,
    /// Byte of each character; empty where every character is one byte.
    bytes: Vec<usize>,
    offset: usize,
}

impl<'t> Places<'t> {
    fn new(text: &'t str, offset: usize) -> Self {
        let body = &text[offset..];
        let bytes =
            if body.is_ascii() { Vec::new() } else { body.char_indices().map(|(i, _)| i + offset).collect() };
        Self { text, bytes, offset }
    }

    fn byte(&self, character: usize) -> usize {
        if self.bytes.is_empty() {
            return (character + self.offset).min(self.text.len());
        }
        self.bytes.get(character).copied().unwrap_or(self.text.len())
    }

    fn span(&self, span: MarkerSpan) -> Span {
        let start = self.byte(span.start.index());
        let end = self.byte(span.end.index()).max(start);
        let kept = self.text[start..end].trim_end().len();
        Span::new(start, start + kept)
    }
}

type Fault = Box<Diagnostic>;

struct Reader<'t, 'd> {
    events: Parser<'t, StrInput<'t>>,
    places: Places<'t>,
    anchors: HashMap<usize, Node>,
    open_anchors: Vec<usize>,
    nodes: usize,
    copies: usize,
    copied: usize,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl<'t> Reader<'t, '_> {
    /// The whole text: at most one document.
    fn stream(&mut self) -> Result<Option<Node>, Fault> {
        let mut root = None;
        let mut documents = 0;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(_) => documents += 1,
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                _ if documents > 1 => {
                    let place = self.places.span(span);
                    return Err(fault("schema-documents", place, "a second document in one file")
                        .map_help("write it to a file of its own"));
                }
                event => root = Some(self.node(event, span, 0)?),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, MarkerSpan), Fault> {
        match self.events.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.syntax(&error)),
            None => Ok((Event::StreamEnd, MarkerSpan::default())),
        }
    }

    fn syntax(&self, error: &ScanError) -> Fault {
        let start = self.places.byte(error.marker().index());
        let rest = &self.places.text[start..];
        let place = Span::new(start, start + rest.chars().next().map_or(0, char::len_utf8));
        let line_start = self.places.text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line = self.places.text[line_start..].lines().next().unwrap_or_default();
        let found = fault("schema-syntax", place, format!("this is not YAML: {}", error.info()));
        if line.trim_start_matches(' ').starts_with('\t') {
            return found.map_help("indent with spaces: YAML forbids tabs there");
        }
        found
    }

    fn node(&mut self, event: Event<'t>, span: MarkerSpan, depth: usize) -> Result<Node, Fault> {
        let place = self.places.span(span);
        self.nodes += 1;
        self.bound(place, depth)?;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && !is_string_tag(tag.as_deref());
                let empty = plain && place.start == place.end;
                let text = if empty { String::new() } else { text.into_owned() };
                let node = Node { span: place, data: Data::Scalar(Scalar { text, plain }) };
                self.keep(anchor, node)
            }
            Event::SequenceStart(anchor, _) => {
                self.open_anchors.push(anchor);
                let node = self.sequence(place, depth)?;
                self.open_anchors.pop();
                self.keep(anchor, node)
            }
            Event::MappingStart(anchor, _) => {
                self.open_anchors.push(anchor);
                let node = self.mapping(place, depth)?;
                self.open_anchors.pop();
                self.keep(anchor, node)
            }
            Event::Alias(anchor) => self.alias(anchor, place, depth),
            _ => Err(fault("schema-syntax", place, "a value was expected here")),
        }
    }

    fn bound(&self, place: Span, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(fault("schema-limit", place, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        if self.nodes > MAX_NODES {
            return Err(fault("schema-limit", place, format!("more than {MAX_NODES} values")));
        }
        Ok(())
    }

    fn keep(&mut self, anchor: usize, node: Node) -> Result<Node, Fault> {
        if anchor > 0 {
            self.copy(&node)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// A copy is about to be made.
    fn copy(&mut self, node: &Node) -> Result<(), Fault> {
        self.copied += bytes(node);
        if self.copied > MAX_COPIED {
            let message = format!("more than {MAX_COPIED} bytes of text, aliases expanded");
            return Err(fault("schema-limit", node.span, message));
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, place: Span, depth: usize) -> Result<Node, Fault> {
        if self.open_anchors.contains(&anchor) {
            return Err(fault("schema-syntax", place, "this alias stands inside of what it names"));
        }
        let Some(node) = self.anchors.remove(&anchor) else {
            return Err(fault("schema-syntax", place, "this alias names nothing"));
        };
        self.copies += size(&node);
        if self.copies > MAX_COPIES {
            let message = format!("more than {MAX_COPIES} values that aliases copy");
            return Err(fault("schema-limit", place, message));
        }
        self.bound(place, depth + height(&node))?;
        self.copy(&node)?;
        self.anchors.insert(anchor, node.clone());
        Ok(node)
    }

    fn sequence(&mut self, start: Span, depth: usize) -> Result<Node, Fault> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                let end = self.end_of(start, items.last().map(|item: &Node| item.span), span);
                return Ok(Node { span: end, data: Data::Sequence(items) });
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    fn mapping(&mut self, start: Span, depth: usize) -> Result<Node, Fault> {
        let (mut own, mut merged) = (Pairs::default(), Pairs::default());
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                let end = self.end_of(start, own.pairs.last().map(|(_, node)| node.span), span);
                for (key, node) in merged.pairs {
                    // Keys of the mapping itself win.
                    let _ = own.add(key, node);
                }
                return Ok(Node { span: end, data: Data::Mapping(own.pairs) });
            }
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            self.pair(&key, value, &mut own, &mut merged);
        }
    }

    /// Adds one pair, unless its key is unusable.
    fn pair(&mut self, key: &Node, value: Node, own: &mut Pairs, merged: &mut Pairs) {
        let Data::Scalar(scalar) = &key.data else {
            let found =
                fault("schema-key", key.span, format!("a key must be a text, this is {}", key.describe()));
            self.diagnostics.push(*found.map_help("a value that begins with `{{` must be put in quotes"));
            return;
        };
        if scalar.plain && scalar.text == "<<" {
            self.merge(value, merged);
            return;
        }
        if let Err(first) = own.add(Key { text: scalar.text.clone(), span: key.span }, value) {
            let message = format!("the key `{}` is given twice", scalar.text);
            let found = fault("schema-duplicate-key", key.span, message);
            self.diagnostics.push(found.label(first, "first given here"));
        }
    }

    /// `<<: *base` or `<<: [*a, *b]`: keys of the mapping itself win, then earlier ones.
    fn merge(&mut self, value: Node, merged: &mut Pairs) {
        let span = value.span;
        let sources = match value.data {
            Data::Mapping(pairs) => vec![Some(pairs)],
            Data::Sequence(items) => items.into_iter().map(|item| item.pairs().map(<[_]>::to_vec)).collect(),
            Data::Scalar(_) => vec![None],
        };
        for source in sources {
            let Some(pairs) = source else {
                self.diagnostics.push(*fault(
                    "schema-type",
                    span,
                    "`<<` takes a mapping or a list of mappings",
                ));
                return;
            };
            for (key, node) in pairs {
                let _ = merged.add(key, node);
            }
        }
    }

    /// A flow collection ends at its bracket, a block collection with its last item.
    fn end_of(&self, start: Span, last: Option<Span>, closing: MarkerSpan) -> Span {
        let closing = self.places.span(closing);
        let is_flow = self.places.text[start.start..].starts_with(['[', '{']) && closing.end > closing.start;
        let end = if is_flow { closing.end } else { last.map_or(start.end, |span| span.end) };
        // An alias as last item lies elsewhere in the text.
        Span::new(start.start, end.max(start.end).max(start.start))
    }
}

/// Pairs of a mapping in their order; each key once.
#[derive(Default)]
struct Pairs {
    pairs: Vec<(Key, Node)>,
    /// Where each key stands.
    known: HashMap<String, Span>,
}

impl Pairs {
    /// Adds a pair; where its key is there already, the place of that one, and nothing is added.
    fn add(&mut self, key: Key, node: Node) -> Result<(), Span> {
        match self.known.entry(key.text.clone()) {
            Entry::Occupied(first) => Err(*first.get()),
            Entry::Vacant(place) => {
                place.insert(key.span);
                self.pairs.push((key, node));
                Ok(())
            }
        }
    }
}

fn is_string_tag(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| tag.suffix == "str" || (tag.handle == "!" && tag.suffix.is_empty()))
}

fn size(node: &Node) -> usize {
    match &node.data {
        Data::Scalar(_) => 1,
        Data::Sequence(items) => 1 + items.iter().map(size).sum::<usize>(),
        Data::Mapping(pairs) => 1 + pairs.iter().map(|(_, node)| 1 + size(node)).sum::<usize>(),
    }
}

/// Bytes of all texts in it.
fn bytes(node: &Node) -> usize {
    match &node.data {
        Data::Scalar(scalar) => scalar.text.len(),
        Data::Sequence(items) => items.iter().map(bytes).sum(),
        Data::Mapping(pairs) => pairs.iter().map(|(key, node)| key.text.len() + bytes(node)).sum(),
    }
}

fn height(node: &Node) -> usize {
    match &node.data {
        Data::Scalar(_) => 0,
        Data::Sequence(items) => 1 + items.iter().map(height).max().unwrap_or(0),
        Data::Mapping(pairs) => 1 + pairs.iter().map(|(_, node)| height(node)).max().unwrap_or(0),
    }
}

fn fault(code: &'static str, span: Span, message: impl Into<String>) -> Fault {
    Box::new(Diagnostic::error(code, span, message))
}

trait FaultExt {
    fn map_help(self, help: &str) -> Fault;
}

impl FaultExt for Fault {
    fn map_help(self, help: &str) -> Fault {
        Box::new((*self).help(help))
    }
}
