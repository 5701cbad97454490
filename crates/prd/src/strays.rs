//! Boxes where Markdown sees none, and other text that people take for tasks.
//!
//! Whatever looks like open work and is not read as such is said here, so that nothing vanishes.

use crate::blocks::{Block, Kind};
use crate::fields::IdForm;
use crate::marks::{Shape, Stray, stray_box};
use crate::page::{Item, Page};
use crate::tokens::{Dotted, IdRules};
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::text::Span;

/// Finds them all in `page`.
pub(crate) fn find(page: &Page<'_>, found: &mut Vec<Diagnostic>) {
    for block in 1..page.blocks.all.len() {
        let this = page.blocks.get(block);
        match &this.kind {
            Kind::Heading(_) | Kind::Paragraph => texts(page, block, found),
            Kind::Cell => lines(page, &this.lines, "box-in-table", found),
            Kind::Code => code(page, this, found),
            Kind::Html => html(page, this, found),
            Kind::Fence(fence) if !fence.closed => {
                found.push(unclosed(page, this, "fence", "unclosed-fence"));
            }
            _ => {}
        }
    }
    lookalikes(page, found);
}

fn texts(page: &Page<'_>, block: usize, found: &mut Vec<Diagnostic>) {
    let this = page.blocks.get(block);
    let holder = page.item(this.parent);
    let hash = page.is_hash_heading(block);
    let read = !hash && this.before.is_none() && holder.is_some_and(|item| item.shape != Shape::None);
    let underlined = !hash && this.kind != Kind::Paragraph;
    let code = if hash || (underlined && holder.is_none()) { "box-in-heading" } else { "box-without-bullet" };
    lines(page, &this.lines[usize::from(read).min(this.lines.len())..], code, found);
}

fn lines(page: &Page<'_>, lines: &[Span], code: &'static str, found: &mut Vec<Diagnostic>) {
    for line in lines {
        if let Some(stray) = stray_box(line.of(page.text)) {
            found.push(stray_diagnostic(page, line.start, stray, code));
        }
    }
}

fn stray_diagnostic(page: &Page<'_>, base: usize, stray: Stray, code: &'static str) -> Diagnostic {
    let span = Span::new(base + stray.span.start, base + stray.span.end);
    let boxed = span.of(page.text);
    let invisible = stray.zero_width && code == "box-without-bullet";
    let code = if invisible { "box-after-zero-width" } else { code };
    let (place, help) = match code {
        "box-after-zero-width" => {
            ("behind an invisible character", "delete the zero-width character before the list marker")
        }
        "box-in-heading" => ("in a heading", "write the task as a list item: `- [ ] …`"),
        "box-in-table" => ("in a table", "write the tasks as a checklist: `- [ ] …`"),
        "box-in-code" => {
            ("in an indented code block", "indent it by fewer than four spaces more than what is around it")
        }
        "box-in-html" => ("in raw HTML", "put an empty line between the HTML tag and the checklist"),
        _ => (
            "without a list marker of its own",
            "begin the line with `- ` and give the list an empty line before it",
        ),
    };
    Diagnostic::warning(code, span, format!("`{boxed}` {place} is no task")).help(help)
}

/// The lines of a block, each with the offset of its first byte.
fn raw_lines<'t>(page: &Page<'t>, block: &Block) -> impl Iterator<Item = (usize, &'t str)> {
    let start = block.span.start;
    let text = &page.text[start..block.span.end];
    text.split_inclusive('\n').scan(start, |at, line| {
        let here = *at;
        *at += line.len();
        Some((here, line.trim_end()))
    })
}

fn code(page: &Page<'_>, block: &Block, found: &mut Vec<Diagnostic>) {
    for (start, line) in raw_lines(page, block) {
        if let Some(stray) = stray_box(line) {
            found.push(stray_diagnostic(page, start, stray, "box-in-code"));
        }
    }
}

/// Boxes at the start of a line or behind a tag, comments skipped.
fn html(page: &Page<'_>, block: &Block, found: &mut Vec<Diagnostic>) {
    let text = &page.text[block.span.start..block.span.end];
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("<!--") {
            let Some(end) = rest.find("-->") else {
                found.push(unclosed(page, block, "comment", "unclosed-comment"));
                return;
            };
            at += end + 3;
            continue;
        }
        let end = rest.find(['\n', '<', '>']).unwrap_or(rest.len());
        if let Some(stray) = stray_box(&rest[..end]) {
            found.push(stray_diagnostic(page, block.span.start + at, stray, "box-in-html"));
        }
        let tag = rest[end..].starts_with('<') && !rest[end..].starts_with("<!--");
        let border = if tag { rest[end..].find(['\n', '>']).map(|at| end + at) } else { Some(end) };
        let Some(border) = border else { return };
        at += border + usize::from(!rest[border..].starts_with('<'));
    }
}

fn unclosed(page: &Page<'_>, block: &Block, what: &str, code: &'static str) -> Diagnostic {
    let (start, line) = raw_lines(page, block).next().unwrap_or((block.span.start, ""));
    Diagnostic::warning(code, Span::new(start, start + line.len()), format!("a {what} that is never closed"))
        .help(format!(
            "everything below, down to the end of what it stands in, is read as part of the {what}: close it"
        ))
}

/// Text that looks like a phase, and headings that look like tasks.
fn lookalikes(page: &Page<'_>, found: &mut Vec<Diagnostic>) {
    let mut first_task = None;
    let mut tasks = 0_usize;
    let lines =
        page.blocks.sections.iter().filter_map(|section| page.blocks.get(section.block).lines.first());
    let titles = lines.map(|line| line.of(page.text).trim_start_matches('['));
    let rules = IdRules::new(Dotted::Never, titles.chain(page.items.iter().map(Item::content)));
    let has_phases = page.headings.iter().any(|heading| heading.phase.is_some());
    for (heading, section) in page.headings.iter().zip(&page.blocks.sections) {
        let block = page.blocks.get(section.block);
        let Some(line) = block.lines.first() else { continue };
        if heading.lookalike {
            found.push(lookalike(*line, "a heading", "write the number as a digit: `Phase 1`"));
        }
        let is_open = has_phases && heading.phase.is_none() && !heading.lookalike;
        let near = crate::headings::near_phase(line.of(page.text)).filter(|_| is_open);
        if let Some(word) = near {
            found.push(lookalike(*line, "a heading", &format!("did you mean `{word}`?")));
        }
        let text = line.of(page.text).trim_start_matches(['*', '_', '[']);
        if matches!(rules.id(text), Some((_, Some(IdForm::Token), _))) {
            tasks += 1;
            first_task.get_or_insert(*line);
        }
    }
    if let Some(span) = first_task {
        let message =
            format!("{tasks} heading{} with a task id, not read as tasks", if tasks == 1 { "" } else { "s" });
        found.push(
            Diagnostic::note("tasks-in-headings", span, message)
                .help("write each task as a list item below a heading: `- [ ] TASK-001: …`"),
        );
    }
    for block in
        page.blocks.all.iter().filter(|block| block.kind == Kind::Paragraph && block.lines.len() == 1)
    {
        let in_item = page.item(block.parent).is_some();
        if crate::headings::is_tight_phase(block.lines[0].of(page.text)) {
            found.push(lookalike(
                block.lines[0],
                "a line",
                "a heading needs a space behind its number signs: `## Phase 1`",
            ));
        }
        if !in_item && crate::headings::is_bold_phase(block.lines[0].of(page.text)) {
            found.push(lookalike(block.lines[0], "bold text", "make it a heading: `## Phase 1: …`"));
        }
    }
}

fn lookalike(span: Span, what: &str, help: &str) -> Diagnostic {
    Diagnostic::warning("phase-lookalike", span, format!("{what} that looks like a phase, but is none"))
        .help(help)
}
