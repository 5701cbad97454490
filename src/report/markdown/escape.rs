//! Foreign text inside Markdown: no markup, no HTML, no mention, no cross reference.

use crate::report::human;

/// One line of foreign text, fit for a paragraph or a table cell.
pub(super) fn text(foreign: &str) -> String {
    let mut out = String::with_capacity(foreign.len());
    let line = human::line(foreign);
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        let before_digit = rest.as_str().starts_with(|next: char| next.is_ascii_digit());
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str(if before_digit { "&amp;&#8203;" } else { "&amp;" }),
            // An address is a link, and one of an issue tells that issue of this place.
            ':' if rest.as_str().starts_with("//") => out.push_str(":&#8203;"),
            '.' if ends(&out, "www") => out.push_str("&#8203;."),
            // A character without width behind the sign stops GitHub from notifying people and from
            // linking issues; a backslash does not.
            '@' | '#' => {
                out.push(c);
                out.push_str("&#8203;");
            }
            // `GH-12` is an issue, too, and on GitLab `!12` a merge request, `%12` a milestone, `&12` an epic.
            '-' | '!' | '%' if before_digit => {
                out.push(c);
                out.push_str(if refers(&out) { "&#8203;" } else { "" });
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    if let Some(at) = list_marker(&out) {
        out.insert(at, '\\');
    }
    out
}

/// True where a number behind it would be read as a reference.
fn refers(text: &str) -> bool {
    ends(text, "!") || ends(text, "%") || ends(text, "gh-")
}

fn ends(text: &str, end: &str) -> bool {
    text.len() >= end.len() && text.as_bytes()[text.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
}

/// Where a text that begins a line would become a list or an underline (`- x`, `1. x`, `===`).
fn list_marker(text: &str) -> Option<usize> {
    if text.starts_with(['-', '+', '=']) {
        return Some(0);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text[digits..].strip_prefix(['.', ')'])?;
    (digits > 0 && (rest.is_empty() || rest.starts_with(' '))).then_some(digits)
}

/// Foreign text as inline code in a table cell, where a bar ends the cell even inside code.
pub(super) fn cell_code(foreign: &str) -> String {
    code(foreign).replace('|', "\\|")
}

/// Foreign text as inline code.
pub(super) fn code(foreign: &str) -> String {
    let text = human::line(foreign);
    let fence = "`".repeat(longest_run(&text) + 1);
    if text.starts_with('`') || text.ends_with('`') || text.is_empty() {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// Foreign lines as a fenced block.
pub(super) fn block(foreign: &str, language: &str) -> String {
    let text = human::lines(foreign).join("\n");
    let fence = "`".repeat((longest_run(&text) + 1).max(3));
    format!("{fence}{language}\n{text}\n{fence}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_mentions_are_inert() {
        assert_eq!(text("<script>*x*</script>"), r"&lt;script&gt;\*x\*&lt;/script&gt;");
        assert_eq!(text("ask @team about #12"), "ask @&#8203;team about #&#8203;12");
        assert_eq!(text("GH-7, gh-7, a-7 and !7"), "GH-&#8203;7, gh-&#8203;7, a-7 and !&#8203;7");
        assert_eq!(text("%7 &7 50%"), "%&#8203;7 &amp;&#8203;7 50%");
        assert_eq!(text("see https://x.y/issues/1"), "see https:&#8203;//x.y/issues/1");
        assert_eq!(text("WWW.x.y a: b"), "WWW&#8203;.x.y a: b");
        assert_eq!(text("a | b"), r"a \| b");
        assert_eq!(text("1. first"), r"1\. first");
        assert_eq!(text("- item"), r"\- item");
        assert_eq!(text("a. b-c 3.6 d"), "a. b-c 3.6 d");
        assert_eq!(text("3.6 d"), "3.6 d");
    }

    #[test]
    fn code_survives_back_ticks() {
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!((code("a|b"), cell_code("a|b")), ("`a|b`".to_owned(), r"`a\|b`".to_owned()));
        assert_eq!(block("```\nx", "text"), "````text\n```\nx\n````\n");
    }
}
