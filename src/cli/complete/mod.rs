//! Completion of command lines in shells. The shell's script hands over the words, and what is known of the project
//! answers: ids, phases, environments. Whatever goes wrong, nothing is said and nothing is made.
//!
//! Reading order: `line` (words of a line that is not finished), `walk` (what may stand at its end), `values` (what
//! the project knows). The scripts are beside this file.

mod line;
mod values;
mod walk;

use super::args::{Cli, Shell};
use clap::CommandFactory;
use std::ffi::OsString;
use std::io::Write;
use values::Values;

/// Tells the shell to complete a path by itself. No candidate begins so.
const FILES: &str = ":files";

/// The script of a shell.
pub(crate) fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("taskmaster.bash"),
        Shell::Zsh => include_str!("taskmaster.zsh"),
        Shell::Fish => include_str!("taskmaster.fish"),
    }
}

/// One way to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The whole word.
    value: String,
    /// What it is.
    about: String,
}

impl Candidate {
    fn new(value: impl Into<String>, about: impl Into<String>) -> Self {
        Self { value: value.into(), about: about.into() }
    }
}

/// Answers a script. Bash gives the line up to the cursor, the others the words behind the program's name.
pub(crate) fn answer(shell: Shell, words: &[OsString]) {
    let words = words.iter().map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.collect();
    let typed = match (shell, words.as_slice()) {
        (Shell::Bash, [line]) => line::Line::read(line),
        (Shell::Bash, _) => return,
        (_, words) => line::Line::of_words(words),
    };
    let answers = walk::complete(&mut Cli::command(), &typed.before, &typed.current, &Values);
    let mut out = String::new();
    for candidate in answers.candidates.iter().filter(|candidate| is_harmless(&candidate.value)) {
        match shell {
            Shell::Bash => out.push_str(&typed.insertion(&candidate.value)),
            Shell::Zsh | Shell::Fish => {
                let about = crate::report::clean_lines(&candidate.about).join(" ");
                out.push_str(&format!("{}\t{}", candidate.value, about.replace('\t', " ")));
            }
        }
        out.push('\n');
    }
    if out.is_empty() && answers.wants_files {
        out = format!("{FILES}\n");
    }
    let _ = std::io::stdout().write_all(out.as_bytes());
}

/// Foreign text: what could draw on the terminal, or be read as more than one word of the answer, is left out.
fn is_harmless(value: &str) -> bool {
    let is_hidden =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !value.is_empty() && !value.starts_with(':') && !value.chars().any(|c| c.is_control() || is_hidden(c))
}
