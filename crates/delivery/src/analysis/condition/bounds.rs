//! What a text may look like before the parser sees it.

use super::compile::Fault;

/// The longest text, in bytes.
pub(super) const MAX_LENGTH: usize = 1_024;

/// The deepest tree, in operators; a bracket weighs [`BRACKET`]. In an unoptimised build an operator
/// takes up to 38 KiB of stack and the first one 190 KiB, so this stays under 1.5 MiB of the 2 MiB that a
/// thread has.
const MAX_DEPTH: usize = 32;
/// A bracket goes through every level of the grammar.
const BRACKET: usize = 5;

/// One open bracket, or the whole text.
#[derive(Default)]
struct Level {
    /// What closes it; nothing for the whole text.
    closer: Option<u8>,
    /// Operators since the last separator.
    operators: usize,
    /// The deepest bracket since the last separator.
    inner: usize,
    /// The deepest part before the last separator.
    deepest: usize,
}

impl Level {
    fn separate(&mut self) {
        self.deepest = self.depth();
        (self.operators, self.inner) = (0, 0);
    }

    fn depth(&self) -> usize {
        self.deepest.max(self.operators + self.inner)
    }
}

/// Refuses what is too long or too deep, brackets that do not match, and characters without use here.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    let bytes = text.as_bytes();
    if bytes.len() > MAX_LENGTH {
        return Err(Fault::at(text, 0, format!("{} bytes long, at most {MAX_LENGTH} are read", bytes.len())));
    }
    let mut levels = vec![Level::default()];
    for (at, byte) in bytes.iter().enumerate() {
        step(&mut levels, bytes, at, *byte).map_err(|message| Fault::at(text, at, message))?;
    }
    if levels.len() > 1 {
        return Err(Fault::at(text, bytes.len(), "a bracket is not closed"));
    }
    Ok(())
}

fn step(levels: &mut Vec<Level>, bytes: &[u8], at: usize, byte: u8) -> Result<(), &'static str> {
    let next = bytes.get(at + 1).copied();
    match byte {
        b'(' => levels.push(Level { closer: Some(b')'), ..Level::default() }),
        b'[' => levels.push(Level { closer: Some(b']'), ..Level::default() }),
        b')' | b']' => close(levels, byte)?,
        b',' => top(levels).separate(),
        b'&' | b'|' => top(levels).separate(),
        b'/' if next == Some(b'/') => return Err("a condition has no comments"),
        b'"' | b'\'' | b'`' => return Err("a condition speaks of numbers: it has no strings"),
        b'{' | b'}' => return Err("a condition speaks of numbers: it has no maps"),
        // `<=` counts once, at its second character.
        b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'!' | b'=' | b'?' if next != Some(b'=') => {
            top(levels).operators += 1;
        }
        b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'!' | b'=' | b'?' | b':' | b'.' | b'_' => {}
        b' ' | b'\t' | b'\n' | b'\r' => {}
        other if other.is_ascii_alphanumeric() => {}
        _ => return Err("this character has no meaning here"),
    }
    let open: usize = levels.iter().map(Level::depth).sum();
    if open + (levels.len() - 1) * BRACKET > MAX_DEPTH {
        return Err("nested too deep");
    }
    Ok(())
}

/// The innermost open bracket. The whole text is never closed, so there always is one.
fn top(levels: &mut Vec<Level>) -> &mut Level {
    if levels.is_empty() {
        levels.push(Level::default());
    }
    let last = levels.len() - 1;
    &mut levels[last]
}

fn close(levels: &mut Vec<Level>, byte: u8) -> Result<(), &'static str> {
    if top(levels).closer != Some(byte) {
        return Err("this bracket closes nothing");
    }
    let depth = levels.pop().map_or(0, |level| level.depth()) + BRACKET;
    let outer = top(levels);
    outer.inner = outer.inner.max(depth);
    Ok(())
}
