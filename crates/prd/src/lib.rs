//! Markdown PRD to [`Document`]: phases, tasks, requirements and edges, each with its place.
//!
//! `docs/notation.md` is normative; this crate follows it. A fault never stops the parse: it is a
//! [`Diagnostic`] with a code, a place and a help line, and the rest of the text is still read.
//! Nothing here reads a clock, a file or the environment (`clippy.toml` beside this crate says so).

mod assemble;
mod blocks;
mod checklist;
mod cycles;
mod dialect;
mod draft;
mod edges;
mod evidence;
mod fields;
mod forest;
mod formats;
mod front_matter;
mod headings;
mod ids;
mod links;
mod marks;
mod mermaid;
mod names;
mod one_task_files;
mod page;
mod prerequisites;
pub mod report;
mod requirements;
mod scan;
mod strays;
mod tables;
mod title;
mod tokens;
mod words;
pub mod write_back;

use draft::Draft;
pub use evidence::marks_of;
use page::Page;
pub use report::{ParseReport, report};
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::document::{Dialect, Document, Ordering};
use taskmaster_core::text::Span;

/// What overrides the text: flags of the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The notation; recognised from the text where absent.
    pub dialect: Option<Dialect>,
    /// Which implicit edges are drawn; the front matter's, else sequential, where absent.
    pub ordering: Option<Ordering>,
}

/// One text with the name diagnostics call it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceText<'a> {
    /// Usually a path.
    pub name: &'a str,
    /// The whole text, byte for byte.
    pub text: &'a str,
}

/// What a parse yields: always a document, and everything that is wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The document, without whatever the errors name.
    pub document: Document,
    /// Findings, sorted by source and place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads one text. Never panics and never stops at a fault.
pub fn parse(text: &str, options: &Options) -> Parsed {
    parse_many(&[SourceText { name: "", text }], options)
}

/// Reads several texts (a folder of one-task files) into one document: ids are unique in it and
/// dependencies are resolved across the texts. They are read in the byte order of their names;
/// `source` in what comes out is the index in `sources` as given.
pub fn parse_many(sources: &[SourceText<'_>], options: &Options) -> Parsed {
    parse_bounded(sources, options, usize::MAX)
}

/// The same for texts of anybody: with more than so many blocks (headings, items, paragraphs, rows) together, which
/// take up to a hundred times the memory of the text, there is an error instead of a document.
pub fn parse_bounded(sources: &[SourceText<'_>], options: &Options, most_blocks: usize) -> Parsed {
    let mut found: Vec<Vec<Diagnostic>> = vec![Vec::new(); sources.len()];
    let mut pages: Vec<Page<'_>> = Vec::with_capacity(sources.len());
    let mut left = most_blocks;
    for (index, (source, own)) in sources.iter().zip(&mut found).enumerate() {
        let page = page::read(index, source, options.dialect, left, own);
        if let Some(place) = page.blocks.cut {
            return too_large(index, place, most_blocks);
        }
        left = left.saturating_sub(page.blocks.all.len());
        pages.push(page);
    }
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|index| sources[*index].name);
    let mut draft = Draft::default();
    for index in order {
        let (page, own) = (&pages[index], &mut found[index]);
        match page.dialect {
            Dialect::Backlog => one_task_files::read_backlog(page, &mut draft, own),
            Dialect::TaskMaster => one_task_files::read_task_master(page, &mut draft, own),
            _ => checklist::read(page, &mut draft, own),
        }
        strays::find(page, own);
        formats::find(page, own);
    }
    let placed =
        |(index, own): (usize, Vec<Diagnostic>)| own.into_iter().map(move |one| one.in_source(index));
    let found = found.into_iter().enumerate().flat_map(placed).collect();
    assemble::document(&pages, draft, options, found)
}

fn too_large(source: usize, place: Span, most: usize) -> Parsed {
    let message = format!("more than {most} headings, items, paragraphs and rows");
    let fault = Diagnostic::error("too-large", place, message).in_source(source);
    let fault = fault.help("make several documents of it");
    Parsed { document: Document::default(), diagnostics: vec![fault] }
}
