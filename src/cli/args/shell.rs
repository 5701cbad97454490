//! Arguments of what helps in a shell: `completions`, `complete` and `man`.

use clap::{Args, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// A shell whose lines are completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// source <(taskmaster completions bash)
    Bash,
    /// source <(taskmaster completions zsh)
    Zsh,
    /// taskmaster completions fish | source
    Fish,
}

/// `taskmaster completions`
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// `taskmaster complete`
#[derive(Clone, Debug, Args)]
pub struct CompleteArgs {
    /// The shell that asks
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
    /// The words behind the program's name, the last being typed; from bash the line up to the cursor
    #[arg(value_name = "WORD", last = true)]
    pub words: Vec<OsString>,
}

/// `taskmaster man`
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// Write the pages of all commands into DIR instead of the main one to standard output
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
