//! Texts of strangers, fit for one line.

/// The longest text of a source, a metric or a fault that is kept, in characters.
const MAX_CHARACTERS: usize = 300;

/// One line of bounded length: control characters become spaces, what is too long is cut.
pub(super) fn one_line(text: &str) -> String {
    let mut line: String =
        text.chars().take(MAX_CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MAX_CHARACTERS).is_some() {
        line.push('…');
    }
    line
}
