//! Shows diagnostics in the manner of rustc: code, place, caret, help.

use super::ci;
use crate::app::error::Findings;
use crate::report::clean_lines;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::io::Write;
use taskmaster_core::diagnostic::{Diagnostic, Severity};
use taskmaster_core::text::Span;
use unicode_width::UnicodeWidthStr;

/// A text and the name it is shown under.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Path as the user gave it.
    pub name: &'a str,
    /// The whole text.
    pub text: &'a str,
}

/// Shows findings on standard error; only errors where `quiet`.
pub fn print(findings: &Findings, color: bool, width: Option<usize>, quiet: bool) {
    let sources: Vec<Source<'_>> =
        findings.sources.iter().map(|source| Source { name: &source.name, text: &source.text }).collect();
    let mut err = std::io::stderr().lock();
    for diagnostic in findings.diagnostics.iter().filter(|d| !quiet || d.severity == Severity::Error) {
        let _ = writeln!(err, "{}\n", ci::harmless(&render(diagnostic, &sources, color, width)));
    }
}

/// `diagnostic` as a block of lines of at most `width` columns, without a final line break.
pub fn render(diagnostic: &Diagnostic, sources: &[Source<'_>], color: bool, width: Option<usize>) -> String {
    let diagnostic = &harmless(diagnostic);
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(&diagnostic.message).id(diagnostic.code));
    let source = sources.get(diagnostic.source);
    match (source, diagnostic.span) {
        (Some(source), Some(span)) => group = group.element(snippet(source, span, diagnostic)),
        (Some(source), None) => group = group.element(annotate_snippets::Origin::path(clean(source.name))),
        (None, _) => {}
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = width.map_or(renderer.clone(), |width| renderer.term_width(width.max(40)));
    let shown = renderer.render(&[group]);
    match width {
        Some(width) => shown.lines().map(|line| fold(line, width.max(40))).collect::<Vec<_>>().join("\n"),
        None => shown,
    }
}

/// Names, values and words of others stand in what is said. The lines of the text itself are made visible by
/// their renderer.
fn harmless(diagnostic: &Diagnostic) -> Diagnostic {
    let mut told = diagnostic.clone();
    told.message = clean(&told.message);
    told.help = told.help.as_deref().map(clean);
    told.labels.iter_mut().for_each(|label| label.text = clean(&label.text));
    told
}

fn clean(text: &str) -> String {
    clean_lines(text).join("\n")
}

fn snippet<'a>(
    source: &Source<'a>,
    span: Span,
    diagnostic: &'a Diagnostic,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let spans = || std::iter::once(span).chain(diagnostic.labels.iter().map(|label| label.span));
    let first = spans().map(|span| span.start).min().unwrap_or(0);
    let last = spans().map(|span| span.end).max().unwrap_or(0);
    let window = lines_around(source.text, Span::new(first, last));
    let line = source.text[..window.start].bytes().filter(|byte| *byte == b'\n').count() + 1;
    let shift = |span: Span| span.start - window.start..span.end - window.start;
    let labels = diagnostic
        .labels
        .iter()
        .map(|label| AnnotationKind::Context.span(shift(label.span)).label(label.text.as_str()));
    Snippet::source(window.of(source.text))
        .path(clean(source.name))
        .line_start(line)
        .annotation(AnnotationKind::Primary.span(shift(span)))
        .annotations(labels)
}

/// A line of words broken between them; those of a text and its carets stay as they are. Colour has no width.
fn fold(line: &str, width: usize) -> String {
    let plain = visible(line);
    let is_of_source =
        |start: &str| start.starts_with(['|', '-', ':', '.']) || start.starts_with(char::is_numeric);
    if plain.width() <= width || is_of_source(plain.trim_start()) {
        return line.to_owned();
    }
    let margin = " ".repeat(if plain.trim_start().starts_with('=') { 10 } else { 4 });
    let mut lines: Vec<String> = Vec::new();
    for word in line.split(' ') {
        match lines.last_mut() {
            // Spaces at the beginning are words of nothing: they stay.
            Some(last)
                if visible(last).trim().is_empty()
                    || visible(last).width() + 1 + visible(word).width() <= width =>
            {
                last.push(' ');
                last.push_str(word);
            }
            None => lines.push(word.to_owned()),
            Some(_) => lines.push(format!("{margin}{word}")),
        }
    }
    lines.join("\n")
}

/// Without escapes of colour.
fn visible(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

/// The whole lines that hold `span`, so that a long text is not read again for every finding.
fn lines_around(text: &str, span: Span) -> Span {
    let end = span.end.min(text.len());
    let start = text[..span.start.min(end)].rfind('\n').map_or(0, |at| at + 1);
    let end = text[end..].find('\n').map_or(text.len(), |at| end + at);
    Span::new(start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_shows_its_line_and_help() {
        let source = Source { name: "prd/a.md", text: "# A\n\n- [ ] x (depends on: Insall)\n" };
        let at = source.text.find("Insall").unwrap();
        let diagnostic =
            Diagnostic::error("unknown-dependency", Span::new(at, at + 6), "no task is called `Insall`")
                .help("did you mean `install`?");
        let text = render(&diagnostic, &[source], false, None);
        assert_eq!(
            text,
            "error[unknown-dependency]: no task is called `Insall`\n \
             --> prd/a.md:3:22\n  |\n3 | - [ ] x (depends on: Insall)\n  |                      ^^^^^^\n  |\n  \
             = help: did you mean `install`?"
        );
    }

    #[test]
    fn a_finding_fits_a_narrow_terminal_and_loses_no_word() {
        let text = format!("# A\n\n- [ ] {} (depends on: Insall)\n", "a title that is long ".repeat(6));
        let source = Source { name: "prd/a.md", text: &text };
        let at = text.find("Insall").unwrap();
        let message = "no task or phase of this document is called `Insall`, nor is any near to it";
        let help = "did you mean `install`, or is the heading of its phase misspelt in the document?";
        let diagnostic = Diagnostic::error("unknown-dependency", Span::new(at, at + 6), message).help(help);
        for width in [40, 60, 80] {
            let shown = render(&diagnostic, &[source], false, Some(width));
            assert_eq!(visible(&render(&diagnostic, &[source], true, Some(width))), shown);
            let widest = shown.lines().map(unicode_width::UnicodeWidthStr::width).max();
            assert!(widest <= Some(width), "{widest:?} of {width}:\n{shown}");
            let help_begins = shown.lines().any(|line| line.starts_with("  = help: did you mean"));
            assert!(help_begins, "{shown}");
            let words: Vec<&str> = shown.split_whitespace().collect();
            for word in message.split(' ').chain(help.split(' ')).chain(["^^^^^^", "Insall)"]) {
                assert!(words.contains(&word), "{word} at {width}:\n{shown}");
            }
        }
    }

    #[test]
    fn nothing_that_is_said_moves_a_cursor() {
        let source = Source { name: "a\u{1b}[2J.md", text: "tit\u{1b}[31mle \u{202e}x\n" };
        let mut diagnostic = Diagnostic::error("code", Span::new(0, 3), "of \u{1b}]0;x\u{7}\u{202e}them");
        diagnostic = diagnostic.label(Span::new(4, 5), "\u{9b}31m").help("one\ntwo\u{7}");
        let text = render(&diagnostic, &[source], false, None);
        assert_eq!(text.chars().find(|c| c.is_control() && *c != '\n'), None, "{text:?}");
        assert!(!text.contains('\u{202e}') && text.contains("of \u{fffd}them"), "{text:?}");
    }

    #[test]
    fn a_finding_about_the_whole_names_the_file() {
        let source = Source { name: "a.md", text: "" };
        let text = render(
            &Diagnostic::warning("no-tasks", None, "0 tasks under 0 headings"),
            &[source],
            false,
            None,
        );
        assert!(text.starts_with("warning[no-tasks]") && text.contains("a.md"), "{text}");
    }
}
