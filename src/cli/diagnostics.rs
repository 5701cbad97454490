//! Shows diagnostics in the manner of rustc: code, place, caret, help.

use crate::app::error::Findings;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::io::Write;
use taskmaster_core::diagnostic::{Diagnostic, Severity};
use taskmaster_core::text::Span;

/// A text and the name it is shown under.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Path as the user gave it.
    pub name: &'a str,
    /// The whole text.
    pub text: &'a str,
}

/// Shows findings on standard error; only errors where `quiet`.
pub fn print(findings: &Findings, color: bool, quiet: bool) {
    let sources: Vec<Source<'_>> =
        findings.sources.iter().map(|source| Source { name: &source.name, text: &source.text }).collect();
    let mut err = std::io::stderr().lock();
    for diagnostic in findings.diagnostics.iter().filter(|d| !quiet || d.severity == Severity::Error) {
        let _ = writeln!(err, "{}\n", render(diagnostic, &sources, color));
    }
}

/// `diagnostic` as a block of lines, without a final line break.
pub fn render(diagnostic: &Diagnostic, sources: &[Source<'_>], color: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(&diagnostic.message).id(diagnostic.code));
    let source = sources.get(diagnostic.source);
    match (source, diagnostic.span) {
        (Some(source), Some(span)) => group = group.element(snippet(source, span, diagnostic)),
        (Some(source), None) => group = group.element(annotate_snippets::Origin::path(source.name)),
        (None, _) => {}
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
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
        .path(source.name)
        .line_start(line)
        .annotation(AnnotationKind::Primary.span(shift(span)))
        .annotations(labels)
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
        let text = render(&diagnostic, &[source], false);
        assert_eq!(
            text,
            "error[unknown-dependency]: no task is called `Insall`\n \
             --> prd/a.md:3:22\n  |\n3 | - [ ] x (depends on: Insall)\n  |                      ^^^^^^\n  |\n  \
             = help: did you mean `install`?"
        );
    }

    #[test]
    fn a_finding_about_the_whole_names_the_file() {
        let source = Source { name: "a.md", text: "" };
        let text =
            render(&Diagnostic::warning("no-tasks", None, "0 tasks under 0 headings"), &[source], false);
        assert!(text.starts_with("warning[no-tasks]") && text.contains("a.md"), "{text}");
    }
}
