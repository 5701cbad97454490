//! Foreign text in Mermaid.

use crate::report::human;
use std::fmt::Write as _;

/// Longest title in a node, in characters.
const LONGEST: usize = 60;

/// Foreign text for a quoted label.
pub(super) fn label(foreign: &str) -> String {
    let line = human::line(foreign);
    let mut shown: Vec<char> = line.chars().take(LONGEST + 1).collect();
    if shown.len() > LONGEST {
        shown.truncate(LONGEST - 1);
        shown.push('…');
    }
    let mut out = String::new();
    for c in shown {
        let is_plain = c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | '-' | '…');
        match c {
            // The letters that Mermaid stands in for a number's sign with.
            'ﬂ' => out.push_str("fl"),
            // Two of them begin a formula, also when they are written as numbers.
            '$' if out.ends_with("#36;") => out.push_str("#8203;#36;"),
            c if is_plain => out.push(c),
            c => {
                let _ = write!(out, "#{};", u32::from(c));
            }
        }
    }
    if out.is_empty() { "-".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn nothing_ends_a_label() {
        assert_eq!(label("Deploy v1.2, then-wait"), "Deploy v1.2, then-wait");
        assert_eq!(label("a\"]:::x\n```"), "a#34;#93;#58;#58;#58;x #96;#96;#96;");
        assert_eq!(label("%%{init}%% <b>@me #1"), "#37;#37;#123;init#125;#37;#37; #60;b#62;#64;me #35;1");
        assert_eq!(label("ﬂ°°60¶ß"), "fl#176;#176;60#182;ß");
        assert_eq!(label(&"x".repeat(80)).chars().count(), 60);
        assert_eq!(label("設定 ünï"), "設定 ünï");
        assert_eq!(label("end | subgraph a[(x)]"), "end #124; subgraph a#91;#40;x#41;#93;");
        assert_eq!(label("$$x$$ $1"), "#36;#8203;#36;x#36;#8203;#36; #36;1");
        assert_eq!(label("a\u{202e}b\u{200f}c"), "a#65533;b#65533;c");
    }
}
